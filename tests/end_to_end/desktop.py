"""A desktop of its own for a test: an X server, a sound server with a null sink, and hands."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

RATE = 24_000
PATIENCE = 120.0
"""Seconds: a watchdog; each step takes a second or two on a machine that does nothing else."""
NEEDED = ("Xvfb", "xdotool", "pulseaudio", "pactl", "parec")


def missing_programs() -> list[str]:
    return [name for name in NEEDED if shutil.which(name) is None]


def wait_for(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


class Desktop:
    """Xvfb and PulseAudio with the null sink "studio"; both end with `close`."""

    def __init__(self, folder: Path, size: str = "1280x720x24") -> None:
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        (folder / "user").mkdir()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")},
            "HOME": str(folder / "user"),
            "XDG_RUNTIME_DIR": str(runtime),
            "PULSE_SERVER": f"unix:{runtime}/sound",
            "QT_QPA_PLATFORM": "xcb",
            "QT_SCALE_FACTOR": "1",
        }
        self._start_screen(size)
        self._start_sound(runtime, folder / "pulse.log")

    def _start_screen(self, size: str) -> None:
        reading, writing = os.pipe()
        self._processes.append(
            subprocess.Popen(
                ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
                pass_fds=[writing],
                stderr=subprocess.DEVNULL,
            )
        )
        os.close(writing)
        with os.fdopen(reading) as numbers:
            self.environment["DISPLAY"] = f":{numbers.readline().strip()}"

    def _start_sound(self, runtime: Path, log: Path) -> None:
        command = [
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
            "-L", f"module-native-protocol-unix auth-anonymous=1 socket={runtime}/sound",
            "-L", f"module-null-sink sink_name=studio rate={RATE} channels=1",
        ]  # fmt: skip
        with log.open("wb") as output:
            self._processes.append(subprocess.Popen(command, env=self.environment, stdout=output, stderr=output))
        wait_for(lambda: self.run("pactl", "info", check=False).returncode == 0, "the sound server")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.environment, check=check, capture_output=True, text=True)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait(20)

    # ------------------------------------------------------------------ hands
    def keys(self, *keys: str) -> None:
        for key in keys:
            self.run("xdotool", "key", "--clearmodifiers", key)

    def type(self, text: str) -> None:
        self.run("xdotool", "type", "--delay", "15", text)

    def click(self, x: int, y: int) -> None:
        self.run("xdotool", "mousemove", str(x), str(y), "click", "1")

    def windows(self, title: str) -> list[str]:
        return self.run("xdotool", "search", "--onlyvisible", "--name", title, check=False).stdout.split()

    def focus(self, title: str) -> None:
        """Give the keyboard to a window; there is no window manager that would do it."""
        wait_for(lambda: self.windows(title), f"the window {title!r}")
        wait_for(lambda: self._has_focus(self.windows(title)[-1]), f"the keyboard in {title!r}")

    def _has_focus(self, window: str) -> bool:
        if self.run("xdotool", "getwindowfocus", check=False).stdout.strip() == window:
            return True
        self.run("xdotool", "windowfocus", window, check=False)
        time.sleep(0.2)
        return False

    # ------------------------------------------------------------------ ears
    @contextlib.contextmanager
    def recording(self) -> Iterator[Callable[[], np.ndarray]]:
        """Record what the null sink plays; the value gives all samples so far, mono at 24 kHz."""
        path = Path(self.environment["HOME"]) / f"recording-{time.monotonic_ns()}.raw"
        command = ["parec", "-d", "studio.monitor", "--format=float32le", f"--rate={RATE}", "--channels=1",
                   "--latency-msec=20"]  # fmt: skip
        with path.open("wb") as file:
            recorder = subprocess.Popen(command, env=self.environment, stdout=file)
        try:
            wait_for(lambda: path.stat().st_size > 0, "the recording")
            yield lambda: np.frombuffer(path.read_bytes()[: path.stat().st_size // 4 * 4], dtype=np.float32)
        finally:
            recorder.terminate()
            recorder.wait(20)


def likeness(heard: np.ndarray, wave: np.ndarray) -> float:
    """Largest normalised cross-correlation of `wave` with any stretch of `heard` of its length."""
    if len(heard) < len(wave):
        return 0.0
    size = 1 << (len(heard) + len(wave) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wave, size)), size)
    correlation = product[: len(heard) - len(wave) + 1]
    power = np.concatenate([[0.0], np.cumsum(heard.astype(np.float64) ** 2)])
    energy = power[len(wave) :] - power[: len(heard) - len(wave) + 1]
    scale = np.sqrt(np.maximum(energy, 1e-9) * float(np.sum(wave.astype(np.float64) ** 2)))
    return float(np.max(correlation / scale))
