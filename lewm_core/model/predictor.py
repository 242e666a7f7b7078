"""JEPAPredictor: the next latents from the latents so far and the text, one step after another.

b batch   k steps   r latents a step   n latents (k * r)   d latent dimensions
u text units (bytes where alignment is "attention")   w predictor width   x text width
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lewm_core.config import ModelConfig
from lewm_core.model.layers import DecoderBlock, padding_bias, speaker_vector
from lewm_core.model.predictor_state import PredictorState, PreparedText

ATTENTION_SPREAD = 5.0
"""Text units around the one being spoken that cross-attention prefers (alignment "durations")."""


@dataclass
class TextPlan:
    """The encoded text as the predictor uses it, computed once a request.

    Attributes:
        memory: (b, u, x) encoded units.
        mask: (b, u) true at real units.
        frames: (b, n, x) the unit spoken at each latent with its place in it; None under "attention".
        centre: (b, k) unit that each step is centred on; None under "attention".
        latents: (b,) planned length, 0 where it is left to the stop head.
    """

    memory: Tensor
    mask: Tensor
    frames: Tensor | None
    centre: Tensor | None
    latents: Tensor


class Prenet(nn.Module):
    """Two narrow layers whose dropout keeps the predictor from copying the last latent (Tacotron 2)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dropout = config.prenet_dropout
        self.first = nn.Linear(config.latents_per_step * config.latent_dim, config.predictor_dim)
        self.second = nn.Linear(config.predictor_dim, config.predictor_dim)

    def forward(self, history: Tensor) -> Tensor:
        """Map (b, k, r d) to (b, k, w)."""
        x = F.dropout(F.gelu(self.first(history)), self.dropout, self.training)
        return F.dropout(F.gelu(self.second(x)), self.dropout, self.training)


class LatentHead(nn.Module):
    """From one hidden vector a step to r latents, each refined with the text at its own moment."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.latents_per_step = config.latents_per_step
        width = config.predictor_dim
        self.spread = nn.Linear(width, config.latents_per_step * width)
        self.text = nn.Linear(config.text_dim, width) if config.alignment == "durations" else None
        self.norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.norm_out = nn.LayerNorm(width)
        self.project_out = nn.Linear(width, config.latent_dim)

    def forward(self, hidden: Tensor, moments: Tensor | None) -> Tensor:
        """Map (b, k, w) and, where there is a plan, the projected text of each latent (b, k r, w) to
        latents (b, k r, d).
        """
        b, k, w = hidden.shape
        x = self.spread(hidden).view(b, k * self.latents_per_step, w)
        if moments is not None:
            x = x + moments
        x = x + self.feed(self.norm(x))
        return self.project_out(self.norm_out(x))


class JEPAPredictor(nn.Module):
    """Causal transformer decoder with cross-attention to the text and a stop head.

    ``active`` (d,) is 0 for latent dimensions that the autoencoder left unused: they are predicted as
    their mean, so that their noise cannot build up in a free run.
    """

    active: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.predictor_dim
        self.start = nn.Parameter(torch.zeros(config.latents_per_step * config.latent_dim))
        self.prenet = Prenet(config)
        self.speaker = nn.Embedding(config.n_speakers, width)
        self.text_in = (
            nn.Linear(config.latents_per_step * config.text_dim, width)
            if config.alignment == "durations"
            else None
        )
        self.blocks = nn.ModuleList(
            DecoderBlock(width, config.text_dim, config.predictor_heads, config.dropout)
            for _ in range(config.predictor_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = LatentHead(config)
        self.register_buffer("active", torch.ones(config.latent_dim))
        self.stop = nn.Linear(width, 1)

    def decoder_blocks(self) -> list[DecoderBlock]:
        """The layers, in order."""
        return cast(list[DecoderBlock], list(self.blocks))

    def prepare(self, plan: TextPlan, speaker: Tensor) -> PreparedText:
        """Project text and speaker for every layer and step at once.

        Args:
            speaker: (b,), or the shares of all speakers in blends (b, n_speakers).
        """
        voice = speaker_vector(self.speaker, speaker)
        given, moments = voice.unsqueeze(1), None
        if self.text_in is not None and self.head.text is not None and plan.frames is not None:
            r = self.config.latents_per_step
            b, n, width = plan.frames.shape
            given = given + self.text_in(plan.frames.reshape(b, n // r, r * width))
            moments = self.head.text(plan.frames)
        memories = [block.cross.memory(plan.memory) for block in self.decoder_blocks()]
        return PreparedText(given, moments, attention_bias(plan), memories)

    def start_state(self, plan: TextPlan, speaker: Tensor, max_steps: int) -> PredictorState:
        """Start to speak a whole batch, at most ``max_steps`` steps."""
        rows, units = plan.mask.shape
        state = PredictorState.empty(self.config, rows, max_steps, units, like=plan.memory)
        prepared = self.prepare(plan, speaker)
        for row in range(rows):
            state.put(row, prepared, self.start)
        return state

    def forward(
        self, history: Tensor, plan: TextPlan, speaker: Tensor, attention: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Predict every step at once from a known history (teacher forcing).

        Args:
            history: (b, k, r d) what each step is told came before it (see ``shift``).
            attention: each layer appends its cross-attention weights (b, h, k, u) to this list.

        Returns:
            latents (b, k r, d) and stop logits (b, k).
        """
        prepared = self.prepare(plan, speaker)
        x = self.prenet(history) + prepared.given
        for block, memory in zip(self.decoder_blocks(), prepared.memories, strict=True):
            x, weights = block(x, memory, prepared.bias, need_weights=attention is not None)
            if attention is not None:
                attention.append(weights)
        hidden = self.norm(x)
        return self.head(hidden, prepared.moments) * self.active, self.stop(hidden).squeeze(-1)

    def step(
        self, state: PredictorState, *, need_weights: bool = False
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Advance every row of ``state`` one step.

        The caller writes what the next step shall be told into ``state.last`` (with noise or without).

        Returns:
            latents (b, r, d), stop logits (b,), cross-attention (layers, b, h, u) where asked for.
        """
        now = state.now()
        x = (self.prenet(state.last[: state.rows]) + now.given).unsqueeze(1)
        collected = []
        for layer, block in enumerate(self.decoder_blocks()):
            x, weights = block(
                x, state.memory(layer), now.bias, state.cache(layer, now.place), need_weights=need_weights
            )
            collected.append(weights)
        hidden = self.norm(x)
        state.advance()
        attention = torch.stack([weights[:, :, 0] for weights in collected]) if need_weights else None
        return self.head(hidden, now.moments) * self.active, self.stop(hidden)[:, 0, 0], attention

    def shift(self, latents: Tensor) -> Tensor:
        """Turn latents (b, k r, d) into histories (b, k, r d): each step sees the step before it."""
        b, n, d = latents.shape
        r = self.config.latents_per_step
        steps = latents.reshape(b, n // r, r * d)
        return torch.cat((self.start.expand(b, 1, -1).to(steps.dtype), steps[:, :-1]), dim=1)


def attention_bias(plan: TextPlan) -> Tensor:
    """Return what is added to cross-attention scores, (b, 1, 1 or k, u): -inf at padding, and under a
    plan a bell around the unit being spoken, which keeps attention monotonic without learning it.
    """
    hidden = padding_bias(plan.mask, plan.memory)
    if plan.centre is None:
        return hidden
    units = torch.arange(plan.mask.shape[1], device=plan.mask.device)
    offset = units[None, None, :] - plan.centre.unsqueeze(-1)
    return hidden - 0.5 * (offset / ATTENTION_SPREAD).square().unsqueeze(1)
