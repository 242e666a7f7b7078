"""The truth with random noise of exactly a given mel L1: what "L1 0.51" would look and sound like if it were
random.

A reconstruction whose formants are blurred sounds worse than a true mel with noise of the same or even a
greater L1; this mel, seen and heard beside the model's, shows it.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from lewm_core.analysis.checks import AnalysisError, as_mel
from lewm_core.config import MelConfig


def add_matched_noise(
    truth: np.ndarray, l1: float, seed: int = 0, config: MelConfig | None = None
) -> np.ndarray:
    """Return ``truth`` plus Gaussian noise, independent in every band and frame, of mean absolute value
    ``l1``.

    Nothing falls below the floor of the log-mel (``log_clip``), as in a mel of a real wave; where noise
    would, it is cut. The strength a of max(truth + a * noise, floor) is solved for (Brent's method; the L1
    rises with a), so the L1 is met to float32 precision, whatever is cut.

    Args:
        truth: (m, t) natural-log mel.
        l1: wanted mean absolute difference, nats, 0 or more.
        seed: same seed, same noise.
        config: names the floor.

    Returns:
        (m, t) float32.

    Raises:
        AnalysisError: the mel is unusable, or ``l1`` is negative or not finite.
    """
    truth = as_mel(truth, "ground truth")
    if not (np.isfinite(l1) and l1 >= 0):
        raise AnalysisError(f"The wanted mel L1 is {l1}; it must be a number of at least 0.")
    noise = np.random.default_rng(seed).standard_normal(truth.shape)
    floor = min(float(np.log((config or MelConfig()).log_clip)), float(truth.min()))

    def noisy(strength: float) -> np.ndarray:
        return np.maximum(truth + strength * noise, floor)

    def excess(strength: float) -> float:
        return float(np.abs(noisy(strength) - truth).mean()) - l1

    high = 2.0 * l1 + 1e-9
    for _ in range(60):
        if excess(high) >= 0:
            break
        high *= 2.0
    else:
        raise AnalysisError(
            "The mel is too short for noise of this L1: all of it would be cut. Use another seed."
        )
    return noisy(brentq(excess, 0.0, high, xtol=1e-14, rtol=1e-13) if l1 > 0 else 0.0).astype(np.float32)
