"""Mel bands: their centre frequencies, and the level and activity of frames.

The scale is that of ``lewm_core.mel``: HTK, from 0 Hz to half the sample rate, n_mels triangular filters.
Source: S. Young et al., The HTK Book (v3.4), section 5.4: mel = 2595 log10(1 + f / 700).
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from lewm_core.analysis.checks import as_mel
from lewm_core.config import LN_TO_DB, MelConfig

ACTIVE_RANGE_DB = 40.0
"""A frame is active (speech, not pause) when its level lies within this many dB of the loudest frame."""


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """Convert Hz to mel (HTK)."""
    return 2595.0 * np.log10(1.0 + np.asarray(hz, dtype=np.float64) / 700.0)


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    """Convert mel (HTK) to Hz."""
    return 700.0 * (10.0 ** (np.asarray(mel, dtype=np.float64) / 2595.0) - 1.0)


def band_centres(config: MelConfig | None = None) -> np.ndarray:
    """Return the centre frequency of each mel band in Hz, shape (m,), rising."""
    config = config or MelConfig()
    return mel_to_hz(np.linspace(0.0, float(hz_to_mel(config.sample_rate / 2)), config.n_mels + 2)[1:-1])


def bands_between(low_hz: float, high_hz: float, config: MelConfig | None = None) -> slice:
    """Return the bands whose centres lie in [low_hz, high_hz], as a slice of a mel's first axis."""
    start, stop = np.searchsorted(band_centres(config), [low_hz, high_hz * (1.0 + 1e-9)])
    return slice(int(start), int(stop))


def frame_levels(mel: np.ndarray) -> np.ndarray:
    """Return the level of each frame in dB: the root of the summed squared band amplitudes, shape (t,)."""
    return 0.5 * LN_TO_DB * logsumexp(2.0 * as_mel(mel), axis=0)


def active_frames(
    mel: np.ndarray, range_db: float = ACTIVE_RANGE_DB, loudest_db: float | None = None
) -> np.ndarray:
    """Return which frames hold speech: within ``range_db`` of the loudest frame, bool (t,).

    Args:
        mel: (m, t).
        range_db: dB below the loudest frame.
        loudest_db: level to measure from instead, in dB (that of another mel, for example).
    """
    levels = frame_levels(mel)
    return levels > (levels.max() if loudest_db is None else loudest_db) - range_db
