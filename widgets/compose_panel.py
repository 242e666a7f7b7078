"""Where a person writes what is to be spoken, and by whom, and presses "Speak"."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QMimeData, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from widgets.buttons import ActionButton, IconButton, ToggleButton, shortcut_label
from widgets.number_slider import NumberSlider, indent
from widgets.prompt_chip import PromptChip
from widgets.speaker_picker import SpeakerPicker
from widgets.style_sheet import set_role
from widgets.text_format import duration

LARGEST_SEED = 2**31 - 1
SLOWEST, FASTEST = 0.5, 2.0

CHARACTERS_PER_SECOND = {"en": 16.7, "hi": 12.5}
"""How fast the speakers of the embedded voice speak: characters per second over the 4,424 English (4.06 h)
and 1,329 Hindi (1.31 h) sentences of its training corpus."""


def estimated_seconds(text: str, language: str) -> float:
    """About how long (s) it takes to speak `text`, from its length alone."""
    rate = CHARACTERS_PER_SECOND.get(language.partition("-")[0], CHARACTERS_PER_SECOND["en"])
    return len(text.strip()) / rate


class ComposePanel(QWidget):
    """Text, speaker, seed, temperature and speed of the next take, with the button that speaks it and cancels it.

    `changed` says that the person changed any of these; `speak_requested` and `cancel_requested` come from
    the button and from the keys it names. Setters emit nothing.
    """

    speak_requested = Signal()
    cancel_requested = Signal()
    reroll_requested = Signal()
    live_toggled = Signal(bool)
    changed = Signal()
    prompt_removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._busy = False
        self._ready = False
        self._reason = self._remark = ""
        self._shortcuts = ("Ctrl+Return", "Esc")
        self._build()
        self._connect()
        self.set_ready(False, "No voice is loaded.")

    # What the app reads and sets

    def text(self) -> str:
        """What is written, as it is written."""
        return self._text.toPlainText()

    def set_text(self, text: str) -> None:
        """Replace what is written. The person can undo it (Ctrl+Z)."""
        if text == self.text():
            return
        with QSignalBlocker(self._text):
            cursor = self._text.textCursor()
            cursor.select(QTextCursor.SelectionType.Document)
            cursor.insertText(text)
        self._text.viewport().update()
        self._refresh()

    def set_speakers(self, speakers: list[tuple[str, str]]) -> None:
        """Offer these (name, language tag) pairs."""
        self._speaker.set_speakers(speakers)
        self._refresh()

    def speaker(self) -> str:
        """The name of the chosen speaker, or the notation of the blend; "" where there are none."""
        return self._speaker.speaker()

    def set_speaker(self, name: str) -> None:
        """Choose a speaker; a name that is not offered is ignored."""
        self._speaker.set_speaker(name)
        self._refresh()

    def set_blend(self, notation: str, label: str, language: str) -> None:
        """Show a blend of speakers in the place of a speaker; `speaker` then returns its notation."""
        self._speaker.set_blend(notation, label, language)
        self._refresh()

    def seed(self) -> int:
        """The seed of the next take, 0 to 2**31 - 1."""
        return self._seed.value()

    def set_seed(self, seed: int) -> None:
        """Show this seed."""
        with QSignalBlocker(self._seed):
            self._seed.setValue(seed)

    def seed_locked(self) -> bool:
        """True when every take is to use the seed shown, instead of a new one each time."""
        return self._lock.isChecked()

    def set_seed_locked(self, locked: bool) -> None:
        """Lock or unlock the seed."""
        with QSignalBlocker(self._lock):
            self._lock.setChecked(locked)
        self._show_lock()

    def temperature(self) -> float:
        """The sampling temperature: 0 always takes the most likely, 1 samples as the model learned."""
        return self._temperature.value()

    def set_temperature(self, temperature: float) -> None:
        """Show this temperature."""
        self._temperature.set_value(temperature)

    def set_temperature_range(self, lowest: float, highest: float) -> None:
        """Set the limits of the temperature."""
        self._temperature.set_range(lowest, highest)

    def speed(self) -> float:
        """The speaking rate: 1 as the voice learned it, 2 twice as fast."""
        return self._speed.value()

    def set_speed(self, speed: float) -> None:
        """Show this speaking rate."""
        self._speed.set_value(speed)
        self._refresh()

    def set_speed_available(self, available: bool) -> None:
        """Allow another speaking rate than 1, where the voice plans durations."""
        self._speed.set_available(available, "This voice does not plan durations, so its pace cannot be changed")

    def set_shortcuts(self, speak: str, cancel: str) -> None:
        """Name the shortcuts ("Ctrl+Return") that the app gave to speaking and cancelling."""
        self._shortcuts = (speak, cancel)
        self._text.setPlaceholderText(f"Type a sentence and press {shortcut_label(speak)}")
        self._refresh()

    def set_prompt(self, title: str, text: str, note: str = "") -> None:
        """Show the voice prompt that the next take goes on from, and what to expect of it; "" shows none."""
        self._prompt.set_prompt(title, text, note)

    def prompt_text(self) -> str:
        """What is shown of the voice prompt."""
        return self._prompt.text()

    def set_busy(self, busy: bool) -> None:
        """Turn the button into "Cancel" while a take is made."""
        self._busy = busy
        self._refresh()

    def set_live(self, live: bool) -> None:
        """Show that every change is spoken at once; the button then keeps what is heard."""
        with QSignalBlocker(self._live):
            self._live.setChecked(live)
        self._refresh()

    def set_remark(self, remark: str) -> None:
        """Say something in passing under the button ("" for nothing)."""
        if remark != self._remark:
            self._remark = remark
            self._refresh()

    def set_ready(self, ready: bool, reason: str = "") -> None:
        """Allow speaking, or say in one sentence why it is not possible."""
        self._ready = ready
        self._reason = "" if ready else reason
        self._refresh()

    def focus_text(self) -> None:
        """Put the cursor into the text."""
        self._text.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def can_speak(self) -> bool:
        """True when "Speak" would do something: a voice is there, nothing is being made, something is
        written.
        """
        return self._ready and (self._live.isChecked() or not self._busy) and bool(self.text().strip())

    # How it is built

    def _build(self) -> None:
        self._text = TextField(self)
        self._text.setAccessibleName("Text to speak")
        self._text.setPlaceholderText(f"Type a sentence and press {shortcut_label(self._shortcuts[0])}")
        self._count = QLabel(self)
        self._count.setProperty("role", "small")
        self._count.setAccessibleName("Length of the text")
        self._prompt = PromptChip(self)
        self._prompt.removed.connect(self.prompt_removed)
        self._speaker = SpeakerPicker(self)
        self._seed = QSpinBox(self)
        self._seed.setRange(0, LARGEST_SEED)
        self._seed.setAccessibleName("Seed")
        indent(self._seed)
        self._seed.setToolTip("The same text, voice, speaker and seed give the same speech")
        self._seed.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._seed.setMinimumWidth(96)
        self._reroll = IconButton("dices", "New random seed")
        self._lock = IconButton("lock-open", "Keep this seed")
        self._lock.setCheckable(True)
        self._temperature = NumberSlider(
            "Temperature", "How freely the voice varies: 0 always says it the same way", 0, 2, 0.05,
            reset=0.0,
        )  # fmt: skip
        self._speed = NumberSlider(
            "Speed", "How fast the voice speaks: 2.00 is twice as fast as it learned to; the pitch stays",
            SLOWEST, FASTEST, 0.05, suffix=" ×", logarithmic=True, reset=1.0,
        )  # fmt: skip
        self._button = ActionButton("Speak", self._shortcuts[0])
        self._live = ToggleButton("audio-lines", "Live", "Speak at once what is typed or changed", "Ctrl+Shift+L")
        self._why = QLabel(self)
        self._why.setProperty("role", "small")
        self._why.setWordWrap(True)
        self._why.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        # One line is kept free for it, so that the list below does not jump when a voice is loaded.
        self._why.setMinimumHeight(16)
        self._show_lock()
        self._arrange()

    def _arrange(self) -> None:
        heading = QHBoxLayout()
        heading.addWidget(_label("Text", self._text))
        heading.addStretch(1)
        heading.addWidget(self._count)
        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(8)
        fields.setColumnStretch(1, 1)
        fields.addWidget(_label("Speaker", self._speaker), 0, 0)
        fields.addWidget(self._speaker, 0, 1)
        fields.addWidget(_label("Seed", self._seed), 1, 0)
        fields.addLayout(_row(self._seed, self._reroll, self._lock), 1, 1)
        for row, (title, number) in enumerate((("Temperature", self._temperature), ("Speed", self._speed)), 2):
            fields.addWidget(_label(title, number.slider), row, 0)
            fields.addWidget(number, row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(heading)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._prompt)
        layout.addLayout(fields)
        layout.addSpacing(4)
        layout.addLayout(_row(self._button, self._live))
        layout.addWidget(self._why)
        order = (
            self._text,
            self._speaker,
            self._seed,
            self._reroll,
            self._lock,
            self._temperature.slider,
            self._temperature.field,
            self._temperature.reset_button,
            self._speed.slider,
            self._speed.field,
            self._speed.reset_button,
            self._button,
            self._live,
        )
        for before, after in pairwise(order):
            self.setTabOrder(before, after)

    def _connect(self) -> None:
        self._text.textChanged.connect(self._edited)
        self._text.speak_pressed.connect(self._speak)
        self._speaker.speaker_chosen.connect(self._edited)
        self._seed.valueChanged.connect(self._edited)
        self._reroll.clicked.connect(self.reroll_requested)
        self._lock.toggled.connect(self._lock_toggled)
        self._temperature.changed.connect(self.changed)
        self._speed.changed.connect(self._edited)
        self._button.clicked.connect(self._pressed)
        self._live.toggled.connect(self.live_toggled)

    # What happens

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._speak()
        elif event.key() == Qt.Key.Key_Escape and self._busy:
            self.cancel_requested.emit()
        else:
            super().keyPressEvent(event)

    def _pressed(self) -> None:
        if self._busy and not self._live.isChecked():
            self.cancel_requested.emit()
        else:
            self._speak()

    def _speak(self) -> None:
        if self.can_speak():
            # A number that is still being typed counts as typed.
            self._seed.interpretText()
            self._temperature.take_typed()
            self._speed.take_typed()
            self.speak_requested.emit()

    def _edited(self) -> None:
        self._refresh()
        self.changed.emit()

    def _lock_toggled(self) -> None:
        self._show_lock()
        self.changed.emit()

    def _show_lock(self) -> None:
        locked = self._lock.isChecked()
        self._lock.set_icon_name("lock" if locked else "lock-open")
        hint = "Seed is kept for every take" if locked else "Keep this seed; now every take gets a new one"
        self._lock.set_name("Keep this seed", hint)

    def _refresh(self) -> None:
        text = self.text()
        characters = len(text)
        if text.strip():
            seconds = estimated_seconds(text, self._speaker.language()) / self.speed()
            unit = "character" if characters == 1 else "characters"
            self._count.setText(f"{characters:,} {unit} · about {duration(seconds)}")
        else:
            self._count.setText("")
        speak, cancel = self._shortcuts
        if self._live.isChecked():
            self._button.show_action("Keep take", speak, "primary")
        elif self._busy:
            self._button.show_action("Cancel", cancel, "danger")
        else:
            self._button.show_action("Speak", speak, "primary")
        self._button.setEnabled(self.can_speak() or (self._busy and not self._live.isChecked()))
        self._why.setText(self._reason or self._remark)
        set_role(self._why, "warning_small" if self._reason else "small")
        self._button.setAccessibleDescription(self._reason)


class TextField(QPlainTextEdit):
    """The text to speak. Tab leaves it, Ctrl+Enter speaks, and dropped files go to the window instead."""

    speak_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setMinimumHeight(76)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.speak_pressed.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return not source.hasUrls() and super().canInsertFromMimeData(source)


def _label(text: str, field: QWidget) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setBuddy(field)
    return label


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for widget in widgets:
        row.addWidget(widget)
    return row
