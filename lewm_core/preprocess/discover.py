"""What lies in a folder of recordings: lists, transcripts beside the sound files, and what lacks either."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from lewm_core.manifest import DataError
from lewm_core.preprocess.lists import LIST_SUFFIXES, list_format, read_list, read_utf8
from lewm_core.preprocess.recordings import (
    AUDIO_SUFFIXES,
    FOREIGN_SUFFIXES,
    Defaults,
    Recording,
    Rejection,
)
from lewm_core.preprocess.timestamps import STAMPED_SUFFIXES, is_stamped_json, read_spans

PLAIN = ".txt beside each recording"


@dataclass
class Discovery:
    """What was found.

    Attributes:
        recordings: in a fixed order (by path), each sound file and span once.
        detected: format to number of recordings.
        rejected: sound without a transcript, transcripts that cannot be read.
    """

    recordings: list[Recording] = field(default_factory=list)
    detected: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejection] = field(default_factory=list)


def discover(raw: Path, defaults: Defaults | None = None, skip: Path | None = None) -> Discovery:
    """Find recordings and their transcripts in a folder, a list, or beside a single sound file.

    In each folder lists come first; sound files that no list names are looked up by their own name:
    ``a.wav`` goes with ``a.TextGrid``, ``a.srt``, ``a.vtt``, ``a.json`` or else ``a.txt``.

    Args:
        skip: a folder to leave out (where the data is written).

    Raises:
        DataError: nothing to prepare was found, or a list is damaged.
    """
    defaults = defaults or Defaults()
    found = Discovery()
    if raw.is_dir():
        _search(raw, defaults, skip, found)
    elif raw.suffix.lower() in AUDIO_SUFFIXES and raw.is_file():
        _beside([raw], defaults, found)
    else:
        recordings = read_list(raw, defaults)
        form = list_format(raw) if raw.suffix.lower() != ".jsonl" else "JSONL"
        found.detected[str(form)] += len(recordings)
        found.recordings += recordings
    if not found.recordings and not found.rejected:
        raise DataError(
            f"{raw} holds no recordings with transcripts. Put a list there (metadata.csv, or a CSV, TSV or JSONL "
            "with audio and text), or beside each sound file a .txt, .srt, .vtt, .TextGrid or .json of its name."
        )
    return found


def _search(raw: Path, defaults: Defaults, skip: Path | None, found: Discovery) -> None:
    left_out = skip.resolve() if skip else None
    sounds: list[Path] = []
    listed: set[tuple[str, float]] = set()
    for top, folders, names in os.walk(raw):
        here = Path(top)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (here / name).resolve() != left_out
        )
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or left_out == here.resolve():
                continue
            if path.suffix.lower() in LIST_SUFFIXES:
                _take_list(path, defaults, found, listed)
            elif path.suffix.lower() in AUDIO_SUFFIXES | FOREIGN_SUFFIXES:
                sounds.append(path)
    claimed = {audio for audio, _ in listed}
    _beside((path for path in sounds if os.path.abspath(path) not in claimed), defaults, found)


def _take_list(path: Path, defaults: Defaults, found: Discovery, listed: set[tuple[str, float]]) -> None:
    """Add a list's recordings; corpora name the same file in several lists, so each counts once."""
    form = list_format(path)
    if form is None:
        return
    for recording in read_list(path, defaults):
        spans = recording.spans or ()
        keys = {(os.path.abspath(recording.audio), span.start) for span in spans}
        keys = keys or {(os.path.abspath(recording.audio), 0.0)}
        if keys <= listed:
            continue
        listed |= keys
        found.recordings.append(recording)
        found.detected[form] += 1


def _beside(sounds: Iterable[Path], defaults: Defaults, found: Discovery) -> None:
    for audio in sounds:
        if audio.suffix.lower() in FOREIGN_SUFFIXES:
            reason = f"{audio.suffix} is not read here; convert it: ffmpeg -i {audio.name} {audio.stem}.wav"
            found.rejected.append(Rejection(str(audio), "sound format", reason))
            continue
        try:
            recording, form = _with_transcript(audio, defaults)
        except DataError as error:
            found.rejected.append(Rejection(str(audio), "transcript", str(error)))
            continue
        found.recordings.append(recording)
        found.detected[form] += 1


def _with_transcript(audio: Path, defaults: Defaults) -> tuple[Recording, str]:
    siblings = {path.suffix.lower(): path for path in _siblings(audio)}
    for suffix, form in STAMPED_SUFFIXES.items():
        path = siblings.get(suffix)
        if path is None or (suffix == ".json" and not is_stamped_json(path)):
            continue
        spans, told = read_spans(path)
        # "SPEAKER_00" is someone else in every recording.
        spans = [replace(span, speaker=span.speaker and f"{audio.stem}-{span.speaker}") for span in spans]
        speaker = defaults.speaker_of(audio)
        language = defaults.language_of(speaker, told, " ".join(span.text for span in spans))
        return Recording(audio, "", speaker, language, tuple(spans)), form
    if ".txt" in siblings:
        text = read_utf8(siblings[".txt"]).strip()
        speaker = defaults.speaker_of(audio)
        return Recording(audio, text, speaker, defaults.language_of(speaker, "", text)), PLAIN
    raise DataError(
        f"no transcript: no list names it, and there is no {audio.stem}.txt, .srt, .vtt, .TextGrid or .json beside it"
    )


def _siblings(audio: Path) -> list[Path]:
    return [
        audio.with_name(audio.stem + suffix)
        for suffix in (".TextGrid", ".textgrid", ".srt", ".SRT", ".vtt", ".VTT", ".json", ".txt", ".TXT")
        if audio.with_name(audio.stem + suffix).is_file()
    ]
