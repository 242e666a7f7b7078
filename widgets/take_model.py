"""The takes as a Qt list model that changes row by row, so that a name being typed survives a new take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from widgets.text_format import duration, local_time, relative_time

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


@dataclass(frozen=True)
class TakeRow:
    """What the list shows of one take. seconds: its length; created: when it was made (any one time zone)."""

    id: str
    title: str
    speaker: str
    seed: int
    seconds: float
    created: datetime


def current_time(like: datetime) -> datetime:
    """Now, in the kind of time (with or without time zone) of `like`."""
    return datetime.now(like.tzinfo)


class TakeModel(QAbstractListModel):
    """Rows of takes, in the order given. `renamed(id, title)` says that the person renamed one."""

    renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[TakeRow] = []

    def take(self, index: Index) -> TakeRow:
        """The take at a valid index."""
        return self._rows[index.row()]

    def row_of(self, take_id: str | None) -> int:
        """The row of a take, or -1."""
        return next((row for row, take in enumerate(self._rows) if take.id == take_id), -1)

    def set_takes(self, takes: list[TakeRow]) -> None:
        """Become `takes`, by removing, moving, inserting and changing single rows."""
        wanted = {take.id for take in takes}
        for row in range(len(self._rows) - 1, -1, -1):
            if self._rows[row].id not in wanted:
                self.beginRemoveRows(NO_PARENT, row, row)
                del self._rows[row]
                self.endRemoveRows()
        for row, take in enumerate(takes):
            self._put(row, take)

    def refresh_times(self) -> None:
        """Let views ask again how long ago each take was."""
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.isValid() else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        take = self.take(index)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return take.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{take.title}\n{take.speaker} · seed {take.seed} · {local_time(take.created):%Y-%m-%d %H:%M:%S}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            ago = relative_time(take.created, current_time(take.created))
            return f"{take.title}, {take.speaker}, {duration(take.seconds)}, seed {take.seed}, {ago}"
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        title = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or not title:
            return False
        take = self.take(index)
        if title != take.title:
            self._rows[index.row()] = replace(take, title=title)
            self.dataChanged.emit(index, index)
            self.renamed.emit(take.id, title)
        return True

    def _put(self, row: int, take: TakeRow) -> None:
        """Make `take` stand at `row`; rows before it are already right."""
        now_at = self.row_of(take.id)
        if now_at < 0:
            self.beginInsertRows(NO_PARENT, row, row)
            self._rows.insert(row, take)
            self.endInsertRows()
            return
        if now_at != row:
            self.beginMoveRows(NO_PARENT, now_at, now_at, NO_PARENT, row)
            self._rows.insert(row, self._rows.pop(now_at))
            self.endMoveRows()
        if self._rows[row] != take:
            self._rows[row] = take
            self.dataChanged.emit(self.index(row), self.index(row))
