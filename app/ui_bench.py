"""How fast the window is there and speaks, and whether it ever stops: `python -m app.ui_bench --json`.

Starts the real window with the real engine (without a display on Qt's offscreen platform), loads the
voice, compares a clip, speaks twice, and cancels, while a heartbeat measures the longest stall of the event loop.
Sound goes to the system's device at volume 0; without one, to a stand-in that takes it at the same pace.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.studio import Studio

TEXT = "The window keeps moving while the voice is speaking. Nothing that the model does may hold it up."
LONG_TEXT = " ".join([TEXT] * 6)
TIME_LIMIT = 300_000
CANCEL_AFTER = 700
"""Milliseconds of speaking before the cancel that is timed."""


def seconds_since_start() -> float:
    """Age of this process in seconds, with the start of the interpreter where the system tells it."""
    try:
        ticks = float(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return uptime - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.perf_counter() - _IMPORTED


_IMPORTED = time.perf_counter()


class Bench:
    """The steps of the measurement, each started by the end of the one before."""

    def __init__(self, studio: Studio, quit_loop: Callable[[], None]) -> None:
        from app.heartbeat import Heartbeat

        self.result: dict[str, Any] = {}
        self.error = ""
        self._studio = studio
        self._quit = quit_loop
        self._beat = Heartbeat(studio)
        studio.notice.connect(self._on_notice)

    def start(self) -> None:
        """First turn of the event loop: the window can be used now."""
        from PySide6.QtCore import QTimer

        self.result["window_s"] = round(seconds_since_start(), 3)
        QTimer.singleShot(TIME_LIMIT, self._studio, lambda: self._fail("it took too long"))
        self._beat.begin("load")
        self._studio.voice.loaded.connect(self._on_loaded)
        self._studio.start()

    def _on_loaded(self, _voice: object) -> None:
        self.result["voice_s"] = round(seconds_since_start(), 3)
        self._beat.begin("compare")
        self._studio.comparison.changed.connect(self._on_comparison)

    def _on_comparison(self) -> None:
        if self._studio.comparison.result is not None and not self._studio.comparison.is_busy:
            self._studio.comparison.changed.disconnect(self._on_comparison)
            self.result["compare_s"] = round(seconds_since_start() - self.result["voice_s"], 3)
            self._speak()

    def _speak(self) -> None:
        self._beat.begin("speak")
        self._began = time.perf_counter()
        self._studio.session.text = TEXT
        self._studio.speaking.speak()
        job = self._studio.speaking.job
        if job is None:
            self._fail("speaking did not start")
        else:
            job.ended.connect(self._on_spoken)

    def _on_spoken(self) -> None:
        self.result["speak_s"] = round(time.perf_counter() - self._began, 3)
        take = self._studio.session.take(self._studio.session.current_take)
        self.result["speech_s"] = round(take.seconds, 3) if take else 0.0
        self._wait_for_sound("first_sound_opening_s", self._speak_again)

    def _wait_for_sound(self, name: str, then: Callable[[], None]) -> None:
        """Note when the first sample was heard, after the key press, as soon as it is known."""
        from PySide6.QtCore import QTimer

        heard = self._studio.player.first_heard
        if heard is None:
            QTimer.singleShot(20, self._studio, lambda: self._wait_for_sound(name, then))
            return
        self.result[name] = round(heard - self._began, 3)
        then()

    def _speak_again(self) -> None:
        """Now the device is open."""
        self._began = time.perf_counter()
        self._studio.player.pause()
        self._studio.session.text = TEXT
        self._studio.speaking.speak()
        job = self._studio.speaking.job
        if job is None:
            self._fail("speaking did not start")
        else:
            job.ended.connect(lambda: self._wait_for_sound("first_sound_s", self._speak_long))

    def _speak_long(self) -> None:
        from PySide6.QtCore import QTimer

        self.result["missed_s"] = round(self._studio.player.missed_seconds, 4)
        self._beat.begin("cancel")
        self._studio.session.text = LONG_TEXT
        self._studio.speaking.speak()
        QTimer.singleShot(CANCEL_AFTER, self._studio, self._cancel)

    def _cancel(self) -> None:
        from PySide6.QtCore import QTimer

        job = self._studio.speaking.job
        if job is None:
            self._end()
            return
        if self._studio.speaking.partial_mel is None:  # a slow machine: there must be something to keep
            QTimer.singleShot(CANCEL_AFTER, self._studio, self._cancel)
            return
        self._began = time.perf_counter()
        job.ended.connect(self._on_cancelled)
        self._studio.speaking.cancel()

    def _on_cancelled(self) -> None:
        self.result["cancel_s"] = round(time.perf_counter() - self._began, 3)
        self._end()

    def _end(self) -> None:
        self._beat.stop()
        self.result["sound_device"] = self._studio.player.device_in_use
        self.result["longest_stall_ms"] = round(max(self._beat.stalls.values()), 1)
        self.result["longest_own_work_ms"] = round(max(self._beat.work.values()), 1)
        self.result["stalls_ms"] = {phase: round(value, 1) for phase, value in self._beat.stalls.items()}
        self.result["own_work_ms"] = {phase: round(value, 1) for phase, value in self._beat.work.items()}
        self.result["load_average"] = [round(value, 1) for value in os.getloadavg()] if os.name == "posix" else []
        self._quit()

    def _on_notice(self, sentence: str, level: str) -> None:
        if level == "error":
            self._fail(sentence)

    def _fail(self, sentence: str) -> None:
        self.error = self.error or sentence
        self._quit()


def measure(checkpoint: str | None = None) -> dict[str, Any]:
    """Run the measurement; raises RuntimeError with the reason when it cannot be made."""
    from app.display import why_no_window

    if why_no_window():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app import collection
    from app.paths import Places
    from app.stand_in_sound import sounddevice_or_stand_in
    from app.studio import Studio

    collection.pause()
    application = QApplication(["lewm-studio"])
    with tempfile.TemporaryDirectory(prefix="lewm-bench-") as folder:
        studio = Studio(Places(Path(folder)), fresh=True, load_sound=sounddevice_or_stand_in)
        studio.player.set_volume(0.0)
        studio.apply_options(checkpoint, None, None)
        studio.start_engine()
        from app.main_window import MainWindow

        window = MainWindow(studio)
        bench = Bench(studio, application.quit)
        window.show()
        QTimer.singleShot(0, bench.start)
        QTimer.singleShot(0, collection.resume)
        application.exec()
        window.close()
    if bench.error:
        raise RuntimeError(bench.error)
    return {"platform": application.platformName(), **bench.result}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the measurement; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m app.ui_bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--checkpoint", metavar="FILE", help="measure with this one, not the embedded voice")
    options = parser.parse_args(arguments)
    try:
        result = measure(options.checkpoint)
    except (RuntimeError, ImportError) as error:
        print(f"ui_bench: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(result))
        return 0
    print(f"window usable after      {result['window_s']:.2f} s")
    print(f"voice loaded after       {result['voice_s']:.2f} s")
    print(f"longest event-loop stall {result['longest_stall_ms']:.0f} ms")
    for phase, stall in result["stalls_ms"].items():
        print(f"  {phase:<22} {stall:.0f} ms, of which own work {result['own_work_ms'][phase]:.0f} ms")
    print(f"first sound after        {result['first_sound_s'] * 1000:.0f} ms from pressing Speak")
    print(f"  while the device opens {result['first_sound_opening_s'] * 1000:.0f} ms ({result['sound_device']})")
    print(f"silence inside speech    {result['missed_s'] * 1000:.0f} ms")
    if "cancel_s" in result:
        print(f"cancel took effect after {result['cancel_s'] * 1000:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
