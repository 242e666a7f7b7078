"""Level matching and the statistics of votes, against values that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.listening import loudness, match_levels
from lewm_core.analysis.listening_votes import abx_result, plan_trials, preference_result
from tests.lewm_core.analysis_signals import CLIPS, RATE, clip_wave


def tone(level_db: float, seconds: float = 2.0) -> np.ndarray:
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * 997.0 * np.arange(int(seconds * RATE)) / RATE)


@pytest.mark.parametrize("level", [0.0, -20.0, -40.0])
def test_a_997_hz_tone_has_the_loudness_of_the_standard(level: float) -> None:
    # BS.1770-4: a full-scale sine of 997 Hz in one channel is -3.01 LKFS.
    assert loudness(tone(level), RATE) == pytest.approx(level - 3.01, abs=0.1)


def test_pauses_do_not_make_speech_quieter_and_short_waves_are_measured() -> None:
    speech = clip_wave(CLIPS[0])
    padded = np.concatenate([speech, np.zeros(5 * RATE, np.float32)])
    assert loudness(padded, RATE) == pytest.approx(loudness(speech, RATE), abs=0.3)
    assert loudness(tone(-20.0, 0.2), RATE) == pytest.approx(-23.01, abs=0.3)
    assert loudness(np.zeros(RATE), RATE) == float("-inf")
    with pytest.raises(AnalysisError, match="too short"):
        loudness(tone(-20.0, 0.05), RATE)


def test_matched_waves_are_equally_loud_and_keep_their_peaks_in_range() -> None:
    waves = {file: clip_wave(file) * gain for file, gain in zip(CLIPS, (1.0, 0.1, 0.5, 0.02), strict=True)}
    waves["silence"] = np.zeros(RATE, np.float32)
    matched = match_levels(waves, RATE)
    assert list(matched) == list(waves)
    levels = [loudness(matched[file].wave, RATE) for file in CLIPS]
    np.testing.assert_allclose(levels, levels[0], atol=0.05)
    assert max(np.abs(m.wave).max() for m in matched.values()) <= 10 ** (-1 / 20) + 1e-6
    assert matched["silence"].gain_db == 0.0
    assert not matched["silence"].wave.any()
    changed = loudness(waves[CLIPS[1]], RATE) + matched[CLIPS[1]].gain_db
    assert changed == pytest.approx(levels[1], abs=0.05)


def test_a_wave_of_high_peaks_lowers_all() -> None:
    click = 0.01 * tone(-20.0)
    click[1000] = 1.0
    matched = match_levels({"click": click, "tone": tone(-10.0)}, RATE)
    assert np.abs(matched["click"].wave).max() == pytest.approx(10 ** (-1 / 20), abs=1e-6)
    assert loudness(matched["tone"].wave, RATE) == pytest.approx(
        loudness(matched["click"].wave, RATE), abs=0.05
    )


def test_bad_waves_are_named() -> None:
    with pytest.raises(AnalysisError, match="left"):
        match_levels({"left": np.zeros((2, RATE))}, RATE)
    assert match_levels({}, RATE) == {}


def test_known_abx_results() -> None:
    perfect = abx_result(10, 10)
    assert perfect.p_value == pytest.approx(2**-10)
    assert perfect.interval == pytest.approx((0.025**0.1, 1.0))
    assert perfect.significant
    assert "difference is heard" in perfect.words
    # 12 of 16 is the classic limit of the 5 % table: p = 0.038.
    assert abx_result(12, 16).p_value == pytest.approx(0.0384, abs=1e-4)
    assert not abx_result(11, 16).significant
    assert abx_result(11, 16).words.endswith("no difference proven")
    assert abx_result(2, 16).p_value > 0.99
    nothing = abx_result(0, 0)
    assert nothing.share is None
    assert nothing.interval == (0.0, 1.0)
    assert not nothing.significant


def test_preference_leaves_ties_out_and_is_two_sided() -> None:
    result = preference_result(9, 1, ties=5)
    assert (result.wins, result.votes) == (9, 10)
    assert result.p_value == pytest.approx(2 * 11 / 1024)
    assert "A is preferred" in result.words
    assert "5 ties" in result.words
    assert "B is preferred" in preference_result(1, 9).words
    assert preference_result(1, 9).p_value == result.p_value
    assert preference_result(0, 0, 3).words == "no preference, 3 ties"
    assert "no preference proven" in preference_result(5, 5).words


@pytest.mark.parametrize("votes", [5, 12, 20])
@pytest.mark.parametrize("truth", [0.5, 0.63, 0.9])
def test_the_interval_covers_the_true_share_as_often_as_it_says(votes: int, truth: float) -> None:
    covered = 0.0
    for wins in range(votes + 1):
        low, high = abx_result(wins, votes, confidence=0.9).interval
        covered += binom.pmf(wins, votes, truth) * (low <= truth <= high)
    assert covered >= 0.9


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_laws_of_votes(a: int, b: int) -> None:
    result, mirrored = preference_result(a, b), preference_result(b, a)
    assert 0.0 <= result.p_value <= 1.0
    assert result.p_value == pytest.approx(mirrored.p_value)
    assert result.interval == pytest.approx((1 - mirrored.interval[1], 1 - mirrored.interval[0]))
    if a + b:
        assert result.interval[0] <= a / (a + b) <= result.interval[1]


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 1000))
def test_trials_are_balanced_seeded_and_complete(items: int, repeats: int, seed: int) -> None:
    trials = plan_trials(items, repeats, seed)
    assert trials == plan_trials(items, repeats, seed)
    assert sorted(t.item for t in trials) == sorted(list(range(items)) * repeats)
    counts = [sum((t.swapped, t.x_is_a) == pair for t in trials) for pair in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert max(counts) - min(counts) <= 1


def test_impossible_votes_are_refused() -> None:
    for call in (
        lambda: abx_result(5, 4),
        lambda: abx_result(-1, 4),
        lambda: abx_result(1, 4, confidence=1.0),
        lambda: preference_result(1, 2, -1),
        lambda: plan_trials(0, 4, 1),
    ):
        with pytest.raises(AnalysisError):
            call()
