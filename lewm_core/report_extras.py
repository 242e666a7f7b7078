"""What a report shows besides a comparison: a second checkpoint, formants, a difference of two panes, votes.

Plain data that costs no import, so that a window can ask for it.

m mel bands   t mel frames
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

TRUTH, REBUILT, FORCED, FREE, NOISE = (
    "ground_truth", "reconstruction", "teacher_forced", "autoregressive", "matched_noise",
)  # fmt: skip
SECOND = "second_"
"""Begins the keys of the panes of a second checkpoint."""
OWN_TIMING = (FREE, SECOND + FREE)
"""Panes that are put on the recording's time axis before they are measured."""


@dataclass(frozen=True)
class SecondRun:
    """What another checkpoint, B, makes of the same clip: mel (m, t) and wave (samples,) by pane."""

    name: str
    panes: Mapping[str, tuple[np.ndarray, np.ndarray]]
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DifferenceWish:
    """The first pane minus the second, by their keys; the strongest colours mean ``range_db`` and more."""

    first: str
    second: str
    range_db: float = 12.0
    colours: np.ndarray | str = "RdBu_r"


@dataclass(frozen=True)
class FormantWish:
    """Praat's settings; without a ceiling the one that the pitch suggests. ``shown``: drawn when the page opens."""

    ceiling_hz: float | None = None
    number: float = 5.0
    window_s: float = 0.025
    shown: bool = False


@dataclass(frozen=True)
class ReportExtras:
    """All of them. ``noise_of``: the pane whose mel L1 the matched noise has; ``votes``: (pair, result in words)."""

    second: SecondRun | None = None
    noise_of: str = REBUILT
    formants: FormantWish = field(default_factory=FormantWish)
    difference: DifferenceWish | None = None
    votes: tuple[tuple[str, str], ...] = ()
