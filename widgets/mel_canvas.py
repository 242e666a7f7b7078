"""The picture of one mel with its playhead, selection and crosshair.

The mel lies ready as a pixmap at device resolution (:mod:`widgets.mel_backing`). Lines that move are painted
over strips of it, so a playhead costs two narrow blits a frame.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.colour_maps import DEFAULT_COLOUR_MAP
from widgets.mel_backing import MelBacking, frame_position
from widgets.mel_gestures import GestureContext, MelGestures
from widgets.mel_image import MelPyramid
from widgets.mel_viewport import Range, Viewport
from widgets.moment_flag import MomentFlag
from widgets.theme import DARK, Theme, interface_font, translucent

_SNAP = 4
"""Pixels from the beginning within which a dragged moment lies at 0."""
_STRIP = 3
"""Pixels on each side of a moving line that are painted again."""


class MelCanvas(QWidget):
    """Draws a mel of shape ``(n_mels, frames)`` in dB; asks through :attr:`gestures`, answers to setters."""

    hovered = Signal(object)
    """``QPointF`` of the pointer, ``None`` when it has left."""
    moment_dragged = Signal(float)
    """The time in s to which a person drags the marked moment."""
    moment_let_go = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.gestures = MelGestures(self)
        self._pyramid: MelPyramid | None = None
        self._frame_rate = 1.0
        self._viewport = Viewport()
        self._duration = 0.0
        self._n_bands = 100
        self._levels = (-80.0, 0.0)
        self._map_name = DEFAULT_COLOUR_MAP
        self._theme: Theme = DARK
        self._backing = MelBacking()
        self._playhead: float | None = None
        self._selection: Range | None = None
        self._crosshair: tuple[float, float] | None = None
        self._pointer_here = False
        self._empty_message = ""
        self._moment: tuple[float | None, str] = (None, "")
        self._flag: MomentFlag | None = None
        self.setMouseTracking(True)
        # A click must take the keyboard away from a text field, so that Space plays instead of typing.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(40)
        self.setCursor(Qt.CursorShape.CrossCursor)

    # What is shown

    def set_mel(self, mel_db: NDArray[np.floating] | None, frame_rate: float) -> None:
        """Show a mel ``(n_mels, frames)`` in dB, ``frame_rate`` frames a second, or nothing.

        A mel that continues the one before costs only its new frames.
        """
        if mel_db is None:
            changed: int | None = 0 if self._pyramid is not None else None
            self._pyramid = None
        else:
            had_one = self._pyramid is not None and self._frame_rate == frame_rate
            self._pyramid = self._pyramid if had_one and self._pyramid else MelPyramid()
            changed = self._pyramid.update(mel_db)
            if not had_one:
                changed = 0
            self._frame_rate = frame_rate
        if changed is not None and changed <= frame_position(self._viewport.stop, self._frame_rate):
            self._redraw()

    def set_view(self, start: float, stop: float, low: float, high: float) -> None:
        """Show the times ``start`` to ``stop`` in s and the band edges ``low`` to ``high``."""
        view = replace(self._viewport, start=start, stop=stop, low=low, high=high)
        if view != self._viewport:
            self._viewport = view
            self._place_flag()
            self.update()

    def set_bounds(self, duration: float, n_bands: int) -> None:
        """How far gestures may go: the length in s and the number of bands."""
        self._duration, self._n_bands = duration, n_bands

    def set_levels(self, low: float, high: float) -> None:
        """The levels in dB at the two ends of the colour map."""
        if (low, high) != self._levels:
            self._levels = (low, high)
            self._backing.set_levels(self._levels)
            self.update()

    def set_colour_map(self, name: str) -> None:
        if name != self._map_name:
            self._map_name = name
            self._backing.set_colours(name, self._theme.plot_background)
            self.update()

    def set_tracks(self, tracks: NDArray[np.floating] | None) -> None:
        """Lines `(k, frames)` at band edge positions over the mel (formants), NaN where there is none; or none."""
        self._backing.set_tracks(tracks)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._backing.set_colours(self._map_name, theme.plot_background)
        self.update()

    def set_empty_message(self, text: str) -> None:
        """What a person can do to see a mel here."""
        self._empty_message = text
        self.update()

    def set_playhead(self, time: float | None) -> None:
        """Move the playhead to a time in s; ``None`` hides it."""
        if time != self._playhead:
            self._update_column(self._playhead)
            self._playhead = time
            self._update_column(time)

    def set_selection(self, selection: Range | None) -> None:
        """Mark a range of time in s."""
        if selection != self._selection:
            self._update_span(self._selection)
            self._selection = selection
            self._update_span(selection)

    def set_crosshair(self, position: tuple[float, float] | None, pointer_here: bool = False) -> None:
        """Show the crosshair at (time in s, band edge); ``pointer_here`` marks the pane under the pointer."""
        if (position, pointer_here) == (self._crosshair, self._pointer_here):
            return
        self._update_cross(self._crosshair)
        self._crosshair, self._pointer_here = position, pointer_here
        self._update_cross(position)

    def set_moment(self, time: float | None, word: str = "") -> None:
        """Mark a moment (s) by a line that can be dragged, with a word in its flag; ``None`` takes it away."""
        if (time, word) == self._moment:
            return
        self._moment = (time, word)
        if self._flag is None:
            self._flag = MomentFlag(self)
            self._flag.dragged.connect(self._on_flag)
            self._flag.let_go.connect(self.moment_let_go)
        self._place_flag()

    # What can be read

    @property
    def is_moment_held(self) -> bool:
        """Whether a person drags the marked moment here."""
        return self._flag is not None and self._flag.is_held

    @property
    def viewport_state(self) -> Viewport:
        return self._viewport

    @property
    def mel_duration(self) -> float:
        """Length of the mel in s, 0 without one; frame ``i`` is centred at ``i / frame_rate``."""
        return max(self._pyramid.frames - 1, 0) / self._frame_rate if self._pyramid else 0.0

    @property
    def has_mel(self) -> bool:
        return self._pyramid is not None and self._pyramid.frames > 0

    def level_at(self, time: float, edge: float) -> float:
        """Level in dB of the cell at a time in s and a band edge position, NaN where there is none."""
        if self._pyramid is None:
            return math.nan
        return self._pyramid.value(math.floor(frame_position(time, self._frame_rate)), math.floor(edge))

    def sizeHint(self) -> QSize:
        return QSize(600, 140)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self.has_mel:
            self._paint_empty(painter)
            painter.end()
            return
        # The painter is clipped to the strips that changed: only they are copied.
        self._paint_picture(painter)
        self._paint_selection(painter)
        self._paint_crosshair(painter)
        if self._playhead is not None:
            self._vertical_line(painter, self._playhead, QColor(self._theme.playhead), halo=0.7, width=2)
        painter.end()

    def _paint_picture(self, painter: QPainter) -> None:
        painter.drawPixmap(0, 0, self._picture())

    def _picture(self) -> QPixmap:
        assert self._pyramid is not None
        return self._backing.pixmap(self._pyramid, self._frame_rate, self._viewport, self.devicePixelRatioF())

    def _paint_empty(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), QColor(self._theme.plot_background))
        painter.setPen(QColor(self._theme.text_muted))
        painter.setFont(interface_font(self._theme))
        box = self.rect().adjusted(16, 4, -16, -4)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty_message)

    def _paint_selection(self, painter: QPainter) -> None:
        if self._selection is None:
            return
        left, right = (self._viewport.x_of(time) for time in self._selection)
        shade = translucent("#000000", 0.4)
        # The picture outside is dimmed and the inside left as it is: a tint would falsify the levels.
        painter.fillRect(QRectF(0, 0, min(max(left, 0.0), self.width()), self.height()), shade)
        start = min(max(right, 0.0), self.width())
        painter.fillRect(QRectF(start, 0, self.width() - start, self.height()), shade)
        for time in self._selection:
            self._vertical_line(painter, time, QColor(self._theme.selection), halo=0.5)

    def _paint_crosshair(self, painter: QPainter) -> None:
        if self._crosshair is None:
            return
        time, edge = self._crosshair
        strength = 0.9 if self._pointer_here else 0.55
        line = translucent(self._theme.crosshair, strength)
        self._vertical_line(painter, time, line, halo=0.4)
        y = self._device_aligned(self._viewport.y_of(edge))
        if 0 <= y < self.height():
            rim = 1.0 / self.devicePixelRatioF()
            painter.fillRect(QRectF(0, y - rim, self.width(), 1 + 2 * rim), _halo(line, 0.4))
            painter.fillRect(QRectF(0, y, self.width(), 1), line)

    def _vertical_line(
        self, painter: QPainter, time: float, colour: QColor, halo: float, width: int = 1
    ) -> None:
        x = self._device_aligned(self._viewport.x_of(time))
        if -width <= x <= self.width():
            rim = 1.0 / self.devicePixelRatioF()
            painter.fillRect(QRectF(x - rim, 0, width + 2 * rim, self.height()), _halo(colour, halo))
            painter.fillRect(QRectF(x, 0, width, self.height()), colour)

    def _device_aligned(self, position: float) -> float:
        ratio = self.devicePixelRatioF()
        return math.floor(position * ratio) / ratio

    # Keeping repaints small

    def _redraw(self) -> None:
        self._backing.invalidate()
        self.update()

    def _update_column(self, time: float | None) -> None:
        if time is not None and self._viewport.start <= time <= self._viewport.stop:
            x = math.floor(self._viewport.x_of(time))
            self.update(QRect(x - _STRIP, 0, 2 * _STRIP + 1, self.height()))

    def _update_cross(self, position: tuple[float, float] | None) -> None:
        if position is not None:
            self._update_column(position[0])
            y = math.floor(self._viewport.y_of(position[1]))
            self.update(QRect(0, y - _STRIP, self.width(), 2 * _STRIP + 1))

    def _update_span(self, selection: Range | None) -> None:
        # All outside a selection is dimmed: a change concerns the whole picture, which is then copied anew.
        if selection is not None:
            self.update()

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._viewport = replace(self._viewport, width=float(self.width()), height=float(self.height()))
        super().resizeEvent(event)
        self._place_flag()

    def _place_flag(self) -> None:
        if self._flag is not None:
            time, word = self._moment
            self._flag.show_at(None if time is None else self._viewport.x_of(time), word)

    def _on_flag(self, x: float) -> None:
        start = self._viewport.x_of(0.0)
        inside = min(max(x, 0.0), self._viewport.width)
        self.moment_dragged.emit(
            0.0 if abs(inside - start) < _SNAP else max(0.0, self._viewport.time_at(inside))
        )

    def _context(self) -> GestureContext:
        return GestureContext(self._viewport, self._duration, self._n_bands, self._selection)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.gestures.press(event, self._context())
        self._choose_cursor(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.gestures.move(event, self._context())
        self._choose_cursor(event.position())
        self.hovered.emit(event.position() if self.rect().contains(event.position().toPoint()) else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.gestures.release(event, self._context())
        self._choose_cursor(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.gestures.double_click(event, self._context())

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.gestures.wheel(event, self._context())
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.hovered.emit(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)

    def _choose_cursor(self, position: QPointF) -> None:
        if self.gestures.panning:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self.gestures.edge_near(position.x(), self._context()) is not None:
            shape = Qt.CursorShape.SizeHorCursor
        else:
            shape = Qt.CursorShape.CrossCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)


def _halo(line: QColor, opacity: float) -> QColor:
    """What sets a line off from any picture: dark beside a light line, light beside a dark one."""
    return translucent("#000000" if line.lightnessF() > 0.5 else "#ffffff", opacity)
