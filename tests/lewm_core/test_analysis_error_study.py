"""The model's error beside matched noise: equal L1, told apart by structure; bands and classes add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.analysis.error_study import error_by_band, study_error
from lewm_core.analysis.formant_blur import smooth_along_frequency
from lewm_core.analysis.mel_error import mel_l1
from lewm_core.config import MelConfig
from lewm_core.mel import load_audio, log_mel
from lewm_core.resources_path import resource


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return log_mel(load_audio(resource("clips", "heart-sailors.ogg")))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 6.0), st.integers(0, 5))
def test_the_noise_has_exactly_the_l1_of_the_model(truth, sigma, seed):
    blurred = smooth_along_frequency(truth, sigma)
    study = study_error(blurred, truth, seed=seed)
    assert mel_l1(study.noisy, truth) == pytest.approx(mel_l1(blurred, truth), rel=1e-5)
    assert study.l1 == pytest.approx(mel_l1(blurred, truth))


def test_blur_hangs_together_and_noise_does_not(truth):
    study = study_error(smooth_along_frequency(truth, 2.0), truth)
    assert study.model.structure.time.lag_one > 0.4
    assert abs(study.noise.structure.time.lag_one) < 0.05
    assert abs(study.noise.structure.frequency.lag_one) < 0.05


def test_bands_and_classes_are_parts_of_the_whole(truth):
    study = study_error(smooth_along_frequency(truth, 2.0), truth)
    frames = [part.frames for part in study.model.classes]
    assert sum(frames) == truth.shape[1]
    weighted = sum(part.frames * part.l1 for part in study.model.classes if part.frames)
    assert weighted / truth.shape[1] == pytest.approx(study.l1)


def test_an_error_is_found_in_its_band(truth):
    config = MelConfig()
    centres = np.linspace(0, 1, config.n_mels)
    wrong = truth + np.where(centres[:, None] > 0.9, 1.0, 0.0)
    bands = error_by_band(wrong, truth, config)
    assert [band.low_hz for band in bands] == [0.0, 500.0, 1500.0, 3500.0, 6000.0]
    assert bands[-1].high_hz == config.sample_rate / 2
    assert [band.l1 for band in bands[:-1]] == pytest.approx([0.0] * 4)
    assert bands[-1].l1 > 0.1


def test_every_band_belongs_to_one_range():
    config = MelConfig()
    truth = np.zeros((config.n_mels, 3))
    total = 0.0
    for band in range(config.n_mels):
        wrong = truth.copy()
        wrong[band] = 1.0
        hits = [part for part in error_by_band(wrong, truth, config) if part.l1]
        assert len(hits) == 1
        total += 1
    assert total == config.n_mels
