"""Formant blur: it must grow with known smoothing and not with noise, and give known values on known spectra."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.formant_blur import (
    FORMANT_SCALE,
    HARMONIC_SCALE,
    DetailScale,
    formant_blur,
    smooth_along_frequency,
)
from lewm_core.analysis.matched_noise import add_matched_noise
from lewm_core.analysis.mel_error import mel_l1
from lewm_core.config import LN_TO_DB
from tests.lewm_core.analysis_signals import CLIPS, clip_mel, random_mel

SIGMAS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
ALL_BANDS = DetailScale("all bands", fine=1.3, coarse=5.0, low_hz=0.0, high_hz=12_000.0)


def ripple(cycles: int = 8, depth_db: float = 20.0, frames: int = 30) -> np.ndarray:
    """A spectrum of equal peaks: one basis function of the DCT, so smoothing changes nothing but its depth."""
    band = np.arange(100) + 0.5
    return np.repeat(depth_db / LN_TO_DB * np.cos(2 * np.pi * cycles * band / 100)[:, None], frames, axis=1)


@pytest.mark.parametrize("scale", [FORMANT_SCALE, HARMONIC_SCALE], ids=lambda scale: scale.name)
@pytest.mark.parametrize("file", CLIPS)
def test_grows_steadily_with_smoothing_of_a_true_mel(file: str, scale: DetailScale) -> None:
    truth = clip_mel(file)
    blurred = [formant_blur(smooth_along_frequency(truth, s), truth, scale=scale) for s in (0.0, *SIGMAS)]
    assert blurred[0].mean == pytest.approx(0.0, abs=1e-9)
    assert blurred[0].own_contrast == pytest.approx(1.0)
    assert blurred[0].prominence_ratio == pytest.approx(1.0)
    assert blurred[0].bandwidth_ratio == pytest.approx(1.0)
    for less, more in pairwise(blurred):
        assert less.mean < more.mean
        assert less.own_contrast > more.own_contrast
        assert less.prominence_ratio > more.prominence_ratio
        assert less.bandwidth_ratio < more.bandwidth_ratio
    assert blurred[-1].mean > 0.9


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("file", CLIPS)
def test_noise_of_the_same_l1_moves_it_ten_times_less_than_smoothing(file: str, seed: int) -> None:
    truth = clip_mel(file)
    for sigma in (1.0, 2.0, 4.0):
        smooth = smooth_along_frequency(truth, sigma)
        noisy = add_matched_noise(truth, mel_l1(smooth, truth), seed)
        by_smoothing, by_noise = formant_blur(smooth, truth), formant_blur(noisy, truth)
        assert abs(by_noise.mean) < by_smoothing.mean / 10
        assert abs(by_noise.own_contrast - 1) < (1 - by_smoothing.own_contrast) / 10
        assert abs(by_noise.prominence_ratio - 1) < (1 - by_smoothing.prominence_ratio) / 10
        assert abs(by_noise.bandwidth_ratio - 1) < (by_smoothing.bandwidth_ratio - 1) / 10


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 6.0), st.floats(0.2, 4.0))
def test_more_smoothing_is_more_blur_on_any_mel(seed: int, sigma: float, more: float) -> None:
    truth = random_mel(seed, frames=5)
    less_blur, more_blur = (
        formant_blur(smooth_along_frequency(truth, s), truth, scale=ALL_BANDS).mean
        for s in (sigma, sigma + more)
    )
    assert 0.0 < less_blur < more_blur < 1.0


@settings(deadline=None)
@given(st.floats(0.05, 2.0), st.floats(-3.0, 3.0), st.integers(0, 1000))
def test_contrast_gain_is_read_back_and_loudness_does_not_matter(
    gain: float, offset: float, seed: int
) -> None:
    truth = random_mel(seed)
    blur = formant_blur(gain * truth + offset, truth, scale=ALL_BANDS)
    assert blur.mean == pytest.approx(1.0 - gain, abs=1e-9)
    assert blur.own_contrast == pytest.approx(gain, abs=1e-9)
    np.testing.assert_allclose(blur.per_frame, 1.0 - gain, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.0])
def test_known_values_on_a_rippled_spectrum(sigma: float) -> None:
    truth = ripple()
    kept = np.exp(-0.5 * (sigma * 2 * np.pi * 8 / 100) ** 2)  # what a Gaussian leaves of this cosine
    blur = formant_blur(smooth_along_frequency(truth, sigma), truth, scale=ALL_BANDS)
    assert blur.mean == pytest.approx(1 - kept, rel=0.01)
    assert blur.own_contrast == pytest.approx(kept, rel=0.01)
    assert blur.prominence_ratio == pytest.approx(kept, rel=0.01)
    assert blur.bandwidth_ratio == pytest.approx(1 / np.sqrt(kept), rel=0.01)
    depth = (
        2 * 20.0 * np.exp(-0.5 * (1.3 * 2 * np.pi * 8 / 100) ** 2)
    )  # seen through the scale's fine smoothing
    assert blur.truth_prominence_db == pytest.approx(depth, rel=0.05)


def test_each_scale_sees_its_own_detail() -> None:
    """Formants lie some twelve bands apart, harmonics two and a half: to lose one is no blur of the other."""
    formants, harmonics = ripple(8), ripple(40)
    truth = formants + harmonics
    without_harmonics = [
        formant_blur(formants, truth, scale=scale).mean for scale in (FORMANT_SCALE, HARMONIC_SCALE)
    ]
    without_formants = [
        formant_blur(harmonics, truth, scale=scale).mean for scale in (FORMANT_SCALE, HARMONIC_SCALE)
    ]
    assert without_harmonics == pytest.approx([0.0, 1.0], abs=0.1)
    assert without_formants == pytest.approx([1.0, 0.0], abs=0.1)


def test_sharp_but_misplaced_is_told_from_blurred() -> None:
    truth = ripple(8)
    shifted = ripple(8) * -1.0  # peaks where the valleys are
    misplaced = formant_blur(shifted, truth)
    assert misplaced.mean > 1.5
    assert misplaced.own_contrast == pytest.approx(1.0)


def test_per_frame_finds_the_blurred_part_and_leaves_pauses_out() -> None:
    truth = clip_mel(CLIPS[0])
    mel = truth.copy()
    mel[:, 150:200] = smooth_along_frequency(truth, 4.0)[:, 150:200]
    per_frame = formant_blur(mel, truth).per_frame
    assert per_frame.shape == (truth.shape[1],)
    assert 150 <= int(np.nanargmax(per_frame)) < 200
    assert np.nanmax(np.abs(np.r_[per_frame[:147], per_frame[203:]])) < 1e-6
    assert np.isnan(per_frame[:3]).all()  # the clip begins with silence


def test_nothing_to_measure_is_none_not_zero() -> None:
    flat = np.zeros((100, 20))
    blur = formant_blur(flat, flat)
    assert blur.mean is None
    assert blur.own_contrast is None
    assert blur.prominence_ratio is None
    assert blur.bandwidth_ratio is None
    assert formant_blur(np.zeros((100, 30)), ripple()).bandwidth_ratio == float("inf")


def test_unusable_input_is_refused_in_words() -> None:
    truth = ripple()
    with pytest.raises(AnalysisError, match="80 and 100 bands"):
        formant_blur(truth[:80], truth)
    with pytest.raises(AnalysisError, match="at least one of each"):
        formant_blur(truth[:, :0], truth)
    with pytest.raises(AnalysisError, match="not numbers"):
        formant_blur(truth * np.nan, truth)
    with pytest.raises(AnalysisError, match="Fewer than three bands"):
        formant_blur(truth, truth, scale=DetailScale("none", 1.0, 2.0, 200.0, 230.0))
    with pytest.raises(AnalysisError, match="coarse"):
        DetailScale("wrong", 5.0, 2.0)
