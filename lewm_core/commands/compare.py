"""Draw ground truth, reconstruction, teacher-forced and autoregressive mel of a clip, with their mel L1.

lewm compare clip.wav --text "What is said in it." --speaker heart --out figure.png
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lewm_core.commands._shared import (
    InputError,
    add_clip_arguments,
    add_voice_arguments,
    compare_clip,
    print_json,
    run_with_bar,
)
from lewm_core.figure import FORMATS, TITLES, draw_comparison

if TYPE_CHECKING:
    from lewm_core.inference import Comparison, Synthesiser
    from lewm_core.mixed_run import MixedSettings

HELP = "draw the four mels of a clip and measure them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_clip_arguments(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FIGURE.png", help="the figure: .png or .svg"
    )
    parser.add_argument(
        "--colour-map", default="magma", metavar="NAME", help="matplotlib colour map (default magma)"
    )
    mixed = parser.add_argument_group("a fifth pane between teacher forcing and the free run")
    mixed.add_argument(
        "--free-from", type=float, metavar="SECONDS",
        help="teacher-forced up to this moment of the clip, free from there on, along the clip's timing",
    )  # fmt: skip
    mixed.add_argument(
        "--own-rate", type=float, metavar="P",
        help="from there on each step is told the model's own output with this probability, else the clip's "
        "latents (0 teacher-forced, 1 free; default 1)",
    )  # fmt: skip
    add_voice_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.out.suffix.lower() not in FORMATS:
        raise InputError(f"{arguments.out} does not end in {' or '.join(FORMATS)}.")
    settings = _mixed_settings(arguments)
    synthesiser, comparison = compare_clip(arguments)
    speaker = comparison.speaker
    mixed: dict[str, Any] = {}
    if settings is not None:
        comparison, mixed = _with_mixed(synthesiser, comparison, arguments.clip, settings)
    draw_comparison(comparison, arguments.out, arguments.colour_map, mel_config=synthesiser.info.mel)
    if arguments.json:
        print_json(
            {
                "out": str(arguments.out),
                "clip": str(arguments.clip),
                "speaker": speaker,
                "stop_reason": comparison.stop_reason,
                "mel_l1": {name: pane.mel_l1 for name, pane in comparison.panes.items()},
                "seconds": {
                    name: round(len(pane.wave) / comparison.sample_rate, 3)
                    for name, pane in comparison.panes.items()
                },
                "recipe": comparison.recipe,
                **({"mixed": mixed} if mixed else {}),
            }
        )
        return 0
    print(f"{arguments.out}: {arguments.clip.name} and {speaker}")
    for name, pane in comparison.panes.items():
        distance = "" if pane.mel_l1 is None else f"mel L1 {pane.mel_l1:.3f}"
        print(f"  {TITLES[name]:<26} {len(pane.wave) / comparison.sample_rate:6.2f} s  {distance}".rstrip())
    if mixed:
        print(f"{mixed['remark']}: {mixed['verdict']}")
    return 0


def _mixed_settings(arguments: argparse.Namespace) -> MixedSettings | None:
    if arguments.free_from is None and arguments.own_rate is None:
        return None
    from lewm_core.mixed_run import MixedSettings

    return MixedSettings(
        free_from_s=arguments.free_from or 0.0,
        own_rate=1.0 if arguments.own_rate is None else arguments.own_rate,
        seed=arguments.seed,
        temperature=arguments.temperature,
    )


def _with_mixed(
    synthesiser: Synthesiser, comparison: Comparison, clip: Path, settings: MixedSettings
) -> tuple[Comparison, dict[str, Any]]:
    """The comparison with the mixed run as a further pane, and what is said of it."""
    from lewm_core.analysis.drift import measure_drift
    from lewm_core.analysis.drift_verdict import drift_verdict
    from lewm_core.mixed_run import render_mixed

    made = run_with_bar(
        render_mixed(synthesiser, comparison.original, comparison.text, comparison.speaker, settings)
    )
    forced = comparison.panes["teacher_forced"]
    drift = measure_drift(
        forced.mel, made.rendering.mel, synthesiser.info.mel.frame_rate, forced.latents, made.rendering.latents,
        stopped={"stop_head": True, "max_length": False}.get(made.stop_reason),
    )  # fmt: skip
    panes = {**comparison.panes, "mixed": made.rendering}
    return replace(comparison, panes=panes), {
        "remark": made.remark,
        "verdict": drift_verdict(drift),
        "departure_s": drift.departure_s,
        "stop_reason": made.stop_reason,
        "recipe": {**made.recipe, "clip": clip.name},
    }
