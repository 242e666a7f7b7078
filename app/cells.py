"""Makes cells (a sentence through a checkpoint) one after the other in the background, and keeps them."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.background import BackgroundEngine
from app.engine_messages import Failure
from app.jobs import Job
from app.messages_sweep import MakeCell
from lewm_core.analysis.run_folder import SavedCheckpoint
from lewm_core.sweep_cells import SweepCell, SweepItem

logger = logging.getLogger(__name__)
SECOND, GRID = "second", "grid"
"""Owners of wishes: the checkpoint beside the voice, and the window with all of them."""
MEMORY = 256 * 1024 * 1024
"""Bytes of mels and waves that are kept; what was looked at longest ago goes first."""


@dataclass(frozen=True)
class Wish:
    """A cell that is wanted: a checkpoint, a sentence, a vocoder (None: the checkpoint's own)."""

    checkpoint: SavedCheckpoint
    item: SweepItem
    vocoder: str | None = None

    @property
    def key(self) -> Hashable:
        """The same for what gives the same cell; another one once the file was written anew."""
        return self.checkpoint.path, self.checkpoint.stamp, self.item, self.vocoder


class CellMaker(QObject):
    """Fulfils the wishes of several owners, those of the owner named first before the others'."""

    made = Signal(object)
    """A `Wish` whose cell is there now."""
    changed = Signal()
    """What is wanted or being made changed."""

    def __init__(self, engine: BackgroundEngine, owners: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._wishes: dict[str, list[Wish]] = {owner: [] for owner in owners}
        self._cells: OrderedDict[Hashable, SweepCell] = OrderedDict()
        self._size = 0
        self._job: Job | None = None
        self.running: Wish | None = None

    def want(self, owner: str, wishes: Sequence[Wish]) -> None:
        """Replace what an owner wants, in this order; what is there already is not made again."""
        self._wishes[owner] = [wish for wish in wishes if wish.key not in self._cells]
        wanted = {wish.key for wish in self._all()}
        if self.running is not None and self.running.key not in wanted and self._job is not None:
            self._job.cancel()
        self._next()
        self.changed.emit()

    def cell(self, wish: Wish) -> SweepCell | None:
        """The cell of a wish, None while there is none."""
        if wish.key in self._cells:
            self._cells.move_to_end(wish.key)
        return self._cells.get(wish.key)

    def left(self, owner: str) -> int:
        """Number of wishes of an owner that are still to be fulfilled."""
        return len(self._wishes[owner])

    def forget_failures(self) -> None:
        """Let what failed be tried again, when it is wanted the next time."""
        for key in [key for key, cell in self._cells.items() if cell.failure]:
            del self._cells[key]

    def _all(self) -> list[Wish]:
        return [wish for wishes in self._wishes.values() for wish in wishes]

    def _next(self) -> None:
        wishes = self._all()
        if self._job is not None or not wishes:
            return
        wish = self.running = wishes[0]
        request = MakeCell(str(wish.checkpoint.path), wish.checkpoint.step, wish.item, wish.vocoder)
        job = self._job = self._engine.submit(request, f"Rendering {wish.checkpoint.name}", "cell")
        job.finished.connect(lambda cell: self._on_cell(wish, job, cell))
        job.failed.connect(lambda failure: self._on_failure(wish, job, failure))
        job.ended.connect(self._on_ended)

    def _on_cell(self, wish: Wish, job: Job, cell: SweepCell) -> None:
        if not job.is_cancelled:
            self._keep(wish, cell)

    def _on_failure(self, wish: Wish, job: Job, failure: Failure) -> None:
        logger.error("%s: %s\n%s", wish.checkpoint.path, failure.message, failure.details)
        if not job.is_cancelled:
            item = wish.item
            failed = SweepCell(
                wish.checkpoint.name, wish.checkpoint.step, item, item.speaker, {}, failure=failure.message
            )
            self._keep(wish, failed)

    def _keep(self, wish: Wish, cell: SweepCell) -> None:
        for owner, wishes in self._wishes.items():
            self._wishes[owner] = [other for other in wishes if other.key != wish.key]
        self._cells[wish.key] = cell
        self._size += size_of(cell)
        while self._size > MEMORY and len(self._cells) > 1:
            _, gone = self._cells.popitem(last=False)
            self._size -= size_of(gone)
        self.made.emit(wish)

    def _on_ended(self) -> None:
        self._job = self.running = None
        self._next()
        self.changed.emit()


def size_of(cell: SweepCell) -> int:
    """Bytes of the mels and waves of a cell."""
    return sum(made.mel.nbytes + made.wave.nbytes for made in cell.renderings.values())
