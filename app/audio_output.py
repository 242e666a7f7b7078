"""The loudspeaker: a PortAudio stream that is opened, closed and listed in a thread of its own.

PortAudio may take half a second to wake up, and as long to open a device, so the window never calls it
directly. Everything that can be wrong with sound (no library, no device, a device pulled out) arrives as
a sentence; nothing is raised.
"""

from __future__ import annotations

import importlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

LATENCY = 0.1
"""Seconds that the card holds: what bridges the moments in which a busy machine does not let us render."""
LONGEST_BELIEVABLE_DELAY = 3.0
NO_PORTAUDIO = (
    "Sound is off: the PortAudio library is missing. Install it (Debian and Ubuntu: sudo apt install "
    "libportaudio2) and start the studio again. Everything else works."
)
NO_DEVICE = "Sound is off: no output device was found. Connect one and press play again. Everything else works."


@dataclass(frozen=True)
class OutputOpened:
    """A stream runs at `sample_rate` Hz."""

    sample_rate: int
    device: str


@dataclass(frozen=True)
class OutputFailed:
    """There is no sound, and why."""

    sentence: str


@dataclass(frozen=True)
class OutputDevices:
    """Names of the devices that can be chosen."""

    names: tuple[str, ...]


OutputEvent = OutputOpened | OutputFailed | OutputDevices
Render = Callable[[np.ndarray], tuple[int, int]]
"""Fills a block (samples,); returns the position of its first sample and how many samples the sound moved on."""


@dataclass(frozen=True)
class _Block:
    heard_at: float
    position: int
    frames: int


class Clockwork:
    """Which sample is heard now: remembers when each rendered block will leave the loudspeaker."""

    def __init__(self) -> None:
        self._blocks: deque[_Block] = deque(maxlen=256)
        self.last_call = time.perf_counter()
        self.first_heard: float | None = None
        """When the first sample of sound since `clear` is (or was) heard, on the clock of time.perf_counter(), s."""

    def note(self, called_at: float, delay: float, position: int, frames: int) -> None:
        """Called by the audio callback for each block; `delay` is the latency in seconds, `frames` how far it went."""
        self.last_call = called_at
        self._blocks.append(_Block(called_at + delay, position, frames))
        if frames and self.first_heard is None:
            self.first_heard = called_at + delay

    def clear(self) -> None:
        """Forget all blocks (after a stop)."""
        self._blocks.clear()
        self.first_heard = None

    def heard(self, now: float, sample_rate: int) -> int | None:
        """Position (samples) of what is heard at `now`; None before the first block is heard."""
        for block in reversed(tuple(self._blocks)):
            if block.heard_at <= now:
                inside = int((now - block.heard_at) * sample_rate)
                return block.position + min(inside, block.frames)
        return None


class AudioOutput:
    """Owns the stream and the thread that opens it; `post` carries events to the window (any thread)."""

    def __init__(
        self,
        render: Render,
        post: Callable[[OutputEvent], None],
        load: Callable[[], ModuleType] = lambda: importlib.import_module("sounddevice"),
    ) -> None:
        self.clock = Clockwork()
        self._render = render
        self._post = post
        self._load = load
        self._library: Any = None
        self._stream: Any = None
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="audio-output", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ called by the window
    def open(self, device: str, sample_rate: int) -> None:
        """Open `device` ("" is the system's choice) and start; answers OutputOpened or OutputFailed."""
        self._commands.put(lambda: self._open(device, sample_rate))

    def close(self) -> None:
        """Stop and give the device back."""
        self._commands.put(self._close)

    def list_devices(self, rescan: bool = False) -> None:
        """Answers OutputDevices; `rescan` also finds what was plugged in since (never while playing)."""
        self._commands.put(lambda: self._list(rescan))

    @property
    def is_alive(self) -> bool:
        """False when the stream has stopped by itself (the device is gone)."""
        stream = self._stream
        return stream is not None and bool(stream.active)

    def shutdown(self, timeout: float = 3.0) -> None:
        """Close and end the thread."""
        self._commands.put(self._close)
        self._commands.put(None)
        self._thread.join(timeout)

    # ------------------------------------------------------------------ the thread
    def _work(self) -> None:
        while (command := self._commands.get()) is not None:
            try:
                command()
            except OSError:
                self._post(OutputFailed(NO_PORTAUDIO))
            except Exception as error:  # PortAudioError, and whatever a driver comes up with
                self._drop_stream()
                self._post(OutputFailed(_sentence(error)))

    def _sounddevice(self) -> Any:
        if self._library is None:
            self._library = self._load()
        return self._library

    def _open(self, device: str, sample_rate: int) -> None:
        self._close()
        library = self._sounddevice()
        index = self._index_of(device)
        name = device if index is not None else self._usual_name(library)
        try:
            self._start(library, index, sample_rate)
        except library.PortAudioError:
            # Some devices refuse 24 kHz: take the rate that they like, the player resamples.
            sample_rate = int(library.query_devices(index, "output")["default_samplerate"])
            self._start(library, index, sample_rate)
        self._post(OutputOpened(sample_rate, name))

    def _start(self, library: Any, index: int | None, sample_rate: int) -> None:
        self.clock.clear()
        self.clock.last_call = time.perf_counter()
        stream = library.OutputStream(
            samplerate=sample_rate, channels=1, dtype="float32", device=index, latency=LATENCY, callback=self._callback
        )
        self._stream = stream
        stream.start()

    def _callback(self, out: np.ndarray, frames: int, timing: Any, status: Any) -> None:
        called_at = time.perf_counter()
        delay = timing.outputBufferDacTime - timing.currentTime
        if not 0.0 < delay < LONGEST_BELIEVABLE_DELAY:
            stream = self._stream
            delay = float(stream.latency) if stream is not None else 0.0
        position, advanced = self._render(out[:, 0])
        self.clock.note(called_at, delay, position, advanced)

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        self.clock.clear()

    def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.abort(ignore_errors=True)
                stream.close(ignore_errors=True)
            except Exception:  # a driver whose device was pulled out may say anything here
                return

    def _list(self, rescan: bool) -> None:
        library = self._sounddevice()
        if rescan and self._stream is None:
            library._terminate()
            library._initialize()
        self._post(OutputDevices(tuple(name for _, name in self._outputs())))

    def _outputs(self) -> list[tuple[int, str]]:
        library = self._sounddevice()
        devices = library.query_devices()
        preferred = library.query_hostapis(library.default.hostapi)["devices"] if len(devices) else []
        return [
            (index, device["name"])
            for index, device in enumerate(devices)
            if device["max_output_channels"] > 0 and index in preferred
        ]

    def _usual_name(self, library: Any) -> str:
        """What the system's choice is called."""
        try:
            return str(library.query_devices(None, "output")["name"])
        except (library.PortAudioError, ValueError, TypeError, KeyError):
            return ""

    def _index_of(self, name: str) -> int | None:
        """Number of a device by name; None (the system's choice) when it is not there any more."""
        outputs = self._outputs()
        if not outputs:
            raise RuntimeError(NO_DEVICE)
        return next((index for index, device in outputs if device == name), None)


def _sentence(error: Exception) -> str:
    text = str(error)
    if text.startswith("Sound is off"):
        return text
    return f"Sound is off: the device cannot be opened ({text}). Choose another one or press play again."
