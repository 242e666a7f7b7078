"""One pane of the comparison: a header row above the canvas of its mel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from widgets.mel_canvas import MelCanvas
from widgets.mel_header import MelHeader, header_height
from widgets.pair_canvas import PairCanvas
from widgets.theme import Theme

GROUND_TRUTH = "ground_truth"
ORIGINAL = "original"


@dataclass(frozen=True)
class PaneSpec:
    """A pane's key in every signal, its title, and the shortcut shown as a hint.

    The pane ``ground_truth`` has two sounds, the recording and its vocoded copy; ``shortcut`` is the key of
    the recording and ``vocoded_shortcut`` that of the copy. A ``pair`` has no sound: it shows two other mels
    against each other (:class:`~widgets.pair_canvas.PairCanvas`).
    """

    key: str
    title: str
    shortcut: str = ""
    vocoded_shortcut: str = ""
    is_pair: bool = False


class MelPane(QWidget):
    """A header and a canvas that are told things together."""

    def __init__(self, spec: PaneSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.header = MelHeader(spec.title, spec.shortcut, self.has_two_sounds, self)
        self.canvas = PairCanvas(self) if spec.is_pair else MelCanvas(self)
        self.header.play_button.setVisible(not spec.is_pair)
        self.canvas.setAccessibleName(f"{spec.title}: mel spectrogram")
        self.header.vocoded_toggled.connect(self._show_shortcut)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.canvas, 1)
        # Contents never push on the layout: rows and columns keep their size.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumSize(160, header_height(1) + self.canvas.minimumHeight())

    @property
    def has_two_sounds(self) -> bool:
        return self.spec.key == GROUND_TRUTH

    @property
    def source_key(self) -> str:
        """The listen source that this pane's play button stands for."""
        return ORIGINAL if self.has_two_sounds and not self.header.vocoded else self.spec.key

    @property
    def is_active(self) -> bool:
        """Whether this pane shows the source that is heard."""
        return self.header.active

    def set_mel(self, mel_db: NDArray[np.floating] | None, frame_rate: float, detail: str) -> None:
        """Show a mel ``(n_mels, frames)`` in dB, or the empty state, with a detail such as ``L1 0.22``."""
        self.canvas.set_mel(mel_db, frame_rate)
        self.header.set_detail(detail)

    @property
    def pair(self) -> PairCanvas:
        """The canvas of a pair. Raises TypeError for a pane of one mel."""
        if not isinstance(self.canvas, PairCanvas):
            raise TypeError(f"the pane {self.spec.key} shows one mel")
        return self.canvas

    @property
    def shows_levels(self) -> bool:
        """Whether its colours are those of the colour bar: not in a difference."""
        return not (isinstance(self.canvas, PairCanvas) and self.canvas.mode == "difference")

    def set_title(self, title: str) -> None:
        """Another title."""
        self.header.set_title(title)
        self.canvas.setAccessibleName(f"{title}: mel spectrogram")

    def set_empty_message(self, text: str) -> None:
        self.canvas.set_empty_message(text)
        self.canvas.setAccessibleDescription(text)

    def set_source(self, key: str) -> None:
        """Mark the pane when it shows the source that is heard, and say which of its two sounds that is."""
        mine = key == self.spec.key or (self.has_two_sounds and key == ORIGINAL)
        if mine and self.has_two_sounds:
            self.header.set_vocoded(key != ORIGINAL)
            self._show_shortcut(key != ORIGINAL)
        self.header.set_active(mine)

    def set_theme(self, theme: Theme) -> None:
        self.header.set_theme(theme)
        self.canvas.set_theme(theme)

    def _show_shortcut(self, vocoded: bool) -> None:
        if self.spec.vocoded_shortcut:
            self.header.set_shortcut(self.spec.vocoded_shortcut if vocoded else self.spec.shortcut)
