"""Write the comparison of a clip as one HTML page: pictures, players, numbers with their definitions, recipe.

lewm report clip.wav --text "What is said in it." --out page.html
lewm report epoch-110.safetensors clip.wav --text "What is said in it." --out page.html
lewm report clip.wav --text "What is said in it." --against epoch-90.safetensors --formants --out page.html
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
from lewm_core.report_extras import (
    FORCED,
    FREE,
    NOISE,
    REBUILT,
    SECOND,
    TRUTH,
    DifferenceWish,
    FormantWish,
    ReportExtras,
    SecondRun,
)

KEYS = (TRUTH, REBUILT, FORCED, FREE, NOISE)
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
    extras = parser.add_argument_group("what is shown besides")
    extras.add_argument(
        "--against", type=Path, metavar="CHECKPOINT", help="a second checkpoint, B: same clip, speaker, seed"
    )
    extras.add_argument(
        "--formants", action="store_true", help="formant tracks are drawn when the page opens"
    )
    extras.add_argument(
        "--difference",
        nargs=2,
        metavar=("A", "B"),
        help=f"the pane A minus the pane B in dB: {', '.join(KEYS)}",
    )
    extras.add_argument(
        "--noise-of", choices=(REBUILT, FORCED, FREE), default=REBUILT, metavar="PANE",
        help="the pane whose mel L1 the matched noise has (default reconstruction)",
    )  # fmt: skip
    add_voice_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    clip = _files(arguments)
    if arguments.out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{arguments.out} does not end in .html.")
    difference = _difference(arguments)
    text = read_text(arguments.text)
    synthesiser = load_synthesiser(arguments)

    from lewm_core.figure import known_colour_map
    from lewm_core.report import ReportSettings, make_report, write_report

    colours = known_colour_map(arguments.colour_map)
    speaker = fitting_speaker(arguments.speaker, text, synthesiser.info.speakers)
    job = synthesiser.compare(clip, text, speaker, seed=arguments.seed, temperature=arguments.temperature)
    comparison = run_with_bar(job)
    extras = ReportExtras(
        second=_second(arguments, clip, text, speaker), noise_of=arguments.noise_of,
        formants=FormantWish(shown=arguments.formants), difference=difference,
    )  # fmt: skip
    settings = ReportSettings(
        clip_name=clip.name, note=arguments.note, facts=synthesiser.info.rows(), colours=colours,
        audio=arguments.audio, vocode=synthesiser.vocoder.decode, extras=extras,
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


def _second(arguments: argparse.Namespace, clip: Path, text: str, speaker: str) -> SecondRun | None:
    """What ``--against`` makes of the same clip with the same speaker, seed and vocoder."""
    if arguments.against is None:
        return None
    from lewm_core.inference import Synthesiser

    other = Synthesiser.load(arguments.against, arguments.vocoder)
    job = other.compare(clip, text, speaker, seed=arguments.seed, temperature=arguments.temperature)
    panes = {name: (pane.mel, pane.wave) for name, pane in run_with_bar(job).panes.items() if name != TRUTH}
    return SecondRun(arguments.against.name, panes, tuple(other.info.rows()))


def _difference(arguments: argparse.Namespace) -> DifferenceWish | None:
    if arguments.difference is None:
        return None
    known = [*KEYS, *(SECOND + key for key in (REBUILT, FORCED, FREE) if arguments.against is not None)]
    for name in arguments.difference:
        if name not in known:
            raise InputError(f"There is no pane {name!r}; choose one of {', '.join(known)}.")
    return DifferenceWish(*arguments.difference)
