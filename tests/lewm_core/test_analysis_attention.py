"""Figures of cross-attention on planted patterns: diagonals, jumps, blur, pauses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.analysis.attention import (
    argmax_path,
    attention_centres,
    attention_figures,
    attention_focus,
    attention_monotonicity,
    monotonic_path,
    sharpest_head,
)
from lewm_core.analysis.checks import AnalysisError


def along(path: list[int] | np.ndarray, units: int, width: float = 0.0) -> np.ndarray:
    """(k, u): a bell of that width around the unit of each step; 0 for one unit alone."""
    distance = np.arange(units)[None, :] - np.asarray(path, float)[:, None]
    weights = np.exp(-0.5 * (distance / max(width, 0.01)) ** 2)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def test_a_planted_diagonal_is_monotonic_and_focused() -> None:
    diagonal = along(np.linspace(0, 29, 40).round(), 30)
    figures = attention_figures(diagonal[None, None])
    assert figures.monotonicity[0, 0] == 1.0
    assert figures.focus[0, 0] == pytest.approx(1.0)
    assert attention_monotonicity(along(np.linspace(0, 29, 40), 30, width=2.0)) == 1.0


def test_the_diagonal_backwards_is_monotonic_nowhere() -> None:
    assert attention_monotonicity(along(np.arange(30)[::-1], 30)) == 0.0


@given(st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_each_planted_jump_back_costs_its_share(jumps: int) -> None:
    path = np.concatenate([np.arange(10)] * (jumps + 1))
    assert attention_monotonicity(along(path, 12)) == pytest.approx(1 - jumps / (len(path) - 1))


def test_wider_attention_has_less_focus_and_the_same_centre() -> None:
    path = np.linspace(10, 30, 50)
    focus = [float(attention_focus(along(path, 41, width))) for width in (0.5, 1.0, 2.0, 4.0)]
    assert focus == sorted(focus, reverse=True)
    assert focus[-1] < 0.3 * focus[0]
    for width in (1.0, 3.0):
        np.testing.assert_allclose(attention_centres(along(path, 41, width)), path, atol=0.05)
    even = np.full((5, 20), 1 / 20)
    assert float(attention_focus(even)) == pytest.approx(1 / 20)


def test_the_planted_head_is_found_and_its_distance_from_the_plan() -> None:
    planned = np.linspace(0, 19, 24).round()
    blurred = along(planned, 24, 6.0)
    attention = np.stack([np.stack([blurred, blurred]), np.stack([blurred, along(planned + 3, 24)])])
    figures = attention_figures(attention, planned)
    assert figures.sharpest == sharpest_head(attention) == (1, 1)
    assert figures.offset is not None
    assert figures.offset[1, 1] == pytest.approx(3.0)


def test_the_monotonic_path_follows_the_diagonal_through_stray_steps() -> None:
    truth = np.repeat(np.arange(20), 3)
    weights = along(truth, 20, 1.0)
    weights[30] = along([2], 20, 0.3)[0]  # one step looks far back
    assert argmax_path(weights)[30] == 2
    path = monotonic_path(weights)
    assert (np.diff(path) >= 0).all()
    assert np.abs(path - truth).max() <= 1


@given(st.integers(1, 7), st.integers(1, 5), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_the_monotonic_path_is_the_best_of_all(steps: int, units: int, seed: int) -> None:
    from itertools import combinations_with_replacement

    weights = np.random.default_rng(seed).dirichlet(np.ones(units), size=steps)
    logs = np.log(weights)
    best = max(
        sum(logs[step, unit] for step, unit in enumerate(path))
        for path in combinations_with_replacement(range(units), steps)
    )
    found = monotonic_path(weights)
    assert (np.diff(found) >= 0).all()
    assert logs[np.arange(steps), found].sum() == pytest.approx(best, abs=1e-4)


def test_pauses_without_any_weight_are_left_out() -> None:
    diagonal = along(np.arange(10), 10)
    gap = np.insert(diagonal, 5, 0.0, axis=0)
    assert float(attention_focus(gap)) == float(attention_focus(diagonal))
    assert attention_monotonicity(gap) == 1.0
    assert monotonic_path(gap)[5] == argmax_path(gap)[5] == -1
    assert monotonic_path(gap)[6] == 5


@pytest.mark.parametrize("bad", [np.zeros((3, 4)), np.zeros((0, 4)), np.ones(4), np.full((2, 3), np.nan)])
def test_what_is_no_attention_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(AnalysisError):
        attention_focus(bad)
