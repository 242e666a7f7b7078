"""Batches of whole utterances, and what is done to the history that a predictor learns from.

b batch   m mel bands   t mel frames   n latents   k steps   r latents a step   d latent dimensions
u text units
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lewm_core.config import MelConfig
from lewm_core.dataset import MelStore, Utterance
from lewm_core.losses import (
    guided_attention_loss,
    masked_mean,
    prediction_loss,
    reconstruction_loss,
    stop_loss,
)
from lewm_core.model.layers import length_mask
from lewm_core.model.lewm import LeWM
from lewm_core.model.predictor import TextPlan
from lewm_core.model.text_batch import TextBatch
from lewm_core.train_moment import Draws
from lewm_core.train_settings import PredictorSettings

FRAME_RATE = MelConfig().frame_rate
OFF_DIAGONAL_WIDTH = 0.2
"""Width of the diagonal in the validation figure, whatever width training guides by, so that runs compare."""


@dataclass
class Batch:
    """One padded batch, as the predictor reads it.

    Attributes:
        latents: (b, n, d) normalised, n a multiple of r.  lengths: (b,) true latents.
        text: what the text encoder reads.  speaker: (b,).
        durations: (b, u) latents a text unit; None under "attention".
    """

    latents: Tensor
    lengths: Tensor
    text: TextBatch
    speaker: Tensor
    durations: Tensor | None

    @property
    def real(self) -> Tensor:
        """(b, n), true at latents that are not padding."""
        return length_mask(self.lengths, self.latents.shape[1])


def text_to(text: TextBatch, device: torch.device) -> TextBatch:
    """The same texts on another device."""
    return TextBatch(
        text.bytes.to(device), text.unit_index.to(device), text.lengths.to(device), text.units.to(device)
    )


def read_texts(model: LeWM, rows: Sequence[Utterance], device: torch.device) -> TextBatch:
    """The texts of utterances, in the spelling that the model reads."""
    return text_to(TextBatch.of([model.reads(row.text, row.phonemes) for row in rows]), device)


def known_durations(
    durations: Sequence[Sequence[int] | None], indices: Sequence[int], text: TextBatch
) -> Tensor:
    """Durations (b, u) of the utterances ``indices``, padded with 0."""
    table = torch.zeros(len(indices), int(text.units.max()), dtype=torch.long)
    for row, index in enumerate(indices):
        known = durations[index] or []
        table[row, : len(known)] = torch.tensor(known)
    return table.to(text.bytes.device)


def names_of(store: MelStore, indices: Sequence[int]) -> list[str]:
    """Utterances as a person finds them again: the sound file, and where in it they begin."""
    rows = [store.utterances[index] for index in indices]
    return [
        (row.audio or f"utterance {index}") + (f" at {row.start:.2f} s" if row.start else "")
        for index, row in zip(indices, rows, strict=True)
    ]


def text_plan(model: LeWM, batch: Batch) -> TextPlan:
    """Encode the texts of a batch and lay them along its steps."""
    memory, mask = model.encode_text(batch.text, batch.speaker)
    steps = batch.latents.shape[1] // model.config.latents_per_step
    return model.plan(memory, mask, batch.durations, steps)


def corrupted_history(
    model: LeWM, batch: Batch, plan: TextPlan, settings: PredictorSettings, draws: Draws, sampled: float
) -> Tensor:
    """What each step is told of the past (b, k, r d): the truth, made unreliable in three ways.

    Args:
        sampled: largest share of steps that hear the model's own prediction (scheduled sampling in two
            passes, arXiv 1906.04331).
    """
    predictor = model.predictor
    history = predictor.shift(batch.latents)
    k = history.shape[1]
    if sampled > 0:
        with torch.no_grad():
            own = predictor(history, plan, batch.speaker)[0].float()
        use = draws.uniform("own", k, 1) < sampled * draws.uniform("own share", 1, 1)
        history = torch.where(use, predictor.shift(own), history)
    if settings.noise > 0:
        noise = draws.normal("noise", *history.shape[1:])
        history = history + settings.noise * draws.uniform("noise share", 1, 1) * noise
    if settings.mask_share > 0:
        hide = draws.uniform("hide", k, 1) < settings.mask_share * draws.uniform("hide share", 1, 1)
        hide[:, 0] = False
        history = history.masked_fill(hide, 0.0)
    return history


def prediction_losses(
    model: LeWM, batch: Batch, history: Tensor, plan: TextPlan, weight: Tensor, settings: PredictorSettings,
    *, guided: bool,
) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
    """Predict a batch; return the latents (b, n, d) and the losses "prediction", "stop", "duration" and
    "guided_attention", as far as the model has them.

    Args:
        weight: (d,) importance of each latent dimension.
        guided: whether attention is to be judged (it costs time).
    """
    r = model.config.latents_per_step
    attention: list[Tensor] | None = [] if guided and plan.centre is None else None
    predicted, stop = model.predictor(history, plan, batch.speaker, attention)
    predicted, stop = predicted.float(), stop.float()
    last_step = (batch.lengths - 1) // r
    losses = {
        "prediction": prediction_loss(predicted, batch.latents, weight, batch.real),
        "stop": stop_loss(stop, last_step, length_mask(last_step + 1, stop.shape[1])),
    }
    if model.duration is not None and batch.durations is not None:
        log_durations = model.duration(plan.memory, plan.mask).float()
        target = batch.durations.clamp_min(1).float().log()
        losses["duration"] = masked_mean((log_durations - target).square(), plan.mask)
    if attention:
        losses["guided_attention"] = guided_attention_loss(
            guided_heads(attention, settings.guided_heads),
            last_step + 1,
            plan.mask.sum(1),
            settings.guided_width,
        )
    return predicted, losses


def guided_heads(attention: Sequence[Tensor], share: float) -> Tensor:
    """The first heads of each layer but the first, (b, heads, k, u): the others stay free to look around."""
    layers = attention[1:] or attention
    heads = max(1, round(share * layers[0].shape[1]))
    return torch.cat([layer[:, :heads] for layer in layers], dim=1)


@torch.no_grad()
def prediction_figures(model: LeWM, batch: Batch) -> tuple[dict[str, float], Tensor, Tensor]:
    """Teacher-forced and free-running errors of a held-out batch, along true lengths.

    Returns:
        figures; mels (b, m, t) of the teacher-forced and of the free-running prediction.
    """
    r, factor = model.config.latents_per_step, model.config.downsample_factor
    plan = text_plan(model, batch)
    attention: list[Tensor] = []
    forced, stop = model.predictor(model.predictor.shift(batch.latents), plan, batch.speaker, attention)
    free = model.free_run(plan, batch.speaker, batch.latents.shape[1] // r)
    real, last = batch.real, (batch.lengths - 1) // r
    truth, forced_mel, free_mel = (
        model.mel_decoder(model.denormalise(latents)) for latents in (batch.latents, forced, free)
    )
    frames = length_mask(batch.lengths * factor, truth.shape[2]).unsqueeze(1)
    third = (
        torch.arange(free.shape[1], device=free.device)[None] >= (batch.lengths * 2 // 3)[:, None]
    ) & real
    ones = torch.ones(free.shape[2], device=free.device)
    figures = {
        "tf_mse": float(prediction_loss(forced, batch.latents, ones, real)),
        "ar_mse": float(prediction_loss(free, batch.latents, ones, real)),
        "tf_mel_l1": float(reconstruction_loss(forced_mel, truth, frames)),
        "ar_mel_l1": float(reconstruction_loss(free_mel, truth, frames)),
        "ar_tail_std_ratio": float(free[third].std() / batch.latents[third].std()),
        "stop": float(stop_loss(stop, last, length_mask(last + 1, stop.shape[1]))),
    }
    if plan.centre is None:
        heads = torch.cat(attention, dim=1)
        figures["attention_off_diagonal"] = float(
            guided_attention_loss(heads, last + 1, plan.mask.sum(1), OFF_DIAGONAL_WIDTH)
        )
    if model.duration is not None and batch.durations is not None:
        guess = model.duration(plan.memory, plan.mask)
        target = batch.durations.clamp_min(1).log()
        figures["duration"] = float(masked_mean((guess - target).square(), plan.mask))
        length = (guess.exp() * plan.mask).sum(1) / batch.durations.sum(1)
        figures["length_ratio"] = float(length.mean())
    return figures, forced_mel, free_mel


@torch.no_grad()
def residual_spread(model: LeWM, batch: Batch) -> Tensor:
    """Root mean square of what teacher-forced prediction misses on held-out clips, (d,), normalised.

    It is the spread that temperature 1 adds to each dimension.
    """
    plan = text_plan(model, batch)
    predicted, _ = model.predictor(model.predictor.shift(batch.latents), plan, batch.speaker)
    return (predicted - batch.latents)[batch.real].square().mean(0).sqrt()
