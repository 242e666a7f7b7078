"""Level matching: waves that are compared by ear must be equally loud, or the louder one wins.

Loudness is that of ITU-R BS.1770-4 (K-weighted, blocks of 0.4 s, gated at -70 LUFS and 10 LU below the mean,
so pauses do not count), computed by pyloudnorm (C. Steinmetz and J. Reiss, "pyloudnorm", 150th AES
Convention, 2021).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lewm_core.analysis.checks import AnalysisError, as_wave

TARGET_LUFS = -23.0
"""EBU R 128."""
PEAK_CEILING_DB = -1.0
"""No matched wave has a sample above this, dB of full scale."""
SHORTEST_S = 0.1
_BLOCK_S = 0.4


@dataclass(frozen=True)
class MatchedWave:
    """A wave at the common loudness.

    Attributes:
        wave: (samples,) float32.
        gain_db: what was applied; 0 for silence.
        loudness: LUFS before; minus infinity for silence.
    """

    wave: np.ndarray
    gain_db: float
    loudness: float


def loudness(wave: np.ndarray, sample_rate: int) -> float:
    """Return the integrated loudness of a mono wave (samples,) in LUFS; minus infinity for silence.

    Shorter waves than a block are measured as one block of their length.

    Raises:
        AnalysisError: the wave is unusable or shorter than 0.1 s.
    """
    import pyloudnorm

    wave = as_wave(wave)
    seconds = len(wave) / sample_rate
    if seconds < SHORTEST_S:
        raise AnalysisError(
            f"A wave of {seconds:.3f} s is too short for a loudness; it needs {SHORTEST_S} s."
        )
    meter = pyloudnorm.Meter(sample_rate, block_size=min(_BLOCK_S, seconds))
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # silence has no block above the gate
        value = float(meter.integrated_loudness(wave))
    return value if np.isfinite(value) else float("-inf")


@dataclass(frozen=True)
class Level:
    """What makes a wave as loud as the others: gain in dB (0 for silence); its loudness before, LUFS."""

    gain_db: float
    loudness: float


def match_levels(
    waves: Mapping[str, np.ndarray],
    sample_rate: int,
    target_lufs: float = TARGET_LUFS,
) -> dict[str, MatchedWave]:
    """Scale waves to one loudness.

    It is ``target_lufs``, or the greatest below it at which no wave exceeds -1 dB of full scale. Silence
    stays as it is and does not count.

    Args:
        waves: mono waves (samples,) by name.
        sample_rate: Hz, of all.

    Raises:
        AnalysisError: a wave is unusable or shorter than 0.1 s; the message names it.
    """
    levels = level_gains({name: (wave, sample_rate) for name, wave in waves.items()}, target_lufs)
    return {
        name: MatchedWave(
            (as_wave(wave, name) * 10.0 ** (levels[name].gain_db / 20.0)).astype(np.float32),
            levels[name].gain_db,
            levels[name].loudness,
        )
        for name, wave in waves.items()
    }


def level_gains(
    waves: Mapping[str, tuple[np.ndarray, int]], target_lufs: float = TARGET_LUFS
) -> dict[str, Level]:
    """Find the gains of ``match_levels`` for waves with a sample rate (Hz) each.

    Raises:
        AnalysisError: a wave is unusable or shorter than 0.1 s; the message names it.
    """
    measured: dict[str, tuple[float, float]] = {}
    for name, (wave, sample_rate) in waves.items():
        checked = as_wave(wave, name)
        measured[name] = loudness(checked, sample_rate), float(np.abs(checked).max())
    headroom = [
        level + PEAK_CEILING_DB - 20.0 * float(np.log10(peak))
        for level, peak in measured.values()
        if np.isfinite(level)
    ]
    common = min([target_lufs, *headroom])
    return {
        name: Level(common - level if np.isfinite(level) else 0.0, level)
        for name, (level, _) in measured.items()
    }
