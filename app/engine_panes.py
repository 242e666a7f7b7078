"""What the panes show besides mels, made with `lewm_core.analysis`; runs in the engine process only."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np

from app.engine_messages import Step
from app.messages_panes import (
    AlignPanes,
    ErrorStudied,
    FormantsTracked,
    PanesAligned,
    StudyError,
    StudyRow,
    TrackFormants,
)

if TYPE_CHECKING:
    from lewm_core.analysis.error_study import ErrorStudy
    from lewm_core.vocoder import Vocoder


def align_panes(request: AlignPanes) -> Generator[Step, None, PanesAligned]:
    """Find which frame of one mel belongs to which of the other; raises AnalysisError."""
    yield Step(0.1, "Aligning")
    from lewm_core.analysis.alignment import align

    path = align(request.reference, request.other, request.frame_rate)
    return PanesAligned(path.reference, path.other, path.cost)


def study_error(
    request: StudyError, vocoder: Vocoder, cancelled: Callable[[], bool]
) -> Generator[Step, None, ErrorStudied | None]:
    """Measure an error beside noise of the same L1, and make that noise audible; raises AnalysisError.

    None when it was cancelled before there was anything to hear.
    """
    yield Step(0.05, "Matching noise")
    from lewm_core.analysis import error_study
    from lewm_core.analysis.alignment import align, warped_to_reference
    from lewm_core.analysis.pane_report import kind_of
    from lewm_core.analysis.pitch import pitch_track
    from lewm_core.config import MelConfig

    truth, mel = request.truth, request.mel
    config = MelConfig(
        sample_rate=request.sample_rate, hop_length=request.hop_length, n_mels=truth.shape[0]
    )
    if request.aligned:
        mel = warped_to_reference(mel, align(truth, mel, config.frame_rate))
    pitch = pitch_track(request.wave, request.sample_rate, truth.shape[1], config.frame_rate)
    study = error_study.study_error(mel, truth, config, pitch, request.seed)
    if cancelled():
        return None
    yield Step(0.5, "Vocoding the noise")
    wave = vocoder.decode(study.noisy)
    kind = kind_of(study.model.structure)
    return ErrorStudied(study.noisy, wave, request.sample_rate, study.l1, kind, tuple(_rows(study)))


def _rows(study: ErrorStudy) -> Generator[StudyRow, None, None]:
    model, noise = study.model, study.noise
    for label, axis in (("along frequency", "frequency"), ("along time", "time")):
        ours, theirs = getattr(model.structure, axis), getattr(noise.structure, axis)
        yield StudyRow("correlation", label, ours.lag_one, theirs.lag_one)
    for mine, its in zip(model.classes, noise.classes, strict=True):
        yield StudyRow("class", mine.name, mine.l1, its.l1)
    for band, other in zip(model.bands, noise.bands, strict=True):
        yield StudyRow("band", f"{_kilo(band.low_hz)}–{_kilo(band.high_hz)} kHz", band.l1, other.l1)


def _kilo(hz: float) -> str:
    return f"{hz / 1000:g}"


def track_formants(
    request: TrackFormants, cancelled: Callable[[], bool]
) -> Generator[Step, None, FormantsTracked]:
    """Track the formants of every wave; a wave that cannot be tracked is left out and named."""
    yield Step(0.02, "Tracking formants")
    from lewm_core.analysis import formants
    from lewm_core.analysis.checks import AnalysisError
    from lewm_core.analysis.pitch import pitch_track

    rate = request.sample_rate / request.hop_length
    ceiling, problem = request.ceiling_hz, ""
    if ceiling is None:
        first = next(iter(request.waves))
        try:
            pitch = pitch_track(request.waves[first], request.sample_rate, request.frames[first], rate)
            ceiling = formants.suggested_ceiling(pitch)
        except AnalysisError:  # too short for a pitch
            ceiling = formants.CEILING_HIGH_VOICE_HZ
    settings = formants.FormantSettings(ceiling, request.number, request.window_s)
    tracks: dict[str, formants.FormantTracks] = {}
    for number, (key, wave) in enumerate(request.waves.items()):
        if cancelled():
            break
        yield Step(0.1 + 0.9 * number / len(request.waves), "Tracking formants")
        try:
            tracks[key] = formants.track_formants(wave, request.sample_rate, request.frames[key], rate, settings)
        except AnalysisError as error:
            problem = str(error)
    frequency = {key: np.asarray(track.frequency, np.float32) for key, track in tracks.items()}
    return FormantsTracked(frequency, ceiling, problem)
