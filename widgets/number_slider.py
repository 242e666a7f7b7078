"""A number with a slider to drag, a field to type in, and (if wanted) a button that sets it back."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from widgets.buttons import IconButton

TICKS_AN_OCTAVE = 100
"""Slider positions between a number and its double, where the scale is logarithmic."""


class NumberSlider(QWidget):
    """A number between `lowest` and `highest` in steps of `step`. Setters emit nothing.

    A `logarithmic` slider gives halving and doubling the same way. With `reset`, a button sets that number.
    """

    changed = Signal()
    """The person changed the number."""

    def __init__(
        self,
        name: str,
        hint: str,
        lowest: float,
        highest: float,
        step: float,
        *,
        suffix: str = "",
        logarithmic: bool = False,
        reset: float | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._logarithmic = logarithmic
        self._default = reset
        self._hint = hint
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName(f"{name} slider")
        self.field = QDoubleSpinBox(self)
        self.field.setSingleStep(step)
        self.field.setDecimals(2)
        self.field.setSuffix(suffix)
        self.field.setFixedWidth(72)
        self.field.setAccessibleName(name)
        indent(self.field)
        self.reset_button = IconButton("rotate-ccw", f"Set {name.lower()} back")
        self.reset_button.setVisible(reset is not None)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self.slider, self.field, self.reset_button):
            row.addWidget(widget)
        self.set_range(lowest, highest)
        self.set_value(lowest if reset is None else reset)
        self.set_available(True)
        self.setFocusProxy(self.slider)
        self.slider.valueChanged.connect(self._slid)
        self.field.valueChanged.connect(self._typed)
        self.reset_button.clicked.connect(self._on_reset)

    def value(self) -> float:
        """The number."""
        return self.field.value()

    def set_value(self, value: float) -> None:
        """Show this number."""
        with QSignalBlocker(self.slider), QSignalBlocker(self.field):
            self.field.setValue(value)
            self.slider.setValue(self._position(value))
        self._refresh()

    def set_range(self, lowest: float, highest: float) -> None:
        """Set the limits."""
        step = self.field.singleStep()
        with QSignalBlocker(self.slider), QSignalBlocker(self.field):
            self.field.setRange(lowest, highest)
            self.slider.setRange(self._position(lowest), self._position(highest))
            self.slider.setSingleStep(5 if self._logarithmic else round(step * 100))
            self.slider.setPageStep(20)

    def set_available(self, available: bool, why_not: str = "") -> None:
        """Allow changing the number, or say in one sentence why it is not possible."""
        for widget in (self.slider, self.field):
            widget.setEnabled(available)
            widget.setToolTip(self._hint if available else why_not)
        self._refresh()

    def take_typed(self) -> None:
        """A number that is still being typed counts as typed."""
        self.field.interpretText()

    def _position(self, value: float) -> int:
        return round(TICKS_AN_OCTAVE * math.log2(value)) if self._logarithmic else round(100 * value)

    def _slid(self, position: int) -> None:
        value = 2 ** (position / TICKS_AN_OCTAVE) if self._logarithmic else position / 100
        with QSignalBlocker(self.field):
            self.field.setValue(value)
        self._refresh()
        self.changed.emit()

    def _typed(self, value: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(self._position(value))
        self._refresh()
        self.changed.emit()

    def _on_reset(self) -> None:
        if self._default is not None and self.value() != self._default:
            self.set_value(self._default)
            self.changed.emit()

    def _refresh(self) -> None:
        self.reset_button.setEnabled(self.field.isEnabled() and self.value() != self._default)


def indent(spin: QAbstractSpinBox) -> None:
    """Align the number with the text of other fields; a style sheet does not reach into a spin box."""
    spin.lineEdit().setTextMargins(6, 0, 0, 0)
