"""Put the same sentences through every checkpoint of a run, so that epochs can be heard and compared in numbers.

lewm sweep RUN --text "All night, the sailors bailed water."
lewm sweep RUN --clip clip.wav --text "What is said in it." --out sweep --json
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lewm_core.commands._shared import (
    InputError,
    add_machine_arguments,
    positive,
    print_json,
    read_text,
    run_with_bar,
    seed,
)
from lewm_core.config import DEFAULT_TEMPERATURE

if TYPE_CHECKING:
    from collections.abc import Generator

    from lewm_core.analysis.run_folder import SavedCheckpoint
    from lewm_core.inference import Progress
    from lewm_core.sweep_cells import SweepCell, SweepItem

HELP = "the same sentences through every checkpoint of a run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="RUN", help="a folder with checkpoints, or of `lewm train`"
    )
    parser.add_argument(
        "--text",
        action="append",
        required=True,
        help='a sentence; may be given again; "-" reads standard input',
    )
    parser.add_argument(
        "--clip", type=Path, metavar="CLIP.wav", help="a recording of the (one) text to rebuild"
    )
    parser.add_argument(
        "--speaker", action="append", metavar="NAME",
        help="who speaks; may be given again (default: the first who speaks the text's language)",
    )  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="for all (default 0)")
    parser.add_argument("--temperature", type=float, default=DEFAULT_TEMPERATURE, metavar="X")
    parser.add_argument("--vocoder", metavar="NAME|PATH", help="for all (default: the checkpoint's)")
    parser.add_argument(
        "--last", type=positive, metavar="N", help="only the N checkpoints of the highest steps"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write every sound and cells.csv into this folder"
    )
    add_machine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from lewm_core.analysis.run_folder import open_run

    run_folder = open_run(arguments.folder)
    checkpoints = run_folder.checkpoints[-arguments.last :] if arguments.last else run_folder.checkpoints
    if not checkpoints:
        raise InputError(
            f"{arguments.folder} holds no checkpoint of LeWM-TTS (*.safetensors, also in checkpoints/)."
        )
    items = _items(arguments)
    cells = run_with_bar(_cells(checkpoints, items, arguments), quiet=arguments.json)
    files = []
    if arguments.out is not None:
        from lewm_core.sweep_cells import write_cells

        files = [str(path) for path in write_cells(cells, arguments.out)]
    if arguments.json:
        print_json(
            {
                "run": str(arguments.folder),
                "cells": [cell.as_json() for cell in cells],
                "unfinished": list(run_folder.unfinished),
                "files": files,
            }
        )
    else:
        _print(cells)
    return 0 if any(not cell.failure for cell in cells) else 1


def _items(arguments: argparse.Namespace) -> list[SweepItem]:
    from lewm_core.sweep_cells import SweepItem

    texts = [read_text(text) for text in arguments.text]
    if arguments.clip is not None:
        if len(texts) != 1:
            raise InputError("--clip goes with one --text: what is said in it.")
        if not arguments.clip.is_file():
            raise InputError(f"There is no file {arguments.clip}. Check the name and the folder.")
    return [
        SweepItem(text, speaker, arguments.seed, arguments.temperature, arguments.clip)
        for text in texts
        for speaker in arguments.speaker or [""]
    ]


def _cells(
    checkpoints: tuple[SavedCheckpoint, ...], items: list[SweepItem], arguments: argparse.Namespace
) -> Generator[Progress, None, list[SweepCell]]:
    import torch

    from lewm_core.sweep import sweep
    from lewm_core.sweep_cells import SweepCell

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    cells = []
    for event in sweep(checkpoints, items, arguments.vocoder):
        if isinstance(event, SweepCell):
            cells.append(event)
        else:
            yield event
    return cells


def _print(cells: list[SweepCell]) -> None:
    from lewm_core.sweep_cells import FIGURES

    width = max(len(cell.checkpoint) for cell in cells)
    print(f"{'checkpoint':<{width}}{'step':>9}  {'speaker':<10}{'rendering':<16}", end="")
    print("".join(f"{name:>12}" for name in FIGURES))
    for cell in cells:
        start = f"{cell.checkpoint:<{width}}{cell.step:>9}  {cell.speaker:<10}"
        if cell.failure:
            print(start + cell.failure)
        for key, made in cell.renderings.items():
            numbers = (f"{made.figures[n]:>12.3f}" if n in made.figures else f"{'-':>12}" for n in FIGURES)
            print(f"{start}{key.replace('_', '-'):<16}{''.join(numbers)}")
