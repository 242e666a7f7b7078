"""Formant tracks in the window: one set of settings for all panes, the ceiling kept for each speaker."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.engine_backend import CoreBackend
from app.main_window import MainWindow
from app.messages_panes import TrackFormants
from app.session import Clip
from app.settings import load_settings, settings_from_json
from lewm_core.mel import load_audio
from lewm_core.resources_path import resource
from tests.app.conftest import PATIENCE


@pytest.fixture
def window(studio, qtbot, clip) -> MainWindow:
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(lambda: studio.inspection.analysis is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: studio.running_job() is None, timeout=PATIENCE)
    return window


def track(window, qtbot) -> None:
    studio = window.studio
    if not studio.settings.show_formants:
        QTest.keyClick(window, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: studio.formants.tracked is not None and not studio.formants.is_busy, timeout=PATIENCE)


def test_tracks_are_measured_when_asked_for_and_drawn_on_every_pane(window, qtbot):
    studio = window.studio
    assert studio.formants.tracked is None
    track(window, qtbot)
    for key in ("ground_truth", "reconstruction", "teacher_forced", "autoregressive"):
        assert studio.formants.track(key).shape == (4, studio.panes.content(key).mel_db.shape[1])
        assert window.mels.pane(key).canvas._backing._tracks is not None
    QTest.keyClick(window, Qt.Key.Key_T)
    assert window.mels.pane("ground_truth").canvas._backing._tracks is None


def test_values_at_the_playhead_stand_in_the_slice(window, qtbot):
    track(window, qtbot)
    window.mels.hovered.emit(None)  # wherever the tests before have left the pointer
    window.studio.listening.seek(0.2)
    rows = {row.label: row.values for row in window.formants.table.rows() if row.values}
    assert rows["Ground truth"] == ("500", "1000", "1500", "2000")
    assert deviations(window)["Reconstruction"] == ("1.0", "2.0", "3.0", "–")
    assert window.slice._formants["autoregressive"] == pytest.approx([500, 1000, 1500, 2000])


def deviations(window) -> dict[str, tuple[str, ...]]:
    """The lower part of the table, by pane."""
    rows = window.formants.table.rows()
    heading = next(number for number, row in enumerate(rows) if row.label == "Median deviation, %")
    return {row.label: row.values for row in rows[heading + 1 :]}


def test_the_deviation_of_the_free_run_is_that_along_the_warp_path(window, qtbot):
    track(window, qtbot)
    studio = window.studio
    qtbot.waitUntil(lambda: studio.alignment.path is not None, timeout=PATIENCE)
    truth, free = (studio.formants.track(key) for key in ("ground_truth", "autoregressive"))
    assert free.shape[1] < truth.shape[1]
    at_equal_times = np.median(abs(free / truth[:, : free.shape[1]] - 1), axis=1) * 100
    assert (at_equal_times > 2.0).all(), "or the path would make no difference"
    assert max(float(value) for value in deviations(window)["Autoregressive"]) <= 0.4, "a frame is 0.5 %"
    # A take of other words has no path: nothing is claimed of it.
    studio.session.text = "Something else."
    studio.speak()
    qtbot.waitUntil(lambda: studio.alignment.path is None and studio.running_job() is None, timeout=PATIENCE)
    assert set(deviations(window)) == {"Reconstruction", "Teacher-forced"}


def test_the_ceiling_is_kept_for_its_speaker(window, qtbot, places):
    studio = window.studio
    track(window, qtbot)
    speaker = studio.formants.speaker
    assert studio.formants.own_ceiling is None
    window.formants.settings_chosen.emit(4200.0, 5.0, 0.03)
    qtbot.waitUntil(lambda: not studio.formants.is_busy, timeout=PATIENCE)
    assert studio.formants.track("ground_truth")[0, 0] == pytest.approx(420.0)
    studio.save()
    assert load_settings(places)[0].formant_ceilings == {speaker: 4200.0}
    assert load_settings(places)[0].formant_window == pytest.approx(0.03)
    other = next(name for name, _ in studio.voice.speakers if name != speaker)
    studio.comparison.set_speaker(other)
    qtbot.waitUntil(lambda: studio.comparison.result.speaker == other, timeout=PATIENCE)
    qtbot.waitUntil(lambda: studio.running_job() is None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: studio.formants.tracked.ceiling_hz == 5000.0, timeout=PATIENCE)
    assert studio.formants.own_ceiling is None, "another speaker has its own"
    studio.comparison.set_speaker(speaker)
    qtbot.waitUntil(lambda: studio.formants.own_ceiling == 4200.0, timeout=PATIENCE)
    qtbot.waitUntil(lambda: studio.running_job() is None, timeout=PATIENCE)
    window.formants.suggested_requested.emit()
    assert studio.formants.own_ceiling is None
    qtbot.waitUntil(lambda: studio.running_job() is None, timeout=PATIENCE)


def test_odd_ceilings_are_left_alone(window):
    studio = window.studio
    for odd in ("high", True, float("nan"), 1e9, None):
        studio.settings.formant_ceilings = {studio.formants.speaker: odd}
        assert studio.formants.own_ceiling is None
    assert settings_from_json({"formant_ceilings": [1]}).formant_ceilings == {}


def run(request):
    job = CoreBackend().run(request, lambda: False)
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_the_engine_tracks_all_panes_with_one_ceiling():
    wave = load_audio(resource("clips", "heart-sailors.ogg"))
    frames = len(wave) // 256 + 1
    waves = {"ground_truth": wave, "reconstruction": wave, "autoregressive": wave[: len(wave) // 2]}
    counts = {"ground_truth": frames, "reconstruction": frames, "autoregressive": frames // 2}
    tracked = run(TrackFormants(waves, counts, 24_000, 256, None, 5.0, 0.025))
    assert tracked.ceiling_hz == 5500.0, "a high voice"
    assert {key: track.shape for key, track in tracked.frequency.items()} == {
        key: (4, count) for key, count in counts.items()
    }
    assert np.nanmedian(tracked.frequency["ground_truth"][0]) < np.nanmedian(tracked.frequency["ground_truth"][1])
    np.testing.assert_array_equal(tracked.frequency["reconstruction"], tracked.frequency["ground_truth"])


def test_a_wave_too_short_for_formants_is_left_out_and_said():
    wave = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
    request = TrackFormants({"a": wave, "b": wave[:200]}, {"a": 94, "b": 1}, 24_000, 256, 5000.0, 5.0, 0.025)
    tracked = run(request)
    assert set(tracked.frequency) == {"a"}
    assert "too short" in tracked.problem
