"""Batches of prepared mels, read through a memory map (:class:`lewm_core.manifest.MelStore`).

For a training loop, :func:`build_dataloader` is the door:

>>> loader = build_dataloader("data", "train", frames_per_batch=4500, start_step=step)
>>> for batch in loader:  # endless; each batch a TTSBatch
...     loss = step_of(batch.to(device))

Batches depend on seed and step alone, so a loader that starts at step n gives what an uninterrupted one gives from n
on. The stages of `lewm train` draw the same batches: :class:`EpochBatches` knows that of any step, and
:meth:`TTSDataset.batch` reads it.

b batch   t mel frames   s text bytes   m mel bands
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from lewm_core.manifest import DataError, MelStore, Utterance

__all__ = [
    "SILENCE",
    "DataError",
    "EpochBatches",
    "FrameBudgetSampler",
    "MelStore",
    "TTSBatch",
    "TTSDataset",
    "TTSItem",
    "Utterance",
    "build_dataloader",
    "collate_fn",
    "length_buckets",
    "pad_mels",
    "random_crops",
]

SILENCE = -16.118096
"""log(1e-7), the floor of a log-mel: what padding frames hold (0 would be loud)."""


def pad_mels(mels: list[np.ndarray], multiple: int, frames: int = 0) -> tuple[Tensor, Tensor]:
    """Stack mels (frames, m) of different lengths, padded with silence to a multiple.

    Args:
        frames: to so many frames at least.

    Returns:
        mels (b, m, t) and lengths (b,) in frames.
    """
    lengths = torch.tensor([len(mel) for mel in mels])
    longest = -(-max(int(lengths.max()), frames) // multiple) * multiple
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

    def __init__(
        self, sizes: list[int], budget: int, seed: int = 7, utterances: Sequence[int] | None = None
    ) -> None:
        """Begin with frames of each utterance of a split, and the frames that a batch may hold with padding.

        Args:
            utterances: those to draw from; None: all.
        """
        self._utterances = range(len(sizes)) if utterances is None else utterances
        self._sizes, self._budget, self._seed = [sizes[i] for i in self._utterances], budget, seed
        self._epochs: dict[int, list[list[int]]] = {}
        self._starts = [0]

    def at(self, step: int) -> list[int]:
        """Indices of the batch of ``step``."""
        while step >= self._starts[-1]:
            self._starts.append(self._starts[-1] + len(self._epoch(len(self._starts) - 1)))
        epoch = int(np.searchsorted(self._starts, step, "right")) - 1
        return [self._utterances[i] for i in self._epoch(epoch)[step - self._starts[epoch]]]

    def _epoch(self, epoch: int) -> list[list[int]]:
        if epoch not in self._epochs:
            for old in list(self._epochs)[:-1]:  # a loop looks at one epoch, or at the border of two
                del self._epochs[old]
            rng = np.random.default_rng((self._seed, epoch))
            self._epochs[epoch] = length_buckets(self._sizes, self._budget, rng)
        return self._epochs[epoch]


@dataclass(frozen=True)
class TTSItem:
    """One utterance: its log-mel (t, m) float32 in nats, what is said, and the speaker's number."""

    mel: np.ndarray
    text: str
    phonemes: str
    speaker: int
    index: int


@dataclass(frozen=True)
class TTSBatch:
    """Utterances of similar length, padded.

    Attributes:
        mel: (b, m, t) log-mels in nats, padded with silence.
        lengths: (b,) frames.
        texts: normalised texts.
        phonemes: their IPA; ``model.reads(text, phonemes)`` says which of both a model wants.
        speakers: (b,) numbers of the speakers.
        indices: (b,) utterances of the split.
    """

    mel: Tensor
    lengths: Tensor
    texts: list[str]
    phonemes: list[str]
    speakers: Tensor
    indices: Tensor

    def __len__(self) -> int:
        return len(self.texts)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> TTSBatch:
        """The batch with its tensors on ``device``."""
        moved = {
            name: getattr(self, name).to(device, non_blocking=non_blocking)
            for name in ("mel", "lengths", "speakers", "indices")
        }
        return replace(self, **moved)

    def pin_memory(self) -> TTSBatch:
        """The batch in page-locked memory; called by a loader with ``pin_memory=True``."""
        pinned = {
            name: getattr(self, name).pin_memory() for name in ("mel", "lengths", "speakers", "indices")
        }
        return replace(self, **pinned)


class TTSDataset(Dataset[TTSItem]):
    """The utterances of one split. Mels are read from disk when asked for; a worker maps the file, it copies none."""

    def __init__(
        self,
        folder: Path | str,
        split: str,
        speakers: Sequence[str] | None = None,
        *,
        strangers: bool = False,
    ) -> None:
        """Open ``folder``/``split``.

        Args:
            speakers: names in the order of their numbers; None: all of this split, by name. Give the training
                split's, or the checkpoint's, where numbers have to agree.
            strangers: whether utterances of others may be there, which nobody asks for (see ``knows``).

        Raises:
            DataError: files are missing or do not fit each other, or a speaker is not among ``speakers``.
        """
        self.store = MelStore(folder, split)
        self.speakers = tuple(speakers or (speaker.name for speaker in self.store.speakers()))
        self._numbers = {name: number for number, name in enumerate(self.speakers)}
        strange = {row.speaker for row in self.store.utterances} - self._numbers.keys()
        if strange and not strangers:
            raise DataError(
                f"{folder} has {split} utterances of {', '.join(sorted(strange))}, who is not among the speakers "
                f"{', '.join(self.speakers)}. Prepare them again without, or train with them."
            )

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> TTSItem:
        row = self.store.utterances[index]
        return TTSItem(self.store.mel(index), row.text, row.phonemes, self._numbers[row.speaker], index)

    def batch(self, indices: Sequence[int], multiple: int = 1, frames: int = 0) -> TTSBatch:
        """Read utterances as one batch; see :func:`collate_fn`."""
        return collate_fn([self[index] for index in indices], multiple, frames)

    def knows(self, index: int) -> bool:
        """Whether an utterance is of one of the speakers."""
        return self.store.utterances[index].speaker in self._numbers

    def numbers(self, indices: Sequence[int]) -> Tensor:
        """Numbers (b,) of the speakers of utterances."""
        return torch.tensor([self._numbers[self.store.utterances[index].speaker] for index in indices])

    @property
    def sizes(self) -> list[int]:
        """Frames of each utterance."""
        return [row.frames for row in self.store.utterances]


class FrameBudgetSampler(Sampler[list[int]]):
    """Batches of ``EpochBatches`` from a step on, without end or for so many steps; one of ``world_size`` shares.

    With several processes each takes every ``world_size``-th batch: step s of process r is batch
    ``s * world_size + r``, so no two see the same and the number of processes is all that a resume has to keep.
    """

    def __init__(
        self, batches: EpochBatches, start_step: int = 0, steps: int | None = None, rank: int = 0, world_size: int = 1
    ) -> None:  # fmt: skip
        self._batches, self._start, self._steps = batches, start_step, steps
        self._rank, self._world_size = rank, world_size

    def __iter__(self) -> Iterator[list[int]]:
        steps = count(self._start) if self._steps is None else range(self._start, self._start + self._steps)
        for step in steps:
            yield self._batches.at(step * self._world_size + self._rank)


def collate_fn(items: list[TTSItem], multiple: int = 4, frames: int = 0) -> TTSBatch:
    """Pad utterances to one length: that of the longest, or ``frames`` where that is more, up to a multiple of
    ``multiple`` frames (a model's downsampling and latents a step).
    """
    mel, lengths = pad_mels([item.mel for item in items], multiple, frames)
    return TTSBatch(
        mel,
        lengths,
        [item.text for item in items],
        [item.phonemes for item in items],
        torch.tensor([item.speaker for item in items]),
        torch.tensor([item.index for item in items]),
    )


def build_dataloader(
    folder: Path | str, split: str = "train", frames_per_batch: int = 4500, *, speakers: Sequence[str] | None = None,
    multiple: int = 4, seed: int = 7, start_step: int = 0, steps: int | None = None, rank: int = 0, world_size: int = 1,
    workers: int = 0, pin_memory: bool = False,
) -> DataLoader[TTSItem]:  # fmt: skip
    """Batches of a data folder for training, :class:`TTSBatch` each.

    Args:
        frames_per_batch: frames a batch holds at most, padding included; a longer utterance comes alone.
        speakers: see :class:`TTSDataset`.
        multiple: see :func:`collate_fn`.
        seed: of the order.
        start_step: where to go on; the batches are those of an uninterrupted run.
        steps: so many batches; None: without end.
        rank, world_size: of distributed processes (``torch.distributed.get_rank()``).
        workers: processes that read ahead; the mels stay in the memory map.

    Raises:
        DataError: as :class:`TTSDataset`.
    """
    dataset = TTSDataset(folder, split, speakers)
    batches = EpochBatches(dataset.sizes, frames_per_batch, seed)
    return DataLoader(
        dataset,
        batch_sampler=FrameBudgetSampler(batches, start_step, steps, rank, world_size),
        collate_fn=partial(collate_fn, multiple=multiple),
        num_workers=workers,
        pin_memory=pin_memory,
        persistent_workers=workers > 0,
    )
