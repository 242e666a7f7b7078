"""Two mels in one picture: their signed difference, one wiped over the other, or both in turn (blink)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHideEvent, QMouseEvent, QPainter, QShowEvent
from PySide6.QtWidgets import QWidget

from widgets.colour_maps import lookup_table
from widgets.mel_backing import MelBacking, frame_position
from widgets.mel_canvas import MelCanvas
from widgets.mel_image import MelPyramid
from widgets.theme import Theme, interface_font, mix, translucent

MODES = ("difference", "wipe", "blink")
BLINK_MS = 700
_REACH = 6.0
_GRIP = 9.0
_LEGEND = 72
"""Width (px) of the colours in the legend of a difference."""
_SHORTEST_TITLE = 34.0


def difference_map(theme: Theme) -> str:
    """The diverging map of a theme: its neutral middle is as dark, or as light, as what lies around."""
    return "blue-black-red" if theme.is_dark else "blue-red"


class PairCanvas(MelCanvas):
    """Shows two mels of one time axis in one of three ways.

    "difference": the first minus the second in dB, a diverging map with 0 in its neutral middle. "wipe": the
    first left of a divider that can be dragged, the second right of it. "blink": one of both, changed by a timer
    or by `flip`. The divider and the turn of a blink are the widget's own, as a crosshair is.
    """

    flipped = Signal(bool)
    """Blink shows the second mel (True) or the first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = MODES[0]
        self._titles = ("", "")
        self._share = 0.5
        self._is_flipped = False
        self._is_timed = False
        self._is_wiping = False
        self._difference_range = 20.0
        self._difference_map = difference_map(self._theme)
        self._shared_levels = self._levels
        self._shared_map = self._map_name
        self._pair: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None
        self._pair_rate = 1.0
        self._second = MelPyramid()
        self._second_backing = MelBacking()
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK_MS)
        self._timer.timeout.connect(self.flip)
        self._look()

    # What is shown

    def set_pair(
        self,
        first: NDArray[np.floating] | None,
        second: NDArray[np.floating] | None,
        frame_rate: float,
        titles: tuple[str, str] = ("", ""),
    ) -> None:
        """Show two mels `(n_mels, frames)` in dB of the same shape, or nothing."""
        self._pair = None if first is None or second is None else (first, second)
        self._titles, self._pair_rate = titles, frame_rate
        self._show_pair()

    def set_mode(self, mode: str) -> None:
        """One of `MODES`. Raises ValueError for any other word."""
        if mode not in MODES:
            raise ValueError(f"a pair is shown as {', '.join(MODES)}, not as {mode!r}")
        if mode != self._mode:
            self._mode = mode
            self._look()
            self._show_pair()
            self._run_timer()

    @property
    def mode(self) -> str:
        return self._mode

    def set_difference_range(self, decibels: float) -> None:
        """The levels of a difference reach from minus this to plus this many dB."""
        self._difference_range = max(decibels, 1.0)
        self._look()

    def set_timed(self, timed: bool) -> None:
        """Whether a blink changes by itself."""
        self._is_timed = timed
        self._run_timer()

    def flip(self) -> None:
        """Blink: show the other mel."""
        self._is_flipped = not self._is_flipped
        self.update()
        self.flipped.emit(self._is_flipped)

    @property
    def shows_second(self) -> bool:
        """Whether a blink shows the second mel right now."""
        return self._is_flipped

    @property
    def wipe_share(self) -> float:
        """Where the divider stands: 0 the left edge, 1 the right one."""
        return self._share

    def set_wipe_share(self, share: float) -> None:
        """Move the divider."""
        self._share = min(max(share, 0.0), 1.0)
        self.update()

    def set_levels(self, low: float, high: float) -> None:
        self._shared_levels = (low, high)
        self._look()

    def set_colour_map(self, name: str) -> None:
        self._shared_map = name
        self._look()

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self._difference_map = difference_map(theme)
        self._look()

    def level_at(self, time: float, edge: float) -> float:
        """Level in dB of the mel that is seen at that place; in a difference, the difference."""
        if self._mode == "wipe" and self._viewport.x_of(time) >= self._share * self.width():
            return self._second.value(math.floor(frame_position(time, self._frame_rate)), math.floor(edge))
        if self._mode == "blink" and self._is_flipped:
            return self._second.value(math.floor(frame_position(time, self._frame_rate)), math.floor(edge))
        return super().level_at(time, edge)

    # Inside

    def _look(self) -> None:
        """Levels and colours of the mode: those of all panes, or the diverging ones of a difference."""
        if self._mode == "difference":
            levels, name = (-self._difference_range, self._difference_range), self._difference_map
        else:
            levels, name = self._shared_levels, self._shared_map
        super().set_levels(*levels)
        super().set_colour_map(name)
        self._second_backing.set_levels(levels)
        self._second_backing.set_colours(name, self._theme.plot_background)
        self.update()

    def _show_pair(self) -> None:
        first = second = None
        if self._pair is not None:
            first, second = self._pair
            if self._mode == "difference":
                first = first - second
        self.set_mel(first, self._pair_rate)
        if second is not None and self._mode != "difference":
            self._second.update(second)
            self._second_backing.invalidate()
        self.update()

    def _run_timer(self) -> None:
        if self._mode == "blink" and self._is_timed and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._run_timer()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    # Painting

    def _paint_picture(self, painter: QPainter) -> None:
        if self._mode != "blink" or not self._is_flipped:
            super()._paint_picture(painter)
        if self._mode == "difference":
            self._paint_legend(painter)
            return
        ratio = self.devicePixelRatioF()
        if self._mode == "wipe":
            x = self._device_aligned(self._share * self.width())
            painter.save()
            painter.setClipRect(QRectF(x, 0, self.width() - x, self.height()), Qt.ClipOperation.IntersectClip)
        if self._mode == "wipe" or self._is_flipped:
            picture = self._second_backing.pixmap(self._second, self._frame_rate, self._viewport, ratio)
            painter.drawPixmap(0, 0, picture)
        if self._mode == "wipe":
            painter.restore()
            self._paint_divider(painter)
        else:
            self._paint_chip(painter, self._titles[int(self._is_flipped)], 8.0, self.width() - 8.0)

    def _paint_divider(self, painter: QPainter) -> None:
        x, middle = self._device_aligned(self._share * self.width()), self.height() / 2
        painter.fillRect(QRectF(x - 2, 0, 4, self.height()), translucent("#000000", 0.55))
        painter.fillRect(QRectF(x - 1, 0, 2, self.height()), QColor("#ffffff"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor("#000000"))
        painter.setBrush(QColor("#ffffff"))
        painter.drawEllipse(QRectF(x - _GRIP / 2, middle - _GRIP, _GRIP, 2 * _GRIP))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_chip(painter, self._titles[0], 2.0, x - 8, at_right=True)
        self._paint_chip(painter, self._titles[1], x + 8, self.width() - 2.0)

    def _paint_legend(self, painter: QPainter) -> None:
        """The colours from minus to plus, at the right."""
        font = interface_font(self._theme, self._theme.font_size_small)
        metrics = QFontMetricsF(font)
        low, high = (f"{sign}{self._difference_range:.0f}" for sign in ("\u2212", "+"))
        widths = [metrics.horizontalAdvance(text) for text in (low, f"{high} dB")]
        height = metrics.height() + 4
        box = QRectF(self.width() - _LEGEND - sum(widths) - 24, 5, _LEGEND + sum(widths) + 18, height)
        painter.setFont(font)
        painter.fillRect(box, translucent(self._theme.surface, 0.82))
        painter.setPen(QColor(self._theme.text))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box.adjusted(4, 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, low)
        painter.drawText(box.adjusted(0, 0, -4, 0), middle | Qt.AlignmentFlag.AlignRight, f"{high} dB")
        left = box.left() + widths[0] + 9
        for step, (red, green, blue) in enumerate(lookup_table(self._difference_map, _LEGEND).tolist()):
            painter.fillRect(QRectF(left + step, box.top() + 4, 1, height - 8), QColor(red, green, blue))

    def _paint_chip(
        self, painter: QPainter, text: str, left: float, right: float, at_right: bool = False
    ) -> None:
        """A title between two places, cut short where there is too little room, left out where there is none."""
        font = interface_font(self._theme, self._theme.font_size_small)
        metrics = QFontMetricsF(font)
        if not text or right - left < _SHORTEST_TITLE:
            return
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, right - left - 10)
        width = metrics.horizontalAdvance(text) + 10
        box = QRectF(right - width if at_right else left, 6, width, metrics.height() + 4)
        painter.setFont(font)
        painter.fillRect(box, translucent(mix(self._theme.surface, "#000000", 0.15), 0.82))
        painter.setPen(QColor(self._theme.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    # The divider

    def _is_near_divider(self, x: float) -> bool:
        return self._mode == "wipe" and self.has_mel and abs(x - self._share * self.width()) <= _REACH

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._is_near_divider(event.position().x()):
            self._is_wiping = True
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._is_wiping:
            self.set_wipe_share(event.position().x() / max(self.width(), 1))
            return
        super().mouseMoveEvent(event)
        if self._is_near_divider(event.position().x()):
            self.setCursor(Qt.CursorShape.SplitHCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._is_wiping:
            self._is_wiping = False
            return
        super().mouseReleaseEvent(event)
