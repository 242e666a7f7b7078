"""A measure over time as a low curve: playhead, marked places, a click goes there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from widgets.mel_viewport import Range
from widgets.theme import current_theme, mix, translucent
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
        self._redraw()

    def set_level(self, level: float | None) -> None:
        """Draw a thin line across at a value that means something, such as a threshold."""
        self._level = level
        self._redraw()

    def set_markers(self, times: Sequence[float], bands: Sequence[Range] = ()) -> None:
        """Mark moments (s) by a small triangle, and stretches (s, s) by a tint."""
        self._markers, self._bands = list(times), list(bands)
        self._redraw()

    def value_at(self, time: float) -> float:
        """The value at a time in s; NaN where there is none."""
        index = round((time - self._offset) * self._frame_rate)
        if self._values is None or not 0 <= index < len(self._values):
            return math.nan
        return float(self._values[index])

    # Painting

    def _draw(self, painter: QPainter, plot: QRectF) -> None:
        self._paint_axis(painter, plot)
        painter.setClipRect(plot)
        for start, stop in self._bands:
            left, right = self.x_of(start), self.x_of(stop)
            painter.fillRect(QRectF(left, plot.top(), max(right - left, 1), plot.height()), _tint())
        self._paint_lower(painter)
        self._paint_curve(painter)
        self._paint_markers(painter, plot)

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
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(current_theme().text_muted), 1.2))
        for xs, ys in self._runs(*self._lower):
            painter.drawPolyline(_polygon(xs, ys))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_curve(self, painter: QPainter) -> None:
        assert self._values is not None
        theme = current_theme()
        zero = self._y_of(min(max(0.0, self._bounds[0]), self._bounds[1]))
        for xs, ys in self._runs(self._values, self._frame_rate, self._offset):
            left = math.floor(xs[0])
            painter.drawImage(left, 0, self._area(np.asarray(xs) - left, np.asarray(ys), zero))
            painter.setPen(QPen(QColor(theme.accent), 1.3))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawPolyline(_polygon(xs, ys))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _area(self, x: NDArray[np.float64], y: NDArray[np.float64], zero: float) -> QImage:
        """What lies between curve and zero, column by column: a polygon of so many corners takes ten times as long.

        Its edge is not smooth; the line lies over it.
        """
        width, height = max(1, math.ceil(x[-1])), self.height()
        edge = np.interp(np.arange(width) + 0.5, x, y)
        rows = np.arange(height)[:, None] + 0.5
        inside = (rows > np.minimum(edge, zero)) & (rows < np.maximum(edge, zero))
        colour = translucent(current_theme().accent, 0.28)
        picture = np.where(inside, np.uint32(colour.rgba()), np.uint32(0))
        return QImage(picture.data, width, height, 4 * width, QImage.Format.Format_ARGB32).copy()

    def _paint_markers(self, painter: QPainter, plot: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(current_theme().error))
        for time in self._markers:
            x, top = self.x_of(time), plot.top()
            painter.drawPolygon(QPolygonF([QPointF(x - 5, top), QPointF(x + 5, top), QPointF(x, top + 8)]))
            painter.drawRect(QRectF(x - 0.5, top, 1, plot.height()))

    def _runs(
        self, values: NDArray[np.float64], rate: float, offset: float
    ) -> list[tuple[list[float], list[float]]]:
        """x and y of each stretch without a gap, at most a point a pixel column: the farthest from 0 of its frames."""
        start, stop = self._range
        first = max(0, math.floor((start - offset) * rate) - 1)
        last = max(first, min(len(values), math.ceil((stop - offset) * rate) + 2))
        per_column = max(1, int((last - first) / max(self._plot_width(), 1.0)))
        columns = -(-(last - first) // per_column)
        shown = np.full((columns, per_column), np.nan)
        shown.ravel()[: last - first] = values[first:last]
        if not columns:
            return []
        farthest = np.argmax(np.nan_to_num(np.abs(shown), nan=-1.0), axis=1)
        shown = shown[np.arange(columns), farthest]
        low, high = self._bounds
        times = (first + np.arange(columns) * per_column + (per_column - 1) / 2) / rate + offset
        x = self._margins[0] + (times - start) / (stop - start) * self._plot_width()
        y = 3 + (high - np.clip(shown, low, high)) / max(high - low, 1e-9) * (self.height() - 6)
        runs = []
        for part in np.split(np.arange(columns), np.flatnonzero(~np.isfinite(y))):
            kept = part[np.isfinite(y[part])]
            if len(kept) == 1:  # alone between gaps: a pixel wide, so that it is seen
                runs.append(([x[kept[0]] - 1.0, x[kept[0]] + 1.0], [y[kept[0]]] * 2))
            elif len(kept):
                runs.append((x[kept].tolist(), y[kept].tolist()))
        return runs

    def _y_of(self, value: float) -> float:
        low, high = self._bounds
        return 3 + (high - value) / max(high - low, 1e-9) * (self.height() - 6)

    def _is_filled(self) -> bool:
        return self._values is not None


def _tint() -> QColor:
    return translucent(current_theme().error, 0.16)


def _polygon(xs: list[float], ys: list[float]) -> QPolygonF:
    return QPolygonF(list(map(QPointF, xs, ys)))
