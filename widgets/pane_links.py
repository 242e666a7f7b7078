"""What panes say to each other about one moment: the readout under the crosshair, and times that belong together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from widgets.mel_viewport import Range


@dataclass(frozen=True)
class HoverReadout:
    """What lies under the crosshair: time in s, frequency in Hz, the level in dB of each pane that has one.

    ``pane`` is the key of the pane under the pointer; ``times_s`` is the time in every pane, which differs
    where panes are linked along a warp path.
    """

    time_s: float
    hz: float
    levels_db: dict[str, float]
    pane: str
    times_s: dict[str, float]


TimeLink = Callable[[float, str, str], float]
"""The time in s in one pane (its key comes last) that belongs to a time in another."""


def same_time(time: float, _from_pane: str, _to_pane: str) -> float:
    """The link of panes that share one time."""
    return time


def linked_range(link: TimeLink, times: Range, from_pane: str, to_pane: str) -> Range:
    """A range of time in one pane as that of another."""
    start, stop = (link(time, from_pane, to_pane) for time in times)
    return start, stop
