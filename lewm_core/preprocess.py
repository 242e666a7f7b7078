"""From a list of recordings to a data folder that training maps from disk.

The list is JSON lines with audio (a path, relative to the list's folder or to ``audio_root``), text,
speaker and language. Broken recordings are left out and reported, never fatal.

m mel bands   t mel frames
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lewm_core.manifest import DataError, Utterance, relative_audio
from lewm_core.mel import AudioError, load_audio, log_mel
from lewm_core.phonemes import PhonemeError, phonemise
from lewm_core.text import TextError, normalise

LANGUAGE_ALIASES = {"en": "en-US"}


@dataclass(frozen=True)
class Recording:
    """One line of the list; ``language`` as a speaker's ("en-US", "en-GB", "hi")."""

    audio: Path
    text: str
    speaker: str
    language: str


@dataclass
class PreprocessReport:
    """What a run took and what it left out, with the reasons."""

    utterances: int = 0
    frames: int = 0
    speakers: dict[str, int] = field(default_factory=dict)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def read_list(path: Path, audio_root: Path | None, languages: dict[str, str]) -> list[Recording]:
    """Read a JSON-lines list.

    Args:
        languages: speaker to language, where it says more than the list does ("emma": "en-GB").

    Raises:
        DataError: the list is missing, or a line lacks a field (the line is named).
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist")
    root = audio_root if audio_root is not None else path.parent
    found = []
    for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            language = languages.get(row["speaker"], LANGUAGE_ALIASES.get(row["language"], row["language"]))
            found.append(Recording(root / row["audio"], str(row["text"]), str(row["speaker"]), str(language)))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path.name}, line {number}: {error!r}; audio, text, speaker, language are needed"
            ) from None
    if not found:
        raise DataError(f"{path} lists no recordings")
    return found


def prepare_recording(recording: Recording) -> tuple[np.ndarray, Utterance] | str:
    """Make one mel (t, m) float16 and its manifest line (audio and offset still open); or say why not."""
    try:
        text = normalise(recording.text, recording.language)
        phonemes = phonemise(text, recording.language)
        wave = load_audio(recording.audio)
        mel = log_mel(wave).T.astype(np.float16)
    except (AudioError, TextError, PhonemeError) as error:
        return str(error)
    return mel, Utterance(
        text, phonemes, recording.speaker, recording.language, 0, len(mel), end=round(len(wave) / 24_000, 4)
    )


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)  # a process a core already keeps the machine busy


def preprocess(
    recordings: list[Recording], folder: Path, split: str, workers: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> PreprocessReport:  # fmt: skip
    """Write ``folder``/``split``.f16 and .jsonl; both appear only when everything is done."""
    folder.mkdir(parents=True, exist_ok=True)
    report = PreprocessReport()
    store, manifest = folder / f"{split}.f16", folder / f"{split}.jsonl"
    partial = store.with_suffix(".f16.part")
    lines: list[str] = []
    with (
        ProcessPoolExecutor(workers or os.cpu_count() or 1, initializer=_one_thread) as pool,
        partial.open("wb") as file,
    ):
        results: Iterable[tuple[np.ndarray, Utterance] | str] = pool.map(
            prepare_recording, recordings, chunksize=16
        )
        for number, (recording, result) in enumerate(zip(recordings, results, strict=True), 1):
            on_progress(number, len(recordings))
            if isinstance(result, str):
                report.rejected.append((str(recording.audio), result))
                continue
            mel, line = result
            file.write(mel.tobytes())
            audio = relative_audio(folder, recording.audio)
            lines.append(replace(line, audio=audio, offset=report.frames).to_line())
            report.utterances += 1
            report.frames += len(mel)
            report.speakers[recording.speaker] = report.speakers.get(recording.speaker, 0) + 1
    if not lines:
        partial.unlink()
        raise DataError(
            f"none of {len(recordings)} recordings could be used; the first: {report.rejected[0]}"
        )
    os.replace(partial, store)
    manifest.write_text("\n".join(lines) + "\n", encoding="utf8")
    return report
