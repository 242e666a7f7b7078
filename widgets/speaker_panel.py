"""Who speaks, chosen on a map: the speakers of the voice, the blend, and the distances between them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from widgets.blend_geometry import blend_distances
from widgets.distance_table import DistanceTable
from widgets.segmented_control import SegmentedControl
from widgets.share_bars import ShareBars
from widgets.speaker_map import MapPoints, SpeakerMap, group_colour
from widgets.style_sheet import set_role
from widgets.text_format import language_label
from widgets.theme import current_theme
from widgets.two_columns import TwoColumns

LAYOUTS = [("pca", "PCA", ""), ("mds", "MDS", "")]


@dataclass(frozen=True)
class MapLayout:
    """Places (s, 2) of the speakers on the plane, neighbours: `triangles` (k, 3) and `edges` (j, 2); and in `words`
    how truthful that is.
    """

    points: np.ndarray
    triangles: np.ndarray
    edges: np.ndarray
    words: str


class SpeakerPanel(QWidget):
    """Map, shares and distances. `weights_changed(dict)`: the person chose a speaker or a blend, by index;
    `layout_chosen(str)`: another layout of the map, "pca" or "mds".

    definitions: tool tips by "pca", "mds", "distance" and "cosine".
    """

    weights_changed = Signal(object)
    layout_chosen = Signal(str)

    def __init__(self, definitions: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definitions = definitions
        self._names: tuple[str, ...] = ()
        self._languages: tuple[str, ...] = ()
        self._layouts: dict[str, MapLayout] = {}
        self._gram = np.zeros((0, 0))
        self._message, self._words = self._label("muted"), self._label("small")
        self._kind = SegmentedControl("Layout of the map", self)
        self._kind.set_segments(LAYOUTS)
        self._kind.set_key("pca")
        self._legend = self._label("small")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self.map = SpeakerMap(self)
        self.shares = ShareBars(self)
        self._heading = QLabel("Distance from the chosen voice", self)
        set_role(self._heading, "heading")
        self._spread = self._label("small")
        self._spread.setToolTip(definitions["distance"])
        self.table = DistanceTable((definitions["distance"], definitions["cosine"]), self)
        self._copy = QPushButton("Copy all distances", self)
        self._copy.setToolTip("The table of every speaker against every other, for a spreadsheet")
        self._copy.clicked.connect(self.copy_distances)
        self._fill_columns()
        self.map.weights_changed.connect(self._on_weights)
        self.table.chosen.connect(self.map.choose)
        self._kind.chosen.connect(self._on_layout)
        self.set_empty("No voice is loaded.")

    def _label(self, role: str) -> QLabel:
        label = QLabel(self)
        label.setWordWrap(True)
        set_role(label, role)
        return label

    def _fill_columns(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._kind, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._words, 1)
        first, second = QVBoxLayout(), QVBoxLayout()
        first.addWidget(self._message)
        first.addLayout(head)
        for part in (self.map, self._legend, self.shares):
            first.addWidget(part)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._copy)
        for part_below in (self._heading, self._spread, self.table):
            second.addWidget(part_below)
        second.addLayout(row)
        for column in (first, second):
            column.setSpacing(8)
            column.addStretch(1)
        page = TwoColumns(self, first, second, fills=False)
        page.setContentsMargins(12, 8, 12, 12)
        page.setSpacing(10)

    def set_empty(self, message: str) -> None:
        """Say why there is no map."""
        self._message.setText(message)
        self.map.set_map(None)
        self._show_parts(False)

    def set_layout_key(self, key: str) -> None:
        """Show another layout, "pca" or "mds"."""
        self._kind.set_key(key)
        self._kind.setToolTip(self._definitions[key])
        self._words.setToolTip(self._definitions[key])
        self._show_layout()

    def set_speakers(
        self,
        names: tuple[str, ...],
        languages: tuple[str, ...],
        layouts: dict[str, MapLayout],
        gram: np.ndarray,
    ) -> None:
        """Show s speakers.

        layouts: by "pca" and "mds".  gram: (s, s) inner products of the embeddings, seen from their mean.
        """
        self._message.clear()
        self._names, self._languages, self._layouts, self._gram = names, languages, layouts, gram
        self.table.set_names(names)
        self._spread.setText(self._spread_words())
        self._show_layout()
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

    def _on_layout(self, key: str) -> None:
        self.set_layout_key(key)
        self.layout_chosen.emit(key)

    def _show_layout(self) -> None:
        layout = self._layouts.get(self._kind.key() or "")
        if layout is None:
            return
        known = sorted(set(self._languages))
        groups = tuple(known.index(language) for language in self._languages)
        weights = self.map.weights()
        self.map.set_map(MapPoints(self._names, groups, layout.points, layout.triangles, layout.edges))
        self.map.set_weights({index: share for index, share in weights.items() if index < len(self._names)})
        self._words.setText(layout.words)

    def _spread_words(self) -> str:
        """How near the nearest and how far the farthest two speakers are, in all dimensions."""
        own = np.diagonal(self._gram)
        first, second = np.triu_indices(len(own), 1)
        if not len(first):
            return ""
        apart = np.sqrt(np.maximum(own[first] + own[second] - 2.0 * self._gram[first, second], 0.0))
        return f"Any two speakers lie {apart.min():.2f} to {apart.max():.2f} apart."

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
        parts = (self._kind, self._words, self.map, self._legend, self.shares)
        for part in (*parts, self._heading, self._spread, self.table, self._copy):
            part.setVisible(there)
