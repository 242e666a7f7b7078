"""What the engine measures: planted errors are found where they were planted."""

from __future__ import annotations

import numpy as np

from app.engine_analysis import analyse
from app.engine_messages import Analyse, Analysed
from tests.app.fakes import HOP, RATE, fake_mel

FRAME = HOP / RATE


def speech(frames: int) -> np.ndarray:
    """(100, frames): moving stripes with a syllable rhythm and noise that differs from frame to frame."""
    noise = np.random.default_rng(3).normal(0, 0.1, (100, frames))
    return np.asarray(fake_mel(frames) + noise, np.float32)


def run(mels: dict[str, np.ndarray], stop_reason: str = "stop_head") -> Analysed:
    job = analyse(Analyse(mels, stop_reason, RATE, HOP), lambda: False)
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_an_error_is_found_at_its_place() -> None:
    truth = speech(300)
    wrong = truth.copy()
    wrong[:, 120:130] += 2.0
    errors = run({"ground_truth": truth, "reconstruction": wrong}).panes["reconstruction"]
    assert errors.l1.shape == (300,)
    np.testing.assert_allclose(errors.l1[122:128], 2.0, atol=1e-4)
    assert 119 * FRAME <= errors.worst["l1"] <= 130 * FRAME
    assert not errors.aligned


def test_blur_is_found_where_formants_are_flattened() -> None:
    truth = speech(300)
    flat = truth.copy()
    flat[:, 200:230] = truth[:, 200:230].mean(axis=0)
    errors = run({"ground_truth": truth, "teacher_forced": flat}).panes["teacher_forced"]
    assert 198 * FRAME <= errors.worst["blur"] <= 232 * FRAME
    np.testing.assert_allclose(errors.blur[205:225], 1.0, atol=0.05)


def test_a_slower_free_run_is_aligned_first() -> None:
    truth = speech(300)
    slower = truth[:, np.round(np.linspace(0, 299, 360)).astype(int)]
    panes = {"ground_truth": truth, "teacher_forced": truth, "autoregressive": slower}
    analysis = run(panes)
    errors = analysis.panes["autoregressive"]
    assert errors.aligned
    assert errors.l1.shape == (360,), "on the time axis of the pane"
    plain = np.abs(slower[:, :300] - truth).mean()
    assert errors.l1.mean() < 0.3 * plain
    assert analysis.drift is not None
    assert analysis.drift.verdict == "stays on path"
    assert abs(analysis.drift.seconds - 359 * FRAME) < 1e-9


def test_a_collapse_is_said() -> None:
    truth = speech(400)
    silent = truth.copy()
    silent[:, 200:] = np.log(1e-7)
    drift = run({"ground_truth": truth, "teacher_forced": truth, "autoregressive": silent}).drift
    assert drift is not None
    assert "silence" in drift.verdict
    assert drift.cut_s is not None
    assert abs(drift.cut_s - 200 * FRAME) < 0.3


def test_latents_that_stand_still_have_little_spread() -> None:
    truth = speech(400)
    latents = np.random.default_rng(5).normal(size=(200, 8))
    still = latents * np.linspace(1.0, 0.0, 200)[:, None]
    mels = {"ground_truth": truth, "teacher_forced": truth, "autoregressive": truth}
    given = {"teacher_forced": latents, "autoregressive": still}
    job = analyse(Analyse(mels, "stop_head", RATE, HOP, given), lambda: False)
    try:
        while True:
            next(job)
    except StopIteration as end:
        ratio = end.value.drift.latent_std_ratio
    assert ratio[:20].mean() > 0.85
    assert ratio[-20:].mean() < 0.15
    assert run(mels).drift.latent_std_ratio is None


def test_without_a_free_run_there_is_a_reason() -> None:
    truth = speech(200)
    analysis = run({"ground_truth": truth, "reconstruction": truth})
    assert analysis.drift is None
    assert analysis.drift_problem
    assert "l1" not in analysis.panes["reconstruction"].worst, "nothing is wrong anywhere"


def test_a_reference_without_speech_is_a_reason_not_an_error() -> None:
    flat = np.full((100, 200), np.log(1e-7), np.float32)
    analysis = run({"ground_truth": flat, "teacher_forced": flat, "autoregressive": flat})
    assert analysis.drift is None
    assert "no speech" in analysis.drift_problem
