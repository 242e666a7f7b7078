"""Utterances of a data folder as a table, filtered and sorted by numpy, so that many thousand rows stay fluent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from widgets.text_format import NOTHING

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
ROW, TEXT, SPEAKER, LANGUAGE, LENGTH, ERROR = range(6)
_TITLES = ("Row", "Text", "Speaker", "Language", "Length", "Mel L1")
_WIDTHS = {ROW: 64, SPEAKER: 96, LANGUAGE: 84, LENGTH: 84, ERROR: 84}
_ROW_HEIGHT = 26


@dataclass(frozen=True)
class DataRows:
    """n utterances: what is said, by whom, in which language, how long (s); `estimated`: where the cut was guessed."""

    texts: tuple[str, ...]
    speakers: tuple[str, ...]
    languages: tuple[str, ...]
    seconds: np.ndarray
    estimated: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class DataFilter:
    """What is asked for: every word of `words` in text or speaker (case does not matter); "" allows any."""

    words: str = ""
    speaker: str = ""
    language: str = ""
    shortest: float = 0.0
    longest: float = float("inf")


class DataModel(QAbstractTableModel):
    """The rows that fit the filter, in the order asked for."""

    def __init__(self, definitions: dict[int, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tips = definitions
        self._rows = DataRows((), (), (), np.zeros(0), np.zeros(0, bool))
        self._found = np.zeros(0, np.int64)
        self._haystacks: list[str] = []
        self._ranks: dict[int, np.ndarray] = {}
        self._errors = np.zeros(0, np.float32)
        self._filter = DataFilter()
        self._sorting = (ROW, Qt.SortOrder.AscendingOrder)

    # ------------------------------------------------------------------ contents
    def set_rows(self, rows: DataRows) -> None:
        """Become other rows; filter and order stay."""
        self.beginResetModel()
        self._rows = rows
        self._haystacks = [f"{t}\n{s}".casefold() for t, s in zip(rows.texts, rows.speakers, strict=True)]
        self._errors = np.full(len(rows), np.nan, np.float32)
        self._ranks = {}
        self._found = self._sorted(self._matching())
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
        elif len(self._found):
            self.dataChanged.emit(self.index(0, ERROR), self.index(len(self._found) - 1, ERROR))

    def found(self) -> np.ndarray:
        """Rows of the data that are shown, from the top."""
        return self._found.copy()

    def source_row(self, index: Index) -> int:
        """The row of the data at an index of the table."""
        return int(self._found[index.row()])

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
            return self._cell(int(self._found[index.row()]), column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole and column == TEXT:
            return self._rows.texts[int(self._found[index.row()])]
        if role == Qt.ItemDataRole.ToolTipRole and column == LENGTH and self._is_estimated(index):
            return "The cut was estimated from silences, not given by time stamps"
        return None

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
            return rows.languages[row]
        if column == LENGTH:
            return f"{'~' if rows.estimated[row] else ''}{rows.seconds[row]:.2f} s"
        if column == ERROR:
            return NOTHING if np.isnan(self._errors[row]) else f"{self._errors[row]:.3f}"
        return str(row)

    def _is_estimated(self, index: Index) -> bool:
        return bool(self._rows.estimated[self.source_row(index)])

    def _renew(self) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        kept = [(self.source_row(index), index.column()) for index in before]
        self._found = self._sorted(self._matching())
        places = {int(row): place for place, row in enumerate(self._found)} if kept else {}
        after = [self.index(places[row], column) if row in places else QModelIndex() for row, column in kept]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _matching(self) -> np.ndarray:
        wanted, rows = self._filter, self._rows
        fits = (rows.seconds >= wanted.shortest) & (rows.seconds <= wanted.longest)
        if wanted.speaker:
            fits &= np.fromiter((s == wanted.speaker for s in rows.speakers), bool, len(rows))
        if wanted.language:
            fits &= np.fromiter((tag == wanted.language for tag in rows.languages), bool, len(rows))
        for word in wanted.words.casefold().split():
            fits &= np.fromiter((word in text for text in self._haystacks), bool, len(rows))
        return np.flatnonzero(fits)

    def _sorted(self, found: np.ndarray) -> np.ndarray:
        column, order = self._sorting
        if column == ROW:
            return found if order == Qt.SortOrder.AscendingOrder else found[::-1]
        keys = self._keys(column)[found]
        known = np.isfinite(keys)
        sign = 1 if order == Qt.SortOrder.AscendingOrder else -1
        first = found[known][np.argsort(sign * keys[known], kind="stable")]
        return np.concatenate((first, found[~known]))

    def _keys(self, column: int) -> np.ndarray:
        """A number a row to sort by; for texts their rank in the alphabet, worked out once."""
        if column == LENGTH:
            return np.asarray(self._rows.seconds, np.float64)
        if column == ERROR:
            return self._errors.astype(np.float64)
        if column not in self._ranks:
            texts = {TEXT: self._rows.texts, SPEAKER: self._rows.speakers, LANGUAGE: self._rows.languages}[column]
            folded = [text.casefold() for text in texts]
            place = {text: rank for rank, text in enumerate(sorted(set(folded)))}
            self._ranks[column] = np.array([place[text] for text in folded], np.float64)
        return self._ranks[column]


class DataTable(QTableView):
    """`opened(int)`: the person wants the row (double click, Enter)."""

    opened = Signal(int)

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
        self.doubleClicked.connect(self._open)

    def current_row(self) -> int | None:
        """The row of the data that is selected."""
        index = self.currentIndex()
        return self.data_model.source_row(index) if index.isValid() else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _open(self, index: Index) -> None:
        self.opened.emit(self.data_model.source_row(index))


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in (ROW, LENGTH, ERROR) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
