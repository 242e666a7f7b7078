"""Latents of a free run against those of its reference, along the warp path of their mels.

divergence   RMS over dimensions of (free - reference) / standard deviation of the reference's dimension over
             time; 0 identical, sqrt(2) for independent latents of the same spread.
std ratio    spread (root of the variance over LATENT_WINDOW_S, summed over dimensions) of the free run over
             that of the reference at the same relative position, as the energy ratio in ``drift``; towards 0
             when the run stands still (collapse).
maps         latents of both in standard deviations of the reference's dimension from its mean, so that one colour
             scale fits all of them; the dimensions that move most first, those that never move left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lewm_core.analysis.alignment import WarpPath
from lewm_core.analysis.checks import AnalysisError, as_mel

LATENT_WINDOW_S = 0.5


@dataclass(frozen=True)
class LatentDrift:
    """Latents of both runs along the path, on the reference's latents.

    Attributes:
        times: (n,) seconds in the reference.
        divergence: (n,).
        std_ratio: (n,); NaN where the reference stands still.
    """

    times: np.ndarray
    divergence: np.ndarray
    std_ratio: np.ndarray


def latent_drift(reference: np.ndarray | None, free: np.ndarray | None, path: WarpPath) -> LatentDrift | None:
    """Compare the latents of two runs along the warp path of their mels.

    Args:
        reference: (n, d), spread evenly over the path's reference mel.
        free: (k, d), spread evenly over the path's other mel.

    Returns:
        None when neither is given.

    Raises:
        AnalysisError: only one is given, or their dimensions differ.
    """
    if reference is None and free is None:
        return None
    if reference is None or free is None:
        raise AnalysisError("Latents of only one of both runs were given; give both or none.")
    reference, free = as_mel(reference, "reference latents"), as_mel(free, "free run's latents")
    if reference.shape[1] != free.shape[1]:
        raise AnalysisError(
            f"The latents have {reference.shape[1]} and {free.shape[1]} dimensions; take both from one checkpoint."
        )
    frames, free_frames = int(path.reference[-1]) + 1, int(path.other[-1]) + 1
    step, free_step = frames / len(reference), free_frames / len(free)
    centres = (np.arange(len(reference)) + 0.5) * step - 0.5
    partners = (path.to_other(centres / path.frame_rate) * path.frame_rate + 0.5) / free_step - 0.5
    partner = np.clip(np.round(partners), 0, len(free) - 1).astype(np.int64)
    spread = reference.std(axis=0)
    used = spread > 1e-9
    difference = (free[partner] - reference)[:, used] / spread[used]
    divergence = np.sqrt((difference**2).mean(axis=1)) if used.any() else np.full(len(reference), np.nan)
    own = _local_spread(reference, round(LATENT_WINDOW_S * path.frame_rate / step))
    its = _local_spread(free, round(LATENT_WINDOW_S * path.frame_rate / free_step))
    position = (np.arange(len(reference)) + 0.5) / len(reference)
    its = its[(position * len(free)).astype(np.int64)]
    ratio = np.divide(its, own, out=np.full(len(own), np.nan), where=own > 1e-9)
    return LatentDrift(centres / path.frame_rate, divergence, ratio)


def latent_maps(reference: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put the latents of two runs on one scale, to be looked at side by side.

    Args:
        reference: (n, d).  free: (k, d).

    Returns:
        (n, e) and (k, e), and the dimensions (e,) that they are.

    Raises:
        AnalysisError: their dimensions differ.
    """
    reference, free = as_mel(reference, "reference latents"), as_mel(free, "free run's latents")
    if reference.shape[1] != free.shape[1]:
        raise AnalysisError(
            f"The latents have {reference.shape[1]} and {free.shape[1]} dimensions; take both from one checkpoint."
        )
    mean, spread = reference.mean(axis=0), reference.std(axis=0)
    dimensions = np.argsort(-spread, kind="stable")
    dimensions = dimensions[spread[dimensions] > 1e-6]
    mean, spread = mean[dimensions], spread[dimensions]
    return (reference[:, dimensions] - mean) / spread, (free[:, dimensions] - mean) / spread, dimensions


def _local_spread(latents: np.ndarray, window: int) -> np.ndarray:
    """Root of the variance over a centred window of time, summed over dimensions; (n,)."""
    half = max(1, window // 2)
    sums = np.concatenate((np.zeros((1, latents.shape[1])), np.cumsum(latents, axis=0)))
    squares = np.concatenate((np.zeros((1, latents.shape[1])), np.cumsum(latents**2, axis=0)))
    index = np.arange(len(latents))
    start, stop = np.maximum(index - half, 0), np.minimum(index + half + 1, len(latents))
    count = (stop - start)[:, None]
    variance = (squares[stop] - squares[start]) / count - ((sums[stop] - sums[start]) / count) ** 2
    return np.sqrt(np.maximum(variance, 0.0).sum(axis=1))
