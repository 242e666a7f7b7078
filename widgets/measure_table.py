"""A small table of numbers: headings of columns, headings of groups, a definition behind every label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from widgets.style_sheet import set_role


@dataclass(frozen=True)
class MeasureRow:
    """A row: label, one text a column, and what the number means. Without values it is the heading of a group."""

    label: str
    values: tuple[str, ...] = ()
    definition: str = ""


class MeasureTable(QWidget):
    """Shows rows in figures of one width; labels can be pointed at for their definition."""

    def __init__(self, columns: Sequence[str], name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._columns = len(columns)
        self._rows: list[MeasureRow] = []
        self._labels: list[list[QLabel]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(9)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        self._heads = [QLabel(title, self) for title in columns]
        for column, head in enumerate(self._heads, start=1):
            set_role(head, "heading")
            self._grid.addWidget(head, 0, column, Qt.AlignmentFlag.AlignRight)

    def set_column_title(self, column: int, title: str, definition: str = "") -> None:
        """Another heading for a column (0 is the first of numbers)."""
        self._heads[column].setText(title)
        self._heads[column].setToolTip(definition)

    def set_rows(self, rows: Sequence[MeasureRow]) -> None:
        """Show these rows."""
        if list(rows) == self._rows:
            return
        self._rows = list(rows)
        while len(self._labels) < len(rows):
            self._labels.append([QLabel(self) for _ in range(self._columns + 1)])
            for column, label in enumerate(self._labels[-1]):
                side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                self._grid.addWidget(label, len(self._labels), column, side)
        for number, labels in enumerate(self._labels):
            row = rows[number] if number < len(rows) else None
            texts = ("",) * (self._columns + 1) if row is None else (row.label, *row.values)
            for column, label in enumerate(labels):
                label.setVisible(column < len(texts) and row is not None)
                label.setText(texts[column] if column < len(texts) else "")
                label.setToolTip(row.definition if row is not None else "")
            is_heading = row is not None and not row.values
            set_role(labels[0], "heading" if is_heading else "small")

    def rows(self) -> list[MeasureRow]:
        """What is shown."""
        return self._rows
