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
from torch import Tensor, nn

from lewm_core.config import LossWeights
from lewm_core.dataset import EpochBatches, MelStore
from lewm_core.distributed import CPU, joined_sum
from lewm_core.losses import reconstruction_loss, spectral_loss
from lewm_core.model.layers import length_mask
from lewm_core.model.lewm import LeWM
from lewm_core.train_autoencoder import encode_sample, latent_figures, rise
from lewm_core.train_batch import (
    FRAME_RATE,
    Batch,
    corrupted_history,
    known_durations,
    names_of,
    prediction_figures,
    prediction_losses,
    read_mels,
    read_texts,
    text_plan,
)
from lewm_core.train_latents import known_alignments
from lewm_core.train_log import Example
from lewm_core.train_moment import Moment
from lewm_core.train_predictor import four_mels, usable_utterances
from lewm_core.train_settings import AutoencoderSettings, PredictorSettings


class JointStage:
    """Trains everything but the aligner, which has to be trained before where the preset has one."""

    name, judged_by = "joint", "tf_mel_l1"

    def __init__(
        self, model: LeWM, data: Path, folder: Path, settings: PredictorSettings, latents: AutoencoderSettings,
        weights: LossWeights, device: torch.device = CPU,
    ) -> None:  # fmt: skip
        self.model, self.settings, self.latents, self.weights = model.to(device), settings, latents, weights
        self.device = device
        self.train_store, self.dev_store = MelStore(data, "train"), MelStore(data, "dev")
        folder.mkdir(parents=True, exist_ok=True)
        self._train_durations = known_alignments(model, self.train_store, folder, "train")
        self._dev_durations = known_alignments(model, self.dev_store, folder, "dev")
        self.speaker_index = {s.name: i for i, s in enumerate(self.train_store.speakers())}
        known, aligned = set(self.speaker_index), model.aligner is not None
        self.usable = usable_utterances(self.train_store, self._train_durations, known, aligned=aligned)
        self.held_out_usable = usable_utterances(self.dev_store, self._dev_durations, known, aligned=aligned)
        self.weight = torch.ones(model.config.latent_dim, device=device)
        if model.aligner is not None:
            model.aligner.requires_grad_(False).eval()
        sizes = [self.train_store.utterances[index].frames for index in self.usable]
        self._batches = EpochBatches(sizes, settings.frames_per_batch)

    def parameters(self) -> list[nn.Parameter]:
        """Everything but the aligner's."""
        return [p for p in self.model.parameters() if p.requires_grad]

    def modules(self) -> dict[str, nn.Module]:
        """The whole model."""
        return {"model": self.model}

    def _indices(self, step: int) -> list[int]:
        return [self.usable[i] for i in self._batches.at(step)]

    def _read(
        self, store: MelStore, durations: list[list[int] | None], indices: list[int], longest: int
    ) -> tuple[Tensor, Tensor, Batch]:
        """Mels (b, m, t) padded to whole steps, their lengths (b,), and the batch without its latents."""
        model, config = self.model, self.model.config
        multiple = config.downsample_factor * config.latents_per_step
        mel, lengths = read_mels(store, indices, -(-longest // multiple) * multiple, self.device)
        rows = [store.utterances[i] for i in indices]
        text = read_texts(model, rows, self.device)
        known = known_durations(durations, indices, text) if model.aligner is not None else None
        speaker = torch.tensor([self.speaker_index[row.speaker] for row in rows], device=self.device)
        latents = mel.new_zeros(len(indices), mel.shape[2] // config.downsample_factor, config.latent_dim)
        return mel, lengths, Batch(latents, -(-lengths // config.downsample_factor), text, speaker, known)

    def loss(self, now: Moment) -> dict[str, Tensor]:
        """All losses of one batch of whole utterances; see ``Stage``."""
        model, settings, weights = self.model, self.settings, self.weights
        model.train()
        indices = self._indices(now.step)
        longest = max(self.train_store.utterances[i].frames for i in indices)
        mine = now.processes.share(indices)
        mel, lengths, empty = self._read(self.train_store, self._train_durations, mine, longest)
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
        factor = {self.latents.regularizer: rise(now, self.latents.rise)}
        losses["total"] = sum(
            (factor.get(name, 1.0) * getattr(weights, name) * value for name, value in losses.items()),
            torch.zeros(()),
        )
        losses["audio_seconds"] = joined_sum(lengths.sum()) / FRAME_RATE
        return losses

    def batch_names(self, now: Moment) -> list[str]:
        """Sound files of the step's batch; see ``Stage``."""
        return names_of(self.train_store, self._indices(now.step))

    @torch.no_grad()
    def training_batch(self, indices: list[int]) -> Batch:
        """Encode training utterances."""
        longest = max(self.train_store.utterances[i].frames for i in indices)
        mel, _, batch = self._read(self.train_store, self._train_durations, indices, longest)
        batch.latents = self.model.normalise(self.model.audio_encoder(mel, batch.real)[0])
        return batch

    def held_out(self, count: int) -> tuple[list[int], Batch]:
        """Held-out utterances, evenly chosen: their indices, and their batch."""
        indices, _, _, _, batch = self._held_out(count)
        return indices, batch

    @torch.no_grad()
    def _held_out(self, count: int) -> tuple[list[int], Tensor, Tensor, Tensor, Batch]:
        """Indices, mels (b, m, t), frame mask (b, 1, t), logvar (b, n, d) and batch of held-out utterances."""
        usable = self.held_out_usable
        indices = usable[:: max(1, len(usable) // count)][:count]
        longest = max(self.dev_store.utterances[i].frames for i in indices)
        mel, lengths, batch = self._read(self.dev_store, self._dev_durations, indices, longest)
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

    @torch.no_grad()
    def examples(self, count: int) -> list[Example]:
        """Truth, reconstruction, teacher-forced and free-running prediction of held-out sentences."""
        self.model.eval()
        indices, batch = self.held_out(count)
        _, forced, free = prediction_figures(self.model, batch)
        rebuilt = self.model.mel_decoder(self.model.denormalise(batch.latents))
        return four_mels(self.dev_store, indices, rebuilt, forced, free)
