"""Looks through a data folder: search, filters, the table, and the measure of a model's error on it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.data_table import ERROR, LENGTH, DataFilter, DataRows, DataTable
from widgets.job_indicator import ThinProgress
from widgets.style_sheet import set_role
from widgets.text_format import language_label
from widgets.theme import current_theme

_TYPING_PAUSE = 120
"""Milliseconds after the last letter until the search begins."""
_LONGEST = 600.0


class DataBrowser(QWidget):
    """Asks by signal, decides nothing. `row_opened(int)`: open this row as ground truth."""

    open_requested = Signal()
    row_opened = Signal(int)
    measure_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, error_definition: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: DataRows | None = None
        self._is_measuring = False
        self._can_measure = False
        self._open = QPushButton("Open data…", self)
        self._open.setToolTip("A manifest (SPLIT.jsonl) that lewm preprocess made")
        self._name = QLabel(self)
        set_role(self._name, "title")
        self._count = QLabel(self)
        set_role(self._count, "muted")
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search words, speakers")
        self.search.setAccessibleName("Search")
        self.search.setClearButtonEnabled(True)
        self.speaker, self.language = QComboBox(self), QComboBox(self)
        self.speaker.setAccessibleName("Speaker")
        self.language.setAccessibleName("Language")
        for box in (self.speaker, self.language):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            box.setMinimumWidth(140)
        self.shortest, self.longest = self._seconds("Shortest"), self._seconds("Longest")
        length = "Length of an utterance in seconds"
        self.table = DataTable({ERROR: error_definition, LENGTH: length}, self)
        self._message = QLabel(self)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        set_role(self._message, "muted")
        self._measure = QPushButton("Measure reconstruction error", self)
        self._measure.setToolTip(error_definition)
        self._truth = QPushButton("Open as ground truth", self)
        self._truth.setToolTip("Compare the loaded voice with the selected utterance (Enter)")
        self._progress = ThinProgress(self)
        self._status = QLabel(self)
        set_role(self._status, "small")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_PAUSE)
        self._arrange()
        self._connect()
        self.set_empty("Open a manifest made by lewm preprocess: train.jsonl or dev.jsonl.")

    # ------------------------------------------------------------------ what the app sets
    def set_empty(self, message: str) -> None:
        """Say why there is no table."""
        self._rows = None
        self._name.setText("")
        self._count.setText("")
        self._message.setText(message)
        self._show_parts()

    def set_rows(self, name: str, rows: DataRows) -> None:
        """Show a manifest."""
        self._rows = rows
        self._name.setText(name)
        self._offer(self.speaker, "All speakers", {speaker: speaker for speaker in rows.speakers})
        self._offer(self.language, "All languages", {tag: language_label(tag) for tag in rows.languages})
        self.table.data_model.set_rows(rows)
        self._apply()
        self._show_parts()

    def set_errors(self, errors: object) -> None:
        """Mel L1 (n,) in nats, NaN where it is not known."""
        self.table.data_model.set_errors(errors)  # type: ignore[arg-type]

    def set_measuring(self, fraction: float | None, status: str = "") -> None:
        """Show how far the measure is; None: it does not run."""
        self._is_measuring = fraction is not None
        self._progress.set_fraction(fraction or 0.0)
        self._progress.setVisible(self._is_measuring)
        self._measure.setText("Cancel" if self._is_measuring else "Measure reconstruction error")
        self._status.setText(status)
        self._refresh()

    def set_can_measure(self, can: bool) -> None:
        """Allow measuring (a voice is loaded)."""
        self._can_measure = can
        self._refresh()

    def filter(self) -> DataFilter:
        """What is asked for."""
        longest = self.longest.value()
        return DataFilter(
            self.search.text(), self.speaker.currentData() or "", self.language.currentData() or "",
            self.shortest.value(), longest or float("inf"),
        )  # fmt: skip

    def count_text(self) -> str:
        """The line that says how much is shown."""
        return self._count.text()

    def message(self) -> str:
        """What stands in the place of the table; "" where there is one."""
        return "" if self._rows is not None else self._message.text()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    # ------------------------------------------------------------------ inside
    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._name)
        head.addWidget(self._count, 1)
        head.addWidget(self._open)
        filters = QHBoxLayout()
        filters.setSpacing(8)
        filters.addWidget(self.search, 1)
        filters.addWidget(self.speaker)
        filters.addWidget(self.language)
        for widget in (self.shortest, _muted("to"), self.longest):
            filters.addWidget(widget)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._measure)
        foot.addWidget(self._status, 1)
        foot.addWidget(self._truth)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(filters)
        column.addWidget(self.table, 1)
        column.addWidget(self._message, 1)
        column.addWidget(self._progress)
        column.addLayout(foot)

    def _connect(self) -> None:
        self._open.clicked.connect(self.open_requested)
        self._typing.timeout.connect(self._apply)
        self.search.textChanged.connect(lambda _text: self._typing.start())
        for box in (self.speaker, self.language):
            box.currentIndexChanged.connect(lambda _place: self._apply())
        for spin in (self.shortest, self.longest):
            spin.valueChanged.connect(lambda _value: self._typing.start())
        self.table.opened.connect(self.row_opened)
        self.table.selectionModel().currentChanged.connect(lambda *_change: self._refresh())
        self._truth.clicked.connect(self._open_current)
        self._measure.clicked.connect(self._press_measure)

    def _press_measure(self) -> None:
        if self._is_measuring:
            self.cancel_requested.emit()
        else:
            self.measure_requested.emit()

    def _open_current(self) -> None:
        row = self.table.current_row()
        if row is not None:
            self.row_opened.emit(row)

    def _apply(self) -> None:
        self._typing.stop()
        model = self.table.data_model
        model.set_filter(self.filter())
        if self._rows is not None:
            shown, there = model.rowCount(), len(self._rows)
            hours = model.total_seconds() / 3600
            length = f"{hours:.2f} h" if hours >= 0.1 else f"{60 * hours:.1f} min"
            count = f"{there:,}" if shown == there else f"{shown:,} of {there:,}"
            self._count.setText(f"{count} utterances · {length}")
        self._refresh()

    def _refresh(self) -> None:
        there = self._rows is not None
        self._truth.setEnabled(there and self.table.current_row() is not None)
        self._measure.setEnabled(self._is_measuring or (there and self._can_measure and len(self._rows or ()) > 0))

    def _show_parts(self) -> None:
        there = self._rows is not None
        self.table.setVisible(there)
        self._message.setVisible(not there)
        for widget in (self.search, self.speaker, self.language, self.shortest, self.longest):
            widget.setEnabled(there)
        self.set_measuring(None)

    def _offer(self, box: QComboBox, everything: str, choices: dict[str, str]) -> None:
        """Offer choices, keeping the one that is chosen where it is among them."""
        chosen = box.currentData()
        box.blockSignals(True)
        box.clear()
        box.addItem(everything, "")
        for value in sorted(choices):
            box.addItem(choices[value], value)
        box.setCurrentIndex(max(0, box.findData(chosen)))
        box.blockSignals(False)

    def _seconds(self, name: str) -> QDoubleSpinBox:
        spin = QDoubleSpinBox(self)
        spin.setRange(0.0, _LONGEST)
        spin.setDecimals(1)
        spin.setSuffix(" s")
        spin.setSpecialValueText("any")
        spin.setSingleStep(0.5)
        spin.setFixedWidth(86)
        spin.setAccessibleName(f"{name} length")
        spin.setToolTip(f"{name} length that is shown")
        return spin


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    set_role(label, "muted")
    return label
