"""A desktop of its own for a test: an X server, a sound server with a null sink, hands, and eyes (`screen`)."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.end_to_end.screen import Element, Screen

RATE = 24_000
PATIENCE = 120.0
"""Seconds: a watchdog; each step takes a second or two on a machine that does nothing else."""
NEEDED = ("Xvfb", "xdotool", "pulseaudio", "pactl", "parec", "dbus-daemon")
AT_SPI = [Path(folder, "at-spi-bus-launcher") for folder in ("/usr/libexec", "/usr/lib/at-spi2-core")]
LEFT, MIDDLE, RIGHT = 1, 2, 3
"""Buttons of the mouse."""


def missing_programs() -> list[str]:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return missing if any(path.exists() for path in AT_SPI) else [*missing, "at-spi-bus-launcher"]


def wait_for(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


class Desktop:
    """Xvfb, PulseAudio with the null sink "studio" and a session bus with AT-SPI; all end with `close`."""

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
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        }
        self._start_screen(size, folder)
        self._start_sound(runtime, folder / "pulse.log")
        self._start_session_bus(folder / "bus.log")
        self.screen = Screen(self.environment["DBUS_SESSION_BUS_ADDRESS"])

    def _start_screen(self, size: str, folder: Path) -> None:
        self._picture = folder / "Xvfb_screen0"
        reading, writing = os.pipe()
        self._processes.append(
            subprocess.Popen(
                [
                    "Xvfb",
                    "-displayfd",
                    str(writing),
                    "-screen",
                    "0",
                    size,
                    "-nolisten",
                    "tcp",
                    "-noreset",
                    "-fbdir",
                    str(folder),
                ],
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
            self._processes.append(
                subprocess.Popen(command, env=self.environment, stdout=output, stderr=output)
            )
        wait_for(lambda: self.run("pactl", "info", check=False).returncode == 0, "the sound server")

    def _start_session_bus(self, log: Path) -> None:
        command = ["dbus-daemon", "--session", "--nofork", "--print-address=1"]
        with log.open("wb") as output:
            bus = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=output)
        self._processes.append(bus)
        assert bus.stdout is not None
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.environment, check=check, capture_output=True, text=True)

    def close(self) -> None:
        self.screen.close()
        for process in reversed(self._processes):
            process.terminate()
            process.wait(20)

    # ------------------------------------------------------------------ hands
    def keys(self, *keys: str) -> None:
        for key in keys:
            self.run("xdotool", "key", "--clearmodifiers", key)

    def type(self, text: str) -> None:
        self.run("xdotool", "type", "--delay", "15", text)

    def click(self, x: int, y: int, button: int = LEFT, times: int = 1) -> None:
        self.run(
            "xdotool",
            "mousemove",
            str(x),
            str(y),
            "click",
            "--repeat",
            str(times),
            "--delay",
            "60",
            str(button),
        )

    def click_on(self, name: str, role: str = "", **options: Any) -> Element:
        """Wait until something of that name can be seen and is enabled, and click into the middle of it."""
        times, button = options.pop("times", 1), options.pop("button", LEFT)
        element = self.screen.wait_for(name, role, where=lambda found: "enabled" in found.states, **options)
        self.click(*element.centre, button=button, times=times)
        return element

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 8) -> None:
        """Press at `start`, move to `end` as a hand does, let go."""
        self.run("xdotool", "mousemove", *map(str, start), "mousedown", "1")
        for step in range(1, steps + 1):
            place = [round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True)]
            self.run("xdotool", "mousemove", *map(str, place))
            time.sleep(0.03)
        self.run("xdotool", "mouseup", "1")

    def choose(self, combo_box: str, item: str, **options: Any) -> None:
        """Open a combo box by its name or its description (Qt on Linux names it by its choice); click the item."""

        def is_meant(element: Element) -> bool:
            return "enabled" in element.states and combo_box in (element.name, element.description)

        opened = self.screen.wait_for("", "combo box", where=is_meant, **options)
        self.click(*opened.centre)
        self.click_on(item, "list item", inside=opened)

    def windows(self, title: str) -> list[str]:
        return self.run("xdotool", "search", "--onlyvisible", "--name", title, check=False).stdout.split()

    def focus(self, title: str) -> None:
        """Give the keyboard to a window; there is no window manager that would do it."""
        wait_for(lambda: self._has_focus(self.windows(title)), f"the keyboard in {title!r}")

    def _has_focus(self, windows: list[str]) -> bool:
        if not windows:
            return False
        window = windows[-1]
        if self.run("xdotool", "getwindowfocus", check=False).stdout.strip() == window:
            return True
        self.run("xdotool", "windowfocus", window, check=False)
        time.sleep(0.2)
        return False

    # ------------------------------------------------------------------ a look at the picture itself
    def picture(self, box: tuple[int, int, int, int]) -> np.ndarray:
        """What is painted in a box (x, y, width, height) right now: (height, width, 3), red, green and blue of 255."""
        content = self._picture.read_bytes()  # an XWD file that Xvfb paints into
        header = struct.unpack(">25I", content[:100])
        start, height, line, colours = header[0], header[5], header[12], header[19]
        pixels = np.frombuffer(content, np.uint8, height * line, start + 12 * colours)
        x, y, width, high = box
        return pixels.reshape(height, -1, 4)[y : y + high, x : x + width, 2::-1].astype(float)

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
