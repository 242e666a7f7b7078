"""Turn recordings with transcripts into a data folder for `lewm train`.

lewm preprocess recordings data
lewm preprocess LJSpeech-1.1 data --speaker linda --language en-US
lewm preprocess train.jsonl data --split train --audio-root recordings --language emma=en-GB

RAW is a folder, a list, or one sound file. In folders it finds LJSpeech's metadata.csv; CSV, TSV and JSONL lists with
columns audio, text, speaker, language; and beside a sound file its transcript of the same name: .TextGrid, .srt,
.vtt, .json (Whisper) with time stamps, or plain .txt. What it found is said; a killed run goes on when run again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from lewm_core.commands._shared import InputError, positive, print_json

HELP = "turn recordings into mels for training"
_NAMED = 20  # rejections that are printed; the others stand in report.json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "raw", type=Path, metavar="RAW", help="a folder of recordings, a list of them, or one sound file"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="data folder, made where it is missing")
    sides = parser.add_mutually_exclusive_group()
    sides.add_argument(
        "--split", choices=("train", "dev"), help="put everything there (default: divide by the sentences)"
    )
    sides.add_argument(
        "--dev-share",
        type=_share,
        metavar="X",
        help="share of the sentences kept for validation (default 0.02)",
    )
    parser.add_argument("--audio-root", type=Path, metavar="DIR", help="default: the list's folder")
    parser.add_argument(
        "--speaker", metavar="NAME", help="who speaks, where no list says so (default: the folder's name)"
    )
    parser.add_argument(
        "--language", action="append", default=[], metavar="[SPEAKER=]TAG",
        help="en-US, en-GB or hi where nothing else says so (default: by the script); or a speaker's language "
        "where the list is less exact: emma=en-GB (may be given again)",
    )  # fmt: skip
    parser.add_argument("--no-trim", action="store_true", help="keep silence at both ends")
    parser.add_argument(
        "--loudness",
        type=float,
        default=-23.0,
        metavar="LUFS",
        help="bring speakers to this loudness (default -23)",
    )
    parser.add_argument("--no-loudness", action="store_true", help="keep the loudness of the recordings")
    parser.add_argument(
        "--min-seconds", type=_seconds, default=0.3, metavar="S", help="leave out shorter (0.3)"
    )
    parser.add_argument(
        "--max-seconds", type=_seconds, default=30.0, metavar="S",
        help="leave out longer; cut longer recordings that have no time stamps at silences (30)",
    )  # fmt: skip
    parser.add_argument("--workers", type=positive, metavar="N", help="processes (default: one a core)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from lewm_core.preprocess import DEV_SHARE, Defaults, Recipe, discover, preprocess
    from lewm_core.preprocess.report import shortened

    language, languages = _languages(arguments.language)
    found = discover(
        arguments.raw,
        Defaults(arguments.speaker, language, languages, arguments.audio_root),
        skip=arguments.out,
    )
    kinds = ", ".join(f"{form}: {count}" for form, count in sorted(found.detected.items()))
    print(f"found in {arguments.raw}: {kinds or 'no transcripts'}", file=sys.stderr)
    recipe = Recipe(
        not arguments.no_trim,
        None if arguments.no_loudness else arguments.loudness,
        arguments.min_seconds,
        arguments.max_seconds,
    )
    share = DEV_SHARE if arguments.dev_share is None else arguments.dev_share
    bars: list[tqdm[NoReturn]] = []

    def show(done: float, total: float) -> None:
        if not bars:  # what an earlier run had done says nothing about the speed of this one
            bars.append(
                tqdm(
                    total=total,
                    initial=done,
                    disable=not sys.stderr.isatty(),
                    file=sys.stderr,
                    leave=False,
                    bar_format="{l_bar}{bar}| {n:.0f}/{total:.0f} s of sound, {remaining} left",
                )
            )
        bars[0].update(done - bars[0].n)

    try:
        report = preprocess(found, arguments.out, recipe, arguments.split, share, arguments.workers, show)
    finally:
        for bar in bars:
            bar.close()
    if arguments.json:
        print_json({**report.to_json(), "out": str(arguments.out), "reused": report.reused})
        return 0
    print("\n".join(report.lines()))
    print(f"in {arguments.out}; all that was left out: {arguments.out / 'report.json'}")
    for line in [*shortened(report.rejected, _NAMED), *(f"note: {note}" for note in report.notes)]:
        print(line, file=sys.stderr)
    return 0


def _languages(given: list[str]) -> tuple[str | None, dict[str, str]]:
    """The language for all, if one is given, and those of single speakers."""
    common: str | None = None
    languages = {}
    for pair in given:
        speaker, equals, language = pair.partition("=")
        if not equals and speaker:
            common = speaker
        elif speaker and language:
            languages[speaker] = language
        else:
            raise InputError(
                f"--language takes TAG or SPEAKER=TAG, such as hi or emma=en-GB; {pair!r} is neither."
            )
    return common, languages


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("a share lies between 0 and 1")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("seconds above 0 are needed")
    return value
