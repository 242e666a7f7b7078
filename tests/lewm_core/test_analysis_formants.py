"""Formants and pitch against vowels whose formants and pitch are known."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from lewm_core.analysis.alignment import align
from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.formants import (
    FormantSettings,
    formant_deviation,
    frequency_deviation,
    suggested_ceiling,
    track_formants,
)
from lewm_core.analysis.pitch import pitch_track, voiced_frames
from lewm_core.mel import log_mel
from tests.lewm_core.analysis_signals import CLIPS, FRAME_RATE, RATE, clip_mel, clip_wave, vowel

VOWELS = {
    "a": (730.0, 1090.0, 2440.0, 3400.0, 4500.0),  # means of men, Peterson and Barney 1952, F4 and F5 added
    "i": (270.0, 2290.0, 3010.0, 3500.0, 4500.0),
    "u": (300.0, 870.0, 2240.0, 3300.0, 4500.0),
    "schwa": (500.0, 1500.0, 2500.0, 3500.0, 4500.0),
}
MALE = FormantSettings(ceiling_hz=5000.0)


def frames_of(wave: np.ndarray) -> int:
    return len(wave) // 256 + 1


@pytest.mark.parametrize("f0", [100.0, 140.0])
@pytest.mark.parametrize("name", VOWELS)
def test_finds_the_formants_of_a_synthetic_vowel(name: str, f0: float) -> None:
    wave = vowel(VOWELS[name], f0)
    tracks = track_formants(wave, RATE, frames_of(wave), FRAME_RATE, MALE)
    assert tracks.frequency.shape == tracks.bandwidth.shape == (4, frames_of(wave))
    inner = tracks.frequency[:, 10:-10]
    assert np.isfinite(inner).all()
    # Half the distance of harmonics is what pitch leaves uncertain; linear prediction does better.
    np.testing.assert_allclose(np.median(inner, axis=1), VOWELS[name][:4], rtol=0.04, atol=0.3 * f0)


def test_a_wider_resonance_has_a_wider_bandwidth() -> None:
    narrow = vowel(VOWELS["schwa"], bandwidths=(50.0,) * 5)
    wide = vowel(VOWELS["schwa"], bandwidths=(250.0,) * 5)
    found = [
        np.nanmedian(track_formants(w, RATE, frames_of(w), FRAME_RATE, MALE).bandwidth[1:], axis=1)
        for w in (narrow, wide)
    ]
    assert (found[1] > 2.0 * found[0]).all()


def test_tracks_follow_a_formant_that_jumps() -> None:
    wave = np.concatenate([vowel(VOWELS["i"]), vowel(VOWELS["a"])])
    f1 = track_formants(wave, RATE, frames_of(wave), FRAME_RATE, MALE).frequency[0]
    middle = int(0.6 * FRAME_RATE)
    assert np.median(f1[10 : middle - 5]) < 350 < 600 < np.median(f1[middle + 5 : -10])


def test_no_formants_in_silence_and_beyond_the_end() -> None:
    wave = np.concatenate([vowel(VOWELS["a"]), np.zeros(RATE // 2, np.float32)])
    frames = frames_of(wave) + 20
    f1 = track_formants(wave, RATE, frames, FRAME_RATE, MALE).frequency[0]
    end = int(0.6 * FRAME_RATE)
    assert np.isfinite(f1[10 : end - 5]).all()
    assert np.isnan(f1[end + 5 :]).all()
    assert np.isnan(track_formants(np.zeros(RATE), RATE, 50, FRAME_RATE).frequency).all()


def test_deviation_is_the_median_in_per_cent_where_asked() -> None:
    wave = vowel(VOWELS["schwa"])
    truth = track_formants(wave, RATE, frames_of(wave), FRAME_RATE, MALE)
    assert formant_deviation(truth, truth).max() == 0.0
    frequency = truth.frequency * np.array([[1.1], [0.95], [1.0], [1.2]])
    frequency[0, 20:23] *= 3.0  # a slip of the tracker does not count much
    frequency[3, :] = np.nan
    shifted = replace(truth, frequency=frequency)
    np.testing.assert_allclose(formant_deviation(shifted, truth), [10.0, 5.0, 0.0, np.nan])
    nowhere = np.zeros(frames_of(wave), bool)
    assert np.isnan(formant_deviation(shifted, truth, nowhere)).all()
    with pytest.raises(AnalysisError, match="different settings"):
        formant_deviation(track_formants(wave, RATE, 40, FRAME_RATE), truth)


def test_deviation_along_a_warp_path_compares_the_same_sound() -> None:
    """The same two vowels, the second reading half as fast: at equal times they differ, along the path hardly."""
    quick = np.concatenate([vowel(VOWELS["i"], seconds=0.4), vowel(VOWELS["a"], seconds=0.4)])
    slow = np.concatenate([vowel(VOWELS["i"], seconds=0.8), vowel(VOWELS["a"], seconds=0.8)])
    truth, other = (track_formants(w, RATE, frames_of(w), FRAME_RATE, MALE).frequency for w in (quick, slow))
    path = align(log_mel(quick), log_mel(slow), FRAME_RATE)
    along = frequency_deviation(other, truth, (path.reference, path.other))
    np.testing.assert_array_less(along, 1.5)
    assert (frequency_deviation(other, truth)[:2] > 20.0).all()
    np.testing.assert_allclose(
        frequency_deviation(1.1 * other, truth, (path.reference, path.other)), 10.0, atol=1.5
    )


@pytest.mark.parametrize("f0", [90.0, 120.0, 220.0, 350.0])
def test_pitch_of_a_vowel(f0: float) -> None:
    wave = np.concatenate([np.zeros(RATE // 2, np.float32), vowel(VOWELS["a"], f0)])
    pitch = pitch_track(wave, RATE, frames_of(wave), FRAME_RATE)
    start = int(0.5 * FRAME_RATE)
    assert not voiced_frames(pitch)[: start - 5].any()
    voiced = pitch[start + 8 : -8]
    assert np.isfinite(voiced).all()
    np.testing.assert_allclose(voiced, f0, rtol=0.01)


def test_noise_is_unvoiced() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    assert voiced_frames(pitch_track(noise, RATE, 90, FRAME_RATE)).mean() < 0.1


def test_ceiling_is_suggested_by_pitch() -> None:
    assert suggested_ceiling(np.array([np.nan, 110.0, 120.0])) == 5000.0
    assert suggested_ceiling(np.array([200.0, np.nan, 220.0])) == 5500.0
    assert suggested_ceiling(np.array([np.nan])) == 5500.0


@pytest.mark.parametrize("file", CLIPS)
def test_real_speech_has_formants_in_their_usual_ranges(file: str) -> None:
    wave, frames = clip_wave(file), clip_mel(file).shape[1]
    pitch = pitch_track(wave, RATE, frames, FRAME_RATE)
    assert 0.3 < voiced_frames(pitch).mean() < 0.9
    settings = FormantSettings(ceiling_hz=suggested_ceiling(pitch))
    tracks = track_formants(wave, RATE, frames, FRAME_RATE, settings)
    f1, f2, f3, _ = (np.nanmedian(track[voiced_frames(pitch)]) for track in tracks.frequency)
    assert 250 < f1 < 800
    assert 1000 < f2 < 2300
    assert 2100 < f3 < 3400


def test_unusable_input_is_refused_in_words() -> None:
    wave = vowel(VOWELS["a"])
    with pytest.raises(AnalysisError, match="half the sample rate"):
        track_formants(wave, RATE, 50, FRAME_RATE, FormantSettings(ceiling_hz=13_000))
    with pytest.raises(AnalysisError, match="too short"):
        track_formants(wave[:500], RATE, 2, FRAME_RATE)
    with pytest.raises(AnalysisError, match="too short"):
        pitch_track(wave[:500], RATE, 2, FRAME_RATE)
    with pytest.raises(AnalysisError, match="not numbers"):
        pitch_track(np.full(RATE, np.nan), RATE, 2, FRAME_RATE)
    with pytest.raises(AnalysisError, match="window_s"):
        FormantSettings(window_s=0)
    with pytest.raises(AnalysisError, match="rise"):
        pitch_track(wave, RATE, 50, FRAME_RATE, floor_hz=300, ceiling_hz=200)


def test_no_module_of_the_package_imports_torch_or_qt() -> None:
    code = (
        "import importlib, pkgutil, sys, lewm_core.analysis as a\n"
        "for m in pkgutil.iter_modules(a.__path__): importlib.import_module(f'lewm_core.analysis.{m.name}')\n"
        "sys.exit(' '.join({'torch', 'PySide6', 'parselmouth'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
