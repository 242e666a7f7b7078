"""From a mel in dB to a picture of palette indices at exactly the pixels of the screen. Pure numpy.

Only the visible slice is touched, read from a pyramid of time averages, and every pixel is the mean over the
area it covers. A cell seen from near keeps its sharp edges: blur on the screen is blur in the mel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOTHING = 255
"""Palette index of a pixel where there is no mel."""
TOP_INDEX = 254
"""Palette index of the highest level."""

Floats = NDArray[np.float32]


class MelPyramid:
    """A mel and its averages over 2, 4, 8, ... frames, cheap to extend at its end.

    Level ``k`` holds one row per ``2**k`` frames, shape ``(rows, n_mels)`` in dB; NaN stands for "nothing
    there" and is left out of the averages.
    """

    _SMALLEST = 256

    def __init__(self) -> None:
        self._buffers: list[Floats] = []
        self._frames = 0
        self._bands = 0

    @property
    def frames(self) -> int:
        return self._frames

    @property
    def n_bands(self) -> int:
        return self._bands

    def rows(self, level: int) -> Floats:
        """The averages over ``2**level`` frames, shape ``(ceil(frames / 2**level), n_mels)``, as a view."""
        return self._buffers[level][: -(-self._frames >> level)]

    def level_for(self, frames_per_pixel: float) -> int:
        """The coarsest level that still has a row or more for every pixel."""
        wanted = math.floor(math.log2(frames_per_pixel)) if frames_per_pixel >= 2.0 else 0
        return min(wanted, len(self._buffers) - 1)

    def value(self, frame: int, band: int) -> float:
        """The level in dB of one cell, NaN outside the mel."""
        if 0 <= frame < self._frames and 0 <= band < self.n_bands:
            return float(self._buffers[0][frame, band])
        return math.nan

    def update(self, mel: NDArray[np.floating]) -> int | None:
        """Take a new mel of shape ``(n_mels, frames)`` in dB and average again only what has changed.

        The mel is copied, so the caller may go on writing into its array.

        Returns:
            the first frame that differs from the mel before, ``None`` when nothing does.

        Raises:
            ValueError: when the array is not two-dimensional with at least one band.
        """
        if mel.ndim != 2 or mel.shape[0] == 0:
            raise ValueError(f"a mel has the shape (bands, frames), not {mel.shape}")
        new = np.asarray(mel, dtype=np.float32).T
        if self._bands != new.shape[1]:
            self._buffers, self._frames, self._bands = [], 0, new.shape[1]
        first = self._first_difference(new)
        if first == len(new) == self._frames:
            return None
        self._frames = len(new)
        self._room(0, first, len(new) - first)[:] = new[first:]
        level = 0
        while len(self.rows(level)) > self._SMALLEST:
            is_new = level + 1 == len(self._buffers)
            self._average_level(level, 0 if is_new else first >> (level + 1))
            level += 1
        del self._buffers[level + 1 :]
        return first

    def _first_difference(self, new: Floats) -> int:
        common = min(len(new), self._frames)
        if common == 0:
            return 0
        # Compared as bits, because NaN differs from itself.
        same = (new[:common].view(np.int32) == self._buffers[0][:common].view(np.int32)).all(axis=1)
        return common if same.all() else int(np.argmin(same))

    def _average_level(self, level: int, first_row: int) -> None:
        fine = self.rows(level)[2 * first_row :]
        pairs = len(fine) // 2
        mean = self._room(level + 1, first_row, len(fine) - pairs)
        if len(fine) % 2:
            mean[-1] = fine[-1]
        a, b, mean = fine[0 : 2 * pairs : 2], fine[1::2], mean[:pairs]
        np.add(a, b, out=mean)
        mean *= np.float32(0.5)
        if has_nan(mean):
            np.copyto(mean, np.where(np.isnan(a), b, a), where=np.isnan(mean))

    def _room(self, level: int, first_row: int, rows: int) -> Floats:
        """The rows of a level from ``first_row`` on, to be written; those before are kept."""
        needed = first_row + rows
        if level == len(self._buffers):
            self._buffers.append(np.empty((needed, self._bands), dtype=np.float32))
        elif len(self._buffers[level]) < needed:
            # Half as much again: a growing mel is copied a logarithmic number of times.
            grown = np.empty((needed + needed // 2, self._bands), dtype=np.float32)
            grown[:first_row] = self._buffers[level][:first_row]
            self._buffers[level] = grown
        return self._buffers[level][first_row:needed]


@dataclass(frozen=True)
class ImageRequest:
    """What to draw: cells from ``left`` to ``right`` (frame edges) and ``low`` to ``high`` (band edges).

    They fill ``width`` by ``height`` device pixels; the palette runs from ``bottom`` to ``top`` in dB.
    """

    left: float
    right: float
    low: float
    high: float
    width: int
    height: int
    bottom: float
    top: float


def render(pyramid: MelPyramid, request: ImageRequest) -> NDArray[np.uint8]:
    """Palette indices of shape ``(height, width)``, top row first, :data:`NOTHING` where there is no mel."""
    picture = np.full((request.height, request.width), NOTHING, dtype=np.uint8)
    per_pixel = (request.right - request.left) / request.width
    if pyramid.frames == 0 or per_pixel <= 0.0 or request.high <= request.low:
        return picture
    # Pixels whose centre lies on the mel.
    first = max(0, math.ceil((0.0 - request.left) / per_pixel - 0.5))
    last = min(request.width, math.ceil((pyramid.frames - request.left) / per_pixel - 0.5))
    if first >= last:
        return picture
    edges = request.left + per_pixel * np.arange(first, last + 1, dtype=np.float64)
    columns = _time_resampled(pyramid, edges, per_pixel)
    row_edges = np.linspace(request.high, request.low, request.height + 1)
    if (request.high - request.low) / request.height > 1.0:
        columns = area_mean(np.ascontiguousarray(columns.T), row_edges[::-1])[::-1].T
        picture[:, first:last] = to_indices(columns, request.bottom, request.top).T
    else:
        indices = np.ascontiguousarray(to_indices(columns, request.bottom, request.top).T)
        picture[:, first:last] = _stretched_rows(indices, row_edges)
    return picture


def has_nan(values: NDArray[np.floating]) -> bool:
    """Whether any value is NaN, without an array of flags."""
    return math.isnan(float(values.sum()))


def to_indices(levels: Floats, bottom: float, top: float) -> NDArray[np.uint8]:
    """Levels in dB to palette indices 0 .. 254 between ``bottom`` and ``top``, NaN to :data:`NOTHING`."""
    scale = TOP_INDEX / max(top - bottom, 1e-6)
    scaled = np.multiply(levels, np.float32(scale))
    scaled += np.float32(0.5 - bottom * scale)
    np.clip(scaled, 0.0, TOP_INDEX + 0.5, out=scaled)
    if has_nan(scaled):
        scaled[np.isnan(scaled)] = NOTHING
    return scaled.astype(np.uint8)


def area_mean(values: Floats, edges: NDArray[np.float64]) -> Floats:
    """The mean of the rows of ``values`` (r, n) over each interval of the ascending ``edges`` (m + 1).

    Edges are counted in rows and held at the ends. NaN cells are left out; an interval that is NaN for more
    than half is NaN.

    Returns:
        array of shape (m, n)
    """
    if not has_nan(values):
        return _area_sum(values, edges) / _widths(edges, len(values))
    missing = np.isnan(values)
    present = (~missing).astype(np.float32)
    weight = _area_sum(present, edges)
    total = _area_sum(np.where(missing, np.float32(0.0), values), edges)
    mean = (total / np.maximum(weight, np.float32(1e-6))).astype(np.float32)
    mean[weight < 0.5 * _widths(edges, len(values))] = np.nan
    return mean


def _widths(edges: NDArray[np.float64], rows: int) -> Floats:
    return np.diff(_held(edges, rows))[:, None].astype(np.float32)


def _held(edges: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """The edges clipped to ``0 .. rows``, each interval kept a little wider than nothing."""
    held = np.clip(edges, 0.0, rows)
    # An interval beyond the end would be empty: give it the outermost sliver instead.
    held[:-1] = np.minimum(held[:-1], rows - 1e-3)
    held[1:] = np.maximum(held[1:], held[:-1] + 1e-3)
    return held


def _area_sum(values: Floats, edges: NDArray[np.float64]) -> Floats:
    held = _held(edges, len(values))
    cells = np.minimum(held.astype(np.intp), len(values) - 1)
    fraction = (held - cells)[:, None].astype(np.float32)
    # Single precision: over a few thousand rows of some tens of dB the sum is good to about 0.01 dB.
    total = np.zeros((len(values) + 1, values.shape[1]), dtype=np.float32)
    np.cumsum(values, axis=0, out=total[1:])
    at_edges = values[cells]
    at_edges *= fraction
    at_edges += total[cells]
    return at_edges[1:] - at_edges[:-1]


def _time_resampled(pyramid: MelPyramid, edges: NDArray[np.float64], per_pixel: float) -> Floats:
    """The mean level over each pixel's frames, shape ``(pixels, n_mels)``."""
    level = pyramid.level_for(per_pixel)
    rows = pyramid.rows(level)
    scaled = edges / (1 << level)
    begin = max(0, math.floor(scaled[0]))
    end = min(len(rows), math.ceil(scaled[-1]) + 1)
    return area_mean(rows[begin:end], scaled - begin)


def _stretched_rows(indices: NDArray[np.uint8], row_edges: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bands ``(n_mels, w)`` on at least as many pixel rows; a row that straddles two bands mixes them.

    ``row_edges`` (rows + 1) are band edges from the top of the picture down. Whole numbers throughout: this
    is the one step that touches every pixel.
    """
    last = len(indices) - 1
    upper_edge, lower_edge = row_edges[:-1], row_edges[1:]
    upper = np.clip(np.ceil(upper_edge - 1e-9).astype(np.intp) - 1, 0, last)
    lower = np.clip(np.floor(lower_edge + 1e-9).astype(np.intp), 0, last)
    picture = indices[upper]
    mixed = np.flatnonzero(lower != upper)
    if len(mixed):
        share = (upper[mixed] - lower_edge[mixed]) / (upper_edge[mixed] - lower_edge[mixed])
        weight = np.round(share * 256.0).astype(np.uint16)[:, None]
        a, b = picture[mixed], indices[lower[mixed]]
        blend = ((a * (256 - weight) + b * weight + 128) >> 8).astype(np.uint8)
        picture[mixed] = np.where((a == NOTHING) | (b == NOTHING), a, blend)
    return picture
