"""The transport bar: keys, sources, readout, volume, device, job; and that nothing in it jumps."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QSlider, QToolButton

from widgets.job_indicator import JobIndicator, ThinProgress
from widgets.segmented_control import Segment, SegmentedControl
from widgets.theme import DARK, apply_theme
from widgets.transport_bar import NO_DEVICE, TransportBar

SOURCES = [
    ("original", "Original", "1"),
    ("ground_truth", "Vocoded", "2"),
    ("reconstruction", "Reconstruction", "3"),
    ("teacher_forced", "Teacher-forced", "4"),
    ("autoregressive", "Autoregressive", "5"),
]


@pytest.fixture
def bar(qtbot) -> TransportBar:
    apply_theme(QApplication.instance(), DARK)
    bar = TransportBar()
    qtbot.addWidget(bar)
    bar.set_sources(SOURCES)
    bar.set_devices(["Speakers", "Headphones"], "Headphones")
    bar.resize(1280, bar.sizeHint().height())
    bar.show()
    qtbot.waitExposed(bar)
    bar.activateWindow()
    return bar


def tool(bar, name: str) -> QToolButton:
    return next(button for button in bar.findChildren(QToolButton) if button.accessibleName() == name)


def segment(bar: TransportBar, label: str) -> Segment:
    return next(part for part in bar.findChildren(Segment) if part.text() == label)


def texts(bar: TransportBar) -> set[str]:
    return {label.text() for label in bar.findChildren(QLabel)}


def test_play_stop_and_loop(qtbot, bar: TransportBar):
    with qtbot.waitSignal(bar.play_toggled):
        qtbot.mouseClick(tool(bar, "Play"), Qt.MouseButton.LeftButton)
    bar.set_playing(True)
    with qtbot.waitSignal(bar.play_toggled):
        qtbot.mouseClick(tool(bar, "Pause"), Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(bar.stop_requested):
        qtbot.mouseClick(tool(bar, "Stop and go to the start"), Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(bar.loop_toggled) as looped:
        qtbot.mouseClick(tool(bar, "Repeat"), Qt.MouseButton.LeftButton)
    assert looped.args == [True]


def test_a_source_is_chosen_by_click_and_by_arrow_key(qtbot, bar: TransportBar):
    bar.set_source("original")
    with qtbot.waitSignal(bar.source_chosen) as chosen:
        qtbot.mouseClick(segment(bar, "Teacher-forced"), Qt.MouseButton.LeftButton)
    assert chosen.args == ["teacher_forced"]
    segment(bar, "Teacher-forced").setFocus()
    with qtbot.waitSignal(bar.source_chosen) as chosen:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    assert chosen.args == ["autoregressive"]


def test_a_source_without_sound_cannot_be_chosen(qtbot, bar: TransportBar):
    bar.set_source_enabled("reconstruction", False)
    with qtbot.assertNotEmitted(bar.source_chosen):
        qtbot.mouseClick(segment(bar, "Reconstruction"), Qt.MouseButton.LeftButton)


def test_position_and_readout(bar: TransportBar):
    bar.set_position(1.234, 65.5)
    assert {"00:01.234", "/ 01:05.500"} <= texts(bar)
    bar.set_readout(1.234, 812.3, -31.2)
    assert bar.readout() == "00:01.234 | 812 Hz | −31 dB"
    bar.set_readout(None, None, None)
    assert bar.readout() == "– | – Hz | – dB"


def test_nothing_moves_while_numbers_run(qtbot, bar: TransportBar):
    def places() -> list:
        bar.layout().activate()
        return [(type(child), child.geometry()) for child in bar.findChildren(object) if child.isWidgetType()]

    bar.set_source("original")
    bar.set_position(0, 4.5)
    before = places()
    for time, hz, db in ((11.111, 1, -1), (88.888, 11_999, -100), (59.999, 8000, 0), (None, None, None)):
        bar.set_position(time or 0, 4444.4)
        bar.set_readout(time, hz, db)
        bar.set_playing(bool(time))
        bar.set_source("autoregressive")
        bar.set_volume(0.1)
        bar.set_job("Speaking", 0.31)
        bar.set_job("Vocoding the whole of a very long text, sentence by sentence, to the very end", None)
        bar.set_job(None, None)
        assert places() == before


def test_volume_and_mute(qtbot, bar: TransportBar):
    bar.set_volume(0.8)
    slider = bar.findChild(QSlider)
    with qtbot.waitSignal(bar.volume_changed) as changed:
        qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert changed.args == [pytest.approx(0.79)]
    with qtbot.waitSignal(bar.volume_changed) as changed:
        qtbot.mouseClick(tool(bar, "Mute"), Qt.MouseButton.LeftButton)
    assert changed.args == [0.0]
    with qtbot.waitSignal(bar.volume_changed) as changed:
        qtbot.mouseClick(tool(bar, "Unmute"), Qt.MouseButton.LeftButton)
    assert changed.args == [pytest.approx(0.79)]


def test_devices(qtbot, bar: TransportBar):
    combo = bar.findChild(QComboBox)
    assert combo.currentText() == "Headphones"
    combo.setFocus()
    with qtbot.waitSignal(bar.device_chosen) as chosen:
        qtbot.keyClick(combo, Qt.Key.Key_Up)
    assert chosen.args == ["Speakers"]
    bar.set_devices([], "")
    assert combo.currentText() == NO_DEVICE
    assert not combo.isEnabled()


def test_a_job_is_shown_and_cancelled(qtbot, bar: TransportBar):
    bar.set_job("Speaking", 0.5)
    assert {"Speaking", "50%"} <= texts(bar)
    progress = bar.findChild(ThinProgress)
    assert progress.fraction() == pytest.approx(0.5)
    with qtbot.waitSignal(bar.job_cancel_requested):
        qtbot.mouseClick(tool(bar, "Cancel the running job"), Qt.MouseButton.LeftButton)
    bar.set_job(None)
    assert not progress.isVisible()
    assert "Speaking" not in texts(bar)


def test_setters_emit_nothing(qtbot, bar: TransportBar):
    signals = (
        bar.play_toggled,
        bar.source_chosen,
        bar.loop_toggled,
        bar.volume_changed,
        bar.device_chosen,
        bar.stop_requested,
    )
    with ExitStack() as stack:
        for signal in signals:
            stack.enter_context(qtbot.assertNotEmitted(signal))
        bar.set_playing(True)
        bar.set_source("reconstruction")
        bar.set_sources(SOURCES[:3])
        bar.set_source(None)
        bar.set_loop(True)
        bar.set_volume(0.3)
        bar.set_devices(["A", "B"], "B")
        bar.set_playable(False)


def test_the_kept_source_survives_other_sources(bar: TransportBar):
    control = bar.findChild(SegmentedControl)
    bar.set_source("reconstruction")
    bar.set_sources(SOURCES[1:])
    assert control.key() == "reconstruction"
    bar.set_sources(SOURCES[:1])
    assert control.key() is None


@pytest.mark.parametrize("width", [1280, 1920])
def test_every_source_is_written_in_full_from_1280_px_on(qtbot, bar: TransportBar, width: int):
    bar.resize(width, bar.height())
    bar.layout().activate()
    assert bar.minimumSizeHint().width() <= 1280
    for part in bar.findChildren(Segment):
        assert part.width() >= part.sizeHint().width()


def test_every_control_has_a_name(bar: TransportBar):
    controls = [*bar.findChildren(QToolButton), *bar.findChildren(QSlider), *bar.findChildren(QComboBox)]
    assert len(controls) >= 7
    assert all(control.accessibleName() for control in controls)


def test_a_wandering_progress_rests_when_it_is_hidden(qtbot):
    indicator = JobIndicator()
    qtbot.addWidget(indicator)
    indicator.show()
    indicator.set_job("Loading", None)
    progress = indicator.findChild(ThinProgress)
    first = progress.grab().toImage()
    qtbot.waitUntil(lambda: progress.grab().toImage() != first, timeout=5000)
    indicator.hide()
    assert not progress._timer.isActive()
    indicator.show()
    assert progress._timer.isActive()
    indicator.set_job(None, None)
    assert not progress._timer.isActive()
