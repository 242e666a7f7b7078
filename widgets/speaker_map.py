"""The speakers of a voice as points on a plane, and the blend of them that is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.blend_geometry import nearest, place_of, weights_at
from widgets.pane_colours import pane_colour
from widgets.theme import Theme, current_theme, interface_font, mix, translucent

_MARGIN = 30
_DOT, _MARK = 4.5, 8.0
_GRAB = 9.0
"""Distance (px) from a speaker within which a drag snaps to it."""
_DRAG_STARTS = 4.0
_STACKED = 3.0
"""Speakers whose points are less apart (px) are gone through by clicking again."""
_KEY_STEP, _FINE_KEY_STEP = 1 / 24, 1 / 120
"""Steps of the arrow keys as shares of the map's width."""
_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, 1.0),
    Qt.Key.Key_Down: (0.0, -1.0),
}


@dataclass(frozen=True)
class MapPoints:
    """What is drawn: `names` and `groups` (an index of a colour) of s speakers, `points` (s, 2), and which are
    neighbours: `triangles` (k, 3), `edges` (j, 2).
    """

    names: tuple[str, ...]
    groups: tuple[int, ...]
    points: np.ndarray
    triangles: np.ndarray
    edges: np.ndarray


def group_colour(group: int, theme: Theme) -> str:
    """The colour of a group of speakers."""
    return pane_colour(group + 1, theme)


class SpeakerMap(QWidget):
    """A click chooses the nearest speaker, a drag makes a blend, live.

    Keys: the arrows move the blend (with Shift finely), Page Up and Page Down go through the speakers, Enter takes the
    nearest one. `weights_changed(dict)` carries weights by index; setters emit nothing.
    """

    weights_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._map: MapPoints | None = None
        self._weights: dict[int, float] = {}
        self._place = np.zeros(2)
        self._pressed: QPointF | None = None
        self._dragging = False
        self._hovered = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Map of the speakers")
        self.setToolTip("Click a speaker, or drag between them; arrow keys move the blend")

    # ------------------------------------------------------------------ set and read
    def set_map(self, points: MapPoints | None) -> None:
        """Draw another map; the weights are forgotten."""
        self._map, self._weights, self._hovered = points, {}, -1
        self._dragging, self._pressed = False, None
        self.update()

    def set_weights(self, weights: dict[int, float]) -> None:
        """Show a blend, by index of the speaker; {} shows none."""
        if weights == self._weights:
            return
        self._weights = dict(weights)
        if self._map is not None and weights and not self._dragging:
            self._place = place_of(weights, self._map.points)
        self._describe()
        self.update()

    def weights(self) -> dict[int, float]:
        """The blend shown."""
        return dict(self._weights)

    def position_of(self, index: int) -> QPointF:
        """Where a speaker is drawn (px). Raises IndexError."""
        assert self._map is not None
        return self._to_screen(self._map.points[index])

    def sizeHint(self) -> QSize:
        return QSize(280, 252)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As high as its width allows. (A layout inside a scroll area asks no widget for its height by width.)"""
        super().resizeEvent(event)
        self.setFixedHeight(max(160, min(round(0.9 * self.width()), 380)))

    # ------------------------------------------------------------------ mouse and keys
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._map is not None:
            self._pressed = event.position()
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._map is None:
            return
        if self._pressed is not None and not self._dragging:
            self._dragging = _distance(at, self._pressed) > _DRAG_STARTS
        if self._dragging:
            self._hovered = -1
            close = self._speaker_at(at, _GRAB)
            self._blend(self._map.points[close] if close >= 0 else self._from_screen(at))
            return
        hovered = self._speaker_at(at, 2 * _GRAB)
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()
        grabs = self._place_is_under(at)
        self.setCursor(Qt.CursorShape.OpenHandCursor if grabs else Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None or self._map is None:
            return
        if not self._dragging:
            self.choose(self._next_at(event.position()))
        elif self._weights:
            self._place = place_of(self._weights, self._map.points)
        self._pressed, self._dragging = None, False
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._map is None or not len(self._map.names):
            super().keyPressEvent(event)
        elif key in _ARROWS:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            step = (_FINE_KEY_STEP if fine else _KEY_STEP) * float(np.ptp(self._map.points, axis=0).max())
            self._blend(self._place + step * np.array(_ARROWS[key]))
            self._place = place_of(self._weights, self._map.points)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            heaviest = max(self._weights, key=lambda index: self._weights[index], default=-1)
            step = 1 if key == Qt.Key.Key_PageDown else -1
            self.choose((heaviest + step) % len(self._map.names))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose(nearest(self._place, self._map.points))
        else:
            super().keyPressEvent(event)

    def _next_at(self, at: QPointF) -> int:
        """The speaker nearest to a place; where several lie on top of each other, the one behind the chosen one."""
        assert self._map is not None
        first = nearest(self._from_screen(at), self._map.points)
        spot = self.position_of(first)
        stack = [
            index for index in range(len(self._map.names)) if _distance(self.position_of(index), spot) <= _STACKED
        ]
        chosen = next(iter(self._weights)) if len(self._weights) == 1 else -1
        return stack[(stack.index(chosen) + 1) % len(stack)] if chosen in stack else first

    def choose(self, index: int) -> None:
        """Choose one speaker alone, as a click does."""
        assert self._map is not None
        self._place = np.array(self._map.points[index], dtype=np.float64)
        self._take({index: 1.0})

    def _blend(self, place: np.ndarray) -> None:
        assert self._map is not None
        self._place = np.asarray(place, dtype=np.float64)
        self._take(weights_at(self._place, self._map.points, self._map.triangles, self._map.edges))

    def _take(self, weights: dict[int, float]) -> None:
        if weights == self._weights:
            self.update()
            return
        self._weights = weights
        self._describe()
        self.update()
        self.weights_changed.emit(dict(weights))

    def _describe(self) -> None:
        if self._map is None:
            return
        parts = sorted(self._weights.items(), key=lambda part: -part[1])
        names = self._map.names
        self.setAccessibleDescription(", ".join(f"{names[i]} {100 * weight:.0f} per cent" for i, weight in parts))

    # ------------------------------------------------------------------ geometry
    def _frame(self) -> tuple[float, QPointF, np.ndarray]:
        """Pixels per unit, the middle of the widget, and the middle of the points; both axes have one scale."""
        assert self._map is not None
        points = self._map.points
        low, high = (points.min(axis=0), points.max(axis=0)) if len(points) else (np.zeros(2), np.ones(2))
        spread = np.maximum(high - low, 1e-9)
        room = np.array([self.width() - 2 * _MARGIN - 16, self.height() - 2 * _MARGIN], dtype=np.float64)
        scale = float(np.min(np.maximum(room, 10.0) / spread))
        return min(scale, 1e6), QPointF(self.width() / 2, self.height() / 2), (low + high) / 2

    def _to_screen(self, place: np.ndarray) -> QPointF:
        scale, middle, centre = self._frame()
        x, y = (np.asarray(place) - centre) * scale
        return QPointF(middle.x() + float(x), middle.y() - float(y))

    def _from_screen(self, at: QPointF) -> np.ndarray:
        scale, middle, centre = self._frame()
        return centre + np.array([at.x() - middle.x(), middle.y() - at.y()]) / scale

    def _speaker_at(self, at: QPointF, reach: float) -> int:
        assert self._map is not None
        if not len(self._map.names):
            return -1
        index = nearest(self._from_screen(at), self._map.points)
        return index if _distance(self.position_of(index), at) <= reach else -1

    def _place_is_under(self, at: QPointF) -> bool:
        return bool(self._weights) and _distance(self._to_screen(self._place), at) <= _MARK + 3

    # ------------------------------------------------------------------ painting
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QPainterPath()
        ground.addRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.fillPath(ground, QColor(theme.plot_background))
        edge = theme.accent if self.hasFocus() else theme.border
        painter.setPen(QPen(QColor(edge), 2.0 if self.hasFocus() else 1.0))
        painter.drawPath(ground)
        if self._map is not None and len(self._map.names):
            painter.setClipPath(ground)
            spots = [self._to_screen(point) for point in self._map.points]
            self._paint_edges(painter, theme, spots)
            self._paint_speakers(painter, theme, spots)
            self._paint_blend(painter, theme, spots)
        painter.end()

    def _paint_edges(self, painter: QPainter, theme: Theme, spots: list[QPointF]) -> None:
        assert self._map is not None
        painter.setPen(QPen(translucent(theme.text_muted, 0.16), 1.0))
        for first, second in self._map.edges:
            painter.drawLine(spots[first], spots[second])
        if len(self._weights) > 1:
            mark = self._to_screen(place_of(self._weights, self._map.points))
            for index, weight in self._weights.items():
                painter.setPen(QPen(translucent(theme.accent, 0.35 + 0.5 * weight), 1.0 + 4.0 * weight))
                painter.drawLine(mark, spots[index])

    def _paint_speakers(self, painter: QPainter, theme: Theme, spots: list[QPointF]) -> None:
        assert self._map is not None
        taken = [_around(spot, 6) for spot in spots]
        if len(self._weights) > 1:
            taken.append(_around(self._to_screen(place_of(self._weights, self._map.points)), _MARK))
        painter.setFont(interface_font(theme, theme.font_size_small))
        metrics = painter.fontMetrics()
        room = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        order = sorted(range(len(spots)), key=lambda index: index not in self._weights and index != self._hovered)
        for index in order:
            colour = group_colour(self._map.groups[index], theme)
            grown = 1.5 if index == self._hovered else 0.0
            painter.setPen(QPen(QColor(theme.plot_background), 1.0))
            painter.setBrush(QColor(colour))
            painter.drawEllipse(spots[index], _DOT + grown, _DOT + grown)
            size = metrics.boundingRect(self._map.names[index]).size()
            gap = 13.0 if self._weights.keys() == {index} else 8.0
            box = _free_box(spots[index], gap, size.width() + 2, metrics.height(), taken, room)
            taken.append(box)
            strong = index in self._weights or index == self._hovered
            painter.setPen(QColor(theme.text if strong else mix(theme.text_muted, colour, 0.25)))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._map.names[index])

    def _paint_blend(self, painter: QPainter, theme: Theme, spots: list[QPointF]) -> None:
        assert self._map is not None
        if not self._weights:
            return
        mark = self._to_screen(place_of(self._weights, self._map.points))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if len(self._weights) == 1:
            painter.setPen(QPen(QColor(theme.accent), 2.5))
            painter.drawEllipse(mark, _MARK, _MARK)
        else:
            painter.setBrush(QColor(theme.accent))
            painter.setPen(QPen(QColor(theme.text), 2.0))
            painter.drawEllipse(mark, _MARK - 1.5, _MARK - 1.5)


def _free_box(
    spot: QPointF, gap: float, width: float, height: float, taken: list[QRectF], room: QRectF
) -> QRectF:
    """Where a label stands free of the others: right, left, above or below its point, whatever overlaps least."""
    x, y = spot.x(), spot.y()
    offers = [
        QRectF(x + gap, y - height / 2, width, height),
        QRectF(x - gap - width, y - height / 2, width, height),
        QRectF(x - width / 2, y - height - gap + 2, width, height),
        QRectF(x - width / 2, y + gap - 2, width, height),
    ]

    def cost(box: QRectF) -> float:
        outside = 0.0 if room.contains(box) else 1000.0
        return outside + sum(_area(box.intersected(other)) for other in taken)

    return min(offers, key=cost)


def _around(spot: QPointF, reach: float) -> QRectF:
    return QRectF(spot.x() - reach, spot.y() - reach, 2 * reach, 2 * reach)


def _area(box: QRectF) -> float:
    return box.width() * box.height()


def _distance(first: QPointF, second: QPointF) -> float:
    return float(np.hypot(first.x() - second.x(), first.y() - second.y()))
