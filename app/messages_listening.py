"""Requests about what is heard: equal loudness for what is compared by ear."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class MatchLevels:
    """Find the gains at which waves (samples,) at their rates (Hz) are equally loud; by key."""

    waves: dict[str, tuple[np.ndarray, int]]


@dataclass(frozen=True)
class LevelsMatched:
    """Gains in dB and loudness before them in LUFS (minus infinity for silence), by key.

    Waves too short for a loudness are left out.
    """

    gains_db: dict[str, float] = field(default_factory=dict)
    loudness: dict[str, float] = field(default_factory=dict)
