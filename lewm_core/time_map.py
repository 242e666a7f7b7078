"""From a time in one reading of a sentence to the same word in another, and back: plain numpy, no scipy.

A DTW path (``lewm_core.analysis.alignment``) stands still in one mel while the other goes on, so as a map of
times it has no inverse. Tilted by a thousandth towards the straight line between its ends it rises strictly:
every time then has one partner, the way back leads to where it came from, and no frame moves by more than a
thousandth of its distance to that line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TILT = 1e-3


@dataclass(frozen=True)
class TimeMap:
    """A strictly rising, piecewise linear map of times in s; beyond its ends times go on in parallel.

    Attributes:
        reference: (k,) times in the reference, strictly rising.
        other: (k,) times in the other reading, strictly rising.
    """

    reference: np.ndarray
    other: np.ndarray

    def to_other(self, seconds: float) -> float:
        """The time in the other reading that belongs to a time in the reference."""
        return _mapped(seconds, self.reference, self.other)

    def to_reference(self, seconds: float) -> float:
        """The time in the reference that belongs to a time in the other reading."""
        return _mapped(seconds, self.other, self.reference)


def time_map(reference: np.ndarray, other: np.ndarray, frame_rate: float) -> TimeMap:
    """Make the map of a warp path.

    Args:
        reference, other: (k,) frames of both mels along the path, each rising by 0 or 1 a step, not both by 0.
        frame_rate: Hz.

    Raises:
        ValueError: these are not the frames of a path.
    """
    reference, other = (np.asarray(frames, dtype=np.float64) for frames in (reference, other))
    steps = np.diff(reference) + np.diff(other)
    if reference.shape != other.shape or not len(reference) or (steps <= 0).any():
        raise ValueError("a warp path goes on in one mel or in both at each step")
    share = np.concatenate(([0.0], np.cumsum(steps)))
    share /= max(share[-1], 1.0)

    def tilted(frames: np.ndarray) -> np.ndarray:
        straight = frames[0] + share * max(frames[-1] - frames[0], 1e-6)
        return ((1.0 - TILT) * frames + TILT * straight) / frame_rate

    return TimeMap(tilted(reference), tilted(other))


def mean_by(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the mean of ``values`` (..., k) over the steps that share a frame.

    Args:
        values: one value, or column of values, for each step of a path.
        group: (k,) frame of each step (``path.reference`` or ``path.other``), from 0, rising by 0 or 1.

    Returns:
        (..., frames).
    """
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return np.add.reduceat(values, starts, axis=-1) / np.diff(starts, append=len(group))


def _mapped(seconds: float, source: np.ndarray, target: np.ndarray) -> float:
    if seconds <= source[0]:
        return float(target[0] + seconds - source[0])
    if seconds >= source[-1]:
        return float(target[-1] + seconds - source[-1])
    return float(np.interp(seconds, source, target))
