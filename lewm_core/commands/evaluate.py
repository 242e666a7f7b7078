"""Score a checkpoint on held-out sentences: reconstruction, prediction, drift, stops, attention.

lewm evaluate voice.safetensors --data data
lewm evaluate voice.safetensors --data data --limit 20 --json
lewm evaluate voice.safetensors --data data --asr faster-whisper-small --dnsmos sig_bak_ovr.onnx

What each figure means: docs/training.md. --asr and --dnsmos need pip install 'lewm-studio[eval]'.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lewm_core.commands._shared import InputError, positive, print_json, run_with_bar

if TYPE_CHECKING:
    from lewm_core.evaluate import Judges

HELP = "score a checkpoint on held-out sentences"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="made by `lewm preprocess`")
    parser.add_argument("--split", default="dev", choices=("train", "dev"))
    parser.add_argument("--limit", type=positive, metavar="N", help="at most N sentences, evenly chosen")
    parser.add_argument(
        "--asr", type=Path, metavar="DIR", help="a Whisper in CTranslate2's format: word and character error"
    )
    parser.add_argument(
        "--dnsmos", type=Path, metavar="FILE", help="sig_bak_ovr.onnx: how clean the speech sounds, 1 to 5"
    )
    parser.add_argument(
        "--vocoder",
        metavar="NAME|PATH",
        help="what --asr and --dnsmos hear it through (default: the checkpoint's)",
    )
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
    job = evaluate(
        model, names, arguments.data, arguments.split, arguments.limit, _judges(arguments, info.vocoder)
    )
    result = run_with_bar(job, quiet=arguments.json)
    if arguments.json:
        print_json({"checkpoint": info.path.name, "sha256": info.sha256, **result.as_json()})
        return 0
    for name, value in result.summary().items():
        print(f"{name:<34}{_shown(value)}")
    return 0


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(f"{item:.3f}" for item in value)
    if value is None:
        return "no sentence"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _judges(arguments: argparse.Namespace, vocoder: str) -> Judges | None:
    """Those who were asked to listen, with the vocoder that makes mels audible."""
    if arguments.asr is None and arguments.dnsmos is None:
        if arguments.vocoder is not None:
            raise InputError("--vocoder makes mels audible for --asr and --dnsmos; neither was given.")
        return None
    from lewm_core.evaluate import Judges
    from lewm_core.speech_judges import CleannessJudge, WordJudge
    from lewm_core.vocoder import load_vocoder

    threads = arguments.threads or 0
    words = WordJudge(arguments.asr, threads) if arguments.asr is not None else None
    cleanness = CleannessJudge(arguments.dnsmos, threads) if arguments.dnsmos is not None else None
    return Judges(load_vocoder(arguments.vocoder or vocoder), words, cleanness)
