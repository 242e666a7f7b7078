"""Looks through a data folder: search, filters, the table, and the measure of a model's error on it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.data_rows import ERROR, LENGTH, DataFilter, DataRows
from widgets.data_table import DataTable
from widgets.job_indicator import ThinProgress
from widgets.style_sheet import set_role
from widgets.text_format import language_label
from widgets.theme import current_theme

_TYPING_PAUSE = 120
"""Milliseconds after the last letter until the search begins."""
_LONGEST = 600.0


class SearchField(QLineEdit):
    """A search whose keys go on into what is found: `entered` (Enter), `went_down` (Down, Page Down); Esc clears."""

    entered = Signal()
    went_down = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_PageDown):
            self.went_down.emit()
        elif key == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

    def take(self, text: str) -> None:
        """Take the keyboard and a text that was typed elsewhere, in the place of what stood there."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.setText(text)


class DataBrowser(QWidget):
    """Asks by signal, decides nothing. `row_opened(int)`: open as ground truth; `play_requested(int)`: hear it."""

    open_requested = Signal()
    example_requested = Signal()
    row_opened = Signal(int)
    play_requested = Signal(int)
    measure_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, error_definition: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: DataRows | None = None
        self._is_measuring = False
        self._can_measure = False
        self._open = QPushButton("Open data…", self)
        self._open.setToolTip("A manifest (SPLIT.jsonl) that lewm preprocess made")
        self._example = QPushButton("Show example data", self)
        self._example.setToolTip("The example clips as lewm preprocess makes data of them")
        self._name = QLabel(self)
        set_role(self._name, "title")
        self._count = QLabel(self)
        set_role(self._count, "muted")
        self._all = QPushButton("Show all", self)
        self._all.setToolTip("Put search and filters back")
        set_role(self._all, "flat")
        self.search = SearchField(self)
        self.search.setPlaceholderText("Search words, speakers")
        self.search.setAccessibleName("Search")
        self.search.setToolTip("All words, in text or speaker (Ctrl+F). Down: into the table. Enter: open. Esc: clear.")
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
        self._play = QPushButton("Play", self)
        self._play.setToolTip("Hear the selected utterance; again: stop (Space)")
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
        self._offer(self.speaker, "All speakers", {speaker: speaker for speaker in set(rows.speakers)})
        self._offer(self.language, "All languages", {tag: language_label(tag) for tag in set(rows.languages)})
        self.table.data_model.set_rows(rows)
        self._apply()
        self._show_parts()

    def set_errors(self, errors: object) -> None:
        """Mel L1 (n,) in nats, NaN where it is not known."""
        self.table.data_model.set_errors(errors)  # type: ignore[arg-type]

    def set_truth(self, row: int | None) -> None:
        """Mark the row that is the ground truth now; None: another clip is."""
        self.table.data_model.set_marked(row)

    def set_playing(self, playing: bool) -> None:
        """Whether the row that was asked for sounds."""
        self._play.setText("Stop" if playing else "Play")

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
        return self._message.text()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    # ------------------------------------------------------------------ inside
    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._name)
        head.addWidget(self._count)
        head.addWidget(self._all)
        head.addStretch(1)
        head.addWidget(self._example)
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
        foot.addWidget(self._play)
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
        self._example.clicked.connect(self.example_requested)
        self._all.clicked.connect(self._show_all)
        self._typing.timeout.connect(self._apply)
        self.search.textChanged.connect(lambda _text: self._typing.start())
        for box in (self.speaker, self.language):
            box.currentIndexChanged.connect(lambda _place: self._apply())
        for spin in (self.shortest, self.longest):
            spin.valueChanged.connect(lambda _value: self._typing.start())
        self.search.entered.connect(self._open_found)
        self.search.went_down.connect(self._go_down)
        self.table.opened.connect(self.row_opened)
        self.table.play_requested.connect(self.play_requested)
        self.table.typed.connect(self.search.take)
        self.table.left_upwards.connect(self.search.setFocus)
        self.table.selectionModel().currentChanged.connect(lambda *_change: self._refresh())
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self._truth.clicked.connect(self._open_current)
        self._play.clicked.connect(self._play_current)
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

    def _play_current(self) -> None:
        row = self.table.current_row()
        if row is not None:
            self.play_requested.emit(row)

    def _open_found(self) -> None:
        """Open the selected row, or the first of what the search finds (also when the pause is not over)."""
        self._apply()
        self.table.select_one()
        self._open_current()

    def _show_all(self) -> None:
        """Put search and filters back, all at once."""
        for control in (self.search, self.speaker, self.language, self.shortest, self.longest):
            control.blockSignals(True)
        self.search.clear()
        self.speaker.setCurrentIndex(0)
        self.language.setCurrentIndex(0)
        self.shortest.setValue(0.0)
        self.longest.setValue(0.0)
        for control in (self.search, self.speaker, self.language, self.shortest, self.longest):
            control.blockSignals(False)
        self._apply()
        self.search.setFocus()

    def _go_down(self) -> None:
        self._apply()
        self.table.go_in()

    def _show_menu(self, place: QPoint) -> None:
        if not self.table.indexAt(place).isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Open as ground truth", self._open_current).setShortcut(QKeySequence("Return"))
        menu.addAction("Play", self._play_current).setShortcut(QKeySequence("Space"))
        menu.addSeparator()
        menu.addAction("Copy row", self.table.copy_row).setShortcut(QKeySequence.StandardKey.Copy)
        menu.popup(self.table.viewport().mapToGlobal(place))

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
            self._all.setVisible(shown < there)
            self._message.setText("" if shown else "No utterance fits search and filters.")
            self.table.setVisible(shown > 0)
            self._message.setVisible(not shown)
        self._refresh()

    def _refresh(self) -> None:
        there = self._rows is not None
        for button in (self._truth, self._play):
            button.setEnabled(there and self.table.current_row() is not None)
        self._measure.setEnabled(self._is_measuring or (there and self._can_measure and len(self._rows or ()) > 0))

    def _show_parts(self) -> None:
        there = self._rows is not None
        self._example.setVisible(not there)
        if not there:
            self.table.hide()
            self._all.hide()
            self._message.show()
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
