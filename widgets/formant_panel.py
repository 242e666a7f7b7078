"""Formant tracks: whether they are drawn, with which of Praat's settings, and their values at one moment."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from widgets.buttons import IconButton
from widgets.measure_table import MeasureRow, MeasureTable
from widgets.style_sheet import set_role
from widgets.theme import DARK
from widgets.track_overlay import TRACK_COLOURS, TRACK_NAMES


class FormantPanel(QWidget):
    """Shows what it is told and asks for changes; setters emit nothing."""

    shown_toggled = Signal(bool)
    settings_chosen = Signal(float, float, float)
    """Ceiling in Hz, number of formants, window in s."""
    suggested_requested = Signal()
    """Back to the ceiling that the speaker's pitch suggests."""

    def __init__(self, definitions: dict[str, str], parent: QWidget | None = None) -> None:
        """definitions: tool tips by "tracks", "ceiling", "number", "window", "deviation"."""
        super().__init__(parent)
        self._definitions = definitions
        self._shown = QCheckBox("Formant tracks", self)
        self._shown.setToolTip(definitions.get("tracks", ""))
        self._ceiling = _spin("Formant ceiling", (1000.0, 12000.0), 100.0, 0, " Hz", self)
        self._number = _spin("Number of formants below the ceiling", (3.0, 8.0), 0.5, 1, "", self)
        self._window = _spin("Analysis window", (10.0, 100.0), 5.0, 0, " ms", self)
        self._reset = IconButton("rotate-ccw", "Use the ceiling that the pitch suggests", parent=self)
        self._note = QLabel(self)
        self._note.setWordWrap(True)
        set_role(self._note, "small")
        self.table = MeasureTable(TRACK_NAMES, "Formants at this moment", self)
        for column, (name, colour) in enumerate(zip(TRACK_NAMES, TRACK_COLOURS, strict=True)):
            # The colours are made for dark mels: they keep their ground, whatever the theme.
            ground = DARK.plot_background
            self.table.set_column_title(
                column, f'<span style="background-color:{ground}; color:{colour}">&nbsp;{name}&nbsp;</span>'
            )
        self._arrange()
        self._shown.toggled.connect(self.shown_toggled)
        self._reset.clicked.connect(lambda: self.suggested_requested.emit())
        for spin in (self._ceiling, self._number, self._window):
            spin.setKeyboardTracking(False)
            spin.valueChanged.connect(self._choose)

    def set_shown(self, shown: bool) -> None:
        """Show whether tracks are drawn."""
        with QSignalBlocker(self._shown):
            self._shown.setChecked(shown)
        self.table.setVisible(shown)

    def set_settings(self, ceiling_hz: float, number: float, window_s: float, is_own: bool, note: str) -> None:
        """Show the settings in force; is_own: the person chose the ceiling. note: for whom it holds, or a problem."""
        for spin, value in ((self._ceiling, ceiling_hz), (self._number, number), (self._window, 1000 * window_s)):
            with QSignalBlocker(spin):
                spin.setValue(value)
        self._reset.setEnabled(is_own)
        self._note.setText(note)

    def set_values(self, rows: Sequence[MeasureRow]) -> None:
        """Show formants (Hz) by pane."""
        if list(rows) != self.table.rows():
            self.table.set_rows(rows)

    def _choose(self, _value: float) -> None:
        self.settings_chosen.emit(self._ceiling.value(), self._number.value(), self._window.value() / 1000.0)

    def _arrange(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        spins = (("Ceiling", "ceiling", self._ceiling), ("Formants", "number", self._number))
        for column, (text, key, spin) in enumerate((*spins, ("Window", "window", self._window))):
            label = QLabel(text, self)
            set_role(label, "small")
            for widget in (label, spin):
                widget.setToolTip(self._definitions.get(key, ""))
            grid.addWidget(label, 0, column)
            grid.addWidget(spin, 1, column)
        grid.addWidget(self._reset, 1, 3)
        head = QHBoxLayout()
        head.addWidget(self._shown)
        head.addStretch(1)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(12, 4, 12, 10)
        column_layout.setSpacing(6)
        column_layout.addLayout(head)
        column_layout.addLayout(grid)
        column_layout.addWidget(self._note)
        column_layout.addWidget(self.table)
        column_layout.addStretch(1)


def _spin(
    name: str, limits: tuple[float, float], step: float, decimals: int, suffix: str, parent: QWidget
) -> QDoubleSpinBox:
    spin = QDoubleSpinBox(parent)
    spin.setRange(*limits)
    spin.setSingleStep(step)
    spin.setDecimals(decimals)
    spin.setSuffix(suffix)
    spin.setAccessibleName(name)
    spin.setMinimumWidth(58)
    return spin
