"""Messages about the speakers of a voice: where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MapSpeakers:
    """Lay out the speakers of the loaded voice."""


@dataclass(frozen=True)
class SpeakersMapped:
    """See `lewm_core.analysis.speakers.SpeakerMap` (s speakers, k triangles, j edges).

    Attributes:
        points: (s, 2).  gram: (s, s).  triangles: (k, 3).  edges: (j, 2).  explained: shares of the variance.
    """

    names: tuple[str, ...]
    languages: tuple[str, ...]
    points: np.ndarray
    gram: np.ndarray
    triangles: np.ndarray
    edges: np.ndarray
    explained: tuple[float, float]
