"""Which moment of one pane belongs to which moment of another: warp paths, and all times through them."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.measuring import Measured, Measurer
from app.messages_panes import AlignPanes, PanesAligned
from app.panes import FREE, PAIR, SECOND, TRUTH
from lewm_core.time_map import TimeMap, mean_by, time_map

PATHS_KEPT = 32
"""Paths that are remembered, so that sliding back to a checkpoint finds its path at once."""


class PathFinder(Measurer):
    """Keeps the warp path between two panes: found anew when one of them shows another mel."""

    def __init__(self, lane: str, measured: Measured, parent: QObject | None = None) -> None:
        super().__init__(measured, parent)
        self._lane = lane
        self._mels: tuple[np.ndarray, np.ndarray] | None = None
        # By identity; the mels are held, so that no other one can get theirs.
        self._known: OrderedDict[tuple[int, int], tuple[tuple[np.ndarray, np.ndarray], PanesAligned]] = (
            OrderedDict()
        )
        self.ends = (TRUTH, FREE)
        """Keys of the panes: the reference, and the one that is put on its time axis."""
        self.path: PanesAligned | None = None
        self.map: TimeMap | None = None

    def join(self, reference: str, other: str) -> None:
        """Keep the path between these panes while both say the same words; none where they do not."""
        mels = self._mels_of(reference, other)
        self.ends = (reference, other)
        same = mels is self._mels or (mels and self._mels and all(map(_is, mels, self._mels)))
        if same:
            return
        self._mels, self.path, self.map, self.problem = mels, None, None, ""
        self._cancel()
        if mels is not None:
            self._find(mels)
        self.changed.emit()

    def warped(self, mel: np.ndarray) -> np.ndarray:
        """A mel (m, u) of the other pane on the time axis of the reference, (m, t)."""
        assert self.path is not None
        return mean_by(mel[:, self.path.other], self.path.reference).astype(np.float32)

    def _mels_of(self, reference: str, other: str) -> tuple[np.ndarray, np.ndarray] | None:
        panes = self._panes
        words = _words(panes.content(reference).text)
        one, two = panes.mel(reference), panes.mel(other)
        if not words or words != _words(panes.content(other).text) or one is None or two is None:
            return None
        return (one, two) if min(one.shape[1], two.shape[1]) > 1 else None

    def _find(self, mels: tuple[np.ndarray, np.ndarray]) -> None:
        known = self._known.get((id(mels[0]), id(mels[1])))
        if known is not None:
            self._on_found(known[1])
            return
        request = AlignPanes(*mels, self._panes.frame_rate)
        self._measure(request, "Aligning", self._lane, "aligned", lambda: mels is self._mels, self._on_found)

    def _on_found(self, path: PanesAligned) -> None:
        mels = self._mels
        assert mels is not None
        self._known[id(mels[0]), id(mels[1])] = mels, path
        self._known.move_to_end((id(mels[0]), id(mels[1])))
        while len(self._known) > PATHS_KEPT:
            self._known.popitem(last=False)
        self.path = path
        self.map = time_map(path.reference, path.other, self._panes.frame_rate)


class AlignmentController(QObject):
    """Aligns what was spoken freely with what says the same.

    Up to three time axes are on the screen: that of the clip (original, ground truth, reconstruction,
    teacher-forced), that of the free run, and that of B, a second checkpoint's free run. The free run is aligned
    with the clip, B with the free run (or with the clip, where the free run says something else). `moved` leads
    from any axis to any other as long as paths join them and the person wants the panes linked; else a time stays
    what it is.
    """

    changed = Signal()
    job_started = Signal(object)

    def __init__(self, measured: Measured, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._panes = measured.panes
        self._settings = measured.settings
        self.free = PathFinder("align", measured, self)
        """From the clip to the free run."""
        self.second = PathFinder("align_second", measured, self)
        """From the free run (or the clip) to B."""
        for finder in (self.free, self.second):
            finder.changed.connect(self.changed)
            finder.job_started.connect(self.job_started)
        measured.panes.pane_changed.connect(self._on_pane)

    @property
    def path(self) -> PanesAligned | None:
        """The path from the clip to the free run."""
        return self.free.path

    @property
    def map(self) -> TimeMap | None:
        """The same as a map of times."""
        return self.free.map

    @property
    def is_busy(self) -> bool:
        """True while a path is looked for."""
        return self.free.is_busy or self.second.is_busy

    def set_linked(self, linked: bool) -> None:
        """Map times along the paths, or compare at equal times."""
        self._settings.link_by_path = linked
        self.changed.emit()

    # ------------------------------------------------------------------ times
    def axis(self, key: str) -> str:
        """The pane on whose time axis a pane or source lies: itself where it has a timing of its own."""
        if key == PAIR:
            return self.common_axis(self._settings.pair_first, self._settings.pair_second)
        return key if self._panes.content(key).own_time else TRUTH

    def parts(self, one_source: str, other_source: str) -> bool:
        """True where the same word lies at different times in two sources or panes, and it is known at which."""
        one, other = self.axis(one_source), self.axis(other_source)
        return self._settings.link_by_path and one != other and self._root(one) == self._root(other)

    def moved(self, seconds: float, from_source: str, to_source: str) -> float:
        """The time in one source or pane that belongs to a time in another."""
        if not self.parts(from_source, to_source):
            return seconds
        up, down = self._way_up(self.axis(from_source)), self._way_up(self.axis(to_source))
        for finder in up:
            if finder not in down and finder.map is not None:
                seconds = finder.map.to_reference(seconds)
        for finder in reversed(down):
            if finder not in up and finder.map is not None:
                seconds = finder.map.to_other(seconds)
        return seconds

    def common_axis(self, one: str, other: str) -> str:
        """The time axis on which two panes can be put beside each other: the one nearer to the clip's."""
        first, second = self.axis(one), self.axis(other)
        if not self.parts(one, other):
            return first
        return min((first, second), key=lambda axis: len(self._way_up(axis)))

    def on_axis(self, mel: np.ndarray, key: str, axis: str) -> np.ndarray:
        """The mel (m, u) of a pane on an axis from `common_axis`."""
        for finder in self._way_up(self.axis(key)):
            if finder.ends[1] == axis:
                break
            mel = finder.warped(mel)
        return mel

    def is_waiting(self, one: str, other: str) -> bool:
        """True while a path that two panes need is looked for."""
        axes = {self.axis(one), self.axis(other)}
        busy = [finder for finder in (self.free, self.second) if finder.is_busy]
        return (
            self._settings.link_by_path and len(axes) > 1 and any(finder.ends[1] in axes for finder in busy)
        )

    def _way_up(self, axis: str) -> list[PathFinder]:
        """The paths that lead from an axis towards that of the clip, as far as they are known."""
        way: list[PathFinder] = []
        for finder in (self.second, self.free):
            if finder.ends[1] == axis and finder.map is not None:
                way.append(finder)
                axis = finder.ends[0]
        return way

    def _root(self, axis: str) -> str:
        way = self._way_up(axis)
        return way[-1].ends[0] if way else axis

    # ------------------------------------------------------------------ what happens
    def _on_pane(self, _key: str) -> None:
        self.free.join(TRUTH, FREE)
        panes = self._panes
        says_the_same = _words(panes.content(FREE).text) == _words(panes.content(SECOND).text)
        self.second.join(FREE if says_the_same else TRUTH, SECOND if panes.content(SECOND).own_time else "")


def _is(one: object, other: object) -> bool:
    return one is other


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()
