"""Predictor stage: next-latent prediction on the frozen, normalised latents of a trained autoencoder.

b batch   n latents   k steps   r latents a step   d latent dimensions   u text units
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lewm_core.config import LossWeights
from lewm_core.dataset import EpochBatches, MelStore
from lewm_core.distributed import CPU, joined_sum
from lewm_core.losses import reconstruction_loss, spectral_loss
from lewm_core.model.lewm import LeWM
from lewm_core.train_batch import (
    FRAME_RATE,
    Batch,
    corrupted_history,
    known_durations,
    names_of,
    prediction_figures,
    prediction_losses,
    read_texts,
    text_plan,
)
from lewm_core.train_latents import LatentStore, latent_store
from lewm_core.train_log import Example
from lewm_core.train_moment import Draws, Moment
from lewm_core.train_settings import PredictorSettings, SettingsError


def usable_utterances(
    store: MelStore, durations: list[list[int] | None], speakers: set[str], *, aligned: bool
) -> list[int]:
    """Utterances of known speakers whose text, where it has to be aligned, fits the clip.

    Raises:
        SettingsError: there is none.
    """
    usable = [
        index for index, (row, known) in enumerate(zip(store.utterances, durations, strict=True))
        if row.speaker in speakers and (known is not None or not aligned)
    ]  # fmt: skip
    if not usable:
        raise SettingsError(
            "No utterance's text fits its clip: train the aligner for longer, or look at the data."
        )
    return usable


class PredictorStage:
    """Trains text encoder, predictor, stop head and durations; encoder and decoder stay frozen."""

    name, judged_by = "predictor", "ar_mel_l1"

    def __init__(
        self, model: LeWM, data: Path, folder: Path, settings: PredictorSettings,
        weights: LossWeights | None = None, device: torch.device = CPU,
    ) -> None:  # fmt: skip
        """Open data and latents, which are made where they are missing.

        ``weight``, how much each latent dimension counts, is 1 until the caller sets it.
        """
        self.model, self.settings, self.weights = model.to(device), settings, weights or LossWeights()
        self.device = device
        self.train_store, self.dev_store = MelStore(data, "train"), MelStore(data, "dev")
        folder.mkdir(parents=True, exist_ok=True)
        self.train_latents = latent_store(model, self.train_store, folder, "train")
        self.dev_latents = latent_store(model, self.dev_store, folder, "dev")
        self.speaker_index = {s.name: i for i, s in enumerate(self.train_store.speakers())}
        if model.aligner is None:
            self.judged_by = "tf_mel_l1"  # nothing keeps a free run in step with the recording
        known, aligned = set(self.speaker_index), model.aligner is not None
        self.usable = usable_utterances(
            self.train_store, self.train_latents.durations, known, aligned=aligned
        )
        self.held_out_usable = usable_utterances(
            self.dev_store, self.dev_latents.durations, known, aligned=aligned
        )
        self.weight = torch.ones(model.config.latent_dim, device=device)
        for frozen in (model.audio_encoder, model.mel_decoder, model.aligner):
            if frozen is not None:
                frozen.requires_grad_(False).eval()
        sizes = [self.train_store.utterances[index].frames for index in self.usable]
        self._batches = EpochBatches(sizes, settings.frames_per_batch)

    def parameters(self) -> list[nn.Parameter]:
        """Everything that still takes gradients."""
        return [p for p in self.model.parameters() if p.requires_grad]

    def modules(self) -> dict[str, nn.Module]:
        """The whole model, so that a checkpoint can be exported from any save."""
        return {"model": self.model}

    def batch(self, store: MelStore, latents: LatentStore, indices: list[int]) -> Batch:
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
        rows = [store.utterances[i] for i in indices]
        text = read_texts(model, rows, self.device)
        durations = None
        if model.aligner is not None:
            durations = known_durations(latents.durations, indices, text)
        speaker = torch.tensor([self.speaker_index[row.speaker] for row in rows], device=self.device)
        normal = model.normalise(padded.to(self.device))
        return Batch(normal, lengths.to(self.device), text, speaker, durations)

    def training_batch(self, indices: list[int]) -> Batch:
        """Collate training utterances."""
        return self.batch(self.train_store, self.train_latents, indices)

    def held_out(self, count: int) -> tuple[list[int], Batch]:
        """Held-out utterances, evenly chosen: their indices, and their batch."""
        usable = self.held_out_usable
        chosen = usable[:: max(1, len(usable) // count)][:count]
        return chosen, self.batch(self.dev_store, self.dev_latents, chosen)

    def _indices(self, step: int) -> list[int]:
        return [self.usable[i] for i in self._batches.at(step)]

    def loss(self, now: Moment) -> dict[str, Tensor]:
        """Losses of one step; see ``Stage``."""
        model, settings, weights = self.model, self.settings, self.weights
        model.text_encoder.train(), model.predictor.train()
        if model.duration is not None:
            model.duration.train()
        indices = self._indices(now.step)
        batch, draws = self.training_batch(now.processes.share(indices)), now.draws(len(indices))
        plan = text_plan(model, batch)
        history = corrupted_history(model, batch, plan, settings, draws, settings.sampled_share(now.done))
        predicted, losses = prediction_losses(
            model, batch, history, plan, self.weight, settings, guided=weights.guided_attention > 0
        )
        if weights.mel > 0:
            shortest = int(self.train_latents.lengths[indices].min())
            losses["mel"] = self._mel_loss(predicted, batch, draws, min(settings.mel_crop, shortest))
        losses["total"] = sum(
            (getattr(weights, name) * value for name, value in losses.items()), torch.zeros(())
        )
        seconds = batch.lengths.sum() * model.config.downsample_factor / FRAME_RATE
        losses["audio_seconds"] = joined_sum(seconds)
        return losses

    def batch_names(self, now: Moment) -> list[str]:
        """Sound files of the step's batch; see ``Stage``."""
        return names_of(self.train_store, self._indices(now.step))

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

    def examples(self, count: int) -> list[Example]:
        """Truth, reconstruction, teacher-forced and free-running prediction of held-out sentences."""
        self.model.eval()
        indices, batch = self.held_out(count)
        _, forced, free = prediction_figures(self.model, batch)
        with torch.no_grad():
            rebuilt = self.model.mel_decoder(self.model.denormalise(batch.latents))
        return four_mels(self.dev_store, indices, rebuilt, forced, free)


def four_mels(
    store: MelStore, indices: list[int], rebuilt: Tensor, forced: Tensor, free: Tensor
) -> list[Example]:
    """Truth, reconstruction, teacher-forced and free-running mels (b, m, t) of held-out sentences."""
    examples = []
    for row, index in enumerate(indices):
        truth = np.ascontiguousarray(store.mel(index).T)
        made = {"reconstruction": rebuilt, "teacher-forced": forced, "free run": free}
        cut = {title: mel[row, :, : truth.shape[1]].float().cpu().numpy() for title, mel in made.items()}
        examples.append(Example(f"{row} {store.utterances[index].speaker}", {"truth": truth, **cut}))
    return examples
