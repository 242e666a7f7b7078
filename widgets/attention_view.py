"""Cross-attention of one run: choose a head, see where each step looks, with the plan and the path over it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from widgets.head_chooser import Head, HeadChooser
from widgets.heat_strip import HeatStrip
from widgets.mel_header import ElidedLabel
from widgets.segmented_control import SegmentedControl

_SEEN = 0.45
"""Power that weights are raised to before they become colours, so that weak ones are seen as well."""


@dataclass(frozen=True)
class AttentionMap:
    """Attention of one run; layers l, heads h, steps k, text units u.

    Attributes:
        weights: (l, h, k, u).  mean: (k, u).
        starts: (k,) s.  step_s: seconds of a step.  labels: text of each unit.
        planned: (k,) unit of the plan, NaN for none; None without a plan.
        paths: (l, h, k) unit of each head's path, -1 for none.  mean_path: (k,).
        focus: (l, h).  tips: what is said of each head, None of the mean.
        own_history: (k,) was the step told the model's own output.
    """

    weights: NDArray[np.floating]
    mean: NDArray[np.floating]
    starts: NDArray[np.floating]
    step_s: float
    labels: tuple[str, ...]
    planned: NDArray[np.floating] | None
    paths: NDArray[np.integer]
    mean_path: NDArray[np.integer]
    focus: NDArray[np.floating]
    tips: dict[Head | None, str] = field(default_factory=dict)


class AttentionView(QWidget):
    """Offers the runs and their heads; shows one of them. `head_chosen` and `run_chosen` tell what is wanted."""

    seek_requested = Signal(float)
    head_chosen = Signal(object)
    """(layer, head) from 0 on, or None for the mean of all."""
    run_chosen = Signal(str)

    def __init__(self, runs: list[tuple[str, str]], margin: int, parent: QWidget | None = None) -> None:
        """runs: (key, label) of the runs that may be looked at; margin: pixels left of the plot."""
        super().__init__(parent)
        self._maps: dict[str, AttentionMap] = {}
        self._run = runs[0][0]
        self._head: Head | None = None
        self._times: dict[str, float] = {}
        self.runs = SegmentedControl("Run whose attention is shown", self)
        self.set_runs(runs)
        self.runs.chosen.connect(self._on_run)
        self.heads = HeadChooser(self)
        self.heads.chosen.connect(self._on_head)
        self.strip = HeatStrip("Cross-attention over time", self)
        self.strip.set_margins(margin, 0)
        self.strip.setMinimumHeight(190)
        self.strip.seek_requested.connect(self.seek_requested)
        self._figures = QLabel("", self)
        self._figures.setProperty("role", "small")
        self._figures.setWordWrap(True)
        self._readout = ElidedLabel("", self)
        self._readout_tip = ""
        self._readout.setProperty("role", "small")
        top = QHBoxLayout()
        top.addWidget(self.runs)
        top.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.heads)
        column.addWidget(self.strip, 1)
        column.addWidget(self._readout)
        column.addWidget(self._figures)
        self.set_maps({}, "")

    def set_definitions(self, plot: str, figures: str) -> None:
        """Tool tips of the plot, and of the figures below it."""
        self.strip.setToolTip(plot)
        self._readout_tip = plot
        self._figures.setToolTip(figures)
        self._show_readout()

    def set_runs(self, runs: list[tuple[str, str]]) -> None:
        """Name the runs: (key, label)."""
        self.runs.set_segments([(key, label, "") for key, label in runs])
        self.runs.set_key(self._run)

    def set_maps(self, maps: dict[str, AttentionMap], empty: str) -> None:
        """Show the attention of these runs, by key; `empty` says why one has none."""
        self._maps = maps
        self.strip.set_empty_message(empty)
        self._show()

    def set_choice(self, run: str, head: Head | None) -> None:
        """Show which run and which head is chosen; emits nothing."""
        self._run, self._head = run, head
        self.runs.set_key(run)
        self._show()

    def set_playhead(self, times: dict[str, float]) -> None:
        """Move the playhead to the time (s) of each run, by key, and say what is looked at there; {} hides it."""
        self._times = times
        self.strip.set_playhead(times.get(self._run))
        self._show_readout()

    @property
    def run(self) -> str:
        """The key of the run that is shown."""
        return self._run

    def readout(self) -> str:
        """What is said of the step at the playhead."""
        return self._readout.text()

    def figures(self) -> str:
        """What is said of the chosen head."""
        return self._figures.text()

    def _shown(self) -> tuple[AttentionMap, NDArray[np.floating], NDArray[np.integer]] | None:
        """The run, the weights (k, u) of the chosen head and its path (k,)."""
        run = self._maps.get(self._run)
        if run is None:
            return None
        layers, heads = run.weights.shape[:2]
        if self._head is None or self._head[0] >= layers or self._head[1] >= heads:
            return run, run.mean, run.mean_path
        return run, run.weights[self._head], run.paths[self._head]

    def _show(self) -> None:
        shown = self._shown()
        self.strip.set_playhead(self._times.get(self._run))
        if shown is None:
            self.strip.set_map(None)
            self.strip.set_labels(())
            self.heads.set_heads(np.zeros((0, 0)), {})
            self._figures.setText("")
            self._show_readout()
            return
        run, weights, path = shown
        layers, heads = run.focus.shape
        fits = self._head is not None and self._head[0] < layers and self._head[1] < heads
        head = self._head if fits else None
        self.heads.set_heads(run.focus, run.tips)
        self.heads.set_current(head)
        self.strip.set_map(weights.T, run.starts, run.step_s, (0.0, max(float(weights.max()), 1e-6)), gamma=_SEEN)
        self.strip.set_labels(run.labels)
        plan = [] if run.planned is None else [("plan", run.planned)]
        self.strip.set_paths([("own", path.astype(np.float64)), *plan])
        self.strip.set_title(
            "Mean of all heads" if head is None else f"Layer {head[0] + 1}, head {head[1] + 1}"
        )
        self._figures.setText(run.tips.get(head, ""))
        self._show_readout()

    def _show_readout(self) -> None:
        shown = self._shown()
        time = self._times.get(self._run)
        step = None if shown is None or time is None else self.strip.column_at(time)
        if shown is None or step is None:
            self._say("Dots: the plan. Line: the head's own path." if shown else "")
            return
        run, weights, _ = shown
        unit = int(np.argmax(weights[step]))
        text = f"At {time:.2f} s: looks at “{run.labels[unit] or '·'}” ({float(weights[step, unit]):.2f})"
        planned = None if run.planned is None else run.planned[step]
        if planned is not None:
            text += (
                f", the plan is at “{run.labels[int(planned)]}”"
                if np.isfinite(planned)
                else ", past the plan"
            )
        self._say(text)

    def _say(self, text: str) -> None:
        self._readout.setText(text)
        self._readout.setToolTip(self._readout_tip or text)

    def _on_head(self, head: Head | None) -> None:
        self._head = head
        self._show()
        self.head_chosen.emit(head)

    def _on_run(self, run: str) -> None:
        self._run = run
        self._show()
        self.run_chosen.emit(run)
