"""A measure over time as a low curve: playhead, marked places, a click goes there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from widgets.mel_viewport import Range
from widgets.theme import current_theme, interface_font, mix, translucent
from widgets.time_strip import TimeStrip

_LABELS = 44
"""Width in px that the two labels of the value axis need."""


class TraceStrip(TimeStrip):
    """Draws values `(frames,)` over the visible time range; NaN leaves a gap. A second curve may lie under it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._values: NDArray[np.float64] | None = None
        self._frame_rate = 1.0
        self._offset = 0.0
        self._bounds: Range = (0.0, 1.0)
        self._unit = ""
        self._lower: tuple[NDArray[np.float64], float, float] | None = None
        self._level: float | None = None
        self._markers: list[float] = []
        self._bands: list[Range] = []
        self._empty = ""
        self._columns: list[tuple[float, float, float]] | None = None
        self.set_margins(_LABELS + 8, 4)

    # What is shown

    def set_trace(
        self,
        values: NDArray[np.floating] | None,
        frame_rate: float = 1.0,
        bounds: Range = (0.0, 1.0),
        unit: str = "",
        offset: float = 0.0,
    ) -> None:
        """Show values, `frame_rate` of them a second, between `bounds`; None shows the empty message.

        offset: time of the first value in s.
        """
        self._values = None if values is None else np.asarray(values, dtype=np.float64)
        self._frame_rate, self._bounds, self._unit, self._offset = frame_rate, bounds, unit, offset
        self._redraw()

    def set_lower_trace(
        self, values: NDArray[np.floating] | None, frame_rate: float = 1.0, offset: float = 0.0
    ) -> None:
        """A second curve, drawn as a thin line under the first, between the same bounds."""
        self._lower = None if values is None else (np.asarray(values, dtype=np.float64), frame_rate, offset)
        self.update()

    def set_level(self, level: float | None) -> None:
        """Draw a thin line across at a value that means something, such as a threshold."""
        self._level = level
        self.update()

    def set_empty_message(self, text: str) -> None:
        """What is said while there is nothing to draw."""
        self._empty = text
        self.update()

    def set_markers(self, times: Sequence[float], bands: Sequence[Range] = ()) -> None:
        """Mark moments (s) by a small triangle, and stretches (s, s) by a tint."""
        self._markers, self._bands = list(times), list(bands)
        self.update()

    def value_at(self, time: float) -> float:
        """The value at a time in s; NaN where there is none."""
        index = round((time - self._offset) * self._frame_rate)
        if self._values is None or not 0 <= index < len(self._values):
            return math.nan
        return float(self._values[index])

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        plot = self._plot()
        painter.fillRect(self.rect(), QColor(theme.surface))
        painter.fillRect(plot, QColor(theme.plot_background))
        painter.setFont(interface_font(theme, theme.font_size_small))
        if self._values is None:
            painter.setPen(QColor(theme.text_muted))
            box = plot.adjusted(8, 0, -8, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)
            self._paint_title(painter, plot)
            painter.end()
            return
        self._paint_axis(painter, plot)
        painter.setClipRect(plot)
        for start, stop in self._bands:
            left, right = self.x_of(start), self.x_of(stop)
            painter.fillRect(QRectF(left, plot.top(), max(right - left, 1), plot.height()), _tint())
        self._paint_lower(painter)
        self._paint_curve(painter, plot)
        self._paint_lines(painter, plot)
        self._paint_markers(painter, plot)
        self._paint_title(painter, plot)
        painter.end()

    def _paint_axis(self, painter: QPainter, plot: QRectF) -> None:
        theme = current_theme()
        low, high = self._bounds
        line = QColor(mix(theme.plot_background, theme.text_muted, 0.3))
        if low < 0 < high:
            painter.fillRect(QRectF(plot.left(), round(self._y_of(0.0)), plot.width(), 1), line)
        if self._level is not None:
            painter.fillRect(QRectF(plot.left(), round(self._y_of(self._level)), plot.width(), 1), line)
        painter.setPen(QColor(theme.text_muted))
        height = painter.fontMetrics().height()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, top in ((high, plot.top()), (low, plot.bottom() - height)):
            text = f"{value:g}".replace("-", "\u2212") + (
                f" {self._unit}" if value == high and self._unit else ""
            )
            painter.drawText(QRectF(0, top, plot.left() - 6, height), right, text)

    def _paint_lower(self, painter: QPainter) -> None:
        if self._lower is None:
            return
        values, rate, offset = self._lower
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(current_theme().text_muted), 1.2))
        for run in _runs(self._points(values, rate, offset)):
            painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in run]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_curve(self, painter: QPainter, plot: QRectF) -> None:
        theme = current_theme()
        zero = self._y_of(min(max(0.0, self._bounds[0]), self._bounds[1]))
        colour = QColor(theme.accent)
        fill = translucent(theme.accent, 0.28)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for run in _runs(self._curve()):
            points = [QPointF(x, y) for x, y in run]
            line = QPolygonF(points)
            area = QPolygonF([QPointF(run[0][0], zero), *points, QPointF(run[-1][0], zero)])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawPolygon(area)
            painter.setPen(QPen(colour, 1.3))
            painter.drawPolyline(line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_markers(self, painter: QPainter, plot: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(current_theme().error))
        for time in self._markers:
            x, top = self.x_of(time), plot.top()
            painter.drawPolygon(QPolygonF([QPointF(x - 5, top), QPointF(x + 5, top), QPointF(x, top + 8)]))
            painter.drawRect(QRectF(x - 0.5, top, 1, plot.height()))

    def _curve(self) -> list[tuple[float, float, float]]:
        if self._columns is None and self._values is not None:
            self._columns = self._points(self._values, self._frame_rate, self._offset)
        return self._columns or []

    def _points(
        self, values: NDArray[np.float64], rate: float, offset: float
    ) -> list[tuple[float, float, float]]:
        """(x, y, is_there) at most once a pixel column: the greatest distance from 0 of the frames in it."""
        start, stop = self._range
        first = max(0, math.floor((start - offset) * rate) - 1)
        last = max(first, min(len(values), math.ceil((stop - offset) * rate) + 2))
        shown = values[first:last]
        per_column = max(1, int(len(shown) / max(self._plot_width(), 1.0)))
        points = []
        low, high = self._bounds
        for index in range(0, len(shown), per_column):
            part = shown[index : index + per_column]
            part = part[np.isfinite(part)]
            value = float(part[np.argmax(np.abs(part))]) if len(part) else math.nan
            middle = (first + index + (per_column - 1) / 2) / rate + offset
            points.append((self.x_of(middle), self._y_of(min(max(value, low), high)), float(len(part) > 0)))
        return points

    def _y_of(self, value: float) -> float:
        low, high = self._bounds
        return 3 + (high - value) / max(high - low, 1e-9) * (self.height() - 6)

    def _redraw(self) -> None:
        self._columns = None
        self.update()

    def _is_filled(self) -> bool:
        return self._values is not None


def _tint() -> QColor:
    return translucent(current_theme().error, 0.16)


def _runs(points: list[tuple[float, float, float]]) -> list[list[tuple[float, float]]]:
    """Stretches of points without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y, is_there in points:
        if is_there:
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]
