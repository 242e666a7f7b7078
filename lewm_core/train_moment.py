"""One step of a training as its stage sees it: how far it is, its share of the batch, its random numbers."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lewm_core.distributed import ALONE, Processes


class Draws:
    """Random numbers of the rows of one batch.

    Each row has a stream of its own for each name, given by seed, step and its place in the joined batch.
    So a step repeats exactly, and it makes no difference which process works on a row, beside which others.
    """

    def __init__(self, seed: int, step: int, rows: Sequence[int], device: torch.device) -> None:
        self._key, self._rows, self._device = (seed, step), rows, device

    def _streams(self, name: str) -> list[np.random.Generator]:
        tag = zlib.crc32(name.encode())
        return [np.random.default_rng((*self._key, row, tag)) for row in self._rows]

    def normal(self, name: str, *shape: int) -> Tensor:
        """N(0, 1) numbers (b, *shape); a longer first dimension only appends to a shorter one."""
        drawn = [stream.standard_normal(shape, np.float32) for stream in self._streams(name)]
        return torch.from_numpy(np.stack(drawn)).to(self._device)

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Numbers (b, *shape) from [0, 1)."""
        drawn = [stream.random(shape, np.float32) for stream in self._streams(name)]
        return torch.from_numpy(np.stack(drawn)).to(self._device)

    def below(self, name: str, limits: Sequence[int]) -> list[int]:
        """A whole number from 0 up to, not including, each row's limit."""
        return [
            int(stream.integers(limit)) for stream, limit in zip(self._streams(name), limits, strict=True)
        ]


@dataclass(frozen=True)
class Moment:
    """Where the training is.

    Attributes:
        step: from 0.  steps: in all.
    """

    step: int
    steps: int
    seed: int = 0
    processes: Processes = ALONE

    @property
    def done(self) -> float:
        """Share of the training that is behind, in [0, 1)."""
        return self.step / self.steps

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.processes.device

    def rng(self) -> np.random.Generator:
        """Random numbers that are the same in all processes, for choosing a batch."""
        return np.random.default_rng((self.seed, self.step))

    def draws(self, batch: int) -> Draws:
        """Random numbers for this process's rows of a joined batch of so many."""
        return Draws(self.seed, self.step, self.processes.rows(batch), self.device)
