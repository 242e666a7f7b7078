"""Layouts on a plane, held to point sets whose places are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.analysis.plane_layout import agreement_of, pair_distances, principal_plane, scaled_plane


def turned(flat: np.ndarray, dims: int, seed: int) -> np.ndarray:
    """Points of a plane (s, 2) in a plane of a space of many dimensions (s, dims)."""
    rng = np.random.default_rng(seed)
    return flat @ np.linalg.qr(rng.normal(size=(dims, 2)))[0].T + rng.normal(size=dims)


@given(st.integers(4, 12), st.integers(2, 20), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_both_layouts_draw_what_lies_on_a_plane_as_it_lies(count: int, dims: int, seed: int) -> None:
    flat = np.random.default_rng(seed).normal(size=(count, 2))
    rows = turned(flat, dims, seed)
    for layout in (principal_plane(rows), scaled_plane(rows)):
        assert layout.agreement == pytest.approx(1.0, abs=1e-3)
        scale = pair_distances(layout.points).sum() / pair_distances(flat).sum()
        assert pair_distances(layout.points) == pytest.approx(scale * pair_distances(flat), abs=0.02)


def test_scaling_finds_a_ring_among_points_that_lie_almost_equally_far_apart() -> None:
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rows = np.concatenate([3.0 * np.eye(12), ring], axis=1)
    layout = scaled_plane(rows)
    assert sum(principal_plane(rows).explained) < 0.3
    assert layout.stress < 0.1
    nearest = np.argsort(np.linalg.norm(layout.points[:, None] - layout.points, axis=-1), axis=1)[:, 1:3]
    assert [set(pair) for pair in nearest] == [{(n - 1) % 12, (n + 1) % 12} for n in range(12)]


def test_scaling_is_never_worse_than_the_projection_it_begins_with() -> None:
    for seed in range(10):
        rows = np.random.default_rng(seed).normal(size=(14, 40))
        assert scaled_plane(rows).agreement > principal_plane(rows).agreement


def test_stress_is_that_of_the_best_line_through_the_distances() -> None:
    rows = np.random.default_rng(3).normal(size=(9, 20))
    layout = scaled_plane(rows)
    found, wanted = pair_distances(layout.points), pair_distances(rows)
    line = np.polyval(np.polyfit(wanted, found, 1), wanted)
    assert layout.stress == pytest.approx(np.sqrt(np.sum((found - line) ** 2) / np.sum(found**2)), rel=1e-6)
    assert 0.05 < layout.stress < 0.5


def test_the_same_rows_give_the_same_layout_of_size_one() -> None:
    rows = np.random.default_rng(4).normal(size=(7, 9))
    first, second = scaled_plane(rows), scaled_plane(rows.copy())
    assert np.array_equal(first.points, second.points)
    assert np.square(first.points).sum(axis=1).mean() == pytest.approx(1.0)
    assert first.points.mean(axis=0) == pytest.approx([0.0, 0.0])


def test_points_on_top_of_each_other_in_the_projection_part() -> None:
    rows = np.zeros((5, 4))
    rows[:4, :2] = [[4, 0], [-4, 0], [0, 3], [0, -3]]
    rows[4, 2] = 0.0
    rows = np.concatenate([rows, rows[4:]])
    rows[4, 3], rows[5, 3] = 1.5, -1.5
    pca, mds = principal_plane(rows).points, scaled_plane(rows).points
    assert np.linalg.norm(pca[4] - pca[5]) < 1e-9
    assert np.linalg.norm(mds[4] - mds[5]) > 0.2


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("lay_out", [principal_plane, scaled_plane])
def test_few_points_and_equal_ones(lay_out, count: int) -> None:  # type: ignore[no-untyped-def]
    for rows in (np.ones((count, 3)), np.eye(3)[:count]):
        layout = lay_out(rows)
        assert layout.points.shape == (count, 2)
        assert np.isfinite(layout.points).all()
        assert np.isnan(layout.agreement)
    assert np.isnan(agreement_of(np.zeros((4, 2)), np.arange(6.0)))
