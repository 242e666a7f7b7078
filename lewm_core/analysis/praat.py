"""The door to Praat (through praat-parselmouth): waves in, values on the frames of a mel out.

Praat (P. Boersma and D. Weenink, praat.org) is what phoneticians measure pitch and formants with, so numbers
from here can be compared with published ones. Parselmouth runs Praat's own code (Y. Jadoul, B. Thompson and
B. de Boer, "Introducing Parselmouth", Journal of Phonetics 71, 2018). It is imported only when a measure
needs it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from lewm_core.analysis.checks import AnalysisError, as_wave


def parselmouth() -> ModuleType:
    """Import parselmouth.

    Raises:
        AnalysisError: it is not installed.
    """
    try:
        import parselmouth as module
    except ImportError as error:
        raise AnalysisError(
            "Pitch and formants need praat-parselmouth, which is not installed: pip install praat-parselmouth"
        ) from error
    return module


def praat_sound(wave: np.ndarray, sample_rate: int, shortest_s: float) -> Any:
    """Return a wave (samples,) as Praat's Sound.

    Raises:
        AnalysisError: it cannot be used, or lasts less than ``shortest_s`` seconds.
    """
    wave = as_wave(wave)
    if len(wave) < shortest_s * sample_rate:
        raise AnalysisError(
            f"A wave of {len(wave) / sample_rate:.3f} s is too short for this measure: it needs {shortest_s:.3f} s. "
            "Choose a longer part."
        )
    return parselmouth().Sound(wave, sampling_frequency=float(sample_rate))


def frame_times(frames: int, frame_rate: float) -> np.ndarray:
    """Return the centre of each mel frame in seconds, (t,)."""
    return np.arange(frames) / frame_rate
