"""Dynamic time warping against brute force, known warps and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.analysis import alignment
from lewm_core.analysis.alignment import (
    align,
    difference_along_path,
    path_distance,
    step_distance,
    warped_to_reference,
)
from lewm_core.analysis.checks import AnalysisError
from lewm_core.config import LN_TO_DB
from tests.lewm_core.analysis_signals import CLIPS, FRAME_RATE, clip_mel, random_mel, stretched_mel


def cheapest(x: np.ndarray, y: np.ndarray) -> float:
    """Cost of the best path by the textbook's double loop over the whole matrix."""
    cost = np.linalg.norm(alignment._cepstra(x)[:, None] - alignment._cepstra(y)[None], axis=2)
    total = np.full((cost.shape[0] + 1, cost.shape[1] + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(cost.shape[0]):
        for j in range(cost.shape[1]):
            total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    return float(total[-1, -1])


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 25), st.integers(1, 25))
def test_path_is_the_cheapest_and_keeps_the_rules(seed: int, frames: int, others: int) -> None:
    x, y = random_mel(seed, frames=frames), random_mel(seed + 1, frames=others)
    path = align(x, y, FRAME_RATE, radius_s=1.0)
    assert path.cost * len(path.reference) == pytest.approx(cheapest(x, y), rel=1e-4)
    assert step_distance(x, y, path).sum() == pytest.approx(cheapest(x, y), rel=1e-4)
    steps = np.stack([np.diff(path.reference), np.diff(path.other)])
    assert set(map(tuple, steps.T)) <= {(0, 1), (1, 0), (1, 1)}
    assert (path.reference[0], path.other[0]) == (0, 0)
    assert (path.reference[-1], path.other[-1]) == (frames - 1, others - 1)


def test_band_holds_the_path() -> None:
    x, y = random_mel(0, frames=120), random_mel(1, frames=150)
    path = align(x, y, FRAME_RATE, radius_s=0.1)
    radius = round(0.1 * FRAME_RATE)
    assert (path.other - path.reference * 149 / 119).max() <= radius + 1
    assert (path.reference - path.other).max() <= radius + 1


@pytest.mark.parametrize("file", CLIPS)
def test_a_known_warp_is_found(file: str) -> None:
    truth = clip_mel(file)
    frames = truth.shape[1]
    wobble = np.arange(frames) + 6.0 * np.sin(2 * np.pi * np.arange(frames) / 60)
    source = np.clip(np.round(wobble), 0, frames - 1).astype(int)
    path = align(truth, truth[:, source], FRAME_RATE)
    found = path.reference_frames()
    speech = slice(10, -10)
    # Steady frames are alike, so the path may lie a few frames off in vowels and pauses.
    assert np.median(np.abs(found - source)[speech]) <= 1
    assert np.percentile(np.abs(found - source)[speech], 90) <= 4


def test_identical_mels_go_straight() -> None:
    truth = clip_mel(CLIPS[0])
    path = align(truth, truth, FRAME_RATE)
    np.testing.assert_array_equal(path.reference, path.other)
    assert path.cost == 0.0
    np.testing.assert_array_equal(path_distance(truth, truth, path), 0.0)


def test_times_map_both_ways() -> None:
    truth, slow = clip_mel(CLIPS[0]), stretched_mel(CLIPS[0], 1.3)
    path = align(truth, slow, FRAME_RATE)
    times = np.linspace(0.3, 3.3, 50)
    there = path.to_other(times)
    assert (np.diff(there) >= 0).all()
    np.testing.assert_allclose(there, 1.3 * times, atol=0.12)
    np.testing.assert_allclose(path.to_reference(there), times, atol=0.08)
    # Beyond the ends both run on in parallel.
    end, slow_end = (truth.shape[1] - 1) / FRAME_RATE, (slow.shape[1] - 1) / FRAME_RATE
    assert float(path.to_other(end + 1.0)) == pytest.approx(slow_end + 1.0)
    assert float(path.to_other(-1.0)) == pytest.approx(-1.0)


def test_signed_difference_along_the_path() -> None:
    truth = clip_mel(CLIPS[0])
    stutter = np.repeat(truth, 2, axis=1)
    path = align(truth, stutter, FRAME_RATE)
    difference = difference_along_path(stutter + 6 / LN_TO_DB, truth, path)
    assert difference.shape == truth.shape
    assert np.median(difference) == pytest.approx(6.0, abs=0.01)
    assert warped_to_reference(stutter, path).shape == truth.shape


def test_sixty_seconds_against_sixty() -> None:
    minute = np.concatenate([clip_mel(file) for file in CLIPS] * 5, axis=1)[:, : round(60 * FRAME_RATE)]
    assert minute.shape[1] == 5625
    other = minute[:, np.repeat(np.arange(5625), np.where(np.arange(5625) % 7 == 0, 2, 1))][:, :5625]
    path = align(minute, other, FRAME_RATE)
    assert path.cost < 2.0


def test_very_different_lengths_and_single_frames() -> None:
    truth = clip_mel(CLIPS[0])
    for other in (truth[:, :1], np.tile(truth, (1, 6))):
        path = align(truth, other, FRAME_RATE)
        assert path.reference[-1] == truth.shape[1] - 1
        assert path.other[-1] == other.shape[1] - 1


def test_unusable_input_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = clip_mel(CLIPS[0])
    path = align(truth, truth[:, :200], FRAME_RATE)
    with pytest.raises(AnalysisError, match="align again"):
        warped_to_reference(truth, path)
    with pytest.raises(AnalysisError, match="100 and 80 bands"):
        align(truth, truth[:80], FRAME_RATE)
    monkeypatch.setattr(alignment, "MAX_CELLS", 1000)
    with pytest.raises(AnalysisError, match="too long"):
        align(truth, truth, FRAME_RATE)
