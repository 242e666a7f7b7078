"""Seeking and selecting in the linked panes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.widgets.linked_mels import (
    DURATION,
    KEYS,
    NONE,
    SPECS,
    canvas,
    drag,
    picture,
    point_at,
    ranges,
    wheel,
)
from widgets.mel_comparison import MelComparison


def test_click_seeks(view: MelComparison, qtbot: QtBot) -> None:
    target = canvas(view)
    with qtbot.waitSignal(view.seek_requested) as caught:
        QTest.mouseClick(target, Qt.MouseButton.LeftButton, pos=QPoint(target.width() // 2, 20))
    assert caught.args[0] == pytest.approx(DURATION / 2, abs=DURATION / target.width())


def test_without_any_sound_there_is_nothing_to_seek_or_select(qtbot: QtBot) -> None:
    widget = MelComparison()
    qtbot.addWidget(widget)
    widget.set_panes(SPECS)
    widget.resize(900, 640)
    widget.show()
    asked: list[object] = []
    for signal in (widget.seek_requested, widget.selection_requested, widget.time_range_requested):
        signal.connect(lambda *arguments: asked.append(arguments))
    QTest.mouseClick(canvas(widget), Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    drag(canvas(widget), QPoint(100, 20), QPoint(200, 20))
    wheel(canvas(widget), 100, 20, 1, NONE)
    QTest.mouseDClick(canvas(widget), Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    assert asked == []


def test_drag_selects_in_either_direction_and_does_not_seek(view: MelComparison, qtbot: QtBot) -> None:
    target = canvas(view)
    seconds = DURATION / target.width()
    chosen: list[tuple[float, float]] = []
    view.selection_requested.connect(chosen.append)
    with qtbot.assertNotEmitted(view.seek_requested):
        drag(target, QPoint(300, 20), QPoint(100, 40))
    assert chosen[-1] == pytest.approx((100 * seconds, 300 * seconds))
    assert len(chosen) == 3, "the region is seen while it is drawn"


def test_a_trembling_click_is_still_a_click(view: MelComparison, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(view.selection_requested), qtbot.waitSignal(view.seek_requested):
        drag(canvas(view), QPoint(200, 20), QPoint(203, 22))


def test_an_edge_of_the_selection_can_be_dragged_from_any_pane(view: MelComparison) -> None:
    drag(canvas(view, "ground_truth"), QPoint(100, 20), QPoint(300, 20))
    target = canvas(view, "autoregressive")
    seconds = DURATION / target.width()
    point_at(target, 302, 10)
    assert target.cursor().shape() == Qt.CursorShape.SizeHorCursor
    chosen: list[tuple[float, float]] = []
    view.selection_requested.connect(chosen.append)
    drag(target, QPoint(302, 10), QPoint(400, 10))
    assert chosen[-1] == pytest.approx((100 * seconds, 400 * seconds), abs=3 * seconds)
    drag(target, QPoint(101, 10), QPoint(500, 10))
    assert chosen[-1] == pytest.approx((400 * seconds, 500 * seconds), abs=3 * seconds), "edges may cross"


def test_a_selection_dragged_past_the_edge_pulls_the_picture_along(view: MelComparison) -> None:
    view.set_time_range(1.0, 2.0)
    target = canvas(view)
    drag(target, QPoint(200, 20), QPoint(target.width() + 60, 20))
    assert ranges(view)[0][1] > 2.0


def test_selection_dims_what_lies_outside_and_leaves_the_inside_as_it_is(view: MelComparison) -> None:
    before = picture(canvas(view))
    view.set_selection((1.0, 2.0))
    for key in KEYS:
        after = picture(canvas(view, key))
        scale = after.width() / DURATION
        inside, outside = round(1.3 * scale), round(3.3 * scale)
        assert (
            after.pixelColor(outside, 50).lightness()
            < picture(canvas(view, key)).pixelColor(inside, 50).lightness()
        )
    assert picture(canvas(view)).pixelColor(inside, 50) == before.pixelColor(inside, 50)
