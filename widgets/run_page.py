"""The page for checkpoints over time: a slider through a run, the measures of both voices, curves against the step."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from widgets.buttons import IconButton
from widgets.mel_header import ElidedLabel
from widgets.segmented_control import SegmentedControl
from widgets.step_curves import StepCurve, StepCurves
from widgets.style_sheet import set_role
from widgets.time_slider import TimeSlider

PAIR_VIEWS = [("off", "Apart", ""), ("difference", "Difference", ""), ("wipe", "Wipe", ""), ("blink", "Blink", "")]


class RunPage(QWidget):
    """Shows what it is told; every control sends a wish by a signal."""

    folder_requested = Signal()
    example_requested = Signal()
    file_requested = Signal()
    close_requested = Signal()
    place_chosen = Signal(int)
    """Place of a checkpoint in the order of the slider."""
    play_requested = Signal()
    grid_requested = Signal()
    sentence_chosen = Signal(str)
    speaker_chosen = Signal(str)
    """For checkpoints that lack the speaker of the sentence."""
    rendering_chosen = Signal(str)
    alone_toggled = Signal(bool)
    pair_view_chosen = Signal(str)
    """How A and B are put into one picture: a key of `PAIR_VIEWS`."""
    figure_chosen = Signal(str)
    loss_chosen = Signal(str)

    def __init__(self, definitions: dict[str, str], parent: QWidget | None = None) -> None:
        """definitions: tool tips by the label of a measure, and by "figures" and "losses"."""
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._definitions = definitions
        self._steps: list[int] = []
        self._step_range: tuple[float, float] | None = None
        self._cells: list[QLabel] = []
        self._title = _label("", "title", self)
        self._status = _label("", "muted", self)
        self._beside = self._make_beside()
        self._figures_part, self._losses_part = self._make_figures(), self._make_losses()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        column.addLayout(self._make_opening())
        column.addWidget(self._title)
        column.addWidget(self._status)
        self._example = QPushButton("Show an example run", self)
        self._example.setToolTip("The embedded voice with less and less blur, as five checkpoints (170 MB)")
        self._example.clicked.connect(self.example_requested)
        column.addWidget(self._example, 0, Qt.AlignmentFlag.AlignLeft)
        for part in (self._beside, self._figures_part, self._losses_part):
            column.addWidget(part)
        column.addStretch(1)
        self.set_nothing("")

    # What is shown

    def set_nothing(self, status: str) -> None:
        """There is no second checkpoint."""
        self._title.setText("No run is open")
        self._status.setText(status)
        self._close.setVisible(False)
        self._example.setVisible(True)
        for part in (self._beside, self._figures_part, self._losses_part):
            part.setVisible(False)

    def set_run(self, title: str, status: str, tool_tip: str = "") -> None:
        """Name what is open, and say how it stands."""
        self._title.setText(title)
        self._title.setToolTip(tool_tip)
        self._status.setText(status)
        self._status.setVisible(bool(status))
        self._close.setVisible(True)
        self._example.setVisible(False)

    def set_checkpoints(self, names: Sequence[str], steps: Sequence[int], place: int) -> None:
        """The checkpoints in the order of their steps, and the place of the one that is shown (-1: none)."""
        self._beside.setVisible(bool(names))
        self._steps = list(steps)
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, len(names) - 1))
        self._slider.setValue(max(place, 0))
        for part in (self._slider, self._back, self._forth):  # one checkpoint is no time line
            part.setVisible(len(names) > 1)
        self._slider.blockSignals(False)
        for button, end in ((self._back, 0), (self._forth, len(names) - 1)):
            button.setEnabled(0 <= place != end)
        chosen = 0 <= place < len(names)
        self._name.setText(names[place] if chosen else "")
        where = f"step {steps[place]:,}" if chosen else ""
        self._place.setText(f"{where} · {place + 1} of {len(names)}" if chosen and len(names) > 1 else where)
        for curves in (self._figures, self._losses):
            curves.set_step(float(steps[place]) if chosen else None)

    def set_playable(self, playable: bool, playing: bool) -> None:
        """Whether the chosen checkpoint can be heard, and whether it is heard now."""
        self._play.setEnabled(playable)
        self._play.set_icon_name("pause" if playing else "play")
        self._play.set_name("Pause the second checkpoint" if playing else "Play the second checkpoint")

    def set_sentences(self, offers: Sequence[tuple[str, str]], chosen: str, text: str) -> None:
        """(key, title) of where the sentence can come from, the chosen one, and the sentence itself."""
        self._sentence.blockSignals(True)
        self._sentence.clear()
        for key, title in offers:
            self._sentence.addItem(title, key)
        self._sentence.setCurrentIndex(self._sentence.findData(chosen))
        self._sentence.blockSignals(False)
        self._text.setText(text)

    def set_speakers(self, names: Sequence[str], chosen: str) -> None:
        """Who can speak for a checkpoint that lacks the speaker of the sentence; none where it does not."""
        _fill(self._speaker, [(name, name) for name in names], chosen)
        self._speaker_row.setVisible(bool(names))

    def speakers(self) -> list[str]:
        """The speakers that are offered for such a checkpoint."""
        return [self._speaker.itemText(place) for place in range(self._speaker.count())]

    def set_renderings(self, offers: Sequence[tuple[str, str]], chosen: str) -> None:
        """(key, label) of the mels that there are, and the chosen one."""
        if [key for key, _ in offers] != self._renderings.property("keys"):
            self._renderings.setProperty("keys", [key for key, _ in offers])
            self._renderings.set_segments([(key, label, "") for key, label in offers])
        self._renderings.set_key(chosen)
        self._renderings.setVisible(len(offers) > 1)

    def set_alone(self, alone: bool) -> None:
        """Whether only what is compared is shown."""
        self._alone.blockSignals(True)
        self._alone.setChecked(alone)
        self._alone.blockSignals(False)

    def set_pair_view(self, view: str) -> None:
        """How A and B are put into one picture."""
        self._pair.set_key(view)

    def set_measures(self, rows: Sequence[tuple[str, str, str]], names: tuple[str, str]) -> None:
        """(label, of the loaded voice, of the second checkpoint), and the names of both."""
        for label in self._cells:
            label.deleteLater()
        self._cells = []
        table = [("", *names), *rows] if rows else []
        for number, row in enumerate(table):
            for place, text in enumerate(row):
                label = _label(text, "small" if number == 0 or place == 0 else "", self)
                label.setToolTip(self._definitions.get(row[0], ""))
                if place:
                    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
                self._table.addWidget(label, number, place)
                self._cells.append(label)

    def measures(self) -> list[str]:
        """The texts of the table, cell by cell."""
        return [label.text() for label in self._cells]

    def set_figures(self, offers: Sequence[tuple[str, str]], chosen: str, curve: StepCurve | None, empty: str) -> None:
        """(key, title) of the measures, the chosen one, and its curve over the checkpoints."""
        _fill(self._figure, offers, chosen)
        self._figures_part.setVisible(bool(self._steps) and len(self._steps) > 1)
        self._figures.set_empty_message(empty)
        self._figures.set_curves([curve] if curve is not None else [], self._step_range)

    def set_losses(self, offers: Sequence[str], chosen: str, curves: Sequence[StepCurve]) -> None:
        """Names of what the logs hold, the chosen one, and its curves."""
        _fill(self._loss, [(name, name) for name in offers], chosen)
        self._losses_part.setVisible(bool(offers))
        self._losses.set_curves(curves, self._step_range)
        swatches = [
            f'<span style="color:{self._losses.colour(n)}">■</span> {curve.name}' for n, curve in enumerate(curves)
        ]
        self._legend.setText("  ".join(swatches))

    def set_step_range(self, steps: tuple[float, float] | None) -> None:
        """The axis of both charts, so that a step stands at the same place in them; before the curves."""
        self._step_range = steps

    # Inside

    def _make_opening(self) -> QHBoxLayout:
        folder = QPushButton("Open run…", self)
        folder.setToolTip("A folder that training saves checkpoints into; it is watched for new ones")
        folder.clicked.connect(self.folder_requested)
        file = QPushButton("Checkpoint…", self)
        file.setToolTip("One checkpoint beside the loaded voice")
        file.clicked.connect(self.file_requested)
        self._close = IconButton("x", "Put the second checkpoint away", parent=self)
        self._close.clicked.connect(self.close_requested)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(folder)
        row.addWidget(file)
        row.addStretch(1)
        row.addWidget(self._close)
        return row

    def _make_beside(self) -> QWidget:
        part = QWidget(self)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._name = ElidedLabel("", part)
        self._place = _label("", "muted", part)
        self._place.setWordWrap(False)
        heading = QHBoxLayout()
        heading.addWidget(self._name, 1)
        heading.addWidget(self._place)
        self._slider = TimeSlider("Checkpoint of the run", part)
        self._slider.valueChanged.connect(self.place_chosen)
        self._back = IconButton("chevron-left", "Earlier checkpoint", ",", parent=part)
        self._forth = IconButton("chevron-right", "Later checkpoint", ".", parent=part)
        self._back.clicked.connect(lambda: self._slider.setValue(self._slider.value() - 1))
        self._forth.clicked.connect(lambda: self._slider.setValue(self._slider.value() + 1))
        self._play = IconButton("play", "Play the second checkpoint", parent=part)
        self._play.clicked.connect(self.play_requested)
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self._back, self._slider, self._forth, self._play):
            row.addWidget(widget, 1 if widget is self._slider else 0)
        row.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self._sentence = QComboBox(part)
        self._sentence.setAccessibleName("Sentence")
        self._sentence.activated.connect(lambda _: self.sentence_chosen.emit(self._sentence.currentData()))
        self._text = _label("", "small", part)
        self._speaker_row, self._speaker = self._make_speaker(part)
        self._renderings = SegmentedControl("Which mel", part)
        self._renderings.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._renderings.chosen.connect(self.rendering_chosen)
        self._table = QGridLayout()
        self._table.setHorizontalSpacing(12)
        self._table.setVerticalSpacing(4)
        for place in (1, 2):
            self._table.setColumnStretch(place, 1)
        self._alone = QCheckBox("Show only what is compared", part)
        self._alone.setToolTip("The ground truth and this mel of both checkpoints; else all panes")
        self._alone.toggled.connect(self.alone_toggled)
        self._pair = SegmentedControl("A and B", part)
        self._pair.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._pair.set_segments(PAIR_VIEWS)
        self._pair.setToolTip("A and B apart, or in one more pane along the warp path")
        self._pair.chosen.connect(self.pair_view_chosen)
        grid = QPushButton("Grid of checkpoints…", part)
        grid.clicked.connect(self.grid_requested)
        column.addLayout(heading)
        column.addLayout(row)
        column.addWidget(self._sentence)
        column.addWidget(self._text)
        column.addWidget(self._speaker_row)
        column.addWidget(self._renderings)
        column.addLayout(self._table)
        column.addWidget(self._pair)
        column.addWidget(self._alone)
        column.addWidget(grid, 0, Qt.AlignmentFlag.AlignLeft)
        return part

    def _make_speaker(self, parent: QWidget) -> tuple[QWidget, QComboBox]:
        row, combo = QWidget(parent), QComboBox(parent)
        combo.setAccessibleName("Speaker of B")
        combo.setPlaceholderText("Choose a speaker")
        combo.setToolTip("This checkpoint has not the speaker of the sentence: choose one of its own")
        combo.activated.connect(lambda _: self.speaker_chosen.emit(combo.currentData()))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(_label("Speaker of B", "heading", row))
        layout.addWidget(combo, 1)
        return row, combo

    def _make_figures(self) -> QWidget:
        part, column, self._figure = _chart_part("Measure over the run", self)
        self._figure.activated.connect(lambda _: self.figure_chosen.emit(self._figure.currentData()))
        self._figures = StepCurves("Measure against step", part)
        self._figures.setToolTip(self._definitions.get("figures", ""))
        self._figures.step_requested.connect(self._on_step)
        column.addWidget(self._figures)
        return part

    def _make_losses(self) -> QWidget:
        part, column, self._loss = _chart_part("Losses from the log", self)
        self._loss.activated.connect(lambda _: self.loss_chosen.emit(self._loss.currentData()))
        self._losses = StepCurves("Losses against step", part)
        self._losses.setToolTip(self._definitions.get("losses", ""))
        self._losses.step_requested.connect(self._on_step)
        self._legend = _label("", "small", part)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        column.addWidget(self._losses)
        column.addWidget(self._legend)
        return part

    def _on_step(self, step: float) -> None:
        """The checkpoint nearest to a step."""
        if self._steps:
            self._slider.setValue(min(range(len(self._steps)), key=lambda place: abs(self._steps[place] - step)))


def _chart_part(heading: str, parent: QWidget) -> tuple[QWidget, QVBoxLayout, QComboBox]:
    part = QWidget(parent)
    column = QVBoxLayout(part)
    column.setContentsMargins(0, 4, 0, 0)
    column.setSpacing(6)
    combo = QComboBox(part)
    combo.setAccessibleName(heading)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    row = QHBoxLayout()
    row.addWidget(_label(heading, "heading", part))
    row.addWidget(combo, 1)
    column.addLayout(row)
    return part, column, combo


def _fill(combo: QComboBox, offers: Sequence[tuple[str, str]], chosen: str) -> None:
    if [combo.itemData(place) for place in range(combo.count())] != [key for key, _ in offers]:
        combo.clear()
        for key, title in offers:
            combo.addItem(title, key)
    combo.setCurrentIndex(combo.findData(chosen))


def _label(text: str, role: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setWordWrap(role not in ("heading",))
    if role:
        set_role(label, role)
    return label
