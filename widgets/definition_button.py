"""The question mark beside numbers: a click shows what they mean."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QFont, QHideEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from widgets.buttons import IconButton
from widgets.style_sheet import set_role

_WIDTH, _MARGIN = 400, 8

Definition = tuple[str, str]
"""(term, what it means); a last line such as "docs/analysis.md, drift" says where more stands."""


class DefinitionButton(IconButton):
    """Shows the definitions of the numbers beside it in a sheet that goes with the next click, or with a key."""

    def __init__(
        self, subject: str, definitions: Sequence[Definition], parent: QWidget | None = None
    ) -> None:
        """subject: what is explained, as in "About: Curves"."""
        super().__init__("circle-help", f"About: {subject}", parent=parent)
        self.setProperty("compact", True)
        self._definitions = list(definitions)
        self._sheet: DefinitionSheet | None = None
        self.clicked.connect(self._turn)

    def sheet(self) -> DefinitionSheet | None:
        """The sheet, while it is open."""
        return self._sheet

    def close_sheet(self) -> None:
        """Put the sheet away."""
        if self._sheet is not None:
            sheet, self._sheet = self._sheet, None
            _application().removeEventFilter(self)
            sheet.hide()
            sheet.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click beside the sheet, or any key, puts it away; Esc does nothing else then."""
        sheet = self._sheet
        if sheet is None:
            return False
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
            place = event.globalPosition().toPoint()
            if not any(widget.rect().contains(widget.mapFromGlobal(place)) for widget in (self, sheet)):
                self.close_sheet()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            self.close_sheet()
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
        return False

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.close_sheet()

    def _turn(self) -> None:
        if self._sheet is not None:
            self.close_sheet()
            return
        self._sheet = DefinitionSheet(self.accessibleName(), self._definitions, self.window())
        self._sheet.show_at(self.mapTo(self.window(), QPoint(self.width(), self.height() + 2)))
        _application().installEventFilter(self)


class DefinitionSheet(QFrame):
    """Terms and what they mean, one below the other, over the other parts of a window."""

    def __init__(self, name: str, definitions: Sequence[Definition], window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setAccessibleName(name)
        self.setProperty("role", "card")
        self._page = QWidget()
        self._page.setProperty("role", "panel")
        self._column = QVBoxLayout(self._page)
        self._column.setContentsMargins(14, 12, 14, 12)
        self._column.setSpacing(2)
        for number, (term, meaning) in enumerate(definitions):
            body, _, source = meaning.partition("\n")
            if number:
                self._column.addSpacing(8)
            for text, role in ((term, "strong"), (body, ""), (source, "small")):
                if text:
                    self._column.addWidget(_line(text, role, self._page))
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 1, 1, 1)
        outer.addWidget(area)

    def show_at(self, corner: QPoint) -> None:
        """Show it with its upper right corner there, moved so that all of it lies in the window."""
        room = self._window.rect().adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        for label in self._page.findChildren(QLabel):  # their fonts are those of the style sheet from here on
            label.ensurePolished()
        width = min(_WIDTH, room.width())
        height = min(self._column.totalHeightForWidth(width - 2) + 4, room.height())
        left = min(max(corner.x() - width, room.left()), room.right() + 1 - width)
        top = min(max(corner.y(), room.top()), room.bottom() + 1 - height)
        self.setGeometry(left, top, width, height)
        self.show()
        self.raise_()


def _application() -> QCoreApplication:
    application = QApplication.instance()
    assert application is not None
    return application


def _line(text: str, role: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    if role == "strong":
        font = label.font()
        font.setWeight(QFont.Weight.DemiBold)
        label.setFont(font)
    elif role:
        set_role(label, role)
    return label
