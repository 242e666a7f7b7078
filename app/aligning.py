"""Which moment of the free run belongs to which moment of the clip: the warp path, and all times through it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject

from app.measuring import Measured, Measurer
from app.messages_panes import AlignPanes, PanesAligned
from app.panes import SECOND
from lewm_core.time_map import TimeMap, time_map

TRUTH, FREE = "ground_truth", "autoregressive"


class AlignmentController(Measurer):
    """Aligns what the autoregressive pane shows with the clip whenever both say the same.

    Two time axes are on the screen: that of the clip (original, ground truth, reconstruction, teacher-forced)
    and that of the free run. `moved` leads from one to the other as long as there is a path and the person
    wants the panes linked; else a time stays what it is.
    """

    def __init__(self, measured: Measured, parent: QObject | None = None) -> None:
        super().__init__(measured, parent)
        self._pair: tuple[np.ndarray, np.ndarray] | None = None
        self.path: PanesAligned | None = None
        self.map: TimeMap | None = None
        measured.panes.pane_changed.connect(lambda _key: self.update())

    @property
    def is_linked(self) -> bool:
        """True while times are mapped along the path."""
        return self.map is not None and self._settings.link_by_path

    def set_linked(self, linked: bool) -> None:
        """Map times along the path, or compare at equal times."""
        self._settings.link_by_path = linked
        self.changed.emit()

    def parts(self, one_source: str, other_source: str) -> bool:
        """True where the same word lies at different times in two sources or panes.

        A second checkpoint has a timing of its own, for which there is no path: times stay what they are.
        """
        if SECOND in (one_source, other_source):
            return False
        return self.is_linked and (one_source == FREE) != (other_source == FREE)

    def moved(self, seconds: float, from_source: str, to_source: str) -> float:
        """The time in one source or pane that belongs to a time in another."""
        if self.map is None or not self.parts(from_source, to_source):
            return seconds
        return self.map.to_other(seconds) if to_source == FREE else self.map.to_reference(seconds)

    def update(self) -> None:
        """Align again, if the panes show other mels than those that were aligned last."""
        pair = self._wanted()
        if pair is self._pair or (
            pair and self._pair and all(a is b for a, b in zip(pair, self._pair, strict=True))
        ):
            return
        self._pair, self.path, self.map, self.problem = pair, None, None, ""
        self._cancel()
        if pair is not None:
            self._align(pair)
        self.changed.emit()

    def _wanted(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The two finished mels of the same words, or None."""
        truth, free = self._panes.mel(TRUTH), self._panes.mel(FREE)
        if self._comparison.result is None or truth is None or free is None or self._panes.is_growing:
            return None
        if min(truth.shape[1], free.shape[1]) < 2 or not self._says_the_same():
            return None
        return truth, free

    def _says_the_same(self) -> bool:
        if not self._panes.shows_other_speech:
            return True
        take, result = self._session.take(self._session.current_take), self._comparison.result
        return take is not None and result is not None and _words(take.text) == _words(result.text)

    def _align(self, pair: tuple[np.ndarray, np.ndarray]) -> None:
        request = AlignPanes(*pair, self._panes.frame_rate)
        self._measure(request, "Aligning", "align", "aligned", lambda: pair is self._pair, self._on_aligned)

    def _on_aligned(self, path: PanesAligned) -> None:
        self.path = path
        self.map = time_map(path.reference, path.other, self._panes.frame_rate)


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()
