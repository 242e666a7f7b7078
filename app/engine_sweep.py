"""Sentences through checkpoints that are not the loaded voice; runs in the background engine only.

That process steps back behind the one that speaks: lower priority, half of the cores, and two models in memory.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine_messages import Step
from app.messages_sweep import MakeCell

if TYPE_CHECKING:
    from lewm_core.sweep import VoiceShelf
    from lewm_core.sweep_cells import SweepCell

MODELS_IN_MEMORY = 2


def make_cell(request: MakeCell, cancelled: Callable[[], bool]) -> Generator[Step, None, SweepCell]:
    """The cell of a request; what cannot be done is told in it."""
    yield Step(0.0, "Starting the background engine")
    shelf = _shelf()
    from lewm_core import sweep

    job = sweep.make_cell(
        shelf, Path(request.checkpoint), request.step, request.item, request.vocoder, cancelled
    )
    while True:
        try:
            progress = next(job)
        except StopIteration as end:
            cell: SweepCell = end.value
            return cell
        yield Step(progress.fraction, progress.message)


@functools.cache
def _shelf() -> VoiceShelf:
    """The checkpoints used last. Made once a process, which then goes back in the queue for the processor."""
    if hasattr(os, "nice"):
        os.nice(10)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))  # torch reads it when imported

    from lewm_core.sweep import VoiceShelf

    return VoiceShelf(MODELS_IN_MEMORY)
