"""Numbers in rows over time as colours: latents, cross-attention. Rows may carry labels, paths may lie over it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from widgets.colour_maps import lookup_table
from widgets.mel_viewport import Range
from widgets.theme import DARK, current_theme, interface_font
from widgets.time_strip import TimeStrip

_ROWS_BESIDE = 3
"""Rows shown above and below those that a zoomed-in path passes."""
DIVERGING = "diverging"
_PLAN = "#ffffff"
_GAP = 1.5
"""Columns this many times their width apart have a pause between them."""


class HeatStrip(TimeStrip):
    """Draws values `(rows, columns)`, row 0 at the bottom, each column at its own time.

    While the time axis shows a part, and `follow_rows` paths are there, it shows the rows that they pass there.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._values: NDArray[np.float32] | None = None
        self._starts: NDArray[np.float64] = np.zeros(0)
        self._column_s = 1.0
        self._levels: Range = (0.0, 1.0)
        self._map = "magma"
        self._labels: Sequence[str] = ()
        self._paths: list[tuple[str, NDArray[np.float64]]] = []
        self._empty = ""
        self._images: list[tuple[float, float, QImage]] | None = None

    # What is shown

    def set_map(
        self,
        values: NDArray[np.floating] | None,
        starts: NDArray[np.floating] | None = None,
        column_s: float = 1.0,
        levels: Range = (0.0, 1.0),
        colour_map: str = "magma",
    ) -> None:
        """Show values `(rows, columns)` between levels; None shows the empty message.

        starts: `(columns,)` time in s at which each begins (default: one behind the other from 0).
        column_s: seconds a column lasts.
        colour_map: a name of `colour_maps`; DIVERGING is the diverging one that suits the theme.
        """
        self._values = None if values is None else np.asarray(values, np.float32)
        columns = 0 if values is None else values.shape[1]
        places = np.arange(columns) * column_s if starts is None else starts
        self._starts = np.asarray(places, np.float64)
        self._column_s, self._levels, self._map = column_s, levels, colour_map
        self._images = None
        self.update()

    def set_labels(self, labels: Sequence[str]) -> None:
        """Name the rows, from row 0 on; as many are written as there is room for."""
        self._labels = labels
        self.update()

    def set_paths(self, paths: Sequence[tuple[str, NDArray[np.floating]]]) -> None:
        """Lines through the rows: (style, `(columns,)` row of each column, NaN or below 0 for none).

        style: "plan" is dotted in the colour of text, "own" a line in the accent colour.
        """
        self._paths = [(style, np.where(np.asarray(rows) < 0, np.nan, rows)) for style, rows in paths]
        self.update()

    def set_empty_message(self, text: str) -> None:
        """What is said while there is nothing to draw."""
        self._empty = text
        self.update()

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

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        plot = self._plot()
        painter.fillRect(self.rect(), QColor(theme.surface))
        painter.fillRect(plot, QColor(theme.plot_background))
        painter.setFont(interface_font(theme, theme.font_size_small))
        if self._values is None:
            painter.setPen(QColor(theme.text_muted))
            box = plot.adjusted(8, 0, -8, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)
            self._paint_title(painter, plot)
            painter.end()
            return
        first, behind = self.visible_rows()
        self._paint_labels(painter, plot, first, behind)
        painter.setClipRect(plot)
        self._paint_images(painter, plot, first, behind)
        self._paint_paths(painter, plot, first, behind)
        self._paint_lines(painter, plot)
        self._paint_title(painter, plot)
        painter.end()

    def _paint_images(self, painter: QPainter, plot: QRectF, first: int, behind: int) -> None:
        assert self._values is not None
        rows = len(self._values)
        for start, stop, image in self._drawn():
            left, right = self.x_of(start), self.x_of(stop)
            if right < plot.left() or left > plot.right():
                continue
            # Fewer pixels than columns: average them, or single columns would vanish.
            smooth = right - left < image.width() or plot.height() < behind - first
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            source = QRectF(0, rows - behind, image.width(), behind - first)
            painter.drawImage(QRectF(left, plot.top(), right - left, plot.height()), image, source)

    def _drawn(self) -> list[tuple[float, float, QImage]]:
        """(start, stop, picture) of each stretch of columns without a pause."""
        if self._images is not None or self._values is None:
            return self._images or []
        low, high = self._levels
        table = lookup_table(self._map_name())
        scaled = np.nan_to_num((self._values - low) / max(high - low, 1e-9))
        indices = np.rint(np.clip(scaled, 0.0, 1.0) * 255).astype(np.uint8)
        breaks = np.flatnonzero(np.diff(self._starts) > _GAP * self._column_s) + 1
        self._images = []
        for columns in np.split(np.arange(len(self._starts)), breaks):
            if not len(columns):
                continue
            picture = np.ascontiguousarray(table[indices[::-1, columns]])
            height, width = picture.shape[:2]
            image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
            start = float(self._starts[columns[0]])
            self._images.append((start, float(self._starts[columns[-1]]) + self._column_s, image))
        return self._images

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
            points: list[QPointF] = []
            for start, row in zip(self._starts, path, strict=False):
                if not math.isfinite(row):
                    painter.drawPolyline(QPolygonF(points))
                    points = []
                    continue
                y = plot.bottom() - (row - first + 0.5) * row_height
                points += [
                    QPointF(self.x_of(float(start)), y),
                    QPointF(self.x_of(float(start) + self._column_s), y),
                ]
            painter.drawPolyline(QPolygonF(points))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def changeEvent(self, event: QEvent) -> None:
        """Draw anew in the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_images"):
            self._images = None
            self.update()

    def _is_filled(self) -> bool:
        return self._values is not None
