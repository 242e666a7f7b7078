"""Prepared mels on disk, read through a memory map, and batches of them.

A data folder holds, for each split, ``SPLIT.jsonl`` (one object an utterance: text, phonemes, speaker,
language, offset and frames) and ``SPLIT.f16`` (all mels one after another, float16, (frames, n_mels)).

b batch   t mel frames   s text bytes   m mel bands
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lewm_core.config import Speaker

SILENCE = -16.118096
"""log(1e-7), the floor of a log-mel: what padding frames hold (0 would be loud)."""


class DataError(ValueError):
    """A data folder is missing, empty or damaged."""


@dataclass(frozen=True)
class Utterance:
    """One line of a manifest."""

    text: str
    phonemes: str
    speaker: str
    language: str
    offset: int
    frames: int
    audio: str = ""


class MelStore:
    """All utterances of one split; mels stay on disk until asked for."""

    def __init__(self, folder: Path | str, split: str, n_mels: int = 100) -> None:
        """Open ``folder``/``split``.

        Raises:
            DataError: files are missing or do not fit each other.
        """
        folder = Path(folder)
        manifest, store = folder / f"{split}.jsonl", folder / f"{split}.f16"
        if not manifest.is_file() or not store.is_file():
            raise DataError(
                f"{folder} has no {manifest.name} and {store.name}; make them with `lewm preprocess`"
            )
        names = Utterance.__dataclass_fields__
        self.utterances = [
            Utterance(**{key: value for key, value in json.loads(line).items() if key in names})
            for line in manifest.read_text(encoding="utf8").splitlines()
            if line.strip()
        ]
        if not self.utterances:
            raise DataError(f"{manifest} lists no utterances")
        self._mels = np.memmap(store, dtype=np.float16, mode="r").reshape(-1, n_mels)
        if max(u.offset + u.frames for u in self.utterances) > len(self._mels):
            raise DataError(f"{store} is shorter than {manifest.name} says; run `lewm preprocess` again")

    def __len__(self) -> int:
        return len(self.utterances)

    def mel(self, index: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Return the log-mel (frames, n_mels) of an utterance, or a part of it, as float32."""
        row = self.utterances[index]
        stop = row.frames if frames is None else min(row.frames, start + frames)
        return np.asarray(self._mels[row.offset + start : row.offset + stop], dtype=np.float32)

    def speakers(self) -> tuple[Speaker, ...]:
        """Speakers in the order of their names, each with its language."""
        languages = {row.speaker: row.language for row in self.utterances}
        return tuple(Speaker(name, languages[name]) for name in sorted(languages))


def pad_mels(mels: list[np.ndarray], multiple: int) -> tuple[Tensor, Tensor]:
    """Stack mels (frames, m) of different lengths, padded with silence to a multiple.

    Returns:
        mels (b, m, t) and lengths (b,) in frames.
    """
    lengths = torch.tensor([len(mel) for mel in mels])
    longest = -(-int(lengths.max()) // multiple) * multiple
    batch = torch.full((len(mels), mels[0].shape[1], longest), SILENCE)
    for row, mel in enumerate(mels):
        batch[row, :, : len(mel)] = torch.from_numpy(mel).T
    return batch, lengths


def random_crops(store: MelStore, batch: int, frames: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw ``batch`` random crops of up to ``frames`` frames, long utterances more often.

    Returns:
        mels (b, m, frames) padded with silence, lengths (b,).
    """
    sizes = np.array([row.frames for row in store.utterances], dtype=np.float64)
    chosen = rng.choice(len(store), size=batch, p=sizes / sizes.sum())
    crops = []
    for index in chosen:
        slack = max(0, store.utterances[index].frames - frames)
        crops.append(store.mel(index, int(rng.integers(slack + 1)), frames))
    return pad_mels(crops, frames)


def length_buckets(sizes: list[int], budget: int, rng: np.random.Generator) -> list[list[int]]:
    """Group utterances of similar length so that each batch holds at most ``budget`` frames with padding.

    Args:
        sizes: frames of each utterance.
        budget: padded frames a batch.

    Returns:
        batches of indices, in random order; every utterance is in exactly one.
    """
    jitter = np.asarray(sizes) * rng.uniform(0.9, 1.1, len(sizes))
    batches: list[list[int]] = []
    current: list[int] = []
    longest = 0
    for index in np.argsort(jitter):
        longest_with = max(longest, sizes[index])
        if current and longest_with * (len(current) + 1) > budget:
            batches.append(current)
            current, longest_with = [], sizes[index]
        current.append(int(index))
        longest = longest_with
    if current:
        batches.append(current)
    rng.shuffle(batches)
    return batches


class EpochBatches:
    """Length-bucketed batches of every epoch, found from the step alone, so that resuming is exact."""

    def __init__(self, sizes: list[int], budget: int, seed: int = 7) -> None:
        self._sizes, self._budget, self._seed = sizes, budget, seed
        self._epochs: dict[int, list[list[int]]] = {}
        self._starts = [0]

    def at(self, step: int) -> list[int]:
        """Indices of the batch of ``step``."""
        epoch = 0
        while step >= self._starts[epoch] + len(self._epoch(epoch)):
            if len(self._starts) == epoch + 1:
                self._starts.append(self._starts[epoch] + len(self._epoch(epoch)))
            epoch += 1
        return self._epoch(epoch)[step - self._starts[epoch]]

    def _epoch(self, epoch: int) -> list[list[int]]:
        if epoch not in self._epochs:
            rng = np.random.default_rng((self._seed, epoch))
            self._epochs[epoch] = length_buckets(self._sizes, self._budget, rng)
        return self._epochs[epoch]
