"""Who speaks, chosen on a map: the speakers of the voice, the blend, and the distances between them."""

from __future__ import annotations

from html import escape

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from widgets.blend_geometry import blend_distances
from widgets.distance_table import DistanceTable
from widgets.speaker_map import MapPoints, SpeakerMap, group_colour
from widgets.style_sheet import set_role
from widgets.text_format import language_label
from widgets.theme import current_theme, interface_font

_BAR_HEIGHT = 22
_PARTS = 3


class SpeakerPanel(QWidget):
    """Map, shares and distances. `weights_changed(dict)`: the person chose a speaker or a blend, by index.

    definitions: tool tips by "map", "distance" and "cosine".
    """

    weights_changed = Signal(object)

    def __init__(self, definitions: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._languages: tuple[str, ...] = ()
        self._gram = np.zeros((0, 0))
        self._message = QLabel(self)
        self._message.setWordWrap(True)
        set_role(self._message, "muted")
        self._explained = QLabel(self)
        self._explained.setWordWrap(True)
        self._explained.setToolTip(definitions["map"])
        set_role(self._explained, "small")
        self.map = SpeakerMap(self)
        self._legend = QLabel(self)
        self._legend.setWordWrap(True)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        set_role(self._legend, "small")
        self.shares = ShareBars(self)
        self._heading = QLabel("Distance from the chosen voice", self)
        set_role(self._heading, "heading")
        self.table = DistanceTable((definitions["distance"], definitions["cosine"]), self)
        self._copy = QPushButton("Copy all distances", self)
        self._copy.setToolTip("The table of every speaker against every other, for a spreadsheet")
        self._copy.clicked.connect(self.copy_distances)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        for part in (self._message, self._explained, self.map, self._legend, self.shares, self._heading, self.table):
            column.addWidget(part)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._copy)
        column.addLayout(row)
        column.addStretch(1)
        self.map.weights_changed.connect(self._on_weights)
        self.table.chosen.connect(self.map.choose)
        self.set_empty("No voice is loaded.")

    def set_empty(self, message: str) -> None:
        """Say why there is no map."""
        self._message.setText(message)
        self.map.set_map(None)
        self._show_parts(False)

    def set_speakers(
        self,
        names: tuple[str, ...],
        languages: tuple[str, ...],
        points: tuple[np.ndarray, np.ndarray, np.ndarray],
        gram: np.ndarray,
        explained: tuple[float, float],
    ) -> None:
        """Show s speakers.

        points: places (s, 2), triangles (k, 3) and edges (j, 2).  gram: (s, s) inner products of the embeddings, seen
        from their mean.  explained: shares of the variance along both axes.
        """
        self._names, self._languages, self._gram = names, languages, gram
        places, triangles, edges = points
        known = sorted(set(languages))
        groups = tuple(known.index(language) for language in languages)
        self.map.set_map(MapPoints(names, groups, places, triangles, edges))
        self.table.set_names(names)
        across, up = (f"{100 * share:.0f} %" for share in explained)
        self._explained.setText(
            f"{len(names)} speakers by PCA: {across} of their variance from left to right, {up} from below to above. "
            "Click a speaker, or drag between them."
        )
        self._show_legend()
        self._show_parts(True)

    def set_weights(self, weights: dict[int, float]) -> None:
        """Show the chosen blend, by index; {} shows that none of these is chosen."""
        self.map.set_weights(weights)
        self._show_weights(weights)

    def weights(self) -> dict[int, float]:
        """The blend shown."""
        return self.map.weights()

    def distances_text(self) -> str:
        """All Euclidean and all cosine distances as tab-separated text, ready for a spreadsheet."""
        single = [blend_distances({index: 1.0}, self._gram) for index in range(len(self._names))]
        blocks = []
        for title, kind in (("Distance", 0), ("Cosine", 1)):
            lines = ["\t".join((title, *self._names))]
            lines += [
                "\t".join((name, *(f"{value:.4f}" for value in single[row][kind])))
                for row, name in enumerate(self._names)
            ]
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks) + "\n"

    def copy_distances(self) -> None:
        """Put all distances on the clipboard."""
        QApplication.clipboard().setText(self.distances_text())

    def legend(self) -> str:
        """The legend, as rich text."""
        return self._legend.text()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "table"):
            self._show_legend()

    def _on_weights(self, weights: dict[int, float]) -> None:
        self._show_weights(weights)
        self.weights_changed.emit(weights)

    def _show_weights(self, weights: dict[int, float]) -> None:
        parts = sorted(weights.items(), key=lambda part: (-part[1], self._names[part[0]]))
        known = sorted(set(self._languages))
        self.shares.set_shares(
            [(self._names[index], weight, known.index(self._languages[index])) for index, weight in parts]
        )
        if weights and len(self._gram):
            self.table.set_distances(*blend_distances(weights, self._gram))

    def _show_legend(self) -> None:
        theme = current_theme()
        entries = [
            f'<span style="color:{group_colour(place, theme)}">●</span>&nbsp;{escape(language_label(language))}'
            for place, language in enumerate(sorted(set(self._languages)))
        ]
        self._legend.setText("&nbsp;&nbsp; ".join(entry.replace(" ", "&nbsp;", 0) for entry in entries))

    def _show_parts(self, there: bool) -> None:
        self._message.setVisible(not there)
        for part in (self._explained, self.map, self._legend, self.shares, self._heading, self.table, self._copy):
            part.setVisible(there)


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
        self.setAccessibleDescription(", ".join(f"{name} {100 * share:.0f} per cent" for name, share, _ in shares))
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
            for width, colour in ((track.width(), theme.border), (track.width() * share, group_colour(group, theme))):
                path = QPainterPath()
                path.addRoundedRect(QRectF(track.left(), track.top(), width, 6), 3, 3)
                painter.fillPath(path, QColor(colour))
        painter.end()
