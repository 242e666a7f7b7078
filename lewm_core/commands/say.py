"""Speak a text and write it as a WAV file, with its recipe as JSON beside it.

lewm say "Hello there." --speaker heart --out hello.wav
lewm say - --json < story.txt
"""

from __future__ import annotations

import argparse
import json
import sys
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
from lewm_core.files import write_atomically
from lewm_core.mel import write_wav

HELP = "speak a text into a WAV file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help='what to say; "-" reads standard input')
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.wav",
        help="where to write (default: speech.wav, never over an old one)",
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="X", help="2 speaks twice as fast (default 1)"
    )
    parser.add_argument(
        "--format", choices=("PCM_16", "PCM_24", "FLOAT"), default="PCM_16", help="samples (default PCM_16)"
    )
    add_voice_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    text = read_text(arguments.text)
    out = arguments.out or _free_name(Path("speech.wav"))
    if out.suffix.lower() != ".wav":
        raise InputError(f"{out} does not end in .wav; only WAV files are written.")
    synthesiser = load_synthesiser(arguments)

    from lewm_core.inference import SynthesisRequest

    request = SynthesisRequest(
        text=text,
        speaker=fitting_speaker(arguments.speaker, text, synthesiser.info.speakers),
        seed=arguments.seed,
        temperature=arguments.temperature,
        speed=arguments.speed,
    )
    result = run_with_bar(synthesiser.synthesise(request))
    write_wav(out, result.wave, result.sample_rate, arguments.format)
    recipe_file = write_atomically(
        out.with_suffix(".json"), (json.dumps(result.recipe, ensure_ascii=False, indent=2) + "\n").encode()
    )
    seconds, spent = len(result.wave) / result.sample_rate, sum(result.timings.values())
    if result.stop_reason == "max_length":
        print("lewm: the voice did not stop by itself; the end may be cut or repeat itself", file=sys.stderr)
    if arguments.json:
        print_json(
            {
                "out": str(out),
                "recipe_file": str(recipe_file),
                "seconds": round(seconds, 3),
                "sample_rate": result.sample_rate,
                "stop_reason": result.stop_reason,
                "timings": {stage: round(time, 4) for stage, time in result.timings.items()},
                "real_time_factor": round(spent / seconds, 4) if seconds else None,
                "recipe": result.recipe,
            }
        )
    else:
        factor = f", real-time factor {spent / seconds:.2f}" if seconds else ""
        print(f"{out}: {seconds:.2f} s by {request.speaker}, made in {spent:.2f} s{factor}")
    return 0


def _free_name(path: Path) -> Path:
    """``path``, or the first of path-2, path-3 ... that does not exist."""
    number = 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate
