"""Comparing by ear: what comes out of the sound server is measured, and the votes of a blind test are looked after."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from tests.end_to_end.desktop import RATE, Desktop, likeness, wait_for
from tests.end_to_end.running_studio import MARKS, RunningStudio, voice_arguments

pytestmark = MARKS

TEXT = "All of them listened, and none of them heard the difference."
QUIET = 0.25
"""The clip is 12 dB quieter than the voice speaks."""
TRIALS = 4


@pytest.fixture
def compared(desktop, start, tmp_path) -> tuple[RunningStudio, np.ndarray]:
    """A studio with a quiet clip beside the voice that speaks at its own level; the clip (samples,)."""
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    studio.write(TEXT)
    desktop.keys("ctrl+Return")
    take = studio.take_of(TEXT)
    spoken = studio.home / "takes" / f"{take['id']}.wav"
    wait_for(spoken.exists, "the sound of the take")
    wave = QUIET * soundfile.read(spoken, dtype="float32")[0]
    soundfile.write(tmp_path / "quiet.wav", wave, RATE, subtype="FLOAT")
    desktop.screen.wait_for("Play", "push button")  # the speech has come to its end
    desktop.keys("ctrl+shift+o")
    studio.answer_file_dialog("Open clip", tmp_path / "quiet.wav")
    desktop.click_on("What is said in the clip", "text")
    desktop.keys("ctrl+a")
    desktop.type(TEXT)
    desktop.keys("Return")
    studio.wait_for_log("compared", 2)
    desktop.screen.wait_for("Autoregressive", "check box")
    desktop.click_on("Ground truth: mel spectrogram")  # the keyboard leaves the text box
    return studio, wave


def loudness(desktop: Desktop, source: str) -> float:
    """LUFS of a source as it comes out of the loudspeaker."""
    with desktop.recording() as heard:
        desktop.keys(source, "Home", "space")
        desktop.screen.wait_for("Pause", "push button")
        desktop.screen.wait_for("Play", "push button")
        return pyloudnorm.Meter(RATE).integrated_loudness(heard())


def test_matched_levels_are_heard(desktop, compared):
    as_it_is = [loudness(desktop, source) for source in "15"]
    assert abs(as_it_is[0] - as_it_is[1]) > 6.0
    desktop.keys("m", "alt+4")
    desktop.screen.wait_for(r"[+−].* dB", "label")
    matched = [loudness(desktop, source) for source in "135"]
    assert np.ptp(matched) < 0.2
    compared[0].quit()


def exported(studio: RunningStudio, folder: Path) -> dict[str, np.ndarray]:
    """The sound of each pane as the studio writes it."""
    folder.mkdir()
    studio.desktop.keys("ctrl+shift+e")
    studio.answer_file_dialog("Export all panes to", folder)
    studio.wait_for_log("exported")
    return {path.stem.split("-")[-1]: soundfile.read(path, dtype="float32")[0] for path in folder.glob("*.wav")}


def test_sources_are_switched_at_the_same_sample_inside_a_loop(desktop, compared, tmp_path):
    studio, _ = compared
    waves = exported(studio, tmp_path / "panes")
    first, second = waves["original"], waves["reconstruction"]
    x, y, width, height = desktop.screen.wait_for("Ground truth: mel spectrogram").box
    desktop.drag((x + width // 5, y + height // 2), (x + 2 * width // 5, y + height // 2))
    wait_for(lambda: studio.session().get("selection"), "the region")
    begin, end = (round(second_ * RATE) for second_ in studio.session()["selection"])
    rounds = 4
    with desktop.recording() as heard:
        desktop.keys("1", "space")
        wait_for(lambda: np.abs(heard()).max(initial=0.0) > 0.01, "the first sound")
        for number in range(1, 2 * rounds):
            wanted = len(heard()) + (end - begin) * 2 // 5
            wait_for(lambda wanted=wanted: len(heard()) > wanted, "the moment to switch")
            desktop.keys("3" if number % 2 else "1")
        desktop.keys("space")
        desktop.screen.wait_for("Play", "push button")
        recording = heard()
    place = begin + np.arange(rounds * (end - begin)) % (end - begin)
    length = (end - begin) // 4
    start = int(np.argmax(np.correlate(recording[: 4 * RATE], first[begin : begin + length], "valid")))
    heard_there = recording[start : start + len(place)]
    switched = 0
    count = len(heard_there) * 2 // 3 // 240
    sources = []
    for frame in range(count):
        samples = slice(240 * frame, 240 * (frame + 1))
        errors = [np.abs(heard_there[samples] - wave[place[samples]]).max() for wave in (first, second)]
        sources.append(int(np.argmin(errors)) if min(errors) < 2e-3 else -1)
    del switched
    print(sources)
    studio.quit()
