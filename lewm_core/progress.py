"""Jobs are generators: they yield how far they are and return their result."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
WAITING = "Waiting for the batch"
"""Message of a progress that says: ask again when more latents are there."""


class Progress(NamedTuple):
    """How far a job is: share done in [0, 1], what it does, and the mel so far (m, t) where there is one."""

    fraction: float
    message: str
    partial_mel: np.ndarray | None = None


def never() -> bool:
    """A job that nobody cancels."""
    return False


def finish(job: Generator[Any, None, Any], on_progress: Callable[[Any], None] | None = None) -> Any:
    """Run a job to its end and return its result."""
    while True:
        try:
            progress = next(job)
        except StopIteration as end:
            return end.value
        if on_progress is not None:
            on_progress(progress)


def only(kind: type[_Item], job: Generator[Any, None, _Result]) -> Generator[_Item, None, _Result]:
    """Of what a job yields, that of one kind."""
    while True:
        try:
            item = next(job)
        except StopIteration as end:
            result: _Result = end.value
            return result
        if isinstance(item, kind):
            yield item
