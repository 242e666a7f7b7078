"""Curves against the training step: losses of a log, measures of checkpoints; a click chooses a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.pane_colours import pane_colour
from widgets.text_format import MINUS
from widgets.theme import current_theme, interface_font, mix

_LEFT, _BOTTOM, _TOP = 46, 16, 4
_MOST_POINTS = 2000


@dataclass(frozen=True)
class StepCurve:
    """A named curve: steps (n,) rising, values (n,); `dots` marks each point, for few of them."""

    name: str
    steps: NDArray[np.integer]
    values: NDArray[np.floating]
    dots: bool = False


class StepCurves(QWidget):
    """Draws curves on one axis of steps, with the greatest and smallest value at the left."""

    step_requested = Signal(float)
    """The step that was clicked or dragged to."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves: list[StepCurve] = []
        self._range = (0.0, 1.0)
        self._bounds = (0.0, 1.0)
        self._step: float | None = None
        self._pointer: QPointF | None = None
        self._empty = ""
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(120)

    def set_curves(self, curves: Sequence[StepCurve], step_range: tuple[float, float] | None = None) -> None:
        """Show curves; `step_range` is the axis (default: as far as the curves reach)."""
        self._curves = [curve for curve in curves if len(curve.steps)]
        if self._curves:
            values = np.concatenate([curve.values for curve in self._curves])
            values = values[np.isfinite(values)]
            low, high = _bounds(values)
            self._bounds = (low, high)
            ends = [(float(curve.steps[0]), float(curve.steps[-1])) for curve in self._curves]
            first, last = step_range or (min(a for a, _ in ends), max(b for _, b in ends))
            self._range = (first, last) if last > first else (first - 1, first + 1)
        self.update()

    def set_empty_message(self, text: str) -> None:
        """What is said while there is no curve."""
        self._empty = text
        self.update()

    def set_step(self, step: float | None) -> None:
        """Mark a step by a line; None marks none."""
        if step != self._step:
            self._step = step
            self.update()

    def curves(self) -> list[StepCurve]:
        """What is shown."""
        return list(self._curves)

    def step_at(self, x: float) -> float:
        """The step at a pixel column."""
        first, last = self._range
        return first + (x - _LEFT) / max(self._plot().width(), 1.0) * (last - first)

    def sizeHint(self) -> QSize:
        return QSize(240, 120)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        plot = self._plot()
        painter.fillRect(plot, QColor(theme.plot_background))
        painter.setFont(interface_font(theme, theme.font_size_small))
        painter.setPen(QColor(theme.text_muted))
        if not self._curves:
            box = plot.adjusted(8, 0, -8, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)
            painter.end()
            return
        self._paint_axes(painter, plot)
        painter.setClipRect(plot.adjusted(-4, -4, 4, 4))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._step is not None:
            painter.fillRect(QRectF(self._x(self._step) - 1, plot.top(), 2, plot.height()), QColor(theme.playhead))
        for place, curve in enumerate(self._curves):
            self._paint_curve(painter, curve, QColor(self.colour(place)))
        self._paint_readout(painter, plot)
        painter.end()

    def colour(self, place: int) -> str:
        """Colour of the curve at a place: the accent for the first one."""
        theme = current_theme()
        return theme.accent if place == 0 else pane_colour(place, theme)

    def _paint_axes(self, painter: QPainter, plot: QRectF) -> None:
        theme = current_theme()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        height = painter.fontMetrics().height()
        low, high = self._bounds
        for value, top in ((high, plot.top()), (low, plot.bottom() - height)):
            painter.drawText(QRectF(0, top, _LEFT - 6, height), right, _number(value))
        foot = QRectF(plot.left(), plot.bottom() + 1, plot.width(), _BOTTOM)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{self._range[0]:,.0f}")
        painter.drawText(foot, right, f"{self._range[1]:,.0f} steps")
        line = QColor(mix(theme.plot_background, theme.text_muted, 0.25))
        painter.fillRect(QRectF(plot.left(), plot.center().y(), plot.width(), 1), line)

    def _paint_curve(self, painter: QPainter, curve: StepCurve, colour: QColor) -> None:
        every = max(1, len(curve.steps) // _MOST_POINTS)
        steps, values = curve.steps[::every], curve.values[::every]
        keep = np.isfinite(values)
        points = [QPointF(self._x(s), self._y(v)) for s, v in zip(steps[keep], values[keep], strict=True)]
        painter.setPen(QPen(colour, 1.4))
        painter.drawPolyline(QPolygonF(points))
        if curve.dots:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            for point in points:
                painter.drawEllipse(point, 3.0, 3.0)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_readout(self, painter: QPainter, plot: QRectF) -> None:
        if self._pointer is None or not plot.contains(self._pointer):
            return
        theme = current_theme()
        step = self.step_at(self._pointer.x())
        lines = [f"{curve.name} {_number(self.value_at(curve, step))}" for curve in self._curves]
        text = f"{step:,.0f}: " + ", ".join(lines)
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(text) + 12
        left = min(max(plot.left(), self._pointer.x() - width / 2), plot.right() - width)
        box = QRectF(max(plot.left(), left), plot.top() + 2, width, metrics.height() + 4)
        painter.fillRect(box, QColor(theme.surface_raised))
        painter.setPen(QColor(theme.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    @staticmethod
    def value_at(curve: StepCurve, step: float) -> float:
        """The value of the point nearest to a step."""
        return float(curve.values[int(np.argmin(np.abs(curve.steps - step)))])

    def _plot(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(0.0, self.width() - _LEFT - 6), self.height() - _BOTTOM - _TOP)

    def _x(self, step: float) -> float:
        first, last = self._range
        return _LEFT + (step - first) / (last - first) * self._plot().width()

    def _y(self, value: float) -> float:
        low, high = self._bounds
        plot = self._plot()
        return plot.top() + 4 + (high - value) / max(high - low, 1e-12) * (plot.height() - 8)

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the step that was clicked."""
        self._ask(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read values under the pointer; choose steps while the button is held."""
        self._pointer = event.position()
        self.update()
        self._ask(event)

    def leaveEvent(self, event: object) -> None:
        """Forget the pointer."""
        self._pointer = None
        self.update()

    def _ask(self, event: QMouseEvent) -> None:
        if self._curves and event.buttons() & Qt.MouseButton.LeftButton:
            self.step_requested.emit(self.step_at(event.position().x()))


def _bounds(values: NDArray[np.floating]) -> tuple[float, float]:
    """Axis for values: without the highest hundredth, which the first steps of a training would fill it with."""
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(np.quantile(values, 0.99) if len(values) > 50 else values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:.3g}".replace("-", MINUS)
