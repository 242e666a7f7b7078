"""The axes beside the mels: frequency in Hz at the left, time in s below. One of each serves many panes."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.frequency_scale import FrequencyScale, FrequencyTick, MelScale, format_hz_readout
from widgets.mel_viewport import Range
from widgets.theme import DARK, Theme, interface_font, mix, translucent
from widgets.time_scale import format_time_readout, time_ticks

FREQUENCY_AXIS_WIDTH = 56
"""Fixed, so that panes stay aligned whatever their labels are (logical pixels)."""
TIME_AXIS_HEIGHT = 24
_TICK = 4
_PIXELS_PER_TIME_LABEL = 76
_LABEL_GAP = 1.35
"""Distance between frequency labels, in line heights."""


class _Axis(QWidget):
    """What both axes share: the theme and the chip that shows the value under the pointer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme = DARK
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.setFont(interface_font(theme, theme.font_size_small))
        self.updateGeometry()
        self.update()

    def _begin(self) -> tuple[QPainter, QFontMetricsF]:
        painter = QPainter(self)
        painter.setFont(interface_font(self._theme, self._theme.font_size_small))
        painter.setPen(QColor(self._theme.text_muted))
        return painter, QFontMetricsF(painter.font())

    def _tick_colour(self) -> QColor:
        return QColor(mix(self._theme.border, self._theme.text_muted, 0.4))

    def _paint_chip(self, painter: QPainter, box: QRectF, text: str) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(mix(self._theme.border, self._theme.text, 0.3)))
        painter.setBrush(QColor(self._theme.surface_raised))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setPen(QColor(self._theme.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


class FrequencyAxis(_Axis):
    """Hz labels for the rows of a mel, spaced as the bands are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale: FrequencyScale = MelScale()
        self._range: Range = (0.0, float(self._scale.n_bands))
        self._pointer: float | None = None
        self._rows: list[FrequencyAxis] = []
        self._cached_ticks: tuple[tuple, list[FrequencyTick]] | None = None
        self.setFixedWidth(FREQUENCY_AXIS_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self.setAccessibleName("Frequency axis in Hz")

    def set_scale(self, scale: FrequencyScale) -> None:
        self._scale = scale
        self._cached_ticks = None
        self.update()

    def set_view(self, low: float, high: float) -> None:
        """Show the band edges ``low`` to ``high``."""
        if (low, high) != self._range:
            self._range = (low, high)
            self.update()

    def set_pointer(self, edge: float | None) -> None:
        """Show the frequency at a band edge position, or nothing."""
        if edge != self._pointer:
            self._pointer = edge
            self.update()

    def set_rows(self, axes: list[FrequencyAxis]) -> None:
        """The axes of all rows: each draws what fits into the lowest of them, for they may differ by a pixel."""
        self._rows = axes

    def tick_labels(self) -> list[str]:
        """The labels as they are drawn, lowest first."""
        return [tick.label for tick in self._ticks(QFontMetricsF(self.font()).height())]

    def _ticks(self, line_height: float) -> list[FrequencyTick]:
        height = min((axis.height() for axis in self._rows), default=self.height())
        key = (self._range, height, line_height)
        if self._cached_ticks is None or self._cached_ticks[0] != key:
            low, high = self._range
            min_gap = line_height * _LABEL_GAP * (high - low) / max(height, 1)
            self._cached_ticks = key, self._scale.ticks(low, high, min_gap)
        return self._cached_ticks[1]

    def _y_of(self, edge: float) -> float:
        low, high = self._range
        return (high - edge) / (high - low) * self.height()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, metrics = self._begin()
        line = metrics.height()
        chip_y = None if self._pointer is None else self._y_of(self._pointer)
        tick_colour = self._tick_colour()
        for tick in self._ticks(line):
            y = self._y_of(self._scale.hz_to_edge(tick.hz))
            if not 0 <= y < self.height():
                continue
            painter.fillRect(QRectF(self.width() - _TICK, math.floor(y), _TICK, 1), tick_colour)
            if chip_y is not None and abs(y - chip_y) < line + 2:
                continue
            # A label at the very edge is moved in rather than cut off.
            top = min(max(y - line / 2, 0.0), self.height() - line)
            box = QRectF(0, top, self.width() - _TICK - 5, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, tick.label)
        if self._pointer is not None:
            text = format_hz_readout(self._scale.edge_to_hz(self._pointer))
            width = min(metrics.horizontalAdvance(text) + 8, self.width() - 1.0)
            top = min(max(self._y_of(self._pointer) - line / 2 - 1, 0.0), self.height() - line - 2)
            self._paint_chip(painter, QRectF(self.width() - 1 - width, top, width, line + 2), text)
        painter.end()


class TimeAxis(_Axis):
    """Time labels in s, with the playhead, the selection and the time under the pointer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range: Range = (0.0, 1.0)
        self._playhead: float | None = None
        self._selection: Range | None = None
        self._pointer: float | None = None
        self.setFixedHeight(TIME_AXIS_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Time axis in seconds")

    def set_view(self, start: float, stop: float) -> None:
        """Show the times ``start`` to ``stop`` in s."""
        if (start, stop) != self._range:
            self._range = (start, stop)
            self.update()

    def set_playhead(self, time: float | None) -> None:
        if time != self._playhead:
            self._playhead = time
            self.update()

    def set_selection(self, selection: Range | None) -> None:
        if selection != self._selection:
            self._selection = selection
            self.update()

    def set_pointer(self, time: float | None) -> None:
        if time != self._pointer:
            self._pointer = time
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, TIME_AXIS_HEIGHT)

    def _x_of(self, time: float) -> float:
        start, stop = self._range
        return (time - start) / (stop - start) * self.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, metrics = self._begin()
        if self._selection is not None:
            left, right = (self._x_of(time) for time in self._selection)
            painter.fillRect(QRectF(left, 0, right - left, _TICK), translucent(self._theme.selection, 1.0))
        self._paint_ticks(painter, metrics)
        chip = self._chip_box(metrics)
        if chip is not None and self._pointer is not None:
            self._paint_chip(painter, chip, format_time_readout(self._pointer))
        if self._playhead is not None:
            x = self._x_of(self._playhead)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.playhead))
            painter.drawPolygon(QPolygonF([QPointF(x - 4, 7.5), QPointF(x + 6, 7.5), QPointF(x + 1, 0.0)]))
        painter.end()

    def _paint_ticks(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        ticks = time_ticks(*self._range, max_labels=max(1, self.width() // _PIXELS_PER_TIME_LABEL))
        tick_colour = self._tick_colour()
        for time in ticks.minor:
            painter.fillRect(QRectF(math.floor(self._x_of(time)), 0, 1, 2), tick_colour)
        chip = self._chip_box(metrics)
        for time, label in ticks.major:
            x = self._x_of(time)
            painter.fillRect(QRectF(math.floor(x), 0, 1, _TICK + 1), tick_colour)
            width = metrics.horizontalAdvance(label)
            left = min(max(x - width / 2, 0.0), self.width() - width)
            if chip is None or left + width < chip.left() - 3 or left > chip.right() + 3:
                painter.drawText(QPointF(left, _TICK + 3 + metrics.ascent()), label)

    def _chip_box(self, metrics: QFontMetricsF) -> QRectF | None:
        """Where the time under the pointer is shown."""
        if self._pointer is None:
            return None
        width = metrics.horizontalAdvance(format_time_readout(self._pointer)) + 10
        left = min(max(self._x_of(self._pointer) - width / 2, 0.0), self.width() - width)
        return QRectF(left, _TICK + 1, width, metrics.height() + 2)
