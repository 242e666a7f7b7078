"""Write a voice as ONNX graphs, for ONNX Runtime on other machines and in other languages.

lewm export voice.safetensors OUT_DIR
lewm say --checkpoint OUT_DIR "Hello."      speaks with what was written, without torch
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lewm_core.commands._shared import print_json

HELP = "write a voice as ONNX graphs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help='a checkpoint, or "embedded"')
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="folder for the graphs")
    parser.add_argument("--vocoder", metavar="NAME|PATH", help="default: the checkpoint's")
    parser.add_argument(
        "--precision", choices=("int8", "float32"), default="int8", help="of the predictor (default int8)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from lewm_core.exported_voice import export_voice
    from lewm_core.inference import embedded_checkpoint

    is_embedded = str(arguments.checkpoint) == "embedded"
    checkpoint = embedded_checkpoint() if is_embedded else arguments.checkpoint
    files = export_voice(checkpoint, arguments.out, arguments.vocoder, arguments.precision)
    sizes = {path.name: path.stat().st_size for path in files}
    if arguments.json:
        print_json({"folder": str(arguments.out), "bytes": sizes})
    else:
        for name, size in sizes.items():
            print(f"{arguments.out / name}  {size / 1e6:.1f} MB")
    return 0
