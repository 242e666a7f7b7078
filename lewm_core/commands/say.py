"""Speak a text and write it as a WAV file, with its recipe as JSON beside it.

lewm say "Hello there." --speaker heart --out hello.wav
lewm say - --json < story.txt
lewm say "Hello there." --play          (heard from the first chunk on, and written too)
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from lewm_core.progress import finish

if TYPE_CHECKING:
    from lewm_core.inference import Synthesiser, SynthesisRequest, SynthesisResult
    from lewm_core.streaming import AudioChunk
    from lewm_core.voice_prompt import VoicePrompt

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
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="0.5 to 2: 2 speaks twice as fast, at the same pitch (default 1)",
    )
    parser.add_argument(
        "--format", choices=("PCM_16", "PCM_24", "FLOAT"), default="PCM_16", help="samples (default PCM_16)"
    )
    parser.add_argument(
        "--prompt", type=Path, metavar="CLIP|FILE.safetensors",
        help="go on from this speech: a clip (with --prompt-text), or a file made by `lewm prompt`",
    )  # fmt: skip
    parser.add_argument("--prompt-text", metavar="TEXT", help="what is said in the clip of --prompt")
    parser.add_argument(
        "--play", action="store_true", help="play the speech while it is being made, besides writing it"
    )
    add_voice_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    text = read_text(arguments.text)
    out = arguments.out or _free_name(Path("speech.wav"))
    if out.suffix.lower() != ".wav":
        raise InputError(f"{out} does not end in .wav; only WAV files are written.")
    check_prompt(arguments)
    synthesiser = load_synthesiser(arguments)

    from lewm_core.inference import SynthesisRequest

    request = SynthesisRequest(
        text=text,
        speaker=fitting_speaker(arguments.speaker, text, synthesiser.info.speakers),
        seed=arguments.seed,
        temperature=arguments.temperature,
        speed=arguments.speed,
        prompt=find_prompt(arguments, synthesiser),
    )
    played: dict[str, Any] = {}
    if arguments.play:
        result, played = play(synthesiser, request)
    else:
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
                **played,
            }
        )
    else:
        factor = f", real-time factor {spent / seconds:.2f}" if seconds else ""
        print(f"{out}: {seconds:.2f} s by {request.speaker}, made in {spent:.2f} s{factor}")
    return 1 if played.get("play_error") else 0


def check_prompt(arguments: argparse.Namespace) -> None:
    """Refuse a prompt and a text that do not go together, before anything is loaded."""
    is_file = arguments.prompt is not None and arguments.prompt.suffix.lower() == ".safetensors"
    if arguments.prompt is None and arguments.prompt_text is not None:
        raise InputError("--prompt-text needs --prompt with the clip in which it is said.")
    if is_file and arguments.prompt_text is not None:
        raise InputError(f"{arguments.prompt.name} holds its own words; leave --prompt-text out.")
    if arguments.prompt is not None and not is_file and arguments.prompt_text is None:
        raise InputError(f"Say with --prompt-text what is said in {arguments.prompt.name}.")


def find_prompt(arguments: argparse.Namespace, synthesiser: Synthesiser) -> VoicePrompt | None:
    """The prompt that the arguments name, loaded or made."""
    from lewm_core.voice_prompt import load_prompt, prepare_prompt

    if arguments.prompt is None:
        return None
    if arguments.prompt_text is None:
        return load_prompt(arguments.prompt, synthesiser.info)
    return prepare_prompt(synthesiser, arguments.prompt, arguments.prompt_text)


def play(synthesiser: Synthesiser, request: SynthesisRequest) -> tuple[SynthesisResult, dict[str, Any]]:
    """Speak a request and play it from the first chunk on.

    Where nothing can be played it says why at once on standard error and goes on, so that the file is written.

    Returns:
        the result, and seconds from the request to the first chunk and to the first sound ("first_chunk_s",
        "first_sound_s"), silence in its midst because a chunk came late ("missed_s"), "play_error" or None.
    """
    from lewm_core.head_start import HeadStart
    from lewm_core.playback import Loudspeaker, PlaybackError

    loudspeaker, error, head_start = None, None, HeadStart()
    try:
        loudspeaker = Loudspeaker(synthesiser.info.mel.sample_rate, head_start)
    except PlaybackError as trouble:
        error = str(trouble)
        print(f"lewm: {error}", file=sys.stderr)
    first_chunk: float | None = None
    start = time.perf_counter()

    def hear(chunk: AudioChunk) -> None:
        nonlocal first_chunk
        first_chunk = first_chunk or time.perf_counter() - start
        if loudspeaker is not None:
            head_start.note(
                spent=time.perf_counter() - start, predicted=chunk.predicted, fraction=chunk.fraction,
                chunk=len(chunk.wave) / chunk.sample_rate,
            )  # fmt: skip
            loudspeaker.play(chunk.wave)

    try:
        result: SynthesisResult = finish(synthesiser.stream(request), hear)
        if loudspeaker is not None and not loudspeaker.finish():
            error = "The sound device went away while it played."
            print(f"lewm: {error}", file=sys.stderr)
    finally:
        if loudspeaker is not None:
            loudspeaker.close()
    heard = None if loudspeaker is None else loudspeaker.first_heard
    return result, {
        "first_chunk_s": None if first_chunk is None else round(first_chunk, 4),
        "first_sound_s": None if heard is None else round(heard - start, 4),
        "missed_s": None if loudspeaker is None else round(loudspeaker.missed_seconds, 4),
        "play_error": error,
    }


def _free_name(path: Path) -> Path:
    """``path``, or the first of path-2, path-3 ... that does not exist."""
    number = 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate
