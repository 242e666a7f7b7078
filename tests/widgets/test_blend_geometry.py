"""Places on a map of speakers and the blends that lie there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.blend_geometry import blend_distances, nearest, place_of, weights_at

POINTS = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0], [4.0, 3.0], [2.0, 1.4]])
TRIANGLES = np.array([[0, 1, 4], [1, 3, 4], [3, 2, 4], [2, 0, 4]])
EDGES = np.array([[0, 1], [1, 3], [2, 3], [0, 2], [0, 4], [1, 4], [2, 4], [3, 4]])
PLACES = st.tuples(st.floats(-5, 9), st.floats(-5, 8)).map(np.array)
INSIDE = st.tuples(st.floats(0, 4), st.floats(0, 3)).map(np.array)


@given(INSIDE)
def test_inside_the_blend_lies_where_the_pointer_is(place: np.ndarray) -> None:
    weights = weights_at(place, POINTS, TRIANGLES, EDGES)
    assert place_of(weights, POINTS) == pytest.approx(place, abs=1e-6)


@given(PLACES)
def test_weights_are_of_neighbours_and_sum_to_one(place: np.ndarray) -> None:
    weights = weights_at(place, POINTS, TRIANGLES, EDGES)
    assert 1 <= len(weights) <= 3
    assert sum(weights.values()) == pytest.approx(1.0)
    assert min(weights.values()) > 0


@given(PLACES)
def test_outside_the_blend_is_the_nearest_there_is(place: np.ndarray) -> None:
    found = place_of(weights_at(place, POINTS, TRIANGLES, EDGES), POINTS)
    clipped = np.clip(place, [0, 0], [4, 3])  # the hull is a rectangle
    assert found == pytest.approx(clipped, abs=1e-6)


@given(PLACES, st.floats(0, 2 * np.pi))
def test_a_small_move_makes_a_small_change(place: np.ndarray, angle: float) -> None:
    step = 1e-4 * np.array([np.cos(angle), np.sin(angle)])
    before, after = (weights_at(at, POINTS, TRIANGLES, EDGES) for at in (place, place + step))
    for index in before.keys() | after.keys():
        assert before.get(index, 0.0) == pytest.approx(after.get(index, 0.0), abs=1e-3)


def test_on_a_speaker_it_is_that_speaker() -> None:
    for index, point in enumerate(POINTS):
        assert weights_at(point, POINTS, TRIANGLES, EDGES).get(index) == pytest.approx(1.0)
        assert nearest(point + 0.1, POINTS) == index


@given(st.integers(0, 99))
def test_distances_of_a_blend_are_those_of_its_embedding(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(6, 4))
    table -= table.mean(axis=0)
    shares = rng.dirichlet(np.ones(3))
    blend = shares @ table[[1, 3, 4]]
    weights = dict(zip((1, 3, 4), map(float, shares), strict=True))
    euclidean, cosine = blend_distances(weights, table @ table.T)
    assert euclidean == pytest.approx(np.linalg.norm(table - blend, axis=1))
    wanted = 1 - table @ blend / np.linalg.norm(table, axis=1) / np.linalg.norm(blend)
    assert cosine == pytest.approx(wanted)
    assert blend_distances({2: 1.0}, table @ table.T)[0][2] == pytest.approx(0.0, abs=1e-6)


def test_maps_without_triangles() -> None:
    none, chain = np.zeros((0, 3), int), np.array([[0, 1]])
    assert weights_at(np.array([1.0, 7.0]), POINTS[:2], none, chain) == {0: 0.75, 1: 0.25}
    assert weights_at(np.array([1.0, 7.0]), POINTS[:1], none, chain[:0]) == {0: 1.0}
    assert weights_at(np.array([1.0, 7.0]), POINTS[:0], none, chain[:0]) == {}
    same = np.zeros((2, 2))
    assert sum(weights_at(np.array([1.0, 7.0]), same, none, chain).values()) == 1.0
