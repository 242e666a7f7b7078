"""Error by class of frame: loud and quiet, voiced and unvoiced; and by class and band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lewm_core.analysis.bands import active_frames, frame_levels
from lewm_core.analysis.checks import AnalysisError, common_frames

LOUD_WITHIN_DB = 20.0


@dataclass(frozen=True)
class ClassError:
    """Error in the frames of one class.

    Attributes:
        name: "loud", "quiet", "pause", "voiced" or "unvoiced".
        frames: how many frames the class has.
        l1: mean absolute error in nats; None without frames.
        by_band: (m,) the same by band; NaN without frames.
    """

    name: str
    frames: int
    l1: float | None
    by_band: np.ndarray


def error_by_class(
    mel: np.ndarray, truth: np.ndarray, pitch_hz: np.ndarray | None = None
) -> list[ClassError]:
    """Return the error of ``mel`` in classes of frames, which the truth decides.

    loud       level within 20 dB of the truth's loudest frame: mostly vowels
    quiet      20 to 40 dB below it: mostly consonants and transitions
    pause      more than 40 dB below it
    voiced     speech (loud or quiet) in which ``pitch_hz`` is a number
    unvoiced   speech in which it is NaN

    Args:
        mel, truth: (m, t) natural-log mels; the common beginning is used.
        pitch_hz: (t,) of the original wave, from ``pitch.pitch_track``; without it only the first three are
            returned.

    Raises:
        AnalysisError: the mels cannot be compared, or the pitch has fewer frames than they.
    """
    mel, truth = common_frames(mel, truth)
    error = np.abs(mel - truth)
    levels = frame_levels(truth)
    speech = active_frames(truth)
    loud = levels > levels.max() - LOUD_WITHIN_DB
    classes = {"loud": loud, "quiet": speech & ~loud, "pause": ~speech}
    if pitch_hz is not None:
        if len(pitch_hz) < error.shape[1]:
            raise AnalysisError(
                f"The pitch has {len(pitch_hz)} frames, the mels have {error.shape[1]}; measure it on the same frames."
            )
        voiced = np.isfinite(pitch_hz[: error.shape[1]])
        classes |= {"voiced": speech & voiced, "unvoiced": speech & ~voiced}
    return [_class_error(name, error[:, members]) for name, members in classes.items()]


def _class_error(name: str, error: np.ndarray) -> ClassError:
    bands, frames = error.shape
    if not frames:
        return ClassError(name, 0, None, np.full(bands, np.nan))
    return ClassError(name, frames, float(error.mean()), error.mean(axis=1))
