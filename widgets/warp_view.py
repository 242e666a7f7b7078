"""The warp path: which time of one reading belongs to which of another, as a curve that can be clicked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.theme import current_theme, interface_font, mix, translucent

_LEFT, _BOTTOM, _PAD = 34, 20, 6
_MOST_POINTS = 800


class WarpView(QWidget):
    """Time of the first reading to the right, of the second upwards; equal times lie on the thin diagonal."""

    seek_requested = Signal(float)
    """A time in s of the first reading."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._titles = ("", "")
        self._cursor: tuple[float, float] | None = None
        self._empty = ""
        self.setAccessibleName("Warp path")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_path(
        self, first_s: NDArray[np.floating] | None, second_s: NDArray[np.floating] | None, titles: tuple[str, str]
    ) -> None:
        """Show times (k,) in s that belong together, or nothing."""
        self._titles = titles
        if first_s is None or second_s is None or len(first_s) < 2:
            self._path = None
        else:
            stride = max(1, len(first_s) // _MOST_POINTS)
            keep = np.append(np.arange(0, len(first_s) - 1, stride), len(first_s) - 1)
            self._path = np.asarray(first_s, np.float64)[keep], np.asarray(second_s, np.float64)[keep]
        self.update()

    def set_empty_message(self, text: str) -> None:
        """What is said while there is no path."""
        self._empty = text
        self.update()

    def set_cursor(self, first_s: float | None, second_s: float | None) -> None:
        """Mark the pair of times that is heard or pointed at."""
        cursor = None if first_s is None or second_s is None else (first_s, second_s)
        if cursor != self._cursor:
            self._cursor = cursor
            self.update()

    @property
    def has_path(self) -> bool:
        return self._path is not None

    def sizeHint(self) -> QSize:
        return QSize(240, 150)

    def _plot(self) -> QRectF:
        return QRectF(_LEFT, _PAD, self.width() - _LEFT - _PAD, self.height() - _PAD - _BOTTOM)

    def _scale(self) -> tuple[float, float]:
        assert self._path is not None
        return max(self._path[0][-1], 1e-6), max(self._path[1][-1], 1e-6)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setFont(interface_font(theme, theme.font_size_small))
        plot = self._plot()
        painter.fillRect(plot, QColor(theme.plot_background))
        painter.setPen(QColor(theme.text_muted))
        if self._path is None:
            box = plot.adjusted(8, 0, -8, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)
            painter.end()
            return
        self._paint_axes(painter, plot)
        painter.setClipRect(plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        last = min(self._scale())
        faint = QColor(mix(theme.plot_background, theme.text_muted, 0.45))
        painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
        painter.drawLine(self._point(0.0, 0.0, plot), self._point(last, last, plot))
        painter.setPen(QPen(QColor(theme.accent), 1.6))
        painter.drawPolyline(
            QPolygonF([self._point(a, b, plot) for a, b in zip(*(axis.tolist() for axis in self._path), strict=True)])
        )
        if self._cursor is not None:
            place = self._point(*self._cursor, plot)
            line = translucent(theme.playhead, 0.5)
            painter.setPen(QPen(line, 1))
            painter.drawLine(QPointF(place.x(), plot.top()), QPointF(place.x(), plot.bottom()))
            painter.drawLine(QPointF(plot.left(), place.y()), QPointF(plot.right(), place.y()))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.playhead))
            painter.drawEllipse(place, 3.5, 3.5)
        painter.end()

    def _paint_axes(self, painter: QPainter, plot: QRectF) -> None:
        metrics = QFontMetricsF(painter.font())
        across, up = self._scale()
        line = metrics.height()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, plot.top(), _LEFT - 5, line), right, f"{up:.1f} s")
        painter.drawText(QRectF(0, plot.bottom() - line, _LEFT - 5, line), right, "0")
        below = QRectF(plot.left(), plot.bottom() + 2, plot.width(), line)
        painter.drawText(below, right, f"{across:.1f} s")
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{self._titles[0]} →")
        painter.drawText(plot.adjusted(6, 3, 0, 0), Qt.AlignmentFlag.AlignLeft, f"↑ {self._titles[1]}")

    def _point(self, first: float, second: float, plot: QRectF) -> QPointF:
        across, up = self._scale()
        return QPointF(plot.left() + first / across * plot.width(), plot.bottom() - second / up * plot.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._ask(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._ask(event)

    def _ask(self, event: QMouseEvent) -> None:
        plot = self._plot()
        if self._path is not None and event.buttons() & Qt.MouseButton.LeftButton and plot.width() > 0:
            share = (event.position().x() - plot.left()) / plot.width()
            self.seek_requested.emit(min(max(share, 0.0), 1.0) * self._scale()[0])
