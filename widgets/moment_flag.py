"""A moment in a mel: a dashed line with a flag at its top that a person drags, over the canvas it belongs to."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QWidget

from widgets.theme import DARK, current_theme, interface_font

_REACH = 5
"""Pixels on each side of the line that still take hold of it."""
_DASH, _GAP = 5, 3
_PADDING = 6


class MomentFlag(QWidget):
    """Stands over a mel and moves its own pixels alone: what lies beside line and flag stays the mel's."""

    dragged = Signal(float)
    """The pixel column in the mel, while it is dragged."""
    let_go = Signal()

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._word = ""
        self._x = 0.0
        self._grip: float | None = None
        self._flag = QRect()
        self._line = 0
        self.setAccessibleName("Free from")
        self.setAccessibleDescription("Drag it to where the mixed run shall be free")
        self.setToolTip("Drag: teacher-forced up to here, free from here on")
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.hide()

    @property
    def is_held(self) -> bool:
        """True while a person drags it."""
        return self._grip is not None

    def show_at(self, x: float | None, word: str) -> None:
        """Stand at a pixel column of the mel, with a word in the flag ("" has no flag); None hides it."""
        mel = self._canvas
        if x is None or not -1 <= x <= mel.width():
            self.hide()
            return
        self._x, self._word = x, word
        theme = current_theme()
        metrics = QFontMetrics(interface_font(theme, theme.font_size_small))
        width = metrics.horizontalAdvance(word) + 2 * _PADDING if word else 0
        height = min(metrics.height() + 3, mel.height())
        left = round(x)
        flips = left + width > mel.width()  # no room at the right: the flag flies to the left
        start = left - max(width, _REACH) if flips else left - _REACH
        self._line = left - start
        self.setGeometry(start, 0, max(width, _REACH) + _REACH + 1, mel.height())
        self._flag = QRect(self._line - width if flips else self._line, 0, width, height)
        handle = QRect(self._line - _REACH, 0, 2 * _REACH + 1, self.height())
        self.setMask(QRegion(handle).united(QRegion(self._flag)))
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()  # colours are the dark theme's: a mel is dark in every theme
        painter = QPainter(self)
        for y in range(0, self.height(), _DASH + _GAP):
            painter.fillRect(QRectF(self._line - 1, y, 4, _DASH + 1), QColor(0, 0, 0, 150))
            painter.fillRect(QRectF(self._line, y, 2, _DASH), QColor(DARK.warning))
        if self._word:
            painter.fillRect(self._flag, QColor(DARK.warning))
            painter.setFont(interface_font(theme, theme.font_size_small))
            painter.setPen(QColor(DARK.surface))
            painter.drawText(self._flag, Qt.AlignmentFlag.AlignCenter, self._word)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of it where it was pressed."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = self.mapToParent(event.position()).x() - self._x
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move it along."""
        if self._grip is None:
            event.ignore()  # the crosshair of the mel goes on
            return
        self.dragged.emit(self.mapToParent(event.position()).x() - self._grip)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        if self._grip is not None and event.button() == Qt.MouseButton.LeftButton:
            self._grip = None
            self.let_go.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Not the mel's double click, which would show everything."""
        self.mousePressEvent(event)
