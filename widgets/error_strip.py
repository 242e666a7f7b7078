"""The strip under the mels: how wrong one pane is at each moment, and where it is worst."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from widgets.theme import current_theme
from widgets.time_scale import format_time_readout
from widgets.trace_strip import TraceStrip

_PLOT_HEIGHT = 54
_TOPS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True)
class Measure:
    """A measure by frame: what it is called, its unit, what it means (with its source)."""

    key: str
    title: str
    unit: str
    definition: str


class ErrorStrip(QWidget):
    """Offers panes and measures; asks by signal for the one to show, is told its values."""

    pane_chosen = Signal(str)
    measure_chosen = Signal(str)
    seek_requested = Signal(float)

    def __init__(self, measures: list[Measure], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Error strip")
        self.setMinimumWidth(320)  # not what the words of the moment need: they give way
        self._measures = {measure.key: measure for measure in measures}
        self._worst: float | None = None
        self._pane = _flat_combo("Pane whose error is shown", self)
        self._measure = _flat_combo("Measure of error", self)
        for measure in measures:
            self._measure.addItem(measure.title, measure.key)
            self._measure.setItemData(
                self._measure.count() - 1, measure.definition, Qt.ItemDataRole.ToolTipRole
            )
        self._title = QLabel("Error", self)
        self._title.setProperty("role", "small")
        self._go = QPushButton("", self)
        self._go.setProperty("role", "flat")
        self._go.clicked.connect(self._go_to_worst)
        self.trace = TraceStrip("Error over time", self)
        self.trace.setFixedHeight(_PLOT_HEIGHT)
        self.trace.seek_requested.connect(self.seek_requested)
        self._head = QHBoxLayout()
        self._head.setSpacing(6)
        for widget in (self._title, self._pane, self._measure):
            self._head.addWidget(widget)
        self._head.addStretch(1)
        self._head.addWidget(self._go)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 4)
        column.setSpacing(2)
        column.addLayout(self._head)
        column.addWidget(self.trace)
        self._pane.activated.connect(lambda _index: self.pane_chosen.emit(self._pane.currentData()))
        self._measure.activated.connect(lambda _index: self.measure_chosen.emit(self._measure.currentData()))
        self.set_margins(56, 4)
        self.set_values(None, 1.0, None)

    def set_panes(self, panes: list[tuple[str, str]]) -> None:
        """Offer panes as (key, title)."""
        self._pane.clear()
        for key, title in panes:
            self._pane.addItem(title, key)

    def set_choice(self, pane: str, measure: str) -> None:
        """Show which pane and which measure is chosen; emits nothing."""
        self._pane.setCurrentIndex(max(0, self._pane.findData(pane)))
        self._measure.setCurrentIndex(max(0, self._measure.findData(measure)))
        chosen = self._measures[self._measure.currentData()]
        for widget in (self._measure, self.trace):
            widget.setToolTip(chosen.definition)

    def set_values(
        self,
        values: NDArray[np.floating] | None,
        frame_rate: float,
        worst_s: float | None,
        remark: str = "",
        empty: str = "",
    ) -> None:
        """Show values `(frames,)` of the chosen measure and mark the worst place (s).

        remark: a few words in the corner of the curve. empty: what is said while there are no values.
        """
        chosen = self._measures[self._measure.currentData()]
        self._worst = worst_s if values is not None else None
        self.trace.set_title(remark)
        self.trace.set_empty_message(empty)
        if values is None:
            self.trace.set_trace(None)
        else:
            self.trace.set_trace(values, frame_rate, (0.0, _top(values)), chosen.unit)
        self.trace.set_markers([] if self._worst is None else [self._worst])
        self._go.setVisible(self._worst is not None)
        if self._worst is not None:
            self._go.setAccessibleName(
                f"Go to the worst place, {self._worst_words(', ')} {chosen.unit}".rstrip()
            )
            self._go.setToolTip(self._go.accessibleName())
        self._fit_head()

    def worst(self) -> float | None:
        """The marked place in s."""
        return self._worst

    def set_margins(self, left: int, right: int) -> None:
        """Pixels left and right of the curve: those of the mels above."""
        self.trace.set_margins(left, right)
        self._head.setContentsMargins(12, 0, 12, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say less in the line above the curve where there is little room."""
        super().resizeEvent(event)
        self._fit_head()

    def _fit_head(self) -> None:
        """The most words that fit: nothing is cut off."""
        full = f"Worst: {self._worst_words()}"
        short = full.split(" · ")[0]
        for has_title, words in ((True, full), (False, full), (False, short), (False, short[7:])):
            self._title.setVisible(has_title)
            self._go.setText(words)
            self._head.invalidate()  # Qt does so only at the next turn of the event loop
            if self._head.sizeHint().width() <= self.width():
                break

    def _worst_words(self, between: str = " · ") -> str:
        """Time and value of the worst place."""
        if self._worst is None:
            return ""
        value = self.trace.value_at(self._worst)
        return format_time_readout(self._worst) + ("" if math.isnan(value) else f"{between}{value:.2f}")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    def _go_to_worst(self) -> None:
        if self._worst is not None:
            self.seek_requested.emit(self._worst)


def _flat_combo(name: str, parent: QWidget) -> QComboBox:
    combo = QComboBox(parent)
    combo.setProperty("role", "flat")
    combo.setAccessibleName(name)
    combo.setAccessibleDescription(name)  # on Linux, Qt gives its choice as the name of a combo box
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    combo.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return combo


def _top(values: NDArray[np.floating]) -> float:
    """The end of the value axis: the first round number that nearly every frame stays below."""
    finite = values[np.isfinite(values)]
    greatest = float(np.quantile(finite, 0.995)) if len(finite) else 0.0
    return next((top for top in _TOPS if top >= greatest), _TOPS[-1])
