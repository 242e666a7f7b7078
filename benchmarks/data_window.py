"""Whether the data window ever stops on a large manifest: `python -m benchmarks.data_window --rows 100000`.

Makes a manifest of that many rows, opens it in the real window (Qt's offscreen platform) and does what a person does:
search letter by letter, filter, sort by every column, show measures. Prints, for each, the time until it is done and
the longest gap of the event loop, with the processor time that the window's own thread took in a gap.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.data_window import DataWindow
    from app.heartbeat import Heartbeat
    from app.studio import Studio

WORDS = (
    "harbour sailor window garden नदी पहाड़ candle orchard thunder marble copper whisper lantern meadow velvet"
).split()
SETTLE_S = 0.4
"""The loop runs on for so long after each step: the search waits for a pause in typing, painting comes after it."""


def write_manifest(folder: Path, rows: int) -> Path:
    """A made-up manifest of many speakers in three languages; without mels."""
    chance = random.Random(0)
    with (folder / "train.jsonl").open("w", encoding="utf-8") as file:
        for row in range(rows):
            text = " ".join(chance.choices(WORDS, k=9)) + f" {row}."
            line = {
                "text": text, "phonemes": "x" * len(text), "speaker": f"speaker {row % 40:02d}",
                "language": ("en-US", "en-GB", "hi")[row % 3], "offset": 300 * row, "frames": 300,
                "audio": f"../corpus/{row}.wav", "start": 0.0, "end": chance.uniform(0.5, 12.0),
            }  # fmt: skip
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return folder / "train.jsonl"


def measure(rows: int) -> None:
    """Open, search, filter, sort; print a line each."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication

    from app.data_window import DataWindow
    from app.dialogs import FileDialogs
    from app.heartbeat import Heartbeat
    from app.paths import Places
    from app.studio import Studio

    application = QApplication([])
    with tempfile.TemporaryDirectory(prefix="lewm-bench-") as folder:
        studio = Studio(Places(Path(folder)), fresh=True)
        window = DataWindow(studio, FileDialogs(None, studio.settings), None)  # type: ignore[arg-type]
        window.show()
        steps(application, studio, window, Heartbeat(), write_manifest(Path(folder), rows), rows)
        studio.shutdown()


def steps(
    application: QApplication, studio: Studio, window: DataWindow, beat: Heartbeat, manifest: Path, rows: int
) -> None:
    """What a person does, one after the other."""
    from PySide6.QtCore import QCoreApplication, QEventLoop, Qt

    browser, data = window.browser, studio.data

    def run(name: str, do: Callable[[], object], done: Callable[[], bool] = lambda: True) -> None:
        beat.begin(name)
        start = time.perf_counter()
        do()
        while not done():
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        taken, deadline = time.perf_counter() - start, time.perf_counter() + SETTLE_S
        while time.perf_counter() < deadline:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        beat.stop()
        print(
            f"{name:<24} {taken:6.2f} s   gap {beat.stalls[name]:4.0f} ms, own work {beat.work[name]:4.0f} ms"
        )

    run("open", lambda: data.open(manifest), lambda: len(data.rows) == rows and bool(browser.count_text()))
    for letters in ("l", "la", "lan", "lantern m", ""):
        run(f"search {letters!r}", lambda letters=letters: browser.search.setText(letters))  # type: ignore[misc]
    run("speaker", lambda: browser.speaker.setCurrentIndex(7))
    run("all speakers", lambda: browser.speaker.setCurrentIndex(0))
    run("language", lambda: browser.language.setCurrentIndex(2))
    run("all languages", lambda: browser.language.setCurrentIndex(0))
    run("length", lambda: browser.shortest.setValue(3.0))
    for column, title in enumerate(("row", "text", "speaker", "language", "length", "mel L1")):
        for order in (Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder):
            run(
                f"sort by {title} {order.name[:3].lower()}",
                lambda c=column, o=order: browser.table.sortByColumn(c, o),
            )  # type: ignore[misc]

    def some_measured() -> None:
        found = np.random.default_rng(0).uniform(size=rows).astype(np.float32)
        data.errors = np.where(np.arange(rows) % 2, found, np.float32(np.nan))
        data.measured.emit()

    run("measures come in", some_measured)
    run("open another time", lambda: data.open(manifest), lambda: bool(np.isnan(data.errors).all()))
    application.processEvents()


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    measure(parser.parse_args().rows)


if __name__ == "__main__":
    main()
