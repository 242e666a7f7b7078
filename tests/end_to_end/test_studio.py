"""The studio as a person uses it: real keys and clicks on an X server, real model, real sound server."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from tests.end_to_end.desktop import RATE, likeness, wait_for
from tests.end_to_end.running_studio import MARKS, voice_arguments

TEXT = "The window keeps moving while the voice is speaking."
ALIKE = 0.95

pytestmark = MARKS


def test_from_typed_text_to_heard_speech(desktop, start, checkpoint, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    studio.ready()

    # Type a sentence and speak it: it is heard, and what is heard is what is exported.
    studio.write(TEXT)
    with desktop.recording() as heard:
        desktop.keys("ctrl+Return")
        take = studio.take_of(TEXT)
        time.sleep(take["seconds"] + 3)
        recording = heard()
    exported = tmp_path / "spoken.wav"
    desktop.keys("ctrl+e")
    desktop.focus("^Export$")
    desktop.keys("Return")
    studio.answer_file_dialog("Export sound", exported)
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
    studio.answer_file_dialog("Export all panes to", folder)
    studio.wait_for_log("exported", 2)
    assert len(list(folder.glob("*.wav"))) == len(list(folder.glob("*.json"))) == 5
    original, _ = soundfile.read(next(folder.glob("*-original.wav")), dtype="float32")
    desktop.click_on("Ground truth: mel spectrogram")  # the keyboard leaves the text box
    with desktop.recording() as heard:
        desktop.keys("1", "Home", "space")
        time.sleep(len(original) / 24_000 + 3)
        assert likeness(heard(), original) > ALIKE

    # Another checkpoint: looked into first, then loaded, then it speaks.
    desktop.keys("ctrl+o")
    studio.answer_file_dialog("Open checkpoint", checkpoint)
    studio.wait_for_log("checkpoint inspected")
    time.sleep(0.5)
    desktop.keys("ctrl+l")
    studio.wait_for_log("voice loaded", 2)
    studio.write("Yes.")
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
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    text = " ".join(
        [TEXT, "What is made is heard at once,", "and nobody has to wait for the end of a long text."] * 2
    )
    studio.write(text)
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        with desktop.recording() as heard:
            desktop.keys("ctrl+Return")
            wait_for(lambda: np.abs(heard()).max(initial=0.0) > 0.01, "the first sound")
            assert "take " not in studio.log()[studio._log_start :], (
                "nothing was heard before everything was made"
            )
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
    studio.write("No sound")
    desktop.keys("ctrl+Return")
    studio.take_of("No sound")
    studio.quit()


def test_panes_are_compared_by_key(desktop, start, checkpoint):
    studio = start("--checkpoint", str(checkpoint))
    studio.ready()
    desktop.click_on("Ground truth: mel spectrogram")  # into the mels: keys are no text there
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
