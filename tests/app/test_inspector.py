"""The inspector in the window: slice, error strip, TF / AR, all fed by one measurement in the engine process."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app.binding_drift import drift_rows
from app.engine_messages import DriftFacts
from app.main_window import MainWindow
from app.session import Clip
from app.settings import Settings, load_settings, settings_from_json
from tests.app.conftest import PATIENCE
from tests.app.fakes import HOP, RATE


@pytest.fixture
def window(studio, qtbot, clip) -> MainWindow:
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    window.studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(lambda: studio.inspection.analysis is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not studio.inspection.is_busy, timeout=PATIENCE)
    return window


def test_the_strip_shows_the_chosen_pane_and_leads_to_its_worst_place(window, qtbot):
    strip, studio = window.errors, window.studio
    assert studio.settings.error_pane == "reconstruction"
    worst = 199 * HOP / RATE
    assert strip.worst() == pytest.approx(worst)
    studio.timeline.set_range(0.0, 0.5)
    qtbot.mouseClick(strip.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert studio.timeline.playhead == pytest.approx(worst)
    start, stop = studio.timeline.range
    assert start <= worst <= stop, "the place is brought into view"
    strip.pane_chosen.emit("autoregressive")
    assert strip.worst() == pytest.approx(179 * HOP / RATE)
    strip.measure_chosen.emit("blur")
    assert strip.worst() == pytest.approx(0.0)


def test_a_click_in_the_strip_seeks_on_the_axis_of_the_mels(window, qtbot):
    trace, canvas = window.errors.trace, window.mels.pane("reconstruction").canvas
    x = 300
    QTest.mouseClick(trace, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, 20))
    over_it = canvas.mapFromGlobal(trace.mapToGlobal(QPoint(x, 20))).x()
    time = canvas.viewport_state.time_at(over_it)
    assert window.studio.timeline.playhead == pytest.approx(time, abs=2 * canvas.viewport_state.seconds_per_pixel)


def test_a_take_is_not_measured_against_a_clip_it_does_not_say(window, qtbot):
    studio, strip = window.studio, window.errors
    strip.pane_chosen.emit("autoregressive")
    assert strip.worst() is not None
    with qtbot.waitSignal(studio.speaking.spoken, timeout=PATIENCE):
        studio.speaking.speak()
    qtbot.waitUntil(lambda: not studio.speaking.is_busy, timeout=PATIENCE)
    assert strip.worst() is None
    strip.pane_chosen.emit("teacher_forced")
    assert strip.worst() is not None


def test_the_slice_follows_the_playhead_and_the_crosshair(window, qtbot):
    studio = window.studio
    studio.listening.choose("original")
    studio.listening.seek(0.5)
    frame = round(0.5 * RATE / HOP)
    for key in ("ground_truth", "teacher_forced"):
        expected = studio.panes.content(key).mel_db[:, frame]
        np.testing.assert_array_equal(window.slice.spectrum(key), expected)
    canvas = window.mels.pane("ground_truth").canvas
    qtbot.mouseMove(canvas, QPoint(canvas.width() // 2, 10))
    time = canvas.viewport_state.time_at(canvas.width() // 2)
    qtbot.waitUntil(lambda: window.slice._time == pytest.approx(time, abs=0.05), timeout=PATIENCE)
    canvas.hovered.emit(None)
    assert window.slice._time == pytest.approx(0.5)


def test_the_verdict_stands_in_its_tab(window, qtbot):
    window.registry.action("inspect_drift").trigger()
    assert window.drift.isVisible()
    assert window.drift.verdict() == "Leaves at 1.0 s"
    rows = dict(window.drift.rows())
    assert rows["Departure"] == "1.00 s"
    assert rows["Energy ratio"] == "−3.0 dB, end −3.0 dB"
    assert rows["Latent-std ratio"] == "0.50, end 0.10"


def test_a_new_comparison_takes_the_old_measures_away(window, qtbot):
    studio = window.studio
    before = studio.inspection.analysis
    studio.compare_again()
    qtbot.waitUntil(
        lambda: studio.inspection.analysis is not None and studio.inspection.analysis is not before,
        timeout=PATIENCE,
    )
    studio.comparison.close()
    assert studio.inspection.analysis is None
    assert window.errors.worst() is None
    assert window.drift.rows() == []


def test_a_checkpoint_that_is_opened_comes_to_the_front(window, qtbot):
    window.show_tab("slice")
    studio = window.studio
    studio.voice.inspect("/somewhere/other.safetensors")
    assert window.checkpoint.isVisible()
    qtbot.waitUntil(lambda: studio.voice.inspecting is None, timeout=PATIENCE)


def test_tab_strip_and_choice_are_remembered(window, places):
    window.show_tab("drift")
    window.show_panel("show_errors", False)
    assert not window.errors.isVisible()
    window.errors.measure_chosen.emit("blur")
    window.studio.save()
    settings, _ = load_settings(places)
    assert (settings.inspector_tab, settings.show_errors, settings.error_measure) == ("drift", False, "blur")
    assert settings_from_json({"inspector_tab": "nonsense"}).inspector_tab == Settings().inspector_tab


def test_what_cannot_be_told_is_a_dash() -> None:
    nothing = np.full(10, np.nan)
    rows = dict(drift_rows(DriftFacts("too little speech to tell", nothing, nothing, None, None, 0.0, 1.0, 1.0)))
    assert rows["Departure"] == "–"
    assert rows["Energy ratio"] == "–, end –"
    assert "Speech missing" not in rows


def test_the_inspector_takes_half_of_the_window_and_gives_it_back(window, qtbot):
    usual = window.inspector.width()
    window.registry.action("widen_inspector").trigger()
    qtbot.waitUntil(lambda: window.inspector.width() > 1.5 * usual, timeout=PATIENCE)
    assert window.inspector.is_wide
    window.inspector._widen.click()
    qtbot.waitUntil(lambda: window.inspector.width() < 1.2 * usual, timeout=PATIENCE)
    assert not window.inspector.is_wide


def test_every_page_has_a_key_and_the_rail_names_it(window, qtbot):
    for page in window.inspector.pages():
        action = window.registry.action(f"inspect_{page}")
        assert action.shortcut().toString() in window.inspector.button(page).toolTip()
        action.trigger()
        assert window.inspector.current == page == window.studio.settings.inspector_tab
