"""What part of a mel is seen, and the arithmetic of zooming and panning it. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Viewport:
    """A rectangle of time (s) and band edges on ``width`` by ``height`` logical pixels, low bands below."""

    start: float = 0.0
    stop: float = 1.0
    low: float = 0.0
    high: float = 100.0
    width: float = 1.0
    height: float = 1.0

    @property
    def seconds_per_pixel(self) -> float:
        return (self.stop - self.start) / max(self.width, 1.0)

    @property
    def bands_per_pixel(self) -> float:
        return (self.high - self.low) / max(self.height, 1.0)

    def x_of(self, time: float) -> float:
        """Pixel column of a time in s."""
        return (time - self.start) / (self.stop - self.start) * self.width

    def time_at(self, x: float) -> float:
        """Time in s at a pixel column."""
        return self.start + x * self.seconds_per_pixel

    def y_of(self, edge: float) -> float:
        """Pixel row of a band edge."""
        return (self.high - edge) / (self.high - self.low) * self.height

    def edge_at(self, y: float) -> float:
        """Band edge at a pixel row."""
        return self.high - y * self.bands_per_pixel


def clamp_range(wanted: Range, bounds: Range, min_span: float = 0.0) -> Range:
    """The range moved, and where it must be resized, so that it lies in ``bounds`` and spans ``min_span``.

    A range wider than the bounds becomes the bounds.
    """
    low, high = bounds
    span = max(wanted[1] - wanted[0], min_span)
    if span >= high - low:
        return bounds
    centre_start = wanted[0] - (span - (wanted[1] - wanted[0])) / 2.0
    start = min(max(centre_start, low), high - span)
    return start, start + span


def zoomed(current: Range, anchor: float, factor: float, bounds: Range, min_span: float) -> Range:
    """The range scaled by ``factor`` (below 1 zooms in) so that ``anchor`` keeps its place on the screen."""
    span = current[1] - current[0]
    new_span = min(max(span * factor, min_span), max(bounds[1] - bounds[0], min_span))
    place = (anchor - current[0]) / span if span > 0.0 else 0.5
    start = anchor - place * new_span
    return clamp_range((start, start + new_span), bounds, min_span)


def panned(current: Range, shift: float, bounds: Range) -> Range:
    """The range moved by ``shift``, as far as the bounds allow, its span kept."""
    return clamp_range((current[0] + shift, current[1] + shift), bounds)
