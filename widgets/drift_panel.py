"""TF against AR: a verdict in words, the numbers, latents, curves and attention of both runs on one time axis."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QLabel, QVBoxLayout, QWidget

from widgets.attention_view import AttentionMap, AttentionView
from widgets.fold_section import FoldSection
from widgets.heat_strip import DIVERGING, HeatStrip
from widgets.mel_header import ElidedLabel
from widgets.mel_viewport import Range
from widgets.mixed_controls import MixedControls
from widgets.segmented_control import SegmentedControl
from widgets.style_sheet import set_role
from widgets.theme import current_theme
from widgets.time_strip import TimeStrip
from widgets.trace_strip import TraceStrip

MARGIN = 42
"""Pixels left of every plot of the panel: one time axis for all."""
WIDE_FROM = 620
"""Width in px from which the parts stand in two columns."""
_CURVES = {
    "divergence": ("Divergence", (0.0, 1.5)),
    "energy": ("Energy ratio, dB", (-40.0, 20.0)),
    "spread": ("Latent-std ratio", (0.0, 1.5)),
    "stop": ("Stop probability", (0.0, 1.0)),
}
_SPREAD_LEVELS = (-3.0, 3.0)
SECTIONS = {
    "mix": "Mixed run",
    "numbers": "Numbers",
    "latents": "Latents",
    "curves": "Curves",
    "attention": "Attention",
}
FORCED, FREE, MIXED = "teacher_forced", "autoregressive", "mixed"
RUNS = {FREE: ("Free run", "AR"), MIXED: ("Mixed run", "Mixed")}
"""Title and short title of the runs that can be held against the teacher-forced one."""
STOP_THRESHOLD = 0.5


class DriftPanel(QWidget):
    """Shows what it is told. All plots have the axis of the mels, s; each keeps the time of its own run on it."""

    seek_requested = Signal(float, str)
    """(time in s, key of the run whose time that is)."""
    run_chosen = Signal(str)
    """The run that a person wants to be held against the teacher-forced one: "autoregressive" or "mixed"."""
    looked_at = Signal(bool)
    """The page has come to the front, or gone."""
    section_toggled = Signal(str, bool)
    """(section, is open)."""

    def __init__(self, definitions: dict[str, str], parent: QWidget | None = None) -> None:
        """definitions: tool tips by section, curve ("divergence", ...), control, and label of a row."""
        super().__init__(parent)
        self._definitions = definitions
        self._run = FREE
        self.runs = SegmentedControl("Run that is measured", self)
        self.runs.set_segments([(key, title, "") for key, (title, _) in RUNS.items()])
        self.runs.chosen.connect(self.run_chosen)
        self._verdict = QLabel(self)
        self._verdict.setProperty("role", "title")
        self._verdict.setWordWrap(True)
        self._verdict.setToolTip(definitions.get("verdict", ""))
        self._explanation = QLabel("", self)
        self._explanation.setWordWrap(True)
        self._explanation.setToolTip(definitions.get("verdict", ""))
        set_role(self._explanation, "muted")
        self.mix = MixedControls(definitions, MARGIN, self)
        self.attention = AttentionView([(FORCED, "TF"), (FREE, "AR")], MARGIN, self)
        self.attention.set_definitions(definitions.get("attention", ""), definitions.get("heads", ""))
        self.attention.seek_requested.connect(lambda time: self._ask(time, self.attention.run))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, ElidedLabel]] = []
        self.curves = {key: self._curve(key) for key in _CURVES}
        self.curves["stop"].set_level(STOP_THRESHOLD)
        self.latents = {key: self._latents(key, label) for key, label in ((FORCED, "TF"), (FREE, "AR"))}
        self.sections = {key: self._section(key) for key in SECTIONS}
        self._fill_sections()
        self._left, self._right = QVBoxLayout(), QVBoxLayout()
        self._columns = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._columns.setContentsMargins(12, 8, 12, 12)
        self._columns.setSpacing(8)
        self._build()
        self.runs.set_key(FREE)
        self.runs.setVisible(False)
        self.set_empty("There is no free run to measure yet.")

    # ------------------------------------------------------------------ building
    def _curve(self, key: str) -> TraceStrip:
        strip = TraceStrip(f"{_CURVES[key][0]} over time", self)
        strip.set_title(_CURVES[key][0])
        strip.setFixedHeight(66)
        self._dress(strip, key, FREE)
        return strip

    def _latents(self, key: str, label: str) -> HeatStrip:
        strip = HeatStrip(f"Latents over time, {label}", self)
        strip.set_title(label)
        strip.setMinimumHeight(84)
        self._dress(strip, "latents", key)
        return strip

    def _dress(self, strip: TimeStrip, key: str, run: str) -> None:
        strip.setToolTip(self._definitions.get(key, ""))
        strip.set_margins(MARGIN, 0)
        strip.seek_requested.connect(lambda time: self._ask(time, run))

    def _section(self, key: str) -> FoldSection:
        section = FoldSection(SECTIONS[key], self._definitions.get(key, ""), self)
        section.toggled.connect(lambda is_open: self.section_toggled.emit(key, is_open))
        return section

    def _fill_sections(self) -> None:
        self.sections["mix"].column.addWidget(self.mix)
        self.sections["numbers"].column.addLayout(self._grid)
        for strip in self.latents.values():
            self.sections["latents"].column.addWidget(strip, 1)
        for curve in self.curves.values():
            self.sections["curves"].column.addWidget(curve)
        self.sections["attention"].column.addWidget(self.attention, 1)

    def _build(self) -> None:
        for column in (self._left, self._right):
            column.setSpacing(6)
            self._columns.addLayout(column, 1)
        self._left.addWidget(self.runs, 0, Qt.AlignmentFlag.AlignLeft)
        self._left.addWidget(self._verdict)
        self._left.addWidget(self._explanation)
        for key in ("mix", "latents", "curves"):
            self._left.addWidget(self.sections[key])
        self._left.addStretch(1)
        for key in ("attention", "numbers"):
            self._right.addWidget(self.sections[key])
        self._right.addStretch(1)

    # ------------------------------------------------------------------ what is shown
    def set_empty(self, message: str) -> None:
        """Say why there is nothing to show."""
        self._verdict.setText(message)
        set_role(self._verdict, "muted")
        self._explanation.setText("")
        self._show_rows([])
        for strip in self.curves.values():
            strip.set_trace(None)
            strip.set_lower_trace(None)
            strip.set_markers([])
        for heat in self.latents.values():
            heat.set_map(None)
        self.attention.set_maps({}, "")
        for section in self.sections.values():
            section.setVisible(False)

    def set_drift(
        self, verdict: str, rows: list[tuple[str, str]], off_path: list[Range], departure_s: float | None,
        explanation: str = "",
    ) -> None:  # fmt: skip
        """The verdict in words, (label, value) rows, and what to mark in the curves (s in the free run)."""
        # A number and its unit stay on one line.
        self._verdict.setText(re.sub(r"(?<=\d) (?=s\b)", "\u00a0", verdict))
        set_role(self._verdict, "title")
        self._explanation.setText(explanation)
        self._explanation.setVisible(bool(explanation))
        self._show_rows(rows)
        self.curves["divergence"].set_markers([] if departure_s is None else [departure_s], off_path)
        for section in self.sections.values():
            section.setVisible(True)

    def set_run(self, run: str) -> None:
        """Say which run is held against the teacher-forced one: "autoregressive" or "mixed"."""
        self.runs.set_key(run)
        if run != self._run:
            self._run = run
            title = RUNS[run][1]
            self.latents[FREE].set_title(title)
            self.attention.set_runs([(FORCED, "TF"), (FREE, title)])

    def set_curve(
        self, key: str, values: NDArray[np.floating] | None, rate: float = 1.0, offset: float = 0.0,
        lower: tuple[NDArray[np.floating], float, float] | None = None,
    ) -> None:  # fmt: skip
        """One of the curves: values `(frames,)`, `rate` a second from `offset` (s) on; None hides it.

        lower: values, rate and offset of a second curve, drawn thin under it. Raises KeyError.
        """
        strip = self.curves[key]
        strip.setVisible(values is not None)
        strip.set_trace(values, rate, _CURVES[key][1], "dB" if key == "energy" else "", offset)
        strip.set_lower_trace(*lower) if lower is not None else strip.set_lower_trace(None)

    def set_latents(self, maps: dict[str, NDArray[np.floating]], latent_s: float) -> None:
        """Latents `(n, dimensions)` by run, in standard deviations, `latent_s` seconds each."""
        self.sections["latents"].setVisible(bool(maps))
        for key, strip in self.latents.items():
            values = maps.get(key)
            strip.set_map(None if values is None else values.T, None, latent_s, _SPREAD_LEVELS, DIVERGING)

    def set_attention(self, maps: dict[str, AttentionMap], empty: str = "") -> None:
        """Attention by run; `empty` says why a run has none."""
        self.sections["attention"].setVisible(bool(maps))
        self.attention.set_maps(maps, empty)

    def set_open_sections(self, keys: set[str]) -> None:
        """Open these sections and fold the others; emits nothing."""
        for key, section in self.sections.items():
            section.set_open(key in keys)

    def set_time_range(self, start: float, stop: float) -> None:
        """Show the times from `start` to `stop` (s) in every plot."""
        for strip in self._strips():
            strip.set_time_range(start, stop)

    def set_playhead(self, times: dict[str, float]) -> None:
        """Move the playhead of all plots to the time (s) at which each run speaks the same; {} hides it."""
        for strip in (*self.curves.values(), self.latents[FREE]):
            strip.set_playhead(times.get(self._run))
        for strip in (self.mix.ruler, self.latents[FORCED]):
            strip.set_playhead(times.get(FORCED))
        own = {FREE: times[self._run]} if self._run in times else {}
        self.attention.set_playhead({**times, **own})

    def set_moment(self, times: dict[str, float]) -> None:
        """Mark the moment from which the mixed run is free, by the time (s) of each run; {} takes the marks away."""
        for strip in (*self.curves.values(), self.latents[FREE]):
            strip.set_moment(times.get(self._run))
        self.latents[FORCED].set_moment(times.get(FORCED))
        self.attention.strip.set_moment(times.get(FORCED if self.attention.run == FORCED else self._run))

    def verdict(self) -> str:
        """The words shown."""
        return self._verdict.text().replace("\u00a0", " ")

    def rows(self) -> list[tuple[str, str]]:
        """The numbers shown."""
        return [(label.text(), value.text()) for label, value in self._rows if not value.isHidden()]

    @property
    def is_wide(self) -> bool:
        """True while the parts stand in two columns."""
        return self._columns.direction() == QBoxLayout.Direction.LeftToRight

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two columns as soon as there is room for them."""
        super().resizeEvent(event)
        wide = self.width() >= WIDE_FROM
        if wide != self.is_wide:
            way = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
            self._columns.setDirection(way)
            self._columns.setSpacing(20 if wide else 8)
            self.attention.strip.setMinimumHeight(320 if wide else 190)
            for strip in self.latents.values():
                strip.setMinimumHeight(110 if wide else 84)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.looked_at.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.looked_at.emit(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    def _ask(self, time: float, run: str) -> None:
        self.seek_requested.emit(time, self._run if run == FREE else run)

    def _strips(self) -> list[TimeStrip]:
        return [self.mix.ruler, *self.latents.values(), *self.curves.values(), self.attention.strip]

    def _show_rows(self, rows: list[tuple[str, str]]) -> None:
        while len(self._rows) < len(rows):
            label, value = QLabel(self), ElidedLabel("", self)
            label.setProperty("role", "small")
            self._grid.addWidget(label, len(self._rows), 0)
            self._grid.addWidget(value, len(self._rows), 1)
            self._rows.append((label, value))
        for number, (label, value) in enumerate(self._rows):
            there = number < len(rows)
            if there:
                label.setText(rows[number][0])
                value.setText(rows[number][1])
                for widget in (label, value):
                    widget.setToolTip(self._definitions.get(rows[number][0], ""))
            label.setVisible(there)
            value.setVisible(there)
