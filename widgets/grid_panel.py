"""What stands beside the grid of checkpoints: sentences, speakers, which checkpoints, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.job_indicator import ThinProgress
from widgets.style_sheet import set_role

CHECKPOINT_CHOICES = [("all", "All checkpoints"), ("half", "Every other one"), ("last", "The last five"),
                      ("ends", "The first and the last")]  # fmt: skip
RENDERINGS = [("autoregressive", "Autoregressive"), ("teacher_forced", "Teacher-forced"),
              ("reconstruction", "Reconstruction")]  # fmt: skip


class GridPanel(QWidget):
    """Shows what it is told; `changed` after every choice, buttons as wishes."""

    changed = Signal()
    fill_requested = Signal()
    cancel_requested = Signal()
    export_requested = Signal()
    open_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(270)
        self._texts = QPlainTextEdit(self)
        self._texts.setAccessibleName("Sentences, one a line")
        self._texts.setPlaceholderText("One sentence a line")
        self._texts.setFixedHeight(120)
        self._texts.textChanged.connect(self.changed)
        self._clip = QCheckBox("The open clip, too", self)
        self._clip.setToolTip("Its reconstruction, teacher-forced and free run, with L1 and blur against the recording")
        self._clip.toggled.connect(self.changed)
        self._speakers = QListWidget(self)
        self._speakers.setAccessibleName("Speakers")
        self._speakers.itemChanged.connect(lambda _item: self.changed.emit())
        self._checkpoints = _combo(CHECKPOINT_CHOICES, "Which checkpoints", self)
        self._rendering = _combo(RENDERINGS, "Which mel of the clip", self)
        for combo in (self._checkpoints, self._rendering):
            combo.activated.connect(lambda _: self.changed.emit())
        self._run = QLabel(self)
        self._run.setWordWrap(True)
        set_role(self._run, "muted")
        self._open = QPushButton("Open run…", self)
        self._open.setAccessibleName("Open run… for the grid")
        self._open.clicked.connect(self.open_requested)
        self._progress = ThinProgress(self)
        self._progress.setAccessibleName("Cells rendered")
        self._status = QLabel(self)
        self._status.setWordWrap(True)
        set_role(self._status, "muted")
        self._fill = QPushButton("Fill the grid", self)
        self._fill.setProperty("role", "primary")
        self._fill.clicked.connect(self.fill_requested)
        self._cancel = QPushButton("Cancel", self)
        self._cancel.setAccessibleName("Cancel filling the grid")
        self._cancel.clicked.connect(self.cancel_requested)
        self._export = QPushButton("Export sounds and table…", self)
        self._export.clicked.connect(self.export_requested)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        for widget in (
            _heading("Run", self), self._run, self._open, self._checkpoints, _heading("Sentences", self), self._texts,
            self._clip, self._rendering, _heading("Speakers", self),
        ):  # fmt: skip
            column.addWidget(widget)
        column.addWidget(self._speakers, 1)
        foot: list[QWidget] = [self._progress, self._status, self._fill, self._cancel, self._export]
        for part in foot:
            column.addWidget(part)
        self.set_progress(0, 0, False)

    # What is shown

    def set_run(self, name: str, can_open: bool) -> None:
        """Name the run; `can_open` offers to open one."""
        self._run.setText(name)
        self._open.setVisible(can_open)

    def set_texts(self, texts: Sequence[str]) -> None:
        """The sentences."""
        self._texts.setPlainText("\n".join(texts))

    def set_speakers(self, names: Sequence[str], chosen: Sequence[str]) -> None:
        """The speakers that can be ticked; those of `chosen` are."""
        self._speakers.blockSignals(True)
        self._speakers.clear()
        for name in names:
            item = QListWidgetItem(name, self._speakers)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if name in chosen else Qt.CheckState.Unchecked)
        self._speakers.blockSignals(False)

    def set_choices(self, checkpoints: str, rendering: str, with_clip: bool) -> None:
        """Keys of `CHECKPOINT_CHOICES` and `RENDERINGS`, and whether the clip is a row."""
        for combo, key in ((self._checkpoints, checkpoints), (self._rendering, rendering)):
            combo.setCurrentIndex(max(0, combo.findData(key)))
        self._clip.blockSignals(True)
        self._clip.setChecked(with_clip)
        self._clip.blockSignals(False)

    def set_clip(self, title: str) -> None:
        """The clip that can be a row; "" for none."""
        self._clip.setEnabled(bool(title))
        words = f"The clip: {title}" if title else "No clip is open"
        self._clip.setText(self._clip.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, 210))
        self._rendering.setEnabled(bool(title))

    def set_progress(self, done: int, count: int, is_filling: bool, failed: int = 0) -> None:
        """How many cells there are, of how many; `failed` of them could not be made."""
        words = f"{done} of {count} rendered" if count else "Choose sentences and speakers."
        self._status.setText(words + (f", {failed} failed" if failed else ""))
        self._progress.setVisible(is_filling)
        if is_filling:
            self._progress.set_fraction(done / max(count, 1))
        else:
            self._progress.rest()
        self._fill.setVisible(not is_filling)
        self._fill.setEnabled(count > done)
        self._cancel.setVisible(is_filling)
        self._export.setEnabled(done > failed)

    # What was chosen

    def texts(self) -> list[str]:
        """The sentences, one a line, without empty lines."""
        return [line.strip() for line in self._texts.toPlainText().splitlines() if line.strip()]

    def speakers(self) -> list[str]:
        """The speakers that are ticked."""
        items = [self._speakers.item(row) for row in range(self._speakers.count())]
        return [item.text() for item in items if item.checkState() == Qt.CheckState.Checked]

    def with_clip(self) -> bool:
        """Whether the clip is a row, if there is one."""
        return self._clip.isChecked()

    def checkpoints(self) -> str:
        """A key of `CHECKPOINT_CHOICES`."""
        return str(self._checkpoints.currentData())

    def rendering(self) -> str:
        """A key of `RENDERINGS`."""
        return str(self._rendering.currentData())


def _combo(offers: list[tuple[str, str]], name: str, parent: QWidget) -> QComboBox:
    combo = QComboBox(parent)
    combo.setAccessibleName(name)
    for key, title in offers:
        combo.addItem(title, key)
    return combo


def _heading(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setProperty("role", "heading")
    return label
