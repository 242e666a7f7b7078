"""The row above a mel: which pane it is, how to hear it, and its numbers."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.icons import icon
from widgets.theme import DARK, Theme, interface_font, mix

_BUTTON = 20


_LINE_HEIGHT = 26
_USUAL_DETAIL = "L1 0.22 · blur 0.12"


def header_height(lines: int) -> int:
    """Fixed height of a header of that many lines, in logical pixels."""
    return _LINE_HEIGHT * lines


class ElidedLabel(QLabel):
    """A label that gives way to its neighbours and ends in an ellipsis when it must."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Another text, which the tool tip shows whole."""
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        painter.end()


class MelHeader(QFrame):
    """Play button, title, shortcut key, optionally original | vocoded, details, level at the crosshair."""

    play_requested = Signal()
    vocoded_toggled = Signal(bool)

    def __init__(self, title: str, shortcut: str, with_vocoded: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme = DARK
        self._active = False
        self._playing = False
        self._title = title
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

        self.play_button = QToolButton(self)
        self.play_button.setIconSize(QSize(14, 14))
        self.play_button.clicked.connect(self.play_requested)
        self.title_label = ElidedLabel(title, self)
        self.title_label.setObjectName("title")
        self.key_label = QLabel(shortcut, self)
        self.key_label.setObjectName("key")
        self.key_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.key_label.setFixedHeight(16)
        self.key_label.setVisible(bool(shortcut))
        self.detail_label = ElidedLabel("", self)
        self._detail_definition = ""
        self.level_label = QLabel("", self)
        self.level_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._toggle: QWidget | None = None
        self.original_button: QToolButton | None = None
        self.vocoded_button: QToolButton | None = None

        self._upper = QHBoxLayout()
        self._lower = QHBoxLayout()
        for row in (self._upper, self._lower):
            row.setContentsMargins(6, 0, 2, 0)
            row.setSpacing(5)
        self._lines = QVBoxLayout(self)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(0)
        self._lines.addLayout(self._upper, 1)
        self._lines.addLayout(self._lower)
        if with_vocoded:
            self._make_toggle()
        self.set_lines(1)
        self._describe_play_button(shortcut)

    def set_lines(self, lines: int) -> None:
        """One line, or two where panes are narrow: then the toggle and the details stand in the second."""
        for row in (self._upper, self._lower):
            while row.count():
                row.takeAt(0)
        for widget in (self.play_button, self.title_label, self.key_label):
            self._upper.addWidget(widget)
        if lines == 2:
            self._upper.addStretch(1)
        last = self._upper if lines == 1 else self._lower
        if self._toggle is not None:
            last.addWidget(self._toggle)
        last.addWidget(self.detail_label, 1)
        last.addWidget(self.level_label)
        self._share_room()
        self._lines.setStretchFactor(self._lower, lines - 1)
        self.setFixedHeight(header_height(lines))

    def one_line_width(self) -> int:
        """Width in px that the title, the toggle and a usual detail need beside each other.

        It does not hang on the detail shown, so that the header keeps its height while numbers change.
        """
        metrics = self.detail_label.fontMetrics()
        widths = [self.play_button.sizeHint().width(), self.title_label.sizeHint().width()]
        widths += [self.key_label.sizeHint().width(), metrics.horizontalAdvance(_USUAL_DETAIL)]
        widths += [self.level_label.minimumWidth()]
        if self._toggle is not None:
            widths.append(self._toggle.sizeHint().width())
        margins = self._upper.contentsMargins()
        return sum(widths) + self._upper.spacing() * (len(widths) - 1) + margins.left() + margins.right()

    def set_title(self, title: str) -> None:
        """Another title."""
        self._title = title
        self.title_label.setText(title)
        self._describe_play_button(self.key_label.text())

    def set_detail(self, text: str) -> None:
        """What is known about this pane, such as ``L1 0.22``."""
        self.detail_label.setText(text)
        self._describe_detail()
        self._share_room()

    def set_definitions(self, detail: str, level: str) -> None:
        """What the numbers of the detail and the level at the crosshair mean, for their tool tips."""
        self._detail_definition = detail
        self.level_label.setToolTip(level)
        self._describe_detail()

    def _describe_detail(self) -> None:
        text = self.detail_label.text()
        self.detail_label.setToolTip("\n".join(part for part in (text, self._detail_definition) if part and text))

    def set_shortcut(self, shortcut: str) -> None:
        """The key that switches to this pane, as a hint."""
        self.key_label.setText(shortcut)
        self.key_label.setVisible(bool(shortcut))
        self._describe_play_button(shortcut)

    def set_level(self, level_db: float | None) -> None:
        """The level in dB at the crosshair; NaN where the pane has nothing, ``None`` without a crosshair."""
        if level_db is None:
            self.level_label.setText("")
        elif math.isnan(level_db):
            self.level_label.setText("\u2013")
        else:
            decimals = 1 if level_db > -99.95 else 0
            self.level_label.setText(f"{level_db:.{decimals}f} dB".replace("-", "\u2212"))

    @property
    def active(self) -> bool:
        return self._active

    def set_active(self, active: bool) -> None:
        """Mark this pane as the one that is heard."""
        if active != self._active:
            self._active = active
            self._restyle()

    def set_playing(self, playing: bool) -> None:
        """Whether this pane sounds right now: the button then pauses."""
        if playing != self._playing:
            self._playing = playing
            self._restyle()
            self._describe_play_button(self.key_label.text())

    def set_vocoded(self, vocoded: bool) -> None:
        """Show which of the two sounds is chosen, without asking for it."""
        button = self.vocoded_button if vocoded else self.original_button
        if button is not None:
            button.setChecked(True)

    @property
    def vocoded(self) -> bool:
        return self.vocoded_button is not None and self.vocoded_button.isChecked()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._restyle()

    def _make_toggle(self) -> None:
        self.original_button = self._toggle_half("Original", "The recording itself", "left")
        self.vocoded_button = self._toggle_half("Vocoded", "The recording's mel through the vocoder", "right")
        self.original_button.setChecked(True)
        group = QButtonGroup(self)
        group.addButton(self.original_button)
        group.addButton(self.vocoded_button)
        group.buttonClicked.connect(lambda button: self.vocoded_toggled.emit(button is self.vocoded_button))
        self._toggle = QWidget(self)
        halves = QHBoxLayout(self._toggle)
        halves.setContentsMargins(0, 0, 0, 0)
        halves.setSpacing(0)
        halves.addWidget(self.original_button)
        halves.addWidget(self.vocoded_button)

    def _toggle_half(self, text: str, explanation: str, side: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setCheckable(True)
        button.setToolTip(explanation)
        button.setAccessibleName(f"{self._title}: {text.lower()}")
        button.setAccessibleDescription(explanation)
        button.setProperty("side", side)
        return button

    def _share_room(self) -> None:
        """What room is left belongs to the details; where there are none, they take none from the title."""
        has_detail = bool(self.detail_label.text())
        self.detail_label.setVisible(has_detail)
        for row in (self._upper, self._lower):
            row.setStretchFactor(self.level_label, 0 if has_detail else 1)

    def _describe_play_button(self, shortcut: str) -> None:
        verb = "Pause" if self._playing else "Play"
        name = f"{verb} {self._title}"
        self.play_button.setAccessibleName(name)
        self.play_button.setToolTip(f"{name} ({shortcut})" if shortcut else name)

    def _restyle(self) -> None:
        theme = self._theme
        small = interface_font(theme, theme.font_size_small)
        self.title_label.setFont(interface_font(theme, weight=interface_font(theme).Weight.DemiBold))
        for widget in (self.key_label, self.detail_label, self.level_label):
            widget.setFont(small)
        # The widest number it can show, so that the row never moves.
        self.level_label.setMinimumWidth(
            self.level_label.fontMetrics().horizontalAdvance("\u221288.8 dB") + 2
        )
        name = "pause" if self._playing else "play"
        self.play_button.setIcon(icon(name, theme, theme.accent_text if self._active else theme.text))
        self.setStyleSheet(_style(theme, self._active))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.surface))
        if self._active:
            painter.fillRect(0, 0, 3, self.height(), QColor(self._theme.accent))
        painter.end()


def _style(theme: Theme, active: bool) -> str:
    button_fill = theme.accent if active else "transparent"
    hover_fill = mix(theme.accent, theme.text, 0.14) if active else mix(theme.surface_raised, theme.text, 0.1)
    edge = mix(theme.border, theme.text, 0.12)
    chosen = mix(theme.surface, theme.accent, 0.2)
    return f"""
    QLabel {{ color: {theme.text_muted}; }}
    QLabel#title {{ color: {theme.text}; }}
    QLabel#key {{ border: 1px solid {edge}; border-radius: 3px; padding: 0 4px; }}
    QToolButton {{ min-width: {_BUTTON - 2}px; min-height: {_BUTTON - 2}px; max-height: {_BUTTON - 2}px;
        padding: 0; border: 1px solid transparent; border-radius: 4px; background: {button_fill}; }}
    QToolButton:hover {{ background: {hover_fill}; }}
    QToolButton:focus {{ border: 1px solid {theme.text}; }}
    QToolButton[side] {{ padding: 0 5px; background: transparent; color: {theme.text_muted};
        border: 1px solid {edge}; border-radius: 0; font-size: {theme.font_size_small}pt; }}
    QToolButton[side="left"] {{ border-right: none;
        border-top-left-radius: 4px; border-bottom-left-radius: 4px; }}
    QToolButton[side="right"] {{ border-top-right-radius: 4px; border-bottom-right-radius: 4px; }}
    QToolButton[side]:hover {{ color: {theme.text}; }}
    QToolButton[side]:checked {{ background: {chosen}; color: {theme.text}; }}
    QToolButton[side]:focus {{ border: 1px solid {theme.accent}; }}
    """
