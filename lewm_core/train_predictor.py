"""Predictor stage: next-latent prediction on the frozen, normalised latents of a trained autoencoder.

b batch   n latents   k steps   r latents a step   d latent dimensions   u text units
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lewm_core.config import LossWeights
from lewm_core.dataset import TTSDataset
from lewm_core.distributed import CPU, joined_sum
from lewm_core.losses import reconstruction_loss, spectral_loss
from lewm_core.model.lewm import LeWM
from lewm_core.train_batch import (
    FRAME_RATE,
    Batch,
    corrupted_history,
    prediction_figures,
    prediction_losses,
    text_plan,
)
from lewm_core.train_latents import LatentStore, latent_store
from lewm_core.train_moment import Draws, Moment
from lewm_core.train_settings import PredictorSettings
from lewm_core.train_speaking import SpeakingStage


class PredictorStage(SpeakingStage):
    """Trains text encoder, predictor, stop head and durations; encoder and decoder stay frozen."""

    name, judged_by = "predictor", "ar_mel_l1"

    def __init__(
        self, model: LeWM, data: Path, folder: Path, settings: PredictorSettings,
        weights: LossWeights | None = None, device: torch.device = CPU,
    ) -> None:  # fmt: skip
        """Open data and latents, which are made where they are missing."""
        super().__init__(model, data, settings, weights or LossWeights(), device)
        folder.mkdir(parents=True, exist_ok=True)
        self.train_latents = latent_store(model, self.train_store, folder, "train")
        self.dev_latents = latent_store(model, self.dev_store, folder, "dev")
        self.choose(self.train_latents.durations, self.dev_latents.durations)
        if model.aligner is None:
            self.judged_by = "tf_mel_l1"  # nothing keeps a free run in step with the recording
        for frozen in (model.audio_encoder, model.mel_decoder, model.aligner):
            if frozen is not None:
                frozen.requires_grad_(False).eval()

    def batch(self, data: TTSDataset, latents: LatentStore, indices: list[int]) -> Batch:
        """Collate utterances; the last latent is repeated up to a whole step."""
        model, r = self.model, self.model.config.latents_per_step
        lengths = torch.tensor(latents.lengths[indices])
        longest = -(-int(lengths.max()) // r) * r
        padded = torch.zeros(len(indices), longest, model.config.latent_dim)
        for row, index in enumerate(indices):
            start, count = latents.offsets[index], latents.lengths[index]
            values = torch.from_numpy(np.asarray(latents.latents[start : start + count], dtype=np.float32))
            padded[row, :count] = values
            padded[row, count:] = values[-1]
        normal = model.normalise(padded.to(self.device))
        return self.labelled(data, indices, normal, lengths.to(self.device))

    def training_batch(self, indices: list[int]) -> Batch:
        """Collate training utterances."""
        return self.batch(self.train_set, self.train_latents, indices)

    def held_out(self, count: int) -> tuple[list[int], Batch]:
        """Held-out utterances, evenly chosen: their indices, and their batch."""
        chosen = self.held_out_indices(count)
        return chosen, self.batch(self.dev_set, self.dev_latents, chosen)

    def loss(self, now: Moment) -> dict[str, Tensor]:
        """Losses of one step; see ``Stage``."""
        model, settings, weights = self.model, self.settings, self.weights
        model.text_encoder.train(), model.predictor.train()
        if model.duration is not None:
            model.duration.train()
        indices = self._batches.at(now.step)
        batch, draws = self.training_batch(now.processes.share(indices)), now.draws(len(indices))
        plan = text_plan(model, batch)
        history = corrupted_history(model, batch, plan, settings, draws, settings.sampled_share(now.done))
        predicted, losses = prediction_losses(
            model, batch, history, plan, self.weight, settings, guided=weights.guided_attention > 0
        )
        if weights.mel > 0:
            shortest = int(self.train_latents.lengths[indices].min())
            losses["mel"] = self._mel_loss(predicted, batch, draws, min(settings.mel_crop, shortest))
        losses["total"] = self.total(losses)
        seconds = batch.lengths.sum() * model.config.downsample_factor / FRAME_RATE
        losses["audio_seconds"] = joined_sum(seconds)
        return losses

    def _mel_loss(self, predicted: Tensor, batch: Batch, draws: Draws, width: int) -> Tensor:
        """L1 and edges of a decoded stretch against the same stretch decoded from the true latents."""
        starts = draws.below("crop", [int(length) - width + 1 for length in batch.lengths])
        rows = torch.arange(len(starts), device=self.device).unsqueeze(1)
        columns = torch.tensor(starts, device=self.device).unsqueeze(1) + torch.arange(
            width, device=self.device
        )
        guess = self.model.mel_decoder(self.model.denormalise(predicted[rows, columns])).float()
        with torch.no_grad():
            truth = self.model.mel_decoder(self.model.denormalise(batch.latents[rows, columns])).float()
        everywhere = torch.ones(len(starts), 1, truth.shape[2], dtype=torch.bool, device=self.device)
        return reconstruction_loss(guess, truth, everywhere) + 0.5 * spectral_loss(guess, truth, everywhere)

    def validate(self, count: int = 32) -> dict[str, float]:
        """Teacher-forced and free-running error on held-out sentences, along their true durations.

        Mel L1 is against the decoder's rendering of the true latents: what the predictor adds to the
        decoder's own error.
        """
        self.model.eval()
        return prediction_figures(self.model, self.held_out(count)[1])[0]
