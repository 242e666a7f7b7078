"""Is an error structured (blur, shift, wrong word) or random (noise)? Its correlation along frequency and
time.

The autocorrelation of the signed error e = mel - truth, its mean removed, at lag k along an axis:

    r(k) = sum e(i) e(i + k) / sqrt(sum e(i)^2 * sum e(i + k)^2)

over all pairs of that axis (Box, Jenkins and Reinsel, Time Series Analysis, chapter 2; normalised by the
energies of the pairs, so r is a cosine in [-1, 1]). Independent noise has r = 0 +- 1 / sqrt(number of pairs)
at every lag above 0.

correlation length   lag at which r first falls below 1/e, linear between lags; 0.63 for independent noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lewm_core.analysis.checks import common_frames
from lewm_core.config import LN_TO_DB

MAX_LAG = 40


@dataclass(frozen=True)
class AxisCorrelation:
    """Autocorrelation along one axis.

    Attributes:
        by_lag: (k,) r at lags 0, 1, 2, ...
        lag_one: r(1); None when the axis has one element only or there is no error.
        length: correlation length in steps of the axis (bands or frames); None likewise; the greatest lag
            when r does not fall below 1/e.
    """

    by_lag: np.ndarray
    lag_one: float | None
    length: float | None


@dataclass(frozen=True)
class ErrorStructure:
    """How an error hangs together.

    Attributes:
        frequency: along bands.
        time: along frames.
        bias_db: mean signed error that was removed, dB: above 0 when the mel is too loud as a whole.
    """

    frequency: AxisCorrelation
    time: AxisCorrelation
    bias_db: float


def error_structure(mel: np.ndarray, truth: np.ndarray, max_lag: int = MAX_LAG) -> ErrorStructure:
    """Correlate the error of ``mel`` with itself along frequency and time.

    Args:
        mel, truth: (m, t) natural-log mels; the common beginning is used.
        max_lag: greatest lag, bands and frames.

    Raises:
        AnalysisError: the mels cannot be compared.
    """
    mel, truth = common_frames(mel, truth)
    error = mel - truth
    bias = float(error.mean())
    error = error - bias
    return ErrorStructure(_along(error, max_lag), _along(error.T, max_lag), bias * LN_TO_DB)


def _along(error: np.ndarray, max_lag: int) -> AxisCorrelation:
    """Correlation along the first axis."""
    lags = range(min(max_lag, len(error) - 1) + 1)
    by_lag = np.array([_correlation(error[: len(error) - lag], error[lag:]) for lag in lags])
    if len(by_lag) < 2 or not np.isfinite(by_lag[0]):
        return AxisCorrelation(by_lag, None, None)
    return AxisCorrelation(by_lag, float(by_lag[1]), _length(by_lag))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    # A mel that equals the truth to rounding has no error to speak of.
    energy = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / energy if energy > 1e-12 * a.size else float("nan")


def _length(by_lag: np.ndarray) -> float:
    below = np.flatnonzero(by_lag < np.exp(-1.0))
    if not below.size:
        return float(len(by_lag) - 1)
    lag = int(below[0])
    fall = by_lag[lag - 1] - by_lag[lag]
    return float(lag - 1 + (by_lag[lag - 1] - np.exp(-1.0)) / fall)
