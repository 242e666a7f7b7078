"""Mel error, its structure and classes, and noise of matched L1, on planted errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from lewm_core.analysis.bands import (
    active_frames,
    band_centres,
    bands_between,
    frame_levels,
    hz_to_mel,
    mel_to_hz,
)
from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.error_classes import error_by_class
from lewm_core.analysis.error_structure import error_structure
from lewm_core.analysis.formant_blur import smooth_along_frequency
from lewm_core.analysis.matched_noise import add_matched_noise
from lewm_core.analysis.mel_error import band_l1, difference_db, frame_l1, mel_l1, shortest_half, worst_places
from lewm_core.analysis.pitch import pitch_track
from lewm_core.config import LN_TO_DB
from lewm_core.mel import log_mel
from tests.lewm_core.analysis_signals import CLIPS, FRAME_RATE, RATE, clip_mel, clip_wave

TRUTH = np.zeros((100, 200))


@settings(deadline=None)
@given(st.floats(20.0, 12_000.0))
def test_mel_scale_goes_there_and_back(hz: float) -> None:
    assert float(mel_to_hz(hz_to_mel(hz))) == pytest.approx(hz)


@pytest.mark.parametrize("hz", [300.0, 1000.0, 4000.0, 9000.0])
def test_band_centres_are_those_of_the_mel(hz: float) -> None:
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)
    loudest = int(log_mel(tone.astype(np.float32))[:, 45].argmax())
    centres = band_centres()
    assert abs(centres[loudest] - hz) <= max(24.0, np.diff(centres)[min(loudest, 98)])
    bands = bands_between(hz - 1, 2 * hz)
    assert centres[bands.start - 1] < hz - 1 <= centres[bands.start]


def test_levels_rise_by_the_gain_and_pauses_are_not_active() -> None:
    mel = clip_mel(CLIPS[0])
    np.testing.assert_allclose(frame_levels(mel + 6 / LN_TO_DB), frame_levels(mel) + 6, atol=1e-5)
    speech = active_frames(mel)
    assert not speech[:3].any()
    assert 0.5 < speech.mean() < 0.98
    assert not active_frames(mel, loudest_db=float(frame_levels(mel).max()) + 60).any()


def test_l1_by_frame_band_and_whole() -> None:
    mel = TRUTH.copy()
    mel[10, 50] = -3.0
    assert frame_l1(mel, TRUTH)[50] == pytest.approx(0.03)
    assert band_l1(mel, TRUTH)[10] == pytest.approx(3.0 / 200)
    assert mel_l1(mel, TRUTH) == pytest.approx(3.0 / 20_000)
    assert difference_db(mel, TRUTH)[10, 50] == pytest.approx(-3.0 * LN_TO_DB)
    assert frame_l1(mel[:, :60], TRUTH).shape == (60,)


def test_worst_places_are_ranked_and_apart() -> None:
    mel = TRUTH.copy()
    for frame, error in ((40, 1.0), (43, 0.9), (120, 2.0), (199, 0.5)):
        mel[20:40, max(0, frame - 2) : frame + 3] += error
    places = worst_places(mel, TRUTH, count=5)
    frames = [place.frame for place in places]
    assert frames[0] == 120
    assert abs(frames[1] - 41) <= 3
    assert abs(frames[2] - 198) <= 2
    assert len(places) == 3
    centres = band_centres()
    assert places[0].time_s == pytest.approx(120 / FRAME_RATE)
    assert centres[20] <= places[0].low_hz < places[0].high_hz <= centres[39]
    assert [p.frame for p in worst_places(mel, TRUTH, count=1)] == [120]
    assert worst_places(TRUTH, TRUTH) == []
    with pytest.raises(AnalysisError):
        worst_places(mel, TRUTH, count=0)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30).filter(any))
def test_shortest_half_is_the_shortest(weights: list[int]) -> None:
    low, high = shortest_half(np.array(weights, dtype=float))
    total = sum(weights)
    assert 2 * sum(weights[low : high + 1]) >= total
    shorter = high - low
    assert all(2 * sum(weights[i : i + shorter]) < total for i in range(len(weights)))


@settings(deadline=None)
@given(st.floats(0.0, 3.0), st.integers(0, 1000), st.booleans())
def test_matched_noise_has_exactly_the_l1(l1: float, seed: int, near_floor: bool) -> None:
    truth = (
        np.random.default_rng(seed).normal(-16.0 if near_floor else -5.0, 1.0, (20, 30)).clip(np.log(1e-7), 2)
    )
    noisy = add_matched_noise(truth, l1, seed)
    assert noisy.dtype == np.float32
    assert mel_l1(noisy, truth) == pytest.approx(l1, rel=1e-6, abs=2e-6)
    assert noisy.min() >= np.float32(truth.min()) or noisy.min() >= np.float32(np.log(1e-7))


def test_matched_noise_is_seeded_and_white() -> None:
    truth = clip_mel(CLIPS[0])
    noisy = add_matched_noise(truth, 0.51, seed=3)
    assert mel_l1(noisy, truth) == pytest.approx(0.51, abs=1e-6)
    np.testing.assert_array_equal(noisy, add_matched_noise(truth, 0.51, seed=3))
    assert np.abs(noisy - add_matched_noise(truth, 0.51, seed=4)).max() > 0.5
    with pytest.raises(AnalysisError):
        add_matched_noise(truth, -0.1)
    with pytest.raises(AnalysisError):
        add_matched_noise(truth, float("nan"))


@pytest.mark.parametrize("sigma", [2.0, 4.0])
def test_correlation_of_smoothed_noise_is_the_known_gaussian(sigma: float) -> None:
    error = gaussian_filter1d(
        np.random.default_rng(0).standard_normal((400, 3000)), sigma, axis=0, mode="wrap"
    )
    structure = error_structure(error, np.zeros_like(error))
    lags = np.arange(8)
    np.testing.assert_allclose(structure.frequency.by_lag[:8], np.exp(-(lags**2) / (4 * sigma**2)), atol=0.03)
    assert structure.frequency.length == pytest.approx(2 * sigma, rel=0.05)
    assert structure.time.lag_one == pytest.approx(0.0, abs=0.01)
    assert structure.time.length == pytest.approx(1 - np.exp(-1), abs=0.02)
    turned = error_structure(error.T, np.zeros_like(error.T))
    assert turned.time.length == structure.frequency.length


@pytest.mark.parametrize("file", CLIPS)
def test_blur_is_structured_and_matched_noise_is_not(file: str) -> None:
    truth = clip_mel(file)
    blurred = gaussian_filter1d(smooth_along_frequency(truth, 3.0), 3.0, axis=1)
    blur = error_structure(blurred, truth)
    noise = error_structure(add_matched_noise(truth, mel_l1(blurred, truth)), truth)
    assert blur.frequency.lag_one > 0.3
    assert blur.time.lag_one > 0.3
    assert abs(noise.frequency.lag_one) < 0.03
    assert abs(noise.time.lag_one) < 0.03


def test_a_constant_error_is_bias_and_no_error_has_no_correlation() -> None:
    truth = clip_mel(CLIPS[0])
    louder = error_structure(truth + np.float32(0.5), truth)
    assert louder.bias_db == pytest.approx(0.5 * LN_TO_DB, rel=1e-5)
    noise = add_matched_noise(truth, 0.5)
    offset = error_structure(noise + np.float32(3.0), truth)
    assert abs(offset.time.lag_one) < 0.03  # what is loud as a whole is not structure
    assert abs(offset.frequency.lag_one) < 0.03
    same = error_structure(truth, truth)
    assert same.bias_db == 0.0
    assert same.time.lag_one is None
    assert same.frequency.length is None


@pytest.mark.parametrize("name", ["loud", "quiet", "pause", "voiced", "unvoiced"])
def test_an_error_in_one_class_is_found_there(name: str) -> None:
    truth = clip_mel(CLIPS[1])
    pitch = pitch_track(clip_wave(CLIPS[1]), RATE, truth.shape[1], FRAME_RATE)
    speech, loud = active_frames(truth), active_frames(truth, 20.0)
    voiced = np.isfinite(pitch)
    members = {
        "loud": loud, "quiet": speech & ~loud, "pause": ~speech, "voiced": speech & voiced,
        "unvoiced": speech & ~voiced,
    }[name]  # fmt: skip
    assert members.sum() > 5
    mel = truth.astype(np.float64)
    mel[30, members] += 1.0
    found = {error.name: error for error in error_by_class(mel, truth, pitch)}
    assert list(found) == ["loud", "quiet", "pause", "voiced", "unvoiced"]
    assert found[name].frames == members.sum()
    assert found[name].l1 == pytest.approx(0.01)
    assert found[name].by_band[30] == pytest.approx(1.0)
    assert found[name].by_band[31] == 0.0
    opposite = {"loud": "quiet", "quiet": "loud", "pause": "loud", "voiced": "unvoiced", "unvoiced": "voiced"}
    assert found[opposite[name]].l1 == 0.0


def test_classes_without_pitch_or_frames() -> None:
    steady = np.zeros((100, 10))
    loud, quiet, pause = error_by_class(steady + 1, steady)
    assert (loud.frames, quiet.frames, pause.frames) == (10, 0, 0)
    assert quiet.l1 is None
    assert np.isnan(quiet.by_band).all()
    with pytest.raises(AnalysisError, match="same frames"):
        error_by_class(steady, steady, np.zeros(4))
