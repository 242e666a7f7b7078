"""A mel's error beside random noise of exactly the same mel L1: structure, bands and classes of frames.

What "L1 0.51" means depends on what the error is made of. The truth with matched noise (``matched_noise``) has
the same L1 by construction; where the model's error hangs together along frequency or time, or gathers in loud
frames and low bands, its numbers differ from those of the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lewm_core.analysis.bands import bands_between
from lewm_core.analysis.checks import common_frames
from lewm_core.analysis.error_classes import ClassError, error_by_class
from lewm_core.analysis.error_structure import ErrorStructure, error_structure
from lewm_core.analysis.matched_noise import add_matched_noise
from lewm_core.analysis.mel_error import band_l1, mel_l1
from lewm_core.config import MelConfig

BAND_EDGES_HZ = (0.0, 500.0, 1500.0, 3500.0, 6000.0, float("inf"))
"""About: pitch and low F1; F1 and F2; F2 and F3; F4 and the fricatives' lower half; the rest."""


@dataclass(frozen=True)
class BandError:
    """L1 (nats) of the bands whose centres lie from ``low_hz`` on and below ``high_hz``; None without bands."""

    low_hz: float
    high_hz: float
    l1: float | None


@dataclass(frozen=True)
class ErrorParts:
    """What one error is made of: its correlation, and its L1 by band and by class of frames."""

    structure: ErrorStructure
    bands: list[BandError]
    classes: list[ClassError]


@dataclass(frozen=True)
class ErrorStudy:
    """A mel's error and the noise that has the same L1.

    Attributes:
        l1: of both, nats.
        noisy: (m, t) float32, the truth with the noise.
        model, noise: what each error is made of.
    """

    l1: float
    noisy: np.ndarray
    model: ErrorParts
    noise: ErrorParts


def study_error(
    mel: np.ndarray,
    truth: np.ndarray,
    config: MelConfig | None = None,
    pitch_hz: np.ndarray | None = None,
    seed: int = 0,
) -> ErrorStudy:
    """Study the error of ``mel`` (m, u) against ``truth`` (m, t) over their common beginning.

    Args:
        config: what both were made with.
        pitch_hz: (t,) of the original wave; without it voiced and unvoiced frames are not told apart.
        seed: of the noise.

    Raises:
        AnalysisError: the mels cannot be compared.
    """
    mel, truth = common_frames(mel, truth)
    config = config or MelConfig(n_mels=truth.shape[0])
    l1 = mel_l1(mel, truth)
    noisy = add_matched_noise(truth, l1, seed, config)
    return ErrorStudy(l1, noisy, _parts(mel, truth, config, pitch_hz), _parts(noisy, truth, config, pitch_hz))


def error_by_band(mel: np.ndarray, truth: np.ndarray, config: MelConfig | None = None) -> list[BandError]:
    """Return the error of ``mel`` in five ranges of frequency (``BAND_EDGES_HZ``), the lowest first.

    Raises:
        AnalysisError: the mels cannot be compared.
    """
    config = config or MelConfig(n_mels=truth.shape[0])
    errors = band_l1(mel, truth)
    found = []
    for low, high in pairwise(BAND_EDGES_HZ):
        top = config.sample_rate / 2 if np.isinf(high) else high
        start, stop = (bands_between(edge, edge, config).start for edge in (low, top))
        part = errors[start : len(errors) if np.isinf(high) else stop]
        found.append(BandError(low, min(top, config.sample_rate / 2), float(part.mean()) if len(part) else None))
    return found


def _parts(mel: np.ndarray, truth: np.ndarray, config: MelConfig, pitch_hz: np.ndarray | None) -> ErrorParts:
    return ErrorParts(
        error_structure(mel, truth), error_by_band(mel, truth, config), error_by_class(mel, truth, pitch_hz)
    )
