"""The main job without a display: speak, compare, and write the files that a person would look at."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.main import Options


def run_headless(options: Options) -> int:
    """Speak and compare, write wav, figure and a picture of the window; prints their names.

    The window is the real one, drawn by Qt's offscreen platform. Where not even that works (libraries of
    Qt missing), the core does the job alone and there is no picture of a window.
    """
    folder = Path(options.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"lewm-studio: {folder} cannot be made: {error.strerror or error}.", file=sys.stderr)
        return 2
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        import PySide6.QtWidgets  # noqa: F401  (fails where libEGL and the like are missing)
    except ImportError as error:
        print(f"lewm-studio: no picture of the window can be drawn ({error}).", file=sys.stderr)
        return _without_qt(options, folder)
    from app.examples import FIRST_TEXT
    from app.main import run_window

    wanted = replace(
        options,
        text=options.text or FIRST_TEXT,
        screenshot=options.screenshot or str(folder / "window.png"),
        fresh=True,
    )
    print("Loading the voice, speaking, comparing …", file=sys.stderr)
    return run_window(wanted, folder)


def _without_qt(options: Options, folder: Path) -> int:
    """Speak and compare with the core alone."""
    from app.examples import FIRST_TEXT, example_clips
    from app.export import ExportError, ExportItem, file_stem, free_path, write_item
    from app.session import Clip
    from lewm_core.config import DEFAULT_TEMPERATURE

    print("Loading the voice, speaking, comparing …", file=sys.stderr)
    from lewm_core.figure import draw_comparison
    from lewm_core.inference import Synthesiser, SynthesisRequest, finish

    clips = example_clips()
    clip = Clip(options.clip) if options.clip else (clips[0] if clips else None)
    text = options.text or FIRST_TEXT
    taken: set[Path] = set()
    try:
        voice = Synthesiser.load(Path(options.checkpoint) if options.checkpoint else None)
        speaker = voice.info.speakers[0].name
        spoken = finish(voice.synthesise(SynthesisRequest(text, speaker, 0, DEFAULT_TEMPERATURE)))
        path = free_path(folder, file_stem(text), ".wav", taken)
        item = ExportItem(path.stem, spoken.wave, spoken.sample_rate, spoken.mel, dict(spoken.recipe))
        files = write_item(item, path, "PCM_16")
        if clip is not None and clip.text:
            known = {one.name for one in voice.info.speakers}
            who = clip.speaker if clip.speaker in known else speaker
            comparison = finish(voice.compare(Path(clip.path), clip.text, who))
            figure = free_path(folder, "comparison", ".png", taken)
            draw_comparison(comparison, figure)
            files.append(figure)
    except (ValueError, OSError, ExportError) as error:
        print(f"lewm-studio: {error}", file=sys.stderr)
        return 1
    for written in files:
        print(written)
    return 0
