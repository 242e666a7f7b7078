"""Mixed runs in the studio: made, shown and heard in the free run's place, taken back, cancelled, superseded."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.binding_drift import head_of, name_of
from app.main_window import MainWindow
from app.session import Clip
from app.settings import Settings, load_settings, settings_from_json
from lewm_core.config import LN_TO_DB
from tests.app.conftest import PATIENCE
from tests.app.fakes import fake_mel

FREE = "autoregressive"


@pytest.fixture
def window(studio, qtbot, clip) -> MainWindow:
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    window.show_tab("drift")
    studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(lambda: studio.inspection.analysis is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not studio.inspection.is_busy, timeout=PATIENCE)
    return window


def shown_mel(studio) -> np.ndarray:
    return studio.panes.content(FREE).mel_db


def measured(studio) -> bool:
    return studio.inspection.analysis is not None and not studio.inspection.is_busy


def run(studio, qtbot, free_from_s: float, own_rate: float = 1.0) -> None:
    studio.mixing.run(free_from_s, own_rate)
    qtbot.waitUntil(lambda: studio.mixing.is_shown and not studio.mixing.is_busy, timeout=PATIENCE)
    qtbot.waitUntil(lambda: measured(studio), timeout=PATIENCE)


def test_a_mixed_run_is_shown_heard_and_measured_and_the_free_run_comes_back(window, qtbot):
    studio = window.studio
    free = shown_mel(studio)
    before = studio.inspection.analysis
    run(studio, qtbot, 1.3, 0.5)
    np.testing.assert_allclose(shown_mel(studio), fake_mel(190, 7) * LN_TO_DB, rtol=1e-5)
    assert "free from 1.30 s, 50 %" in studio.panes.content(FREE).detail
    assert studio.player.source == FREE
    assert studio.timeline.playhead == pytest.approx(0.8), "just before it becomes something new"
    assert studio.inspection.analysis is not before
    assert studio.comparison.result.recipe["own_rate"] == 0.5
    assert "free from 1.30 s" in window.drift.mix.state()
    assert window.drift.curves["divergence"].moment() == pytest.approx(1.3)
    studio.mixing.reset()
    qtbot.waitUntil(lambda: measured(studio), timeout=PATIENCE)
    np.testing.assert_array_equal(shown_mel(studio), free)
    assert not studio.mixing.is_shown
    assert window.drift.curves["divergence"].moment() is None
    assert window.drift.mix.ruler.moment() == 0.0


def test_dragging_the_handle_makes_one_run_on_release(window, qtbot):
    ruler, studio = window.drift.mix.ruler, window.studio
    asked = []
    window.drift.mix.wanted.connect(lambda *wish: asked.append(wish))
    y, start, stop = 10, round(ruler.x_of(0.3)), round(ruler.x_of(1.0))
    QTest.mousePress(ruler, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(start, y))
    QTest.mouseMove(ruler, QPoint(stop, y))
    assert window.drift.curves["stop"].moment() == pytest.approx(1.0, abs=0.02)
    assert asked == []
    QTest.mouseRelease(ruler, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(stop, y))
    assert len(asked) == 1
    qtbot.waitUntil(lambda: studio.mixing.is_shown, timeout=PATIENCE)
    assert studio.mixing.free_from_s == pytest.approx(1.0, abs=0.02)


def test_the_slider_asks_for_a_share_of_own_history(window, qtbot):
    window.drift.mix.slider.setValue(40)
    qtbot.waitUntil(lambda: window.studio.mixing.is_shown, timeout=PATIENCE)
    assert window.studio.comparison.result.recipe == {"free_from_s": 0.0, "own_rate": 0.4}


def test_free_from_the_playhead_by_one_key(window, qtbot):
    studio = window.studio
    studio.listening.choose("teacher_forced")
    studio.listening.seek(0.9)
    assert not window.registry.action("free_run").isEnabled()
    window.registry.action("free_from_here").trigger()
    qtbot.waitUntil(lambda: studio.mixing.is_shown, timeout=PATIENCE)
    assert studio.mixing.free_from_s == pytest.approx(0.9)
    qtbot.waitUntil(lambda: window.registry.action("free_run").isEnabled(), timeout=PATIENCE)
    window.registry.action("free_run").trigger()
    assert not studio.mixing.is_shown


def test_the_latest_wish_wins(window, qtbot):
    studio = window.studio
    studio.mixing.run(0.5, 0.13)  # slow
    studio.mixing.run(0.7, 1.0)
    qtbot.waitUntil(lambda: studio.mixing.is_shown and not studio.mixing.is_busy, timeout=PATIENCE)
    assert studio.comparison.result.recipe["free_from_s"] == 0.7


def test_a_cancelled_run_leaves_what_was_there(window, qtbot):
    studio = window.studio
    free = shown_mel(studio)
    studio.mixing.run(0.5, 0.13)
    qtbot.waitUntil(lambda: studio.comparison.partial_mel is not None, timeout=PATIENCE)
    assert studio.running_job() is studio.mixing.job
    studio.cancel_job()
    qtbot.waitUntil(lambda: not studio.mixing.is_busy, timeout=PATIENCE)
    assert not studio.mixing.is_shown
    np.testing.assert_array_equal(shown_mel(studio), free)


def test_a_refused_run_says_why(window, qtbot):
    studio = window.studio
    with qtbot.waitSignal(studio.notice, timeout=PATIENCE) as notice:
        studio.mixing.run(0.5, 0.66)
    assert notice.args == ["That run cannot be made. Choose another share.", "error"]
    assert not studio.mixing.is_shown


def test_another_comparison_ends_the_mixed_run(window, qtbot):
    studio = window.studio
    run(studio, qtbot, 0.5)
    studio.compare_again()
    assert not studio.mixing.can_run
    qtbot.waitUntil(lambda: not studio.comparison.is_busy and not studio.mixing.is_shown, timeout=PATIENCE)
    assert studio.mixing.free_from_s == 0.0
    qtbot.waitUntil(lambda: measured(studio), timeout=PATIENCE)
    assert studio.mixing.can_run


def test_attention_latents_and_curves_are_those_of_the_comparison(window, qtbot):
    panel, studio = window.drift, window.studio
    assert panel.attention.strip.visible_rows() == (0, 5)
    assert "monotonic in 100 % of steps" in panel.attention.figures()
    assert not panel.latents["teacher_forced"].isHidden()
    assert panel.curves["stop"].value_at(1.8) > 0.8
    studio.listening.seek(1.0)
    assert "looks at" in panel.attention.readout()
    assert ("Ended by", "the stop head") in panel.rows()
    for section in panel.sections.values():
        assert section.isVisible()


def test_the_plots_follow_the_time_range_of_the_mels(window, qtbot):
    window.studio.timeline.set_range(0.4, 0.9)
    assert {strip.time_range() for strip in window.drift._strips()} == {(0.4, 0.9)}


def test_what_was_chosen_on_the_page_is_there_again(window, qtbot, make_studio, places):
    studio, panel = window.studio, window.drift
    section = panel.sections["curves"]
    assert section.is_open
    QTest.mouseClick(section._head, Qt.MouseButton.LeftButton)
    panel.attention.heads.chosen.emit((1, 0))
    panel.attention.runs.chosen.emit("teacher_forced")
    studio.save()
    kept = load_settings(places)[0]
    assert kept.drift_sections == "mix latents attention numbers"
    assert (kept.drift_head, kept.drift_run) == ("1.0", "teacher_forced")
    again = MainWindow(make_studio())
    qtbot.addWidget(again)
    assert not again.drift.sections["curves"].is_open
    assert again.drift.sections["latents"].is_open


@pytest.mark.parametrize("head", [None, (0, 0), (5, 3)])
def test_a_head_survives_the_settings(head):
    assert head_of(name_of(head)) == head


@pytest.mark.parametrize("name", ["", "mean", "1", "a.b", "1.2.3", "-1.0"])
def test_a_damaged_head_is_the_mean(name):
    assert head_of(name) is None
    assert settings_from_json({"drift_run": name}).drift_run == Settings().drift_run
