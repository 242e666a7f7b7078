"""Turn recordings with transcripts into a data folder for `lewm train`.

lewm preprocess train.jsonl data --split train
lewm preprocess dev.jsonl data --split dev --audio-root recordings --language emma=en-GB

LIST is JSON lines: {"audio": "a/1.wav", "text": "...", "speaker": "heart", "language": "en-US"}.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lewm_core.commands._shared import InputError, positive, print_json

HELP = "turn recordings into mels for training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("list", type=Path, metavar="LIST.jsonl")
    parser.add_argument("out", type=Path, metavar="OUT", help="data folder, made where it is missing")
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    parser.add_argument("--audio-root", type=Path, metavar="DIR", help="default: the list's folder")
    parser.add_argument(
        "--language", action="append", default=[], metavar="SPEAKER=TAG",
        help="a speaker's language where the list is less exact: emma=en-GB (may be given again)",
    )  # fmt: skip
    parser.add_argument("--workers", type=positive, metavar="N", help="processes (default: one a core)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from lewm_core.preprocess import preprocess, read_list

    recordings = read_list(arguments.list, arguments.audio_root, _languages(arguments.language))
    with tqdm(total=len(recordings), disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        report = preprocess(
            recordings,
            arguments.out,
            arguments.split,
            arguments.workers,
            lambda done, _: bar.update(done - bar.n),
        )
    hours = report.frames / 93.75 / 3600
    if arguments.json:
        print_json({"utterances": report.utterances, "hours": hours, "speakers": report.speakers,
                    "rejected": report.rejected})  # fmt: skip
        return 0
    print(
        f"{report.utterances} utterances, {hours:.2f} h, {len(report.speakers)} speakers in {arguments.out}"
    )
    for audio, reason in report.rejected:
        print(f"left out {audio}: {reason}", file=sys.stderr)
    return 0


def _languages(pairs: list[str]) -> dict[str, str]:
    languages = {}
    for pair in pairs:
        speaker, equals, language = pair.partition("=")
        if not equals or not speaker or not language:
            raise InputError(f"--language takes SPEAKER=TAG, such as emma=en-GB; {pair!r} is not that.")
        languages[speaker] = language
    return languages
