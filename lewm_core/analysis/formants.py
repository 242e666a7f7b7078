"""Formant tracks F1 to F4 on the frames of a mel, through Praat's "To Formant (burg)".

Linear prediction by Burg's algorithm after resampling to twice the ceiling and pre-emphasis from 50 Hz (Praat
manual, "Sound: To Formant (burg)..."; N. Andersen, "On the calculation of filter coefficients for maximum
entropy spectral analysis", Geophysics 39, 1974). Draw every pane of a comparison with the same settings, or
the settings are what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.praat import frame_times, praat_sound

TRACKS = 4
PRE_EMPHASIS_HZ = 50.0
CEILING_LOW_VOICE_HZ, CEILING_HIGH_VOICE_HZ = 5000.0, 5500.0
LOW_VOICE_BELOW_HZ = 165.0


@dataclass(frozen=True)
class FormantSettings:
    """Praat's settings, with its standard values.

    Attributes:
        ceiling_hz: formants are searched below this; 5000 for a typical male, 5500 for a typical
            female vocal tract (Praat manual). The setting that matters most: one per speaker, see
            ``suggested_ceiling``.
        number: formants searched below the ceiling; halves are allowed, as in Praat.
        window_s: effective length of the analysis window.
        step_s: time between analyses.
        dynamic_range_db: frames this much below the loudest show no formants (Praat's editor: 30).
    """

    ceiling_hz: float = CEILING_HIGH_VOICE_HZ
    number: float = 5.0
    window_s: float = 0.025
    step_s: float = 0.00625
    dynamic_range_db: float = 30.0

    def __post_init__(self) -> None:
        limits = {
            "ceiling_hz": (1000.0, 20000.0),
            "number": (1.0, 10.0),
            "window_s": (0.005, 0.2),
            "step_s": (0.001, 0.1),
            "dynamic_range_db": (1.0, 200.0),
        }
        for name, (lowest, highest) in limits.items():
            if not lowest <= getattr(self, name) <= highest:
                raise AnalysisError(
                    f"{name} is {getattr(self, name)}; it must lie between {lowest} and {highest}."
                )


@dataclass(frozen=True)
class FormantTracks:
    """Formants of one wave on mel frames.

    Attributes:
        times: (t,) seconds.
        frequency: (4, t) Hz, F1 first; NaN where none was found or the frame is too quiet.
        bandwidth: (4, t) Hz, width at -3 dB; NaN likewise.
        settings: what they were made with.
    """

    times: np.ndarray
    frequency: np.ndarray
    bandwidth: np.ndarray
    settings: FormantSettings = field(default_factory=FormantSettings)


def track_formants(
    wave: np.ndarray,
    sample_rate: int,
    frames: int,
    frame_rate: float,
    settings: FormantSettings | None = None,
) -> FormantTracks:
    """Measure F1 to F4 of a wave and read them, interpolated linearly by Praat, at the centre of each mel
    frame.

    Args:
        wave: (samples,) in [-1, 1].
        sample_rate: Hz.
        frames, frame_rate: number and rate (Hz) of the frames of the mel that this wave belongs to.
        settings: by default Praat's standard for a high voice.

    Raises:
        AnalysisError: the wave is unusable or shorter than the window, or the ceiling is above half the
            sample rate.
    """
    settings = settings or FormantSettings()
    if settings.ceiling_hz > sample_rate / 2:
        raise AnalysisError(
            f"The formant ceiling of {settings.ceiling_hz:.0f} Hz lies above half the sample rate "
            f"({sample_rate / 2:.0f} Hz). Lower it."
        )
    # Praat's window is twice its effective length.
    sound = praat_sound(wave, sample_rate, 2.0 * settings.window_s + settings.step_s)
    formants = sound.to_formant_burg(
        time_step=settings.step_s,
        max_number_of_formants=settings.number,
        maximum_formant=settings.ceiling_hz,
        window_length=settings.window_s,
        pre_emphasis_from=PRE_EMPHASIS_HZ,
    )
    times = frame_times(frames, frame_rate)
    loud = _loud(np.asarray(wave, dtype=np.float64), sample_rate, times, settings)
    shape = (TRACKS, frames)
    frequency, bandwidth = np.full(shape, np.nan), np.full(shape, np.nan)
    for track in range(TRACKS):
        for frame in np.flatnonzero(loud):
            frequency[track, frame] = formants.get_value_at_time(track + 1, times[frame])
            bandwidth[track, frame] = formants.get_bandwidth_at_time(track + 1, times[frame])
    return FormantTracks(times, frequency, bandwidth, settings)


def suggested_ceiling(pitch_hz: np.ndarray) -> float:
    """Suggest a formant ceiling in Hz for a speaker from the pitch of a clip.

    Low voices mostly have long vocal tracts, so low formants:
    5000 Hz when the median of ``pitch_hz`` (t,), NaN where unvoiced, lies below 165 Hz, else 5500 Hz, which
    is Praat's advice for male and female speakers. A start; a person who sees tracks off the formants changes
    it.
    """
    voiced = np.asarray(pitch_hz)[np.isfinite(pitch_hz)]
    low = voiced.size > 0 and float(np.median(voiced)) < LOW_VOICE_BELOW_HZ
    return CEILING_LOW_VOICE_HZ if low else CEILING_HIGH_VOICE_HZ


def formant_deviation(
    tracks: FormantTracks, truth: FormantTracks, where: np.ndarray | None = None
) -> np.ndarray:
    """Return the median absolute deviation from the truth's F1 to F4 in per cent, (4,).

    NaN where they have no frame in common.

    Args:
        tracks, truth: on one time axis; the common beginning is used.
        where: bool (t,), frames that count (voiced ones, for example); by default all.

    Raises:
        AnalysisError: the tracks were made with different settings, so that they cannot be compared.
    """
    if tracks.settings != truth.settings:
        raise AnalysisError("These formants were measured with different settings; measure both alike.")
    return frequency_deviation(tracks.frequency, truth.frequency, where=where)


def frequency_deviation(
    frequency: np.ndarray,
    truth: np.ndarray,
    path: tuple[np.ndarray, np.ndarray] | None = None,
    where: np.ndarray | None = None,
) -> np.ndarray:
    """Return the median absolute deviation of formants from the truth's in per cent, (4,); NaN where there is none.

    Args:
        frequency, truth: (4, u) and (4, t) Hz, measured with the same settings.
        path: frames (k,) of the truth and frames (k,) of the other that belong together (a warp path);
            by default equal frames of the common beginning.
        where: bool (t,), frames of the truth that count; by default all.
    """
    if path is None:
        frames = np.arange(min(frequency.shape[1], truth.shape[1]))
        path = frames, frames
    reference, other = path
    deviation = 100.0 * np.abs(frequency[:, other] / truth[:, reference] - 1.0)
    if where is not None:
        deviation = np.where(where[reference], deviation, np.nan)
    return np.array(
        [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in deviation]
    )


def _loud(wave: np.ndarray, sample_rate: int, times: np.ndarray, settings: FormantSettings) -> np.ndarray:
    """Frames whose RMS over the window lies within the dynamic range of the loudest; bool (t,)."""
    half = max(1, round(settings.window_s * sample_rate))
    energy = np.concatenate(([0.0], np.cumsum(wave * wave)))
    centre = np.round(times * sample_rate).astype(np.int64)
    start, stop = (np.clip(centre + shift, 0, len(wave)) for shift in (-half, half))
    power = np.where(stop > start, (energy[stop] - energy[start]) / np.maximum(stop - start, 1), 0.0)
    loudest = power.max(initial=0.0)
    return (power > loudest * 10.0 ** (-settings.dynamic_range_db / 10.0)) & (loudest > 0)
