"""A loudspeaker that nobody hears, for machines without one: it asks for sound at the pace of a real device."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

BLOCK_SECONDS = 0.01
LATENCY = 0.06
"""Seconds between asking for a sample and its being heard, as a real device is asked for."""
NAME = "stand-in (no sound device)"


class StandInError(Exception):
    """Stands for PortAudio's error; never raised."""


class _Stream:
    """Calls back every 10 ms in a thread of its own."""

    def __init__(self, samplerate: int, callback: Callable[..., None], **_more: Any) -> None:
        self.samplerate, self.latency, self.active = samplerate, LATENCY, False
        self._callback = callback
        self._thread = threading.Thread(target=self._work, name="stand-in-sound", daemon=True)

    def start(self) -> None:
        """Begin to ask for sound."""
        self.active = True
        self._thread.start()

    def close(self, ignore_errors: bool = True) -> None:
        """Stop."""
        self.active = False
        if self._thread.is_alive():
            self._thread.join()

    abort = close

    def _work(self) -> None:
        frames = round(BLOCK_SECONDS * self.samplerate)
        timing = SimpleNamespace(currentTime=0.0, outputBufferDacTime=LATENCY)
        due = time.perf_counter()
        while self.active:
            self._callback(np.zeros((frames, 1), np.float32), frames, timing, None)
            due += BLOCK_SECONDS
            time.sleep(max(0.0, due - time.perf_counter()))


class StandIn:
    """What `app.audio_output` uses of the module sounddevice."""

    PortAudioError = StandInError
    OutputStream = _Stream
    default = SimpleNamespace(hostapi=0)

    def query_devices(self, _index: int | None = None, kind: str | None = None) -> Any:
        """One device: a list of all, or the one of that kind."""
        device = {"name": NAME, "max_output_channels": 1, "default_samplerate": 24_000.0}
        return device if kind else [device]

    def query_hostapis(self, _index: int) -> dict[str, Any]:
        """One interface with that device."""
        return {"devices": [0]}


def sounddevice_or_stand_in() -> ModuleType:
    """The module sounddevice where it finds an output device, else the stand-in."""
    try:
        library = importlib.import_module("sounddevice")
        library.query_devices(kind="output")
    except Exception:  # no library, no device, a driver that fails: all the same here
        stand_in: Any = StandIn()
        return stand_in
    return library
