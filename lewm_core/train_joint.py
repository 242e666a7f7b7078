"""Joint stage, the classic recipe: encoder, decoder and predictor learn together, in the sense of a JEPA.

The predictor hears the sampled latents of the steps before and is judged by the mean of the next ones; gradients
run into the encoder on both sides (no stop-gradient, as in LeWM, arXiv 2603.19312), and the regulariser keeps the
latents from shrinking towards what is easy to predict.

b batch   m mel bands   t mel frames   n latents   r latents a step   d latent dimensions
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from lewm_core.config import LossWeights
from lewm_core.dataset import TTSDataset
from lewm_core.distributed import CPU, joined_sum
from lewm_core.losses import reconstruction_loss, spectral_loss
from lewm_core.model.layers import length_mask
from lewm_core.model.lewm import LeWM
from lewm_core.train_autoencoder import encode_sample, latent_figures, rise
from lewm_core.train_batch import (
    FRAME_RATE,
    Batch,
    corrupted_history,
    prediction_figures,
    prediction_losses,
    text_plan,
)
from lewm_core.train_latents import known_alignments
from lewm_core.train_moment import Moment
from lewm_core.train_settings import AutoencoderSettings, PredictorSettings
from lewm_core.train_speaking import SpeakingStage


class JointStage(SpeakingStage):
    """Trains everything but the aligner, which has to be trained before where the preset has one."""

    name, judged_by = "joint", "tf_mel_l1"

    def __init__(
        self, model: LeWM, data: Path, folder: Path, settings: PredictorSettings, latents: AutoencoderSettings,
        weights: LossWeights, device: torch.device = CPU,
    ) -> None:  # fmt: skip
        super().__init__(model, data, settings, weights, device)
        self.latents = latents
        folder.mkdir(parents=True, exist_ok=True)
        self.choose(
            known_alignments(model, self.train_store, folder, "train"),
            known_alignments(model, self.dev_store, folder, "dev"),
        )
        if model.aligner is not None:
            model.aligner.requires_grad_(False).eval()

    def _read(self, data: TTSDataset, indices: list[int], frames: int = 0) -> tuple[Tensor, Tensor, Batch]:
        """Mels (b, m, t) padded to whole steps, their lengths (b,), and the batch without its latents."""
        config = self.model.config
        sound = data.batch(indices, config.downsample_factor * config.latents_per_step, frames).to(
            self.device
        )
        mel, lengths = sound.mel, sound.lengths
        latents = mel.new_zeros(len(indices), mel.shape[2] // config.downsample_factor, config.latent_dim)
        return mel, lengths, self.labelled(data, indices, latents, -(-lengths // config.downsample_factor))

    def loss(self, now: Moment) -> dict[str, Tensor]:
        """All losses of one batch of whole utterances; see ``Stage``."""
        model, settings, weights = self.model, self.settings, self.weights
        model.train()
        indices = self._batches.at(now.step)
        longest = max(self.train_set.sizes[i] for i in indices)
        mel, lengths, empty = self._read(self.train_set, now.processes.share(indices), longest)
        draws = now.draws(len(indices))
        mu, sample, losses = encode_sample(model, mel, empty.real, self.latents, draws, now)
        heard, target = (replace(empty, latents=model.normalise(latents)) for latents in (sample, mu))
        plan = text_plan(model, heard)
        history = corrupted_history(model, heard, plan, settings, draws, settings.sampled_share(now.done))
        _, predicted = prediction_losses(
            model, target, history, plan, self.weight, settings, guided=weights.guided_attention > 0
        )
        decoded = model.mel_decoder(sample).float()
        frames = length_mask(lengths, mel.shape[2]).unsqueeze(1)
        losses |= predicted
        losses["reconstruction"] = reconstruction_loss(decoded, mel, frames)
        losses["spectral"] = spectral_loss(decoded, mel, frames)
        losses["total"] = self.total(losses, {self.latents.regularizer: rise(now, self.latents.rise)})
        losses["audio_seconds"] = joined_sum(lengths.sum()) / FRAME_RATE
        return losses

    @torch.no_grad()
    def training_batch(self, indices: list[int]) -> Batch:
        """Encode training utterances."""
        mel, _, batch = self._read(self.train_set, indices)
        batch.latents = self.model.normalise(self.model.audio_encoder(mel, batch.real)[0])
        return batch

    def held_out(self, count: int) -> tuple[list[int], Batch]:
        """Held-out utterances, evenly chosen: their indices, and their batch."""
        indices, _, _, _, batch = self._held_out(count)
        return indices, batch

    @torch.no_grad()
    def _held_out(self, count: int) -> tuple[list[int], Tensor, Tensor, Tensor, Batch]:
        """Indices, mels (b, m, t), frame mask (b, 1, t), logvar (b, n, d) and batch of held-out utterances."""
        indices = self.held_out_indices(count)
        mel, lengths, batch = self._read(self.dev_set, indices)
        mu, logvar = self.model.audio_encoder(mel, batch.real)
        batch.latents = self.model.normalise(mu)
        return indices, mel, length_mask(lengths, mel.shape[2]).unsqueeze(1), logvar, batch

    @torch.no_grad()
    def validate(self, count: int = 32) -> dict[str, float]:
        """Reconstruction, teacher-forced and free-running error on held-out sentences.

        Here mel L1 is against the recording: latents that shrink make their own rendering an easy target.
        """
        model = self.model
        model.eval()
        _, mel, frames, logvar, batch = self._held_out(count)
        figures, forced, free = prediction_figures(model, batch)
        rebuilt = model.mel_decoder(model.denormalise(batch.latents))
        for name, made in (("mel_l1", rebuilt), ("tf_mel_l1", forced), ("ar_mel_l1", free)):
            figures[name] = float(reconstruction_loss(made, mel, frames))
        return figures | latent_figures(batch.latents, logvar, batch.real)
