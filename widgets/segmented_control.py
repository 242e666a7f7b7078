"""A row of segments of which one is chosen, each with the key that chooses it."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from widgets.theme import Theme, current_theme, interface_font, mix

_HEIGHT = 30
_PADDING = 9
_GAP = 6


class SegmentedControl(QWidget):
    """Exclusive choice among a few. `chosen(key)`: the person chose a segment; setters emit nothing.

    Tab reaches the chosen segment, the arrow keys go from one to the next. Where there is too little room,
    labels are cut short but the keys stay.
    """

    chosen = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._keys: list[str] = []
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self._clicked)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_segments(self, segments: list[tuple[str, str, str]]) -> None:
        """Offer these (key, label, shortcut). Keeps the chosen key where it is among them."""
        kept = self.key()
        for button in self._group.buttons():
            self._group.removeButton(button)
            self._row.removeWidget(button)
            button.deleteLater()
        self._keys = [key for key, _, _ in segments]
        last = len(segments) - 1
        for place, (_, label, shortcut) in enumerate(segments):
            segment = Segment(label, shortcut, place == 0, place == last, self)
            self._group.addButton(segment, place)
            self._row.addWidget(segment)
        self.set_key(kept)

    def set_key(self, key: str | None) -> None:
        """Choose a segment; None or an unknown key chooses none."""
        wanted = self._keys.index(key) if key in self._keys else -1
        self._group.setExclusive(False)
        for place, button in enumerate(self._group.buttons()):
            button.setChecked(place == wanted)
        self._group.setExclusive(True)

    def key(self) -> str | None:
        """The key of the chosen segment, or None."""
        place = self._group.checkedId()
        return self._keys[place] if place >= 0 else None

    def segment(self, key: str) -> QAbstractButton:
        """The button of a segment. Raises ValueError for an unknown key."""
        return self._group.button(self._keys.index(key))

    def set_segment_enabled(self, key: str, enabled: bool) -> None:
        """Allow or forbid choosing a segment (there is nothing to hear yet)."""
        self.segment(key).setEnabled(enabled)

    def _clicked(self, place: int) -> None:
        self.chosen.emit(self._keys[place])


class Segment(QAbstractButton):
    """One segment: a key in small muted letters, and a label."""

    def __init__(
        self, label: str, shortcut: str, is_first: bool, is_last: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._shortcut = shortcut
        self._is_first, self._is_last = is_first, is_last
        self.setText(label)
        self.setCheckable(True)
        self.setAccessibleName(label)
        self.setToolTip(f"Listen to: {label} ({shortcut})" if shortcut else label)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        # As wide as in its boldest state, so that choosing it moves nothing.
        width = self.fontMetrics().horizontalAdvance(self.text()) * 1.06
        return QSize(round(width) + self._key_width() + 2 * _PADDING, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._key_width() + 24 + 2 * _PADDING, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, theme)
        inner = self.rect().adjusted(_PADDING, 0, -_PADDING, 0)
        painter.setFont(interface_font(theme, theme.font_size_small))
        painter.setPen(self._colour(theme, muted=True))
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if self._shortcut:
            painter.drawText(inner, middle, self._shortcut)
            inner.adjust(self._key_width(), 0, 0, 0)
        weight = QFont.Weight.Medium if self.isChecked() else QFont.Weight.Normal
        painter.setFont(interface_font(theme, weight=weight))
        painter.setPen(self._colour(theme, muted=False))
        label = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, inner.width() + 2)
        painter.drawText(inner, middle, label)
        painter.end()

    def _key_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self._shortcut) + _GAP if self._shortcut else 0

    def _colour(self, theme: Theme, muted: bool) -> QColor:
        if not self.isEnabled():
            return QColor(mix(theme.text_muted, theme.surface, 0.4))
        if self.isChecked() and not muted:
            return QColor(theme.text)
        return QColor(theme.text_muted if muted else mix(theme.text, theme.text_muted, 0.35))

    def _paint_ground(self, painter: QPainter, theme: Theme) -> None:
        """Segments share one outline: only the outer ends are round."""
        body = self.rect().adjusted(0, 0, 0 if self._is_last else 8, 0)
        body.adjust(0 if self._is_first else -8, 0, 0, 0)
        painter.setClipRect(self.rect())
        if self.isChecked():
            fill = mix(theme.surface_raised, theme.accent, 0.22)
        elif self.isDown() or (self.underMouse() and self.isEnabled()):
            fill = mix(theme.surface_raised, theme.text, 0.07)
        else:
            fill = theme.surface_raised
        outline = mix(theme.border, theme.text, 0.12)
        painter.setPen(QColor(outline))
        painter.setBrush(QColor(fill))
        half = body.toRectF().adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(half, 5, 5)
        if not self._is_first:
            painter.drawLine(0, 1, 0, self.height() - 2)
        if self.isChecked():
            painter.fillRect(QRect(0, self.height() - 2, self.width(), 2), QColor(theme.accent))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            pen = painter.pen()
            pen.setColor(QColor(theme.accent))
            pen.setWidth(2)
            painter.setPen(pen)
            painter.drawRoundedRect(self.rect().toRectF().adjusted(1, 1, -1, -1), 4, 4)
