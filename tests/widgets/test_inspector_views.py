"""Trace strip, error strip, spectrum slice and drift panel: what they draw and what they ask for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton

from widgets.error_strip import ErrorStrip, Measure
from widgets.frequency_scale import MelScale
from widgets.pane_colours import pane_colour
from widgets.spectrum_slice import SpectrumSlice
from widgets.theme import DARK, LIGHT, apply_theme, contrast_ratio, current_theme
from widgets.trace_strip import TraceStrip

MEASURES = [Measure("l1", "Mel L1", "nats", "what L1 means"), Measure("blur", "Blur", "", "what blur means")]


@pytest.fixture
def trace(qtbot) -> TraceStrip:
    strip = TraceStrip("Error")
    qtbot.addWidget(strip)
    strip.resize(410, 60)
    strip.set_margins(100, 10)
    strip.set_time_range(1.0, 4.0)
    strip.show()
    return strip


@pytest.fixture
def strip(qtbot) -> ErrorStrip:
    strip = ErrorStrip(MEASURES)
    qtbot.addWidget(strip)
    strip.set_panes([("a", "Pane A"), ("b", "Pane B")])
    strip.set_choice("a", "l1")
    strip.resize(700, 90)
    strip.show()
    return strip


@pytest.fixture
def view(qtbot) -> SpectrumSlice:
    view = SpectrumSlice()
    qtbot.addWidget(view)
    view.resize(300, 400)
    view.set_panes([("a", "Pane A"), ("b", "Pane B")])
    view.set_frequency_scale(MelScale())
    view.set_levels(-60.0, 20.0)
    view.show()
    return view


def columns_of(widget, colour: str) -> list[int]:
    """Pixel columns that hold nearly that colour."""
    image, wanted = widget.grab().toImage(), QColor(colour)

    def is_near(x: int, y: int) -> bool:
        found = image.pixelColor(x, y)
        return all(abs(a - b) < 12 for a, b in zip(found.getRgb()[:3], wanted.getRgb()[:3], strict=True))

    return [x for x in range(image.width()) if any(is_near(x, y) for y in range(image.height()))]


def test_a_click_asks_for_the_time_under_it(qtbot, trace: TraceStrip):
    with qtbot.assertNotEmitted(trace.seek_requested):
        qtbot.mouseClick(trace, Qt.MouseButton.LeftButton, pos=QPoint(250, 30))  # nothing is shown yet
    trace.set_trace(np.ones(500), 100.0)
    for x, time in ((100, 1.0), (250, 2.5), (400, 4.0), (5, 1.0)):
        with qtbot.waitSignal(trace.seek_requested) as asked:
            qtbot.mouseClick(trace, Qt.MouseButton.LeftButton, pos=QPoint(x, 30))
        assert asked.args == [pytest.approx(time)]


def test_the_playhead_stands_at_its_time(trace: TraceStrip):
    trace.set_trace(np.full(500, 0.5), 100.0)
    trace.set_playhead(2.0)
    columns = columns_of(trace, current_theme().playhead)
    assert {200, 201} <= set(columns)


def test_gaps_are_left_open_and_peaks_are_not_lost(trace: TraceStrip):
    values = np.full(50_000, np.nan)
    trace.set_trace(values, 10_000.0)
    blank = trace.grab().toImage()
    values[15_000] = 1.0
    trace.set_trace(values, 10_000.0)
    image = trace.grab().toImage()
    drawn = [
        x for x in range(image.width())
        if any(image.pixel(x, y) != blank.pixel(x, y) for y in range(image.height()))
    ]  # fmt: skip
    assert drawn, "one frame in many thousand is still seen"
    assert all(abs(column - 150) <= 2 for column in drawn)
    assert trace.value_at(1.5) == 1.0
    assert math.isnan(trace.value_at(2.0))
    assert math.isnan(trace.value_at(99.0))


def test_a_strip_without_values_says_why(trace: TraceStrip):
    trace.set_empty_message("Open a clip.")
    blank = trace.grab().toImage()
    trace.set_empty_message("")
    assert trace.grab().toImage() != blank


def test_the_worst_place_is_marked_and_one_click_away(qtbot, strip: ErrorStrip):
    go = strip.findChild(QPushButton)
    assert not go.isVisible()
    values = np.zeros(300)
    values[150] = 0.8
    strip.set_values(values, 100.0, 1.5)
    assert go.isVisible()
    assert "1.500 s" in go.text()
    assert "0.80" in go.text()
    with qtbot.waitSignal(strip.seek_requested) as asked:
        qtbot.mouseClick(go, Qt.MouseButton.LeftButton)
    assert asked.args == [1.5]
    strip.set_values(None, 1.0, None, empty="Measuring…")
    assert not go.isVisible()
    assert strip.worst() is None


@pytest.mark.parametrize(
    ("width", "words"), [(700, "Worst: 1.500 s · 1.00"), (380, "Worst: 1.500 s"), (340, "1.500 s")]
)
def test_nothing_in_the_line_above_the_curve_is_cut_off(
    qapp, qtbot, strip: ErrorStrip, width: int, words: str
):
    apply_theme(qapp, DARK)
    strip.set_panes([("a", "Teacher-forced"), ("b", "Autoregressive")])
    strip.set_margins(56, 72)
    strip.set_values(np.sin(np.linspace(0, 3, 300)), 100.0, 1.5, remark="aligned by DTW")
    strip.resize(width, 90)
    go = strip.findChild(QPushButton)
    choices = [*strip.findChildren(QComboBox), go]
    qtbot.waitUntil(lambda: all(widget.width() >= widget.sizeHint().width() for widget in choices))
    assert go.geometry().right() <= width - 12
    assert go.text() == words
    assert go.toolTip() == go.accessibleName() == "Go to the worst place, 1.500 s, 1.00 nats"
    title = next(label for label in strip.findChildren(QLabel) if label.text() == "Error")
    assert title.isVisible() == (width == 700)


def test_pane_and_measure_are_asked_for(qtbot, strip: ErrorStrip):
    pane, measure = strip.findChildren(QComboBox)
    pane.setFocus()
    with qtbot.waitSignal(strip.pane_chosen) as chosen:
        qtbot.keyClick(pane, Qt.Key.Key_Down)
    assert chosen.args == ["b"]
    with qtbot.waitSignal(strip.measure_chosen) as chosen:
        qtbot.keyClick(measure, Qt.Key.Key_Down)
    assert chosen.args == ["blur"]
    with qtbot.assertNotEmitted(strip.pane_chosen):
        strip.set_choice("a", "blur")
    assert strip.trace.toolTip() == "what blur means"
    assert pane.accessibleName()
    assert measure.accessibleName()


def test_the_slice_reads_the_frame_at_its_time(view: SpectrumSlice):
    mel = np.arange(100)[:, None] * 0.5 - 50 + np.zeros((100, 20))
    mel[:, 10] += 3
    view.set_mel("a", mel, 10.0)
    assert view.spectrum("a") is None, "no moment is chosen yet"
    view.set_time(1.04, "playhead")
    np.testing.assert_array_equal(view.spectrum("a"), mel[:, 10])
    assert view.spectrum("b") is None
    view.set_time(2.1)
    assert view.spectrum("a") is None, "behind its end"


def test_the_slice_draws_each_pane_in_its_colour_on_the_mel_scale(view: SpectrumSlice):
    mel = np.full((100, 5), -200.0)
    mel[50] = 0.0
    view.set_mel("b", mel, 10.0)
    view.set_time(0.2)
    plot = view._plot()
    peak = [x for x in columns_of(view, pane_colour(1, current_theme())) if x > plot.left()]
    assert min(abs(x - (plot.left() + 0.505 * plot.width())) for x in peak) < 2


def test_a_mel_of_other_bands_is_left_out(view: SpectrumSlice):
    view.set_mel("a", np.zeros((80, 5)), 10.0)
    view.set_time(0.1)
    assert view.spectrum("a") is None
    view.grab()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_curves_stand_out_from_their_ground(theme):
    colours = [pane_colour(place, theme) for place in range(6)]
    assert len(set(colours)) == 6
    assert all(contrast_ratio(colour, theme.plot_background) >= 3 for colour in colours)
