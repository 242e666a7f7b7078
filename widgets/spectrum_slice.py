"""One moment of all mels as spectra in one plot: dB against Hz on the mel scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.frequency_scale import FrequencyScale, MelScale, format_hz_readout
from widgets.mel_viewport import Range
from widgets.pane_colours import pane_colour
from widgets.theme import Theme, current_theme, interface_font, mix, translucent
from widgets.time_scale import format_time_readout

_LEFT, _RIGHT, _PAD = 40, 12, 12
_LINE = 18
_SAME_TIME = 0.0015


@dataclass(frozen=True)
class _Curve:
    title: str
    mel_db: NDArray[np.floating] | None
    frame_rate: float


class SpectrumSlice(QWidget):
    """Overlays the spectrum of every mel at one time. Follows a playhead at frame rate: it paints 100 points
    a curve.
    """

    moment_changed = Signal()
    """Another moment is shown; see `time_of`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._formants: dict[str, list[float]] = {}
        self._scale: FrequencyScale = MelScale()
        self._curves: dict[str, _Curve] = {}
        self._levels: Range = (-80.0, 0.0)
        self._time: float | None = None
        self._times: dict[str, float] = {}
        self._source = ""
        self._pointer: QPointF | None = None
        self._hz: float | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(160)
        self.setAccessibleName("Spectrum of all panes at one moment")

    # What is shown

    def set_panes(self, panes: Sequence[tuple[str, str]]) -> None:
        """The panes as (key, title), in the order of their colours; they come up empty."""
        self._curves = {key: _Curve(title, None, 1.0) for key, title in panes}
        self.update()

    def set_mel(self, key: str, mel_db: NDArray[np.floating] | None, frame_rate: float) -> None:
        """The mel `(n_mels, frames)` in dB of a pane; None when it has none. Raises KeyError."""
        self._curves[key] = _Curve(self._curves[key].title, mel_db, frame_rate)
        self.update()

    def set_frequency_scale(self, scale: FrequencyScale) -> None:
        """The scale of all mels."""
        self._scale = scale
        self.update()

    def set_levels(self, low_db: float, high_db: float) -> None:
        """The ends of the level axis in dB: those of the colour scale."""
        if high_db > low_db:
            self._levels = (low_db, high_db)
            self.update()

    def set_time(
        self, time: float | None, source: str = "", times: Mapping[str, float] | None = None
    ) -> None:
        """The moment in s, and where it comes from ("playhead", "crosshair"); None shows what to do.

        times: the moment in panes of another timing, by key; it stands behind their titles.
        """
        if (time, source, times or {}) != (self._time, self._source, self._times):
            self._time, self._source, self._times = time, source, dict(times or {})
            self.update()
            self.moment_changed.emit()

    def set_formants(self, key: str, hertz: list[float]) -> None:
        """Mark the formants of a pane at this moment, in Hz, on its curve."""
        if hertz != self._formants.get(key, []):
            self._formants[key] = hertz
            self.update()

    def time_of(self, key: str) -> float | None:
        """The moment shown of a pane, in s of its own."""
        return self._times.get(key, self._time)

    def set_frequency(self, hz: float | None) -> None:
        """Mark a frequency (the crosshair in the mels); None: none."""
        if hz != self._hz:
            self._hz = hz
            self.update()

    def spectrum(self, key: str) -> NDArray[np.floating] | None:
        """Levels `(n_mels,)` in dB of a pane at the moment shown; None where it has none."""
        curve = self._curves[key]
        time = self.time_of(key)
        if curve.mel_db is None or time is None:
            return None
        frame = round(time * curve.frame_rate)
        if not 0 <= frame < curve.mel_db.shape[1] or curve.mel_db.shape[0] != self._scale.n_bands:
            return None
        return curve.mel_db[:, frame]

    def sizeHint(self) -> QSize:
        return QSize(260, 320)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.surface))
        painter.setFont(interface_font(theme, theme.font_size_small))
        plot = self._plot()
        painter.fillRect(plot, QColor(theme.plot_background))
        shown = [(place, key) for place, key in enumerate(self._curves) if self.spectrum(key) is not None]
        hz = self._marked_hz(plot)
        self._paint_legend(painter, theme, hz)
        if not shown:
            painter.setPen(QColor(theme.text_muted))
            box = plot.adjusted(12, 0, -12, 0)
            text = "Click into a mel, play, or point at a place to see its spectrum."
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
        self._paint_grid(painter, theme, plot)
        painter.setClipRect(plot)
        if hz is not None:
            painter.fillRect(
                QRectF(self._x_of(hz, plot), plot.top(), 1, plot.height()), QColor(theme.crosshair)
            )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, key in reversed(shown):  # the ground truth lies on top
            self._paint_curve(painter, plot, key, pane_colour(place, theme))
        painter.end()

    def _paint_legend(self, painter: QPainter, theme: Theme, hz: float | None) -> None:
        time = "No moment chosen" if self._time is None else format_time_readout(self._time)
        title = time if not self._source or self._time is None else f"{time} · {self._source}"
        painter.setPen(QColor(theme.text))
        row = QRectF(_PAD, 8, self.width() - 2 * _PAD, _LINE)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(row, left, title)
        if hz is not None:
            painter.drawText(row, right, format_hz_readout(hz))
        for place, (key, curve) in enumerate(self._curves.items()):
            row.translate(0, _LINE)
            levels = self.spectrum(key)
            colour = pane_colour(place, theme)
            painter.fillRect(QRectF(_PAD, row.center().y() - 1, 14, 2.5), QColor(colour))
            painter.setPen(QColor(theme.text if levels is not None else theme.text_muted))
            own = self._times.get(key, self._time)
            elsewhere = own is not None and self._time is not None and abs(own - self._time) > _SAME_TIME
            title = f"{curve.title} · at {format_time_readout(own)}" if elsewhere and own else curve.title
            painter.drawText(row.adjusted(22, 0, 0, 0), left, title)
            painter.setPen(QColor(theme.text_muted))
            if levels is None:
                painter.drawText(row, right, "\u2013")
            elif hz is not None:
                painter.drawText(row, right, f"{self._level(levels, hz):.1f} dB".replace("-", "\u2212"))

    def _paint_grid(self, painter: QPainter, theme: Theme, plot: QRectF) -> None:
        metrics = QFontMetricsF(painter.font())
        line = QColor(mix(theme.plot_background, theme.text_muted, 0.16))
        low, high = self._levels
        step = 10.0 if plot.height() / (high - low) * 10 > 1.6 * metrics.height() else 20.0
        painter.setPen(QColor(theme.text_muted))
        level = step * np.ceil(low / step)
        while level <= high:
            y = self._y_of(level, plot)
            painter.fillRect(QRectF(plot.left(), round(y), plot.width(), 1), line)
            box = QRectF(0, y - metrics.height() / 2, plot.left() - 6, metrics.height())
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, right, f"{level:.0f}".replace("-", "\u2212"))
            level += step
        bands = float(self._scale.n_bands)
        gap = bands * (metrics.horizontalAdvance("500") + 10) / max(plot.width(), 1.0)
        for tick in self._scale.ticks(0.0, bands, gap):
            x = self._x_of(tick.hz, plot)
            painter.fillRect(QRectF(round(x), plot.top(), 1, plot.height()), line)
            width = metrics.horizontalAdvance(tick.label)
            start = min(max(x - width / 2, 0.0), self.width() - width)
            painter.drawText(QPointF(start, plot.bottom() + 4 + metrics.ascent()), tick.label)
        painter.drawText(plot.adjusted(0, 3, -5, 0), Qt.AlignmentFlag.AlignRight, "dB against Hz")

    def _paint_curve(self, painter: QPainter, plot: QRectF, key: str, colour: str) -> None:
        levels = self.spectrum(key)
        assert levels is not None
        bands = len(levels)
        places = plot.left() + (np.arange(bands) + 0.5) / bands * plot.width()
        low, high = self._levels
        heights = plot.top() + (high - np.clip(levels, low - 20, high + 20)) / (high - low) * plot.height()
        points = [QPointF(x, y) for x, y in zip(places.tolist(), heights.tolist(), strict=True)]
        painter.setPen(QPen(translucent(colour, 0.95), 1.5))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(QPen(QColor(current_theme().plot_background), 1))
        painter.setBrush(QColor(colour))
        for hz in self._formants.get(key, []):
            place = QPointF(self._x_of(hz, plot), self._y_of(self._level(levels, hz), plot))
            painter.drawEllipse(place, 3.5, 3.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _plot(self) -> QRectF:
        top = 8 + _LINE * (len(self._curves) + 1) + 8
        bottom = _LINE + 8
        return QRectF(_LEFT, top, max(self.width() - _LEFT - _RIGHT, 1), max(self.height() - top - bottom, 1))

    def _x_of(self, hz: float, plot: QRectF) -> float:
        return plot.left() + self._scale.hz_to_edge(hz) / self._scale.n_bands * plot.width()

    def _y_of(self, level: float, plot: QRectF) -> float:
        low, high = self._levels
        return plot.top() + (high - level) / (high - low) * plot.height()

    def _level(self, levels: NDArray[np.floating], hz: float) -> float:
        band = int(min(max(self._scale.hz_to_edge(hz), 0.0), len(levels) - 1.0))
        return float(levels[band])

    # The pointer reads the levels of all curves at one frequency

    def _marked_hz(self, plot: QRectF) -> float | None:
        if self._pointer is not None and plot.contains(self._pointer):
            share = (self._pointer.x() - plot.left()) / plot.width()
            return self._scale.edge_to_hz(share * self._scale.n_bands)
        return self._hz

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._pointer = None
        self.update()
