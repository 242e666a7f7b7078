"""Training on several processes: torch's own DistributedDataParallel, started by ``torchrun``.

The processes share the rows of each batch, and every sum that a loss is made of is taken over all of them
(``joined_sum``). So each process holds the loss of the joined batch, and after DDP's averaging the gradient is
that of one process with the joined batch, however ragged it is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

CPU = torch.device("cpu")
Item = TypeVar("Item")
DEVICES = ("auto", "cpu", "cuda", "mps")
_PATIENCE = timedelta(hours=1)  # the first process validates and exports while the others wait


class DeviceError(ValueError):
    """The device asked for is not there."""


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank: 0 is the one that logs and saves.  count: 1 where nothing is distributed.
        device: where this process computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = CPU

    @property
    def is_first(self) -> bool:
        """Whether this process logs, validates and saves."""
        return self.rank == 0

    def rows(self, batch: int) -> list[int]:
        """Rows of a joined batch of so many that are this process's: every ``count``-th.

        A batch with fewer rows than processes is filled up with its first ones, since DDP needs a
        gradient from everybody.
        """
        filled = list(range(batch)) + [row % batch for row in range(batch, self.count)]
        return filled[self.rank :: self.count]

    def share(self, batch: Sequence[Item]) -> list[Item]:
        """Those of a batch's items that are this process's."""
        return [batch[row] for row in self.rows(len(batch))]

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.count > 1:
            dist.barrier()

    def any(self, value: bool) -> bool:
        """Whether ``value`` is true in any process; all have to ask."""
        if self.count == 1:
            return value
        flag = torch.tensor(float(value), device=self.device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag)


ALONE = Processes()


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """Turn "auto", "cpu", "cuda", "cuda:1" or "mps" into a device; "auto" takes the fastest that is there.

    Raises:
        DeviceError: the device is not there; the message lists those that are.
    """
    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.append("mps")
    if torch.cuda.is_available():
        there.append("cuda")
    kind = there[-1] if name == "auto" else name.split(":")[0]
    if kind not in there:
        raise DeviceError(f"There is no device {name!r} here; there is {', '.join(there)}.")
    if kind != "cuda":
        return torch.device(kind)
    index = int(name.split(":")[1]) if ":" in name else local_rank
    if index >= torch.cuda.device_count():
        raise DeviceError(
            f"There is no GPU {index} here; there are {torch.cuda.device_count()}, from 0. "
            "Start as many processes a machine as it has GPUs."
        )
    return torch.device("cuda", index)


@contextlib.contextmanager
def started(device: str = "auto") -> Iterator[Processes]:
    """Join the processes that torchrun started (its environment says so), or be alone.

    Raises:
        DeviceError: see ``choose_device``.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = choose_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if count == 1:
        yield Processes(device=chosen)
        return
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Processes(dist.get_rank(), count, chosen)
    finally:
        dist.destroy_process_group()


class _JoinedSum(torch.autograd.Function):
    """Sum over processes. What follows is the same in each, and DDP averages: hence the factor backwards."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * dist.get_world_size()


_joined = False


@contextlib.contextmanager
def joined_batch(processes: Processes) -> Iterator[None]:
    """Within it, losses are those of the joined batch; outside (validation) each process is on its own."""
    global _joined
    before, _joined = _joined, processes.count > 1
    try:
        yield
    finally:
        _joined = before


def joined_sum(value: Tensor) -> Tensor:
    """Sum of ``value`` over all processes within ``joined_batch``, else ``value`` itself."""
    if not _joined:
        return value
    result: Tensor = _JoinedSum.apply(value)
    return result
