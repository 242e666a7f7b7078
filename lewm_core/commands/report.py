"""Write the comparison of a clip as one HTML page: pictures, players, numbers with their definitions, recipe.

lewm report clip.wav --text "What is said in it." --out page.html
lewm report epoch-110.safetensors clip.wav --text "What is said in it." --out page.html
"""

from __future__ import annotations

import argparse
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

HELP = "write a comparison as one HTML page"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="[CHECKPOINT] CLIP",
        help="a checkpoint (default: the embedded voice), and recorded speech: WAV, FLAC, OGG or MP3",
    )  # fmt: skip
    parser.add_argument("--text", required=True, help='what is said in the clip; "-" reads standard input')
    parser.add_argument("--out", type=Path, required=True, metavar="PAGE.html")
    parser.add_argument("--note", default="", metavar="TEXT", help="words of yours, put on top of the page")
    parser.add_argument(
        "--audio",
        choices=("wav", "ogg"),
        default="wav",
        help="sounds in the page: wav (exact), ogg (a tenth the size)",
    )
    parser.add_argument(
        "--colour-map", default="magma", metavar="NAME", help="matplotlib colour map (default magma)"
    )
    add_voice_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    clip = _files(arguments)
    if arguments.out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{arguments.out} does not end in .html.")
    text = read_text(arguments.text)
    synthesiser = load_synthesiser(arguments)

    from lewm_core.figure import known_colour_map
    from lewm_core.report import ReportSettings, make_report, write_report

    colours = known_colour_map(arguments.colour_map)
    speaker = fitting_speaker(arguments.speaker, text, synthesiser.info.speakers)
    job = synthesiser.compare(clip, text, speaker, seed=arguments.seed, temperature=arguments.temperature)
    comparison = run_with_bar(job)
    settings = ReportSettings(
        clip_name=clip.name, note=arguments.note, facts=synthesiser.info.rows(), colours=colours,
        audio=arguments.audio, vocode=synthesiser.vocoder.decode,
    )  # fmt: skip
    writing = make_report(comparison, synthesiser.info.mel, settings)
    while True:
        try:
            next(writing)
        except StopIteration as end:
            page: str = end.value
            break
    write_report(page, arguments.out)
    if arguments.json:
        print_json(
            {"out": str(arguments.out), "bytes": arguments.out.stat().st_size, "recipe": comparison.recipe}
        )
    else:
        print(
            f"{arguments.out}: {clip.name} and {comparison.speaker}, {arguments.out.stat().st_size / 1e6:.1f} MB"
        )
    return 0


def _files(arguments: argparse.Namespace) -> Path:
    """The clip; a checkpoint before it goes to where ``--checkpoint`` puts it."""
    files: list[Path] = arguments.files
    if len(files) > 2:
        raise InputError("Name one clip, or a checkpoint and one clip.")
    if len(files) == 2:
        if arguments.checkpoint is not None:
            raise InputError("The checkpoint is named twice: before the clip and by --checkpoint.")
        arguments.checkpoint = files[0]
    return files[-1]
