"""Plain error of a mel: L1 by frame and by band, signed difference in dB, the worst places in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from lewm_core.analysis.bands import band_centres
from lewm_core.analysis.checks import AnalysisError, common_frames
from lewm_core.config import LN_TO_DB, MelConfig


@dataclass(frozen=True)
class Place:
    """A moment at which a mel is wrong.

    Attributes:
        frame, time_s: where it is worst.
        l1: mean absolute error of the frames around, nats.
        low_hz, high_hz: centres of the lowest and highest band of the shortest range of bands that holds half
            of the error.
    """

    frame: int
    time_s: float
    l1: float
    low_hz: float
    high_hz: float


def mel_l1(mel: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean absolute difference over the common beginning, nats (times LN_TO_DB: dB)."""
    mel, truth = common_frames(mel, truth)
    return float(np.abs(mel - truth).mean())


def frame_l1(mel: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the mean absolute difference of each frame, nats, (t,)."""
    mel, truth = common_frames(mel, truth)
    return np.abs(mel - truth).mean(axis=0)


def band_l1(mel: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the mean absolute difference of each band, nats, (m,)."""
    mel, truth = common_frames(mel, truth)
    return np.abs(mel - truth).mean(axis=1)


def difference_db(mel: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return ``mel`` minus ``truth`` in dB, (m, t): above 0 where the mel is too loud."""
    mel, truth = common_frames(mel, truth)
    return (mel - truth) * LN_TO_DB


def worst_places(
    mel: np.ndarray,
    truth: np.ndarray,
    count: int = 10,
    config: MelConfig | None = None,
    apart_s: float = 0.15,
) -> list[Place]:
    """Return the moments of greatest error, the worst first.

    The L1 by frame is smoothed over about 50 ms (Gaussian, sigma 20 ms), so that a click of one frame does
    not stand before a syllable; its highest peaks that lie at least ``apart_s`` seconds apart are the places.
    A place's L1 and range of bands are those of the frames within 30 ms of it.

    Raises:
        AnalysisError: the mels cannot be compared, or ``count`` or ``apart_s`` is not above 0.
    """
    if count < 1 or apart_s <= 0:
        raise AnalysisError("Ask for at least one place, with some time between them.")
    mel, truth = common_frames(mel, truth)
    config = config or MelConfig(n_mels=truth.shape[0])
    error = np.abs(mel - truth)
    smooth = gaussian_filter1d(error.mean(axis=0), 0.020 * config.frame_rate, mode="nearest")
    # A constant around it makes the first and last frame eligible as peaks.
    padded = np.pad(smooth, 1, constant_values=-1.0)
    peaks = find_peaks(padded, distance=max(1, round(apart_s * config.frame_rate)))[0] - 1
    ranked = peaks[np.argsort(-smooth[peaks], kind="stable")][:count]
    return [_place(error, int(frame), config) for frame in ranked if smooth[frame] > 0]


def _place(error: np.ndarray, frame: int, config: MelConfig) -> Place:
    reach = max(1, round(0.030 * config.frame_rate))
    around = error[:, max(0, frame - reach) : frame + reach + 1].mean(axis=1)
    low, high = shortest_half(around)
    centres = band_centres(config)
    return Place(
        frame, frame / config.frame_rate, float(around.mean()), float(centres[low]), float(centres[high])
    )


def shortest_half(weights: np.ndarray) -> tuple[int, int]:
    """Return first and last index of the shortest run that holds at least half of the sum of ``weights`` (k,)
    >= 0."""
    total = np.concatenate(([0.0], np.cumsum(weights)))
    wanted = total[:-1] + 0.5 * total[-1] * (1.0 - 1e-12)
    ends = np.searchsorted(total, wanted, side="left")
    lengths = np.where(ends < len(total), ends - np.arange(len(weights)), len(weights) + 1)
    start = int(np.argmin(lengths))
    return start, max(start, int(ends[start]) - 1)
