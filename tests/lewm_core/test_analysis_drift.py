"""Drift on planted cases made from real speech: collapse, divergence, detour, slowness, no stop."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.drift import MIN_EXCESS_S, maximal_segments, measure_drift
from lewm_core.analysis.drift_verdict import drift_verdict
from tests.lewm_core.analysis_signals import (
    CLIPS,
    FRAME_RATE,
    clip_mel,
    silence,
    stretched_mel,
)

PAIRS = list(zip(CLIPS, CLIPS[1:] + CLIPS[:1], strict=True))


def frames(seconds: float) -> int:
    return round(seconds * FRAME_RATE)


def said_otherwise_from(seconds: float, file: str, other: str) -> np.ndarray:
    """The clip, then from the middle of another clip on, as long as the clip."""
    truth = clip_mel(file)
    length = truth.shape[1]
    return np.concatenate([truth[:, : frames(seconds)], clip_mel(other)[:, 60:]], axis=1)[:, :length]


@pytest.mark.parametrize("factor", [0.8, 1.3])
@pytest.mark.parametrize("file", CLIPS)
def test_speech_that_is_merely_stretched_stays_on_path(file: str, factor: float) -> None:
    drift = measure_drift(clip_mel(file), stretched_mel(file, factor), FRAME_RATE, stopped=True)
    assert drift_verdict(drift) == "stays on path"
    assert drift.departure_s is None
    assert np.median(drift.divergence) < 0.35
    assert np.nanmedian(np.abs(drift.energy_ratio_db)) < 3.0


@pytest.mark.parametrize("file", CLIPS)
def test_itself_is_on_path_without_any_divergence(file: str) -> None:
    drift = measure_drift(clip_mel(file), clip_mel(file), FRAME_RATE)
    assert drift_verdict(drift) == "stays on path"
    assert drift.divergence.max() == 0.0
    assert drift.free_divergence.shape == drift.times.shape


@pytest.mark.parametrize("at", [0.9, 1.3])
@pytest.mark.parametrize(("file", "other"), PAIRS)
def test_a_planted_divergence_is_found_at_its_time(file: str, other: str, at: float) -> None:
    drift = measure_drift(clip_mel(file), said_otherwise_from(at, file, other), FRAME_RATE, stopped=True)
    assert drift.departure_s == pytest.approx(at, abs=0.2)
    assert drift_verdict(drift).startswith(f"leaves at {drift.departure_s:.1f} s")
    assert "returns" not in drift_verdict(drift)


@pytest.mark.parametrize(("file", "other"), PAIRS)
def test_a_detour_of_one_second_is_left_and_returned_from(file: str, other: str) -> None:
    truth = clip_mel(file)
    detour = np.concatenate(
        [truth[:, : frames(1.3)], clip_mel(other)[:, 60 : 60 + frames(1)], truth[:, frames(1.3) :]], axis=1
    )
    drift = measure_drift(truth, detour, FRAME_RATE, stopped=True)
    (stretch,) = drift.off_path
    assert stretch.start_s == pytest.approx(1.3, abs=0.15)
    assert stretch.end_s == pytest.approx(2.3, abs=0.2)
    assert drift_verdict(drift) == f"leaves at {stretch.start_s:.1f} s, returns at {stretch.end_s:.1f} s"


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("file", CLIPS)
def test_a_planted_collapse_to_silence_is_found_at_its_time(file: str, slow: bool) -> None:
    run = (stretched_mel(file) if slow else clip_mel(file)).copy()
    run[:, frames(2.0) :] = silence(1)
    drift = measure_drift(clip_mel(file), run, FRAME_RATE, stopped=True)
    # The speech itself may pause just before 2.0 s.
    assert drift.ending.collapse_s == pytest.approx(2.0, abs=0.2)
    assert drift_verdict(drift) == f"collapses to silence from {drift.ending.collapse_s:.1f} s"
    assert drift.departure_s == drift.ending.collapse_s
    assert drift.ending.missing_s > 0.5
    late = drift.energy_ratio_db[drift.times > 2.6]
    assert np.nanmedian(late) < -20.0


@pytest.mark.parametrize(("file", "other"), PAIRS)
def test_leaving_and_then_collapsing_is_both_named(file: str, other: str) -> None:
    run = said_otherwise_from(1.3, file, other).copy()
    run[:, frames(2.4) :] = silence(1)
    drift = measure_drift(clip_mel(file), run, FRAME_RATE, stopped=True)
    assert drift.departure_s == pytest.approx(1.3, abs=0.2)
    assert drift.ending.collapse_s == pytest.approx(2.4, abs=0.3)
    assert drift_verdict(drift) == (
        f"leaves at {drift.departure_s:.1f} s, collapses to silence from {drift.ending.collapse_s:.1f} s"
    )


@pytest.mark.parametrize("file", CLIPS)
def test_silence_from_the_start(file: str) -> None:
    drift = measure_drift(clip_mel(file), silence(clip_mel(file).shape[1]), FRAME_RATE, stopped=True)
    assert drift_verdict(drift) == "silent from the start"
    assert drift.departure_s == 0.0


@pytest.mark.parametrize("file", CLIPS)
def test_a_run_without_stop(file: str) -> None:
    endless = np.concatenate([clip_mel(file), silence(frames(4))], axis=1)
    for stopped in (None, False):
        assert (
            drift_verdict(measure_drift(clip_mel(file), endless, FRAME_RATE, stopped=stopped))
            == "does not stop"
        )
    assert drift_verdict(measure_drift(clip_mel(file), endless, FRAME_RATE, stopped=True)) == "stays on path"


@pytest.mark.parametrize(("file", "other"), PAIRS)
def test_a_run_that_goes_on_babbling(file: str, other: str) -> None:
    babble = np.concatenate([clip_mel(file), clip_mel(other), clip_mel(other)], axis=1)
    drift = measure_drift(clip_mel(file), babble, FRAME_RATE, stopped=False)
    end = clip_mel(file).shape[1] / FRAME_RATE
    # DTW may give the last words of the reference to the babble.
    assert end - 1.0 < drift.departure_s < end + 0.5
    assert drift_verdict(drift).endswith("does not stop")


@pytest.mark.parametrize("file", CLIPS)
def test_a_run_that_ends_too_soon(file: str) -> None:
    short = stretched_mel(file)[:, : frames(2.0)]
    drift = measure_drift(clip_mel(file), short, FRAME_RATE, stopped=True)
    assert drift_verdict(drift) == "ends early at 2.0 s"
    cut = measure_drift(clip_mel(file), short, FRAME_RATE, stopped=False)
    assert drift_verdict(cut) == "is cut off at 2.0 s"


@pytest.mark.parametrize(("file", "other"), PAIRS)
def test_another_sentence_is_off_path_and_near_chance(file: str, other: str) -> None:
    drift = measure_drift(clip_mel(file), clip_mel(other), FRAME_RATE, stopped=True)
    assert drift.departure_s < 0.6
    assert 0.7 < np.median(drift.free_divergence[drift.free_divergence > 0]) < 1.4


def test_latents_along_the_path() -> None:
    rng = np.random.default_rng(0)
    truth = clip_mel(CLIPS[0])
    slow = np.repeat(truth, 2, axis=1)
    latents = rng.standard_normal((truth.shape[1] // 2, 32))
    twice = np.repeat(latents, 2, axis=0)
    same = measure_drift(truth, slow, FRAME_RATE, latents, twice, stopped=True).latents
    assert same.times.shape == same.divergence.shape == same.std_ratio.shape == (len(latents),)
    assert np.median(same.divergence) < 0.1
    assert np.median(same.std_ratio) == pytest.approx(1.0, abs=0.1)
    other = measure_drift(truth, slow, FRAME_RATE, latents, rng.standard_normal(twice.shape)).latents
    assert np.median(other.divergence) == pytest.approx(np.sqrt(2), abs=0.1)


def test_latents_that_stand_still_from_a_moment_on() -> None:
    rng = np.random.default_rng(1)
    truth = clip_mel(CLIPS[0])
    latents = rng.standard_normal((truth.shape[1] // 2, 32))
    frozen = latents.copy()
    moment = len(latents) // 2
    frozen[moment:] = frozen[moment] + 0.01 * rng.standard_normal(frozen[moment:].shape)
    ratio = measure_drift(truth, truth, FRAME_RATE, latents, frozen).latents.std_ratio
    window = round(0.25 * FRAME_RATE / 2) + 1
    np.testing.assert_allclose(ratio[: moment - window], 1.0)
    assert ratio[moment + window :].max() < 0.05


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), max_size=30))
def test_segments_are_disjoint_maximal_and_worth_it(scores: list[int]) -> None:
    values = np.array(scores, dtype=float)
    found = maximal_segments(values, 3.0)
    sums = [values[a:b].sum() for a, b in found]
    assert all(s >= 3.0 for s in sums)
    assert all(b <= c for (_, b), (c, _) in pairwise(found))
    best = max(
        (values[a:b].sum() for a in range(len(values)) for b in range(a + 1, len(values) + 1)), default=0.0
    )
    assert max(sums, default=None) == (best if best >= 3.0 else None)
    # Nothing worth it is left between them.
    edges = [0, *(edge for segment in found for edge in segment), len(values)]
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        gap = values[a:b]
        assert (
            max((gap[i:j].sum() for i in range(len(gap)) for j in range(i, len(gap) + 1)), default=0.0) < 3.0
        )


def test_a_single_bad_frame_is_not_a_departure() -> None:
    truth = clip_mel(CLIPS[0])
    run = truth.copy()
    run[:, 150:153] = run[::-1, 150:153]
    assert 3 / FRAME_RATE < MIN_EXCESS_S
    drift = measure_drift(truth, run, FRAME_RATE, stopped=True)
    assert drift.divergence[148:155].max() > 0.75
    assert drift_verdict(drift) == "stays on path"


def test_too_little_to_tell_and_unusable_input() -> None:
    truth = clip_mel(CLIPS[0])
    click = silence(60).copy()
    click[:, 30:34] = 0.0
    assert drift_verdict(measure_drift(click, click, FRAME_RATE)) == "too little speech to tell"
    with pytest.raises(AnalysisError, match="no speech"):
        measure_drift(silence(50), truth, FRAME_RATE)
    with pytest.raises(AnalysisError, match="both or none"):
        measure_drift(truth, truth, FRAME_RATE, np.zeros((10, 4)))
    with pytest.raises(AnalysisError, match="4 and 5 dimensions"):
        measure_drift(truth, truth, FRAME_RATE, np.zeros((10, 4)), np.zeros((10, 5)))
