"""Score a checkpoint on held-out sentences: reconstruction, prediction, drift, stops, attention.

lewm evaluate voice.safetensors --data data
lewm evaluate voice.safetensors --data data --limit 20 --json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lewm_core.commands._shared import positive, print_json, run_with_bar

HELP = "score a checkpoint on held-out sentences"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="made by `lewm preprocess`")
    parser.add_argument("--split", default="dev", choices=("train", "dev"))
    parser.add_argument("--limit", type=positive, metavar="N", help="at most N sentences, evenly chosen")
    parser.add_argument("--threads", type=positive, metavar="N", help="processor threads")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    import torch

    from lewm_core.checkpoint import load_checkpoint
    from lewm_core.evaluate import evaluate

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    model, info = load_checkpoint(arguments.checkpoint)
    names = [speaker.name for speaker in info.speakers]
    job = evaluate(model, names, arguments.data, arguments.split, arguments.limit)
    result = run_with_bar(job, quiet=arguments.json)
    if arguments.json:
        print_json({"checkpoint": info.path.name, "sha256": info.sha256, **result.as_json()})
        return 0
    for name, value in result.summary().items():
        shown = " ".join(f"{v:.3f}" for v in value) if isinstance(value, list) else value
        print(f"{name:<22}{shown if not isinstance(shown, float) else f'{shown:.4f}'}")
    return 0
