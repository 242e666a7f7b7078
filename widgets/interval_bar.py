"""A share between 0 and 100 % with its confidence interval, and the half that guessing would give."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.theme import current_theme, interface_font, mix

_TRACK = 6
_LABELS = 16


class IntervalBar(QWidget):
    """Draws interval and share of votes; the line in the middle is what chance gives."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._share: float | None = None
        self._interval = (0.0, 1.0)
        self._proven = False
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_LABELS + 20)

    def set_result(self, share: float | None, interval: tuple[float, float], proven: bool) -> None:
        """Show a share (0 to 1, None without votes) and its interval; `proven`: not to be had by chance."""
        self._share, self._interval, self._proven = share, interval, proven
        if share is not None:
            low, high = (round(100 * bound) for bound in interval)
            self.setAccessibleDescription(f"{100 * share:.0f} %, interval {low} to {high} %")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, _LABELS + 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = (self.height() - _LABELS) / 2
        track = QRectF(self._x(0.0), middle - _TRACK / 2, self._x(1.0) - self._x(0.0), _TRACK)
        painter.setBrush(QColor(mix(theme.surface, theme.text, 0.12)))
        painter.drawRoundedRect(track, 3, 3)
        if self._share is not None:
            low, high = self._interval
            colour = QColor(theme.success if self._proven else theme.text_muted)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(self._x(low), middle - 3, self._x(high) - self._x(low), _TRACK), 3, 3)
            painter.setBrush(QColor(theme.text))
            painter.drawEllipse(QRectF(self._x(self._share) - 5, middle - 5, 10, 10))
        painter.fillRect(QRectF(self._x(0.5) - 0.5, 1, 1, self.height() - _LABELS - 2), QColor(theme.warning))
        self._paint_labels(painter)
        painter.end()

    def _paint_labels(self, painter: QPainter) -> None:
        theme = current_theme()
        painter.setFont(interface_font(theme, theme.font_size_small))
        painter.setPen(QColor(theme.text_muted))
        for share, text, side in (
            (0.0, "0 %", Qt.AlignmentFlag.AlignLeft),
            (0.5, "chance", Qt.AlignmentFlag.AlignHCenter),
            (1.0, "100 %", Qt.AlignmentFlag.AlignRight),
        ):
            box = QRectF(0, self.height() - _LABELS, self.width(), _LABELS)
            if share == 0.5:
                box = QRectF(self._x(0.5) - 40, self.height() - _LABELS, 80, _LABELS)
            painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, text)

    def _x(self, share: float) -> float:
        return 6 + share * (self.width() - 12)
