"""A field that shows the chosen speaker with their language and opens a list that can be searched by
either.
"""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from widgets.icons import icon, pixmap
from widgets.text_format import language_label
from widgets.theme import current_theme, interface_font, mix

_ROW_HEIGHT = 30
_ROWS_SHOWN = 9


class SpeakerEntry(NamedTuple):
    """One speaker: a name, and a language tag such as "en-GB"."""

    name: str
    language: str

    def matches(self, words: list[str]) -> bool:
        """True when every (lower-case) word occurs in the name, the language tag or the language's name."""
        haystack = f"{self.name} {self.language} {language_label(self.language)}".lower()
        return all(word in haystack for word in words)

    def rank(self, words: list[str]) -> int:
        """0 for a name that begins with the first word, 1 for one that contains it, 2 for the rest."""
        name = self.name.lower()
        if not words or name.startswith(words[0]):
            return 0
        return 1 if words[0] in name else 2


class SpeakerBlendEntry(NamedTuple):
    """A blend of speakers: how it is written, what is shown, and the language that it speaks."""

    notation: str
    label: str
    language: str


class SpeakerPicker(QPushButton):
    """Shows one speaker; opens a searchable list on a click, Enter, Space, Alt+Down, or when a letter is
    typed.

    Up and Down choose the neighbour without opening the list. `speaker_chosen(str)` says what the person
    chose; setters emit nothing.
    """

    speaker_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._speakers: list[SpeakerEntry] = []
        self._current = ""
        self._blend: SpeakerBlendEntry | None = None
        self._popup = SpeakerPopup(self)
        self._popup.chosen.connect(self._choose)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Speaker")
        self.setToolTip("Choose who speaks: click, or type to search by name or language")
        self.clicked.connect(lambda: self.open_list())
        self._show_current()

    def set_speakers(self, speakers: list[tuple[str, str]]) -> None:
        """Offer these (name, language tag) pairs, in this order. Keeps the current one where it is among
        them.
        """
        self._speakers = [SpeakerEntry(*speaker) for speaker in speakers]
        names = [entry.name for entry in self._speakers]
        if self._current not in names:
            self._current = names[0] if names else ""
        self._blend = None
        self._show_current()

    def speaker(self) -> str:
        """The name of the chosen speaker, or the notation of the blend; "" where there are none."""
        return self._blend.notation if self._blend else self._current

    def language(self) -> str:
        """The language tag of the chosen speaker or blend; "" where there are none."""
        if self._blend is not None:
            return self._blend.language
        return next((entry.language for entry in self._speakers if entry.name == self._current), "")

    def set_speaker(self, name: str) -> None:
        """Choose a speaker; a name that is not offered is ignored."""
        if any(entry.name == name for entry in self._speakers):
            self._current, self._blend = name, None
            self._show_current()

    def set_blend(self, notation: str, label: str, language: str) -> None:
        """Show a blend; the list still marks the speaker that was chosen last."""
        self._blend = SpeakerBlendEntry(notation, label, language)
        self._show_current()

    def popup(self) -> SpeakerPopup:
        """The list that opens below the field."""
        return self._popup

    def open_list(self, search: str = "") -> None:
        """Open the list, with `search` already typed."""
        if self._speakers:
            self._popup.open_below(self, self._speakers, self._current, search)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        plain = held & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        enter = key in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        opens = enter and not held & Qt.KeyboardModifier.ControlModifier
        if opens or (key == Qt.Key.Key_Down and held & Qt.KeyboardModifier.AltModifier):
            self.open_list()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step(1 if key == Qt.Key.Key_Down else -1)
        elif not plain and event.text().strip() and event.text().isprintable():
            self.open_list(event.text())
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(180, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(96, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        inner = self.rect().adjusted(10, 0, -8, 0)
        arrow = QRect(inner.right() - 13, inner.center().y() - 6, 14, 14)
        ratio = self.devicePixelRatioF()
        painter.drawPixmap(arrow.topLeft(), pixmap("chevron-down", 14, theme.text_muted, ratio))
        inner.setRight(arrow.left() - 6)
        enabled = self.isEnabled() and bool(self._speakers)
        _draw_speaker(painter, inner, self._label(), self._shown_language(), enabled)

    def _step(self, by: int) -> None:
        names = [entry.name for entry in self._speakers]
        if not names:
            return
        wanted = min(max(names.index(self._current) + by, 0), len(names) - 1)
        self._choose(names[wanted])

    def _choose(self, name: str) -> None:
        if name != self.speaker():
            self.set_speaker(name)
            self.speaker_chosen.emit(name)

    def _shown_language(self) -> str:
        """A blend's shares are worth more room than its language."""
        return "" if self._blend else language_label(self.language())

    def _label(self) -> str:
        return self._blend.label if self._blend else self._current or "No speaker"

    def _show_current(self) -> None:
        self.setEnabled(bool(self._speakers))
        text = f"{self._label()}, {language_label(self.language())}" if self._current else "No speaker"
        self.setAccessibleDescription(text)
        self.update()


class SpeakerPopup(QFrame):
    """The searchable list. `chosen(str)` carries a name."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "card")
        self.search = QLineEdit(self)
        self.search.setAccessibleName("Search speakers")
        self.search.setPlaceholderText("Search name or language")
        self.search.setClearButtonEnabled(True)
        self._magnifier = self.search.addAction(
            icon("search", current_theme(), current_theme().text_muted),
            QLineEdit.ActionPosition.LeadingPosition,
        )
        self.list = QListView(self)
        self.list.setAccessibleName("Speakers")
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self._model = _SpeakerModel(self)
        self.list.setModel(self._model)
        self.list.setItemDelegate(_SpeakerDelegate(self.list))
        self._nobody = QLabel("No speaker matches", self)
        self._nobody.setProperty("role", "muted")
        self._nobody.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        for part in (self.search, self.list, self._nobody):
            layout.addWidget(part)
        self._entries: list[SpeakerEntry] = []
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list.clicked.connect(self._take)

    def open_below(self, field: QWidget, entries: list[SpeakerEntry], current: str, search: str = "") -> None:
        """Show the list under `field`, with `current` marked and `search` already typed."""
        self._entries = entries
        theme = current_theme()
        self._magnifier.setIcon(icon("search", theme, theme.text_muted))
        self.search.setText(search)
        self._filter(search)
        names = [entry.name for entry in self._model.entries]
        self._mark(names.index(current) if current in names and not search else 0)
        rows = min(_ROWS_SHOWN, max(3, len(entries)))
        self.resize(max(field.width(), 240), rows * _ROW_HEIGHT + 30 + 6 + 18)
        self._move_below(field)
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def shown_names(self) -> list[str]:
        """The names that match what is typed in the search field."""
        return [entry.name for entry in self._model.entries]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {
                Qt.Key.Key_Down: 1,
                Qt.Key.Key_Up: -1,
                Qt.Key.Key_PageDown: _ROWS_SHOWN - 1,
                Qt.Key.Key_PageUp: 1 - _ROWS_SHOWN,
            }
            key = Qt.Key(event.key())
            if key in steps:
                self._mark(self.list.currentIndex().row() + steps[key])
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.list.currentIndex())
                return True
            if key == Qt.Key.Key_Escape:
                self.hide()
                return True
        return super().eventFilter(watched, event)

    def _move_below(self, field: QWidget) -> None:
        """Below the field, or above it where the screen ends below."""
        place = field.mapToGlobal(QPoint(0, field.height() + 2))
        screen = field.screen().availableGeometry()
        if place.y() + self.height() > screen.bottom():
            place.setY(max(screen.top(), field.mapToGlobal(QPoint(0, 0)).y() - self.height() - 2))
        place.setX(max(screen.left(), min(place.x(), screen.right() - self.width())))
        self.move(place)

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        found_entries = [entry for entry in self._entries if entry.matches(words)]
        # Whoever types "g" means George before the English speakers.
        self._model.show_entries(sorted(found_entries, key=lambda entry: entry.rank(words)))
        found = bool(self._model.entries)
        self.list.setVisible(found)
        self._nobody.setVisible(not found)
        self._mark(0)

    def _mark(self, row: int) -> None:
        count = self._model.rowCount()
        if count:
            self.list.setCurrentIndex(self._model.index(min(max(row, 0), count - 1)))

    def _take(self, index: QModelIndex | QPersistentModelIndex) -> None:
        if index.isValid():
            name = self._model.entries[index.row()].name
            self.hide()
            self.chosen.emit(name)


class _SpeakerModel(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[SpeakerEntry] = []

    def show_entries(self, entries: list[SpeakerEntry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.entries)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == Qt.ItemDataRole.UserRole:
            return language_label(entry.language)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.name}, {language_label(entry.language)}"
        return None


class _SpeakerDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(160, _ROW_HEIGHT)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        theme = current_theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        state = option.state
        rect: QRect = option.rect
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            wash = mix(theme.surface, theme.accent if selected else theme.text, 0.18 if selected else 0.06)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(wash))
            painter.drawRoundedRect(rect.adjusted(0, 1, 0, -1), 4, 4)
        _draw_speaker(
            painter, rect.adjusted(8, 0, -8, 0), index.data(), index.data(Qt.ItemDataRole.UserRole), True
        )
        painter.restore()


def _draw_speaker(painter: QPainter, rect: QRect, name: str, language: str, enabled: bool) -> None:
    """Draw a name at the left and its language, small and muted, at the right of `rect`."""
    theme = current_theme()
    muted = QColor(theme.text_muted)
    painter.setFont(interface_font(theme, theme.font_size_small))
    width = painter.fontMetrics().horizontalAdvance(language)
    painter.setPen(muted)
    painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, language)
    painter.setFont(interface_font(theme))
    painter.setPen(QColor(theme.text) if enabled else muted)
    room = rect.adjusted(0, 0, -width - 8, 0)
    shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, max(0, room.width()))
    painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
