"""Formant tracks drawn into the picture of a mel: thin bright lines with a dark rim, one colour a formant.

Pure numpy, column by column, so that a picture that scrolls draws only the columns that come into view.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TRACK_NAMES = ("F1", "F2", "F3", "F4")
TRACK_COLOURS = ("#2fe3ff", "#a6ff4d", "#ffffff", "#9fb0ff")
"""Colours with a place of their own on maps from black over purple and orange to yellow, and on grey ones."""
WIDTH = 1.5
"""Logical pixels."""
RIM = 1.0
RIM_STRENGTH = 0.7
MOST_FRAMES_A_COLUMN = 6.0
"""Seen from further away (about a minute on a screen) tracks are dust, and are left out."""
_JUMP = 8.0
"""Bands between two frames over which no line is drawn: the tracker has changed its mind."""
_STEEPEST = 6.0


@dataclass(frozen=True)
class TrackWindow:
    """What the columns of a picture show: frames from ``left`` to ``right``, band edges from ``low`` to ``high``."""

    left: float
    right: float
    low: float
    high: float
    ratio: float = 1.0


def _channels(colour: str) -> tuple[int, int, int]:
    """Blue, green and red of "#rrggbb"."""
    return int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)


_COLOURS = np.array([_channels(colour) for colour in TRACK_COLOURS], dtype=np.float32)


def draw_tracks(picture: NDArray[np.uint8], tracks: NDArray[np.floating], window: TrackWindow) -> None:
    """Draw tracks into a picture, in place.

    Args:
        picture: (height, width, 4) blue, green, red and nothing, top row first, device pixels.
        tracks: (k, frames) band edge positions, NaN where there is nothing; frame ``i`` reaches from ``i`` to
            ``i + 1``.
        window: what the picture shows.
    """
    height, width = picture.shape[:2]
    per_column = (window.right - window.left) / max(width, 1)
    if per_column > MOST_FRAMES_A_COLUMN or per_column <= 0.0 or window.high <= window.low:
        return
    # One column more on both sides: the slope of a line is that of its neighbours.
    columns = window.left + (np.arange(-1, width + 1) + 0.5) * per_column
    rows = (window.high - _at(tracks, columns)) * (height / (window.high - window.low))
    centre, half = _line(rows, window.ratio)
    _blend(picture, centre, half, RIM * window.ratio)


def _at(tracks: NDArray[np.floating], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The tracks (k, w) at frame positions (w,): straight lines between frames, broken at gaps and jumps."""
    place = columns - 0.5
    last = tracks.shape[1] - 1
    if last < 0:
        return np.full((len(tracks), len(columns)), np.nan)
    before = np.clip(place.astype(np.intp), 0, last)
    share = np.clip(place - before, 0.0, 1.0)
    low, high = tracks[:, before], tracks[:, np.minimum(before + 1, last)]
    step = high - low
    found = np.where(np.abs(step) <= _JUMP, low + share * step, np.where(share < 0.5, low, high))
    if place[0] < -0.5 or place[-1] > last + 0.5:
        found[:, (place < -0.5) | (place > last + 0.5)] = np.nan
    return found


def _line(rows: NDArray[np.float64], ratio: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle and half the vertical extent of the lines (k, w) in each column but the two outermost."""
    step = np.abs(rows[:, 1:] - rows[:, :-1])
    slope = np.fmin(step[:, :-1], step[:, 1:])  # of a jump, that of its calm side
    slope[np.isnan(slope)] = 0.0
    steep = np.minimum(slope, _STEEPEST)
    return rows[:, 1:-1], (0.5 * WIDTH * ratio) * np.sqrt(1.0 + steep * steep)


def _blend(
    picture: NDArray[np.uint8], centre: NDArray[np.float64], half: NDArray[np.float64], rim: float
) -> None:
    """Lay lines (k, w) and their rims over the picture, as much as they cover of each pixel."""
    height = picture.shape[0]
    track, column = np.nonzero((centre > -8.0) & (centre < height + 8.0))  # NaN is neither
    if not len(track):
        return
    middle = centre[track, column].astype(np.float32)
    reach = half[track, column].astype(np.float32) + np.float32(0.5)
    most = math.ceil(float(reach.max()) + rim)
    rows = middle.astype(np.int32) + np.arange(-most, most + 1, dtype=np.int32)[:, None]
    cover = reach - np.abs(rows - (middle - np.float32(0.5)))
    step, line = np.nonzero((cover > -rim) & (rows >= 0) & (rows < height))
    at_row, at_column, cover = rows[step, line], column[line], cover[step, line][:, None]
    pixels = picture[at_row, at_column, :3].astype(np.float32)
    pixels *= 1.0 - np.minimum(cover + np.float32(rim), 1.0) * np.float32(RIM_STRENGTH)
    pixels += np.clip(cover, 0.0, 1.0) * (_COLOURS[track[line] % len(_COLOURS)] - pixels)
    pixels += np.float32(0.5)
    picture[at_row, at_column, :3] = pixels.astype(np.uint8)
