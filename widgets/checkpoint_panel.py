"""What a checkpoint is, before and after it is loaded."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from widgets.icons import pixmap
from widgets.job_indicator import ThinProgress
from widgets.style_sheet import set_role
from widgets.theme import Theme, current_theme, monospace_font

_STACKED_BELOW = 250
"""Width (px) under which values stand below their labels."""
_USUAL_ROWS = 26
"""Rows made with the panel, before the window is seen: making them later would hold it up for a moment."""
_MONOSPACE_WORDS = ("sha", "hash", "digest")
_PATH_WORDS = ("file", "path")


class _Look(NamedTuple):
    """How a state is shown: what it is called, its icon, the theme colour and label role of its name."""

    name: str
    icon: str
    colour: str
    role: str


_LOOKS = {
    "loaded": _Look("Loaded", "circle-check", "success", "success"),
    "candidate": _Look("Inspected, not loaded", "eye", "warning", "warning"),
    "refused": _Look("Refused", "circle-x", "error", "error"),
    "loading": _Look("Loading…", "box", "text_muted", "muted"),
}


class CheckpointPanel(QWidget):
    """Shows one checkpoint: title, state, a message, and rows of label and value.

    The buttons depend on the state: "Open…" always, "Load this checkpoint" for a candidate, "Dismiss" for a
    candidate and for a refused file. Setters emit nothing.
    """

    open_requested = Signal()
    load_requested = Signal()
    dismiss_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._state = ""
        self._is_stacked = False
        self._rows: list[tuple[QLabel, _Value]] = []
        self._build()
        self._make_rows(_USUAL_ROWS)
        self.set_empty()

    def set_info(self, title: str, rows: list[tuple[str, str]], state: str, message: str = "") -> None:
        """Show a checkpoint. state: "loaded", "candidate", "refused" or "loading"; raises ValueError for
        others.
        """
        if state not in _LOOKS:
            raise ValueError(f"A checkpoint is {', '.join(_LOOKS)}, not {state!r}.")
        self._state = state
        look = _LOOKS[state]
        self._title.setText(title)
        self._title.setToolTip(title)
        self._state_name.setText(look.name)
        set_role(self._state_name, look.role)
        self._message.setText(message)
        self._message.setVisible(bool(message))
        set_role(self._message, "error" if state == "refused" else "muted")
        self._progress.set_fraction(None if state == "loading" else 1.0)
        self._progress.setVisible(state == "loading")
        self._state_row.setVisible(True)
        self._load.setVisible(state == "candidate")
        self._dismiss.setVisible(state in ("candidate", "refused"))
        self._open.setEnabled(state != "loading")
        self._show_rows(rows)
        self._show_icon(current_theme())
        self.setAccessibleName(f"Checkpoint {title}: {look.name}")

    def set_empty(self, message: str = "Open a checkpoint to see what it is before it is loaded.") -> None:
        """Show that there is no checkpoint, and what to do."""
        self._state = ""
        self._title.setText("No checkpoint")
        self._message.setText(message)
        self._message.setVisible(True)
        set_role(self._message, "muted")
        self._progress.rest()
        for widget in (self._progress, self._state_row, self._load, self._dismiss):
            widget.setVisible(False)
        self._open.setEnabled(True)
        self._show_rows([])
        self.setAccessibleName("No checkpoint")

    def state(self) -> str:
        """The state shown; "" while there is no checkpoint."""
        return self._state

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_title") and self._state:
            self._show_icon(current_theme())
            for _, value in self._rows:
                value.restyle()

    def _build(self) -> None:
        self._title = QLabel(self)
        self._title.setProperty("role", "title")
        self._title.setWordWrap(True)
        self._state_icon = QLabel(self)
        self._state_name = QLabel(self)
        self._state_row = QWidget(self)
        state = QHBoxLayout(self._state_row)
        state.setContentsMargins(0, 0, 0, 0)
        state.setSpacing(6)
        state.addWidget(self._state_icon)
        state.addWidget(self._state_name)
        state.addStretch(1)
        self._progress = ThinProgress(self)
        self._progress.setAccessibleName("Loading the checkpoint")
        self._message = QLabel(self)
        self._message.setWordWrap(True)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid_widget = QWidget()
        self._grid_widget.setProperty("role", "scrolled")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 4, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        holder = QVBoxLayout(self._grid_widget)
        holder.setContentsMargins(0, 0, 0, 0)
        holder.addLayout(self._grid)
        holder.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._grid_widget)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The arrow keys scroll what does not fit.
        scroll.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        scroll.setAccessibleName("Details of the checkpoint")
        self._open = QPushButton("Open…", self)
        self._load = QPushButton("Load this checkpoint", self)
        self._load.setProperty("role", "primary")
        self._dismiss = QPushButton("Dismiss", self)
        self._open.clicked.connect(lambda: self.open_requested.emit())
        self._load.clicked.connect(lambda: self.load_requested.emit())
        self._dismiss.clicked.connect(lambda: self.dismiss_requested.emit())
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._dismiss)
        buttons.addStretch(1)
        buttons.addWidget(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addWidget(self._title)
        layout.addWidget(self._state_row)
        layout.addWidget(self._progress)
        layout.addWidget(self._message)
        layout.addSpacing(4)
        layout.addWidget(scroll, 1)
        layout.addWidget(self._load)
        layout.addLayout(buttons)
        QWidget.setTabOrder(self._load, self._dismiss)
        QWidget.setTabOrder(self._dismiss, self._open)

    def _show_rows(self, rows: list[tuple[str, str]]) -> None:
        """Fill the rows that are there, make those that are missing, hide those that are left over."""
        self._make_rows(len(rows))
        for number, (label, value) in enumerate(self._rows):
            wanted = number < len(rows)
            if wanted:
                label.setText(rows[number][0])
                value.show_value(*rows[number])
            label.setVisible(wanted)
            value.setVisible(wanted)

    def _make_rows(self, count: int) -> None:
        while len(self._rows) < count:
            label, value = QLabel(self._grid_widget), _Value(self._grid_widget)
            label.setProperty("role", "small")
            self._rows.append((label, value))
            self._place_row(len(self._rows) - 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        stacked = self.width() < _STACKED_BELOW
        if stacked != self._is_stacked:
            self._is_stacked = stacked
            for number in range(len(self._rows)):
                self._place_row(number)

    def _place_row(self, number: int) -> None:
        """Value beside its label, or below it where the panel is narrow."""
        label, value = self._rows[number]
        top = Qt.AlignmentFlag.AlignTop
        if self._is_stacked:
            label.setContentsMargins(0, 4 if number else 0, 0, 0)
            self._grid.addWidget(label, 2 * number, 0, 1, 2, top)
            self._grid.addWidget(value, 2 * number + 1, 0, 1, 2)
        else:
            # Small letters sit on the line of the larger ones beside them.
            label.setContentsMargins(0, 2, 0, 0)
            self._grid.addWidget(label, 2 * number, 0, top)
            self._grid.addWidget(value, 2 * number, 1)
        self._grid.setVerticalSpacing(0 if self._is_stacked else 6)

    def _show_icon(self, theme: Theme) -> None:
        look = _LOOKS[self._state]
        colour = getattr(theme, look.colour)
        self._state_icon.setPixmap(pixmap(look.icon, 16, colour, self.devicePixelRatioF()))


class _Value(QLabel):
    """A value that can be selected and copied. Hashes are monospaced, paths are cut at their start."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._shown: tuple[str, str] | None = None
        self._full = ""
        self._is_path = self._is_hash = False
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_value(self, name: str, text: str) -> None:
        if (name, text) == self._shown:
            return
        words = name.lower()
        self._shown = (name, text)
        self._full = text
        self._is_path = any(word in words for word in _PATH_WORDS) and ("/" in text or "\\" in text)
        self.setWordWrap(not self._is_path)
        self.setAccessibleName(f"{name}: {text}")
        self.setToolTip(text if self._is_path else "")
        is_hash = any(word in words for word in _MONOSPACE_WORDS)
        if is_hash != self._is_hash:
            self._is_hash = is_hash
            self.restyle()
        self._show_text()

    def restyle(self) -> None:
        """Hashes stand in the monospace font."""
        # An empty font stands for that of the application. Setting one costs milliseconds under a style sheet.
        self.setFont(monospace_font(current_theme()) if self._is_hash else QFont())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_path:
            self._show_text()

    def _show_text(self) -> None:
        if self._is_path:
            # The end of a path says more than its start.
            from_left = Qt.TextElideMode.ElideLeft
            self.setText(self.fontMetrics().elidedText(self._full, from_left, max(40, self.width())))
        else:
            self.setText(self._full)
