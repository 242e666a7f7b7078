"""Keys of a blind test: while one runs, A, B and X play and Shift+A, Shift+B, Shift+N vote, whatever else they mean."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from app.blind_listening import BlindListening

PLAY = {Qt.Key.Key_A: "a", Qt.Key.Key_B: "b", Qt.Key.Key_X: "x"}
VOTE = {Qt.Key.Key_A: "a", Qt.Key.Key_B: "b", Qt.Key.Key_N: "tie"}
HELP = (
    "During a blind test",
    [("Listen to A, B, X", "A, B, X"), ("Vote for A, for B", "Shift+A, Shift+B"), ("No difference", "Shift+N")],
)
TEXT_FIELDS = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)


class BlindKeys(QObject):
    """Takes these keys before menus do, but never from a text field, and only while a test runs."""

    def __init__(self, window: QWidget, blind: BlindListening) -> None:
        super().__init__(window)
        self._window = window
        self._blind = blind
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim the keys (Qt asks first whether a key is a shortcut), then act on the key itself."""
        kinds = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)
        if event.type() not in kinds or not isinstance(event, QKeyEvent) or not self._blind.is_running:
            return super().eventFilter(watched, event)
        meant = self._meaning(event)
        if meant is None or not self._is_ours(watched):
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
        elif not event.isAutoRepeat():
            action, name = meant
            (self._blind.play if action == "play" else self._blind.vote)(name)
        return True

    def _is_ours(self, watched: QObject) -> bool:
        """The key goes to a widget of the window that does not take text."""
        if not isinstance(watched, QWidget) or QApplication.focusWidget() not in (watched, None):
            return False
        return watched.window() is self._window and not isinstance(watched, TEXT_FIELDS)

    @staticmethod
    def _meaning(event: QKeyEvent) -> tuple[str, str] | None:
        key = Qt.Key(event.key())
        if event.modifiers() == Qt.KeyboardModifier.NoModifier and key in PLAY:
            return "play", PLAY[key]
        if event.modifiers() == Qt.KeyboardModifier.ShiftModifier and key in VOTE:
            return "vote", VOTE[key]
        return None
