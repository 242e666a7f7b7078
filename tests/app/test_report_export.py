"""The report from the studio: the comparison on the screen, written by the core's own code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.blind_test import BlindTest, Side
from app.engine_messages import Compared, PaneSound
from app.engine_report import write_report
from app.messages_report import WriteReport
from app.reporting import report_extras
from app.session import Clip
from app.studio import Studio
from lewm_core.sweep_cells import CellRendering, SweepCell, SweepItem
from tests.app.conftest import PATIENCE
from tests.app.fakes import fake_mel, fake_wave


def test_the_comparison_on_the_screen_is_written(studio: Studio, clip: Path, tmp_path: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    assert not studio.exporting.can_draw
    studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(lambda: studio.exporting.can_draw, timeout=PATIENCE)
    with qtbot.waitSignal(studio.exporting.written, timeout=PATIENCE) as told:
        studio.exporting.export_report(tmp_path / "page.html")
    assert told.args == [[tmp_path / "page.html"]]
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "clip.wav What is said in it."


def test_without_a_comparison_it_says_what_to_do(studio: Studio, tmp_path: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    with qtbot.waitSignal(studio.exporting.trouble, timeout=PATIENCE) as told:
        studio.exporting.export_report(tmp_path / "page.html")
    assert "Open a clip" in told.args[0]


def test_the_extras_are_what_the_window_shows(studio: Studio, clip: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(lambda: studio.exporting.can_draw, timeout=PATIENCE)
    result = studio.comparison.result
    assert result is not None
    plain = report_extras(studio, result)
    assert (plain.second, plain.difference, plain.votes) == (None, None, ())
    assert not plain.formants.shown
    settings = studio.settings
    settings.pair_view, settings.pair_first, settings.pair_second = "blink", "second", "noise"
    settings.second_rendering, settings.noise_of, settings.show_formants = "teacher_forced", "teacher_forced", True
    item = SweepItem(result.text, clip=clip)
    made = CellRendering(fake_mel(50), fake_wave(50, 200))
    cell = SweepCell("epoch-90", 90, item, "heart", {"teacher_forced": made}, recipe={"checkpoint_sha256": "abc"})
    studio.second.cell = lambda _saved: cell  # type: ignore[method-assign]
    studio.second.item = lambda: item  # type: ignore[method-assign]
    test = BlindTest("ab", Side("B", {"text": result.text}), Side("Original"), 1, 0, True)
    other = BlindTest("abx", Side("B", {"text": "Something else."}), Side("Original"), 1, 0, True)
    studio.blind.votes = [test.vote("tie"), other.vote("a")]
    shown = report_extras(studio, result)
    assert shown.second is not None
    assert (shown.second.name, list(shown.second.panes)) == ("epoch-90", ["teacher_forced"])
    assert shown.difference is not None
    assert (shown.difference.first, shown.difference.second) == ("second_teacher_forced", "matched_noise")
    assert shown.formants.shown
    assert shown.noise_of == "teacher_forced"
    assert shown.votes == (("Preference: B  |  Original", "No preference. 1 without preference"),)
    cell = replace(cell, item=replace(item, text="Another sentence."))
    assert report_extras(studio, result).second is None  # B says something else


class Voice:
    """As much of a loaded voice as a report asks for."""

    from lewm_core.config import MelConfig

    info = type("Info", (), {"mel": MelConfig()})
    vocoder = type("Vocoder", (), {"decode": staticmethod(lambda mel: np.zeros(mel.shape[1] * 256, np.float32))})


def request(path: Path) -> WriteReport:
    panes = {
        "ground_truth": PaneSound(fake_mel(120), fake_wave(120, 220)),
        "reconstruction": PaneSound(fake_mel(120, 1), fake_wave(120, 220), 0.4),
    }
    compared = Compared("<b>Hello</b>", "ada", fake_wave(120, 200), 24_000, panes, "cancelled", {"text": "Hello"})
    colours = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    return WriteReport(compared, str(path), "clip.wav", (("Preset", "studio"),), colours, (-60.0, 20.0))


def run(job) -> object:  # type: ignore[no-untyped-def]
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_the_engine_writes_the_page_of_the_core(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    run(write_report(request(path), Voice(), lambda: False))  # type: ignore[arg-type]
    page = path.read_text(encoding="utf-8")
    assert "&lt;b&gt;Hello&lt;/b&gt;" in page
    assert "Preset" in page
    assert "clip.wav" in page
    assert "60 dB" in page


def test_a_cancelled_report_leaves_no_page(tmp_path: Path) -> None:
    asked = iter([False, False, True])
    assert run(write_report(request(tmp_path / "page.html"), Voice(), lambda: next(asked))) is None  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
