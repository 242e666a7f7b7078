"""The studio as a person uses it: real keys and clicks on an X server, real model, real sound server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lewm_core.resources_path import resource
from tests.end_to_end.desktop import PATIENCE, RATE, Desktop, likeness, missing_programs, wait_for
from tests.lewm_core.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
TITLE = "LeWM Studio"
TEXT_BOX = (140, 170)
TEXT = "The window keeps moving while the voice is speaking."
ALIKE = 0.95

pytestmark = [
    pytest.mark.slow,
    pytest.mark.display,
    pytest.mark.sound,
    pytest.mark.skipif(
        bool(missing_programs()),
        reason=f"needs {', '.join(missing_programs())} (apt install xvfb xdotool pulseaudio pulseaudio-utils)",
    ),
]


@pytest.fixture
def desktop(tmp_path) -> Iterator[Desktop]:
    desktop = Desktop(tmp_path)
    yield desktop
    desktop.close()


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


@pytest.fixture
def start(desktop, tmp_path) -> Iterator:
    running: list[RunningStudio] = []

    def make(*arguments: str) -> RunningStudio:
        running.append(RunningStudio(desktop, tmp_path / "home", *arguments))
        return running[-1]

    yield make
    for studio in running:
        studio.kill()


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    return tiny(tmp_path)


def tiny(folder: Path) -> Path:
    path = folder / "other.safetensors"
    tiny_checkpoint(path)
    return path


def answer_file_dialog(desktop: Desktop, title: str, path: Path) -> None:
    desktop.focus(title)
    desktop.keys("ctrl+a")
    desktop.type(str(path))
    desktop.keys("Return")
    wait_for(lambda: not desktop.windows(title), f"the end of the dialog {title!r}")
    desktop.focus(TITLE)


def test_from_typed_text_to_heard_speech(desktop, start, checkpoint, tmp_path):
    arguments = () if resource("voice", "studio.safetensors").exists() else ("--checkpoint", str(checkpoint))
    studio = start(*arguments)
    studio.ready()

    # Type a sentence and speak it: it is heard, and what is heard is what is exported.
    desktop.click(*TEXT_BOX)
    desktop.keys("ctrl+a")
    desktop.type(TEXT)
    with desktop.recording() as heard:
        desktop.keys("ctrl+Return")
        take = studio.take_of(TEXT)
        time.sleep(take["seconds"] + 3)
        recording = heard()
    exported = tmp_path / "spoken.wav"
    desktop.keys("ctrl+e")
    desktop.focus("^Export$")
    desktop.keys("Return")
    answer_file_dialog(desktop, "Export sound", exported)
    wait_for(exported.with_suffix(".json").exists, "the exported files")
    wave, rate = soundfile.read(exported, dtype="float32")
    assert rate == 24_000
    assert len(wave) / rate == pytest.approx(take["seconds"])
    assert likeness(recording, wave) > ALIKE
    recipe = json.loads(exported.with_suffix(".json").read_text(encoding="utf-8"))
    assert (recipe["text"], recipe["seed"]) == (TEXT, take["seed"])

    # All panes have a sound: five files, and key 1 plays the clip itself.
    folder = tmp_path / "panes"
    folder.mkdir()
    desktop.keys("ctrl+shift+e")
    answer_file_dialog(desktop, "Export all panes to", folder)
    studio.wait_for_log("exported", 2)
    assert len(list(folder.glob("*.wav"))) == len(list(folder.glob("*.json"))) == 5
    original, _ = soundfile.read(next(folder.glob("*-original.wav")), dtype="float32")
    desktop.click(640, 200)  # into the first pane: the keyboard leaves the text box, the playhead moves
    with desktop.recording() as heard:
        desktop.keys("1", "Home", "space")
        time.sleep(len(original) / 24_000 + 3)
        assert likeness(heard(), original) > ALIKE

    # Another checkpoint: looked into first, then loaded, then it speaks.
    desktop.keys("ctrl+o")
    answer_file_dialog(desktop, "Open checkpoint", checkpoint)
    studio.wait_for_log("checkpoint inspected")
    time.sleep(0.5)
    desktop.keys("ctrl+l")
    studio.wait_for_log("voice loaded", 2)
    desktop.click(*TEXT_BOX)
    desktop.keys("ctrl+a")
    desktop.type("Yes.")
    desktop.keys("ctrl+Return")
    assert studio.take_of("Yes.")["recipe"] != take["recipe"]
    studio.quit()

    # Everything is back at the next start.
    again = start()
    again.ready()
    session = again.session()
    assert [take["text"] for take in session["takes"]] == ["Yes.", TEXT]
    assert session["checkpoint"] == str(checkpoint)
    assert session["text"] == "Yes."
    again.quit()


def test_speech_is_heard_while_it_is_made_beside_a_busy_program(desktop, start, tmp_path):
    """The first sound comes before the last is made, and what is heard has no gap, also where a core is taken."""
    arguments = () if resource("voice", "studio.safetensors").exists() else ("--checkpoint", str(tiny(tmp_path)))
    studio = start(*arguments)
    studio.ready()
    text = " ".join([TEXT, "What is made is heard at once,", "and nobody has to wait for the end of a long text."] * 2)
    desktop.click(*TEXT_BOX)
    desktop.keys("ctrl+a")
    desktop.type(text)
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        with desktop.recording() as heard:
            desktop.keys("ctrl+Return")
            wait_for(lambda: np.abs(heard()).max(initial=0.0) > 0.01, "the first sound")
            assert "take " not in studio.log()[studio._log_start :], "nothing was heard before everything was made"
            take = studio.take_of(text)
            time.sleep(take["seconds"] + 3)
            recording = heard()
    finally:
        busy.kill()
        busy.wait(20)
    wave, _ = soundfile.read(studio.home / "takes" / f"{take['id']}.wav", dtype="float32")
    assert len(wave) / RATE == pytest.approx(take["seconds"], abs=0.01)
    assert likeness(recording, wave) > ALIKE
    studio.quit()


def test_without_sound_everything_else_works(desktop, start, checkpoint):
    desktop.environment["PULSE_SERVER"] = "unix:/nowhere"
    studio = start("--checkpoint", str(checkpoint))
    studio.ready()
    desktop.click(*TEXT_BOX)
    desktop.keys("ctrl+a")
    desktop.type("No sound")
    desktop.keys("ctrl+Return")
    studio.take_of("No sound")
    studio.quit()


def test_panes_are_compared_by_key(desktop, start, checkpoint):
    studio = start("--checkpoint", str(checkpoint))
    studio.ready()
    desktop.run("xdotool", "mousemove", "620", "180", "click", "1")  # into the mels: keys are no text there
    for key in ("t", "n", "d"):
        desktop.keys(key)
    studio.wait_for_log("formants tracked")
    studio.wait_for_log("noise matched")
    studio.wait_for_log("aligned")
    desktop.keys("6")
    desktop.keys("k")
    desktop.keys("k")
    wait_for(lambda: studio.session().get("source") == "noise", "the noise to be heard")
    studio.quit()
    settings = json.loads((studio.home / "settings.json").read_text(encoding="utf-8"))
    assert (settings["show_formants"], settings["show_noise"], settings["pair_view"]) == (True, True, "blink")
