"""A titled part of a panel that folds away."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from widgets.icons import icon
from widgets.theme import current_theme


class FoldSection(QWidget):
    """A title that shows and hides what stands under it; `toggled(bool)` when a person opens or folds it."""

    toggled = Signal(bool)

    def __init__(self, title: str, explanation: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._head = QToolButton(self)
        self._head.setText(title)
        self._head.setAccessibleName(title)
        self._head.setToolTip(explanation)
        self._head.setProperty("role", "flat")
        self._head.setProperty("compact", True)
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._head.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._head.clicked.connect(self._turn)
        self._remark = QLabel("", self)
        self._remark.setProperty("role", "small")
        self._body = QWidget(self)
        self.column = QVBoxLayout(self._body)
        self.column.setContentsMargins(0, 2, 0, 6)
        self.column.setSpacing(4)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self._head)
        head.addStretch(1)
        head.addWidget(self._remark)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._body)
        self._restyle()

    def set_open(self, is_open: bool) -> None:
        """Open or fold; emits nothing."""
        self._body.setVisible(is_open)
        self._restyle()

    @property
    def is_open(self) -> bool:
        """Whether what stands under the title is shown."""
        return not self._body.isHidden()

    def set_remark(self, text: str) -> None:
        """A few words at the right of the title, seen also while folded."""
        self._remark.setText(text)

    def changeEvent(self, event: QEvent) -> None:
        """Take the icon of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_body"):
            self._restyle()

    def _turn(self) -> None:
        self.set_open(not self.is_open)
        self.toggled.emit(self.is_open)

    def _restyle(self) -> None:
        self._head.setIcon(icon("chevron-up" if self.is_open else "chevron-down", current_theme()))
