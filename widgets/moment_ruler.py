"""A time ruler with a handle: what lies before the moment is one thing, what comes after it another."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.theme import current_theme, interface_font, mix, translucent
from widgets.time_scale import time_ticks
from widgets.time_strip import TimeStrip

_BAR = 18
_PIXELS_PER_LABEL = 56
_REACH = 8
"""Pixels beside the handle that still take hold of it."""
_KEY_STEP = 0.1
"""Seconds the arrow keys move the handle."""


class MomentRuler(TimeStrip):
    """Drag the handle, or press an arrow key; a click anywhere puts it there.

    `moment_dragged(s)` while it moves, `moment_set(s)` when it is let go.
    """

    moment_dragged = Signal(float)
    moment_set = Signal(float)

    def __init__(self, name: str, before: str, after: str, parent: QWidget | None = None) -> None:
        """before, after: what the two sides are, in a word or two."""
        super().__init__(name, parent)
        self._words = (before, after)
        self._limit = math.inf
        self._held = False
        self.setMinimumHeight(38)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)

    def set_limit(self, seconds: float) -> None:
        """The last time at which the moment may lie, in s."""
        self._limit = seconds

    def limit(self) -> float:
        """The last time at which the moment may lie, in s."""
        return self._limit

    @property
    def is_held(self) -> bool:
        """True while a person drags the handle."""
        return self._held

    def sizeHint(self) -> QSize:
        return QSize(300, 38)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setFont(interface_font(theme, theme.font_size_small))
        painter.fillRect(self.rect(), QColor(theme.surface))
        bar = QRectF(self._margins[0], 1, self._plot_width(), _BAR)
        x = (
            bar.right()
            if self._moment is None
            else min(max(self.x_of(self._moment), bar.left()), bar.right())
        )
        sides = (
            QRectF(bar.left(), bar.top(), x - bar.left(), bar.height()),
            QRectF(x, bar.top(), bar.right() - x, bar.height()),
        )
        colours = (
            QColor(mix(theme.plot_background, theme.text_muted, 0.35)),
            translucent(theme.accent, 0.45),
        )
        enabled = self.isEnabled()
        for side, colour, word in zip(sides, colours, self._words, strict=True):
            painter.fillRect(side, colour if enabled else QColor(theme.plot_background))
            if painter.fontMetrics().horizontalAdvance(word) + 10 <= side.width():
                painter.setPen(QColor(theme.text if enabled else theme.text_muted))
                painter.drawText(side, Qt.AlignmentFlag.AlignCenter, word)
        self._paint_ticks(painter, bar.bottom())
        if self._moment is not None and enabled:
            self._paint_handle(painter, x, bar)
        painter.end()

    def _paint_ticks(self, painter: QPainter, top: float) -> None:
        theme = current_theme()
        painter.setPen(QColor(theme.text_muted))
        ticks = time_ticks(*self._range, max_labels=max(1, int(self._plot_width()) // _PIXELS_PER_LABEL))
        metrics = painter.fontMetrics()
        for time, label in ticks.major:
            x = self.x_of(time)
            painter.fillRect(QRectF(math.floor(x), top, 1, 3), QColor(theme.text_muted))
            width = metrics.horizontalAdvance(label)
            left = min(max(x - width / 2, 0.0), self.width() - width)
            painter.drawText(QPointF(left, top + 3 + metrics.ascent()), label)

    def _paint_handle(self, painter: QPainter, x: float, bar: QRectF) -> None:
        theme = current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.surface), 1))
        painter.setBrush(QColor(theme.warning))
        painter.drawPolygon(
            QPolygonF(
                [QPointF(x - 6, 0), QPointF(x + 6, 0), QPointF(x + 6, 10), QPointF(x, 17), QPointF(x - 6, 10)]
            )
        )
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(bar.adjusted(1, 0, -1, 0), 3, 3)

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the handle, wherever the ruler was pressed."""
        if event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self._held = True
            self._drag(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the handle."""
        if self._held:
            self._drag(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        if self._held and event.button() == Qt.MouseButton.LeftButton:
            self._held = False
            if self._moment is not None:
                self.moment_set.emit(self._moment)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right move the handle by a tenth of a second, Home and End to the ends."""
        now = self._moment or 0.0
        wanted = {
            Qt.Key.Key_Left: now - _KEY_STEP,
            Qt.Key.Key_Right: now + _KEY_STEP,
            Qt.Key.Key_Home: 0.0,
            Qt.Key.Key_End: self._limit if math.isfinite(self._limit) else self._range[1],
        }.get(Qt.Key(event.key()))
        if wanted is None:
            super().keyPressEvent(event)
            return
        self.set_moment(min(max(wanted, 0.0), self._limit))
        self.moment_set.emit(self._moment or 0.0)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def _drag(self, x: float) -> None:
        start, stop = self._range
        time = min(max(self.time_at(x), start, 0.0), stop, self._limit)
        if abs(x - self.x_of(0.0)) < _REACH / 2:
            time = 0.0
        self.set_moment(time)
        self.moment_dragged.emit(time)
