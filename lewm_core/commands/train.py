"""Train a voice in stages on a data folder made by `lewm preprocess`; a stopped run goes on where it was.

lewm train --data data --out runs/one --stage autoencoder --steps 4000
lewm train --data data --out runs/one --stage aligner --steps 1500
lewm train --data data --out runs/one --stage predictor --steps 12000 --learning-rate 6e-4
lewm train --data data --out runs/one --export voice.safetensors
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from lewm_core.commands._shared import InputError, positive, print_json
from lewm_core.config import PRESETS, preset

HELP = "train a voice, stage by stage"
_STAGES = ("autoencoder", "aligner", "predictor")
_LEARNING_RATES = {"autoencoder": 1e-3, "aligner": 2e-3, "predictor": 6e-4}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="run folder: saves, logs")
    parser.add_argument("--preset", default="studio", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--stage", choices=_STAGES)
    action.add_argument(
        "--export", type=Path, metavar="FILE", help="write the run's last save as a checkpoint"
    )
    parser.add_argument(
        "--steps", type=positive, metavar="N", help="steps in all, those already done counted"
    )
    parser.add_argument("--learning-rate", type=float, metavar="X", help="peak (default: the stage's)")
    parser.add_argument(
        "--start-from", type=Path, metavar="FILE", help="checkpoint whose tensors a new run starts with"
    )
    parser.add_argument(
        "--fresh", action="append", default=[], metavar="PREFIX",
        help="tensors of --start-from not to take over: audio_encoder.to_stats (may be given again)",
    )  # fmt: skip
    parser.add_argument("--kl", type=float, metavar="X", help="weight of the KL loss (default: the preset's)")
    parser.add_argument("--save-every", type=positive, default=200, metavar="N", help="steps (default 200)")
    parser.add_argument(
        "--validate-every", type=positive, default=500, metavar="N", help="steps (default 500)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--fp32", action="store_true", help="no bf16 autocast (slower)")
    parser.add_argument("--threads", type=positive, metavar="N", help="processor threads")
    parser.add_argument("--description", default="", metavar="TEXT", help="kept in the exported checkpoint")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    chosen = preset(arguments.preset)
    if arguments.kl is not None:
        chosen = replace(chosen, losses=replace(chosen.losses, kl=arguments.kl))
    import torch

    from lewm_core.train import export, train_stage
    from lewm_core.train_loop import LoopSettings

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.export:
        info = export(chosen, arguments.data, arguments.out, arguments.export, arguments.description)
        answer: dict[str, object] = info.as_json()
        text = "\n".join(f"{label}: {value}" for label, value in info.rows())
    else:
        if not arguments.steps:
            raise InputError("--steps is needed to train a stage.")
        settings = LoopSettings(
            steps=arguments.steps,
            learning_rate=arguments.learning_rate or _LEARNING_RATES[arguments.stage],
            save_every=arguments.save_every,
            validate_every=arguments.validate_every,
            seed=arguments.seed,
            bf16=not arguments.fp32,
        )
        figures = train_stage(
            arguments.stage,
            chosen,
            arguments.data,
            arguments.out,
            settings,
            start=arguments.start_from,
            fresh=arguments.fresh,
        )
        answer = {"stage": arguments.stage, "steps": arguments.steps, **figures}
        text = "\n".join(f"{name}: {value:.4f}" for name, value in figures.items())
    if arguments.json:
        print_json(answer)
    else:
        print(text)
    return 0
