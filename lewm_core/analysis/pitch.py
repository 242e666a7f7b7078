"""Pitch (fundamental frequency) on the frames of a mel, and which frames are voiced.

Praat's autocorrelation method with its standard settings (P. Boersma, "Accurate short-term analysis of the
fundamental frequency and the harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993).
"""

from __future__ import annotations

import numpy as np

from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.praat import frame_times, parselmouth, praat_sound

FLOOR_HZ, CEILING_HZ = 75.0, 500.0


def pitch_track(
    wave: np.ndarray,
    sample_rate: int,
    frames: int,
    frame_rate: float,
    floor_hz: float = FLOOR_HZ,
    ceiling_hz: float = CEILING_HZ,
) -> np.ndarray:
    """Return pitch in Hz for each mel frame, (frames,); NaN where unvoiced and beyond the end of the wave.

    Args:
        wave: (samples,) in [-1, 1].
        sample_rate: Hz.
        frames, frame_rate: number and rate (Hz) of the frames of the mel that this wave belongs to.
        floor_hz, ceiling_hz: range that is searched.

    Raises:
        AnalysisError: the wave is unusable or shorter than three periods of the floor, or the range does not
            rise.
    """
    if not 0 < floor_hz < ceiling_hz < sample_rate / 2:
        raise AnalysisError(
            f"Pitch must rise from floor to ceiling; {floor_hz} Hz to {ceiling_hz} Hz do not."
        )
    sound = praat_sound(wave, sample_rate, 3.2 / floor_hz)
    pitch = sound.to_pitch_ac(pitch_floor=floor_hz, pitch_ceiling=ceiling_hz)
    hertz = parselmouth().PitchUnit.HERTZ
    return np.array(
        [pitch.get_value_at_time(t, hertz) for t in frame_times(frames, frame_rate)], dtype=np.float64
    )


def voiced_frames(pitch_hz: np.ndarray) -> np.ndarray:
    """Return which frames of a pitch track (t,) are voiced, bool (t,)."""
    return np.isfinite(pitch_hz)
