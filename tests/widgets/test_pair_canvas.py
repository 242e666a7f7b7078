"""Two mels in one picture: the difference has its own symmetric levels, wipe and blink show what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from widgets.colour_maps import is_diverging, lookup_table
from widgets.mel_comparison import MelComparison, PaneSpec
from widgets.pair_canvas import PairCanvas, difference_map
from widgets.theme import DARK, LIGHT

RATE = 100.0


@pytest.fixture
def canvas(qtbot) -> PairCanvas:
    canvas = PairCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(400, 200)
    canvas.set_view(0.0, 1.0, 0.0, 20.0)
    canvas.show()
    canvas.set_pair(np.full((20, 100), 5.0), np.full((20, 100), -3.0), RATE, ("One", "Other"))
    return canvas


def colour(canvas: PairCanvas, x: int, y: int = 150) -> tuple[int, int, int]:
    return canvas.grab().toImage().pixelColor(x, y).getRgb()[:3]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.integers(0, 2**31 - 1))
def test_the_difference_is_antisymmetric(canvas, seed):
    first, second = np.random.default_rng(seed).normal(0, 10, (2, 20, 30)).astype(np.float32)
    canvas.set_pair(first, second, RATE)
    one_way = [canvas.level_at(frame / RATE, band) for frame in (0, 7, 29) for band in (0, 19)]
    canvas.set_pair(second, first, RATE)
    other_way = [canvas.level_at(frame / RATE, band) for frame in (0, 7, 29) for band in (0, 19)]
    assert one_way == [-level for level in other_way]


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_no_difference_is_the_neutral_middle_whatever_the_levels_of_the_mels(canvas, theme):
    canvas.set_theme(theme)
    assert is_diverging(difference_map(theme))
    canvas.set_levels(-90.0, 3.0)
    canvas.set_colour_map("viridis")
    canvas.set_pair(np.full((20, 100), 5.0), np.full((20, 100), 5.0), RATE)
    middle = lookup_table(difference_map(theme), 255)[127]
    np.testing.assert_allclose(colour(canvas, 100), middle, atol=3)


def test_the_same_distance_has_the_same_place_on_both_sides(canvas):
    table = lookup_table(difference_map(canvas._theme), 255).astype(int)
    canvas.set_difference_range(16.0)
    np.testing.assert_allclose(colour(canvas, 100), table[127 + 64], atol=8)  # 5 - -3 = 8 dB, half of the range
    canvas.set_pair(np.full((20, 100), -3.0), np.full((20, 100), 5.0), RATE)
    np.testing.assert_allclose(colour(canvas, 100), table[127 - 64], atol=8)


def test_a_wipe_shows_the_first_left_and_the_second_right_of_the_divider(canvas):
    canvas.set_mode("wipe")
    canvas.set_wipe_share(0.25)
    assert canvas.level_at(0.1, 3) == 5.0
    assert canvas.level_at(0.5, 3) == -3.0
    assert colour(canvas, 50) != colour(canvas, 300)
    canvas.set_wipe_share(0.9)
    assert colour(canvas, 50) == colour(canvas, 300)


def test_the_divider_is_dragged_and_does_not_seek(canvas, qtbot):
    canvas.set_mode("wipe")
    canvas.set_bounds(1.0, 20)
    with qtbot.assertNotEmitted(canvas.gestures.seek_requested):
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPointF(200, 50).toPoint())
        QTest.mouseMove(canvas, QPointF(300, 60).toPoint())
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPointF(300, 60).toPoint())
    assert canvas.wipe_share == pytest.approx(0.75, abs=0.01)
    with qtbot.waitSignal(canvas.gestures.seek_requested):
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPointF(100, 50).toPoint())


def test_a_blink_changes_by_hand_and_by_itself(canvas, qtbot):
    canvas.set_mode("blink")
    assert canvas.level_at(0.5, 3) == 5.0
    before = colour(canvas, 200)
    canvas.flip()
    assert canvas.level_at(0.5, 3) == -3.0
    assert colour(canvas, 200) != before
    canvas._timer.setInterval(5)
    canvas.set_timed(True)
    qtbot.waitSignals([canvas.flipped, canvas.flipped])
    canvas.set_timed(False)
    assert not canvas._timer.isActive()


def test_a_blink_that_nobody_sees_rests(canvas):
    canvas.set_mode("blink")
    canvas.set_timed(True)
    assert canvas._timer.isActive()
    canvas.hide()
    assert not canvas._timer.isActive()
    canvas.show()
    assert canvas._timer.isActive()
    canvas.set_mode("wipe")
    assert not canvas._timer.isActive()


def test_nothing_to_compare_is_said(canvas):
    canvas.set_pair(None, None, RATE)
    assert not canvas.has_mel
    assert math.isnan(canvas.level_at(0.5, 3))
    with pytest.raises(ValueError, match="blink"):
        canvas.set_mode("fade")


def test_panes_are_hidden_and_come_back_with_what_they_showed(qtbot):
    view = MelComparison()
    qtbot.addWidget(view)
    view.set_panes([PaneSpec("a", "A"), PaneSpec("b", "B"), PaneSpec("both", "", is_pair=True)])
    view.resize(600, 500)
    view.show()
    view.set_mel("b", np.zeros((100, 50), np.float32), RATE)
    view.set_hidden_panes({"b"})
    assert view.shown_panes() == ["a", "both"]
    assert not view.pane("b").isVisible()
    assert len(view.frequency_axes) == 2
    view.set_hidden_panes(())
    assert view.pane("b").isVisible()
    assert view.pane("b").canvas.has_mel
    view.set_hidden_panes({"a", "b", "both"})
    assert view.shown_panes() == ["a"], "one always stays"


def test_titles_give_way_to_the_divider(canvas):
    canvas.set_mode("wipe")
    long = ("A title that is far too long for the room that there is", "Other")
    canvas.set_pair(np.full((20, 100), 5.0), np.full((20, 100), 5.0), RATE, long)
    canvas.set_wipe_share(0.5)
    plain = canvas.grab().toImage()
    canvas.set_pair(np.full((20, 100), 5.0), np.full((20, 100), 5.0), RATE, ("", ""))
    bare = canvas.grab().toImage()
    changed = [x for x in range(canvas.width()) if plain.pixel(x, 12) != bare.pixel(x, 12)]
    assert changed
    assert all(abs(x - 200) > 4 for x in changed), "the divider stays free"
