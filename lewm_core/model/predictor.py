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
from lewm_core.model.layers import DecoderBlock, KeyValueCache, padding_bias

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


@dataclass
class PredictorState:
    """What generation carries from step to step: a cache a layer and the projected text."""

    caches: list[KeyValueCache]
    memories: list[tuple[Tensor, Tensor]]
    step: int = 0


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

    def forward(self, hidden: Tensor, frames: Tensor | None) -> Tensor:
        """Map (b, k, w) and, where there is a plan, its (b, k r, x) to latents (b, k r, d)."""
        b, k, w = hidden.shape
        x = self.spread(hidden).view(b, k * self.latents_per_step, w)
        if self.text is not None and frames is not None:
            x = x + self.text(frames)
        x = x + self.feed(self.norm(x))
        return self.project_out(self.norm_out(x))


class JEPAPredictor(nn.Module):
    """Causal transformer decoder with cross-attention to the text and a stop head."""

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
        self.stop = nn.Linear(width, 1)

    def _decoder_blocks(self) -> list[DecoderBlock]:
        return cast(list[DecoderBlock], list(self.blocks))

    def start_state(self, plan: TextPlan, max_steps: int) -> PredictorState:
        """Allocate caches for ``max_steps`` and project the text once for every layer."""
        heads = self.config.predictor_heads
        width = self.config.predictor_dim // heads
        batch = plan.memory.shape[0]
        caches = [KeyValueCache.empty(batch, heads, max_steps, width, plan.memory) for _ in self.blocks]
        return PredictorState(caches, [block.cross.memory(plan.memory) for block in self._decoder_blocks()])

    def forward(self, history: Tensor, plan: TextPlan, speaker: Tensor) -> tuple[Tensor, Tensor]:
        """Predict every step at once from a known history (teacher forcing).

        Args:
            history: (b, k, r d) what each step is told came before it (see ``shift``).

        Returns:
            latents (b, k r, d) and stop logits (b, k).
        """
        hidden, _ = self._run(history, plan, speaker, None, slice(0, history.shape[1]), need_weights=False)
        return self.head(hidden, plan.frames), self.stop(hidden).squeeze(-1)

    def step(
        self,
        last: Tensor | None,
        plan: TextPlan,
        speaker: Tensor,
        state: PredictorState,
        *,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Advance one step.

        Args:
            last: (b, r d) the latents of the step before; None at the first step.

        Returns:
            latents (b, r, d), stop logits (b,), cross-attention (layers, b, h, u) where asked for.
        """
        r = self.config.latents_per_step
        history = (self.start.expand(plan.memory.shape[0], -1) if last is None else last).unsqueeze(1)
        at = slice(state.step, state.step + 1)
        hidden, weights = self._run(history, plan, speaker, state, at, need_weights=need_weights)
        frames = None if plan.frames is None else plan.frames[:, at.start * r : at.stop * r]
        state.step += 1
        return self.head(hidden, frames), self.stop(hidden)[:, 0, 0], weights

    def shift(self, latents: Tensor) -> Tensor:
        """Turn latents (b, k r, d) into histories (b, k, r d): each step sees the step before it."""
        b, n, d = latents.shape
        r = self.config.latents_per_step
        steps = latents.reshape(b, n // r, r * d)
        return torch.cat((self.start.expand(b, 1, -1).to(steps.dtype), steps[:, :-1]), dim=1)

    def _run(
        self, history: Tensor, plan: TextPlan, speaker: Tensor, state: PredictorState | None, at: slice,
        *, need_weights: bool,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """Run the blocks over steps ``at`` and return hidden (b, k, w) and attention where asked for."""
        voice = self.speaker(speaker) if speaker.dim() == 1 else speaker
        x = self.prenet(history) + voice.unsqueeze(1)
        if self.text_in is not None and plan.frames is not None:
            r = self.config.latents_per_step
            b, n, width = plan.frames.shape
            x = x + self.text_in(plan.frames.reshape(b, n // r, r * width)[:, at])
        bias = attention_bias(plan, at)
        collected = []
        for layer, block in enumerate(self._decoder_blocks()):
            memory = block.cross.memory(plan.memory) if state is None else state.memories[layer]
            cache = None if state is None else state.caches[layer]
            x, weights = block(x, memory, bias, cache, need_weights=need_weights)
            collected.append(weights)
        attention = torch.stack([w[:, :, -1] for w in collected]) if need_weights else None
        return self.norm(x), attention


def attention_bias(plan: TextPlan, at: slice) -> Tensor:
    """Return what is added to cross-attention scores, (b, 1, 1 or k, u): -inf at padding, and under a
    plan a bell around the unit being spoken, which keeps attention monotonic without learning it.
    """
    hidden = padding_bias(plan.mask, plan.memory)
    if plan.centre is None:
        return hidden
    units = torch.arange(plan.mask.shape[1], device=plan.mask.device)
    offset = units[None, None, :] - plan.centre[:, at].unsqueeze(-1)
    return hidden - 0.5 * (offset / ATTENTION_SPREAD).square().unsqueeze(1)
