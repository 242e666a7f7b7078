"""The page "Differences": two panes against each other, the warp path, and a model's error beside random noise."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from widgets.buttons import IconButton
from widgets.measure_table import MeasureRow, MeasureTable
from widgets.segmented_control import SegmentedControl
from widgets.style_sheet import set_role
from widgets.theme import current_theme
from widgets.two_columns import TwoColumns
from widgets.warp_view import WarpView

VIEWS = (("off", "Off", ""), ("difference", "Difference", ""), ("wipe", "Wipe", ""), ("blink", "Blink", ""))
Choices = Sequence[tuple[str, str]]
"""(key, title) pairs."""


class DifferencesPanel(QWidget):
    """Shows what it is told and asks for changes; setters emit nothing."""

    pair_chosen = Signal(str, str)
    view_chosen = Signal(str)
    range_chosen = Signal(float)
    timed_chosen = Signal(bool)
    linked_chosen = Signal(bool)
    noise_of_chosen = Signal(str)
    noise_toggled = Signal(bool)
    play_noise_requested = Signal()
    looked_at = Signal(bool)
    """The page has come into view, or gone out of it."""

    def __init__(self, definitions: dict[str, str], parent: QWidget | None = None) -> None:
        """definitions: tool tips by "pair", "difference", "wipe", "blink", "range", "path", "noise"."""
        super().__init__(parent)
        self._definitions = definitions
        self._panes: list[tuple[str, str]] = []
        self._first, self._second = _combo("First pane", self), _combo("Second pane", self)
        self._view = SegmentedControl("How two panes are compared", self)
        self._view.set_segments(list(VIEWS))
        self._range = QDoubleSpinBox(self)
        self._timed = QCheckBox("Change by itself", self)
        self._numbers = QLabel(self)
        self._linked = QCheckBox("Link panes along the warp path", self)
        self.path = WarpView(self)
        self._path_note = QLabel(self)
        self._noise_of = _combo("Model pane whose error is matched", self)
        self._noise = QCheckBox("Show as a pane", self)
        self._play = IconButton("play", "Play the truth with matched noise", "6", self)
        self._verdict = QLabel(self)
        self.table = MeasureTable(("Model", "Noise"), "Model's error and noise of the same L1", self)
        self._build()
        self._connect()
        self.set_study("", [], "")

    # Two panes

    def set_panes(self, panes: Choices) -> None:
        """Offer these panes for a pair; the choice is kept where it can be."""
        if list(panes) == self._panes:  # an open list stays open
            return
        self._panes = list(panes)
        for combo in (self._first, self._second):
            kept = combo.currentData()
            combo.clear()
            for key, title in panes:
                combo.addItem(title, key)
            combo.setCurrentIndex(max(0, combo.findData(kept)))

    def set_pair(self, first: str, second: str) -> None:
        """Show which two panes are compared."""
        for combo, key in ((self._first, first), (self._second, second)):
            combo.setCurrentIndex(max(0, combo.findData(key)))

    def set_view(self, view: str) -> None:
        """Show how they are compared: "off", "difference", "wipe" or "blink"."""
        self._view.set_key(view)
        self._range_label.setVisible(view in ("off", "difference"))
        self._range.setVisible(view in ("off", "difference"))
        self._timed.setVisible(view == "blink")
        self._numbers.setToolTip(self._definitions.get("pair", ""))

    def set_range(self, decibels: float) -> None:
        """Show the range of a difference."""
        with QSignalBlocker(self._range):
            self._range.setValue(decibels)

    def set_timed(self, timed: bool) -> None:
        """Show whether a blink changes by itself."""
        with QSignalBlocker(self._timed):
            self._timed.setChecked(timed)

    def set_numbers(self, text: str) -> None:
        """What is known of the pair in one line."""
        self._numbers.setText(text)

    # The path

    def set_linked(self, linked: bool, possible: bool, note: str) -> None:
        """Show whether panes are linked along the path, whether there is one, and what is known of it."""
        with QSignalBlocker(self._linked):
            self._linked.setChecked(linked)
        self._linked.setEnabled(possible)
        self._path_note.setText(note)
        self._path_note.setVisible(bool(note))

    # Noise

    def set_noise_choices(self, panes: Choices, chosen: str) -> None:
        """Offer model panes, and show the chosen one."""
        self._noise_of.clear()
        for key, title in panes:
            self._noise_of.addItem(title, key)
        self._noise_of.setCurrentIndex(max(0, self._noise_of.findData(chosen)))

    def set_noise_shown(self, shown: bool, playing: bool = False) -> None:
        """Show whether the noise has a pane, and whether it sounds."""
        with QSignalBlocker(self._noise):
            self._noise.setChecked(shown)
        self._play.set_icon_name("pause" if playing else "play")

    def set_study(self, verdict: str, rows: Sequence[MeasureRow], empty: str) -> None:
        """Show the numbers of the error beside those of the noise; `empty` says why there are none."""
        self._verdict.setText(verdict or empty)
        set_role(self._verdict, "" if verdict else "muted")
        self.table.set_rows(rows)
        self.table.setVisible(bool(rows))
        self._play.setEnabled(bool(rows))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.looked_at.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.looked_at.emit(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    # How it is built

    def _build(self) -> None:
        self._range.setRange(3.0, 60.0)
        self._range.setDecimals(0)
        self._range.setSingleStep(5.0)
        self._range.setPrefix("±")
        self._range.setSuffix(" dB")
        self._range.setAccessibleName("Range of the difference")
        self._range_label = QLabel("Range", self)
        swap = IconButton("arrow-left-right", "Swap both panes", parent=self)
        swap.clicked.connect(
            lambda: self.pair_chosen.emit(self._second.currentData(), self._first.currentData())
        )
        pair = QGridLayout()
        pair.setHorizontalSpacing(8)
        pair.setVerticalSpacing(6)
        pair.setColumnStretch(1, 1)
        for row, (sign, combo) in enumerate((("A", self._first), ("B", self._second))):
            label = QLabel(sign, self)
            set_role(label, "small")
            pair.addWidget(label, row, 0)
            pair.addWidget(combo, row, 1)
        pair.addWidget(swap, 0, 2, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        below = QHBoxLayout()
        below.addWidget(self._range_label)
        below.addWidget(self._range)
        below.addWidget(self._timed)
        below.addStretch(1)
        noise = QHBoxLayout()
        noise.addWidget(self._noise_of, 1)
        noise.addWidget(self._play)
        for label in (self._numbers, self._path_note, self._verdict):
            label.setWordWrap(True)
        for label in (self._numbers, self._path_note, self._range_label):
            set_role(label, "small")
        first, second = QVBoxLayout(), QVBoxLayout()
        first.addWidget(self._heading("Two panes", "pair"))
        first.addLayout(pair)
        first.addWidget(self._view)
        first.addLayout(below)
        first.addWidget(self._numbers)
        first.addWidget(_line(self))
        first.addWidget(self._heading("Warp path", "path"))
        first.addWidget(self.path)
        first.addWidget(self._path_note)
        first.addWidget(self._linked)
        second.addWidget(self._heading("Blur or noise?", "noise"))
        second.addLayout(noise)
        second.addWidget(self._noise)
        second.addWidget(self._verdict)
        second.addWidget(self.table)
        for column in (first, second):
            column.setSpacing(8)
            column.addStretch(1)
        page = TwoColumns(self, first, second)
        page.setContentsMargins(12, 8, 12, 12)
        page.setSpacing(8)
        for key in ("difference", "wipe", "blink"):
            self._view.segment(key).setToolTip(self._definitions.get(key, ""))
        self._view.segment("off").setToolTip("No pane for the comparison")
        self._range.setToolTip(self._definitions.get("range", ""))
        self._timed.setToolTip(self._definitions.get("blink", ""))
        self._noise.setToolTip(self._definitions.get("noise", ""))
        self._linked.setToolTip(self._definitions.get("link", ""))
        self.path.setToolTip(self._definitions.get("path", ""))

    def _heading(self, text: str, key: str) -> QLabel:
        label = QLabel(text, self)
        set_role(label, "heading")
        label.setToolTip(self._definitions.get(key, ""))
        return label

    def _connect(self) -> None:
        for combo in (self._first, self._second):
            combo.activated.connect(
                lambda _index: self.pair_chosen.emit(self._first.currentData(), self._second.currentData())
            )
        self._view.chosen.connect(self.view_chosen)
        self._range.valueChanged.connect(self.range_chosen)
        self._timed.toggled.connect(self.timed_chosen)
        self._linked.toggled.connect(self.linked_chosen)
        self._noise_of.activated.connect(lambda _index: self.noise_of_chosen.emit(self._noise_of.currentData()))
        self._noise.toggled.connect(self.noise_toggled)
        self._play.clicked.connect(lambda: self.play_noise_requested.emit())


def _combo(name: str, parent: QWidget) -> QComboBox:
    combo = QComboBox(parent)
    combo.setAccessibleName(name)
    combo.setAccessibleDescription(name)  # on Linux, Qt gives its choice as the name of a combo box
    combo.setMinimumContentsLength(8)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return combo


def _line(parent: QWidget) -> QFrame:
    line = QFrame(parent)
    line.setProperty("role", "divider")
    line.setFixedHeight(1)
    return line
