"""Aligner stage: learns from text and mel alone which latents speak which text unit.

b batch   n latents   u text units
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lewm_core.aligner import diagonal_prior, forward_sum_loss
from lewm_core.dataset import EpochBatches, MelStore, pad_mels
from lewm_core.model.lewm import LeWM
from lewm_core.model.text_batch import TextBatch


class AlignerStage:
    """Trains the aligner of a model whose alignment is "durations"."""

    name = "aligner"

    def __init__(self, model: LeWM, data: Path, frames_per_batch: int = 6000) -> None:
        if model.aligner is None:
            raise ValueError("this model aligns by attention alone; it has no aligner to train")
        self.model, self.aligner = model, model.aligner
        self.train_store, self.dev_store = MelStore(data, "train"), MelStore(data, "dev")
        self._batches = EpochBatches([row.frames for row in self.train_store.utterances], frames_per_batch)

    def parameters(self) -> list[nn.Parameter]:
        """The aligner's."""
        return list(self.aligner.parameters())

    def modules(self) -> dict[str, nn.Module]:
        """The aligner."""
        return {"aligner": self.aligner}

    def _forward_sum(self, store: MelStore, indices: list[int]) -> tuple[Tensor, Tensor]:
        factor = self.model.config.downsample_factor
        mel, lengths = pad_mels([store.mel(i) for i in indices], factor)
        rows = [store.utterances[i] for i in indices]
        text = TextBatch.of([self.model.reads(row.text, row.phonemes) for row in rows])
        latents = -(-lengths // factor)
        scores = self.aligner(text.bytes, text.unit_index, int(text.units.max()), mel).float()
        scores = scores + diagonal_prior(latents, text.units, scores.shape[1], scores.shape[2])
        return forward_sum_loss(scores, latents, text.units), lengths.sum() / 93.75

    def loss(self, step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Forward-sum loss of one batch; see ``Stage``."""
        self.aligner.train()
        loss, seconds = self._forward_sum(self.train_store, self._batches.at(step))
        return {"forward_sum": loss, "total": loss, "audio_seconds": seconds}

    @torch.no_grad()
    def validate(self, count: int = 32) -> dict[str, float]:
        """Forward-sum loss of held-out sentences, nats a latent."""
        self.aligner.eval()
        stride = max(1, len(self.dev_store) // count)
        loss, _ = self._forward_sum(self.dev_store, list(range(0, len(self.dev_store), stride)))
        return {"forward_sum": float(loss)}
