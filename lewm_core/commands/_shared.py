"""What several commands need: input, JSON, a progress bar, the voice, a fitting speaker."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lewm_core.config import DEFAULT_TEMPERATURE, Speaker
from lewm_core.progress import Progress, finish
from lewm_core.text_characters import first_speaker_for

if TYPE_CHECKING:
    from lewm_core.inference import Comparison, Synthesiser

Result = TypeVar("Result")
MAX_SEED = 2**63 - 1


class InputError(ValueError):
    """What the person gave cannot be used; the message says what to change."""


def add_voice_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that choose the model, the vocoder and the sampling."""
    parser.add_argument(
        "--speaker",
        metavar="NAME",
        help="who speaks, or a blend such as heart:0.6+emma:0.4 (default: the first of the text's language)",
    )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="the same seed gives the same speech (default 0)"
    )
    parser.add_argument(
        "--temperature", type=float, default=DEFAULT_TEMPERATURE, metavar="X",
        help=f"0 is deterministic, higher is livelier (default {DEFAULT_TEMPERATURE:g})",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="a LeWM-TTS checkpoint (default: the embedded voice)"
    )
    parser.add_argument(
        "--vocoder", metavar="NAME|PATH",
        help="embedded, griffin-lim, charactr/vocos-mel-24khz, or a folder with a Vocos (default: the checkpoint's)",
    )  # fmt: skip
    add_machine_arguments(parser)


def add_clip_arguments(parser: argparse.ArgumentParser) -> None:
    """A clip, and what is said in it."""
    parser.add_argument("clip", type=Path, metavar="CLIP.wav", help="recorded speech: WAV, FLAC, OGG or MP3")
    parser.add_argument("--text", required=True, help='what is said in the clip; "-" reads standard input')


def add_machine_arguments(parser: argparse.ArgumentParser) -> None:
    """Options about this run: threads and the form of the answer."""
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="processor threads (default 1 for speaking)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on standard output"
    )


def seed(text: str) -> int:
    """A seed from the command line."""
    value = int(text)
    if not 0 <= value <= MAX_SEED:
        raise argparse.ArgumentTypeError(f"a seed lies between 0 and {MAX_SEED}")
    return value


def positive(text: str) -> int:
    """A whole number above 0 from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("a whole number above 0 is needed")
    return value


def read_text(argument: str) -> str:
    """The argument itself, or standard input when it is "-".

    Raises:
        InputError: standard input is not UTF-8 text.
    """
    if argument != "-":
        return argument
    if sys.stdin.isatty():
        print("Type the text, then press Ctrl+D:", file=sys.stderr)
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("Standard input is not UTF-8 text. Convert it, for instance with iconv.") from error


def load_synthesiser(arguments: argparse.Namespace) -> Synthesiser:
    """Load the checkpoint and the vocoder that the arguments name."""
    if arguments.threads:  # before anything imports torch, which reads it once
        os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    from lewm_core.inference import Synthesiser

    return Synthesiser.load(arguments.checkpoint, arguments.vocoder, arguments.threads or 1)


def fitting_speaker(name: str | None, text: str, speakers: Sequence[Speaker]) -> str:
    """The named speaker, or the first whose language is written like the text."""
    return name if name is not None else first_speaker_for(text, speakers)


def compare_clip(arguments: argparse.Namespace) -> tuple[Synthesiser, Comparison]:
    """The voice that the arguments name, and the four mels of the clip of ``add_clip_arguments`` by it."""
    text = read_text(arguments.text)
    voice = load_synthesiser(arguments)
    speaker = fitting_speaker(arguments.speaker, text, voice.info.speakers)
    job = voice.compare(arguments.clip, text, speaker, seed=arguments.seed, temperature=arguments.temperature)
    return voice, run_with_bar(job)


def run_with_bar(job: Generator[Progress, None, Result], quiet: bool = False) -> Result:
    """Run a job to its end with a progress bar on standard error, if that is a terminal."""
    from tqdm import tqdm

    with tqdm(
        total=100, disable=quiet or not sys.stderr.isatty(), leave=False, file=sys.stderr,
        bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed}",
    ) as bar:  # fmt: skip

        def show(progress: Progress) -> None:
            bar.set_description_str(progress.message, refresh=False)
            bar.n = round(100 * progress.fraction)
            bar.refresh()

        result: Result = finish(job, show)
        return result


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on one line of standard output, as UTF-8 whatever the terminal's encoding."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=not _writes_unicode(), default=str) + "\n")


def _writes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
