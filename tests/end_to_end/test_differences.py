"""Where and how a pane differs from another: error strip, difference, wipe, blink, warp path, matched noise."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile

from tests.end_to_end.desktop import Desktop, likeness, wait_for
from tests.end_to_end.running_studio import MARKS, RunningStudio, voice_arguments
from tests.end_to_end.screen import Element

pytestmark = MARKS
A_FRAME = 256 / 24_000
"""Seconds."""


@pytest.fixture
def studio(desktop, start, tmp_path) -> RunningStudio:
    """A studio that has compared and aligned, with the keyboard in the mels."""
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    studio.wait_for_log("aligned")
    desktop.click_on("Ground truth: mel spectrogram")
    return studio


def position(desktop: Desktop) -> float:
    """Where the playhead is, in s: of the label in the transport bar."""
    name = desktop.screen.wait_for("Position .*", "label").name
    minutes, seconds = name.split()[1].split(":")
    return 60 * int(minutes) + float(seconds)


def wait_for_position(desktop: Desktop, seconds: float, tolerance: float = 0.002) -> None:
    wait_for(lambda: abs(position(desktop) - seconds) <= tolerance, f"the playhead at {seconds:.3f} s", 20)


def detail(desktop: Desktop, pane: str) -> str:
    """What stands behind the title of a pane, such as "L1 0.24"."""
    canvas = desktop.screen.wait_for(f"{re.escape(pane)}: mel spectrogram")
    x, y, width, _ = canvas.box
    for label in desktop.screen.elements("L1 .*", "label"):
        if y - 30 < label.box[1] < y and x <= label.box[0] < x + width:
            return label.name
    return ""


def number(words: str) -> float:
    """The first number in words."""
    found = re.search(r"[-+\u2212]?\d+\.\d+", words)
    assert found, words
    return float(found[0].replace("\u2212", "-"))


def mel_of(desktop: Desktop, pane: str) -> Element:
    return desktop.screen.wait_for(f"{re.escape(pane)}: mel spectrogram")


def looks_like(desktop: Desktop, shown: Element, pane: str, part: slice = slice(None)) -> float:
    """Mean difference of colours, column by column, between a part of the width of what is shown and of a pane."""
    # Titles lie over the upper half; rows may differ in height by a pixel.
    first, second = (
        desktop.picture(element.box)[element.box[3] // 2 :, part].mean(axis=0)
        for element in (shown, mel_of(desktop, pane))
    )
    return float(np.abs(first - second).mean())


def test_the_error_strip_leads_to_the_worst_place(desktop, studio):
    places = []
    for measure in ("Mel L1", "Formant blur"):
        if measure != "Mel L1":
            desktop.choose("Measure of error", measure)
        worst = desktop.screen.wait_for(
            "Go to the worst place, .*", "push button", where=lambda e: e.name not in places
        )
        places.append(worst.name)
        desktop.click(*worst.centre)
        wait_for_position(desktop, number(worst.name))
    assert "nats" in places[0]
    # The curve itself: a click in its middle goes to the middle of the clip.
    curve = desktop.screen.wait_for("Error over time")
    mel = mel_of(desktop, "Ground truth")
    desktop.click(mel.centre[0], curve.centre[1])
    desktop.keys("1")
    middle = position(desktop)
    desktop.click(*mel.centre)
    wait_for_position(desktop, middle, A_FRAME)
    # Another pane has its worst place elsewhere, or at least another value there.
    desktop.choose("Pane whose error is shown", "Autoregressive")
    other = desktop.screen.wait_for(
        "Go to the worst place, .*", "push button", where=lambda e: e.name not in places
    )
    desktop.keys("5")  # heard in its own time, the place is the one that is named
    desktop.click(*other.centre)
    wait_for_position(desktop, number(other.name))
    studio.quit()


def test_two_panes_are_subtracted_wiped_and_blinked(desktop, studio):
    screen = desktop.screen
    own = detail(desktop, "Teacher-forced")
    studio.page("Differences")
    desktop.choose("First pane", "Teacher-forced")
    desktop.click_on("Ground truth: mel spectrogram")
    desktop.keys("d")
    minus = "Teacher-forced \u2212 Ground truth"
    shown = mel_of(desktop, minus)
    assert detail(desktop, minus).startswith(f"{own} nats"), "A minus B has the L1 of the pane"
    bias = number(detail(desktop, minus).split("mean")[1])
    # Against itself there is no difference: one colour everywhere.
    colours = desktop.picture(shown.box)[len(desktop.picture(shown.box)) // 2 :].std()
    desktop.choose("Second pane", "Teacher-forced")
    same = mel_of(desktop, "Teacher-forced \u2212 Teacher-forced")
    wait_for(
        lambda: number(detail(desktop, "Teacher-forced \u2212 Teacher-forced")) == 0.0, "no difference", 20
    )
    assert desktop.picture(same.box)[same.box[3] // 2 :].std() < colours
    desktop.choose("Second pane", "Ground truth")
    desktop.click_on("Swap both panes", "push button")
    swapped = "Ground truth \u2212 Teacher-forced"
    mel_of(desktop, swapped)
    wait_for(lambda: number(detail(desktop, swapped).split("mean")[1]) == -bias, "the sign to change", 20)

    # Wipe, by mouse: A left of the divider, B right of it, and the divider goes where it is dragged.
    desktop.click_on("Wipe", "check box")
    shown = mel_of(desktop, "Ground truth | Teacher-forced")
    x, y, width, height = shown.box
    desktop.click(*mel_of(desktop, "Reconstruction").centre)  # playhead and pointer out of the way
    quarter, three = slice(width // 8, width * 3 // 8), slice(width * 5 // 8, width * 7 // 8)

    def shows(part: slice, pane: str, other: str) -> bool:
        return 3 * looks_like(desktop, shown, pane, part) < looks_like(desktop, shown, other, part)

    wait_for(lambda: shows(quarter, "Ground truth", "Teacher-forced"), "A at the left", 20)
    wait_for(lambda: shows(three, "Teacher-forced", "Ground truth"), "B at the right", 20)
    desktop.drag((x + width // 2, y + height // 2), (x + width - 8, y + height // 2))
    wait_for(lambda: shows(three, "Ground truth", "Teacher-forced"), "A at the right as well", 20)

    # Blink, by key: each press shows the other.
    desktop.keys("k")
    shown = mel_of(desktop, "Ground truth \u21c4 Teacher-forced")
    wait_for(lambda: shows(three, "Ground truth", "Teacher-forced"), "A", 20)
    desktop.keys("k")
    wait_for(lambda: shows(three, "Teacher-forced", "Ground truth"), "B", 20)
    desktop.keys("k")
    wait_for(lambda: shows(three, "Ground truth", "Teacher-forced"), "A again", 20)
    desktop.click_on("Change by itself", "check box")
    for pane, other in (("Teacher-forced", "Ground truth"), ("Ground truth", "Teacher-forced")):
        wait_for(lambda pane=pane, other=other: shows(three, pane, other), f"{pane} by itself", 20)
    desktop.click_on("Off", "check box")
    screen.wait_until_gone("Ground truth \u21c4 Teacher-forced: mel spectrogram")
    studio.quit()


def test_panes_are_linked_along_the_warp_path(desktop, studio):
    studio.page("Differences")
    path = desktop.screen.wait_for("Warp path", "filler")
    x, y, width, height = path.box
    desktop.click(x + width * 3 // 4, y + height // 2)
    wait_for(lambda: position(desktop) > 1.5, "the click on the path", 20)
    clip = position(desktop)
    mel = mel_of(desktop, "Ground truth")
    desktop.keys("5")  # the free run: the same word, at another time
    wait_for(lambda: abs(position(desktop) - clip) > 2 * A_FRAME, "the time of the same word", 20)
    free = position(desktop)
    desktop.click_on("Link panes along the warp path", "check box")
    desktop.keys("1")
    wait_for_position(desktop, free, A_FRAME)
    desktop.click_on("Link panes along the warp path", "check box")
    desktop.keys("5")
    wait_for(lambda: abs(position(desktop) - free) > 2 * A_FRAME, "linked again", 20)
    # A click into a linked pane, too, is carried along the path.
    desktop.keys("1")
    desktop.click(*mel.centre)
    clip = position(desktop)
    desktop.click(*mel_of(desktop, "Autoregressive").centre)
    wait_for(lambda: abs(position(desktop) - clip) > 2 * A_FRAME, "another word under the same place", 20)
    studio.quit()


def test_noise_of_the_same_l1_is_seen_heard_and_measured(desktop, studio, tmp_path):
    screen = desktop.screen
    desktop.keys("n")
    wait_for(lambda: detail(desktop, "Matched noise").startswith("L1"), "the noise", 60)
    assert detail(desktop, "Matched noise") == f"{detail(desktop, 'Reconstruction')}, as the reconstruction"
    studio.page("Differences")
    desktop.choose("Model pane whose error is matched", "Teacher-forced")
    expected = f"{detail(desktop, 'Teacher-forced')}, as the teacher-forced"
    wait_for(lambda: detail(desktop, "Matched noise") == expected, "noise of another pane", 60)

    # The table: the noise has the L1 of the model, but not its structure.
    table = screen.wait_for("Model's error and noise of the same L1")
    cells = [label for label in screen.elements(role="label", inside=table) if label.name]

    def row(name: str) -> list[float]:
        first = next(cell for cell in cells if cell.name == name)
        line = [cell for cell in cells if abs(cell.centre[1] - first.centre[1]) < 6 and cell is not first]
        return [number(cell.name) for cell in sorted(line, key=lambda cell: cell.box[0])]

    for axis in ("along frequency", "along time"):
        model, noise = row(axis)
        assert abs(noise) < 0.05 < 0.2 < model
    l1 = number(expected)
    for kind in ("loud", "quiet", "voiced", "unvoiced"):
        assert row(kind)[1] == pytest.approx(l1, abs=0.03), "noise spreads evenly"
    verdict = screen.wait_for(r"L1 \d.*The error is .*", "label").name
    assert number(verdict) == l1

    # Heard by key 6, and it is what is written as the sound of this pane.
    folder = tmp_path / "panes"
    folder.mkdir()
    desktop.click_on("Matched noise: mel spectrogram")
    desktop.keys("ctrl+shift+e")
    studio.answer_file_dialog("Export all panes to", folder)
    studio.wait_for_log("exported")
    sounds = {
        path.stem.split("-")[-1]: soundfile.read(path, dtype="float32")[0] for path in folder.glob("*.wav")
    }
    noise = sounds["noise"]
    with desktop.recording() as heard:
        desktop.keys("6", "Home", "space")
        wait_for(lambda: likeness(heard(), noise) > 0.95, "the noise to be heard", 30)
        assert likeness(heard(), sounds["original"]) < 0.9
    studio.quit()
