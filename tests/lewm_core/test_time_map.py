"""The map of times along a warp path: monotone, its own inverse, and never far from the path."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lewm_core.time_map import TILT, time_map

RATE = 93.75
steps = st.lists(st.sampled_from([(1, 1), (1, 0), (0, 1)]), min_size=1, max_size=200)


def path_of(moves: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    cells = np.concatenate(([[0, 0]], np.cumsum(moves, axis=0)))
    return cells[:, 0], cells[:, 1]


@given(steps, st.lists(st.floats(-1.0, 4.0), min_size=2, max_size=20))
def test_the_map_is_monotone_and_inverse_within_a_frame(moves, times):
    reference, other = path_of(moves)
    there = time_map(reference, other, RATE)
    times = sorted(times)
    mapped = [there.to_other(time) for time in times]
    assert all(a <= b for a, b in pairwise(mapped))
    for time, partner in zip(times, mapped, strict=True):
        assert abs(there.to_reference(partner) - time) < 1 / RATE
        assert abs(there.to_other(there.to_reference(time)) - time) < 1 / RATE


@given(steps)
def test_a_frame_of_the_path_finds_its_partner(moves):
    reference, other = path_of(moves)
    there = time_map(reference, other, RATE)
    for frame in set(reference.tolist()):
        partners = other[reference == frame]
        mapped = there.to_other(frame / RATE) * RATE
        slack = 1.0 + TILT * len(other)
        assert partners.min() - slack <= mapped <= partners.max() + slack


def test_equal_frames_map_to_themselves():
    frames = np.arange(100)
    there = time_map(frames, frames, RATE)
    assert there.to_other(0.5) == pytest.approx(0.5)
    assert there.to_reference(7.0) == pytest.approx(7.0)


def test_what_is_no_path_is_refused():
    with pytest.raises(ValueError, match="path"):
        time_map(np.array([0, 1, 1]), np.array([0, 1, 1]), RATE)
