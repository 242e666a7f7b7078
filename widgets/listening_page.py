"""Listening: equal loudness, and a blind test (ABX or "which is better") from its start to its result."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from widgets.buttons import ActionButton
from widgets.icons import icon
from widgets.level_table import LevelTable
from widgets.segmented_control import SegmentedControl
from widgets.style_sheet import set_role
from widgets.theme import current_theme
from widgets.two_columns import TwoColumns
from widgets.vote_result import Judgement, VoteResult

KINDS = [("abx", "ABX", ""), ("ab", "Which is better", "")]
EXPLANATIONS = {
    "abx": "X is A or B by chance: say which. Tells whether a difference can be heard at all.",
    "ab": "A and B in random order: say which is better. Tells whether one is preferred.",
}
ANSWERS = {
    "abx": [("a", "X is A", "Shift+A"), ("b", "X is B", "Shift+B")],
    "ab": [("a", "A is better", "Shift+A"), ("b", "B is better", "Shift+B"), ("tie", "No difference", "Shift+N")],
}


class ListeningPage(QWidget):
    """Shows what it is told; every button is a wish, sent by a signal."""

    matching_toggled = Signal(bool)
    start_requested = Signal(str, str, str, int)
    """Kind, key of the first and of the second sound, number of trials."""
    play_requested = Signal(str)
    """ "a", "b" or "x"."""
    voted = Signal(str)
    """ "a", "b" or "tie"."""
    finish_requested = Signal()
    dismiss_requested = Signal()
    export_requested = Signal()

    def __init__(self, definitions: dict[str, str], parent: QWidget | None = None) -> None:
        """definitions: tool tips by "levels", "abx", "ab" and "interval"."""
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._definitions = definitions
        self._kind = "abx"
        self._history_rows: list[VoteResult] = []
        self._level_toggle = QCheckBox("Match levels (M)", self)
        self._level_toggle.setAccessibleName("Match levels")
        self._level_toggle.setToolTip(definitions.get("levels", ""))
        self._level_toggle.toggled.connect(self.matching_toggled)
        self._levels = LevelTable(definitions.get("levels", ""), self)
        self._setup, self._trial, self._result = self._make_setup(), self._make_trial(), self._make_result()
        self._history = QVBoxLayout()
        self._history.setSpacing(12)
        self._export = QPushButton("Export votes as CSV…", self)
        self._export.clicked.connect(self.export_requested)
        self._no_votes = _label("No votes yet.", "muted", self)
        self._fill_columns()
        self.set_idle()
        self.set_history([])
        self.set_levels(False, [])

    def _fill_columns(self) -> None:
        first, second = QVBoxLayout(), QVBoxLayout()
        first.addWidget(_label("Equal loudness", "heading", self))
        first.addWidget(self._level_toggle)
        first.addWidget(self._levels)
        first.addSpacing(8)
        first.addWidget(_label("Blind test", "heading", self))
        for part in (self._setup, self._trial, self._result):
            first.addWidget(part)
        second.addWidget(_label("Votes so far", "heading", self))
        second.addWidget(self._no_votes)
        second.addLayout(self._history)
        second.addWidget(self._export, 0, Qt.AlignmentFlag.AlignLeft)
        for column in (first, second):
            column.setSpacing(8)
            column.addStretch(1)
        page = TwoColumns(self, first, second, fills=False)
        page.setContentsMargins(12, 8, 12, 12)
        page.setSpacing(10)

    # What is shown

    def set_levels(self, on: bool, rows: Sequence[tuple[str, float, float]]) -> None:
        """Whether levels are matched, and (name, gain in dB, loudness before it in LUFS) of each sound."""
        self._level_toggle.blockSignals(True)
        self._level_toggle.setChecked(on)
        self._level_toggle.blockSignals(False)
        self._levels.set_rows(rows if on else [])

    def levels(self) -> list[str]:
        """The texts of the level rows, cell by cell."""
        return self._levels.texts()

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """(key, title) of what can be compared; what was chosen stays where it can."""
        for number, combo in enumerate((self._first, self._second)):
            kept = combo.currentData()
            combo.blockSignals(True)
            combo.clear()
            for key, title in choices:
                combo.addItem(title, key)
            place = combo.findData(kept)
            taken = number == 1 and kept == self._first.currentData()
            combo.setCurrentIndex(place if place >= 0 and not taken else self._another(combo, number))
            combo.blockSignals(False)
        self._show_startable()

    def _another(self, combo: QComboBox, number: int) -> int:
        """Place to begin with: the first sound, and for the second one the first that is not the same."""
        first = self._first.currentIndex()
        return 0 if number == 0 else next((n for n in range(combo.count()) if n != first), first)

    def set_idle(self) -> None:
        """No test is under way."""
        self._show_part(self._setup)

    def set_trial(self, kind: str, number: int, count: int, playing: str, can_vote: bool) -> None:
        """Show trial `number` of `count`; `playing` is the button that is heard ("" for none)."""
        self._kind = kind
        self._progress.setText(f"Trial {number} of {count}")
        self._question.setText("Which one is X?" if kind == "abx" else "Which one is better?")
        self._hint.setText("Go on listening, or vote." if can_vote else "Hear every one of them before you vote.")
        for button, widget in self._sounds.items():
            widget.setVisible(button != "x" or kind == "abx")
            widget.setChecked(button == playing)
        if not can_vote and any(widget.hasFocus() for widget in self._answers.values()):
            self._trial.setFocus(Qt.FocusReason.OtherFocusReason)
        for answer, widget in self._answers.items():
            text = next((text for key, text, _ in ANSWERS[kind] if key == answer), "")
            widget.setVisible(bool(text))
            widget.setEnabled(can_vote)
            if text:
                shortcut = next(keys for key, _, keys in ANSWERS[kind] if key == answer)
                widget.show_action(text, shortcut, "")
        self._show_icons()
        self._show_part(self._trial)

    def set_result(self, judgement: Judgement, trials: Sequence[tuple[str, bool | None]]) -> None:
        """Show what a test proved, and for each trial what it was and whether the answer was right (None: no right)."""
        self._verdict.show_judgement(judgement)
        self._trials.setText("\n".join(f"{n}. {text}{_mark(right)}" for n, (text, right) in enumerate(trials, 1)))
        self._show_part(self._result)

    def verdict(self) -> str:
        """The result in words; "" while none is shown."""
        return "" if self._result.isHidden() else self._verdict.text()

    def set_history(self, judgements: Sequence[Judgement]) -> None:
        """What all votes on each pair prove, the last voted pair first."""
        for row in self._history_rows:
            row.deleteLater()
        self._history_rows = [
            VoteResult(self._definitions.get("interval", ""), False, self) for _ in judgements
        ]
        for row, judgement in zip(self._history_rows, judgements, strict=True):
            row.show_judgement(judgement)
            self._history.addWidget(row)
        self._no_votes.setVisible(not judgements)
        self._export.setVisible(bool(judgements))

    # Inside

    def _make_setup(self) -> QWidget:
        part, column = _part(self)
        self._kinds = SegmentedControl("Kind of test", part)
        self._kinds.set_segments(KINDS)
        self._kinds.set_key("abx")
        self._kinds.chosen.connect(self._on_kind)
        self._explanation = _label(EXPLANATIONS["abx"], "muted", part)
        self._explanation.setToolTip(self._definitions.get("abx", ""))
        self._first, self._second = _combo("First sound", part), _combo("Second sound", part)
        self._count = QSpinBox(part)
        self._count.setRange(1, 200)
        self._count.setValue(12)
        self._count.setAccessibleName("Number of trials")
        self._start = QPushButton("Start", part)
        self._start.setProperty("role", "primary")
        self._start.clicked.connect(self._on_start)
        for combo in (self._first, self._second):
            combo.currentIndexChanged.connect(self._show_startable)
        column.addWidget(self._kinds, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._explanation)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setColumnStretch(1, 1)
        last = QHBoxLayout()
        last.addWidget(self._count)
        last.addStretch(1)
        last.addWidget(self._start)
        fields = (("Compare", self._first), ("with", self._second), ("Trials", self._count))
        for row, (text, field) in enumerate(fields):
            label = _label(text, "", part)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            if field is self._count:
                grid.addLayout(last, row, 1)
            else:
                grid.addWidget(field, row, 1)
        column.addLayout(grid)
        return part

    def _make_trial(self) -> QWidget:
        part, column = _part(self)
        self._progress = _label("", "muted", part)
        self._question = _label("", "title", part)
        self._hint = _label("", "muted", part)
        sounds, answers = QHBoxLayout(), QVBoxLayout()
        self._sounds: dict[str, QPushButton] = {}
        for button in ("a", "b", "x"):
            widget = QPushButton(button.upper(), part)
            widget.setCheckable(True)
            widget.setMinimumHeight(44)
            widget.setToolTip(f"Listen to {button.upper()} ({button.upper()})")
            widget.clicked.connect(lambda _checked=False, name=button: self._on_play(name))
            self._sounds[button] = widget
            sounds.addWidget(widget)
        self._answers: dict[str, ActionButton] = {}
        for answer in ("a", "b", "tie"):
            choice = ActionButton("", "", "", part)
            choice.clicked.connect(lambda _checked=False, name=answer: self.voted.emit(name))
            self._answers[answer] = choice
            answers.addWidget(choice)
        finish = QPushButton("End the test", part)
        finish.setProperty("role", "flat")
        finish.clicked.connect(self.finish_requested)
        column.addWidget(self._progress)
        column.addWidget(self._question)
        column.addLayout(sounds)
        column.addWidget(self._hint)
        column.addLayout(answers)
        column.addWidget(finish, 0, Qt.AlignmentFlag.AlignRight)
        self._show_icons()
        return part

    def _make_result(self) -> QWidget:
        part, column = _part(self)
        self._verdict = VoteResult(self._definitions.get("interval", ""), True, part)
        self._trials = _label("", "small", part)
        again = QPushButton("Another test", part)
        again.clicked.connect(self.dismiss_requested)
        column.addWidget(self._verdict)
        column.addWidget(self._trials)
        column.addWidget(again, 0, Qt.AlignmentFlag.AlignLeft)
        return part

    def _show_part(self, shown: QWidget) -> None:
        focus = QApplication.focusWidget()
        hidden = [part for part in (self._setup, self._trial, self._result) if part is not shown]
        leaves = focus is not None and any(part is focus or part.isAncestorOf(focus) for part in hidden)
        shown.setVisible(True)
        if leaves:  # Qt would pass the keyboard on to the next button there is, and Space would press that
            shown.setFocus(Qt.FocusReason.OtherFocusReason)
        for part in hidden:
            part.setVisible(False)

    def _show_startable(self) -> None:
        differ = self._first.currentData() != self._second.currentData() and self._second.currentData() is not None
        self._start.setEnabled(differ)
        hint = "" if differ else "Two different sounds are needed: open a clip, or speak a text twice."
        self._start.setToolTip(hint)

    def _on_kind(self, kind: str) -> None:
        self._explanation.setText(EXPLANATIONS[kind])
        self._explanation.setToolTip(self._definitions.get(kind, ""))

    def _on_start(self) -> None:
        kind, first, second = self._kinds.key(), self._first.currentData(), self._second.currentData()
        if kind and first and second:
            self.start_requested.emit(kind, first, second, self._count.value())

    def _on_play(self, button: str) -> None:
        self._sounds[button].setChecked(True)
        self.play_requested.emit(button)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_sounds"):
            self._show_icons()

    def _show_icons(self) -> None:
        theme = current_theme()
        for widget in self._sounds.values():
            name = "volume-2" if widget.isChecked() else "play"
            colour = theme.accent if widget.isChecked() else theme.text_muted
            widget.setIcon(icon(name, theme, QColor(colour).name()))


def _part(parent: QWidget) -> tuple[QWidget, QVBoxLayout]:
    part = QWidget(parent)
    part.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    column = QVBoxLayout(part)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    return part, column


def _label(text: str, role: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setWordWrap(True)
    if role:
        set_role(label, role)
    return label


def _combo(name: str, parent: QWidget) -> QComboBox:
    combo = QComboBox(parent)
    combo.setAccessibleName(name)
    combo.setAccessibleDescription(name)  # under Linux, Qt names a combo box by what is chosen in it
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)
    return combo


def _mark(right: bool | None) -> str:
    return "" if right is None else "  ✓" if right else "  ✗"
