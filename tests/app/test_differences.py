"""Pair pane, noise pane and the page "Differences" in the window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.main_window import MainWindow
from app.session import Clip
from app.settings import settings_from_json
from lewm_core.config import LN_TO_DB
from tests.app.conftest import PATIENCE


@pytest.fixture
def window(studio, qtbot, clip) -> MainWindow:
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(lambda: studio.alignment.map is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: studio.running_job() is None, timeout=PATIENCE)
    return window


def test_the_difference_of_two_panes_is_a_pane(window):
    studio = window.studio
    QTest.keyClick(window, Qt.Key.Key_D)
    assert "pair" in window.mels.shown_panes()
    truth, made = (studio.panes.content(key).mel_db for key in ("ground_truth", "reconstruction"))
    canvas = window.mels.pane("pair").canvas
    assert canvas.level_at(1.0, 20) == pytest.approx(float(made[20, 94] - truth[20, 94]), abs=1e-3)
    expected = float(np.abs(made - truth).mean()) / LN_TO_DB
    assert f"L1 {expected:.2f}" in window.pair.numbers()
    QTest.keyClick(window, Qt.Key.Key_D)
    assert "pair" not in window.mels.shown_panes()


def test_swapped_panes_give_the_opposite_difference(window):
    window.pair.set_view("difference")
    one = window.pair.pair.difference
    window.pair.choose("ground_truth", "reconstruction")
    np.testing.assert_array_equal(window.pair.pair.difference, -one)


def test_the_free_run_is_compared_along_the_path(window):
    studio = window.studio
    window.pair.choose("autoregressive", "ground_truth")
    pair = window.pair.pair
    assert pair.aligned
    assert pair.first.shape == studio.panes.content("ground_truth").mel_db.shape
    studio.alignment.set_linked(False)
    assert not window.pair.pair.aligned
    assert window.pair.pair.first.shape[1] == 180, "the common beginning"


def test_wipe_and_blink_by_key(window):
    canvas = window.mels.pane("pair").pair
    QTest.keyClick(window, Qt.Key.Key_W)
    assert canvas.mode == "wipe"
    QTest.keyClick(window, Qt.Key.Key_K)
    assert (canvas.mode, canvas.shows_second) == ("blink", False)
    QTest.keyClick(window, Qt.Key.Key_K)
    assert canvas.shows_second
    assert not window.studio.settings.blink_timed, "by hand from now on"
    assert "⇄" in window.mels.pane("pair").header.title_label.text()


def test_the_noise_is_seen_heard_and_measured(window, qtbot):
    studio = window.studio
    assert "noise" not in studio.panes.sounds()
    QTest.keyClick(window, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: "noise" in studio.panes.sounds(), timeout=PATIENCE)
    assert window.mels.pane("noise").isVisible()
    assert window.transport._sources.segment("noise").isEnabled()
    QTest.keyClick(window, Qt.Key.Key_6)
    assert studio.player.source == "noise"
    window.show_tab("differences")
    labels = [row.label for row in window.differences.table.rows()]
    assert labels == [
        "Correlation of the error",
        "along frequency",
        "Mel L1 by kind of frame",
        "loud",
        "pause",
        "Mel L1 by frequency",
        "0–0.5 kHz",
    ]
    assert window.differences.table.rows()[4].values == ("–", "–")
    assert all(row.definition for row in window.differences.table.rows() if row.values)
    QTest.keyClick(window, Qt.Key.Key_N)
    assert "noise" not in studio.panes.sounds()
    assert studio.player.source != "noise"


def test_noise_is_matched_only_while_somebody_looks(window, qtbot):
    studio = window.studio
    assert studio.noise.study is None
    window.show_tab("differences")
    qtbot.waitUntil(lambda: studio.noise.study is not None, timeout=PATIENCE)
    assert not window.mels.pane("noise").isVisible()
    before = studio.noise.study
    studio.noise.choose("teacher_forced")
    qtbot.waitUntil(lambda: studio.noise.study is not None and studio.noise.study is not before, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not studio.noise.is_busy, timeout=PATIENCE)


def test_the_page_shows_the_path_and_leads_there(window):
    studio = window.studio
    window.show_tab("differences")
    assert window.differences.path.has_path
    studio.listening.choose("autoregressive")
    window.differences.path.seek_requested.emit(1.0)
    assert studio.timeline.playhead == pytest.approx(0.9, abs=0.02)
    studio.comparison.close()
    assert not window.differences.path.has_path


def test_panes_can_be_hidden_and_that_is_remembered(window):
    window.registry.action("pane_teacher_forced").trigger()
    assert "teacher_forced" not in window.mels.shown_panes()
    assert window.studio.settings.hidden_panes == "teacher_forced"
    window.registry.action("pane_teacher_forced").trigger()
    assert "teacher_forced" in window.mels.shown_panes()


def test_odd_settings_are_replaced() -> None:
    odd = settings_from_json({"pair_view": "fade", "pair_range": 1e9, "noise_of": "ground_truth", "hidden_panes": 3})
    assert (odd.pair_view, odd.pair_range, odd.noise_of, odd.hidden_panes) == ("off", 12.0, "reconstruction", "")
