"""The parts of a blend with their shares."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QWidget

from widgets.speaker_map import group_colour
from widgets.theme import current_theme, interface_font

_BAR_HEIGHT = 22
_PARTS = 3


class ShareBars(QWidget):
    """The parts of a blend with their shares as bars and numbers; room for three, so that nothing below jumps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shares: list[tuple[str, float, int]] = []
        self.setFixedHeight(_PARTS * _BAR_HEIGHT)
        self.setAccessibleName("Shares of the blend")

    def set_shares(self, shares: list[tuple[str, float, int]]) -> None:
        """Show (name, share, colour group), the greatest first."""
        self._shares = shares
        self.setFixedHeight(max(_PARTS, len(shares)) * _BAR_HEIGHT)
        self.setAccessibleDescription(
            ", ".join(f"{name} {100 * share:.0f} per cent" for name, share, _ in shares)
        )
        self.update()

    def shares(self) -> list[tuple[str, float, int]]:
        """What is shown."""
        return list(self._shares)

    def sizeHint(self) -> QSize:
        return QSize(200, _PARTS * _BAR_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(interface_font(theme))
        metrics = painter.fontMetrics()
        label = max([72, *(metrics.horizontalAdvance(name) + 10 for name, _, _ in self._shares)])
        label = min(label, self.width() // 2)
        number = metrics.horizontalAdvance("100.0 %") + 8
        for row, (name, share, group) in enumerate(self._shares):
            top = row * _BAR_HEIGHT
            line = QRectF(0, top, self.width(), _BAR_HEIGHT)
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.setPen(QColor(theme.text))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, label - 6)
            painter.drawText(line, left, shown)
            painter.setPen(QColor(theme.text_muted))
            painter.drawText(line, right, f"{100 * share:.1f} %")
            track = QRectF(label, top + _BAR_HEIGHT / 2 - 3, max(0, self.width() - label - number), 6)
            for width, colour in (
                (track.width(), theme.border),
                (track.width() * share, group_colour(group, theme)),
            ):
                path = QPainterPath()
                path.addRoundedRect(QRectF(track.left(), track.top(), width, 6), 3, 3)
                painter.fillPath(path, QColor(colour))
        painter.end()
