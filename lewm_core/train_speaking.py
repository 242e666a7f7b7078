"""What the stages share that learn to speak whole utterances: data, batches, held-out examples.

b batch   m mel bands   t mel frames
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lewm_core.config import LossWeights
from lewm_core.dataset import EpochBatches, MelStore, TTSDataset
from lewm_core.model.lewm import LeWM
from lewm_core.model.text_batch import TextBatch
from lewm_core.train_batch import Batch, known_durations, names_of, prediction_figures, read_texts
from lewm_core.train_log import Example
from lewm_core.train_moment import Moment
from lewm_core.train_settings import PredictorSettings, SettingsError

Durations = Sequence[Sequence[int] | None]
"""Latents a text unit of every utterance of a split; None where the text does not fit the clip."""


class SpeakingStage:
    """Trains a model to speak on batches of whole utterances.

    Attributes:
        train_set, dev_set: the data.  usable, held_out_usable: utterances of them that can be learned from.
        weight: (d,) how much each latent dimension counts, 1 until the caller sets it.
    """

    name = ""

    def __init__(
        self, model: LeWM, data: Path, settings: PredictorSettings, weights: LossWeights, device: torch.device
    ) -> None:
        self.model, self.settings, self.weights, self.device = model.to(device), settings, weights, device
        self.train_set = TTSDataset(data, "train")
        self.dev_set = TTSDataset(data, "dev", self.train_set.speakers, strangers=True)
        self.weight = torch.ones(model.config.latent_dim, device=device)

    @property
    def train_store(self) -> MelStore:
        """Mels and texts to learn from."""
        return self.train_set.store

    @property
    def dev_store(self) -> MelStore:
        """Mels and texts to be judged by."""
        return self.dev_set.store

    def choose(self, train: Durations, dev: Durations) -> None:
        """Find the utterances that can be used, of known speakers and of texts that fit their clips.

        Raises:
            SettingsError: there is none.
        """
        self._durations = {self.train_set: train, self.dev_set: dev}
        self.usable, self.held_out_usable = self._usable(self.train_set), self._usable(self.dev_set)
        self._batches = EpochBatches(
            self.train_set.sizes, self.settings.frames_per_batch, utterances=self.usable
        )

    def _usable(self, data: TTSDataset) -> list[int]:
        is_aligned = self.model.aligner is not None
        usable = [
            index for index, known in enumerate(self._durations[data])
            if data.knows(index) and (known is not None or not is_aligned)
        ]  # fmt: skip
        if not usable:
            raise SettingsError(
                "No utterance's text fits its clip: train the aligner for longer, or look at the data."
            )
        return usable

    def parameters(self) -> list[nn.Parameter]:
        """Everything that still takes gradients."""
        return [p for p in self.model.parameters() if p.requires_grad]

    def modules(self) -> dict[str, nn.Module]:
        """The whole model, so that a checkpoint can be exported from any save."""
        return {"model": self.model}

    def batch_names(self, now: Moment) -> list[str]:
        """Sound files of the step's batch; see ``Stage``."""
        return names_of(self.train_store, self._batches.at(now.step))

    def held_out_indices(self, count: int) -> list[int]:
        """Held-out utterances, evenly chosen."""
        usable = self.held_out_usable
        return usable[:: max(1, len(usable) // count)][:count]

    def held_out(self, count: int) -> tuple[list[int], Batch]:
        """Held-out utterances, evenly chosen: their indices, and their batch."""
        raise NotImplementedError

    def validate(self, count: int = 32) -> dict[str, float]:
        """Figures on held-out sentences."""
        raise NotImplementedError

    def labelled(self, data: TTSDataset, indices: list[int], latents: Tensor, lengths: Tensor) -> Batch:
        """The batch of these latents (b, n, d) and of what is said in them, by whom and how long.

        Args:
            lengths: (b,) true latents.
        """
        text, speaker, durations = self.labels(data, indices)
        return Batch(latents, lengths, text, speaker, durations)

    def labels(self, data: TTSDataset, indices: list[int]) -> tuple[TextBatch, Tensor, Tensor | None]:
        """What is said, by whom (b,), and latents a text unit (b, u), None where attention aligns."""
        rows = [data.store.utterances[index] for index in indices]
        text, durations = read_texts(self.model, rows, self.device), None
        if self.model.aligner is not None:
            durations = known_durations(self._durations[data], indices, text)
        return text, data.numbers(indices).to(self.device), durations

    def total(self, losses: dict[str, Tensor], factors: dict[str, float] | None = None) -> Tensor:
        """Sum of losses, each times its weight and times its factor (1 where none is given)."""
        factors, weights = factors or {}, self.weights
        parts = (factors.get(name, 1.0) * getattr(weights, name) * value for name, value in losses.items())
        return sum(parts, torch.zeros(()))

    @torch.no_grad()
    def examples(self, count: int) -> list[Example]:
        """Truth, reconstruction, teacher-forced and free-running mels (m, t) of held-out sentences."""
        self.model.eval()
        indices, batch = self.held_out(count)
        _, forced, free = prediction_figures(self.model, batch)
        rebuilt = self.model.mel_decoder(self.model.denormalise(batch.latents))
        made = {"reconstruction": rebuilt, "teacher-forced": forced, "free run": free}
        examples = []
        for row, index in enumerate(indices):
            truth = np.ascontiguousarray(self.dev_store.mel(index).T)
            cut = {title: mel[row, :, : truth.shape[1]].float().cpu().numpy() for title, mel in made.items()}
            title = f"{row} {self.dev_store.utterances[index].speaker}"
            examples.append(Example(title, {"truth": truth, **cut}))
        return examples
