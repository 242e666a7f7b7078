"""A measure over time as a low curve: playhead, marked places, a click goes there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.mel_viewport import Range
from widgets.theme import current_theme, interface_font, mix, translucent

_STRIP = 8
_LABELS = 44
"""Width in px that the two labels of the value axis need."""


class TraceStrip(QWidget):
    """Draws values `(frames,)` over the visible time range; NaN leaves a gap.

    The widget never moves the time itself: a click asks by `seek_requested` (s).
    """

    seek_requested = Signal(float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: NDArray[np.float64] | None = None
        self._frame_rate = 1.0
        self._bounds: Range = (0.0, 1.0)
        self._unit = ""
        self._range: Range = (0.0, 1.0)
        self._playhead: float | None = None
        self._markers: list[float] = []
        self._bands: list[Range] = []
        self._empty = ""
        self._margins = (_LABELS + 8, 4)
        self._columns: list[tuple[float, float, float]] | None = None
        self.setAccessibleName(name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(40)

    # What is shown

    def set_trace(
        self,
        values: NDArray[np.floating] | None,
        frame_rate: float = 1.0,
        bounds: Range = (0.0, 1.0),
        unit: str = "",
    ) -> None:
        """Show values, `frame_rate` of them a second, between `bounds`; None shows the empty message."""
        self._values = None if values is None else np.asarray(values, dtype=np.float64)
        self._frame_rate, self._bounds, self._unit = frame_rate, bounds, unit
        self._redraw()

    def set_empty_message(self, text: str) -> None:
        """What is said while there is nothing to draw."""
        self._empty = text
        self.update()

    def set_markers(self, times: Sequence[float], bands: Sequence[Range] = ()) -> None:
        """Mark moments (s) by a small triangle, and stretches (s, s) by a tint."""
        self._markers, self._bands = list(times), list(bands)
        self.update()

    def set_time_range(self, start: float, stop: float) -> None:
        """Show the times from `start` to `stop` (s)."""
        if stop > start and (start, stop) != self._range:
            self._range = (start, stop)
            self._redraw()

    def set_playhead(self, time: float | None) -> None:
        """Move the playhead to a time in s; None hides it. Cheap enough for every frame."""
        if time != self._playhead:
            for place in (self._playhead, time):
                if place is not None:
                    self.update(QRect(math.floor(self._x_of(place)) - _STRIP, 0, 2 * _STRIP, self.height()))
            self._playhead = time

    def set_margins(self, left: int, right: int) -> None:
        """Pixels left and right of the curve, so that it stands under what it belongs to."""
        if (left, right) != self._margins:
            self._margins = (left, right)
            self._redraw()

    def time_at(self, x: float) -> float:
        """The time in s at a pixel column."""
        start, stop = self._range
        return start + (x - self._margins[0]) / max(self._plot_width(), 1.0) * (stop - start)

    def value_at(self, time: float) -> float:
        """The value at a time in s; NaN where there is none."""
        index = round(time * self._frame_rate)
        if self._values is None or not 0 <= index < len(self._values):
            return math.nan
        return float(self._values[index])

    def sizeHint(self) -> QSize:
        return QSize(300, 56)

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
            painter.end()
            return
        self._paint_axis(painter, plot)
        painter.setClipRect(plot)
        for start, stop in self._bands:
            left, right = self._x_of(start), self._x_of(stop)
            painter.fillRect(QRectF(left, plot.top(), max(right - left, 1), plot.height()), _tint())
        self._paint_curve(painter, plot)
        if self._playhead is not None:
            painter.fillRect(
                QRectF(self._x_of(self._playhead), plot.top(), 2, plot.height()), QColor(theme.playhead)
            )
        self._paint_markers(painter, plot)
        painter.end()

    def _paint_axis(self, painter: QPainter, plot: QRectF) -> None:
        theme = current_theme()
        low, high = self._bounds
        line = QColor(mix(theme.plot_background, theme.text_muted, 0.3))
        if low < 0 < high:
            painter.fillRect(QRectF(plot.left(), round(self._y_of(0.0)), plot.width(), 1), line)
        painter.setPen(QColor(theme.text_muted))
        height = painter.fontMetrics().height()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, top in ((high, plot.top()), (low, plot.bottom() - height)):
            text = f"{value:g}".replace("-", "\u2212") + (f" {self._unit}" if value == high and self._unit else "")
            painter.drawText(QRectF(0, top, plot.left() - 6, height), right, text)

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
            x, top = self._x_of(time), plot.top()
            painter.drawPolygon(QPolygonF([QPointF(x - 5, top), QPointF(x + 5, top), QPointF(x, top + 8)]))
            painter.drawRect(QRectF(x - 0.5, top, 1, plot.height()))

    def _curve(self) -> list[tuple[float, float, float]]:
        """(x, y, is_there) at most once a pixel column: the greatest distance from 0 of the frames in it."""
        if self._columns is not None or self._values is None:
            return self._columns or []
        start, stop = self._range
        first = max(0, math.floor(start * self._frame_rate) - 1)
        last = min(len(self._values), math.ceil(stop * self._frame_rate) + 2)
        shown = self._values[first:last]
        per_column = max(1, int(len(shown) / max(self._plot_width(), 1.0)))
        points = []
        low, high = self._bounds
        for index in range(0, len(shown), per_column):
            part = shown[index : index + per_column]
            part = part[np.isfinite(part)]
            value = float(part[np.argmax(np.abs(part))]) if len(part) else math.nan
            middle = (first + index + (per_column - 1) / 2) / self._frame_rate
            points.append((self._x_of(middle), self._y_of(min(max(value, low), high)), float(len(part) > 0)))
        self._columns = points
        return points

    def _plot(self) -> QRectF:
        return QRectF(self._margins[0], 1, self._plot_width(), self.height() - 2)

    def _plot_width(self) -> float:
        return max(0.0, self.width() - sum(self._margins))

    def _x_of(self, time: float) -> float:
        start, stop = self._range
        return self._margins[0] + (time - start) / (stop - start) * self._plot_width()

    def _y_of(self, value: float) -> float:
        low, high = self._bounds
        return 3 + (high - value) / max(high - low, 1e-9) * (self.height() - 6)

    def _redraw(self) -> None:
        self._columns = None
        self.update()

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._columns = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the time that was clicked."""
        self._ask(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub while the button is held."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._ask(event)

    def _ask(self, event: QMouseEvent) -> None:
        if self._values is not None and event.buttons() & Qt.MouseButton.LeftButton:
            start, stop = self._range
            self.seek_requested.emit(min(max(self.time_at(event.position().x()), start), stop))


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
