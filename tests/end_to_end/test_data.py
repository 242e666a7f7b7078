"""The data window as a person uses it: a folder made by `lewm preprocess` is searched, measured, heard and opened."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lewm_core.cli import main
from lewm_core.data_rows import open_store, row_sound
from lewm_core.resources_path import resource
from tests.end_to_end.desktop import Desktop, likeness, wait_for
from tests.end_to_end.running_studio import MARKS, RunningStudio, voice_arguments
from tests.end_to_end.screen import Element

pytestmark = MARKS

WINDOW = "^Data — LeWM Studio$"
ALIKE = 0.95
COPIES = 8
"""Of each clip, of one to four times its length: measuring goes on for seconds, and can be cancelled on the way."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of the clips that ship with the studio, each with several lengths."""
    folder = tmp_path_factory.mktemp("data")
    lines = []
    for number, clip in enumerate(json.loads(resource("clips", "clips.json").read_text(encoding="utf-8"))):
        wave, rate = soundfile.read(resource("clips", clip["file"]), dtype="float32")
        for copy in range(COPIES):
            name = f"{number}-{copy}.wav"
            soundfile.write(folder / name, np.tile(wave, 1 + copy % 4), rate)
            number_said = f" Number {copy}." if clip["language"] != "hi" else ""
            lines.append({**clip, "audio": name, "text": clip["text"] + number_said})
    raw = folder / "list.jsonl"
    raw.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    assert main(["preprocess", str(raw), str(folder / "prepared"), "--split", "train", "--workers", "1"]) == 0
    return folder / "prepared" / "train.jsonl"


def rows(manifest: Path) -> list[dict]:
    return [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]


def shown_rows(desktop: Desktop, window: Element) -> list[list[str]]:
    """Cells of each row that is on the screen, from the top."""
    table = desktop.screen.wait_for("Utterances", "table", inside=window)
    _, top, _, height = table.box
    by_height: dict[int, list[tuple[int, str]]] = {}
    for cell in desktop.screen.elements(role="cell", inside=table):
        x, y, _, _ = cell.box
        if top < y < top + height:
            by_height.setdefault(y, []).append((x, cell.name))
    return [[name for _, name in sorted(cells)] for _, cells in sorted(by_height.items())]


def sorted_by(desktop: Desktop, window: Element, title: str, column: int) -> list[str]:
    """Click a title; that column as soon as the rows stand in another order."""
    before = shown_rows(desktop, window)
    desktop.click_on(title, "column header", inside=window)
    wait_for(lambda: shown_rows(desktop, window) != before, "another order")
    return [row[column] for row in shown_rows(desktop, window)]


def open_data(desktop: Desktop, studio: RunningStudio, manifest: Path) -> Element:
    """Open a manifest by its key; the data window."""
    desktop.keys("ctrl+shift+d")
    studio.answer_file_dialog("Open data", manifest)
    desktop.focus(WINDOW)
    return desktop.screen.wait_for("Data — LeWM Studio", "filler")


def test_a_folder_is_searched_and_a_row_becomes_the_ground_truth(desktop, start, data, tmp_path):
    there = rows(data)
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    window = open_data(desktop, studio, data)
    desktop.screen.wait_for(rf"{len(there)} utterances · .*", "label", inside=window)

    # Speaker and language are chosen, the length is limited.
    desktop.choose("All speakers", "george")
    georges = [row for row in there if row["speaker"] == "george"]
    desktop.screen.wait_for(rf"{len(georges)} of {len(there)} utterances · .*", "label", inside=window)
    desktop.click_on("Longest length", "spin box", inside=window)
    desktop.keys("ctrl+a")
    desktop.type("5")
    short = [row for row in georges if row["end"] - row["start"] <= 5]
    assert 0 < len(short) < len(georges)
    desktop.screen.wait_for(rf"{len(short)} of {len(there)} utterances · .*", "label", inside=window)
    desktop.click_on("Show all", "push button", inside=window)
    desktop.choose("All languages", "Hindi")
    hindi = [row for row in there if row["language"] == "hi"]
    desktop.screen.wait_for(rf"{len(hindi)} of {len(there)} utterances · .*", "label", inside=window)
    desktop.click_on("Show all", "push button", inside=window)
    desktop.screen.wait_for(rf"{len(there)} utterances · .*", "label", inside=window)

    # A click on a title sorts, another one the other way round.
    lengths = sorted(row["end"] - row["start"] for row in there)
    for expected in (lengths, lengths[::-1]):
        shown = sorted_by(desktop, window, "Length", 4)
        assert shown == [f"{seconds:.2f} s" for seconds in expected[: len(shown)]]

    # The search is typed, Down goes into what is found, Space plays it, Enter opens it.
    desktop.keys("ctrl+f")
    desktop.type("crumble number four")
    desktop.screen.wait_for(rf"1 of {len(there)} utterances · .*", "label", inside=window)
    (wanted,) = [n for n, row in enumerate(there) if row["speaker"] == "george" and "umber four." in row["text"]]
    desktop.keys("Down")
    desktop.screen.wait_for("Utterances", "table", inside=window, where=lambda table: "focused" in table.states)
    wave, problem = row_sound(data.parent, open_store(data), wanted)
    assert wave is not None, problem
    with desktop.recording() as heard:
        desktop.keys("space")
        wait_for(lambda: likeness(heard(), wave) > ALIKE, "the sound of the row")
    desktop.keys("Return")
    studio.wait_for_log("compared", 2)
    wait_for(lambda: (studio.session().get("clip") or {}).get("text") == there[wanted]["text"], "the transcript")
    assert studio.session()["clip"]["speaker"] == "george"

    # In the studio: transcript, figures, and the recorded sound.
    desktop.keys("ctrl+w")
    wait_for(lambda: not desktop.windows(WINDOW), "the end of the data window")
    desktop.focus("LeWM Studio")
    transcript = desktop.screen.wait_for("What is said in the clip", "text")
    assert desktop.screen.text(transcript) == there[wanted]["text"]
    desktop.screen.wait_for("recording and mel of the data folder", "label")
    desktop.screen.wait_for(r"L1 \d\.\d\d along DTW", "label")
    desktop.click_on("Ground truth: mel spectrogram")
    with desktop.recording() as heard:
        desktop.keys("1", "Home", "space")
        wait_for(lambda: likeness(heard(), wave) > ALIKE, "the recorded sound")
    studio.quit()


def test_the_reconstruction_error_is_measured_cancelled_sorted_and_kept(desktop, start, data, tmp_path):
    count = len(rows(data))
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    window = open_data(desktop, studio, data)
    desktop.screen.wait_for(rf"{count} utterances · .*", "label", inside=window)

    # Cancelled on the way: what was measured stays.
    button = desktop.click_on("Measure reconstruction error", "push button", inside=window)
    place = button.box[0] + 20, button.centre[1]
    status = desktop.screen.wait_for(rf"\d+ of {count} measured.*", "label", inside=window)
    desktop.click(*place)
    desktop.screen.wait_for("Measure reconstruction error", "push button", inside=window)
    some = int(desktop.screen.fresh(status).name.split()[0])
    assert 0 < some < count

    # Then all of them; the worst come first.
    desktop.click_on("Measure reconstruction error", "push button", inside=window)
    desktop.screen.wait_for(rf"{count} of {count} measured", "label", inside=window)
    for downwards in (False, True):
        errors = [float(error) for error in sorted_by(desktop, window, "Mel L1", 5)]
        assert errors == sorted(errors, reverse=downwards)
        assert min(errors) > 0
    desktop.keys("ctrl+w")
    wait_for(lambda: not desktop.windows(WINDOW), "the end of the data window")
    studio.quit()

    # The next time they are there, and nothing has to be measured.
    again = start(*voice_arguments(tmp_path))
    again.ready()
    desktop.keys("ctrl+d")
    desktop.focus(WINDOW)
    desktop.screen.wait_for(rf"{count} of {count} measured", "label")
    desktop.keys("ctrl+w")
    again.quit()
