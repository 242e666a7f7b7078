"""Batches of prepared mels, read through a memory map (:class:`lewm_core.manifest.MelStore`).

b batch   t mel frames   s text bytes   m mel bands
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lewm_core.manifest import DataError, MelStore, Utterance

__all__ = [
    "SILENCE",
    "DataError",
    "EpochBatches",
    "MelStore",
    "Utterance",
    "length_buckets",
    "pad_mels",
    "random_crops",
]

SILENCE = -16.118096
"""log(1e-7), the floor of a log-mel: what padding frames hold (0 would be loud)."""


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
