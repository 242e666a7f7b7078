"""The one colour bar of all panes: which colour stands for which level in dB, and handles to change that."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QIcon,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from widgets.colour_maps import COLOUR_MAPS, DEFAULT_COLOUR_MAP, lookup_table
from widgets.mel_viewport import Range
from widgets.theme import DARK, Theme, interface_font

COLOUR_BAR_WIDTH = 68
DEFAULT_LEVELS: Range = (-50.0, 35.0)
"""Speech at full scale: a quiet room's noise to the strongest harmonics, in dB of a mel with power 1."""
SCALE: Range = (-100.0, 50.0)
"""What the bar reaches over, in dB. It stays put while the handles move."""
MIN_SPAN_DB = 6.0
_BAR_LEFT, _BAR_WIDTH = 10, 16
_TAIL_WIDTH = 4
_HANDLE_REACH = 8.0
_LOW, _HIGH, _BOTH = 0, 1, 2


class ColourBar(QWidget):
    """Shows the levels and asks for others: handles drag one end, the space between them both.

    Keyboard: Up and Down move the chosen handle by 1 dB (Shift: 5 dB), Left and Right choose the handle,
    Home restores the default levels.
    """

    levels_requested = Signal(float, float)
    colour_map_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._levels = DEFAULT_LEVELS
        self._map_name = DEFAULT_COLOUR_MAP
        self._maps = list(COLOUR_MAPS)
        self._theme: Theme = DARK
        self._handle = _HIGH
        self._drag: tuple[int, float, Range] | None = None
        self._marker: float | None = None
        self._hovered_handle: int | None = None
        self._top_margin = 24.0
        self.setFixedWidth(COLOUR_BAR_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(80)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setToolTip("Drag the handles to set the levels of all panes. Right-click for colour maps.")
        self._describe()

    def set_levels(self, low: float, high: float) -> None:
        """The levels in dB at the ends of the map."""
        if (low, high) != self._levels:
            self._levels = (low, high)
            self._describe()
            self.update()

    def set_colour_map(self, name: str) -> None:
        self._map_name = name
        self._describe()
        self.update()

    def set_colour_maps(self, names: list[str]) -> None:
        """The maps to choose from, such as :data:`~widgets.colour_maps.DIVERGING_COLOUR_MAPS`."""
        self._maps = list(names)

    def set_marker(self, level_db: float | None) -> None:
        """Point at the level under the pointer."""
        level = None if level_db is None or math.isnan(level_db) else level_db
        if level != self._marker:
            self._marker = level
            self.update()

    def set_top_margin(self, pixels: float) -> None:
        """Where the bar begins, so that it can be level with the pictures beside it."""
        self._top_margin = pixels
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(COLOUR_BAR_WIDTH, 200)

    def y_of(self, level_db: float) -> float:
        """Pixel row of a level in dB."""
        top, bottom = self._track()
        low, high = SCALE
        return bottom - (min(max(level_db, low), high) - low) / (high - low) * (bottom - top)

    def level_at(self, y: float) -> float:
        """Level in dB at a pixel row."""
        top, bottom = self._track()
        low, high = SCALE
        return low + (bottom - y) / max(bottom - top, 1.0) * (high - low)

    def build_menu(self) -> QMenu:
        """The context menu: the maps with their colours, and the default levels."""
        menu = QMenu(self)
        group = QActionGroup(menu)
        for name in self._maps:
            action = QAction(_swatch(name, self.devicePixelRatioF()), name.capitalize(), group)
            action.setCheckable(True)
            action.setChecked(name == self._map_name)
            action.triggered.connect(lambda _checked, chosen=name: self.colour_map_requested.emit(chosen))
            menu.addAction(action)
        menu.addSeparator()
        low, high = DEFAULT_LEVELS
        reset = menu.addAction(f"Reset levels to {_signed(low)} … {_signed(high)} dB")
        reset.triggered.connect(lambda: self.levels_requested.emit(low, high))
        return menu

    # Painting

    def _track(self) -> tuple[float, float]:
        return self._top_margin, max(self.height() - 2.0, self._top_margin + 8.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = interface_font(self._theme, self._theme.font_size_small)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        top, bottom = self._track()
        painter.setPen(QColor(self._theme.text_muted))
        painter.drawText(QPointF(_BAR_LEFT, self._top_margin - 5 - metrics.descent()), "dB")
        self._paint_gradient(painter, top, bottom)
        self._paint_scale(painter, metrics)
        if self._marker is not None:
            self._paint_marker(painter, self.y_of(self._marker))
        for which in (_LOW, _HIGH):
            self._paint_handle(painter, metrics, which)
        if self.hasFocus():
            painter.setPen(QColor(self._theme.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(2.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_gradient(self, painter: QPainter, top: float, bottom: float) -> None:
        table = lookup_table(self._map_name)
        high_y, low_y = self.y_of(self._levels[1]), self.y_of(self._levels[0])
        ends = {row: QColor(*(int(c) for c in table[row])) for row in (0, -1)}
        border = QColor(self._theme.border)
        # Beyond the levels the colour stays what it is at their ends: a narrow continuation says so.
        left, width = _BAR_LEFT + (_BAR_WIDTH - _TAIL_WIDTH) / 2, _TAIL_WIDTH
        for first, last, colour in ((top, high_y, ends[-1]), (low_y, bottom, ends[0])):
            painter.fillRect(QRectF(left - 1, first, width + 2, last - first), border)
            painter.fillRect(QRectF(left, first, width, last - first), colour)
        painter.fillRect(QRectF(_BAR_LEFT - 1, high_y, _BAR_WIDTH + 2, low_y - high_y), border)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(
            QRectF(_BAR_LEFT, high_y, _BAR_WIDTH, max(low_y - high_y, 1.0)), _ramp(self._map_name)
        )

    def _paint_scale(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        left = _BAR_LEFT + _BAR_WIDTH
        line = metrics.height()
        handles = [self.y_of(level) for level in self._levels]
        step = _label_step(line * 1.6 * (SCALE[1] - SCALE[0]) / max(self._track()[1] - self._track()[0], 1.0))
        for index in range(math.ceil(SCALE[0] / step), math.floor(SCALE[1] / step) + 1):
            y = self.y_of(index * step)
            painter.fillRect(QRectF(left + 1, math.floor(y), 3, 1), QColor(self._theme.border))
            # The handles carry their own numbers: no other comes near them.
            if all(abs(y - handle) > line * 1.1 for handle in handles):
                painter.setPen(QColor(self._theme.text_muted))
                self._right_text(painter, y, line, _signed(index * step))

    def _paint_handle(self, painter: QPainter, metrics: QFontMetricsF, which: int) -> None:
        level = self._levels[which]
        y = self.y_of(level)
        held = self._drag is not None and self._drag[0] in (which, _BOTH)
        chosen = held or self._hovered_handle == which or (self.hasFocus() and self._handle == which)
        colour = QColor(self._theme.accent if chosen else self._theme.text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        left, right = _BAR_LEFT - 1.0, _BAR_LEFT + _BAR_WIDTH + 1.0
        painter.drawRect(QRectF(left, y - 1, right - left, 2))
        painter.drawPolygon(
            QPolygonF([QPointF(right, y), QPointF(right + 6, y - 5), QPointF(right + 6, y + 5)])
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(colour)
        self._right_text(painter, y, metrics.height(), _signed(round(level)))

    def _right_text(self, painter: QPainter, y: float, line: float, text: str) -> None:
        left = _BAR_LEFT + _BAR_WIDTH + 8
        box = QRectF(left, min(y - line / 2, self.height() - line), self.width() - left - 3, line)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_marker(self, painter: QPainter, y: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.playhead))
        painter.drawPolygon(QPolygonF([QPointF(_BAR_LEFT - 1, y), QPointF(2, y - 4), QPointF(2, y + 4)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            which = self._handle_near(event.position().y())
            if which is not None:
                self._handle = which if which != _BOTH else self._handle
                self._drag = (which, event.position().y(), self._levels)
                self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        y = event.position().y()
        if self._drag is None:
            near = self._handle_near(y)
            self._hovered_handle = near if near in (_LOW, _HIGH) else None
            self.setCursor(Qt.CursorShape.ArrowCursor if near is None else Qt.CursorShape.SizeVerCursor)
            self.update()
            return
        which, start_y, (low, high) = self._drag
        shift = self.level_at(y) - self.level_at(start_y)
        self._ask(which, low, high, shift)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.levels_requested.emit(*DEFAULT_LEVELS)

    def leaveEvent(self, event: object) -> None:
        self._hovered_handle = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._ask(_BOTH, *self._levels, shift=event.angleDelta().y() / 120.0 * 2.0)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = 5.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._ask(self._handle, *self._levels, shift=step if event.key() == Qt.Key.Key_Up else -step)
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._handle = _LOW if self._handle == _HIGH else _HIGH
            self._describe()
            self.update()
        elif event.key() == Qt.Key.Key_Home:
            self.levels_requested.emit(*DEFAULT_LEVELS)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.build_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def _handle_near(self, y: float) -> int | None:
        distances = [abs(self.y_of(level) - y) for level in self._levels]
        nearest = _LOW if distances[_LOW] <= distances[_HIGH] else _HIGH
        if distances[nearest] <= _HANDLE_REACH:
            return nearest
        return _BOTH if self.y_of(self._levels[1]) < y < self.y_of(self._levels[0]) else None

    def _ask(self, which: int, low: float, high: float, shift: float) -> None:
        """Ask for the levels ``low`` and ``high``, one or both moved by ``shift`` dB, in whole dB."""
        bottom, top = SCALE
        if which == _BOTH:
            shift = min(max(shift, bottom - low), top - high)
            low, high = low + shift, high + shift
        elif which == _LOW:
            low = min(max(low + shift, bottom), high - MIN_SPAN_DB)
        else:
            high = max(min(high + shift, top), low + MIN_SPAN_DB)
        wanted = (float(round(low)), float(round(high)))
        if wanted != self._levels:
            self.levels_requested.emit(*wanted)

    def _describe(self) -> None:
        low, high = self._levels
        self.setAccessibleName("Colour scale in dB")
        which = "upper" if self._handle == _HIGH else "lower"
        self.setAccessibleDescription(
            f"{self._map_name}, from {low:.0f} to {high:.0f} dB; arrow keys move the {which} level"
        )


def _signed(level: float) -> str:
    return f"{level:.0f}".replace("-", "\u2212")


def _label_step(smallest: float) -> float:
    return next((step for step in (5.0, 10.0, 20.0, 40.0) if step >= smallest), 80.0)


def _ramp(name: str) -> QImage:
    """The map as a picture one pixel wide, highest level on top."""
    table = lookup_table(name)[::-1]
    return QImage(table.tobytes(), 1, len(table), 3, QImage.Format.Format_RGB888).copy()


def _swatch(name: str, ratio: float) -> QIcon:
    """The map as a small picture, lowest level at the left."""
    table = lookup_table(name)
    image = QImage(table.tobytes(), len(table), 1, 3 * len(table), QImage.Format.Format_RGB888)
    pixmap = QPixmap.fromImage(image.copy()).scaled(round(40 * ratio), round(12 * ratio))
    pixmap.setDevicePixelRatio(ratio)
    return QIcon(pixmap)
