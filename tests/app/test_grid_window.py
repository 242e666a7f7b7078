"""The grid of checkpoints: fills in the background, can be cancelled, plays, opens takes, exports."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from app.cells import Wish
from app.grid_window import GridWindow, chosen_of
from app.main_window import MainWindow
from app.session import Clip
from app.studio import Studio
from tests.app.conftest import PATIENCE
from tests.app.test_second_checkpoint import save
from widgets.cell_grid import thumbnail


@pytest.fixture
def window(studio: Studio, tmp_path: Path, qtbot) -> GridWindow:  # type: ignore[no-untyped-def]
    """A grid of three checkpoints (and the loaded voice, which the fake names but no file holds)."""
    for step in (500, 1000, 1500):
        save(tmp_path / "run", step)
    main = MainWindow(studio)
    qtbot.addWidget(main)
    studio.second.open_folder(tmp_path / "run")
    qtbot.waitUntil(lambda: len(studio.second.checkpoints) == 3, timeout=PATIENCE)
    main.show_grid()
    assert main._grid is not None
    main._grid.panel.set_texts(["First.", "Second one."])
    main._grid.show_all()
    return main._grid


def states(window: GridWindow) -> list[str]:
    rows, columns = window.grid.model().rowCount(), window.grid.model().columnCount()
    return [window.grid.cell(row, column).state for row in range(rows) for column in range(columns)]


def fill(window: GridWindow, qtbot) -> None:  # type: ignore[no-untyped-def]
    window.fill()
    qtbot.waitUntil(lambda: set(states(window)) == {"done"}, timeout=PATIENCE)


def test_it_fills_with_pictures_and_figures(window: GridWindow, qtbot) -> None:  # type: ignore[no-untyped-def]
    assert states(window) == ["empty"] * 6
    fill(window, qtbot)
    cell = window.grid.cell(1, 2)
    assert cell.picture is not None
    assert cell.picture.shape[0] == 100
    assert "contrast" not in cell.caption or "dB" in cell.caption
    assert window.items()[1].text == "Second one."
    window.panel.set_speakers(["heart", "george"], ["heart", "george"])
    window.show_all()
    assert states(window).count("done") == 6  # what was rendered stays, the other speaker is missing
    assert len(states(window)) == 12


def test_it_can_be_cancelled_and_goes_on(window: GridWindow, studio: Studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    window.panel.set_texts(["!slow", "Quick."])
    window.show_all()
    window.fill()
    qtbot.waitUntil(lambda: studio.cells.running is not None and studio.cells.running.item.text == "!slow",
                    timeout=PATIENCE)  # fmt: skip
    window.cancel()
    qtbot.waitUntil(lambda: studio.cells.running is None, timeout=PATIENCE)
    assert "done" not in {window.grid.cell(0, column).state for column in range(3)}
    window.panel.set_texts(["Quick."])
    window.show_all()
    fill(window, qtbot)


def test_a_click_plays_and_a_double_click_makes_a_take(window: GridWindow, studio: Studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    fill(window, qtbot)
    window.grid.play_requested.emit(0, 1)
    assert studio.player.source == "cell"
    heard = studio.listening.sounds()["cell"].wave
    cell = studio.cells.cell(Wish(window.checkpoints()[1], window.items()[0]))
    assert cell is not None
    assert heard is cell.renderings["autoregressive"].wave
    window.grid.open_requested.emit(0, 1)
    take = studio.session.take(studio.session.current_take)
    assert take is not None
    assert take.title == "step-001000: First."
    assert (take.text, take.recipe["step"]) == ("First.", 1000)
    np.testing.assert_array_equal(studio.store.load(take)[1], heard)
    qtbot.waitUntil(lambda: studio.store.wave_path(take.id).is_file(), timeout=PATIENCE)


def test_sounds_and_table_are_exported(window: GridWindow, studio: Studio, clip: Path, tmp_path: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    studio.session.clip = Clip(str(clip), "What is said in it.", "heart")
    window.show_all()
    window.panel._clip.setChecked(True)
    window.panel.set_texts([])
    window.show_all()
    fill(window, qtbot)
    assert "L1" in window.grid.cell(0, 0).caption
    with qtbot.waitSignal(studio.notice, timeout=PATIENCE):
        window.export_to(tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "cells.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 9  # three checkpoints, three mels each
    assert {row["step"] for row in rows} == {"500", "1000", "1500"}
    assert all((tmp_path / "out" / row["file"]).is_file() for row in rows)


def test_which_checkpoints() -> None:
    seven = list("abcdefg")
    chosen = {key: "".join(chosen_of(seven, key)) for key in ("all", "half", "last", "ends")}  # type: ignore[arg-type]
    assert chosen == {"all": "abcdefg", "half": "aceg", "last": "cdefg", "ends": "ag"}
    assert chosen_of(seven[:1], "ends") == ["a"]  # type: ignore[arg-type, comparison-overlap]


def test_a_thumbnail_has_low_bands_at_the_bottom_and_keeps_the_mean() -> None:
    mel = np.full((4, 1000), -50.0)
    mel[0, 500:] = 0.0
    table = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    picture = thumbnail(mel, (-50.0, 0.0), table, 160)
    assert picture.shape == (4, 160, 3)
    assert picture[3, -1, 0] == 255
    assert picture[3, 0, 0] == 0
    assert picture[0].max() == 0


def test_the_choices_are_there_at_the_next_start(window: GridWindow, studio: Studio, make_studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    window.panel.set_texts(["One.", "Two."])
    window.panel.set_speakers(["heart", "george"], ["george"])
    window.panel.set_choices("ends", "reconstruction", True)
    window.panel.changed.emit()
    studio.shutdown()
    again = make_studio()
    with qtbot.waitSignal(again.voice.loaded, timeout=PATIENCE):
        again.start()
    main = MainWindow(again)
    qtbot.addWidget(main)
    main.show_grid()
    assert main._grid is not None
    panel = main._grid.panel
    assert (panel.texts(), panel.speakers()) == (["One.", "Two."], ["george"])
    assert (panel.checkpoints(), panel.rendering(), panel.with_clip()) == ("ends", "reconstruction", True)


def test_whoever_a_checkpoint_of_the_run_knows_can_speak(window: GridWindow, studio: Studio, tmp_path, qtbot) -> None:  # type: ignore[no-untyped-def]
    save(tmp_path / "run", 2000, speakers=("ada", "heart"))
    studio.second._watch.look()
    qtbot.waitUntil(lambda: "ada" in window._names, timeout=PATIENCE)
    assert window._names[0] == "heart"
    assert window.panel.speakers() == ["heart"]
