"""The studio as a process on a desktop: what a test does with it, and what it leaves on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lewm_core.resources_path import resource
from tests.end_to_end.desktop import PATIENCE, Desktop, missing_programs, wait_for
from tests.lewm_core.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
TITLE = "LeWM Studio"
MARKS = [
    pytest.mark.slow,
    pytest.mark.display,
    pytest.mark.sound,
    pytest.mark.skipif(
        bool(missing_programs()),
        reason=f"needs {', '.join(missing_programs())}: .ci/debian-packages-test names the packages",
    ),
]
"""Of every module that starts the studio on a desktop: `pytestmark = MARKS`."""


class RunningStudio:
    """The process of the studio and what it leaves on disk."""

    def __init__(self, desktop: Desktop, home: Path, *arguments: str) -> None:
        self.desktop, self.home = desktop, home
        environment = {**desktop.environment, "LEWM_STUDIO_HOME": str(home)}
        command = [sys.executable, "-m", "app", *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)
        self._log_start = len(self.log())

    def log(self) -> str:
        path = self.home / "studio.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def wait_for_log(self, words: str, count: int = 1) -> None:
        wait_for(lambda: self.log()[self._log_start :].count(words) >= count, f"{words!r} in the log")

    def session(self) -> dict:
        path = self.home / "session.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"takes": []}

    def take_of(self, text: str) -> dict:
        wait_for(lambda: any(take["text"] == text for take in self.session()["takes"]), f"a take of {text!r}")
        return next(take for take in self.session()["takes"] if take["text"] == text)

    def ready(self) -> None:
        self.desktop.focus(TITLE)
        window = self.desktop.windows(TITLE)[-1]
        self.desktop.run("xdotool", "windowmove", window, "0", "0", "windowsize", window, "1280", "720")
        self.wait_for_log("voice loaded")
        self.wait_for_log("compared")

    def quit(self) -> None:
        self.desktop.focus(TITLE)
        self.desktop.keys("ctrl+q")
        assert self.process.wait(PATIENCE) == 0

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)

    # ------------------------------------------------------------------ hands
    def write(self, text: str) -> None:
        """Replace the text to speak."""
        self.desktop.click_on("Text to speak", "text")
        self.desktop.keys("ctrl+a")
        self.desktop.type(text)

    def page(self, title: str) -> None:
        """Open a page of the inspector by its button in the rail."""
        self.desktop.click_on(title, "check box")
        self.desktop.screen.wait_for(title, "label")

    def answer_file_dialog(self, title: str, path: Path) -> None:
        self.desktop.focus(title)
        self.desktop.keys("ctrl+a")
        self.desktop.type(str(path))
        self.desktop.keys("Return")
        wait_for(lambda: not self.desktop.windows(title), f"the end of the dialog {title!r}")
        self.desktop.focus(TITLE)


def voice_arguments(folder: Path) -> tuple[str, ...]:
    """Nothing where the embedded voice is there, otherwise a small checkpoint in its place."""
    return () if resource("voice", "studio.safetensors").exists() else ("--checkpoint", str(tiny(folder)))


def tiny(folder: Path) -> Path:
    path = folder / "other.safetensors"
    tiny_checkpoint(path)
    return path
