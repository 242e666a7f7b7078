"""Zooming and panning keep their promises for any range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.mel_viewport import Viewport, clamp_range, panned, zoomed

BOUNDS = (0.0, 60.0)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[float, float]:
    start = draw(st.floats(0.0, 59.0))
    return start, draw(st.floats(start + 0.1, 60.0))


@given(ranges(), st.floats(0.0, 1.0), st.floats(0.1, 10.0))
def test_zoom_keeps_the_anchor_under_the_pointer(
    view: tuple[float, float], place: float, factor: float
) -> None:
    anchor = view[0] + place * (view[1] - view[0])
    start, stop = zoomed(view, anchor, factor, BOUNDS, 0.05)
    assert BOUNDS[0] - 1e-9 <= start < stop <= BOUNDS[1] + 1e-9
    assert start - 1e-9 <= anchor <= stop + 1e-9
    if BOUNDS[0] + 1e-9 < start and stop < BOUNDS[1] - 1e-9:
        assert (anchor - start) / (stop - start) == pytest.approx(place, abs=1e-6)


@given(ranges(), st.floats(-100.0, 100.0))
def test_pan_keeps_the_span_and_the_bounds(view: tuple[float, float], shift: float) -> None:
    start, stop = panned(view, shift, BOUNDS)
    assert stop - start == pytest.approx(view[1] - view[0])
    assert BOUNDS[0] <= start
    assert stop <= BOUNDS[1] + 1e-9


def test_zoom_stops_at_the_smallest_span_and_at_the_whole() -> None:
    start, stop = zoomed((10.0, 10.06), 10.03, 0.1, BOUNDS, 0.05)
    assert stop - start == pytest.approx(0.05)
    assert zoomed((0.0, 50.0), 20.0, 9.0, BOUNDS, 0.05) == BOUNDS


def test_clamp_makes_a_range_from_a_point() -> None:
    assert clamp_range((5.0, 5.0), BOUNDS, 2.0) == (4.0, 6.0)
    assert clamp_range((-5.0, 500.0), BOUNDS) == BOUNDS


def test_pixels_and_positions_are_inverse() -> None:
    view = Viewport(2.0, 6.0, 10.0, 60.0, 400.0, 100.0)
    assert view.x_of(3.0) == 100.0
    assert view.time_at(100.0) == 3.0
    assert view.y_of(60.0) == 0.0, "high bands are on top"
    assert view.edge_at(view.y_of(22.5)) == pytest.approx(22.5)
