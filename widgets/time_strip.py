"""What low plots over time share: the time axis, the playhead, a marked moment, a click that goes there."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.mel_viewport import Range
from widgets.theme import current_theme, interface_font

_STRIP = 8


class TimeStrip(QWidget):
    """A plot over the visible time range, between fixed margins.

    The widget never moves the time itself: a click asks by `seek_requested` (s).
    """

    seek_requested = Signal(float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range: Range = (0.0, 1.0)
        self._playhead: float | None = None
        self._moment: float | None = None
        self._title = self._empty = ""
        self._picture: QPixmap | None = None
        self._margins = (52, 4)
        self.setAccessibleName(name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(40)

    def set_time_range(self, start: float, stop: float) -> None:
        """Show the times from `start` to `stop` (s)."""
        if stop > start and (start, stop) != self._range:
            self._range = (start, stop)
            self._redraw()

    def time_range(self) -> Range:
        """The times shown, in s."""
        return self._range

    def set_playhead(self, time: float | None) -> None:
        """Move the playhead to a time in s; None hides it. Cheap enough for every frame."""
        if time != self._playhead:
            for place in (self._playhead, time):
                if place is not None:
                    self.update(QRect(math.floor(self.x_of(place)) - _STRIP, 0, 2 * _STRIP, self.height()))
            self._playhead = time

    def set_moment(self, time: float | None) -> None:
        """Mark a moment (s) by a dashed line through the plot; None takes it away."""
        if time != self._moment:
            self._moment = time
            self.update()

    def moment(self) -> float | None:
        """The marked moment in s."""
        return self._moment

    def set_title(self, title: str) -> None:
        """A few words in the corner of the plot."""
        self._title = title
        self.update()

    def set_margins(self, left: int, right: int) -> None:
        """Pixels left and right of the plot, so that it stands under what it belongs to."""
        if (left, right) != self._margins:
            self._margins = (left, right)
            self._redraw()

    def time_at(self, x: float) -> float:
        """The time in s at a pixel column."""
        start, stop = self._range
        return start + (x - self._margins[0]) / max(self._plot_width(), 1.0) * (stop - start)

    def x_of(self, time: float) -> float:
        """The pixel column of a time in s."""
        start, stop = self._range
        return self._margins[0] + (time - start) / (stop - start) * self._plot_width()

    def sizeHint(self) -> QSize:
        return QSize(300, 56)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The playhead moves sixty times a second over a picture that stays."""
        ratio = self.devicePixelRatio()
        if self._picture is None or self._picture.size() != self.size() * ratio:
            self._picture = QPixmap(self.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
            self._paint_into(self._picture)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        painter.setClipRect(self._plot())
        if self._is_filled():
            self._paint_lines(painter, self._plot())
        painter.setFont(_font())
        self._paint_title(painter, self._plot())
        painter.end()

    def _paint_into(self, picture: QPixmap) -> None:
        theme, plot = current_theme(), self._plot()
        painter = QPainter(picture)
        painter.fillRect(self.rect(), QColor(theme.surface))
        painter.fillRect(plot, QColor(theme.plot_background))
        painter.setFont(_font())
        if self._is_filled():
            self._draw(painter, plot)
        else:
            painter.setPen(QColor(theme.text_muted))
            box = plot.adjusted(8, 0, -8, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)
        painter.end()

    def set_empty_message(self, text: str) -> None:
        """What is said while there is nothing to draw."""
        self._empty = text
        self._redraw()

    # For those who draw

    def _draw(self, painter: QPainter, plot: QRectF) -> None:
        """Draw all but what moves, over the background of the plot."""

    def _plot(self) -> QRectF:
        return QRectF(self._margins[0], 1, self._plot_width(), self.height() - 2)

    def _plot_width(self) -> float:
        return max(0.0, self.width() - sum(self._margins))

    def _redraw(self) -> None:
        """Draw all of it anew: time range, size or contents are others."""
        self._picture = None
        self.update()

    def _is_filled(self) -> bool:
        """Whether there is anything to go to."""
        return True

    def _paint_lines(self, painter: QPainter, plot: QRectF) -> None:
        """Playhead and marked moment."""
        theme = current_theme()
        if self._moment is not None:
            x = round(self.x_of(self._moment))
            for y in range(int(plot.top()), int(plot.bottom()), 6):
                painter.fillRect(QRectF(x, y, 1, 3), QColor(theme.warning))
        if self._playhead is not None:
            painter.fillRect(
                QRectF(self.x_of(self._playhead), plot.top(), 2, plot.height()), QColor(theme.playhead)
            )

    def _paint_title(self, painter: QPainter, plot: QRectF) -> None:
        if not self._title:
            return
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(self._title) + 8
        box = QRectF(plot.left() + 3, plot.top() + 3, min(width, plot.width() - 6), metrics.height() + 2)
        ground = QColor(current_theme().surface)
        ground.setAlphaF(0.78)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(current_theme().text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._title)

    # Events

    def changeEvent(self, event: QEvent) -> None:
        """Draw anew in the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_picture"):
            self._redraw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._redraw()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the time that was clicked."""
        self._ask(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub while the button is held."""
        self._ask(event)

    def _ask(self, event: QMouseEvent) -> None:
        if self._is_filled() and event.buttons() & Qt.MouseButton.LeftButton:
            start, stop = self._range
            self.seek_requested.emit(min(max(self.time_at(event.position().x()), start), stop))


def _font() -> QFont:
    theme = current_theme()
    return interface_font(theme, theme.font_size_small)
