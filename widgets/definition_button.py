"""The question mark beside numbers: a click shows what they mean."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from widgets.buttons import IconButton
from widgets.style_sheet import set_role

_WIDTH = 400

Definition = tuple[str, str]
"""(term, what it means); a last line such as "docs/analysis.md, drift" says where more stands."""


class DefinitionButton(IconButton):
    """Shows the definitions of the numbers beside it in a sheet that goes with the next click, or with Esc."""

    def __init__(
        self, subject: str, definitions: Sequence[Definition], parent: QWidget | None = None
    ) -> None:
        """subject: what is explained, as in "About: Curves"."""
        super().__init__("circle-help", f"About: {subject}", parent=parent)
        self.setProperty("compact", True)
        self._subject = subject
        self._definitions = list(definitions)
        self.clicked.connect(self.show_definitions)

    def definitions(self) -> list[Definition]:
        """What a click shows."""
        return self._definitions

    def show_definitions(self) -> None:
        """Open the sheet below the button, within its screen."""
        sheet = DefinitionSheet(self._subject, self._definitions, self)
        below = self.mapToGlobal(QPoint(self.width(), self.height() + 2))
        sheet.show_within(self.screen().availableGeometry(), below)


class DefinitionSheet(QFrame):
    """Terms and what they mean, one below the other."""

    def __init__(self, subject: str, definitions: Sequence[Definition], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(f"About: {subject}")
        self.setProperty("role", "card")
        self._page = QWidget()
        self._page.setProperty("role", "panel")
        self._column = column = QVBoxLayout(self._page)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(2)
        for number, (term, meaning) in enumerate(definitions):
            body, _, source = meaning.partition("\n")
            if number:
                column.addSpacing(8)
            for text, role in ((term, "strong"), (body, ""), (source, "small")):
                if text:
                    column.addWidget(_line(text, role, self._page))
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 1, 1, 1)
        outer.addWidget(area)

    def show_within(self, screen: QRect, corner: QPoint) -> None:
        """Show it with its upper right corner there, moved so that all of it is on the screen."""
        width = min(_WIDTH, screen.width() - 16)
        height = min(self._column.totalHeightForWidth(width - 2) + 4, screen.height() - 16)
        left = min(max(corner.x() - width, screen.left() + 8), screen.right() - width - 8)
        top = min(max(corner.y(), screen.top() + 8), screen.bottom() - height - 8)
        self.setGeometry(left, top, width, height)
        self.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Any key that says "enough" closes it."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Space):
            self.close()
        else:
            super().keyPressEvent(event)


def _line(text: str, role: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    if role == "strong":
        font = label.font()
        font.setBold(True)
        label.setFont(font)
    elif role:
        set_role(label, role)
    return label
