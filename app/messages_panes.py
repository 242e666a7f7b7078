"""Requests about what the panes show, and their answers (see `app.engine_messages`); carried out by `app.engine_panes`.

Mels are (m, t) float32 in natural-log amplitude, waves (samples,) float32 in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AlignPanes:
    """Align the free run `free` (m, u) with the ground truth `truth` (m, t) by dynamic time warping."""

    truth: np.ndarray
    free: np.ndarray
    frame_rate: float


@dataclass(frozen=True)
class PanesAligned:
    """The warp path: frames (k,) of both mels that belong together, and the free run on the truth's time axis.

    Attributes:
        cost_db: mean distance along the path, dB RMS over bands.
        warped: (m, t) the free run, for each frame of the truth the mean of the frames that it meets.
    """

    reference: np.ndarray
    other: np.ndarray
    cost_db: float
    warped: np.ndarray


PaneRequest = AlignPanes
