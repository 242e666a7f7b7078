"""A grid of small mels: one row a sentence, one column a checkpoint. It fills while it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from widgets.theme import current_theme, interface_font

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
CELL = QSize(176, 104)
_CAPTION = 18
_GAP = 4
_HEADER_WIDTH = 190
_HEADER_HEIGHT = 44


@dataclass(frozen=True)
class GridCell:
    """What a cell shows.

    `state`: "empty" (not asked for), "waiting", "running", "done" or "failed"; `picture` (height, width, 3) uint8;
    `caption` are its figures, or what went wrong.
    """

    state: str = "empty"
    picture: NDArray[np.uint8] | None = None
    caption: str = ""
    tip: str = ""


def thumbnail(
    mel_db: NDArray[np.floating], levels: tuple[float, float], table: NDArray[np.uint8], columns: int = 160
) -> NDArray[np.uint8]:
    """A small picture (bands, at most `columns`, 3) of a mel (bands, frames) in dB, low bands at the bottom."""
    frames = mel_db.shape[1]
    if frames > columns:
        starts = np.linspace(0, frames, columns, endpoint=False).astype(int)
        counts = np.diff([*starts, frames])
        mel_db = np.add.reduceat(mel_db, starts, axis=1) / counts
    low, high = levels
    places = np.clip((mel_db - low) / max(high - low, 1e-6) * (len(table) - 1), 0, len(table) - 1)
    return np.ascontiguousarray(table[places.astype(np.uint8 if len(table) <= 256 else int)][::-1])


class CellGrid(QTableView):
    """Shows what it is told. A click or Space plays, a double click or Enter opens the cell as a take."""

    play_requested = Signal(int, int)
    """Row and column."""
    open_requested = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _CellModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_CellDelegate(self))
        self.setAccessibleName("Checkpoints by sentences")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalHeader(_Titles(Qt.Orientation.Vertical, self))
        self.setHorizontalHeader(_Titles(Qt.Orientation.Horizontal, self))
        self.setCornerButtonEnabled(False)
        for header, size in ((self.horizontalHeader(), CELL.width()), (self.verticalHeader(), CELL.height())):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setDefaultSectionSize(size)
            header.setSectionsClickable(False)
        self.verticalHeader().setFixedWidth(_HEADER_WIDTH)
        self.horizontalHeader().setFixedHeight(_HEADER_HEIGHT)
        self.clicked.connect(lambda index: self.play_requested.emit(index.row(), index.column()))
        self.doubleClicked.connect(lambda index: self.open_requested.emit(index.row(), index.column()))

    def set_shape(self, rows: Sequence[str], columns: Sequence[str]) -> None:
        """Rows and columns by their titles; all cells come up empty."""
        self._model.set_shape(rows, columns)

    def set_cell(self, row: int, column: int, cell: GridCell) -> None:
        """Show a cell."""
        self._model.set_cell(row, column, cell)

    def cell(self, row: int, column: int) -> GridCell:
        """What a cell shows."""
        return self._model.cells[row][column]

    def set_playing(self, place: tuple[int, int] | None) -> None:
        """Mark the cell that is heard."""
        self._model.set_playing(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and Enter opens the current cell; the arrows go from cell to cell."""
        index = self.currentIndex()
        if index.isValid() and event.key() == Qt.Key.Key_Space:
            self.play_requested.emit(index.row(), index.column())
        elif index.isValid() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_requested.emit(index.row(), index.column())
        else:
            super().keyPressEvent(event)


class _CellModel(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[str] = []
        self._columns: list[str] = []
        self.cells: list[list[GridCell]] = []
        self.playing: tuple[int, int] | None = None

    def set_shape(self, rows: Sequence[str], columns: Sequence[str]) -> None:
        self.beginResetModel()
        self._rows, self._columns = list(rows), list(columns)
        self.cells = [[GridCell() for _ in columns] for _ in rows]
        self.playing = None
        self.endResetModel()

    def set_cell(self, row: int, column: int, cell: GridCell) -> None:
        self.cells[row][column] = cell
        self._tell((row, column))

    def set_playing(self, place: tuple[int, int] | None) -> None:
        before, self.playing = self.playing, place
        for changed in (before, place):
            if changed is not None:
                self._tell(changed)

    def _tell(self, place: tuple[int, int]) -> None:
        index = self.index(*place)
        self.dataChanged.emit(index, index)

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        titles = self._columns if orientation == Qt.Orientation.Horizontal else self._rows
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) and section < len(titles):
            return titles[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        cell = self.cells[index.row()][index.column()]
        if role == Qt.ItemDataRole.UserRole:
            return cell, self.playing == (index.row(), index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell.tip or cell.caption
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self._columns[index.column()]}, {self._rows[index.row()]}: {cell.caption or cell.state}"
        return None


class _Titles(QHeaderView):
    """Titles on the ground of the panel: a first line in the colour of text, the rest muted and wrapped."""

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        theme = current_theme()
        first, _, rest = str(self.model().headerData(section, self.orientation()) or "").partition("\n")
        painter.save()
        painter.fillRect(rect, QColor(theme.surface))
        painter.setFont(interface_font(theme, theme.font_size_small))
        inside = rect.adjusted(8, 6, -8, -6)
        line = painter.fontMetrics().height()
        painter.setPen(QColor(theme.text))
        painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, first)
        painter.setPen(QColor(theme.text_muted))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(inside.adjusted(0, line + 2, 0, 0), flags, rest)
        painter.restore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), QColor(current_theme().surface))
        painter.end()
        super().paintEvent(event)


class _CellDelegate(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = current_theme()
        cell, is_playing = index.data(Qt.ItemDataRole.UserRole)
        rect: QRect = option.rect.adjusted(_GAP, _GAP, -_GAP, -_GAP)
        picture = rect.adjusted(0, 0, 0, -_CAPTION)
        painter.save()
        painter.fillRect(picture, QColor(theme.plot_background))
        painter.setFont(interface_font(theme, theme.font_size_small))
        if cell.picture is not None:
            height, width, _ = cell.picture.shape
            image = QImage(cell.picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(picture), image)
        words = {"waiting": "waiting", "running": "rendering…"}.get(cell.state, "")
        if words:
            painter.setPen(QColor(theme.accent if cell.state == "running" else theme.text_muted))
            painter.drawText(picture, Qt.AlignmentFlag.AlignCenter, words)
        if cell.state == "failed":  # where the picture would be there is room to say why
            painter.setPen(QColor(theme.error))
            inside = picture.adjusted(6, 4, -6, -4)
            painter.setClipRect(inside)
            painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap, cell.caption)
            painter.setClipping(False)
        else:
            caption = rect.adjusted(0, picture.height(), 0, 0)
            painter.setPen(QColor(theme.text_muted))
            shown = painter.fontMetrics().elidedText(cell.caption, Qt.TextElideMode.ElideRight, caption.width())
            painter.drawText(caption, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        is_current = bool(option.state & QStyle.StateFlag.State_Selected)
        if is_playing or is_current:
            painter.setPen(QPen(QColor(theme.accent if is_playing else theme.text_muted), 2))
            painter.drawRect(picture.adjusted(1, 1, -1, -1))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return CELL
