"""Zooming and panning the linked panes by real mouse events; a small timeline answers their requests."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.widgets.linked_mels import (
    CONTROL,
    DURATION,
    FRAME_RATE,
    KEYS,
    NONE,
    SHIFT,
    SPECS,
    canvas,
    drag,
    mel,
    point_at,
    ranges,
    wheel,
)
from widgets.mel_comparison import MelComparison


def test_wheel_zooms_all_panes_at_the_pointer(view: MelComparison) -> None:
    target = canvas(view)
    x = target.width() * 0.25
    under_pointer = target.viewport_state.time_at(x)
    wheel(target, x, 20, 2, NONE)
    start, stop = ranges(view)[0]
    assert stop - start == pytest.approx(DURATION * 0.64)
    assert target.viewport_state.time_at(x) == pytest.approx(under_pointer)
    assert len(set(ranges(view))) == 1, "every pane shows the same time"


def test_wheel_out_never_shows_more_than_there_is(view: MelComparison) -> None:
    wheel(canvas(view), 100, 20, -5, NONE)
    assert ranges(view)[0] == (0.0, DURATION)


def test_shift_wheel_and_sideways_wheel_pan(view: MelComparison) -> None:
    view.set_time_range(1.0, 2.0)
    wheel(canvas(view), 100, 20, -1, SHIFT)
    assert ranges(view)[0] == pytest.approx((1.12, 2.12))
    wheel(canvas(view), 100, 20, 1, NONE, sideways=True)
    assert ranges(view)[0] == pytest.approx((1.0, 2.0))


def test_middle_button_drags_the_picture(view: MelComparison) -> None:
    view.set_time_range(1.0, 2.0)
    target = canvas(view)
    drag(target, QPoint(300, 20), QPoint(200, 20), Qt.MouseButton.MiddleButton)
    shift = 100 / target.width()
    assert ranges(view)[0] == pytest.approx((1.0 + shift, 2.0 + shift))
    point_at(target, 250, 20)
    assert ranges(view)[0] == pytest.approx((1.0 + shift, 2.0 + shift)), "released means released"


def test_control_wheel_zooms_frequency_at_the_pointer_in_all_panes(view: MelComparison, qtbot: QtBot) -> None:
    target = canvas(view)
    before = target.viewport_state.edge_at(40)
    with qtbot.waitSignal(view.frequency_range_changed) as caught:
        wheel(target, 100, 40, 3, CONTROL)
    assert target.viewport_state.edge_at(40) == pytest.approx(before)
    states = [canvas(view, key).viewport_state for key in KEYS]
    assert len({(state.low, state.high) for state in states}) == 1
    assert caught.args == pytest.approx(list(view.frequency_range()))
    assert ranges(view)[0] == (0.0, DURATION)
    view.reset_frequency_range()
    assert target.viewport_state.high == 100.0


def test_frequency_range_is_set_in_hz(view: MelComparison) -> None:
    view.set_frequency_range(300.0, 3400.0)
    assert view.frequency_range() == pytest.approx((300.0, 3400.0))


def test_double_click_asks_for_the_whole(view: MelComparison) -> None:
    view.set_time_range(1.0, 1.5)
    QTest.mouseDClick(canvas(view), Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    assert ranges(view)[0] == (0.0, DURATION)


def test_it_never_decides_itself(qtbot: QtBot) -> None:
    widget = MelComparison()
    qtbot.addWidget(widget)
    widget.set_panes(SPECS)
    widget.resize(900, 640)
    widget.set_mel("reconstruction", mel(), FRAME_RATE)
    widget.set_time_range(0.0, 2.0)
    widget.show()
    target = canvas(widget)
    with qtbot.waitSignals(
        [widget.time_range_requested, widget.seek_requested, widget.selection_requested], timeout=2000
    ):
        wheel(target, 100, 20, 1, NONE)
        QTest.mouseClick(target, Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
        drag(target, QPoint(100, 20), QPoint(200, 20))
    assert (target.viewport_state.start, target.viewport_state.stop) == (0.0, 2.0)
