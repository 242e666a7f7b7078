"""Ticks and labels of a time axis in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

_STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0,
    60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
)  # fmt: skip
_MINOR_PARTS = {15.0: 3, 30.0: 3, 60.0: 6, 120.0: 4, 900.0: 3, 1800.0: 3, 3600.0: 6}


@dataclass(frozen=True)
class TimeTicks:
    """Labelled times and the unlabelled ones between them, all in seconds and in order."""

    major: list[tuple[float, str]]
    minor: list[float]


def time_ticks(start: float, stop: float, max_labels: int) -> TimeTicks:
    """Round times from ``start`` to ``stop`` (s), at most about ``max_labels`` of them labelled."""
    span = stop - start
    if span <= 0.0 or max_labels < 1:
        return TimeTicks([], [])
    step = next((s for s in _STEPS if span / s <= max_labels), math.ceil(span / max_labels / 3600.0) * 3600.0)
    fine = step / _MINOR_PARTS.get(step, 5 if _leading_digit(step) != 2 else 4)
    major = [(t, format_time(t, step)) for t in _multiples(step, start, stop)]
    labelled = {round(t / fine) for t, _ in major}
    minor = [t for t in _multiples(fine, start, stop) if round(t / fine) not in labelled]
    return TimeTicks(major, minor)


def format_time(seconds: float, resolution: float) -> str:
    """A time as an axis label, with as many decimals as ``resolution`` (s) needs: ``1.25``, ``1:05``."""
    decimals = max(0, -math.floor(math.log10(resolution) + 1e-9)) if resolution < 1.0 else 0
    if seconds < 60.0:
        return f"{seconds:.{decimals}f}"
    minutes, rest = divmod(round(seconds, decimals), 60.0)
    width = 2 if decimals == 0 else decimals + 3
    return f"{int(minutes)}:{rest:0{width}.{decimals}f}"


def format_time_readout(seconds: float) -> str:
    """A time under the pointer to the millisecond: ``1.234 s``, ``1:05.250``."""
    return f"{seconds:.3f} s" if seconds < 60.0 else format_time(seconds, 0.001)


def _leading_digit(value: float) -> int:
    return int(f"{value:e}"[0])


def _multiples(step: float, start: float, stop: float) -> list[float]:
    first, last = math.ceil(start / step - 1e-9), math.floor(stop / step + 1e-9)
    return [index * step for index in range(first, last + 1)]
