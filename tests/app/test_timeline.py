"""Laws of the timeline: whatever is asked of it, what is shown lies inside the sound."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.timeline import MINIMUM_LEVEL_SPAN, MINIMUM_SPAN, Timeline

any_float = st.floats(allow_nan=True, allow_infinity=True)
times = st.floats(-5, 30)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("set_duration"), any_float),
        st.tuples(st.just("set_range"), any_float, any_float),
        st.tuples(st.just("zoom"), any_float, st.one_of(st.none(), times)),
        st.tuples(st.just("pan"), any_float),
        st.tuples(st.just("fit")),
        st.tuples(st.just("zoom_to_selection")),
        st.tuples(st.just("zoom_back")),
        st.tuples(st.just("set_playhead"), st.one_of(st.none(), any_float)),
        st.tuples(st.just("set_selection"), st.one_of(st.none(), st.tuples(any_float, any_float))),
        st.tuples(st.just("set_levels"), any_float, any_float),
        st.tuples(st.just("follow_playhead")),
    ),
    max_size=25,
)


@given(operations)
def test_everything_stays_inside(steps):
    timeline = Timeline()
    for name, *arguments in steps:
        getattr(timeline, name)(*arguments)
        start, end = timeline.range
        assert 0 <= start < end <= timeline.extent + 1e-9
        assert end - start >= min(MINIMUM_SPAN, timeline.extent) - 1e-9
        low, high = timeline.levels
        assert high - low >= MINIMUM_LEVEL_SPAN - 1e-9
        if timeline.selection is not None:
            assert 0 <= timeline.selection[0] < timeline.selection[1] <= timeline.extent
        if timeline.playhead is not None:
            assert 0 <= timeline.playhead <= timeline.extent


@given(st.floats(0, 10), st.floats(0.2, 20), st.floats(0.5, 9.5))
def test_zoom_keeps_the_pointer_in_place(at, factor, start):
    timeline = Timeline()
    timeline.set_duration(100)
    timeline.set_range(40 + start, 50 + start)
    at = 40 + start + at
    before = (at - timeline.range[0]) / (timeline.range[1] - timeline.range[0])
    timeline.zoom(factor, at)
    left, right = timeline.range
    if left > 0 and right < timeline.extent and math.isclose(right - left, 10 / factor):
        assert (at - left) / (right - left) == pytest.approx(before, abs=1e-6)
        assert left <= at <= right


@given(st.lists(st.floats(0.1, 60), min_size=1, max_size=6))
def test_a_fitted_view_stays_fitted(durations):
    timeline = Timeline()
    for duration in durations:
        timeline.set_duration(duration)
        assert timeline.range == (0.0, duration)


def test_a_zoomed_view_stays_put_when_the_sound_grows():
    timeline = Timeline()
    timeline.set_duration(3)
    timeline.set_range(1, 2)
    timeline.set_duration(8)
    assert timeline.range == (1, 2)


def test_jumps_can_be_taken_back():
    timeline = Timeline()
    timeline.set_duration(10)
    timeline.set_selection((2, 3))
    timeline.zoom_to_selection()
    assert timeline.range == (2, 3)
    timeline.fit()
    timeline.zoom_back()
    assert timeline.range == (2, 3)
    timeline.zoom_back()
    assert timeline.range == (0, 10)


def test_following_turns_the_page_and_only_while_following():
    timeline = Timeline()
    timeline.set_duration(10)
    timeline.set_range(0, 2)
    timeline.set_playhead(2.5)
    timeline.follow_playhead()
    assert timeline.range == (2.5, 4.5)
    timeline.set_follow(False)
    timeline.set_playhead(9)
    timeline.follow_playhead()
    assert timeline.range == (2.5, 4.5)


def test_signals_tell_changes_only():
    timeline = Timeline()
    timeline.set_duration(10)
    heard = []
    timeline.range_changed.connect(lambda start, end: heard.append((start, end)))
    timeline.set_range(1, 2)
    timeline.set_range(1, 2)
    timeline.set_range(2, 1)
    assert heard == [(1, 2)]


def test_a_click_is_no_selection():
    timeline = Timeline()
    timeline.set_duration(10)
    timeline.set_selection((2, 2.001))
    assert timeline.selection is None
