"""The warp path in the window: one word in all panes, whichever is heard or pointed at."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest

from app.main_window import MainWindow
from app.session import Clip
from tests.app.conftest import PATIENCE

FREE = "autoregressive"


@pytest.fixture
def window(studio, qtbot, clip) -> MainWindow:
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(lambda: studio.alignment.map is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not studio.alignment.is_busy, timeout=PATIENCE)
    # The offscreen pointer stays where another test left it, which may be over a mel of this window.
    QCursor.setPos(5000, 5000)
    window.mels.hovered.emit(None)
    return window


def test_switching_the_source_goes_on_in_the_same_word(window):
    studio = window.studio
    studio.listening.choose("original")
    studio.listening.seek(1.0)
    studio.listening.choose(FREE)
    assert studio.timeline.playhead == pytest.approx(0.9, abs=0.02), (
        "nine tenths of the time, as the fake says"
    )
    studio.listening.choose("teacher_forced")
    assert studio.timeline.playhead == pytest.approx(1.0, abs=0.011)
    studio.listening.choose("reconstruction")
    assert studio.timeline.playhead == pytest.approx(1.0, abs=0.011)


def test_the_loop_goes_along(window):
    studio = window.studio
    studio.listening.choose("original")
    studio.listening.select((0.5, 1.0))
    studio.listening.choose(FREE)
    assert studio.timeline.selection == pytest.approx((0.45, 0.9), abs=0.02)
    assert studio.timeline.loop
    studio.listening.choose("original")
    assert studio.timeline.selection == pytest.approx((0.5, 1.0), abs=0.011)


def test_a_sound_that_plays_goes_on_in_the_same_word(window, monkeypatch):
    studio, player = window.studio, window.studio.player
    started = []
    monkeypatch.setattr(player, "_start_at", started.append)
    player._playing = True
    player._mixer.move(player._samples(1.0))
    player._source = "original"
    studio.listening.choose(FREE)
    assert started == [pytest.approx(0.9, abs=0.02)]
    player._playing = False


def test_playhead_and_crosshair_mark_the_same_word_in_all_panes(window, qtbot):
    studio = window.studio
    studio.listening.choose("original")
    studio.listening.seek(1.0)
    truth, free = (window.mels.pane(key).canvas for key in ("ground_truth", FREE))
    assert truth._playhead == pytest.approx(1.0)
    assert free._playhead == pytest.approx(0.9, abs=0.02)
    with qtbot.waitSignal(window.mels.hovered) as hovered:
        truth.hovered.emit(QPointF(truth.viewport_state.x_of(1.0), 20.0))
    readout = hovered.args[0]
    assert readout.times_s[FREE] == pytest.approx(0.9, abs=0.02)
    assert free._crosshair[0] == pytest.approx(readout.times_s[FREE])
    assert readout.levels_db[FREE] == free.level_at(*free._crosshair)
    assert window.slice.time_of(FREE) == pytest.approx(readout.times_s[FREE])
    truth.hovered.emit(None)


def test_a_click_in_the_free_run_goes_to_that_word_of_what_is_heard(window):
    studio = window.studio
    studio.listening.choose("original")
    canvas = window.mels.pane(FREE).canvas
    x = round(canvas.viewport_state.x_of(0.9))
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, 20))
    assert studio.timeline.playhead == pytest.approx(1.0, abs=0.03)


def test_the_slice_compares_along_the_path(window):
    studio = window.studio
    studio.listening.choose("original")
    studio.listening.seek(1.0)
    assert window.slice.time_of("teacher_forced") == pytest.approx(1.0)
    assert window.slice.time_of(FREE) == pytest.approx(0.9, abs=0.02)


def test_without_the_link_all_panes_share_one_time(window):
    studio = window.studio
    studio.listening.choose("original")
    studio.listening.seek(1.0)
    studio.alignment.set_linked(False)
    assert window.mels.pane(FREE).canvas._playhead == pytest.approx(1.0)
    studio.listening.choose(FREE)
    assert studio.timeline.playhead == pytest.approx(1.0)
    assert window.slice.time_of(FREE) == pytest.approx(1.0)


def test_a_take_of_other_words_is_not_aligned_but_one_of_the_same_is(window, qtbot):
    studio = window.studio
    for text, aligned in (("Something else.", False), ("what is said, in it", True)):
        studio.session.text = text
        with qtbot.waitSignal(studio.speaking.spoken, timeout=PATIENCE):
            studio.speaking.speak()
        qtbot.waitUntil(lambda: not studio.speaking.is_busy, timeout=PATIENCE)
        qtbot.waitUntil(lambda: not studio.alignment.is_busy, timeout=PATIENCE)
        assert (studio.alignment.map is not None) == aligned
