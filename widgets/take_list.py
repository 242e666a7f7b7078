"""The list of takes: show, rename, speak again, export, delete."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QFont, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from widgets.icons import icon
from widgets.take_model import Index, TakeModel, TakeRow, current_time
from widgets.text_format import duration, relative_time
from widgets.theme import current_theme, interface_font, mix

__all__ = ["TakeList", "TakeRow"]

_ROW_HEIGHT = 48
_REFRESH_TIMES_MS = 30_000
EMPTY_TITLE = "No takes yet"
EMPTY_HINT = "Every sentence you speak is kept here, with the settings that made it."


class TakeList(QWidget):
    """Takes in the order given, one of them shown ("current"), any number selected.

    `selected(id)`: the person wants to see this take. `renamed(id, title)`, `delete_requested(ids)`,
    `export_requested(ids)`, `rerun_requested(id)`: what they want done. Setters emit nothing.
    """

    selected = Signal(str)
    renamed = Signal(str, str)
    delete_requested = Signal(list)
    export_requested = Signal(list)
    rerun_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._model = TakeModel(self)
        self._view = _TakeView(self)
        self._view.setModel(self._model)
        self._view.setItemDelegate(_TakeDelegate(self._view))
        self._silent = False
        self.setFocusProxy(self._view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.addWidget(self._view)
        self._model.renamed.connect(self.renamed)
        self._view.selectionModel().currentChanged.connect(self._current_changed)
        self._view.delete_pressed.connect(self._delete)
        self._view.menu_wanted.connect(self._open_menu)
        # "just now" must not stay "just now" for ever.
        self._clock = QTimer(self)
        self._clock.setInterval(_REFRESH_TIMES_MS)
        self._clock.timeout.connect(self._model.refresh_times)
        self._clock.start()

    def set_takes(self, takes: list[TakeRow]) -> None:
        """Show these takes. Selection, current take, scroll position and a name being typed stay."""
        self._silent = True
        try:
            self._model.set_takes(takes)
        finally:
            self._silent = False
        self._view.viewport().update()

    def set_current(self, take_id: str | None) -> None:
        """Mark one take as the one shown, or none."""
        row = self._model.row_of(take_id)
        if take_id is not None and row >= 0 and self._view.currentIndex().row() == row:
            return
        self._silent = True
        try:
            chosen = self._view.selectionModel()
            index = self._model.index(row) if row >= 0 else QModelIndex()
            chosen.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            if row >= 0:
                self._view.scrollTo(index)
            else:
                chosen.clear()
        finally:
            self._silent = False

    def current(self) -> str | None:
        """The id of the take that is shown, or None."""
        index = self._view.currentIndex()
        return self._model.take(index).id if index.isValid() else None

    def selected_ids(self) -> list[str]:
        """The ids of all selected takes, from top to bottom."""
        rows = sorted(index.row() for index in self._view.selectionModel().selectedIndexes())
        return [self._model.take(self._model.index(row)).id for row in rows]

    def rename_current(self) -> None:
        """Let the person type another title for the current take."""
        index = self._view.currentIndex()
        if index.isValid():
            self._view.edit(index)

    def view(self) -> QListView:
        """The list itself."""
        return self._view

    def build_menu(self) -> QMenu:
        """The context menu for what is selected."""
        ids = self.selected_ids()
        theme = current_theme()
        menu = QMenu(self)
        several = f" {len(ids)} takes" if len(ids) > 1 else ""
        rename = menu.addAction(icon("pencil", theme), "Rename\tF2", self.rename_current)
        again = menu.addAction(icon("rotate-ccw", theme), "Speak again", self._rerun)
        menu.addAction(icon("download", theme), f"Export{several}…", self._export)
        menu.addSeparator()
        menu.addAction(icon("trash-2", theme), f"Delete{several}\tDel", self._delete)
        rename.setEnabled(len(ids) == 1)
        again.setEnabled(len(ids) == 1)
        return menu

    def _open_menu(self, event: QContextMenuEvent) -> None:
        if self.selected_ids():
            menu = self.build_menu()
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def _current_changed(self, current: QModelIndex) -> None:
        self._view.viewport().update()
        if not self._silent and current.isValid():
            self.selected.emit(self._model.take(current).id)

    def _delete(self) -> None:
        if ids := self.selected_ids():
            self.delete_requested.emit(ids)

    def _export(self) -> None:
        if ids := self.selected_ids():
            self.export_requested.emit(ids)

    def _rerun(self) -> None:
        if ids := self.selected_ids():
            self.rerun_requested.emit(ids[0])


class _TakeView(QListView):
    delete_pressed = Signal()
    menu_wanted = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Takes")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked
        )
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setMinimumHeight(2 * _ROW_HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_pressed.emit()
        elif event.key() == Qt.Key.Key_F2 and self.currentIndex().isValid():
            self.edit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.model() is None or self.model().rowCount():
            return
        theme = current_theme()
        painter = QPainter(self.viewport())
        room = self.viewport().rect().adjusted(20, 0, -20, 0)
        wrap = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        painter.setPen(QColor(theme.text))
        painter.setFont(interface_font(theme, weight=QFont.Weight.Medium))
        top = max(8, room.height() // 2 - 40)
        painter.drawText(QRect(room.x(), top, room.width(), 20), wrap, EMPTY_TITLE)
        painter.setPen(QColor(theme.text_muted))
        painter.setFont(interface_font(theme, theme.font_size_small))
        painter.drawText(QRect(room.x(), top + 24, room.width(), 60), wrap, EMPTY_HINT)
        painter.end()


class _TakeDelegate(QStyledItemDelegate):
    """A title, and below it speaker, length and seed; at the right how long ago it was."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        if not isinstance(model, TakeModel):
            return
        view = option.widget
        is_current = isinstance(view, QListView) and view.currentIndex() == index
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, is_current)
        self._paint_text(painter, option.rect, model.take(index), is_current)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAccessibleName("Title of the take")
        editor.setMaxLength(500)
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(option.rect.adjusted(6, 8, -6, -8))

    @staticmethod
    def _paint_ground(painter: QPainter, option: QStyleOptionViewItem, is_current: bool) -> None:
        theme = current_theme()
        ground = option.rect.adjusted(4, 1, -4, -1)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(mix(theme.surface, theme.accent, 0.18)))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(mix(theme.surface, theme.text, 0.06)))
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(ground, 5, 5)
        if is_current:
            painter.setBrush(QColor(theme.accent))
            painter.drawRoundedRect(QRect(ground.x(), ground.y() + 8, 3, ground.height() - 16), 1.5, 1.5)
            if state & QStyle.StateFlag.State_HasFocus:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QColor(theme.accent))
                painter.drawRoundedRect(ground, 5, 5)

    @staticmethod
    def _paint_text(painter: QPainter, rect: QRect, take: TakeRow, is_current: bool) -> None:
        theme = current_theme()
        inner = rect.adjusted(12, 6, -12, -7)
        weight = QFont.Weight.Medium if is_current else QFont.Weight.Normal
        painter.setFont(interface_font(theme, weight=weight))
        painter.setPen(QColor(theme.text))
        line = " ".join(take.title.split())
        title = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, title)
        painter.setFont(interface_font(theme, theme.font_size_small))
        painter.setPen(QColor(theme.text_muted))
        ago = relative_time(take.created, current_time(take.created))
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, ago)
        room = inner.adjusted(0, 0, -painter.fontMetrics().horizontalAdvance(ago) - 8, 0)
        details = f"{take.speaker} · {duration(take.seconds)} · seed {take.seed}"
        shown = painter.fontMetrics().elidedText(details, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, shown)
