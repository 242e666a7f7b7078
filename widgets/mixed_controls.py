"""What makes a mixed run: the moment from which it is free, and the share of its own history after that."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from widgets.buttons import IconButton
from widgets.moment_ruler import MomentRuler


class MixedControls(QWidget):
    """A ruler with a handle and a slider; they ask when they are let go, by `wanted(seconds, share)`."""

    wanted = Signal(float, float)
    dragged = Signal(float)
    """The moment (s) under the handle while it is dragged."""
    put_away_requested = Signal()

    def __init__(self, definitions: dict[str, str], margin: int, parent: QWidget | None = None) -> None:
        """definitions: tool tips "free_from" and "own_rate"; margin: pixels left of the ruler."""
        super().__init__(parent)
        self.ruler = MomentRuler("Free from", "clip's history", "its own", self)
        self.ruler.set_margins(margin, 0)
        self.ruler.setToolTip(definitions.get("free_from", ""))
        self.ruler.moment_dragged.connect(self._on_drag)
        self.ruler.moment_set.connect(lambda _time: self._ask())
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, 100)
        self.slider.setPageStep(10)
        self.slider.setAccessibleName("Own history in per cent")
        self.slider.setToolTip(definitions.get("own_rate", ""))
        self.slider.sliderReleased.connect(self._ask)
        self.slider.valueChanged.connect(self._on_value)
        self._moment = QLabel(self)
        self._moment.setToolTip(definitions.get("free_from", ""))
        self._share = QLabel(self)
        self._share.setToolTip(definitions.get("own_rate", ""))
        self._state = QLabel("", self)
        self._state.setProperty("role", "small")
        self._state.setWordWrap(True)
        self._state.setToolTip(definitions.get("mix", ""))
        self._away = IconButton("x", "Put the mixed run away", parent=self)
        self._away.setProperty("compact", True)
        self._away.clicked.connect(self.put_away_requested)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self._share)
        row.addSpacing(4)
        row.addWidget(self._end("TF"))
        row.addWidget(self.slider, 1)
        row.addWidget(self._end("AR"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._moment)
        column.addWidget(self.ruler)
        column.addLayout(row)
        foot = QHBoxLayout()
        foot.addWidget(self._state, 1)
        foot.addWidget(self._away, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(foot)
        self.set_mix(0.0, 1.0)
        self.set_state("", False, False)

    def set_mix(self, free_from_s: float, own_rate: float) -> None:
        """Show the moment (s) and the share (0 to 1); emits nothing. What a person holds stays in the hand."""
        if not self.ruler.is_held:
            self.ruler.set_moment(free_from_s)
        if not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(round(100 * own_rate))
            self.slider.blockSignals(False)
        self._describe()

    def set_state(self, text: str, is_mixed: bool, can_run: bool) -> None:
        """Say what there is; whether it can be put away, and whether a run can be made."""
        self._state.setText(text)
        self._away.setVisible(is_mixed)
        self.ruler.setEnabled(can_run)
        self.slider.setEnabled(can_run)

    def drag_to(self, seconds: float) -> None:
        """The handle is dragged to a moment (s) by its line in the mels."""
        self.ruler.set_moment(min(max(seconds, 0.0), self.ruler.limit()))
        self._on_drag(self.ruler.moment() or 0.0)

    def let_go(self) -> None:
        """The handle is let go where it is."""
        self._ask()

    def state(self) -> str:
        """What is said of the run."""
        return self._state.text()

    def set_limit(self, seconds: float) -> None:
        """The clip's length in s: the last moment that can be chosen."""
        self.ruler.set_limit(seconds)

    def _end(self, word: str) -> QLabel:
        label = QLabel(word, self)
        label.setProperty("role", "small")
        return label

    def _describe(self) -> None:
        self._moment.setText(f"Free from {self.ruler.moment() or 0.0:.2f} s")
        self._share.setText(f"Own history {self.slider.value()} %")
        self._share.setMinimumWidth(self._share.fontMetrics().horizontalAdvance("Own history 100 %") + 4)

    def _on_drag(self, time: float) -> None:
        self._describe()
        self.dragged.emit(time)

    def _on_value(self, _value: int) -> None:
        self._describe()
        if not self.slider.isSliderDown():
            self._ask()

    def _ask(self) -> None:
        self._describe()
        self.wanted.emit(self.ruler.moment() or 0.0, self.slider.value() / 100)
