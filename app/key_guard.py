"""Keeps plain-key shortcuts (Space, F, 1 to 5) away from the control that needs the key itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLineEdit,
    QWidget,
)

PRESSING_KEYS = {Qt.Key.Key_Space, Qt.Key.Key_Select}
SLIDING_KEYS = {
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down,
    Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
}  # fmt: skip


class KeyGuard(QObject):
    """Answers Qt's question whether a key is a shortcut: not when it presses the focused button or
    moves the focused slider.

    Text fields answer for themselves (Qt's line and text edits claim every printable key).
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim Space for focused buttons, arrows for focused sliders, and plain keys for open lists."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            focused = QApplication.focusWidget()
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
            if plain and focused is watched and _wants(focused, event):
                event.accept()
                return True
        return super().eventFilter(watched, event)


def _wants(widget: QWidget | None, event: QKeyEvent) -> bool:
    if isinstance(widget, QAbstractButton):
        return event.key() in PRESSING_KEYS
    if isinstance(widget, QAbstractSlider):
        return event.key() in SLIDING_KEYS
    if isinstance(widget, QComboBox):
        return bool(event.text()) and event.text().isprintable()
    if isinstance(widget, QAbstractItemView):
        return isinstance(widget.indexWidget(widget.currentIndex()), QLineEdit)
    return False
