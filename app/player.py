"""Plays the sources of the window: one position, five sounds, a loop region, one volume."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.audio_output import AudioOutput, OutputDevices, OutputEvent, OutputFailed, OutputOpened
from app.jobs import Relay
from app.mixer import Mixer, Wave
from lewm_core.playback import GrowingSound

POLL_INTERVAL = 20
"""Milliseconds between two updates of the playhead."""
IDLE_CLOSE = 10_000
"""Milliseconds of silence after which the device is given back."""
LOST_AFTER = 2.0
"""Seconds without a call of the audio callback after which the device counts as pulled out."""
DEVICE_LOST = "The sound device is gone. Connect it again or choose another one, then press play."


@dataclass(frozen=True)
class Sound:
    """A wave (samples,) in [-1, 1] at `sample_rate` Hz, or one that is still being made."""

    wave: Wave
    sample_rate: int

    @property
    def seconds(self) -> float:
        """Length in seconds; of a growing sound, so far."""
        return len(self.wave) / self.sample_rate

    @property
    def samples(self) -> np.ndarray:
        """The wave (samples,); of a growing sound, what there is of it."""
        return self.wave if isinstance(self.wave, np.ndarray) else self.wave.now()

    @property
    def is_growing(self) -> bool:
        """True while more of it will come."""
        return isinstance(self.wave, GrowingSound) and not self.wave.is_complete


class Player(QObject):
    """Position and sources are the player's; what is shown of them is the timeline's.

    All positions are seconds of what is heard now: the latency of the device is taken into account.
    """

    playing_changed = Signal(bool)
    position_changed = Signal(float)
    """While playing, every 20 ms."""
    source_changed = Signal(str)
    devices_changed = Signal(list, str)
    trouble = Signal(str)
    """A sentence about sound, said once until sound works again."""

    def __init__(self, parent: QObject | None = None, load: Callable[[], ModuleType] | None = None) -> None:
        super().__init__(parent)
        self._mixer = Mixer(24_000)
        self._sounds: dict[str, Sound] = {}
        self._resampled: dict[str, np.ndarray] = {}
        self._gains: dict[str, float] = {}
        self._levelled: dict[str, np.ndarray] = {}
        self._source = ""
        self._position = 0.0
        self._region: tuple[float, float] | None = None
        self._loop = False
        self._playing = False
        self._device = ""
        self.device_in_use = ""
        """Name of the device that was opened last; "" is the system's choice."""
        self._devices: list[str] = []
        self._is_open = False
        self._is_opening = False
        self._complained = False
        self.is_silent = False
        """True in a run without a person: nothing is ever played."""
        self._relay = Relay(self._on_output, self)
        arguments = {} if load is None else {"load": load}
        self._output = AudioOutput(self._render, self._relay.post, **arguments)
        self._poll = QTimer(self)
        self._poll.setTimerType(Qt.TimerType.PreciseTimer)
        self._poll.setInterval(POLL_INTERVAL)
        self._poll.timeout.connect(self._on_poll)
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(IDLE_CLOSE)
        self._idle.timeout.connect(self._close_output)

    def shutdown(self) -> None:
        """Stop the sound and its thread."""
        self._poll.stop()
        self._idle.stop()
        self._relay.close()
        self._output.shutdown()

    # ------------------------------------------------------------------ sources
    def set_sounds(self, sounds: Mapping[str, Sound]) -> None:
        """Set what each source plays; a source that plays now and changed goes on in the new sound."""
        before = self._sounds.get(self._source)
        self._sounds = dict(sounds)
        self._resampled.clear()
        self._levelled.clear()
        now = self._sounds.get(self._source)
        if self._playing and (now is None or before is None or now.wave is not before.wave):
            if now is None:
                self.pause()
            elif before is not None and _is_copy(before, now):
                self._mixer.replace(self._wave(self._source))
            else:
                self._mixer.switch(self._wave(self._source))

    def set_gains(self, gains_db: Mapping[str, float]) -> None:
        """Set the level of each source in dB (0 where none is named); heard at once, faded over by 6 ms."""
        before = self._gains.get(self._source, 0.0)
        self._gains = dict(gains_db)
        self._levelled.clear()
        if self._playing and self._gains.get(self._source, 0.0) != before and self.has(self._source):
            self._mixer.switch(self._wave(self._source))

    def has(self, source: str) -> bool:
        """True when there is something to hear in `source`."""
        return source in self._sounds

    @property
    def source(self) -> str:
        """Key of the source that is (or would be) heard."""
        return self._source

    def set_source(self, source: str, moved: Callable[[float], float] | None = None) -> None:
        """Listen to another source: at the same position, or where `moved` (s in the old, s in the new) leads."""
        if source == self._source:
            return
        if self._playing and not self.has(source):
            self.pause()
        self._source = source
        if self._playing and moved is None:
            self._mixer.switch(self._wave(source))
        elif self._playing and moved is not None:
            self._start_at(max(0.0, moved(self._mixer.position / self._mixer.sample_rate)))
        elif moved is not None:
            self._position = max(0.0, moved(self._position))
        self.source_changed.emit(source)

    # ------------------------------------------------------------------ transport
    def prepare(self, sample_rate: int) -> None:
        """Open the device now, because something will soon be played at `sample_rate` Hz."""
        if not self.is_silent and not self._is_open and not self._is_opening:
            self._is_opening = True
            self._output.open(self._device, sample_rate)
        elif self._idle.isActive():
            self._idle.start()

    @property
    def first_heard(self) -> float | None:
        """When the first sample since the last start left the loudspeaker, on the clock of time.perf_counter(), s."""
        return self._output.clock.first_heard

    @property
    def missed_seconds(self) -> float:
        """Silence inside speech because it was made too slowly, s."""
        return self._mixer.missed / self._mixer.sample_rate

    @property
    def is_playing(self) -> bool:
        """True while sound is heard (or its device is being opened)."""
        return self._playing

    @property
    def position(self) -> float:
        """Seconds into the source that are heard now."""
        if not self._playing:
            return self._position
        heard = self._output.clock.heard(time.perf_counter(), self._mixer.sample_rate)
        return self._position if heard is None else heard / self._mixer.sample_rate

    def play(self, position: float | None = None) -> None:
        """Play from `position`, or from where the playhead is (from the start, when it is at the end)."""
        sound = self._sounds.get(self._source)
        if sound is None or self.is_silent:
            return
        start = self._position if position is None else position
        if position is None and self._loop and self._region and not _inside(start, self._region):
            start = self._region[0]
        if start >= sound.seconds - 0.01 and not sound.is_growing:
            start = self._region[0] if self._region and self._region[0] < sound.seconds else 0.0
        self._idle.stop()
        self.prepare(sound.sample_rate)
        self._start_at(start)
        self._set_playing(True)

    def pause(self) -> None:
        """Stop and stay at what is heard now."""
        if self._playing:
            self._position = self.position
            self._mixer.pause()
            self._mixer.move(self._samples(self._position))
            self._set_playing(False)

    def toggle(self) -> None:
        """Play or pause."""
        if self._playing:
            self.pause()
        else:
            self.play()

    def seek(self, position: float) -> None:
        """Go to `position` seconds; goes on playing when it was."""
        self._position = max(0.0, position)
        if self._playing:
            self._start_at(self._position)

    def set_region(self, region: tuple[float, float] | None) -> None:
        """Set the loop region in seconds, or None; heard at once."""
        self._region = region
        self._apply_region()

    def set_loop(self, loop: bool) -> None:
        """Repeat the region (or everything), or play once."""
        self._loop = loop
        self._mixer.loop = loop

    def set_volume(self, volume: float) -> None:
        """Volume 0..1, as a slider position; squared, so that its steps sound even."""
        self._mixer.volume = float(min(max(volume, 0.0), 1.0)) ** 2

    # ------------------------------------------------------------------ devices
    def refresh_devices(self, rescan: bool = False) -> None:
        """Look which devices there are; `devices_changed` answers."""
        self._output.list_devices(rescan and not self._playing)

    def set_device(self, name: str) -> None:
        """Play through the device of that name ("" is the system's choice), at once."""
        self._device = name
        self._complained = False
        position, was_playing = self.position, self._playing
        if self._is_open or self._is_opening:
            self._close_output()
        if was_playing:
            self._position = position
            self._playing = False
            self.play(position)

    # ------------------------------------------------------------------ inside
    def _render(self, out: np.ndarray) -> tuple[int, int]:
        return self._mixer.render(out)

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._mixer.sample_rate)

    def _start_at(self, position: float) -> None:
        self._position = position
        wave = self._wave(self._source)
        self._output.clock.clear()
        self._apply_region()
        self._mixer.play(wave, self._samples(position))

    def _wave(self, source: str) -> Wave:
        """The wave of a source at the rate of the device and at its level; growing speech has no level yet."""
        sound = self._sounds[source]
        if isinstance(sound.wave, GrowingSound):
            return sound.wave.at_rate(self._mixer.sample_rate)
        gain = self._gains.get(source, 0.0)
        if not gain:
            return self._resampled_wave(source)
        if source not in self._levelled:
            self._levelled[source] = self._resampled_wave(source) * np.float32(10.0 ** (gain / 20.0))
        return self._levelled[source]

    def _resampled_wave(self, source: str) -> np.ndarray:
        sound = self._sounds[source]
        if sound.sample_rate == self._mixer.sample_rate:
            return sound.samples
        if source not in self._resampled:
            import soxr

            self._resampled[source] = soxr.resample(sound.samples, sound.sample_rate, self._mixer.sample_rate)
        return self._resampled[source]

    def _apply_region(self) -> None:
        if self._region is None:
            self._mixer.region = None
        else:
            start, end = (self._samples(time) for time in self._region)
            self._mixer.region = (start, max(end, start + self._mixer.sample_rate // 50))

    def _set_playing(self, playing: bool) -> None:
        if playing:
            self._poll.start()
        else:
            self._poll.stop()
            self._idle.start()
        if playing != self._playing:
            self._playing = playing
            self.playing_changed.emit(playing)

    def _close_output(self) -> None:
        self._is_open = self._is_opening = False
        self._output.close()

    def _on_poll(self) -> None:
        if self._is_open and self._output_is_lost():
            self._fail(DEVICE_LOST)
            return
        position = self.position
        if self._mixer.ended and self._is_open:
            sound = self._sounds.get(self._source)
            if sound is None or position >= sound.seconds - 0.002:
                self._finish()
                return
        self.position_changed.emit(position)

    def _finish(self) -> None:
        self._position = 0.0
        self._set_playing(False)
        self.position_changed.emit(0.0)

    def _output_is_lost(self) -> bool:
        silent_for = time.perf_counter() - self._output.clock.last_call
        return silent_for > LOST_AFTER or not self._output.is_alive

    def _on_output(self, event: OutputEvent) -> None:
        if isinstance(event, OutputOpened):
            self._on_opened(event)
        elif isinstance(event, OutputDevices):
            self._devices = list(event.names)
            self.devices_changed.emit(self._devices, self._device)
        elif isinstance(event, OutputFailed):
            self._fail(event.sentence)

    def _on_opened(self, event: OutputOpened) -> None:
        self._is_open, self._is_opening, self._complained = True, False, False
        self.device_in_use = event.device
        if event.sample_rate != self._mixer.sample_rate:
            fresh = Mixer(event.sample_rate)
            fresh.loop, fresh.volume = self._mixer.loop, self._mixer.volume
            self._mixer = fresh
            self._resampled.clear()
            self._levelled.clear()
            if self._playing:
                self._start_at(self._position)
        if not self._playing:
            self._idle.start()

    def _fail(self, sentence: str) -> None:
        position = self.position
        self._mixer.pause()
        self._position = position
        self._close_output()
        self._set_playing(False)
        self._idle.stop()
        if not self._complained:
            self._complained = True
            self.trouble.emit(sentence)


def _is_copy(before: Sound, now: Sound) -> bool:
    """Whether `now` is the finished copy of speech that was played while it was made."""
    return isinstance(before.wave, GrowingSound) and not before.is_growing and len(before.wave) == len(now.wave)


def _inside(time: float, region: tuple[float, float]) -> bool:
    return region[0] <= time < region[1]
