"""How far each speaker is from the one, or the blend, that is chosen: a table that can be sorted."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
_ROW_HEIGHT = 24
_MOST_ROWS = 16
"""More are scrolled through."""


class DistanceModel(QAbstractTableModel):
    """Speakers by row; name, Euclidean and cosine distance by column."""

    TITLES = ("Speaker", "Distance", "Cosine")

    def __init__(self, definitions: tuple[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tips = ("", *definitions)
        self._names: tuple[str, ...] = ()
        self._values = np.zeros((0, 2))

    def set_names(self, names: tuple[str, ...]) -> None:
        """Become a table of these speakers, without distances."""
        self.beginResetModel()
        self._names, self._values = names, np.full((len(names), 2), np.nan)
        self.endResetModel()

    def set_distances(self, euclidean: np.ndarray, cosine: np.ndarray) -> None:
        """Show other distances, (s,) each, of the same speakers."""
        self._values = np.stack((euclidean, cosine), axis=1)
        if len(self._names):
            self.dataChanged.emit(self.index(0, 1), self.index(len(self._names) - 1, 2))

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._names)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.TITLES)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.UserRole):
            return None
        if column == 0:
            return self._names[row]
        value = float(self._values[row, column - 1])
        if role == Qt.ItemDataRole.UserRole:
            return value
        return f"{value:.2f}" if np.isfinite(value) else "–"

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tips[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == 0 else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


class DistanceTable(QTableView):
    """`chosen(int)`: the person wants the speaker of that index (double click, or Enter)."""

    chosen = Signal(int)

    def __init__(self, definitions: tuple[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = DistanceModel(definitions, self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._model)
        self._proxy.setSortRole(Qt.ItemDataRole.UserRole)
        self._proxy.setDynamicSortFilter(True)
        self.setModel(self._proxy)
        self.setSortingEnabled(True)
        self.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        self.setAccessibleName("Distances of the speakers from the one chosen")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.doubleClicked.connect(self._take)

    def set_names(self, names: tuple[str, ...]) -> None:
        """Offer these speakers."""
        self._model.set_names(names)
        self.setFixedHeight(min(len(names), _MOST_ROWS) * _ROW_HEIGHT + self.horizontalHeader().sizeHint().height() + 4)

    def set_distances(self, euclidean: np.ndarray, cosine: np.ndarray) -> None:
        """Show distances (s,) of the speakers, in the order of the names."""
        self._model.set_distances(euclidean, cosine)

    def rows(self) -> list[tuple[str, str, str]]:
        """What is shown, from the top."""
        return [
            tuple(str(self._proxy.index(row, column).data()) for column in range(3))  # type: ignore[misc]
            for row in range(self._proxy.rowCount())
        ]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._take(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _take(self, index: Index) -> None:
        self.chosen.emit(self._proxy.mapToSource(self._proxy.index(index.row(), 0)).row())
