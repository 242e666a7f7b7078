"""All shortcuts on one sheet, in columns, with a search."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from widgets.buttons import shortcut_label
from widgets.icons import icon
from widgets.theme import current_theme

ShortcutGroups = list[tuple[str, list[tuple[str, str]]]]

_COLUMNS = 3
_HEADING_ROWS = 2


class ShortcutSheet(QDialog):
    """Groups of (title, shortcut), spread over three columns. Typing keeps what matches title, keys or
    group.
    """

    def __init__(self, groups: ShortcutGroups, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Shortcuts")
        self._search = QLineEdit(self)
        self._search.setPlaceholderText("Search")
        self._search.setAccessibleName("Search shortcuts")
        self._search.setClearButtonEnabled(True)
        theme = current_theme()
        self._search.addAction(
            icon("search", theme, theme.text_muted), QLineEdit.ActionPosition.LeadingPosition
        )
        self._search.textChanged.connect(self._filter)
        self._nothing = QLabel("No shortcut matches", self)
        self._nothing.setProperty("role", "muted")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.hide()
        self._groups = [_Group(name, rows) for name, rows in groups]
        close = QPushButton("Close", self)
        close.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addWidget(self._search)
        layout.addWidget(self._nothing)
        layout.addWidget(self._columns(), 1)
        layout.addLayout(foot)
        self._search.setFocus()
        self.resize(880, 520)

    def shown(self) -> list[str]:
        """The titles that match what is typed."""
        return [title for group in self._groups for title in group.shown()]

    def _columns(self) -> QScrollArea:
        content = QWidget()
        content.setProperty("role", "scrolled")
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 8, 0)
        row.setSpacing(32)
        for groups in _spread(self._groups, _COLUMNS):
            column = QVBoxLayout()
            column.setSpacing(20)
            for group in groups:
                column.addWidget(group)
            column.addStretch(1)
            row.addLayout(column, 1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setWidget(content)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        found = [group.keep(words) for group in self._groups]
        self._nothing.setVisible(not any(found))


class _Group(QWidget):
    def __init__(self, name: str, rows: list[tuple[str, str]]) -> None:
        super().__init__()
        self._name = name
        self._rows: list[tuple[str, str, QWidget]] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        heading = QLabel(name)
        heading.setProperty("role", "heading")
        layout.addWidget(heading)
        for title, shortcut in rows:
            row = _row(title, shortcut)
            layout.addWidget(row)
            self._rows.append((title, f"{title} {shortcut} {name}".lower(), row))

    def height_in_rows(self) -> int:
        return len(self._rows) + _HEADING_ROWS

    def keep(self, words: list[str]) -> bool:
        """Show only the rows with all words; true when there is one."""
        found = False
        for _, haystack, row in self._rows:
            matches = all(word in haystack for word in words)
            row.setVisible(matches)
            found = found or matches
        self.setVisible(found)
        return found

    def shown(self) -> list[str]:
        return [title for title, _, row in self._rows if not row.isHidden()]


def _row(title: str, shortcut: str) -> QWidget:
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    label = QLabel(title)
    label.setWordWrap(True)
    row.addWidget(label, 1)
    keys = shortcut_label(shortcut) or shortcut
    cap = QLabel(keys)
    cap.setProperty("role", "keycap")
    row.addWidget(cap, 0, Qt.AlignmentFlag.AlignTop)
    widget.setAccessibleName(f"{title}: {keys}")
    return widget


def _spread(groups: list[_Group], columns: int) -> list[list[_Group]]:
    """Fill columns in reading order, each to about its share of all rows."""
    share = sum(group.height_in_rows() for group in groups) / columns
    result: list[list[_Group]] = [[]]
    filled = 0.0
    for group in groups:
        full = filled + group.height_in_rows() / 2 > share * len(result)
        if full and result[-1] and len(result) < columns:
            result.append([])
        result[-1].append(group)
        filled += group.height_in_rows()
    return result
