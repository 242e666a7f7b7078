"""The manifest of a data folder: what ``lewm preprocess`` found in the recordings, one JSON line an utterance.

A data folder holds, for each split (``train``, ``dev``), ``SPLIT.jsonl`` and ``SPLIT.f16``: all log-mels one
after another, float16, (frames, n_mels). :func:`read_manifest` reads the first, :class:`MelStore` both.

This module imports no torch: the studio's window lists and plays a data folder with it.

f mel frames of a split   m mel bands
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from lewm_core.config import MelConfig, Speaker
from lewm_core.untrusted import is_like, parse_json, shown

SPLITS = ("train", "dev")


class DataError(ValueError):
    """A list of recordings or a data folder is missing, empty or damaged; the message says what to do."""


@dataclass(frozen=True)
class Utterance:
    """One line of a manifest.

    Attributes:
        text: as it is read aloud (``lewm_core.text.normalise``).
        phonemes: its IPA.
        speaker: name.
        language: "en-US", "en-GB" or "hi".
        offset: first mel frame in the split's ``.f16``.
        frames: mel frames.
        audio: the recording, relative to the data folder (absolute if that is impossible); :func:`audio_path`.
        start: where the utterance begins in the recording, seconds.
        end: where it ends, seconds.
        estimated: the cut was found by fitting text to silences, not by time stamps.
        gain_db: what loudness normalisation applied, dB.
    """

    text: str
    phonemes: str
    speaker: str
    language: str
    offset: int
    frames: int
    audio: str = ""
    start: float = 0.0
    end: float = 0.0
    estimated: bool = False
    gain_db: float = 0.0

    @property
    def seconds(self) -> float:
        """Length of the sound that the mel was made of."""
        return self.end - self.start

    def to_line(self) -> str:
        """One line of a manifest, without the line feed."""
        return json.dumps({**asdict(self), "seconds": round(self.seconds, 4)}, ensure_ascii=False)


_REQUIRED = {field.name for field in fields(Utterance) if field.default is MISSING}
_KNOWN = {field.name for field in fields(Utterance)}
_EXAMPLE = asdict(Utterance("", "", "", "", 0, 0))
_MOST_FRAMES = 2**31


def read_manifest(folder: Path | str, split: str) -> list[Utterance]:
    """Read ``folder``/``split``.jsonl. Fields of later versions are ignored, those that came later filled in.

    Raises:
        DataError: it is missing, empty, or a line is no utterance (the line is named).
    """
    return list(each_utterance(Path(folder) / f"{split}.jsonl"))


def each_utterance(manifest: Path) -> Iterator[Utterance]:
    """The utterances of a manifest one by one; raises as ``read_manifest``, at the line where it is."""
    if not manifest.is_file():
        raise DataError(f"{manifest.parent} has no {manifest.name}; make it with `lewm preprocess`")
    is_empty = True
    try:
        # newline="\n": a text may hold U+2028, which splitlines() would take for a line's end.
        with manifest.open(encoding="utf8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    is_empty = False
                    yield _utterance_of(line, manifest, number)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{manifest} cannot be read: {error}; run `lewm preprocess` again") from None
    if is_empty:
        raise DataError(f"{manifest} lists no utterances; make it with `lewm preprocess`")


def _utterance_of(line: str, manifest: Path, number: int) -> Utterance:
    try:
        return _utterance(parse_json(line))
    except ValueError as error:
        raise DataError(f"{manifest}, line {number}: {error}; run `lewm preprocess` again") from None


def _utterance(line: Any) -> Utterance:
    if not isinstance(line, dict):
        raise ValueError("it is no object")
    missing = _REQUIRED - line.keys()
    if missing:
        raise ValueError(f"{', '.join(sorted(missing))} missing")
    for name, example in _EXAMPLE.items():
        if name in line and not is_like(line[name], example):
            raise ValueError(f"{name} is {shown(line[name])}")
    if line["offset"] < 0 or not 1 <= line["frames"] < _MOST_FRAMES:
        raise ValueError(f"offset {line['offset']} and frames {line['frames']} are no place in the mels")
    for name in ("text", "phonemes", "speaker", "language"):
        line[name].encode()  # half of a surrogate pair can be read, but never be written again
    if "end" not in line:  # written before segments existed: the whole recording
        line["end"] = line.get("start", 0.0) + line["frames"] / MelConfig().frame_rate
    return Utterance(**{key: value for key, value in line.items() if key in _KNOWN})


def audio_path(folder: Path | str, utterance: Utterance) -> Path:
    """Where the recording of an utterance lies now; it may have been moved or deleted since."""
    return Path(os.path.normpath(Path(folder) / utterance.audio))


def relative_audio(folder: Path, audio: Path) -> str:
    """``audio`` as a manifest in ``folder`` names it, with forward slashes on every system."""
    try:
        return Path(os.path.relpath(audio.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive (Windows)
        return audio.resolve().as_posix()


class MelStore:
    """All utterances of one split; mels stay on disk until asked for."""

    def __init__(self, folder: Path | str, split: str, n_mels: int = 100) -> None:
        """Open ``folder``/``split``.

        Raises:
            DataError: files are missing or do not fit each other.
        """
        folder = Path(folder)
        manifest, store = folder / f"{split}.jsonl", folder / f"{split}.f16"
        if not manifest.is_file() or not store.is_file():
            raise DataError(
                f"{folder} has no {manifest.name} and {store.name}; make them with `lewm preprocess`"
            )
        self.utterances = read_manifest(folder, split)
        size = store.stat().st_size
        if size % (2 * n_mels) or max(u.offset + u.frames for u in self.utterances) > size // (2 * n_mels):
            raise DataError(
                f"{store} is shorter than {manifest.name} says, or damaged; run `lewm preprocess` again"
            )
        self._mels = np.memmap(store, dtype=np.float16, mode="r").reshape(-1, n_mels)
        self._opened_as = folder, split, n_mels

    def __reduce__(self) -> tuple[type[MelStore], tuple[Path, str, int]]:
        # A data loader's workers open the file themselves; a pickled memory map would be a copy of all mels.
        return MelStore, self._opened_as

    def __len__(self) -> int:
        return len(self.utterances)

    def mel(self, index: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Return the log-mel (frames, n_mels) of an utterance, or a part of it, as float32."""
        row = self.utterances[index]
        stop = row.frames if frames is None else min(row.frames, start + frames)
        return np.asarray(self._mels[row.offset + start : row.offset + stop], dtype=np.float32)

    def speakers(self) -> tuple[Speaker, ...]:
        """Speakers in the order of their names, each with its language."""
        languages = {row.speaker: row.language for row in self.utterances}
        return tuple(Speaker(name, languages[name]) for name in sorted(languages))
