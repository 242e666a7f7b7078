"""Messages about the rows of a data folder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MeasureRows:
    """How well the loaded voice's encoder and decoder keep rows of a manifest."""

    manifest: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class RowsMeasured:
    """Mel L1 (n,) in nats of the first n rows of the request (all, unless it was cancelled)."""

    rows: tuple[int, ...]
    l1: np.ndarray
