"""The drawn picture of a mel at device resolution, kept from one frame to the next.

While only time moves, the picture is scrolled by whole device pixels and just the columns that come into view
are drawn. For that its left edge lies on a fixed grid of device pixels, never more than half a pixel away from
the time asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from widgets.colour_maps import DEFAULT_COLOUR_MAP, lookup_table
from widgets.mel_image import TOP_INDEX, ImageRequest, MelPyramid, render
from widgets.mel_viewport import Range, Viewport
from widgets.track_overlay import TrackWindow, draw_tracks


@dataclass(frozen=True)
class _Place:
    """Which part of the mel the picture shows, but for its first column."""

    low: float
    high: float
    width: int
    height: int
    ratio: float


class MelBacking:
    """Draws the visible part of a :class:`~widgets.mel_image.MelPyramid` into a pixmap, as little as it can."""

    def __init__(self) -> None:
        self._pixmap: QPixmap | None = None
        self._place: _Place | None = None
        self._seconds_per_column = 1.0
        self._first_column = 0
        self._levels: Range = (-80.0, 0.0)
        self._palette = palette(DEFAULT_COLOUR_MAP, "#000000")
        self._tracks: NDArray[np.floating] | None = None

    def invalidate(self) -> None:
        """The mel has changed: draw all of it when it is asked for next."""
        self._pixmap = None

    def set_levels(self, levels: Range) -> None:
        """The levels in dB at the ends of the palette."""
        self._levels = levels
        self.invalidate()

    def set_colours(self, map_name: str, nothing: str) -> None:
        """The colour map, and the colour ``"#rrggbb"`` where there is no mel."""
        self._palette = palette(map_name, nothing)
        self.invalidate()

    def set_tracks(self, tracks: NDArray[np.floating] | None) -> None:
        """Lines `(k, frames)` at band edge positions to be drawn over the mel; NaN where there is none."""
        self._tracks = tracks
        self.invalidate()

    def pixmap(self, pyramid: MelPyramid, frame_rate: float, view: Viewport, ratio: float) -> QPixmap:
        """The picture of ``view`` for a screen of ``ratio`` device pixels to a logical one."""
        place = _Place(
            view.low, view.high, max(1, round(view.width * ratio)), max(1, round(view.height * ratio)), ratio
        )
        seconds = (view.stop - view.start) / place.width
        kept = self._pixmap
        if (
            kept is None
            or place != self._place
            or not math.isclose(seconds, self._seconds_per_column, rel_tol=1e-9)
        ):
            self._place, self._seconds_per_column = place, seconds
            self._first_column = round(view.start / seconds)
            self._pixmap = self._drawn(pyramid, frame_rate, 0, place.width)
            self._pixmap.setDevicePixelRatio(ratio)
            return self._pixmap
        self._scroll_to(kept, pyramid, frame_rate, round(view.start / self._seconds_per_column))
        return kept

    def _scroll_to(self, kept: QPixmap, pyramid: MelPyramid, frame_rate: float, first_column: int) -> None:
        assert self._place is not None
        width = self._place.width
        shift = self._first_column - first_column
        if shift == 0:
            return
        self._first_column = first_column
        begin, end = (0, min(shift, width)) if shift > 0 else (max(width + shift, 0), width)
        fresh = self._drawn(pyramid, frame_rate, begin, end)
        kept.setDevicePixelRatio(1.0)
        if abs(shift) < width:
            kept.scroll(shift, 0, QRect(0, 0, width, self._place.height))
        painter = QPainter(kept)
        painter.drawPixmap(QPoint(begin, 0), fresh)
        painter.end()
        kept.setDevicePixelRatio(self._place.ratio)

    def _drawn(self, pyramid: MelPyramid, frame_rate: float, begin: int, end: int) -> QPixmap:
        """The columns from ``begin`` to ``end`` of the picture, drawn anew."""
        assert self._place is not None
        indices = render(
            pyramid,
            ImageRequest(
                left=self._frame_at(begin, frame_rate),
                right=self._frame_at(end, frame_rate),
                low=self._place.low,
                high=self._place.high,
                width=end - begin,
                height=self._place.height,
                bottom=self._levels[0],
                top=self._levels[1],
            ),
        )
        height, width = indices.shape
        image = QImage(indices.data, width, height, width, QImage.Format.Format_Indexed8)
        image.setColorTable(self._palette)
        image = image.convertToFormat(QImage.Format.Format_RGB32)
        if self._tracks is not None:
            picture = np.frombuffer(image.bits(), np.uint8).reshape(height, image.bytesPerLine() // 4, 4)
            left, right = (self._frame_at(column, frame_rate) for column in (begin, end))
            window = TrackWindow(left, right, self._place.low, self._place.high, self._place.ratio)
            draw_tracks(picture[:, :width], self._tracks, window)
        return QPixmap.fromImage(image)

    def _frame_at(self, column: int, frame_rate: float) -> float:
        return frame_position((self._first_column + column) * self._seconds_per_column, frame_rate)


def frame_position(time: float, frame_rate: float) -> float:
    """Where a time in s lies on the frames: frame ``i`` reaches from ``i`` to ``i + 1``.

    Frame ``i`` of a centred STFT is centred on ``i / frame_rate``, so it begins half a frame before that.
    """
    return time * frame_rate + 0.5


def palette(map_name: str, nothing: str) -> list[int]:
    """The 256 colours of a picture as Qt's 0xAARRGGBB: 255 from the map, then that of "nothing there"."""
    table = lookup_table(map_name, TOP_INDEX + 1).astype(np.uint32)
    colours = (0xFF << 24) | (table[:, 0] << 16) | (table[:, 1] << 8) | table[:, 2]
    return [*(int(colour) for colour in colours), QColor(nothing).rgb()]
