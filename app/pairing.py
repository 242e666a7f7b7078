"""Two panes against each other: both mels on one time axis, their difference in dB, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.aligning import AlignmentController
from app.panes import PaneModel
from lewm_core.config import LN_TO_DB


@dataclass(frozen=True)
class Pair:
    """Two mels in dB (n_mels, frames) of one length on one time axis.

    `aligned` is True where one of them was put on the other's time axis by DTW.
    """

    first: np.ndarray
    second: np.ndarray
    aligned: bool

    @cached_property
    def difference(self) -> np.ndarray:
        """The first minus the second in dB: above 0 where the first is louder."""
        return self.first - self.second

    @cached_property
    def l1(self) -> float:
        """Mean absolute difference, nats."""
        return float(np.abs(self.difference).mean()) / LN_TO_DB

    @cached_property
    def bias_db(self) -> float:
        """Mean signed difference, dB."""
        return float(self.difference.mean())


def make_pair(first: str, second: str, panes: PaneModel, alignment: AlignmentController) -> Pair | None:
    """The pair of two panes; None while one of them is empty.

    Where they have timings of their own, both are put on the time axis that is nearer to the clip's; without a path
    (or while panes are not linked) frames meet at equal times, as far as both reach.
    """
    a, b = (panes.content(key).mel_db for key in (first, second))
    if a is None or b is None or a.shape[0] != b.shape[0]:
        return None
    aligned = alignment.parts(first, second)
    if aligned:
        axis = alignment.common_axis(first, second)
        a, b = alignment.on_axis(a, first, axis), alignment.on_axis(b, second, axis)
    frames = min(a.shape[1], b.shape[1])
    if frames == 0:
        return None
    return Pair(a[:, :frames], b[:, :frames], aligned)
