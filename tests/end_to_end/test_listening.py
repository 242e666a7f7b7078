"""Comparing by ear: what comes out of the sound server is measured; a listener with good ears takes a blind test."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from tests.end_to_end.desktop import RATE, Desktop, likeness, wait_for
from tests.end_to_end.running_studio import MARKS, RunningStudio, voice_arguments

pytestmark = MARKS

TEXT = "All of them listened, and none of them heard the difference."
QUIET = -0.25
"""The clip is 12 dB quieter than the voice speaks, and upside down: no ear hears that, but a correlation does."""
TRIALS = 4
FRAME = 240
EXACT = 1e-3
"""A frame of the recording is that of a wave when no sample differs more; the sound server has 16 bits."""


@pytest.fixture
def compared(desktop, start, tmp_path) -> RunningStudio:
    """A studio with a quiet clip beside the voice, which speaks at its own level."""
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
    desktop.click_on("Ground truth: mel spectrogram")  # the keyboard leaves the text box
    return studio


def panes(studio: RunningStudio, folder: Path) -> dict[str, np.ndarray]:
    """The sound of each pane as the studio writes it."""
    folder.mkdir()
    studio.desktop.keys("ctrl+shift+e")
    studio.answer_file_dialog("Export all panes to", folder)
    studio.wait_for_log("exported")
    return {
        path.stem.split("-")[-1]: soundfile.read(path, dtype="float32")[0] for path in folder.glob("*.wav")
    }


def loudness(desktop: Desktop, source: str) -> float:
    """LUFS of a source as it comes out of the loudspeaker."""
    with desktop.recording() as heard:
        desktop.keys(source, "Home", "space")
        desktop.screen.wait_for("Pause", "push button")
        desktop.screen.wait_for("Play", "push button")
        recording = heard()
    sounding = np.flatnonzero(recording)
    return pyloudnorm.Meter(RATE).integrated_loudness(recording[sounding[0] : sounding[-1] + 1])


def test_switching_inside_a_loop_and_matched_levels_are_heard(desktop, compared, tmp_path):
    check_switching(desktop, compared, panes(compared, tmp_path / "panes"))
    desktop.keys("Escape", "Escape")  # the region is gone
    as_it_is = [loudness(desktop, source) for source in "15"]
    assert abs(as_it_is[0] - as_it_is[1]) > 6.0
    desktop.keys("m", "alt+4")
    desktop.screen.wait_for("−[0-9.]+ LUFS", "label")
    matched = [loudness(desktop, source) for source in "135"]
    assert np.ptp(matched) < 0.1
    compared.quit()


def check_switching(desktop: Desktop, studio: RunningStudio, waves: dict[str, np.ndarray]) -> None:
    """Whatever source is heard, it goes on at the very next sample of the loop, without a click."""
    first, second = waves["original"], waves["reconstruction"]
    x, y, width, height = desktop.screen.wait_for("Ground truth: mel spectrogram").box
    desktop.drag((x + width // 5, y + height // 2), (x + 2 * width // 5, y + height // 2))
    wait_for(lambda: studio.session().get("selection"), "the region")
    begin, end = (round(time * RATE) for time in studio.session()["selection"])
    switches = "31313"
    with desktop.recording() as heard:
        desktop.keys("1", "space")
        wait_for(lambda: np.any(heard()), "the first sound")
        for source in switches:
            until = len(heard()) + RATE // 2
            wait_for(lambda until=until: len(heard()) > until, "half a second more")
            desktop.keys(source)
        desktop.keys("space")
        desktop.screen.wait_for("Play", "push button")
        recording = heard()
    start = beginning(recording, first[begin:end])
    stop = int(np.flatnonzero(recording)[-1]) - RATE // 20  # it fades out at the end
    place = begin + np.arange(stop - start) % (end - begin)
    frames = []
    for at in range(0, stop - start - FRAME, FRAME):
        there = place[at : at + FRAME]
        frames.append(source_of(recording[start + at : start + at + FRAME], first[there], second[there]))
    assert frames.count("first") > 40
    assert frames.count("second") > 40
    seams = len(switches) + (stop - start) // (end - begin)
    assert frames.count("between") <= 2 * seams + 1, frames  # a fade of 6 ms touches two frames of 10 ms
    natural = max(np.abs(np.diff(wave[begin:end])).max() for wave in (first, second))
    assert np.abs(np.diff(recording)).max() < 1.2 * natural


def beginning(recording: np.ndarray, wave: np.ndarray) -> int:
    """The sample of the recording at which `wave` begins."""
    around = max(0, int(np.flatnonzero(recording)[0]) - 100)
    piece = wave[:4000]
    return around + int(
        np.argmax(np.correlate(recording[around : around + 200 + len(piece)], piece, "valid"))
    )


def source_of(heard: np.ndarray, first: np.ndarray, second: np.ndarray) -> str:
    errors = {"first": np.abs(heard - first).max(), "second": np.abs(heard - second).max()}
    nearest = min(errors, key=errors.__getitem__)
    return nearest if errors[nearest] < EXACT else "between"


def shown(desktop: Desktop) -> set[tuple[str, str, str]]:
    """All that can be read on the screen, but for the moment that plays."""
    return {
        (element.name, element.role, element.description)
        for element in desktop.screen.elements()
        if not element.name.startswith("Position")
    }


def test_a_listener_with_good_ears_passes_the_blind_test(desktop, start, compared, tmp_path):
    file = compared.home / "votes.jsonl"
    original, _ = soundfile.read(tmp_path / "quiet.wav", dtype="float32")
    desktop.keys("alt+4")
    desktop.choose("First sound", "Original")
    desktop.choose("Second sound", "Autoregressive")
    desktop.click_on("Number of trials", "spin box")
    desktop.keys("ctrl+a")
    desktop.type(f"{TRIALS}\t")
    desktop.click_on("Repeat", "check box")
    desktop.click_on("Start", "push button")
    for trial in range(1, TRIALS + 1):
        desktop.screen.wait_for(f"Trial {trial} of {TRIALS}", "label")
        with desktop.recording() as heard:
            is_original = {button: hears(desktop, heard, button, original) for button in "abx"}
            if trial == 1:
                assert is_given_away(desktop) == set()
                for name in ("Play", "Pause"):  # Space is Space, whatever was clicked before
                    desktop.keys("space")
                    desktop.screen.wait_for(name, "push button")
        assert is_original["a"] != is_original["b"]
        desktop.keys("shift+a" if is_original["a"] == is_original["x"] else "shift+b")
        wait_for(lambda trial=trial: len(lines(file)) == trial, "the vote on disk")
    desktop.screen.wait_for("No difference proven", "label")  # four votes cannot
    desktop.screen.wait_for(r"4 of 4 right: 100\s%, 95\s% interval 40 to 100\s%, p\s=\s0.062", "label")
    assert all(vote["answer"] == ("a" if vote["a"] == vote["x"] else "b") for vote in lines(file))

    # The table for a spreadsheet, and the votes after a restart.
    desktop.click_on("Export votes as CSV…", "push button")
    compared.answer_file_dialog("Export votes", tmp_path / "votes.csv")
    wait_for((tmp_path / "votes.csv").exists, "the table")
    rows = list(csv.DictReader((tmp_path / "votes.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["right"] for row in rows] == ["1"] * TRIALS
    assert {row["first"] for row in rows} == {"Original"}
    compared.quit()
    again = start()
    again.ready()
    again.page("Listening")
    desktop.screen.wait_for("ABX: Original.*Autoregressive", "label")
    desktop.screen.wait_for(".*4 of 4 right.*", "label")
    again.quit()


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def press(desktop: Desktop, button: str) -> None:
    desktop.keys(button)
    desktop.screen.wait_for(button.upper(), "check box", where=lambda element: "checked" in element.states)


def hears(desktop: Desktop, heard: Callable[[], np.ndarray], button: str, original: np.ndarray) -> bool:
    """Play A, B or X for a while; whether that is the original."""
    press(desktop, button)
    begin = len(heard()) + RATE // 4
    wait_for(lambda: len(heard()) > begin + RATE // 2, "half a second of it")
    piece = heard()[begin : begin + RATE // 2]
    return likeness(original, piece) > likeness(-original, piece)


def is_given_away(desktop: Desktop) -> set[tuple[str, str, str]]:
    """What can be read while one of A, B and X plays, but not while another one does."""
    read = []
    for button in "abx":
        press(desktop, button)
        read.append(shown(desktop))
    return set.union(*read) - set.intersection(*read)
