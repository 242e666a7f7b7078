"""Describe a checkpoint without loading it, or a named architecture.

lewm info                          the embedded voice
lewm info my.safetensors --json
lewm info --preset v3c
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lewm_core.commands._shared import InputError, print_json
from lewm_core.config import PRESETS, preset, to_dict

HELP = "describe a checkpoint or a preset"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "checkpoint", nargs="?", type=Path, metavar="CHECKPOINT", help="default: the embedded voice"
    )
    parser.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on standard output"
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.preset and arguments.checkpoint:
        raise InputError("Name a checkpoint or a preset, not both.")
    if arguments.preset:
        answer, rows = describe_preset(arguments.preset)
    else:
        answer, rows = describe_checkpoint(arguments.checkpoint)
    if arguments.json:
        print_json(answer)
        return 0
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"{label:<{width}}  {value}")
    return 0


def describe_checkpoint(path: Path | None) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Header of a checkpoint as JSON and as rows."""
    from lewm_core.checkpoint import inspect_checkpoint
    from lewm_core.resources_path import resource

    info = inspect_checkpoint(path or resource("voice", "studio.safetensors"))
    names = ", ".join(f"{speaker.name} ({speaker.language})" for speaker in info.speakers)
    return info.as_json(), [*info.rows(), ("Voices", names)]


def describe_preset(name: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Shape, losses and the counted parameters of a preset, in all and by part."""
    chosen = preset(name)
    parts = count_parameters(chosen.model)
    answer = {
        "preset": name,
        "summary": chosen.summary,
        "parameters": sum(parts.values()),
        "parts": parts,
        "model": to_dict(chosen.model),
        "losses": to_dict(chosen.losses),
    }
    rows = [
        ("Preset", name),
        ("Summary", chosen.summary),
        ("Parameters", f"{sum(parts.values()) / 1e6:.1f} M"),
    ]
    rows += [(f"  {part.replace('_', ' ')}", f"{count / 1e6:.2f} M") for part, count in parts.items()]
    rows += [(key.replace("_", " "), str(value)) for key, value in to_dict(chosen.model).items()]
    rows += [
        (f"loss weight: {key.replace('_', ' ')}", f"{value:g}")
        for key, value in to_dict(chosen.losses).items()
    ]
    return answer, rows


def count_parameters(config: Any) -> dict[str, int]:
    """Trained numbers of each part, counted on a model that takes no memory (torch's meta device)."""
    import torch

    from lewm_core.model.lewm import LeWM

    with torch.device("meta"):
        model = LeWM(config)
    parts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        part = name.split(".")[0]
        parts[part] = parts.get(part, 0) + parameter.numel()
    return parts
