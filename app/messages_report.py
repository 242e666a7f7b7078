"""Messages about reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lewm_core.report_extras import ReportExtras

if TYPE_CHECKING:
    from app.engine_messages import Compared


@dataclass(frozen=True)
class WriteReport:
    """Write a comparison as one HTML page.

    `colours` are the (entries, 3) red, green, blue values (uint8) that the window uses between `levels` (dB); `facts`
    are (label, value) of the checkpoint; `extras` is what the window shows besides.
    """

    comparison: Compared
    path: str
    clip_name: str
    facts: tuple[tuple[str, str], ...]
    colours: np.ndarray
    levels: tuple[float, float]
    extras: ReportExtras = field(default_factory=ReportExtras)


@dataclass(frozen=True)
class ReportWritten:
    """The page lies at `path`."""

    path: str
