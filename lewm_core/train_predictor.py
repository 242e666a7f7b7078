"""Predictor stage: next-latent prediction on the frozen, normalised latents of a trained autoencoder.

b batch   n latents   k steps   r latents a step   d latent dimensions   u text units
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lewm_core.dataset import EpochBatches, MelStore, pad_mels
from lewm_core.losses import masked_mean, prediction_loss, reconstruction_loss, spectral_loss, stop_loss
from lewm_core.model.layers import length_mask
from lewm_core.model.lewm import LeWM
from lewm_core.model.text_batch import TextBatch


@dataclass(frozen=True)
class PredictorSettings:
    """What is done to the history, and how the losses weigh.

    Attributes:
        frames_per_batch: padded mel frames a batch.
        mask_share: largest share of steps whose history is hidden (drawn anew for each row).
        noise: largest standard deviation of noise on the history, in normalised units.
        sampling_from: step from which scheduled sampling begins (two passes, arXiv 1906.04331).
        sampling_share: largest share of steps whose history is the model's own prediction.
        mel_crop: latents decoded for the mel loss, a row.
    """

    frames_per_batch: int = 4500
    mask_share: float = 0.3
    noise: float = 0.3
    sampling_from: int = 2000
    sampling_share: float = 0.5
    mel_crop: int = 32
    mel_weight: float = 1.0
    duration_weight: float = 0.3
    stop_weight: float = 0.1


@dataclass
class LatentStore:
    """Normalised latents of a split on disk, with the durations of every utterance's text units."""

    latents: np.ndarray  # (all latents, d) float16, memory-mapped
    offsets: np.ndarray
    lengths: np.ndarray
    durations: list[list[int] | None]


@torch.inference_mode()
def encode_latents(model: LeWM, store: MelStore) -> np.ndarray:
    """Mean latents (all, d) of every utterance in manifest order, float16, in the decoder's space."""
    model.eval()
    latents = []
    for index in range(len(store)):
        mel, _ = pad_mels([store.mel(index)], model.config.downsample_factor)
        with torch.autocast("cpu", torch.bfloat16):
            latents.append(model.encode(mel)[0].to(torch.float16).numpy())
    return np.concatenate(latents)


@torch.inference_mode()
def align_texts(model: LeWM, store: MelStore) -> list[list[int] | None]:
    """Latents a text unit for every utterance; None where the text does not fit the clip."""
    model.eval()
    durations: list[list[int] | None] = []
    for index, row in enumerate(store.utterances):
        text = TextBatch.of([model.reads(row.text, row.phonemes)])
        try:
            mel = torch.from_numpy(store.mel(index).T.copy())[None]
            durations.append(model.align(text, mel)[0].tolist() if model.aligner is not None else None)
        except ValueError:
            durations.append(None)
    return durations


def latent_store(model: LeWM, store: MelStore, folder: Path, split: str) -> LatentStore:
    """Encode and align a split once and keep the result beside the run; later runs map it from disk."""
    latents_path, durations_path = folder / f"{split}.latents.npy", folder / f"{split}.durations.json"
    if not latents_path.is_file():
        np.save(latents_path, encode_latents(model, store), allow_pickle=False)
    if not durations_path.is_file():
        durations_path.write_text(json.dumps(align_texts(model, store)), encoding="utf8")
    factor = model.config.downsample_factor
    lengths = np.array([-(-row.frames // factor) for row in store.utterances])
    return LatentStore(
        np.load(latents_path, mmap_mode="r"),
        np.concatenate(([0], lengths.cumsum()[:-1])),
        lengths,
        json.loads(durations_path.read_text(encoding="utf8")),
    )


@dataclass
class Batch:
    """One padded batch: normalised latents (b, n, d) with n a multiple of r, and the text."""

    latents: Tensor
    lengths: Tensor
    text: TextBatch
    speaker: Tensor
    durations: Tensor | None


class PredictorStage:
    """Trains text encoder, predictor, stop head and durations; encoder and decoder stay frozen."""

    name = "predictor"

    def __init__(self, model: LeWM, data: Path, folder: Path, settings: PredictorSettings) -> None:
        self.model, self.settings = model, settings
        self.train_store, self.dev_store = MelStore(data, "train"), MelStore(data, "dev")
        folder.mkdir(parents=True, exist_ok=True)
        self.train_latents = latent_store(model, self.train_store, folder, "train")
        self.dev_latents = latent_store(model, self.dev_store, folder, "dev")
        self.speaker_index = {s.name: i for i, s in enumerate(self.train_store.speakers())}
        self.usable = [
            index for index, durations in enumerate(self.train_latents.durations)
            if durations is not None or model.aligner is None
        ]  # fmt: skip
        self.weight = torch.ones(model.config.latent_dim)
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
        text = TextBatch.of([model.reads(row.text, row.phonemes) for row in rows])
        durations = None
        if model.aligner is not None:
            durations = torch.zeros(len(indices), int(text.units.max()), dtype=torch.long)
            for row, index in enumerate(indices):
                known = latents.durations[index] or []
                durations[row, : len(known)] = torch.tensor(known)
        speaker = torch.tensor([self.speaker_index[row.speaker] for row in rows])
        return Batch(model.normalise(padded), lengths, text, speaker, durations)

    def loss(self, step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Losses of one step; see ``Stage``."""
        model, settings, r = self.model, self.settings, self.model.config.latents_per_step
        model.text_encoder.train(), model.predictor.train()
        batch = self.batch(
            self.train_store, self.train_latents, [self.usable[i] for i in self._batches.at(step)]
        )
        memory, mask = model.encode_text(batch.text, batch.speaker)
        plan = model.plan(memory, mask, batch.durations, batch.latents.shape[1] // r)
        history = self._history(batch, plan, step)
        predicted, stop = model.predictor(history, plan, batch.speaker)
        predicted, stop = predicted.float(), stop.float()
        real = length_mask(batch.lengths, batch.latents.shape[1])
        last_step = (batch.lengths - 1) // r
        losses = {
            "prediction": prediction_loss(predicted, batch.latents, self.weight, real),
            "stop": stop_loss(stop, last_step, length_mask(last_step + 1, stop.shape[1])),
        }
        total = losses["prediction"] + settings.stop_weight * losses["stop"]
        if model.duration is not None and batch.durations is not None:
            log_durations = model.duration(memory, mask).float()
            target = batch.durations.clamp_min(1).float().log()
            losses["duration"] = masked_mean((log_durations - target).square(), mask)
            total = total + settings.duration_weight * losses["duration"]
        if settings.mel_weight > 0:
            losses["mel"] = self._mel_loss(predicted, batch, rng)
            total = total + settings.mel_weight * losses["mel"]
        losses["total"] = total
        losses["audio_seconds"] = batch.lengths.sum() * model.config.downsample_factor / 93.75
        return losses

    def _history(self, batch: Batch, plan: object, step: int) -> Tensor:
        """What each step is told of the past: the truth, made unreliable in three ways."""
        settings, predictor = self.settings, self.model.predictor
        history = predictor.shift(batch.latents)
        b, k, _ = history.shape
        if step >= settings.sampling_from and settings.sampling_share > 0:
            with torch.no_grad():
                own = predictor(history, plan, batch.speaker)[0].float()
            use = torch.rand(b, k, 1) < settings.sampling_share * torch.rand(b, 1, 1)
            history = torch.where(use, predictor.shift(own), history)
        history = history + settings.noise * torch.rand(b, 1, 1) * torch.randn_like(history)
        hide = torch.rand(b, k, 1) < settings.mask_share * torch.rand(b, 1, 1)
        hide[:, 0] = False
        return history.masked_fill(hide, 0.0)

    def _mel_loss(self, predicted: Tensor, batch: Batch, rng: np.random.Generator) -> Tensor:
        """L1 and edges of a decoded stretch against the same stretch decoded from the true latents."""
        width = min(self.settings.mel_crop, int(batch.lengths.min()))
        starts = [int(rng.integers(int(length) - width + 1)) for length in batch.lengths]
        rows = torch.arange(len(starts)).unsqueeze(1)
        columns = torch.tensor(starts).unsqueeze(1) + torch.arange(width)
        guess = self.model.mel_decoder(self.model.denormalise(predicted[rows, columns])).float()
        with torch.no_grad():
            truth = self.model.mel_decoder(self.model.denormalise(batch.latents[rows, columns])).float()
        everywhere = torch.ones(len(starts), 1, truth.shape[2], dtype=torch.bool)
        return reconstruction_loss(guess, truth, everywhere) + 0.5 * spectral_loss(guess, truth, everywhere)

    def _held_out(self, count: int) -> Batch:
        durations = self.dev_latents.durations
        usable = [i for i, d in enumerate(durations) if d is not None or self.model.aligner is None]
        chosen = usable[:: max(1, len(usable) // count)][:count]
        return self.batch(self.dev_store, self.dev_latents, chosen)

    @torch.no_grad()
    def residual_spread(self, count: int = 64) -> Tensor:
        """Root mean square of what teacher-forced prediction misses on held-out clips, (d,), normalised.

        It is the spread that temperature 1 adds to each dimension.
        """
        model, r = self.model, self.model.config.latents_per_step
        model.eval()
        batch = self._held_out(count)
        memory, mask = model.encode_text(batch.text, batch.speaker)
        plan = model.plan(memory, mask, batch.durations, batch.latents.shape[1] // r)
        predicted, _ = model.predictor(model.predictor.shift(batch.latents), plan, batch.speaker)
        real = length_mask(batch.lengths, batch.latents.shape[1])
        return (predicted - batch.latents)[real].square().mean(0).sqrt()

    @torch.no_grad()
    def length_ratio(self, count: int = 200) -> float:
        """Predicted over true length of training sentences.

        Durations are learned as logarithms, whose mean is that of a geometric, not an arithmetic mean:
        without the correction of ``train.export`` speech comes out some percent too fast.
        """
        model = self.model
        model.eval()
        if model.duration is None:
            return 1.0
        predicted = true = 0.0
        chosen = self.usable[:: max(1, len(self.usable) // count)][:count]
        for start in range(0, len(chosen), 20):
            indices = chosen[start : start + 20]
            batch = self.batch(self.train_store, self.train_latents, indices)
            memory, mask = model.encode_text(batch.text, batch.speaker)
            predicted += float((model.duration(memory, mask).exp() * mask).sum())
            true += float(batch.lengths.sum())
        return predicted / true

    @torch.no_grad()
    def validate(self, count: int = 32) -> dict[str, float]:
        """Teacher-forced and free-running error on held-out sentences, along their true durations."""
        model, r = self.model, self.model.config.latents_per_step
        model.eval()
        batch = self._held_out(count)
        memory, mask = model.encode_text(batch.text, batch.speaker)
        plan = model.plan(memory, mask, batch.durations, batch.latents.shape[1] // r)
        forced, stop = model.predictor(model.predictor.shift(batch.latents), plan, batch.speaker)
        free = model.free_run(plan, batch.speaker, batch.latents.shape[1] // r)
        real = length_mask(batch.lengths, batch.latents.shape[1])
        last = (batch.lengths - 1) // r
        steps = length_mask(last + 1, stop.shape[1])
        truth = self._decode(batch.latents)
        frames = length_mask(batch.lengths * model.config.downsample_factor, truth.shape[2]).unsqueeze(1)
        third = (torch.arange(free.shape[1])[None] >= (batch.lengths * 2 // 3)[:, None]) & real
        figures = {
            "tf_mse": float(prediction_loss(forced, batch.latents, torch.ones_like(self.weight), real)),
            "ar_mse": float(prediction_loss(free, batch.latents, torch.ones_like(self.weight), real)),
            "tf_mel_l1": float(reconstruction_loss(self._decode(forced), truth, frames)),
            "ar_mel_l1": float(reconstruction_loss(self._decode(free), truth, frames)),
            "ar_tail_std_ratio": float(free[third].std() / batch.latents[third].std()),
            "stop": float(stop_loss(stop, last, steps)),
        }
        if model.duration is not None and batch.durations is not None:
            guess = model.duration(memory, mask)
            figures["duration"] = float(
                masked_mean((guess - batch.durations.clamp_min(1).log()).square(), mask)
            )
            length = (guess.exp() * mask).sum(1) / batch.durations.sum(1)
            figures["length_ratio"] = float(length.mean())
        return figures

    def _decode(self, latents: Tensor) -> Tensor:
        return self.model.mel_decoder(self.model.denormalise(latents))
