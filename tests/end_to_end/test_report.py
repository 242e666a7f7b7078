"""The report as a person makes it: what the studio shows and plays stands in one page, and `lewm report` agrees."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import soundfile

from lewm_core.cli import main
from tests.end_to_end.desktop import likeness, wait_for
from tests.end_to_end.running_studio import MARKS, voice_arguments

pytestmark = MARKS

NAMES = {
    "Recording": "original", "Vocoded": "ground-truth", "reconstruction": "reconstruction",
    "teacher_forced": "teacher-forced", "autoregressive": "autoregressive", "matched_noise": "noise",
}  # fmt: skip
"""What the sounds of the page are called, and how the files of "Export all panes" end."""


class Page(HTMLParser):
    """Text, tables, players by label or pane, and every attribute of a report."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.recipe = "", ""
        self.rows: list[list[str]] = []
        self.sounds: dict[str, np.ndarray] = {}
        self._pane, self._label, self._cell, self._inside_pre = "", "", False, False
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        self._cell = tag in ("td", "th") or (self._cell and tag == "a")
        self._inside_pre = tag == "pre"
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "figure":
            self._pane = values.get("id") or ""
        if tag == "audio":
            data = base64.b64decode((values["src"] or "").partition(",")[2])
            samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
            assert rate == 24_000
            self.sounds[self._label if self._pane == "ground_truth" else self._pane] = samples

    def handle_data(self, data: str) -> None:
        self.text += data
        self._label = data.strip() or self._label
        if self._inside_pre:
            self.recipe += data
            self._inside_pre = False
        elif self._cell and data.strip():
            self.rows[-1][-1] += data.strip()

    @property
    def numbers(self) -> dict[str, list[str]]:
        """The table "Numbers": its rows by their titles."""
        return {row[0]: row[1:] for row in self.rows if len(row) == 9 and row[0]}


def test_the_report_is_what_the_studio_shows_and_plays(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    desktop.click_on("Ground truth: mel spectrogram")
    for key in ("t", "n", "d"):
        desktop.keys(key)
    for words in ("formants tracked", "noise matched", "aligned"):
        studio.wait_for_log(words)
    path, folder = tmp_path / "page.html", tmp_path / "sounds"
    folder.mkdir()
    desktop.keys("ctrl+alt+e")
    studio.answer_file_dialog("Export report", path)
    studio.wait_for_log("exported", 1)
    desktop.keys("ctrl+shift+e")
    studio.answer_file_dialog("Export all panes to", folder)
    studio.wait_for_log("exported", 2)
    page = Page(path)

    # It needs nothing else: no address leads out of it, and nothing in it runs.
    addresses = [value for _, values in page.tags for name, value in values.items() if name in ("src", "href")]
    assert addresses
    assert all(str(address).startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"https?://|url\(|@import", page.source)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed"}

    # Each sound in it is, sample by sample, that of the pane; and one of them is heard.
    assert set(page.sounds) == set(NAMES)
    for name, ending in NAMES.items():
        wave, _ = soundfile.read(next(folder.glob(f"*-{ending}.wav")), dtype="int16")
        assert np.array_equal(page.sounds[name], wave), name
    desktop.click_on("Ground truth: mel spectrogram")
    with desktop.recording() as heard:
        desktop.keys("3", "Home", "space")
        reconstruction = page.sounds["reconstruction"] / np.float32(32768)
        wait_for(lambda: likeness(heard(), reconstruction) > 0.95, "the reconstruction")

    # Pictures, tracks, the difference; every number leads to its definition.
    pictures = [values for tag, values in page.tags if tag == "img"]
    assert len(pictures) == 6  # four panes, the noise, the difference
    assert sum(values.get("class") == "tracks" for _, values in page.tags) == 5
    assert any(values.get("id") == "show-tracks" and "checked" in values for _, values in page.tags)
    assert "Reconstruction minus ground truth" in page.text
    places = {values["id"] for _, values in page.tags if "id" in values}
    assert {str(address)[1:] for address in addresses if str(address).startswith("#")} <= places

    # The figures of the window, its verdict, and the recipe.
    for title in ("Reconstruction", "Teacher-forced prediction"):
        shown = f"L1 {float(page.numbers[title][0]):.2f}"
        assert desktop.screen.find(re.escape(shown), "label") is not None, f"{title}: {shown} is not on the screen"
    studio.page("TF / AR")
    verdict = re.search(r"Free run against teacher forcing: (.+)", page.text)
    assert verdict is not None
    desktop.screen.wait_for(f"(?i){re.escape(verdict[1].strip())}[.]?", "label")
    recipe, session = json.loads(page.recipe), studio.session()
    clip = session["clip"]
    assert (recipe["text"], recipe["speaker"], recipe["seed"]) == (clip["text"], clip["speaker"], session["seed"])
    studio.quit()

    # Without a window: the same numbers.
    again = tmp_path / "again.html"
    voice = voice_arguments(tmp_path)
    wanted = ["--text", clip["text"], "--speaker", clip["speaker"], "--seed", str(recipe["seed"])]
    assert main(["report", clip["path"], *wanted, "--out", str(again), *voice]) == 0
    assert Page(again).numbers == page.numbers
