"""The free run against the teacher-forced one: a verdict in words, the numbers, and both over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from widgets.mel_viewport import Range
from widgets.style_sheet import set_role
from widgets.theme import current_theme
from widgets.trace_strip import TraceStrip

_PLOT_HEIGHT = 84
_ENERGY_BOUNDS = (-40.0, 20.0)


class DriftPanel(QWidget):
    """Shows what it is told; a click in a curve asks to go there (`seek_requested`, s in the free run)."""

    seek_requested = Signal(float)

    def __init__(self, definitions: dict[str, str], parent: QWidget | None = None) -> None:
        """definitions: tool tips by "divergence" and "energy", and by the label of a row."""
        super().__init__(parent)
        self._definitions = definitions
        self._verdict = QLabel(self)
        self._verdict.setProperty("role", "title")
        self._verdict.setWordWrap(True)
        self._explanation = QLabel("The autoregressive run against the teacher-forced prediction", self)
        self._explanation.setWordWrap(True)
        set_role(self._explanation, "muted")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, QLabel]] = []
        self.divergence = TraceStrip("Divergence over time", self)
        self.energy = TraceStrip("Energy ratio over time", self)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self._verdict)
        column.addWidget(self._explanation)
        column.addSpacing(4)
        column.addLayout(self._grid)
        column.addSpacing(8)
        for key, title, strip in (
            ("divergence", "Divergence (1: unrelated)", self.divergence),
            ("energy", "Energy ratio, dB", self.energy),
        ):
            label = QLabel(title, self)
            label.setProperty("role", "small")
            label.setToolTip(definitions.get(key, ""))
            strip.setToolTip(definitions.get(key, ""))
            strip.setFixedHeight(_PLOT_HEIGHT)
            strip.set_margins(38, 0)
            strip.seek_requested.connect(self.seek_requested)
            column.addWidget(label)
            column.addWidget(strip)
        column.addStretch(1)
        self.set_empty("There is no free run to measure yet.")

    def set_empty(self, message: str) -> None:
        """Say why there is nothing to show."""
        self._verdict.setText(message)
        set_role(self._verdict, "muted")
        self._show_rows([])
        for strip in (self.divergence, self.energy):
            strip.set_trace(None)
            strip.set_markers([])

    def set_drift(
        self, verdict: str, rows: list[tuple[str, str]], off_path: list[Range], departure_s: float | None
    ) -> None:
        """The verdict in words, (label, value) rows, and what to mark in the curves (s in the free run)."""
        self._verdict.setText(verdict)
        set_role(self._verdict, "title")
        self._show_rows(rows)
        self.divergence.set_markers([] if departure_s is None else [departure_s], off_path)

    def set_curves(
        self, divergence: NDArray[np.floating], energy_ratio_db: NDArray[np.floating], seconds: float
    ) -> None:
        """Both curves over the whole free run of `seconds`: divergence `(u,)`, energy ratio `(t,)` in dB."""
        seconds = max(seconds, 0.01)
        self.divergence.set_trace(divergence, len(divergence) / seconds, (0.0, 1.5))
        self.energy.set_trace(energy_ratio_db, len(energy_ratio_db) / seconds, _ENERGY_BOUNDS, "dB")
        for strip in (self.divergence, self.energy):
            strip.set_time_range(0.0, seconds)

    def set_playhead(self, time: float | None) -> None:
        """Move the playhead of both curves to a time in s."""
        self.divergence.set_playhead(time)
        self.energy.set_playhead(time)

    def verdict(self) -> str:
        """The words shown."""
        return self._verdict.text()

    def rows(self) -> list[tuple[str, str]]:
        """The numbers shown."""
        return [(label.text(), value.text()) for label, value in self._rows if not value.isHidden()]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    def _show_rows(self, rows: list[tuple[str, str]]) -> None:
        while len(self._rows) < len(rows):
            label, value = QLabel(self), QLabel(self)
            label.setProperty("role", "small")
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(label, len(self._rows), 0)
            self._grid.addWidget(value, len(self._rows), 1)
            self._rows.append((label, value))
        for number, (label, value) in enumerate(self._rows):
            there = number < len(rows)
            if there:
                label.setText(rows[number][0])
                value.setText(rows[number][1])
                label.setToolTip(self._definitions.get(rows[number][0], ""))
            label.setVisible(there)
            value.setVisible(there)
