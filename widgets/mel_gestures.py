"""What the mouse asks for on a mel: each gesture becomes a request, nothing is changed here."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from widgets.mel_viewport import Range, Viewport, clamp_range, panned, zoomed

EDGE_REACH = 5.0
"""How near, in pixels, the pointer must be to a selection's edge to take hold of it."""
_NOTCH = 120.0
_ZOOM_PER_NOTCH = 0.8
_PAN_PER_NOTCH = 0.12
_MIN_SECONDS = 0.05
_MIN_BANDS = 8.0


@dataclass(frozen=True)
class GestureContext:
    """What is on the screen when a gesture happens; the duration and the selection are in s."""

    viewport: Viewport
    duration: float
    n_bands: int
    selection: Range | None


class MelGestures(QObject):
    """Turns mouse events into requests.

    Wheel zooms time at the pointer, Shift+wheel (or a sideways wheel) pans, Ctrl+wheel zooms frequency; the
    middle button drags the picture; a left click seeks, a left drag selects, a drag of a selection's edge
    moves it; a double click asks for the whole length.
    """

    time_range_requested = Signal(float, float)
    band_range_requested = Signal(float, float)
    seek_requested = Signal(float)
    selection_requested = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pressed_at: QPointF | None = None
        self._anchor: float | None = None
        self._dragging = False
        self._grip: tuple[QPointF, Viewport] | None = None

    @property
    def panning(self) -> bool:
        return self._grip is not None

    def edge_near(self, x: float, context: GestureContext) -> int | None:
        """0 or 1 for the selection edge that lies under the pointer column ``x``, ``None`` for neither."""
        if context.selection is None:
            return None
        distances = [abs(context.viewport.x_of(edge) - x) for edge in context.selection]
        nearest = 0 if distances[0] <= distances[1] else 1
        return nearest if distances[nearest] <= EDGE_REACH else None

    def press(self, event: QMouseEvent, context: GestureContext) -> None:
        if event.button() == Qt.MouseButton.MiddleButton:
            self._grip = (event.position(), context.viewport)
        elif event.button() == Qt.MouseButton.LeftButton and context.duration > 0.0:
            self._pressed_at, self._dragging = event.position(), False
            edge = self.edge_near(event.position().x(), context)
            if edge is not None and context.selection is not None:
                # Holding one edge is selecting anew from the other one.
                self._anchor = context.selection[1 - edge]
            else:
                self._anchor = self._time(event.position().x(), context)

    def move(self, event: QMouseEvent, context: GestureContext) -> None:
        if self._grip is not None:
            self._drag_picture(event.position(), context)
        elif self._pressed_at is not None and self._anchor is not None:
            travelled = abs(event.position().x() - self._pressed_at.x())
            if not self._dragging and travelled < QApplication.startDragDistance():
                return
            self._dragging = True
            self._follow_beyond_edge(event.position().x(), context)
            here = self._time(event.position().x(), context)
            self.selection_requested.emit((min(self._anchor, here), max(self._anchor, here)))

    def release(self, event: QMouseEvent, context: GestureContext) -> None:
        if event.button() == Qt.MouseButton.MiddleButton:
            self._grip = None
        elif event.button() == Qt.MouseButton.LeftButton and self._pressed_at is not None:
            if not self._dragging:
                self.seek_requested.emit(self._time(event.position().x(), context))
            self.cancel()

    def double_click(self, event: QMouseEvent, context: GestureContext) -> None:
        if event.button() == Qt.MouseButton.LeftButton and context.duration > 0.0:
            self.time_range_requested.emit(0.0, context.duration)

    def cancel(self) -> None:
        """Let go of whatever is held."""
        self._pressed_at = self._anchor = self._grip = None
        self._dragging = False

    def wheel(self, event: QWheelEvent, context: GestureContext) -> None:
        sideways, along = event.angleDelta().x() / _NOTCH, event.angleDelta().y() / _NOTCH
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._zoom_bands(event.position().y(), along, context)
        elif modifiers & Qt.KeyboardModifier.ShiftModifier or abs(sideways) > abs(along):
            # Some platforms turn Shift+wheel into a sideways wheel themselves.
            self._pan(along if abs(along) >= abs(sideways) else sideways, context)
        elif along:
            self._zoom_time(event.position().x(), along, context)

    def _zoom_time(self, x: float, notches: float, context: GestureContext) -> None:
        view = context.viewport
        bounds, factor = (0.0, context.duration), _ZOOM_PER_NOTCH**notches
        self._ask_time(
            zoomed((view.start, view.stop), view.time_at(x), factor, bounds, _MIN_SECONDS), context
        )

    def _pan(self, notches: float, context: GestureContext) -> None:
        view = context.viewport
        shift = -notches * _PAN_PER_NOTCH * (view.stop - view.start)
        self._ask_time(panned((view.start, view.stop), shift, (0.0, context.duration)), context)

    def _zoom_bands(self, y: float, notches: float, context: GestureContext) -> None:
        view = context.viewport
        bounds = (0.0, float(context.n_bands))
        factor = _ZOOM_PER_NOTCH**notches
        low, high = zoomed((view.low, view.high), view.edge_at(y), factor, bounds, _MIN_BANDS)
        if (low, high) != (view.low, view.high):
            self.band_range_requested.emit(low, high)

    def _drag_picture(self, position: QPointF, context: GestureContext) -> None:
        assert self._grip is not None
        start, held = self._grip
        shift = (start.x() - position.x()) * held.seconds_per_pixel
        self._ask_time(panned((held.start, held.stop), shift, (0.0, context.duration)), context)
        rise = (position.y() - start.y()) * held.bands_per_pixel
        low, high = panned((held.low, held.high), rise, (0.0, float(context.n_bands)))
        if (low, high) != (context.viewport.low, context.viewport.high):
            self.band_range_requested.emit(low, high)

    def _follow_beyond_edge(self, x: float, context: GestureContext) -> None:
        """Pull the picture along when a selection is dragged out of it."""
        view = context.viewport
        beyond = min(x, 0.0) + max(x - view.width, 0.0)
        if beyond:
            shift = beyond * view.seconds_per_pixel * 0.5
            self._ask_time(panned((view.start, view.stop), shift, (0.0, context.duration)), context)

    def _ask_time(self, wanted: Range, context: GestureContext) -> None:
        if context.duration > 0.0 and wanted != (context.viewport.start, context.viewport.stop):
            self.time_range_requested.emit(*clamp_range(wanted, (0.0, context.duration)))

    @staticmethod
    def _time(x: float, context: GestureContext) -> float:
        view = context.viewport
        return min(max(view.time_at(min(max(x, 0.0), view.width)), 0.0), context.duration)
