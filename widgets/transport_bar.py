"""Playing: transport keys, position, which of the sounds is heard, the readout under the mouse, volume,
device.
"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from widgets.buttons import IconButton
from widgets.job_indicator import JobIndicator
from widgets.segmented_control import SegmentedControl
from widgets.text_format import MINUS, NOTHING, clock, frequency, level

_BUTTON = QSize(32, 32)
NO_DEVICE = "No audio device"


class TransportBar(QWidget):
    """Two lines at the foot of the window: what is heard, and under it what is under the mouse and being
    done.

    Every field has a fixed width, so nothing moves while numbers run. Setters emit nothing.
    """

    play_toggled = Signal()
    stop_requested = Signal()
    source_chosen = Signal(str)
    loop_toggled = Signal(bool)
    volume_changed = Signal(float)
    device_chosen = Signal(str)
    job_cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._volume_before_mute = 1.0
        self._build()
        self._connect()
        self.set_position(0.0, 0.0)
        self.set_readout(None, None, None)
        self.set_devices([], "")

    # What the app sets

    def set_playing(self, playing: bool) -> None:
        """Show that sound is running ("Pause") or not ("Play")."""
        self._play.set_icon_name("pause" if playing else "play")
        self._play.set_name("Pause" if playing else "Play")

    def set_position(self, seconds: float, duration: float) -> None:
        """Show where the playhead is, and how long the sound is (s)."""
        self._position.setText(clock(seconds))
        self._duration.setText(f"/ {clock(duration)}")
        self._position.setAccessibleName(f"Position {clock(seconds)} of {clock(duration)}")

    def set_readout(self, time: float | None, hz: float | None, db: float | None) -> None:
        """Show time (s), frequency (Hz) and level (dB) under the mouse; None where there is none."""
        for label, text in (
            (self._time, NOTHING if time is None else clock(time)),
            (self._hz, f"{NOTHING} Hz" if hz is None else frequency(hz)),
            (self._db, f"{NOTHING} dB" if db is None else level(db)),
        ):
            label.setText(text)

    def readout(self) -> str:
        """The readout as one line: "00:01.234 | 812 Hz | −31 dB"."""
        return " | ".join(label.text() for label in (self._time, self._hz, self._db))

    def set_sources(self, sources: list[tuple[str, str, str]]) -> None:
        """Offer these sounds to listen to: (key, label, shortcut)."""
        self._sources.set_segments(sources)

    def set_source(self, key: str | None) -> None:
        """Mark the sound that is heard."""
        self._sources.set_key(key)

    def set_source_enabled(self, key: str, enabled: bool) -> None:
        """Allow or forbid choosing a sound. Raises ValueError for an unknown key."""
        self._sources.set_segment_enabled(key, enabled)

    def set_playable(self, playable: bool) -> None:
        """Allow or forbid play, stop and loop (there is nothing to hear, or nothing to hear it with)."""
        for button in (self._play, self._stop, self._loop):
            button.setEnabled(playable)

    def set_loop(self, on: bool) -> None:
        """Show whether the sound repeats."""
        with QSignalBlocker(self._loop):
            self._loop.setChecked(on)
        self._loop.set_icon_name("repeat")

    def set_volume(self, volume: float) -> None:
        """Show a volume of 0 (silent) to 1 (as made)."""
        with QSignalBlocker(self._volume):
            self._volume.setValue(round(volume * 100))
        self._show_volume()

    def volume(self) -> float:
        """The volume shown, 0 to 1."""
        return self._volume.value() / 100

    def set_devices(self, devices: list[str], current: str) -> None:
        """Offer these output devices; an empty list says that there is none."""
        with QSignalBlocker(self._devices):
            self._devices.clear()
            self._devices.addItems(devices or [NO_DEVICE])
            self._devices.setCurrentIndex(max(0, self._devices.findText(current)))
        self._devices.setEnabled(bool(devices))
        self._devices.setToolTip(self._devices.currentText())

    def set_job(self, text: str | None, fraction: float | None = None) -> None:
        """Show the running job and the share done (0 to 1, None: not known), or None: nothing runs."""
        self._job.set_job(text, fraction)

    # How it is built

    def _build(self) -> None:
        self._play = IconButton("play", "Play", "Space")
        self._stop = IconButton("square", "Stop and go to the start")
        self._loop = IconButton("repeat", "Repeat")
        self._loop.setCheckable(True)
        for button in (self._play, self._stop, self._loop):
            button.setFixedSize(_BUTTON)
        self._play.setIconSize(QSize(20, 20))
        self._play.setProperty("role", "")
        self._position = _figures("00:00.000", "title", Qt.AlignmentFlag.AlignRight)
        self._duration = _figures("/ 00:00.000", "muted", Qt.AlignmentFlag.AlignLeft)
        self._sources = SegmentedControl("Sound to listen to")
        self._mute = IconButton("volume-2", "Mute")
        self._volume = QSlider(Qt.Orientation.Horizontal)
        self._volume.setRange(0, 100)
        self._volume.setValue(100)
        self._volume.setPageStep(10)
        self._volume.setFixedWidth(80)
        self._volume.setAccessibleName("Volume")
        self._devices = _ElidedComboBox()
        self._devices.setAccessibleName("Output device")
        self._devices.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._devices.setMinimumContentsLength(8)
        self._devices.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._time = _figures("00:00.000", "", Qt.AlignmentFlag.AlignLeft)
        self._hz = _figures("24000 Hz", "", Qt.AlignmentFlag.AlignRight)
        self._db = _figures(f"{MINUS}100 dB", "", Qt.AlignmentFlag.AlignRight)
        for label, name in ((self._time, "Time"), (self._hz, "Frequency"), (self._db, "Level")):
            label.setAccessibleDescription(f"{name} under the mouse")
        self._job = JobIndicator()
        self._arrange()

    def _arrange(self) -> None:
        heard = QHBoxLayout()
        heard.setContentsMargins(12, 8, 12, 4)
        heard.setSpacing(4)
        for button in (self._play, self._stop, self._loop):
            heard.addWidget(button)
        heard.addSpacing(8)
        heard.addWidget(self._position)
        heard.addWidget(self._duration)
        heard.addSpacing(12)
        heard.addWidget(self._sources)
        heard.addStretch(1)
        heard.addSpacing(12)
        heard.addWidget(self._mute)
        heard.addWidget(self._volume)
        heard.addSpacing(8)
        heard.addWidget(self._devices)
        below = QHBoxLayout()
        below.setContentsMargins(16, 0, 12, 6)
        below.setSpacing(8)
        for place, label in enumerate((self._time, self._hz, self._db)):
            if place:
                below.addWidget(_divider())
            below.addWidget(label)
        below.addSpacing(16)
        below.addWidget(self._job, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(heard)
        layout.addLayout(below)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _connect(self) -> None:
        self._play.clicked.connect(lambda: self.play_toggled.emit())
        self._stop.clicked.connect(lambda: self.stop_requested.emit())
        self._loop.toggled.connect(self.loop_toggled)
        self._sources.chosen.connect(self.source_chosen)
        self._mute.clicked.connect(self._toggle_mute)
        self._volume.valueChanged.connect(self._volume_moved)
        self._devices.textActivated.connect(self._device_picked)
        self._job.cancel_requested.connect(self.job_cancel_requested)

    # What happens

    def _volume_moved(self) -> None:
        self._show_volume()
        self.volume_changed.emit(self.volume())

    def _toggle_mute(self) -> None:
        if self._volume.value():
            self._volume_before_mute = self.volume()
            self._volume.setValue(0)
        else:
            self._volume.setValue(round(self._volume_before_mute * 100))

    def _show_volume(self) -> None:
        percent = self._volume.value()
        self._mute.set_icon_name("volume-2" if percent > 50 else "volume-1" if percent else "volume-x")
        self._mute.set_name("Mute" if percent else "Unmute")
        self._volume.setToolTip(f"Volume {percent} %")

    def _device_picked(self, device: str) -> None:
        self._devices.setToolTip(device)
        self.device_chosen.emit(device)


class _ElidedComboBox(QComboBox):
    """A combo box that ends a text that is too long with an ellipsis."""

    _ARROW = 30

    def sizeHint(self) -> QSize:
        return QSize(200, super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.width() - self._ARROW - 8
        option.currentText = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, room
        )
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class _Figures(QLabel):
    """A label as wide as its widest text, whatever it shows."""

    def __init__(self, widest: str, role: str, alignment: Qt.AlignmentFlag) -> None:
        super().__init__(widest)
        self._widest = widest
        self.setProperty("role", role)
        self.setAlignment(alignment | Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        return QSize(self.fontMetrics().horizontalAdvance(self._widest) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


def _figures(widest: str, role: str, alignment: Qt.AlignmentFlag) -> _Figures:
    return _Figures(widest, role, alignment)


def _divider() -> QFrame:
    line = QFrame()
    line.setProperty("role", "divider")
    line.setFixedSize(1, 12)
    return line
