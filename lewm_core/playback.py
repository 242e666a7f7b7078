"""Plays speech while it is being made: chunks go into a buffer, the sound card's thread takes them out.

PortAudio is loaded when a loudspeaker is opened, not with this module.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from lewm_core.head_start import HeadStart

LATENCY = "high"
"""PortAudio's safe buffering (0.1 s or so): what the card holds is played whatever Python does."""
NO_PORTAUDIO = (
    "Nothing can be played: the PortAudio library is missing. Install it (Debian and Ubuntu: sudo apt install "
    "libportaudio2) and try again."
)


class PlaybackError(RuntimeError):
    """Sound cannot be played; the message says what to install or connect."""


class SoundBuffer:
    """Samples on their way from the thread that makes them to the thread that plays them.

    Args:
        may_start: told how many samples are in hand, whether playing may begin, or go on after a gap. Once
            everything has come it begins in any case.

    Attributes:
        first_read: time.perf_counter() of the first read that got a sample; None before it.
        missed: samples of silence that were played because nothing was there yet, between first and last sample.
    """

    def __init__(self, may_start: Callable[[int], bool] = lambda _samples: True) -> None:
        self._may_start = may_start
        self._runs = False
        self._in_hand = 0
        self._chunks: deque[np.ndarray] = deque()
        self._lock = threading.Lock()
        self._offset = 0  # samples of the first chunk that were read
        self._gap = 0  # silence since the last sample, an underrun if another one follows
        self._is_closed = False
        self.first_read: float | None = None
        self.missed = 0
        self.drained = threading.Event()

    def put(self, wave: np.ndarray) -> None:
        """Append samples (t,)."""
        with self._lock:
            if len(wave):
                self._chunks.append(wave)
                self._in_hand += len(wave)

    def close(self) -> None:
        """Nothing more will be put; ``drained`` is set when the last sample has been read."""
        with self._lock:
            self._is_closed = True

    def read(self, out: np.ndarray) -> None:
        """Fill ``out`` (t,) with the next samples, and with silence where there are none."""
        filled = 0
        with self._lock:
            self._runs = bool(self._chunks) and (
                self._runs or self._is_closed or self._may_start(self._in_hand)
            )
            if self._runs and self.first_read is None:
                self.first_read = time.perf_counter()
            while self._runs and self._chunks and filled < len(out):
                chunk = self._chunks[0][self._offset : self._offset + len(out) - filled]
                out[filled : filled + len(chunk)] = chunk
                filled += len(chunk)
                self._offset += len(chunk)
                if self._offset == len(self._chunks[0]):
                    self._chunks.popleft()
                    self._offset = 0
            self._in_hand -= filled
            if filled:
                self.missed += self._gap
                self._gap = 0
            is_over = self._is_closed and not self._chunks
        out[filled:] = 0.0
        if self.first_read is not None and filled < len(out):
            self._gap += len(out) - filled
        if is_over:
            self.drained.set()


class GrowingSound:
    """Speech that is still being made, to be played from any place: one thread appends, others read.

    Reading takes no lock, so a sound card's thread never waits for the thread that appends.
    """

    def __init__(self, sample_rate: int) -> None:
        """Start empty, at ``sample_rate`` Hz."""
        self.sample_rate = sample_rate
        self.head_start = HeadStart()
        self._samples = np.zeros(8 * sample_rate, np.float32)
        self._length = 0
        self._is_complete = False
        self._lock = threading.Lock()
        self._resampled: dict[int, tuple[GrowingSound, Any]] = {}

    def __len__(self) -> int:
        return self._length

    @property
    def is_complete(self) -> bool:
        """Whether nothing more will come."""
        return self._is_complete

    def now(self) -> np.ndarray:
        """What has come so far, (t,) float32; a view that stays valid while more comes."""
        length = self._length  # before the array: it never has fewer samples than that
        return self._samples[:length]

    def may_play(self, position: int) -> bool:
        """Whether playing may begin at sample ``position``, or go on there after a gap."""
        return self._is_complete or self.head_start.allows((self._length - position) / self.sample_rate)

    def put(self, wave: np.ndarray) -> None:
        """Append samples (t,)."""
        with self._lock:
            self._append(wave)
            for sound, resampler in self._resampled.values():
                sound.put(resampler.resample_chunk(wave))

    def close(self) -> None:
        """Nothing more will come."""
        with self._lock:
            if not self._is_complete:
                for sound, resampler in self._resampled.values():
                    sound.put(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
                    sound.close()
                self._is_complete = True

    def at_rate(self, sample_rate: int) -> GrowingSound:
        """The same sound at another rate; it grows with this one."""
        if sample_rate == self.sample_rate:
            return self
        with self._lock:
            if sample_rate not in self._resampled:
                import soxr

                sound = GrowingSound(sample_rate)
                sound.head_start = self.head_start
                resampler = soxr.ResampleStream(self.sample_rate, sample_rate, 1)
                sound.put(resampler.resample_chunk(self.now(), last=self._is_complete))
                if self._is_complete:
                    sound.close()
                self._resampled[sample_rate] = (sound, resampler)
            return self._resampled[sample_rate][0]

    def _append(self, wave: np.ndarray) -> None:
        length = self._length + len(wave)
        if length > len(self._samples):
            larger = np.zeros(max(2 * len(self._samples), length), np.float32)
            larger[: self._length] = self._samples[: self._length]
            self._samples = larger
        self._samples[self._length : length] = wave
        self._length = length


class Loudspeaker:
    """The system's sound output, as a context: opened, fed by ``play``, and closed when all was heard."""

    def __init__(self, sample_rate: int, head_start: HeadStart | None = None, library: Any = None) -> None:
        """Open the default output for mono sound.

        Args:
            head_start: says when enough is in hand to begin; None begins at once.
            library: sounddevice, or what stands for it in a test.

        Raises:
            PlaybackError: PortAudio or an output device is missing.
        """
        self.buffer = SoundBuffer(lambda samples: head_start is None or head_start.allows(samples / sample_rate))
        self._delay = 0.0
        library = _load_portaudio() if library is None else library
        try:
            self._stream = library.OutputStream(
                samplerate=sample_rate, channels=1, dtype="float32", latency=LATENCY, callback=self._fill
            )
            self._stream.start()
        except (library.PortAudioError, OSError, ValueError) as error:
            raise PlaybackError(
                f"Nothing can be played: no sound output could be opened ({error}). Connect one and try again."
            ) from error

    def _fill(self, out: np.ndarray, frames: int, times: Any, status: object) -> None:
        if self.buffer.first_read is None:
            self._delay = max(0.0, float(times.outputBufferDacTime - times.currentTime))
        self.buffer.read(out[:, 0])

    @property
    def first_heard(self) -> float | None:
        """When the first sample left the loudspeaker, on the clock of time.perf_counter(), s."""
        return None if self.buffer.first_read is None else self.buffer.first_read + self._delay

    @property
    def missed_seconds(self) -> float:
        """Silence in the midst of the speech because a chunk came too late, s."""
        return self.buffer.missed / float(self._stream.samplerate)

    def play(self, wave: np.ndarray) -> None:
        """Play samples (t,) behind those already given; returns at once."""
        self.buffer.put(wave)

    def finish(self, timeout: float | None = None) -> bool:
        """Wait until all was heard; False when the device stopped taking samples before."""
        self.buffer.close()
        end = None if timeout is None else time.monotonic() + timeout
        while not self.buffer.drained.wait(0.05):
            if not self._stream.active or (end is not None and time.monotonic() > end):
                return False
        self._stream.stop()  # lets PortAudio play what it still holds
        return True

    def close(self) -> None:
        """Fall silent at once and give the device back."""
        self._stream.abort()
        self._stream.close()


def _load_portaudio() -> Any:
    try:
        import sounddevice
    except (OSError, ImportError) as error:
        raise PlaybackError(NO_PORTAUDIO) from error
    return sounddevice
