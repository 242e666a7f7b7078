"""The TF / AR page and its parts: plots on one time axis, the handle, the heads, what folds and what widens."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from widgets.attention_view import AttentionMap, AttentionView
from widgets.drift_panel import MARGIN, WIDE_FROM, DriftPanel
from widgets.fold_section import FoldSection
from widgets.head_chooser import HeadChooser
from widgets.heat_strip import HeatStrip
from widgets.mixed_controls import MixedControls
from widgets.moment_ruler import MomentRuler
from widgets.theme import DARK, LIGHT, apply_theme

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def panel(qtbot) -> DriftPanel:
    panel = DriftPanel({"Departure": "what it is"})
    qtbot.addWidget(panel)
    panel.resize(300, 1200)
    panel.set_time_range(0.0, 2.0)
    panel.set_drift("Leaves at 1.0 s", [("Departure", "1.00 s"), ("Length", "2 s")], [(1.0, 1.5)], 1.0)
    panel.set_curve("divergence", np.linspace(0, 1, 200), 100.0)
    panel.show()
    return panel


def attention(units: int = 10, steps: int = 20, step_s: float = 0.1) -> AttentionMap:
    """Head (0, 0) looks along the diagonal, (1, 1) at the last unit; the plan is the diagonal."""
    diagonal = np.linspace(0, units - 1, steps).round().astype(int)
    weights = np.zeros((2, 2, steps, units), np.float32)
    weights[:, :, np.arange(steps), diagonal] = 1.0
    weights[1, 1] = 0.0
    weights[1, 1, :, -1] = 1.0
    return AttentionMap(
        weights, weights.mean((0, 1)), np.arange(steps) * step_s, step_s, tuple("abcdefghij"[:units]),
        diagonal.astype(float), weights.argmax(-1), diagonal, np.array([[0.9, 0.5], [0.5, 0.7]]),
        {None: "the mean", (0, 0): "first", (1, 1): "last"},
    )  # fmt: skip


def colour_at(widget, x: float, y: float) -> QColor:
    return QColor(widget.grab().toImage().pixel(round(x), round(y)))


# ---------------------------------------------------------------------- heat strip
@pytest.fixture
def heat(qapp, qtbot) -> HeatStrip:
    apply_theme(qapp, DARK)  # whatever the tests before have left
    strip = HeatStrip("Latents")
    qtbot.addWidget(strip)
    strip.resize(400, 100)
    strip.set_margins(0, 0)
    strip.set_time_range(0.0, 4.0)
    strip.show()
    return strip


def test_a_bright_cell_is_drawn_at_its_time_and_row_0_at_the_bottom(heat):
    values = np.zeros((4, 8))
    values[0, 2] = 1.0  # 1.0 to 1.5 s
    heat.set_map(values, None, 0.5)
    bright, dark = colour_at(heat, 125, 90), colour_at(heat, 125, 10)
    assert bright.lightness() > 200 > 60 > dark.lightness()
    assert colour_at(heat, 175, 90).lightness() < 60


def test_columns_with_a_pause_between_them_leave_a_gap(heat):
    heat.set_map(np.ones((2, 4)), np.array([0.0, 0.5, 3.0, 3.5]), 0.5)
    assert colour_at(heat, 50, 50).lightness() > 200
    assert colour_at(heat, 200, 50).lightness() < 60
    assert colour_at(heat, 350, 50).lightness() > 200
    assert heat.column_at(0.6) == 1
    assert heat.column_at(2.0) is None
    assert heat.column_at(3.2) == 2
    assert heat.column_at(-0.1) is None


def test_zoomed_in_it_shows_the_rows_that_the_path_passes(heat):
    heat.set_map(np.zeros((40, 40)), None, 0.1)
    heat.set_labels([str(row) for row in range(40)])
    heat.set_paths([("plan", np.arange(40.0))])
    assert heat.visible_rows() == (0, 40)
    heat.set_time_range(1.0, 2.0)
    assert heat.visible_rows() == (7, 23)
    heat.set_paths([("plan", np.full(40, math.nan))])
    assert heat.visible_rows() == (0, 40)
    heat.grab()


def test_diverging_colours_follow_the_theme(heat, qapp):
    from widgets.heat_strip import DIVERGING

    heat.set_map(np.zeros((2, 8)), None, 0.5, (-3.0, 3.0), DIVERGING)
    try:
        apply_theme(qapp, LIGHT)
        light = colour_at(heat, 200, 50).lightness()
    finally:
        apply_theme(qapp, DARK)
    assert colour_at(heat, 200, 50).lightness() < light


# ---------------------------------------------------------------------- ruler and controls
@pytest.fixture
def ruler(qtbot) -> MomentRuler:
    ruler = MomentRuler("Free from", "clip", "own")
    qtbot.addWidget(ruler)
    ruler.resize(420, 38)
    ruler.set_margins(10, 10)
    ruler.set_time_range(0.0, 4.0)
    ruler.set_moment(0.0)
    ruler.set_limit(3.0)
    ruler.show()
    return ruler


def test_the_handle_tells_while_it_is_dragged_and_once_when_let_go(ruler):
    dragged, let_go = [], []
    ruler.moment_dragged.connect(dragged.append)
    ruler.moment_set.connect(let_go.append)
    QTest.mousePress(ruler, LEFT, NONE, QPoint(round(ruler.x_of(1.0)), 8))
    QTest.mouseMove(ruler, QPoint(round(ruler.x_of(2.0)), 8))
    QTest.mouseMove(ruler, QPoint(round(ruler.x_of(3.9)), 8))
    QTest.mouseRelease(ruler, LEFT, NONE, QPoint(round(ruler.x_of(3.9)), 8))
    assert dragged == [pytest.approx(1.0, abs=0.01), pytest.approx(2.0, abs=0.01), 3.0]
    assert let_go == [3.0], "not beyond the clip"
    ruler.grab()


def test_the_handle_goes_by_the_keyboard(ruler):
    let_go = []
    ruler.moment_set.connect(let_go.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_End, Qt.Key.Key_Home, Qt.Key.Key_Left):
        QTest.keyClick(ruler, key)
    assert let_go == [pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.1), 3.0, 0.0, 0.0]


def test_a_disabled_ruler_stays_where_it_is(ruler):
    ruler.setEnabled(False)
    QTest.mouseClick(ruler, LEFT, NONE, QPoint(200, 8))
    assert ruler.moment() == 0.0


def test_controls_ask_once_a_slide_and_never_for_what_they_are_told(qtbot):
    controls = MixedControls({}, 10)
    qtbot.addWidget(controls)
    wanted = []
    controls.wanted.connect(lambda *wish: wanted.append(wish))
    controls.set_mix(1.5, 0.3)
    assert wanted == []
    controls.slider.setSliderDown(True)
    controls.slider.setValue(60)
    controls.slider.setValue(70)
    assert wanted == []
    controls.set_mix(0.0, 1.0)
    assert controls.slider.value() == 70, "what is held stays in the hand"
    controls.slider.setSliderDown(False)
    assert wanted == [(0.0, 0.7)]


# ---------------------------------------------------------------------- heads and attention
def test_heads_are_chosen_by_click_and_by_keys(qtbot):
    chooser = HeadChooser()
    qtbot.addWidget(chooser)
    chooser.resize(260, chooser.sizeHint().height())
    chosen = []
    chooser.chosen.connect(chosen.append)
    QTest.keyClick(chooser, Qt.Key.Key_Right)
    assert chosen == [], "there is none yet"
    chooser.set_heads(np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), {(2, 1): "sharp"})
    chooser.resize(260, chooser.sizeHint().height())
    chooser.show()
    for head in ((2, 1), (0, 0), None):
        place = chooser.cell(head).center()
        assert chooser.heads_at(place) == [head]
        QTest.mouseClick(chooser, LEFT, NONE, place)
    assert chosen == [(2, 1), (0, 0), None]
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left):
        QTest.keyClick(chooser, key)
    assert chosen[3:] == [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)]
    QTest.keyClick(chooser, Qt.Key.Key_Left)
    assert chooser.current() is None
    chooser.grab()


@pytest.fixture
def view(qtbot) -> AttentionView:
    view = AttentionView([("tf", "TF"), ("ar", "AR")], 30)
    qtbot.addWidget(view)
    view.resize(330, 400)
    view.strip.set_time_range(0.0, 2.0)
    view.show()
    return view


def test_the_view_says_where_the_chosen_head_looks(view, qtbot):
    view.set_maps({"tf": attention()}, "Nothing kept.")
    assert view.figures() == "the mean"
    view.set_playhead({"tf": 0.05, "ar": 1.9})
    assert view.readout() == "At 0.05 s: looks at “a” (0.75), the plan is at “a”"
    with qtbot.waitSignal(view.head_chosen) as chosen:
        QTest.mouseClick(view.heads, LEFT, NONE, view.heads.cell((1, 1)).center())
    assert chosen.args == [(1, 1)]
    assert view.figures() == "last"
    assert view.readout() == "At 0.05 s: looks at “j” (1.00), the plan is at “a”"
    view.grab()


def test_a_run_without_attention_and_a_head_of_a_larger_model_do_no_harm(view):
    view.set_choice("ar", (11, 7))
    view.set_maps({"tf": attention()}, "Nothing kept.")
    assert view.figures() == ""
    view.grab()
    view.set_choice("tf", (11, 7))
    assert view.figures() == "the mean"
    assert view.heads.current() is None


# ---------------------------------------------------------------------- the page
def test_the_page_shows_verdict_and_numbers_and_goes_where_it_is_clicked(panel, qtbot):
    assert panel.verdict() == "Leaves at 1.0 s"
    assert panel.rows() == [("Departure", "1.00 s"), ("Length", "2 s")]
    strip = panel.curves["divergence"]
    x = round(MARGIN + 0.5 * (strip.width() - MARGIN))
    with qtbot.waitSignal(panel.seek_requested) as asked:
        QTest.mouseClick(strip, LEFT, NONE, QPoint(x, 20))
    assert asked.args == [pytest.approx(1.0, abs=0.02), "autoregressive"]
    panel.set_empty("Nothing.")
    assert panel.rows() == []
    assert not any(section.isVisible() for section in panel.sections.values())


def test_the_playhead_of_each_run_is_its_own(panel, qtbot):
    panel.set_playhead({"teacher_forced": 0.5, "autoregressive": 0.8})
    assert panel.latents["teacher_forced"]._playhead == panel.mix.ruler._playhead == 0.5
    assert panel.latents["autoregressive"]._playhead == panel.curves["stop"]._playhead == 0.8
    with qtbot.waitSignal(panel.seek_requested) as asked:
        panel.latents["teacher_forced"].seek_requested.emit(0.4)
    assert asked.args == [0.4, "teacher_forced"]
    panel.set_playhead({})
    assert panel.curves["stop"]._playhead is None


def test_all_plots_stand_under_one_another(panel):
    places = {round(strip.mapTo(panel, QPoint(round(strip.x_of(1.0)), 0)).x()) for strip in panel._strips()}
    assert len(places) == 1


def test_with_room_it_stands_in_two_columns(panel, qtbot):
    assert not panel.is_wide
    panel.resize(WIDE_FROM + 40, 900)
    assert panel.is_wide
    qtbot.waitUntil(lambda: panel.attention.mapTo(panel, QPoint(0, 0)).x() > 300)
    panel.resize(300, 900)
    assert not panel.is_wide


def test_a_section_folds_and_says_so(qtbot):
    section = FoldSection("Curves")
    qtbot.addWidget(section)
    section.show()
    height = section.sizeHint().height()
    with qtbot.waitSignal(section.toggled) as told:
        QTest.mouseClick(section._head, LEFT)
    assert told.args == [False]
    assert section.sizeHint().height() <= height
    section.set_open(True)
    assert section.is_open
