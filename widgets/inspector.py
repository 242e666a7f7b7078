"""The inspector: a slim rail of icons, one for each page, beside the page that is looked at."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.buttons import IconButton
from widgets.theme import current_theme

_RAIL = 41
_MARK = 2
"""Width (px) of the accent line beside the icon of the current page."""


class Inspector(QWidget):
    """Pages by id, of which one is shown. The rail is walked with Tab and the up and down keys.

    A page that is higher than the window scrolls; it may ask for width by `wide_requested`, which the button in
    the title line and the "wider" action of the window send as well.
    """

    page_changed = Signal(str)
    """The id of the page that has come to the front, by whatever way."""
    wide_requested = Signal(bool)
    """The person wants the inspector wide (True) or slim (False)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Inspector")
        self._places: dict[str, int] = {}
        self._titles: dict[str, str] = {}
        self._is_wide = False
        self._group = QButtonGroup(self)
        self._title = QLabel(self)
        self._title.setProperty("role", "title")
        self._widen = IconButton("unfold-horizontal", "Make the inspector wide", parent=self)
        self._widen.clicked.connect(lambda: self.wide_requested.emit(not self._is_wide))
        self._stack = _Stack(self)
        self._rail = _Rail(self)
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 6, 4)
        head.addWidget(self._title, 1)
        head.addWidget(self._widen)
        page = QVBoxLayout()
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addLayout(head)
        page.addWidget(self._stack, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(page, 1)
        row.addWidget(self._rail)
        self._group.idClicked.connect(self._show_place)

    def add_page(self, page_id: str, title: str, icon_name: str, widget: QWidget) -> None:
        """Add a page below the others. Raises ValueError for an id that is there, UnknownIconError."""
        if page_id in self._places:
            raise ValueError(f"the inspector has a page {page_id} already")
        button = IconButton(icon_name, title, parent=self._rail)
        button.setCheckable(True)
        place = self._stack.addWidget(_scrolled(widget))
        self._places[page_id], self._titles[page_id] = place, title
        self._group.addButton(button, place)
        self._rail.add(button)
        if place == 0:
            self.set_current(page_id)

    def pages(self) -> list[str]:
        """The ids of all pages, from the top."""
        return list(self._places)

    def button(self, page_id: str) -> IconButton:
        """The button of a page in the rail. Raises KeyError."""
        button = self._group.button(self._places[page_id])
        assert isinstance(button, IconButton)
        return button

    def set_current(self, page_id: str) -> None:
        """Bring a page to the front. Raises KeyError."""
        self._show_place(self._places[page_id])

    @property
    def current(self) -> str:
        """The id of the page shown ("" while there is none)."""
        shown = self._stack.currentIndex()
        return next((page_id for page_id, place in self._places.items() if place == shown), "")

    def set_hint(self, page_id: str, shortcut: str) -> None:
        """Name the shortcut of a page in the tool tip of its button."""
        self.button(page_id).setToolTip(f"{self._titles[page_id]}  ({shortcut})")

    def set_wide(self, wide: bool) -> None:
        """Show whether the inspector is wide, in the button of the title line."""
        self._is_wide = wide
        self._widen.set_icon_name("fold-horizontal" if wide else "unfold-horizontal")
        self._widen.set_name("Make the inspector slim" if wide else "Make the inspector wide")

    @property
    def is_wide(self) -> bool:
        """What `set_wide` said."""
        return self._is_wide

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    def _show_place(self, place: int) -> None:
        button = self._group.button(place)
        button.setChecked(True)
        self._rail.update()
        if place == self._stack.currentIndex() and self._title.text():
            return
        self._stack.setCurrentIndex(place)
        self._title.setText(self._titles[self.current])
        self.page_changed.emit(self.current)


class _Rail(QWidget):
    """The icons, and a line of the accent colour beside the one whose page is shown."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedWidth(_RAIL)
        self._buttons: list[IconButton] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(6, 6, 6, 6)
        self._column.setSpacing(4)
        self._column.addStretch(1)

    def add(self, button: IconButton) -> None:
        """Put a button below the others."""
        button.setIconSize(QSize(18, 18))
        self._buttons.append(button)
        self._column.insertWidget(len(self._buttons) - 1, button, 0, Qt.AlignmentFlag.AlignHCenter)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.fillRect(0, 0, 1, self.height(), QColor(theme.border))
        for button in self._buttons:
            if button.isChecked():
                box = button.geometry()
                painter.fillRect(self.width() - _MARK, box.top(), _MARK, box.height(), QColor(theme.accent))
        painter.end()


class _Stack(QStackedWidget):
    """Asks for the room of the page that is shown, not of the greatest one."""

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.minimumSizeHint() if page is not None else QSize()

    def sizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.sizeHint() if page is not None else QSize()


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setMinimumSize(QSize(0, 0))
    return area
