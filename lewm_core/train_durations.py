"""Durations stage: a fresh duration predictor on the text encoder of a trained voice, which stays as it is.

Trained beside the predictor, durations are learned by heart long before the predictor is done (docs/voice/notebook.md).
Trained alone they take minutes, and the save that is best on held-out sentences is the one that is exported.

b batch   u text units
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from lewm_core.config import LossWeights
from lewm_core.dataset import TTSDataset
from lewm_core.distributed import CPU, joined_sum
from lewm_core.losses import masked_mean
from lewm_core.model.lewm import LeWM
from lewm_core.model.text_encoder import DurationPredictor
from lewm_core.train_batch import FRAME_RATE
from lewm_core.train_latents import known_alignments
from lewm_core.train_log import Example
from lewm_core.train_moment import Moment
from lewm_core.train_settings import PredictorSettings, SettingsError
from lewm_core.train_speaking import SpeakingStage


class DurationStage(SpeakingStage):
    """Trains the duration predictor of a model that speaks."""

    name, judged_by = "durations", "duration"

    def __init__(
        self, model: LeWM, data: Path, folder: Path, settings: PredictorSettings, device: torch.device = CPU
    ) -> None:
        """Open data and durations, and put a fresh duration predictor in the model."""
        if model.duration is None:
            raise SettingsError("This preset aligns by attention, so it has no durations to train.")
        torch.manual_seed(0)
        self.head = model.duration = DurationPredictor(model.config.text_dim, model.config.dropout)
        super().__init__(model, data, settings, LossWeights(), device)
        self.choose(
            known_alignments(model, self.train_store, folder, "train"),
            known_alignments(model, self.dev_store, folder, "dev"),
        )
        model.eval().requires_grad_(False)
        self.head.requires_grad_(True)

    def modules(self) -> dict[str, nn.Module]:
        """The duration predictor."""
        return {"duration": self.head}

    def _guess(self, data: TTSDataset, indices: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Log-durations (b, u), true durations (b, u), and where units are (b, u)."""
        text, speaker, durations = self.labels(data, indices)
        assert durations is not None
        with torch.no_grad():
            memory, mask = self.model.encode_text(text, speaker)
        return self.head(memory, mask).float(), durations, mask

    def loss(self, now: Moment) -> dict[str, Tensor]:
        """Mean square of what is missed of log-durations; see ``Stage``."""
        self.head.train()
        indices = now.processes.share(self._batches.at(now.step))
        guess, durations, mask = self._guess(self.train_set, indices)
        loss = masked_mean((guess - durations.clamp_min(1).float().log()).square(), mask)
        seconds = durations.sum() * self.model.config.downsample_factor / FRAME_RATE
        return {"duration": loss, "total": loss, "audio_seconds": joined_sum(seconds)}

    @torch.no_grad()
    def validate(self, count: int = 200) -> dict[str, float]:
        """The same of held-out sentences, and their predicted over their true length."""
        self.head.eval()
        guess, durations, mask = self._guess(self.dev_set, self.held_out_indices(count))
        missed = (guess - durations.clamp_min(1).float().log()).square()
        length = (guess.exp() * mask).sum(1) / durations.sum(1)
        return {"duration": float(masked_mean(missed, mask)), "length_ratio": float(length.mean())}

    def examples(self, count: int) -> list[Example]:
        """None: durations are neither seen in a mel nor heard alone."""
        return []
