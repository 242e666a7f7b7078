"""Mixed runs in the studio: made, seen, heard, measured, put away, cancelled, superseded."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.binding_drift import head_of, name_of
from app.definitions import definition_in, tip_at
from app.main_window import MainWindow
from app.panes import MIXED
from app.session import Clip
from app.settings import Settings, load_settings, settings_from_json
from lewm_core.config import LN_TO_DB
from tests.app.conftest import PATIENCE
from tests.app.fakes import fake_mel
from widgets.moment_flag import MomentFlag

FREE = "autoregressive"
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


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


def shown_mel(studio, key: str = MIXED) -> np.ndarray:
    return studio.panes.content(key).mel_db


def run(studio, qtbot, free_from_s: float, own_rate: float = 1.0) -> None:
    before = studio.mixing.made
    studio.mixing.run(free_from_s, own_rate)
    qtbot.waitUntil(lambda: studio.mixing.made is not before and not studio.mixing.is_busy, timeout=PATIENCE)
    qtbot.waitUntil(lambda: studio.mixing.analysis is not None, timeout=PATIENCE)


def test_a_mixed_run_has_a_pane_and_a_source_of_its_own_and_can_be_put_away(window, qtbot):
    studio = window.studio
    free, shown = shown_mel(studio, FREE), window.mels.shown_panes()
    run(studio, qtbot, 1.3, 0.5)
    np.testing.assert_allclose(shown_mel(studio), fake_mel(190, 7) * LN_TO_DB, rtol=1e-5)
    np.testing.assert_array_equal(shown_mel(studio, FREE), free, "the free run stays to compare with")
    assert window.mels.shown_panes() == [*shown, MIXED]
    assert window.mels.pane(MIXED).header.detail_label.text() == "free from 1.30 s, 50 % · L1 0.40 along DTW"
    assert studio.player.source == MIXED
    assert studio.timeline.playhead == pytest.approx(0.8), "just before it becomes something new"
    assert studio.mixing.made.recipe["own_rate"] == 0.5
    assert "key 8" in window.drift.mix.state()
    assert window.drift.curves["divergence"].moment() == pytest.approx(1.3)
    studio.listening.choose(FREE)
    qtbot.waitUntil(lambda: window.registry.action("source_mixed").isEnabled(), timeout=PATIENCE)
    window.registry.action("source_mixed").trigger()
    assert studio.player.source == MIXED
    studio.mixing.reset()
    assert window.mels.shown_panes() == shown
    assert MIXED not in studio.panes.sounds()
    assert window.drift.curves["divergence"].moment() is None
    assert window.drift.mix.ruler.moment() == 0.0


def test_the_page_holds_either_run_against_the_teacher_forced_one(window, qtbot):
    studio, panel = window.studio, window.drift
    assert (panel.verdict(), panel.runs.isVisible()) == ("Leaves at 1.0 s", False)
    run(studio, qtbot, 1.3)
    assert (panel.verdict(), panel.runs.isVisible()) == ("Stays on path", True)
    assert ("Ended by", "the length limit") in panel.rows()
    assert panel.attention.runs.segment(FREE).text() == "Mixed"
    panel.runs.segment(FREE).click()
    assert panel.verdict() == "Leaves at 1.0 s"
    assert ("Ended by", "the stop head") in panel.rows()
    assert panel.attention.runs.segment(FREE).text() == "AR"
    panel.runs.segment(MIXED).click()
    assert panel.verdict() == "Stays on path"
    with qtbot.waitSignal(panel.seek_requested) as asked:
        panel.curves["stop"].seek_requested.emit(0.7)
    assert asked.args == [0.7, MIXED]
    studio.mixing.reset()
    assert (panel.verdict(), panel.runs.isVisible()) == ("Leaves at 1.0 s", False)


def test_while_a_second_run_is_made_the_verdict_on_the_first_one_stays(window, qtbot):
    studio, panel = window.studio, window.drift
    run(studio, qtbot, 1.3)
    said = []
    studio.mixing.changed.connect(lambda: said.append(panel.verdict()))
    run(studio, qtbot, 0.4)
    assert set(said) == {"Stays on path"}


def test_a_mixed_run_can_be_subtracted_exported_and_reported(window, qtbot, tmp_path):
    studio = window.studio
    run(studio, qtbot, 1.3, 0.5)
    studio.set_setting("pair_view", "difference")
    window.pair.choose(MIXED, "teacher_forced")
    assert window.pair.pair is not None
    assert window.pair.pair.l1 > 0
    assert MIXED in studio.exporting.sources()
    path = tmp_path / "mixed.wav"
    with qtbot.waitSignal(studio.exporting.written, timeout=PATIENCE):
        studio.exporting.export_source(MIXED, path, "PCM_16")
    recipe = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert (recipe["free_from_s"], recipe["own_rate"], recipe["pane"]) == (1.3, 0.5, MIXED)
    whole = studio.mixing.added_to(studio.comparison.result)
    assert list(whole.panes)[-1] == MIXED
    assert list(studio.comparison.result.panes)[-1] == FREE


def test_its_time_is_that_of_the_clip_also_where_the_free_run_is_linked_by_a_path(window, qtbot):
    studio = window.studio
    run(studio, qtbot, 1.0)
    qtbot.waitUntil(lambda: studio.alignment.path is not None, timeout=PATIENCE)
    assert studio.alignment.moved(1.0, "teacher_forced", MIXED) == 1.0
    assert studio.alignment.moved(1.0, FREE, MIXED) == studio.alignment.moved(1.0, FREE, "ground_truth")


def test_dragging_the_handle_makes_one_run_on_release(window, qtbot):
    ruler, studio = window.drift.mix.ruler, window.studio
    asked = []
    window.drift.mix.wanted.connect(lambda *wish: asked.append(wish))
    y, start, stop = 10, round(ruler.x_of(0.3)), round(ruler.x_of(1.0))
    QTest.mousePress(ruler, LEFT, NONE, QPoint(start, y))
    QTest.mouseMove(ruler, QPoint(stop, y))
    assert window.drift.latents["teacher_forced"].moment() == pytest.approx(1.0, abs=0.02)
    assert asked == []
    QTest.mouseRelease(ruler, LEFT, NONE, QPoint(stop, y))
    assert len(asked) == 1
    qtbot.waitUntil(lambda: studio.mixing.made is not None, timeout=PATIENCE)
    assert studio.mixing.wish.free_from_s == pytest.approx(1.0, abs=0.02)


def flags(window) -> dict[str, MomentFlag]:
    """The lines that can be dragged, by pane."""
    found = {}
    for key in window.mels.shown_panes():
        flag = window.mels.pane(key).canvas.findChild(MomentFlag)
        if flag is not None and flag.isVisible():
            found[key] = flag
    return found


def drag_flag(window, key: str, seconds: float) -> None:
    """Drag the line of a pane to a time of that pane, let go."""
    canvas, flag = window.mels.pane(key).canvas, flags(window)[key]
    start = flag.mapToGlobal(QPoint(flag._line, 30))
    end = canvas.mapToGlobal(QPoint(round(canvas.viewport_state.x_of(seconds)), 30))
    QTest.mousePress(flag, LEFT, NONE, flag.mapFromGlobal(start))
    QTest.mouseMove(flag, flag.mapFromGlobal(end))
    QTest.mouseRelease(flag, LEFT, NONE, flag.mapFromGlobal(end))


def test_the_moment_is_dragged_in_the_mels(window, qtbot):
    studio, panel = window.studio, window.drift
    assert set(flags(window)) == {"ground_truth", "reconstruction", "teacher_forced", FREE}
    drag_flag(window, "teacher_forced", 1.2)
    assert studio.mixing.wish.free_from_s == pytest.approx(1.2, abs=0.02)
    assert panel.mix.ruler.moment() == pytest.approx(1.2, abs=0.02)
    qtbot.waitUntil(lambda: studio.mixing.made is not None and not studio.mixing.is_busy, timeout=PATIENCE)
    assert MIXED in flags(window)
    drag_flag(window, "ground_truth", 99.0)
    assert studio.mixing.wish.free_from_s == pytest.approx(studio.mixing.limit_s), "not beyond the clip"
    assert studio.timeline.selection is None, "it selects nothing in the mel"


def test_in_the_free_run_the_line_stands_at_the_same_word(window, qtbot):
    studio = window.studio
    qtbot.waitUntil(lambda: studio.alignment.path is not None, timeout=PATIENCE)
    drag_flag(window, FREE, 1.0)
    assert studio.mixing.wish.free_from_s == pytest.approx(
        studio.alignment.moved(1.0, FREE, "ground_truth"), abs=0.02
    )


def test_the_line_is_there_while_the_page_is_in_front_and_something_can_be_mixed(window, qtbot):
    studio = window.studio
    assert flags(window)
    window.show_tab("slice")
    assert not flags(window)
    window.show_tab("drift")
    assert flags(window)
    studio.timeline.set_range(0.5, 1.0)
    assert not flags(window), "0 s lies outside"
    studio.timeline.fit()
    studio.comparison.close()
    assert not flags(window)


def test_the_slider_asks_for_a_share_of_own_history(window, qtbot):
    window.drift.mix.slider.setValue(40)
    qtbot.waitUntil(lambda: window.studio.mixing.made is not None, timeout=PATIENCE)
    assert window.studio.mixing.made.recipe == {"free_from_s": 0.0, "own_rate": 0.4}


def test_free_from_the_playhead_by_one_key(window, qtbot):
    studio = window.studio
    studio.listening.choose("teacher_forced")
    studio.listening.seek(0.9)
    assert not window.registry.action("close_mixed").isEnabled()
    window.registry.action("free_from_here").trigger()
    qtbot.waitUntil(lambda: studio.mixing.made is not None, timeout=PATIENCE)
    assert studio.mixing.wish.free_from_s == pytest.approx(0.9)
    qtbot.waitUntil(lambda: window.registry.action("close_mixed").isEnabled(), timeout=PATIENCE)
    window.registry.action("close_mixed").trigger()
    assert not studio.mixing.is_shown


def test_the_latest_wish_wins(window, qtbot):
    studio = window.studio
    studio.mixing.run(0.5, 0.13)  # slow
    studio.mixing.run(0.7, 1.0)
    qtbot.waitUntil(lambda: studio.mixing.made is not None and not studio.mixing.is_busy, timeout=PATIENCE)
    assert studio.mixing.made.recipe["free_from_s"] == 0.7


def test_a_cancelled_first_run_leaves_nothing(window, qtbot):
    studio = window.studio
    shown = window.mels.shown_panes()
    studio.mixing.run(0.5, 0.13)
    qtbot.waitUntil(lambda: window.mels.shown_panes() == [*shown, MIXED], timeout=PATIENCE)
    assert window.mels.pane(MIXED).header.detail_label.text() == "running…", "it is seen growing"
    assert studio.running_job() is studio.mixing.job
    studio.cancel_job()
    qtbot.waitUntil(lambda: not studio.mixing.is_busy, timeout=PATIENCE)
    assert window.mels.shown_panes() == shown
    assert window.drift.mix.ruler.moment() == 0.0
    assert window.drift.curves["divergence"].moment() is None


def test_a_cancelled_second_run_leaves_the_first_one(window, qtbot):
    studio = window.studio
    run(studio, qtbot, 1.3, 0.5)
    made = studio.mixing.made
    studio.mixing.run(0.5, 0.13)
    detail = window.mels.pane(MIXED).header.detail_label
    qtbot.waitUntil(lambda: detail.text() == "running…", timeout=PATIENCE)
    studio.cancel_job()
    qtbot.waitUntil(lambda: not studio.mixing.is_busy, timeout=PATIENCE)
    assert studio.mixing.made is made
    assert "free from 1.30 s" in detail.text()
    assert window.drift.mix.ruler.moment() == pytest.approx(1.3)
    assert window.drift.mix.slider.value() == 50
    assert MIXED in studio.panes.sounds()


def test_a_refused_run_says_why(window, qtbot):
    studio = window.studio
    with qtbot.waitSignal(studio.notice, timeout=PATIENCE) as notice:
        studio.mixing.run(0.5, 0.66)
    assert notice.args == ["That run cannot be made. Choose another share.", "error"]
    qtbot.waitUntil(lambda: not studio.mixing.is_busy, timeout=PATIENCE)
    assert not studio.mixing.is_shown
    assert window.drift.mix.slider.value() == 100


def test_another_comparison_ends_the_mixed_run(window, qtbot):
    studio = window.studio
    run(studio, qtbot, 0.5)
    studio.compare_again()
    assert not studio.mixing.can_run
    qtbot.waitUntil(lambda: not studio.comparison.is_busy and not studio.mixing.is_shown, timeout=PATIENCE)
    assert studio.mixing.wish.free_from_s == 0.0
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


def test_every_number_on_the_page_leads_to_its_definition(window, qtbot):
    run(window.studio, qtbot, 1.3, 0.5)
    window.studio.listening.seek(1.0)
    panel = window.drift
    labels = [
        label for label in panel.findChildren(QLabel) if label.isVisible() and re.search(r"\d", label.text())
    ]
    assert len(labels) > 8
    for widget in [*labels, *panel._strips()]:
        assert definition_in(tip_at(widget, QPoint(1, 1))), widget.accessibleName() or widget.text()
