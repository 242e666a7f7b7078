"""Draw ground truth, reconstruction, teacher-forced and autoregressive mel of a clip, with their mel L1.

lewm compare clip.wav --text "What is said in it." --speaker heart --out figure.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lewm_core.commands._shared import (
    InputError,
    add_voice_arguments,
    fitting_speaker,
    load_synthesiser,
    print_json,
    read_text,
    run_with_bar,
)
from lewm_core.figure import FORMATS, TITLES, draw_comparison

HELP = "draw the four mels of a clip and measure them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clip", type=Path, metavar="CLIP.wav", help="recorded speech: WAV, FLAC, OGG or MP3")
    parser.add_argument("--text", required=True, help='what is said in the clip; "-" reads standard input')
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FIGURE.png", help="the figure: .png or .svg"
    )
    parser.add_argument(
        "--colour-map", default="magma", metavar="NAME", help="matplotlib colour map (default magma)"
    )
    add_voice_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.out.suffix.lower() not in FORMATS:
        raise InputError(f"{arguments.out} does not end in {' or '.join(FORMATS)}.")
    text = read_text(arguments.text)
    synthesiser = load_synthesiser(arguments)
    speaker = fitting_speaker(arguments.speaker, text, synthesiser.info.speakers)
    job = synthesiser.compare(
        arguments.clip, text, speaker, seed=arguments.seed, temperature=arguments.temperature
    )
    comparison = run_with_bar(job)
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
            }
        )
        return 0
    print(f"{arguments.out}: {arguments.clip.name} and {speaker}")
    for name, pane in comparison.panes.items():
        distance = "" if pane.mel_l1 is None else f"mel L1 {pane.mel_l1:.3f}"
        print(f"  {TITLES[name]:<26} {len(pane.wave) / comparison.sample_rate:6.2f} s  {distance}".rstrip())
    return 0
