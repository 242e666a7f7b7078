"""Numbers in rows over time as colours: latents, cross-attention. Rows may carry labels, paths may lie over it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from widgets.colour_maps import lookup_table
from widgets.mel_viewport import Range
from widgets.theme import DARK, current_theme
from widgets.time_strip import TimeStrip

_ROWS_BESIDE = 3
"""Rows shown above and below those that a zoomed-in path passes."""
DIVERGING = "diverging"
_PLAN = "#ffffff"


class HeatStrip(TimeStrip):
    """Draws values `(rows, columns)`, row 0 at the bottom, each column at its own time.

    While the time axis shows a part, and `follow_rows` paths are there, it shows the rows that they pass there.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._values: NDArray[np.floating] | None = None
        self._starts: NDArray[np.float64] = np.zeros(0)
        self._column_s = 1.0
        self._levels: Range = (0.0, 1.0)
        self._map = "magma"
        self._labels: Sequence[str] = ()
        self._paths: list[tuple[str, NDArray[np.float64]]] = []
        self._gamma = 1.0

    # What is shown

    def set_map(
        self,
        values: NDArray[np.floating] | None,
        starts: NDArray[np.floating] | None = None,
        column_s: float = 1.0,
        levels: Range = (0.0, 1.0),
        colour_map: str = "magma",
        gamma: float = 1.0,
    ) -> None:
        """Show values `(rows, columns)` between levels; None shows the empty message.

        starts: `(columns,)` time in s at which each begins (default: one behind the other from 0).
        column_s: seconds a column lasts.
        colour_map: a name of `colour_maps`; DIVERGING is the diverging one that suits the theme.
        gamma: power of the place between the levels that becomes the place in the map; below 1 small ones show.
        """
        # Copied once in the order and type that every zoom needs.
        self._values = None if values is None else np.ascontiguousarray(values, np.float32)
        columns = 0 if values is None else values.shape[1]
        places = np.arange(columns) * column_s if starts is None else starts
        self._starts = np.asarray(places, np.float64)
        self._column_s, self._levels, self._map, self._gamma = column_s, levels, colour_map, gamma
        self._redraw()

    def set_labels(self, labels: Sequence[str]) -> None:
        """Name the rows, from row 0 on; as many are written as there is room for."""
        self._labels = labels
        self._redraw()

    def set_paths(self, paths: Sequence[tuple[str, NDArray[np.floating]]]) -> None:
        """Lines through the rows: (style, `(columns,)` row of each column, NaN or below 0 for none).

        style: "plan" is dotted in the colour of text, "own" a line in the accent colour.
        """
        self._paths = [(style, np.where(np.asarray(rows) < 0, np.nan, rows)) for style, rows in paths]
        self._redraw()

    def column_at(self, time: float) -> int | None:
        """The column that lies at a time in s; None where there is none."""
        index = int(np.searchsorted(self._starts, time, side="right")) - 1
        if index < 0 or time >= self._starts[index] + self._column_s:
            return None
        return index

    def visible_rows(self) -> tuple[int, int]:
        """The rows shown: first, and the one behind the last."""
        rows = 0 if self._values is None else len(self._values)
        if not self._labels or not self._paths or not len(self._starts):
            return 0, rows
        start, stop = self._range
        if start <= self._starts[0] and stop >= self._starts[-1]:
            return 0, rows
        seen = (self._starts + self._column_s > start) & (self._starts < stop)
        passed = np.concatenate([path[seen] for _, path in self._paths])
        passed = passed[np.isfinite(passed)]
        if not len(passed):
            return 0, rows
        return max(0, int(passed.min()) - _ROWS_BESIDE), min(rows, int(passed.max()) + 1 + _ROWS_BESIDE)

    # Painting

    def _draw(self, painter: QPainter, plot: QRectF) -> None:
        ratio = self.devicePixelRatio()
        first, behind = self.visible_rows()
        self._paint_labels(painter, plot, first, behind)
        painter.setClipRect(plot)
        if plot.width() >= 1 and plot.height() >= 1 and behind > first:
            image = self._image(int(plot.width() * ratio), int(plot.height() * ratio), first, behind)
            painter.drawImage(plot, image)
        self._paint_paths(painter, plot, first, behind)

    def _image(self, width: int, height: int, first: int, behind: int) -> QImage:
        """The visible part in pixels: cells that are smaller than a pixel are averaged, larger ones repeated."""
        assert self._values is not None
        start, stop = self._range
        times = start + (np.arange(width) + 0.5) / width * (stop - start)
        column = np.searchsorted(self._starts, times, side="right") - 1
        there = (column >= 0) & (times < self._starts[column] + self._column_s)
        picture = np.full((height, width), _rgb(current_theme().plot_background), np.uint32)
        if there.any():
            low, high = int(column[there].min()), int(column[there].max()) + 1
            values = _fewer(_fewer(self._values[first:behind, low:high], width, 1), height, 0)
            wanted = np.clip((column[there] - low) * values.shape[1] // (high - low), 0, values.shape[1] - 1)
            rows = (height - 1 - np.arange(height)) * len(values) // height
            bottom, top = self._levels
            scaled = np.clip(np.nan_to_num((values - bottom) / max(top - bottom, 1e-9)), 0.0, 1.0)
            table = lookup_table(self._map_name()).astype(np.uint32)
            colours = 0xFF000000 | table[:, 0] << 16 | table[:, 1] << 8 | table[:, 2]
            cells = colours[np.rint(scaled**self._gamma * 255).astype(np.uint8)]
            picture[:, there] = cells[rows][:, wanted]
        return QImage(picture.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()

    def _map_name(self) -> str:
        if self._map != DIVERGING:
            return self._map
        return "blue-black-red" if current_theme().is_dark else "blue-red"

    def _paint_labels(self, painter: QPainter, plot: QRectF, first: int, behind: int) -> None:
        if not self._labels:
            return
        painter.setPen(QColor(current_theme().text_muted))
        line = painter.fontMetrics().height()
        row_height = plot.height() / max(behind - first, 1)
        every = max(1, math.ceil(line * 0.95 / row_height))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row in range(first, min(behind, len(self._labels)), every):
            middle = plot.bottom() - (row - first + 0.5) * row_height
            painter.drawText(QRectF(0, middle - line / 2, plot.left() - 6, line), flags, self._labels[row])

    def _paint_paths(self, painter: QPainter, plot: QRectF, first: int, behind: int) -> None:
        row_height = plot.height() / max(behind - first, 1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for style, path in self._paths:
            is_plan = style == "plan"
            pen = QPen(QColor(_PLAN if is_plan else DARK.playhead), 1.2 if is_plan else 1.6)
            if is_plan:
                pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            for line in self._path_lines(path, plot, first, row_height):
                painter.drawPolyline(line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _path_lines(
        self, path: NDArray[np.float64], plot: QRectF, first: int, row_height: float
    ) -> list[QPolygonF]:
        """The visible part of a path as steps: flat over each column, at most one column a pixel."""
        start, stop = self._range
        low = max(0, int(np.searchsorted(self._starts, start - self._column_s)))
        high = int(np.searchsorted(self._starts, stop, side="right"))
        every = max(1, (high - low) // max(int(plot.width()), 1))
        begins, rows = self._starts[low:high:every], path[low:high:every]
        ends = np.minimum(begins + every * self._column_s, stop + self._column_s)
        scale = plot.width() / (stop - start)
        x = np.stack((begins, ends), axis=1) * scale + (plot.left() - start * scale)
        y = plot.bottom() - (rows - first + 0.5) * row_height
        gaps = np.flatnonzero(~np.isfinite(y))
        lines = []
        for part in np.split(np.arange(len(y)), gaps):
            kept = part[np.isfinite(y[part])]
            if len(kept):
                xs, ys = x[kept].ravel().tolist(), np.repeat(y[kept], 2).tolist()
                lines.append(QPolygonF(list(map(QPointF, xs, ys))))
        return lines

    def _is_filled(self) -> bool:
        return self._values is not None


def _fewer(values: NDArray[np.floating], pixels: int, axis: int) -> NDArray[np.floating]:
    """Averages of neighbours along an axis, so many that they fit into that many pixels."""
    together = -(-values.shape[axis] // max(pixels, 1))
    if together < 2:
        return values
    edges = np.arange(0, values.shape[axis], together)
    sums = np.add.reduceat(values, edges, axis=axis)
    counts = np.diff(np.append(edges, values.shape[axis])).astype(np.float32)
    return np.asarray(sums / (counts[:, None] if axis == 0 else counts))


def _rgb(colour: str) -> int:
    return int(QColor(colour).rgb())
