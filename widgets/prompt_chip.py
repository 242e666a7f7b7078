"""The voice prompt that the next take goes on from, and the button that takes it away."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from widgets.buttons import IconButton
from widgets.style_sheet import set_role


class PromptChip(QFrame):
    """Hidden while there is no prompt. `removed`: the person wants to go on without it."""

    removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "notice")
        self.setAccessibleName("Voice prompt")
        self._full = ""
        self._label = QLabel(self)
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        set_role(self._label, "small")
        self._remove = IconButton("x", "Speak without the voice prompt", parent=self)
        self._remove.setProperty("compact", True)
        self._remove.clicked.connect(self.removed)
        self._note = QLabel(self)
        set_role(self._note, "small")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._label, 1)
        row.addWidget(self._remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 3, 4, 4)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self._note)
        self.hide()

    def set_prompt(self, title: str, text: str, note: str = "") -> None:
        """Show a prompt by its title and words, with a line on what to expect of it; no title hides the chip."""
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._full = f"Goes on from {title}" if title else ""
        tip = f"{text}\n\n" if text else ""
        self.setToolTip(f"{tip}The voice goes on from this speech; the result holds the new part alone.")
        self.setAccessibleDescription(f"{self._full}: {text}")
        self.setVisible(bool(title))
        self._elide()

    def text(self) -> str:
        """What is said in full; "" while it is hidden."""
        return self._full

    def note(self) -> str:
        """What is said about what to expect; "" for nothing."""
        return self._note.text()

    def sizeHint(self) -> QSize:
        return QSize(120, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        metrics = self._label.fontMetrics()
        self._label.setText(metrics.elidedText(self._full, Qt.TextElideMode.ElideMiddle, max(20, self._label.width())))
