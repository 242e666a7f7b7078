"""The TF / AR page tied to measures, timeline, mixed runs and what a person chose there last."""

from __future__ import annotations

import math

import numpy as np

from app.binding_inspector import MEASURING, NO_COMPARISON
from app.binding_views import KEYS
from app.engine_messages import Analysed, DriftFacts, PaneSound
from app.messages_mixed import AttentionFacts
from app.panes import MIXED
from app.settings import DRIFT_SECTIONS
from app.studio import Studio
from lewm_core.predictor_trace import PredictorTrace
from widgets.attention_view import AttentionMap
from widgets.drift_panel import DriftPanel
from widgets.head_chooser import Head
from widgets.mel_comparison import MelComparison

FORCED, FREE = "teacher_forced", "autoregressive"
DRIFT_DEFINITIONS = {
    "verdict": "What became of the run, against the teacher-forced prediction: stays on path, leaves it, collapses to "
    "silence, ends early, does not stop. Times are seconds in the run.\ndocs/analysis.md, drift_verdict",
    "mix": "A run between teacher forcing and the free run, along the clip's own timing.\n"
    "docs/analysis.md, Mixed runs",
    "free_from": "Up to this moment each step is told the clip's latents (teacher forcing), from there on its own. "
    "Drag the handle, here or in the mels; on release the run is made, gets a pane of its own (key 8), and is played.\n"
    "docs/analysis.md, Mixed runs",
    "own_rate": "From the moment on, the probability that a step is told the model's own output instead of the clip's "
    "latents (scheduled sampling). 100 %: free. 0 %: teacher-forced. Drawn from the seed.\n"
    "docs/analysis.md, Mixed runs",
    "latents": "Latents of both runs, a row each dimension, in standard deviations of the teacher-forced run from its "
    "mean (blue −3, red +3). Those that move most are at the bottom.\ndocs/analysis.md, latent_drift",
    "divergence": "Distance to the teacher-forced mel along the warp path, relative to that of speech that does "
    "not match: 0 identical, 1 unrelated. Red: off the path; the mark: the departure.\ndocs/analysis.md, drift",
    "energy": "Level of the free run minus the reference's over 0.5 s, at the same relative position, dB.\n"
    "docs/analysis.md, drift",
    "spread": "Spread of the latents over 0.5 s, free run / reference at the same relative position. Towards 0 when "
    "the run stands still.\ndocs/analysis.md, latent_drift",
    "stop": "What the stop head says at each step: above the line at 0.5 a free run ends. Grey: teacher-forced.\n"
    "docs/analysis.md, drift",
    "attention": "Where each step looks in the text. A cell is a head, the brighter the sharper. Dots: the unit that "
    "the plan speaks. Line: the head's own path that never goes back.\ndocs/analysis.md, Cross-attention",
    "heads": "Focus: mean of the largest weight, 1 looks at one unit at a time. Monotonic: share of steps that do not "
    "look back by more than half a unit. Off the plan: mean distance from the unit that is due.\n"
    "docs/analysis.md, Cross-attention",
    "numbers": "The run in numbers; a click on one shows its definition.\ndocs/analysis.md, drift",
    "Departure": "When the run first leaves the path in whatever way, seconds in the run.\ndocs/analysis.md, drift",
    "Energy ratio": "Level of the run minus that of the teacher-forced one, at the same relative position: median over "
    "the whole run, and over its last fifth.\ndocs/analysis.md, drift",
    "Latent-std ratio": "Spread of the latents over 0.5 s, run / reference at the same relative position: median over "
    "the whole run, and over its last fifth. Towards 0 when the run stands still.\ndocs/analysis.md, latent_drift",
    "Length": "Seconds of the run, and of the clip that the teacher-forced prediction follows.\n"
    "docs/analysis.md, drift",
    "Speech missing": "Speech of the reference that the run does not reach.\ndocs/analysis.md, drift",
    "Ended by": "The stop head, the length limit (a tenth longer than planned), the clip's end, or a person.\n"
    "docs/analysis.md, drift",
}
ENDINGS = {
    "stop_head": "the stop head",
    "max_length": "the length limit",
    "cancelled": "cancelled",
    "clip_end": "the clip's end",
}
NO_MIX = "Drag the handle, here or in the mels, to the moment from which the run shall be free."
MIXED_KEY = KEYS[MIXED]
MOMENT_PANES = ("ground_truth", "reconstruction", FORCED, FREE, MIXED)
"""Panes in which the moment can be dragged; its time is that of the first, the clip."""


class DriftBinding:
    """The page shows the drift of the comparison or of its mixed run, and asks for mixed runs."""

    def __init__(self, panel: DriftPanel, mels: MelComparison, studio: Studio) -> None:
        self._panel = panel
        self._mels = mels
        self._studio = studio
        self._run = FREE
        self._is_in_front = panel.isVisible()
        self._shown: object = None
        timeline, mixing = studio.timeline, studio.mixing
        panel.seek_requested.connect(self._seek)
        for signal in (timeline.playhead_changed, studio.player.source_changed, studio.alignment.changed):
            signal.connect(lambda *_: self._show_playhead())
        timeline.range_changed.connect(panel.set_time_range)
        panel.set_time_range(*timeline.range)
        panel.mix.wanted.connect(mixing.run)
        panel.mix.dragged.connect(lambda time: self._show_moment(time, "from {:.2f} s"))
        panel.mix.put_away_requested.connect(mixing.reset)
        mels.moment_dragged.connect(panel.mix.drag_to)
        mels.moment_let_go.connect(panel.mix.let_go)
        panel.looked_at.connect(self._on_looked_at)
        panel.run_chosen.connect(self.choose)
        panel.section_toggled.connect(lambda _key, _open: self._keep_sections())
        panel.set_open_sections(set(studio.settings.drift_sections.split()))
        panel.attention.set_choice(studio.settings.drift_run, head_of(studio.settings.drift_head))
        panel.attention.run_chosen.connect(self._on_attention_of)
        panel.attention.head_chosen.connect(lambda head: studio.set_setting("drift_head", name_of(head)))
        mixing.changed.connect(self.show)
        mixing.heard.connect(lambda _from: self.choose(MIXED))
        studio.alignment.changed.connect(self._show_mix)
        studio.inspection.changed.connect(self.show)
        studio.comparison.changed.connect(self.show)
        self.show()

    def choose(self, run: str) -> None:
        """Hold the free run or the mixed run against the teacher-forced one."""
        self._run = run
        self.show()

    def show(self) -> None:
        """Show the present measures of the chosen run; while those of a new mixed run are made, older ones stay."""
        studio, panel = self._studio, self._panel
        if studio.mixing.made is None:
            self._run = FREE
        analysis, busy, problem = self._measures()
        drift = analysis.drift if analysis is not None else None
        if drift is not None and drift is not self._shown:
            self._shown = drift
            assert analysis is not None
            self._show_drift(drift, analysis)
        elif drift is None and not (busy and self._run == MIXED and self._shown is not None):
            self._shown = None
            panel.set_run(self._run)
            panel.set_empty(MEASURING if busy else problem or NO_COMPARISON)
        self._show_mix()

    def _measures(self) -> tuple[Analysed | None, bool, str]:
        """What was measured of the chosen run, whether something is being measured, and why there is nothing."""
        inspection, mixing = self._studio.inspection, self._studio.mixing
        analysis, problem = inspection.analysis, inspection.problem
        busy = inspection.is_busy or self._studio.comparison.is_busy
        if self._run == MIXED and mixing.made is not None:
            analysis, problem = mixing.analysis, mixing.problem
            busy = analysis is None and not problem
        if analysis is not None:
            problem = analysis.drift_problem
        return analysis, busy, problem

    def _show_drift(self, drift: DriftFacts, analysis: Analysed) -> None:
        panel, result, made = self._panel, self._studio.comparison.result, self._studio.mixing.made
        assert result is not None
        panes, stop_reason, what = result.panes, result.stop_reason, "The free run"
        attention = analysis.attention
        if self._run == MIXED and made is not None:
            panes, stop_reason = {**panes, MIXED: made.pane}, made.stop_reason
            what = f"Mixed run, {made.remark},"
            measured = self._studio.inspection.analysis
            attention = {**(measured.attention if measured is not None else {}), **attention}
        verdict = drift.verdict[:1].upper() + drift.verdict[1:]
        rows = [*drift_rows(drift), ("Ended by", ENDINGS.get(stop_reason, stop_reason))]
        panel.set_run(self._run)
        explanation = f"{what} against the teacher-forced prediction"
        panel.set_drift(verdict, rows, list(drift.off_path), drift.departure_s, explanation)
        seconds = max(drift.seconds, 0.01)
        panel.set_curve("divergence", drift.divergence, len(drift.divergence) / seconds)
        panel.set_curve("energy", drift.energy_ratio_db, len(drift.energy_ratio_db) / seconds)
        spread = drift.latent_std_ratio
        panel.set_curve("spread", spread, 1.0 if spread is None else len(spread) / seconds)
        self._show_stop({FORCED: panes.get(FORCED), FREE: panes.get(self._run)})
        maps = analysis.latent_maps
        panel.set_latents(
            {} if maps is None else {FORCED: maps.forced, FREE: maps.free},
            1.0 if maps is None else maps.latent_s,
        )
        views = {}
        for slot, key in ((FORCED, FORCED), (FREE, self._run)):
            trace, facts = panes[key].trace if key in panes else None, attention.get(key)
            if trace is not None and facts is not None and len(trace.starts) == len(facts.mean_path):
                views[slot] = attention_map(trace, facts)
        panel.set_attention(views, "The predictor kept no attention here.")
        self._show_playhead()

    def _show_stop(self, panes: dict[str, PaneSound | None]) -> None:
        curves = {
            key: (_on_grid(trace), 1 / trace.step_s, trace.step_s / 2)
            for key, pane in panes.items()
            if pane is not None and (trace := pane.trace) is not None and len(trace.starts)
        }
        if FREE in curves:
            self._panel.set_curve("stop", *curves[FREE], lower=curves.get(FORCED))
        else:
            self._panel.set_curve("stop", None)

    def _show_mix(self) -> None:
        """The controls, and the moment from which the mixed run is free in plots and mels."""
        mixing, panel = self._studio.mixing, self._panel
        panel.runs.setVisible(mixing.made is not None)
        if mixing.is_busy:
            state = "Running…"
        elif mixing.made is not None:
            state = f"Has a pane of its own, key {MIXED_KEY}: {mixing.made.remark}"
        else:
            state = NO_MIX if mixing.can_run else ""
        panel.mix.set_limit(mixing.limit_s)
        panel.mix.set_state(state, mixing.made is not None, mixing.can_run)
        if not self._mels.is_moment_held:
            panel.mix.set_mix(mixing.wish.free_from_s, mixing.wish.own_rate)
            self._show_moment(panel.mix.ruler.moment() or 0.0)

    def _show_moment(self, time: float, word: str = "free") -> None:
        """Mark a moment of the clip (s): in the mels while the page is in front, in the plots if there is a run."""
        mixing, moved = self._studio.mixing, self._studio.alignment.moved
        is_held = self._mels.is_moment_held or self._panel.mix.ruler.is_held
        is_marked = is_held or mixing.is_busy or mixing.made is not None
        runs = (FORCED, FREE, MIXED) if is_marked else ()
        self._panel.set_moment({run: moved(time, FORCED, run) for run in runs})
        is_shown = mixing.can_run and self._is_in_front
        self._mels.set_moment(time if is_shown else None, MOMENT_PANES, word.format(time))

    def _show_playhead(self) -> None:
        """The playhead at the same word in all runs: along the warp path, where panes are linked by it."""
        studio = self._studio
        time, heard = studio.timeline.playhead, studio.player.source
        runs = () if time is None else (FORCED, FREE, MIXED)
        self._panel.set_playhead({run: studio.alignment.moved(time or 0.0, heard, run) for run in runs})

    def _seek(self, time: float, run: str) -> None:
        studio = self._studio
        studio.listening.seek(studio.alignment.moved(time, run, studio.player.source))

    def _on_looked_at(self, in_front: bool) -> None:
        self._is_in_front = in_front
        self._show_mix()

    def _on_attention_of(self, run: str) -> None:
        self._studio.set_setting("drift_run", run)
        self._show_mix()

    def _keep_sections(self) -> None:
        opened = [key for key in DRIFT_SECTIONS if self._panel.sections[key].is_open]
        self._studio.set_setting("drift_sections", " ".join(opened))


def attention_map(trace: PredictorTrace, facts: AttentionFacts) -> AttentionMap:
    """What the view draws of a run's attention."""
    layers, heads = facts.focus.shape
    tips: dict[Head | None, str] = {None: "Mean of all heads: " + _figures(*facts.mean_figures)}
    for layer in range(layers):
        for head in range(heads):
            offset = math.nan if facts.offset is None else float(facts.offset[layer, head])
            figures = _figures(
                float(facts.focus[layer, head]), float(facts.monotonicity[layer, head]), offset
            )
            best = ", the sharpest" if (layer, head) == facts.sharpest else ""
            tips[layer, head] = f"Layer {layer + 1}, head {head + 1}{best}: {figures}"
    return AttentionMap(
        trace.attention, facts.mean, trace.starts, trace.step_s, trace.units, facts.planned, facts.paths,
        facts.mean_path, facts.focus, tips,
    )  # fmt: skip


def _figures(focus: float, monotonicity: float, offset: float) -> str:
    words = f"focus {focus:.2f}, monotonic in {100 * monotonicity:.0f} % of steps"
    return words if math.isnan(offset) else f"{words}, {offset:.1f} units off the plan"


def head_of(name: str) -> Head | None:
    """The head of a setting: "2.1" is layer 2, head 1, counted from 0; anything else the mean of all."""
    parts = name.split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) == 2 and all(map(str.isdecimal, parts)) else None


def name_of(head: Head | None) -> str:
    """The setting that `head_of` reads."""
    return "mean" if head is None else f"{head[0]}.{head[1]}"


def _on_grid(trace: PredictorTrace) -> np.ndarray:
    """Stop probability at every multiple of a step, NaN in pauses between sentences."""
    places = np.round(trace.starts / trace.step_s).astype(np.int64)
    values = np.full(int(places[-1]) + 1, np.nan)
    values[places] = trace.stop_probability
    return values


def drift_rows(drift: DriftFacts) -> list[tuple[str, str]]:
    """The numbers of a free run as (label, value)."""
    ratio = drift.energy_ratio_db
    departure = "–" if drift.departure_s is None else f"{drift.departure_s:.2f} s"
    rows = [
        ("Departure", departure),
        ("Energy ratio", f"{_median_db(ratio)}, end {_median_db(_last_fifth(ratio))}"),
        ("Length", f"{drift.seconds:.2f} s (reference {drift.reference_seconds:.2f} s)"),
    ]
    spread = drift.latent_std_ratio
    if spread is not None:
        rows.insert(2, ("Latent-std ratio", f"{_ratio(spread)}, end {_ratio(_last_fifth(spread))}"))
    if drift.missing_s > 0:
        rows.append(("Speech missing", f"{drift.missing_s:.2f} s"))
    return rows


def _last_fifth(values: np.ndarray) -> np.ndarray:
    return values[-max(1, len(values) // 5) :]


def _ratio(values: np.ndarray) -> str:
    finite = values[np.isfinite(values)]
    return f"{np.median(finite):.2f}" if len(finite) else "–"


def _median_db(values: np.ndarray) -> str:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return "–"
    rounded = round(float(np.median(finite)), 1) + 0.0  # no minus before nothing
    return f"{rounded:+.1f} dB".replace("-", "\u2212")
