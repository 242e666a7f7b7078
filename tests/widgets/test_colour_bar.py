"""The colour bar asks for levels and maps, and changes nothing by itself."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.colour_bar import DEFAULT_LEVELS, MIN_SPAN_DB, SCALE, ColourBar
from widgets.colour_maps import COLOUR_MAPS, DIVERGING_COLOUR_MAPS, lookup_table


@pytest.fixture
def bar(qtbot: QtBot) -> ColourBar:
    widget = ColourBar()
    qtbot.addWidget(widget)
    widget.resize(widget.width(), 500)
    widget.set_levels(-60.0, 20.0)
    widget.show()
    return widget


def drag(bar: ColourBar, start: float, stop: float) -> None:
    x = 18
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPoint(x, round(bar.y_of(start))))
    position = QPointF(x, round(bar.y_of(stop)))
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        position,
        QPointF(bar.mapToGlobal(position.toPoint())),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(bar, event)
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=position.toPoint())


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (20.0, 0.0, (-60.0, 0.0)),
        (-60.0, -40.0, (-40.0, 20.0)),
        (-20.0, -10.0, (-50.0, 30.0)),
        (20.0, 500.0, (-60.0, SCALE[1])),
        (20.0, -90.0, (-60.0, -60.0 + MIN_SPAN_DB)),
    ],
)
def test_handles_and_the_space_between_them_are_dragged(
    bar: ColourBar, qtbot: QtBot, start: float, stop: float, expected: tuple[float, float]
) -> None:
    with qtbot.waitSignal(bar.levels_requested) as caught:
        drag(bar, start, stop)
    assert caught.args == pytest.approx(list(expected), abs=1.0)


def test_it_waits_for_the_answer(bar: ColourBar) -> None:
    before = bar.grab().toImage()
    y = bar.y_of(20.0)
    asked: list[tuple[float, float]] = []
    bar.levels_requested.connect(lambda low, high: asked.append((low, high)))
    QTest.keyClick(bar, Qt.Key.Key_Up)
    QTest.keyClick(bar, Qt.Key.Key_Up)
    assert asked == [(-60.0, 21.0)] * 2, "unanswered, it asks for the same again"
    assert bar.y_of(20.0) == y
    assert bar.grab().toImage() == before


def test_keyboard_reaches_both_ends_and_the_default(bar: ColourBar) -> None:
    asked: list[tuple[float, float]] = []
    bar.levels_requested.connect(lambda low, high: asked.append((low, high)))
    bar.levels_requested.connect(bar.set_levels)
    QTest.keyClick(bar, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(bar, Qt.Key.Key_Left)
    QTest.keyClick(bar, Qt.Key.Key_Up)
    QTest.keyClick(bar, Qt.Key.Key_Home)
    assert asked == [(-60.0, 15.0), (-59.0, 15.0), DEFAULT_LEVELS]
    assert "from -50 to 35 dB" in bar.accessibleDescription()


def test_the_menu_offers_the_maps(bar: ColourBar, qtbot: QtBot) -> None:
    bar.set_colour_map("viridis")
    menu = bar.build_menu()
    actions = {action.text(): action for action in menu.actions() if action.isCheckable()}
    assert [name.lower() for name in actions] == COLOUR_MAPS
    assert [name for name, action in actions.items() if action.isChecked()] == ["Viridis"]
    with qtbot.waitSignal(bar.colour_map_requested) as caught:
        actions["Cividis"].trigger()
    assert caught.args == ["cividis"]
    with qtbot.waitSignal(bar.levels_requested) as levels:
        menu.actions()[-1].trigger()
    assert tuple(levels.args) == DEFAULT_LEVELS


def test_diverging_maps_can_be_offered_instead(bar: ColourBar) -> None:
    bar.set_colour_maps(DIVERGING_COLOUR_MAPS)
    texts = [action.text().lower() for action in bar.build_menu().actions() if action.isCheckable()]
    assert texts == DIVERGING_COLOUR_MAPS


def test_colours_stand_at_their_levels(bar: ColourBar) -> None:
    image = bar.grab().toImage()
    table = lookup_table("magma")
    for level in (-50.0, -20.0, 10.0):
        shown = image.pixelColor(18, round(bar.y_of(level)))
        expected = table[round((level + 60.0) / 80.0 * 255)]
        for channel, value in zip((shown.red(), shown.green(), shown.blue()), expected, strict=True):
            assert abs(channel - int(value)) <= 8


def test_y_and_level_are_inverse(bar: ColourBar) -> None:
    for level in (-90.0, -12.5, 40.0):
        assert bar.level_at(bar.y_of(level)) == pytest.approx(level)
