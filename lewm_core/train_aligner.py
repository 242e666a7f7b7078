"""Aligner stage: learns from text and mel alone which latents speak which text unit.

b batch   n latents   u text units
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from lewm_core.aligner import diagonal_prior, forward_sum_loss
from lewm_core.dataset import EpochBatches, TTSDataset
from lewm_core.distributed import CPU, joined_sum
from lewm_core.model.lewm import LeWM
from lewm_core.train_batch import FRAME_RATE, names_of, read_texts
from lewm_core.train_log import Example
from lewm_core.train_moment import Moment
from lewm_core.train_settings import SettingsError


class AlignerStage:
    """Trains the aligner of a model whose alignment is "durations"."""

    name, judged_by = "aligner", "forward_sum"

    def __init__(
        self, model: LeWM, data: Path, frames_per_batch: int = 6000, device: torch.device = CPU
    ) -> None:
        if model.aligner is None:
            raise SettingsError(
                "This preset aligns by attention, so it has no aligner to train. Go on with --stage predictor."
            )
        self.model, self.aligner, self.device = model.to(device), model.aligner, device
        self.train_set = TTSDataset(data, "train")
        self.dev_set = TTSDataset(data, "dev")
        self._batches = EpochBatches(self.train_set.sizes, frames_per_batch)

    def parameters(self) -> list[nn.Parameter]:
        """The aligner's."""
        return list(self.aligner.parameters())

    def modules(self) -> dict[str, nn.Module]:
        """The aligner."""
        return {"aligner": self.aligner}

    def _forward_sum(self, data: TTSDataset, indices: list[int], frames: int) -> tuple[Tensor, Tensor]:
        """Forward-sum loss of a batch padded to so many frames, and seconds of sound in it."""
        factor = self.model.config.downsample_factor
        batch = data.batch(indices, factor, frames).to(self.device)
        text = read_texts(self.model, [data.store.utterances[i] for i in indices], self.device)
        latents = -(-batch.lengths // factor)
        scores = self.aligner(text.bytes, text.unit_index, int(text.units.max()), batch.mel).float()
        scores = scores + diagonal_prior(latents, text.units, scores.shape[1], scores.shape[2])
        return forward_sum_loss(scores, latents, text.units), batch.lengths.sum() / FRAME_RATE

    def loss(self, now: Moment) -> dict[str, Tensor]:
        """Forward-sum loss of one batch; see ``Stage``."""
        self.aligner.train()
        indices = self._batches.at(now.step)
        longest = max(self.train_set.sizes[i] for i in indices)
        loss, seconds = self._forward_sum(self.train_set, now.processes.share(indices), longest)
        return {"forward_sum": loss, "total": loss, "audio_seconds": joined_sum(seconds)}

    def batch_names(self, now: Moment) -> list[str]:
        """Sound files of the step's batch; see ``Stage``."""
        return names_of(self.train_set.store, self._batches.at(now.step))

    @torch.no_grad()
    def validate(self, count: int = 32) -> dict[str, float]:
        """Forward-sum loss of held-out sentences, nats a latent."""
        self.aligner.eval()
        indices = list(range(0, len(self.dev_set), max(1, len(self.dev_set) // count)))
        return {"forward_sum": float(self._forward_sum(self.dev_set, indices, 0)[0])}

    def examples(self, count: int) -> list[Example]:
        """None: an alignment is neither seen in a mel nor heard."""
        return []
