"""Encode a clip and its words once, as a voice prompt from which `lewm say --prompt` goes on.

lewm prompt clip.wav "What is said in it." voice.safetensors
lewm say "And so it goes on." --prompt voice.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lewm_core.commands._shared import (
    InputError,
    add_machine_arguments,
    load_synthesiser,
    print_json,
    read_text,
)

HELP = "prepare a clip as a voice prompt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "clip", type=Path, metavar="CLIP", help="recorded speech, 3 to 10 s: WAV, FLAC, OGG or MP3"
    )
    parser.add_argument("text", metavar="TEXT", help='what is said in the clip; "-" reads standard input')
    parser.add_argument("out", type=Path, metavar="OUT.safetensors")
    parser.add_argument(
        "--language",
        metavar="TAG",
        help="how to read the text (default: as its script suggests): en-US, en-GB, hi",
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="a LeWM-TTS checkpoint (default: the embedded voice)"
    )
    add_machine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.out.suffix.lower() != ".safetensors":
        raise InputError(f"{arguments.out} does not end in .safetensors.")
    text = read_text(arguments.text)
    arguments.vocoder = "griffin-lim"  # nothing is heard; this one loads at once
    synthesiser = load_synthesiser(arguments)

    from lewm_core.voice_prompt import prepare_prompt

    prompt = prepare_prompt(synthesiser, arguments.clip, text, arguments.language)
    prompt.save(arguments.out)
    if arguments.json:
        print_json(
            {"out": str(arguments.out), **prompt.facts(), "checkpoint_sha256": prompt.checkpoint_sha256}
        )
    else:
        print(
            f"{arguments.out}: {prompt.seconds:.2f} s, {len(prompt.latents)} latents, for {synthesiser.info.path.name}"
        )
    return 0
