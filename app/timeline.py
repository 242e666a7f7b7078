"""The one owner of what is in view: time range, playhead, selection, loop and colour levels.

Every view asks the timeline for a change and is told the outcome; none of them keeps a range of its own
(linked plots that read each other's range drift by pixels). Times are seconds, levels are dB. No Qt here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from psygnal import Signal

Range = tuple[float, float]

MINIMUM_SPAN = 0.02
"""Shortest time range that can be shown, in seconds: about two mel frames."""
EMPTY_DURATION = 4.0
"""Length of the axis while nothing is loaded, in seconds."""
LONGEST = 86_400.0
"""Longest sound that can be shown, in seconds; keeps the arithmetic of ranges exact."""
MINIMUM_LEVEL_SPAN = 6.0
"""Smallest distance between the colour levels, in dB."""
LOWEST_LEVEL = -140.0
HIGHEST_LEVEL = 60.0
HISTORY_LENGTH = 50


@dataclass(frozen=True)
class TimelineDefaults:
    """Values of a timeline that nobody has touched."""

    levels: Range = (-50.0, 35.0)
    colour_map: str = "magma"


class Timeline:
    """Time range, playhead, selection, loop and colour levels of one window.

    A setter emits its signal only when the value really changes, so views that answer a signal by calling
    a setter come to rest. Ranges outside the sound are moved back in, never refused.
    """

    duration_changed = Signal(float)
    range_changed = Signal(float, float)
    playhead_changed = Signal(object)
    selection_changed = Signal(object)
    loop_changed = Signal(bool)
    levels_changed = Signal(float, float)
    colour_map_changed = Signal(str)
    follow_changed = Signal(bool)

    def __init__(self, defaults: TimelineDefaults = TimelineDefaults()) -> None:
        self._duration = 0.0
        self._range: Range = (0.0, EMPTY_DURATION)
        self._playhead: float | None = None
        self._selection: Range | None = None
        self._loop = False
        self._levels = defaults.levels
        self._colour_map = defaults.colour_map
        self._follow = True
        self._history: list[Range] = []

    # ------------------------------------------------------------------ time
    @property
    def duration(self) -> float:
        """Length of the longest sound in seconds; 0 while nothing is loaded."""
        return self._duration

    @property
    def extent(self) -> float:
        """Right end of the time axis in seconds, also when nothing is loaded."""
        return max(self._duration, MINIMUM_SPAN) if self._duration > 0 else EMPTY_DURATION

    @property
    def range(self) -> Range:
        """Visible time range in seconds."""
        return self._range

    @property
    def is_fitted(self) -> bool:
        """True while the whole sound is in view."""
        return self._range[0] <= 0.0 and self._range[1] >= self.extent

    def set_duration(self, seconds: float) -> None:
        """Set the length of the longest sound; a fitted view stays fitted, any other range stays put."""
        seconds = min(_finite(seconds, 0.0), LONGEST)
        if seconds < 0 or seconds == self._duration:
            return
        fitted = self.is_fitted
        self._duration = seconds
        self.duration_changed.emit(seconds)
        self._apply_range((0.0, self.extent) if fitted else self._range)
        if self._selection is not None:
            self.set_selection(self._selection)
        if self._playhead is not None:
            self.set_playhead(self._playhead)

    def set_range(self, start: float, end: float, *, remember: bool = False) -> None:
        """Show `start`..`end` seconds; `remember` puts the present range on the way back of `zoom_back`."""
        if not (math.isfinite(start) and math.isfinite(end)):
            return
        before = self._range
        self._apply_range((min(start, end), max(start, end)))
        if remember and self._range != before:
            self._history = [*self._history[-(HISTORY_LENGTH - 1) :], before]

    def zoom(self, factor: float, at: float | None = None) -> None:
        """Zoom in (`factor` > 1) or out; the time `at` keeps its place on the screen (default: the middle)."""
        if not math.isfinite(factor) or factor <= 0:
            return
        start, end = self._range
        at = (start + end) / 2 if at is None else min(max(at, start), end)
        span = min(max((end - start) / factor, MINIMUM_SPAN), self.extent)
        share = (at - start) / (end - start)
        self._apply_range((at - share * span, at - share * span + span))

    def pan(self, seconds: float) -> None:
        """Move the visible range, as far as the sound reaches."""
        if math.isfinite(seconds):
            self._apply_range((self._range[0] + seconds, self._range[1] + seconds))

    def fit(self) -> None:
        """Show everything."""
        self.set_range(0.0, self.extent, remember=True)

    def zoom_to_selection(self) -> None:
        """Show just the selected region; nothing happens when there is none."""
        if self._selection is not None:
            self.set_range(*self._selection, remember=True)

    def zoom_back(self) -> None:
        """Return to the range before the last jump (fit or zoom to selection)."""
        if self._history:
            self._apply_range(self._history.pop())

    def _apply_range(self, wanted: Range) -> None:
        clamped = _clamp_range(wanted, self.extent)
        if clamped != self._range:
            self._range = clamped
            self.range_changed.emit(*clamped)

    # ------------------------------------------------------------------ playhead, selection, loop
    @property
    def playhead(self) -> float | None:
        """Time that is heard now, in seconds; None when there is no playhead."""
        return self._playhead

    def set_playhead(self, seconds: float | None) -> None:
        """Move the playhead; while following, the view turns the page when the playhead leaves it."""
        if seconds is not None:
            seconds = min(max(_finite(seconds, 0.0), 0.0), self.extent)
        if seconds == self._playhead:
            return
        self._playhead = seconds
        self.playhead_changed.emit(seconds)

    def follow_playhead(self) -> None:
        """Turn the page if the playhead has left the view (called while playing)."""
        start, end = self._range
        if self._playhead is None or not self._follow or start <= self._playhead <= end:
            return
        self._apply_range((self._playhead, self._playhead + end - start))

    @property
    def follow(self) -> bool:
        """True when the view follows the playhead."""
        return self._follow

    def set_follow(self, follow: bool) -> None:
        """Let the view follow the playhead, or hold it still."""
        if follow != self._follow:
            self._follow = follow
            self.follow_changed.emit(follow)

    @property
    def selection(self) -> Range | None:
        """Selected region in seconds, or None."""
        return self._selection

    def set_selection(self, selection: Range | None) -> None:
        """Select a region; one shorter than two frames, or outside the sound, clears the selection."""
        if selection is not None:
            ordered = sorted(min(max(_finite(time, 0.0), 0.0), self.extent) for time in selection)
            selection = (ordered[0], ordered[1]) if ordered[1] - ordered[0] >= MINIMUM_SPAN else None
        if selection != self._selection:
            self._selection = selection
            self.selection_changed.emit(selection)

    @property
    def loop(self) -> bool:
        """True when the selection (or, without one, the whole sound) repeats."""
        return self._loop

    def set_loop(self, loop: bool) -> None:
        """Repeat, or play once."""
        if loop != self._loop:
            self._loop = loop
            self.loop_changed.emit(loop)

    # ------------------------------------------------------------------ colour
    @property
    def levels(self) -> Range:
        """Lowest and highest colour level in dB, the same for all panes."""
        return self._levels

    def set_levels(self, low: float, high: float) -> None:
        """Set the colour levels in dB, at least 6 dB apart."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return
        low, high = min(low, high), max(low, high)
        low = min(max(low, LOWEST_LEVEL), HIGHEST_LEVEL - MINIMUM_LEVEL_SPAN)
        high = min(max(high, low + MINIMUM_LEVEL_SPAN), HIGHEST_LEVEL)
        if (low, high) != self._levels:
            self._levels = (low, high)
            self.levels_changed.emit(low, high)

    @property
    def colour_map(self) -> str:
        """Name of the colour map of all panes."""
        return self._colour_map

    def set_colour_map(self, name: str) -> None:
        """Set the colour map of all panes."""
        if name != self._colour_map:
            self._colour_map = name
            self.colour_map_changed.emit(name)


def _finite(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise


def _clamp_range(wanted: Range, extent: float) -> Range:
    """`wanted` shifted and shortened until it lies in 0..extent and is not shorter than the minimum."""
    span = min(max(wanted[1] - wanted[0], min(MINIMUM_SPAN, extent)), extent)
    start = min(max(wanted[0], 0.0), extent - span)
    return (start, min(start + span, extent))
