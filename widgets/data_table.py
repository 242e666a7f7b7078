"""Utterances of a data folder as a table, filtered and sorted by numpy, so that many thousand rows stay fluent."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from widgets.data_rows import ERROR, LANGUAGE, LENGTH, NO_ROWS, ROW, SPEAKER, TEXT, DataFilter, DataRows
from widgets.text_format import NOTHING, language_label
from widgets.theme import current_theme, interface_font

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
_TITLES = ("Row", "Text", "Speaker", "Language", "Length", "Mel L1")
_WIDTHS = {ROW: 76, SPEAKER: 96, LANGUAGE: 108, LENGTH: 84, ERROR: 84}
_ROW_HEIGHT = 26


_MARKS: dict[int, Callable[[], object]] = {
    Qt.ItemDataRole.ForegroundRole: lambda: QColor(current_theme().accent),
    Qt.ItemDataRole.FontRole: lambda: interface_font(current_theme(), weight=QFont.Weight.DemiBold),
}
"""How the row that is the ground truth looks; the weight also shows where it is selected."""


class DataModel(QAbstractTableModel):
    """The rows that fit the filter, in the order asked for."""

    def __init__(self, definitions: dict[int, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tips = definitions
        self._rows = NO_ROWS
        self._found = np.zeros(0, np.int64)
        self._errors = np.zeros(0, np.float32)
        self._filter = DataFilter()
        self._sorting = (ROW, Qt.SortOrder.AscendingOrder)
        self._marked: int | None = None

    # ------------------------------------------------------------------ contents
    def set_rows(self, rows: DataRows) -> None:
        """Become other rows; filter and order stay."""
        self.beginResetModel()
        self._rows = rows
        self._errors = np.full(len(rows), np.nan, np.float32)
        self._marked = None
        self._found = self._wanted()
        self.endResetModel()

    def set_filter(self, wanted: DataFilter) -> None:
        """Show the rows that fit."""
        if wanted != self._filter:
            self._filter = wanted
            self._renew()

    def set_errors(self, errors: np.ndarray) -> None:
        """Mel L1 (n,) of all rows in nats, NaN where it is not known."""
        self._errors = np.asarray(errors, np.float32)
        if self._sorting[0] == ERROR:
            self._renew()
        else:
            self._tell_column(ERROR)

    def set_marked(self, row: int | None) -> None:
        """Tell one row of the data from the others: that which is the ground truth."""
        if row != self._marked:
            self._marked = row
            if len(self._found):
                self.dataChanged.emit(self.index(0, 0), self.index(len(self._found) - 1, len(_TITLES) - 1))

    def found(self) -> np.ndarray:
        """Rows of the data that are shown, from the top."""
        return self._found.copy()

    def source_row(self, index: Index) -> int:
        """The row of the data at an index of the table."""
        return int(self._found[index.row()])

    def line(self, index: Index) -> str:
        """A row as a line for a spreadsheet: its cells, parted by tabs."""
        row = self.source_row(index)
        return "\t".join(self._cell(row, column).replace("\t", " ") for column in range(len(_TITLES)))

    def total_seconds(self) -> float:
        """Length of what is shown."""
        return float(self._rows.seconds[self._found].sum())

    # ------------------------------------------------------------------ Qt
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._found)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(_TITLES)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cell(self.source_row(index), column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role in _MARKS and self.source_row(index) == self._marked:
            return _MARKS[role]()
        return self._tip(self.source_row(index), column) if role == Qt.ItemDataRole.ToolTipRole else None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tips.get(section)
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the rows by a column; what is not known comes last."""
        self._sorting = (column, order)
        self._renew()

    # ------------------------------------------------------------------ inside
    def _cell(self, row: int, column: int) -> str:
        rows = self._rows
        if column == TEXT:
            return rows.texts[row].replace("\n", " ")
        if column == SPEAKER:
            return rows.speakers[row]
        if column == LANGUAGE:
            return _language(rows.languages[row])
        if column == LENGTH:
            return f"{'~' if rows.estimated[row] else ''}{rows.seconds[row]:.2f} s"
        if column == ERROR:
            return NOTHING if np.isnan(self._errors[row]) else f"{self._errors[row]:.3f}"
        return str(row)

    def _tip(self, row: int, column: int) -> str | None:
        if column == TEXT:
            mark = "\n\nThis is the ground truth now." if row == self._marked else ""
            return self._rows.texts[row] + mark
        if column == LENGTH and self._rows.estimated[row]:
            return "The cut was estimated from silences, not given by time stamps"
        return None

    def _tell_column(self, column: int) -> None:
        if len(self._found):
            self.dataChanged.emit(self.index(0, column), self.index(len(self._found) - 1, column))

    def _renew(self) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        kept = [(self.source_row(index), index.column()) for index in before]
        self._found = self._wanted()
        self.changePersistentIndexList(before, [self.index_of(row, column) for row, column in kept])
        self.layoutChanged.emit()

    def index_of(self, row: int, column: int = TEXT) -> QModelIndex:
        """Where a row of the data is shown; an invalid index where it is not."""
        places = np.flatnonzero(self._found == row)
        return self.index(int(places[0]), column) if len(places) else QModelIndex()

    def _wanted(self) -> np.ndarray:
        column, order = self._sorting
        found = self._rows.matching(self._filter)
        return self._rows.ordered(found, column, order == Qt.SortOrder.DescendingOrder, self._errors)


class DataTable(QTableView):
    """What a person wants, by signal: `opened(int)` (double click, Enter) and `play_requested(int)` (Space) name a row.

    `typed(str)`: letters that belong into the search (Esc: none); `left_upwards`: Up on the first row.
    """

    opened = Signal(int)
    play_requested = Signal(int)
    typed = Signal(str)
    left_upwards = Signal()

    def __init__(self, definitions: dict[int, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data_model = DataModel(definitions, self)
        self.setModel(self.data_model)
        self.setAccessibleName("Utterances")
        self.setSortingEnabled(True)
        self.sortByColumn(ROW, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(TEXT, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        self.doubleClicked.connect(lambda index: self.opened.emit(self.data_model.source_row(index)))

    def current_row(self) -> int | None:
        """The row of the data that is selected."""
        index = self.currentIndex()
        return self.data_model.source_row(index) if index.isValid() else None

    def go_in(self) -> None:
        """Take the keyboard, and select the first row where none is selected."""
        self.select_one()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def select_one(self) -> None:
        """Select the first row that is shown, where none is selected."""
        if not self.currentIndex().isValid() and self.data_model.rowCount():
            self.setCurrentIndex(self.data_model.index(0, TEXT))

    def copy_row(self) -> None:
        """Put the selected row on the clipboard as a line of cells parted by tabs."""
        if self.currentIndex().isValid():
            QGuiApplication.clipboard().setText(self.data_model.line(self.currentIndex()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, key = self.current_row(), event.key()
        plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row is not None:
            self.opened.emit(row)
        elif key == Qt.Key.Key_Space and plain:
            if row is not None:
                self.play_requested.emit(row)
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy_row()
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and plain and self.data_model.rowCount():
            # Qt's own would go to the first cell of the row, of which nothing is seen.
            place = 0 if key == Qt.Key.Key_Home else self.data_model.rowCount() - 1
            self.setCurrentIndex(self.data_model.index(place, TEXT))
        elif key == Qt.Key.Key_Up and plain and self.currentIndex().row() <= 0:
            self.left_upwards.emit()
        elif key == Qt.Key.Key_Escape:
            self.typed.emit("")
        elif plain and event.text().isprintable() and event.text():
            self.typed.emit(event.text())
        else:
            super().keyPressEvent(event)


@functools.lru_cache(maxsize=256)
def _language(tag: str) -> str:
    return language_label(tag)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in (ROW, LENGTH, ERROR) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
