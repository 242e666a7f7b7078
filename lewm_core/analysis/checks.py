"""What all measures ask of their input, and the error that says so."""

from __future__ import annotations

import numpy as np


class AnalysisError(ValueError):
    """Input cannot be analysed; the message says what is wrong and what to do."""


def as_mel(mel: np.ndarray, name: str = "mel") -> np.ndarray:
    """Return ``mel`` as float64 (m, t).

    Raises:
        AnalysisError: it is not two-dimensional, has no band or no frame, or holds values that are not
            finite.
    """
    mel = np.asarray(mel, dtype=np.float64)
    if mel.ndim != 2 or 0 in mel.shape:
        raise AnalysisError(
            f"The {name} has shape {mel.shape}; (bands, frames) with at least one of each is needed."
        )
    if not np.isfinite(mel).all():
        raise AnalysisError(f"The {name} holds values that are not numbers (NaN or infinity). Make it again.")
    return mel


def common_frames(mel: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both mels as float64 (m, t), cut to their common length.

    Raises:
        AnalysisError: see ``as_mel``; or the numbers of bands differ.
    """
    mel, truth = as_mel(mel), as_mel(truth, "ground truth")
    if mel.shape[0] != truth.shape[0]:
        raise AnalysisError(
            f"The mels have {mel.shape[0]} and {truth.shape[0]} bands; make both with the same settings."
        )
    frames = min(mel.shape[1], truth.shape[1])
    return mel[:, :frames], truth[:, :frames]


def as_wave(wave: np.ndarray, name: str = "wave") -> np.ndarray:
    """Return ``wave`` as float64 (samples,).

    Raises:
        AnalysisError: it is not one-dimensional, is empty, or holds values that are not finite.
    """
    wave = np.asarray(wave, dtype=np.float64)
    if wave.ndim != 1 or not wave.size:
        raise AnalysisError(
            f"The {name} has shape {wave.shape}; mono samples of shape (samples,) are needed."
        )
    if not np.isfinite(wave).all():
        raise AnalysisError(f"The {name} holds values that are not numbers (NaN or infinity). Make it again.")
    return wave
