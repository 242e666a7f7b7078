"""The measures of `lewm_core.analysis` for the panes of a comparison; runs in the engine process only.

(scipy, which the measures need, takes seconds to import: nothing for the process of the window.)
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np

from app.engine_messages import Analyse, Analysed, DriftFacts, PaneErrors, Step
from app.engine_mixed import latents_on_one_scale, measure_attention
from app.messages_mixed import AttentionFacts

TRUTH, FORCED = "ground_truth", "teacher_forced"


def analyse(request: Analyse, cancelled: Callable[[], bool]) -> Generator[Step, None, Analysed]:
    """Measure every pane against the ground truth, then the free run against the teacher-forced prediction."""
    yield Step(0.0, "Measuring")
    from lewm_core.analysis.checks import AnalysisError

    truth = request.mels[TRUTH]
    panes: dict[str, PaneErrors] = {}
    judged = [key for key in request.mels if key != TRUTH] if request.errors else []
    for number, key in enumerate(judged):
        if cancelled():
            break
        yield Step(0.8 * number / len(judged), "Measuring")
        panes[key] = pane_errors(request.mels[key], truth, key == request.free, request)
    yield Step(0.8, "Measuring the free run")
    if request.free not in request.mels or FORCED not in request.mels or cancelled():
        return Analysed(panes, None, "There is no free run to measure.")
    try:
        drift = drift_facts(request)
        attention = {}
        for key, trace in request.traces.items():
            if not cancelled():
                attention[key] = yield from _with_steps(measure_attention(trace))
        latent_s = truth.shape[1] / (request.sample_rate / request.hop_length)
        latent_s /= max(1, len(request.latents.get(FORCED, ())))
        maps = latents_on_one_scale(request.latents, FORCED, request.free, latent_s)
        return Analysed(panes, drift, attention=attention, latent_maps=maps)
    except AnalysisError as error:
        return Analysed(panes, None, str(error))


def _with_steps(job: Generator[None, None, AttentionFacts]) -> Generator[Step, None, AttentionFacts]:
    while True:
        try:
            next(job)
        except StopIteration as end:
            facts: AttentionFacts = end.value
            return facts
        yield Step(0.9, "Measuring attention")


def pane_errors(mel: np.ndarray, truth: np.ndarray, align_first: bool, request: Analyse) -> PaneErrors:
    """Errors of a mel (m, u) against the truth (m, t), on the time axis of the mel.

    align_first: put the truth on the mel's time axis by DTW, as a free run with its own timing needs.
    """
    from lewm_core.analysis.alignment import align, warped_to_reference
    from lewm_core.analysis.formant_blur import formant_blur
    from lewm_core.analysis.mel_error import frame_l1, worst_places
    from lewm_core.config import MelConfig

    config = MelConfig(
        sample_rate=request.sample_rate, hop_length=request.hop_length, n_mels=truth.shape[0]
    )
    if align_first:
        truth = warped_to_reference(truth, align(mel, truth, config.frame_rate))
    blur = formant_blur(mel, truth, config).per_frame
    worst: dict[str, float] = {}
    places = worst_places(mel, truth, 1, config)
    if places:
        worst["l1"] = places[0].time_s
    if np.isfinite(blur).any() and np.nanmax(blur) > 0:
        worst["blur"] = float(np.nanargmax(blur)) / config.frame_rate
    return PaneErrors(
        np.asarray(frame_l1(mel, truth), np.float32), np.asarray(blur, np.float32), worst, align_first
    )


def drift_facts(request: Analyse) -> DriftFacts:
    """How the free run fares against the teacher-forced prediction; raises AnalysisError."""
    from lewm_core.analysis.drift import measure_drift
    from lewm_core.analysis.drift_verdict import drift_verdict

    rate = request.sample_rate / request.hop_length
    forced, free = request.mels[FORCED], request.mels[request.free]
    stopped = {"stop_head": True, "max_length": False}.get(request.stop_reason)
    latents = [request.latents.get(key) for key in (FORCED, request.free)]
    if any(values is None or not len(values) for values in latents):
        latents = [None, None]
    drift = measure_drift(forced, free, rate, latents[0], latents[1], stopped=stopped)
    return DriftFacts(
        verdict=drift_verdict(drift),
        divergence=np.asarray(drift.free_divergence, np.float32),
        energy_ratio_db=np.asarray(drift.energy_ratio_db, np.float32),
        departure_s=drift.departure_s,
        cut_s=drift.cut_s,
        missing_s=drift.ending.missing_s,
        seconds=(free.shape[1] - 1) / rate,
        reference_seconds=(forced.shape[1] - 1) / rate,
        off_path=tuple((stretch.start_s, stretch.end_s) for stretch in drift.off_path),
        latent_std_ratio=None if drift.latents is None else np.asarray(drift.latents.std_ratio, np.float32),
    )
