"""Say in numbers where a model loses quality on one clip: blur or noise, decoder or predictor, and whether the
free run stays on its path. Definitions: docs/analysis.md."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lewm_core.commands._shared import (
    add_clip_arguments,
    add_voice_arguments,
    compare_clip,
    print_json,
)

if TYPE_CHECKING:
    import numpy as np

    from lewm_core.analysis.drift import Drift
    from lewm_core.analysis.pane_report import PaneReport
    from lewm_core.inference import Comparison
    from lewm_core.predictor_trace import PredictorTrace

HELP = "measure where a model loses quality on a clip"
_NAMES = {
    "reconstruction": "reconstruction",
    "teacher_forced": "teacher-forced",
    "autoregressive": "autoregressive*",
    "matched_noise": "matched noise",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_clip_arguments(parser)
    add_voice_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    voice, comparison = compare_clip(arguments)
    config, speaker = voice.info.mel, comparison.speaker
    reports = _reports(comparison, config)
    drift = _drift(comparison, config.frame_rate)
    attention = {
        name: attention_numbers(pane.trace)
        for name, pane in comparison.panes.items()
        if pane.trace is not None
    }
    if arguments.json:
        print_json(
            {
                "clip": str(arguments.clip),
                "speaker": speaker,
                "panes": {name: pane_numbers(report) for name, report in reports.items()},
                "free_run": None if drift is None else drift_numbers(drift),
                "attention": attention,
                "recipe": comparison.recipe,
            }
        )
        return 0
    _print(arguments.clip, speaker, reports, drift, attention)
    return 0


def _reports(comparison: Comparison, config: Any) -> dict[str, PaneReport]:
    """A report of each pane, and of noise as strong as the reconstruction's error for comparison."""
    from lewm_core.analysis.matched_noise import add_matched_noise
    from lewm_core.analysis.pane_report import report_pane
    from lewm_core.analysis.pitch import pitch_track

    truth = comparison.panes["ground_truth"].mel
    pitch = pitch_track(comparison.original, comparison.sample_rate, truth.shape[1], config.frame_rate)
    reports = {}
    for name, pane in comparison.panes.items():
        if name != "ground_truth" and pane.mel.shape[1]:
            reports[name] = report_pane(pane.mel, truth, config, pitch, aligned=name == "autoregressive")
    if "reconstruction" in reports:
        noisy = add_matched_noise(truth, reports["reconstruction"].l1, config=config)
        reports["matched_noise"] = report_pane(noisy, truth, config, pitch)
    return reports


def _drift(comparison: Comparison, frame_rate: float) -> Drift | None:
    from lewm_core.analysis.drift import measure_drift

    free, forced = (comparison.panes.get(name) for name in ("autoregressive", "teacher_forced"))
    if free is None or not free.mel.shape[1] or forced is None:
        return None
    latents = (forced.latents, free.latents)
    if any(values is None or not len(values) for values in latents):
        latents = (None, None)
    stopped = comparison.stop_reason == "stop_head"
    return measure_drift(forced.mel, free.mel, frame_rate, *latents, stopped=stopped)


def pane_numbers(report: PaneReport) -> dict[str, Any]:
    """The report as plain data for JSON."""
    return {
        "mel_l1": report.l1,
        "blur": report.formants.mean,
        "own_contrast": report.formants.own_contrast,
        "prominence_db": report.formants.prominence_db,
        "truth_prominence_db": report.formants.truth_prominence_db,
        "harmonic_blur": report.harmonics.mean,
        "correlation_frequency": report.structure.frequency.lag_one,
        "correlation_time": report.structure.time.lag_one,
        "bias_db": report.structure.bias_db,
        "error": report.kind,
        "l1_by_class": {error.name: error.l1 for error in report.classes},
        "worst_s": [round(place.time_s, 3) for place in report.worst],
        "aligned": report.aligned,
    }


def drift_numbers(drift: Drift) -> dict[str, Any]:
    """The drift of the free run from the teacher-forced one as plain data for JSON."""
    import numpy as np

    from lewm_core.analysis.drift_verdict import drift_verdict

    return {
        "verdict": drift_verdict(drift),
        "departure_s": drift.departure_s,
        "collapse_s": drift.ending.collapse_s,
        "missing_s": drift.ending.missing_s,
        "runs_on": drift.ending.runs_on,
        "median_divergence": float(np.median(drift.free_divergence)) if drift.chance_db else None,
        "chance_db": drift.chance_db,
        "energy_ratio_db": _median(drift.energy_ratio_db),
        "latent_std_ratio": None if drift.latents is None else _median(drift.latents.std_ratio),
    }


def attention_numbers(trace: PredictorTrace) -> dict[str, Any]:
    """Focus, monotonicity and offset of every head and of the mean of all, as plain data for JSON.

    Layers and heads are counted from 1, as in the studio; an offset is None where there is no plan.
    """
    import numpy as np

    from lewm_core.analysis.attention import attention_figures

    weights, planned = trace.attention.astype(np.float32), trace.planned_units()
    every = attention_figures(weights, planned)
    mean = attention_figures(weights.mean((0, 1), keepdims=True), planned)
    layers, heads = every.focus.shape
    table = [
        {
            "layer": layer + 1, "head": head + 1, "focus": float(every.focus[layer, head]),
            "monotonicity": float(every.monotonicity[layer, head]),
            "offset": None if every.offset is None else _finite(every.offset[layer, head]),
        }
        for layer in range(layers)
        for head in range(heads)
    ]  # fmt: skip
    return {
        "mean": {
            "focus": float(mean.focus[0, 0]),
            "monotonicity": float(mean.monotonicity[0, 0]),
            "offset": None if mean.offset is None else _finite(mean.offset[0, 0]),
        },
        "sharpest": {"layer": every.sharpest[0] + 1, "head": every.sharpest[1] + 1},
        "heads": table,
    }


def _median(values: np.ndarray) -> float | None:
    import numpy as np

    there = values[np.isfinite(values)]
    return float(np.median(there)) if len(there) else None


def _finite(value: float) -> float | None:
    return float(value) if value == value else None


def _print(
    clip: Path, speaker: str, reports: dict[str, PaneReport], drift: Drift | None, attention: dict[str, Any]
) -> None:
    print(f"{clip.name} and {speaker}")
    print(
        f"{'':<17}{'mel L1':>7}{'blur':>7}{'harmonics':>11}{'contrast':>10}{'r freq':>8}{'r time':>8}  error"
    )
    for name, report in reports.items():
        print(
            f"{_NAMES[name]:<17}{report.l1:>7.3f}{_number(report.formants.mean):>7}"
            f"{_number(report.harmonics.mean):>11}{_number(report.formants.own_contrast):>10}"
            f"{_number(report.structure.frequency.lag_one):>8}{_number(report.structure.time.lag_one):>8}"
            f"  {report.kind}"
        )
    if drift is not None:
        print("* on the time axis of the clip, by dynamic time warping")
        print(f"free run: {drift_numbers(drift)['verdict']}")
    for name, run in attention.items():
        sharpest = run["sharpest"]
        (best,) = (head for head in run["heads"] if sharpest.items() <= head.items())
        where = f"layer {sharpest['layer']}, head {sharpest['head']}"
        print(
            f"attention, {_NAMES[name].rstrip('*')}: mean {_said(run['mean'])}; sharpest {where} {_said(best)}"
        )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _said(head: dict[str, Any]) -> str:
    words = f"focus {head['focus']:.2f}, monotonic {100 * head['monotonicity']:.0f} %"
    return words if head["offset"] is None else f"{words}, {head['offset']:.1f} units off the plan"
