"""A chooser of attention heads: one cell a head, as bright as the head is sharp; and the mean of all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.colour_maps import lookup_table
from widgets.theme import current_theme, interface_font

_LABEL = 22
_GAP = 2
_CELL_HEIGHT = 15
_MEAN_WIDTH = 48

Head = tuple[int, int]


class HeadChooser(QWidget):
    """Layers from left to right, heads from top to bottom. `chosen((layer, head) or None)`; None is the mean."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attention head")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._values: NDArray[np.float64] = np.zeros((0, 0))
        self._tips: dict[Head | None, str] = {}
        self._current: Head | None = None

    def set_heads(self, focus: NDArray[np.floating], tips: dict[Head | None, str]) -> None:
        """Offer the heads of `focus` `(layers, heads)`, 0 to 1, with a tool tip each (None: of the mean)."""
        self._values, self._tips = np.asarray(focus, np.float64), tips
        self.updateGeometry()
        self.update()

    def set_current(self, head: Head | None) -> None:
        """Show which head is chosen; emits nothing."""
        self._current = head
        self.update()

    def current(self) -> Head | None:
        """(layer, head) from 0 on, or None for the mean."""
        return self._current

    def sizeHint(self) -> QSize:
        heads = max(1, self._values.shape[1])
        return QSize(220, _LABEL - 6 + heads * (_CELL_HEIGHT + _GAP))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def cell(self, head: Head | None) -> QRect:
        """Where a head (None: the mean) is drawn."""
        layers, heads = self._values.shape
        top = _LABEL - 6
        if head is None:
            return QRect(0, top, _MEAN_WIDTH, max(1, heads) * (_CELL_HEIGHT + _GAP) - _GAP)
        layer, row = head
        left = _MEAN_WIDTH + 10
        width = (self.width() - left) / max(layers, 1)
        x = left + layer * width
        return QRect(round(x), top + row * (_CELL_HEIGHT + _GAP), max(3, round(width) - _GAP), _CELL_HEIGHT)

    def heads_at(self, place: QPoint) -> list[Head | None]:
        """The head under a pixel, or [None] for the mean; nothing between them."""
        layers, heads = self._values.shape
        every: list[Head | None] = [
            None,
            *((layer, head) for layer in range(layers) for head in range(heads)),
        ]
        return [head for head in every if self.cell(head).contains(place)][:1] if self._values.size else []

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setFont(interface_font(theme, theme.font_size_small))
        layers, heads = self._values.shape
        if not layers:
            painter.end()
            return
        painter.setPen(QColor(theme.text_muted))
        for layer in range(layers):
            box = self.cell((layer, 0))
            word = f"Layer {layer + 1}" if layer == 0 and box.width() > 48 else f"{layer + 1}"
            painter.drawText(
                QRectF(box.left(), 0, box.width(), _LABEL - 8), Qt.AlignmentFlag.AlignCenter, word
            )
        table = lookup_table("magma")
        for layer in range(layers):
            for head in range(heads):
                value = float(np.clip(self._values[layer, head], 0.0, 1.0))
                painter.fillRect(
                    self.cell((layer, head)), QColor(*table[round(255 * (0.12 + 0.8 * value))].tolist())
                )
        mean = self.cell(None)
        painter.fillRect(mean, QColor(theme.surface_raised))
        painter.setPen(QColor(theme.text))
        painter.drawText(mean, Qt.AlignmentFlag.AlignCenter, "Mean")
        painter.setPen(QPen(QColor(theme.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self.cell(self._current).adjusted(0, 0, -1, -1))
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.text), 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.cell(self._current).adjusted(-2, -2, 1, 1))
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            text = "".join(self._tips.get(head, "") for head in self.heads_at(event.pos()))
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the head that was clicked."""
        if event.button() == Qt.MouseButton.LeftButton:
            for head in self.heads_at(event.position().toPoint()):
                self._choose(head)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrow keys go from head to head; left of the first layer is the mean."""
        layers, heads = self._values.shape
        move = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
        }.get(Qt.Key(event.key()))  # fmt: skip
        if move is None or not layers:
            super().keyPressEvent(event)
            return
        layer, head = (-1, 0) if self._current is None else self._current
        layer, head = min(layer + move[0], layers - 1), min(max(head + move[1], 0), heads - 1)
        self._choose(None if layer < 0 else (layer, head))

    def _choose(self, head: Head | None) -> None:
        if head != self._current:
            self.set_current(head)
            self.chosen.emit(head)
