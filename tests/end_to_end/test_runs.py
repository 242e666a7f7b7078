"""Checkpoints over time: a run folder as a time line, B beside the loaded voice, and the grid."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.end_to_end.desktop import RATE, likeness, wait_for
from tests.end_to_end.running_studio import MARKS, RunningStudio
from tests.lewm_core.tiny import tiny_run

PAGE = "Checkpoints over time"
GRID = "Checkpoints, sentences, speakers"
OPEN_RUN = "Run: a folder"
ALIKE = 0.95
RENDERING = 300.0
"""Seconds: a watchdog; the engine in the background gives way to everything else that runs."""

pytestmark = MARKS


@pytest.fixture
def run(tmp_path) -> Path:
    """Three checkpoints and a log, as `lewm train` leaves them."""
    folder = tiny_run(tmp_path / "my run")
    lines = [
        {"step": step, "kind": "train", "time": 1.0, "total": 100 / step} for step in range(50, 1501, 50)
    ]
    lines += [{"step": step, "kind": "validation", "total": 120 / step} for step in (500, 1000, 1500)]
    (folder / "predictor.log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def open_run(desktop, studio: RunningStudio, run: Path) -> None:
    studio.page(PAGE)
    desktop.click_on("Open run…", "push button")
    studio.answer_file_dialog(OPEN_RUN, run)


def wait_for_place(desktop, words: str) -> None:
    desktop.screen.wait_for(re.escape(words), "label")


def wait_for_end(heard: Callable[[], np.ndarray], wave: np.ndarray) -> None:
    """Wait until a sound of this wave was heard, and nothing for a second since."""
    loud = 0.05 * float(np.abs(wave).max())
    wait_for(lambda: np.abs(heard()).max(initial=0.0) > loud, "the sound")
    least = len(wave) + RATE
    wait_for(lambda: len(heard()) > least and np.abs(heard()[-RATE:]).max() < loud, "the end of the sound")


def measures(desktop) -> list[str]:
    """What stands in the table of A and B."""
    heading = desktop.screen.find("A: loaded", "label")
    labels = [element for element in desktop.screen.elements(role="label") if element.box[1] > heading.box[1]]
    return [element.name for element in labels if re.fullmatch(r"[\d.]+ (nats|dB|s)|[\d.]+", element.name)]


def test_a_run_folder_as_a_time_line(desktop, start, checkpoint, run, tmp_path):
    studio = start("--checkpoint", str(checkpoint))
    studio.ready()
    open_run(desktop, studio, run)

    # The newest checkpoint comes first, beside the loaded voice, with its measures and the losses of the log.
    wait_for_place(desktop, "step 1,500 · 3 of 3")
    desktop.screen.wait_for("my run", "label")
    desktop.screen.wait_for(r"step-001500 · Autoregressive · L1 [\d.]+.*", "label", patience=RENDERING)
    assert desktop.screen.find("B: mel spectrogram")
    wait_for(lambda: len([text for text in measures(desktop) if "nats" in text]) == 2, "the L1 of A and of B")
    assert desktop.screen.find("predictor: total", "combo box") or desktop.screen.find("Losses from the log")

    # By keys: those of the slider, and comma and full stop wherever the keyboard is.
    slider = desktop.click_on("Checkpoint of the run", "slider")
    desktop.keys("Home")
    wait_for_place(desktop, "step 500 · 1 of 3")
    desktop.screen.wait_for(r"step-000500 · .*", "label")
    desktop.keys("Right")
    wait_for_place(desktop, "step 1,000 · 2 of 3")
    desktop.click_on("B: mel spectrogram")
    desktop.keys("comma")
    wait_for_place(desktop, "step 500 · 1 of 3")

    # By the slider: dragged to its end.
    x, y, width, height = slider.box
    desktop.drag((x + 8, y + height // 2), (x + width - 3, y + height // 2))
    wait_for_place(desktop, "step 1,500 · 3 of 3")
    assert desktop.screen.value(slider) == 2

    # Training goes on: what it saves comes up by itself, because the newest one was shown.
    tiny_run(run, (2000,))
    wait_for_place(desktop, "step 2,000 · 4 of 4")
    desktop.screen.wait_for(r"step-002000 · .*", "label")

    # B is heard as it is exported.
    desktop.click_on(r"Reconstr\.")
    desktop.screen.wait_for(r"step-002000 · Reconstruction · .*", "label")
    folder = tmp_path / "panes"
    folder.mkdir()
    desktop.keys("ctrl+shift+e")
    studio.answer_file_dialog("Export all panes to", folder)
    studio.wait_for_log("exported")
    (path,) = folder.glob("*-second.wav")
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["step"] == 2000
    wave, _ = soundfile.read(path, dtype="float32")
    with desktop.recording() as heard:
        desktop.click_on("B: mel spectrogram")
        desktop.keys("7", "Home", "space")
        wait_for_end(heard, wave)
        assert likeness(heard(), wave) > ALIKE

    # A and B against each other, and everything there again at the next start.
    desktop.click_on("Earlier checkpoint", "push button")
    wait_for_place(desktop, "step 1,500 · 3 of 4")
    studio.quit()
    again = start()
    again.ready()
    wait_for_place(desktop, "step 1,500 · 3 of 4")
    desktop.screen.wait_for(r"step-001500 · Reconstruction · .*", "label")
    again.quit()


def test_the_grid_of_checkpoints(desktop, start, checkpoint, run, tmp_path):
    studio = start("--checkpoint", str(checkpoint))
    studio.ready()
    desktop.keys("ctrl+g")
    desktop.focus(GRID)
    desktop.click_on("Open run… for the grid", "push button")
    desktop.focus(OPEN_RUN)
    desktop.type(str(run))
    desktop.keys("Return")
    desktop.screen.wait_for("my run", "label")
    desktop.focus(GRID)

    # Sentences by speakers by checkpoints: fill, cancel in the middle, go on.
    desktop.click_on("Sentences, one a line", "text")
    desktop.keys("ctrl+a")
    for number in ("one", "two", "three", "four"):
        desktop.type(f"This is sentence number {number}, which is spoken by all.")
        desktop.keys("Return")
    row = desktop.screen.wait_for("carl", "list item")
    desktop.click(row.box[0] + 10, row.centre[1])
    desktop.screen.wait_for("0 of 32 rendered", "label")
    desktop.click_on("Fill the grid", "push button")
    desktop.screen.wait_for(r"([1-9]|[12]\d) of 32 rendered", "label", patience=RENDERING)
    desktop.click_on("Cancel filling the grid", "push button")
    desktop.screen.wait_for("Fill the grid", "push button")
    stopped = desktop.screen.find(r"\d+ of 32 rendered", "label").name
    assert stopped != "32 of 32 rendered"
    desktop.click_on("Fill the grid", "push button")
    desktop.screen.wait_for("32 of 32 rendered", "label", patience=RENDERING)

    # Sounds and table; a cell is heard as it was written.
    folder = tmp_path / "cells"
    folder.mkdir()
    desktop.click_on("Export sounds and table…", "push button")
    studio.answer_file_dialog("Export sounds and table to", folder)
    wait_for((folder / "cells.csv").exists, "the table")
    rows = list(csv.DictReader((folder / "cells.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 32
    assert {row["speaker"] for row in rows} == {"ada", "carl"}
    row = next(row for row in rows if row["checkpoint"] == "step-000500" and row["speaker"] == "ada")
    wave, _ = soundfile.read(folder / row["file"], dtype="float32")
    desktop.focus(GRID)
    with desktop.recording() as heard:
        desktop.click_on(f"step-000500.*ada.{re.escape(row['text'])}.*", "cell")
        wait_for_end(heard, wave)
        assert likeness(heard(), wave) > ALIKE
    studio.quit()

    # The choices are there again.
    again = start()
    again.ready()
    desktop.keys("ctrl+g")
    desktop.screen.wait_for("0 of 32 rendered", "label")
    again.quit()
