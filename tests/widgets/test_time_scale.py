"""Time axis: round, readable, never crowded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.time_scale import format_time, format_time_readout, time_ticks


@given(st.floats(0.0, 4000.0), st.floats(0.01, 8000.0), st.integers(1, 30))
def test_ticks_lie_in_range_and_are_few(start: float, span: float, most: int) -> None:
    ticks = time_ticks(start, start + span, most)
    assert len(ticks.major) <= most + 1
    assert all(start - 1e-3 <= t <= start + span + 1e-3 for t, _ in ticks.major)
    assert len({label for _, label in ticks.major}) == len(ticks.major), "no label twice"
    assert not {round(t, 6) for t in ticks.minor} & {round(t, 6) for t, _ in ticks.major}


def test_familiar_ranges() -> None:
    assert [label for _, label in time_ticks(0.0, 2.0, 5).major] == ["0.0", "0.5", "1.0", "1.5", "2.0"]
    assert [label for _, label in time_ticks(0.0, 120.0, 4).major] == ["0", "30", "1:00", "1:30", "2:00"]


def test_an_empty_range_has_no_ticks() -> None:
    assert time_ticks(1.0, 1.0, 5).major == []


@pytest.mark.parametrize(
    ("seconds", "resolution", "label"),
    [
        (1.25, 0.05, "1.25"),
        (65.0, 1.0, "1:05"),
        (65.25, 0.05, "1:05.25"),
        (59.9999, 0.5, "60.0"),
        (119.96, 0.1, "2:00.0"),
    ],
)
def test_labels(seconds: float, resolution: float, label: str) -> None:
    assert format_time(seconds, resolution) == label


def test_readout_has_milliseconds() -> None:
    assert format_time_readout(1.2344) == "1.234 s"
    assert format_time_readout(65.25) == "1:05.250"
