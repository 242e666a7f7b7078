"""Utterances of a data folder one by one: the sound of a row, and how well a model keeps its mel.

m mel bands   t mel frames
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lewm_core.manifest import DataError, MelStore, Utterance, audio_path, each_utterance

if TYPE_CHECKING:
    from lewm_core.model.lewm import LeWM

MARK = "#"


def row_name(manifest: Path | str, row: int) -> str:
    """How a row of a manifest is named where a file is asked for: "data/train.jsonl#12"."""
    return f"{manifest}{MARK}{row}"


def parse_row_name(name: str) -> tuple[Path, int] | None:
    """Manifest and row of such a name; None where it is another kind of file."""
    path, mark, row = name.rpartition(MARK)
    if not mark or not path.endswith(".jsonl") or not row.isascii() or not row.isdigit():
        return None
    return Path(path), int(row)


def read_rows(manifest: Path | str) -> list[Utterance]:
    """All utterances of a manifest, every field of the kind that it should be.

    Raises:
        DataError: it is missing, empty or damaged; the message says where and what to do.
    """
    return list(each_row(manifest))


def each_row(manifest: Path | str) -> Iterator[Utterance]:
    """The same one by one: a window that reads a large manifest keeps only what it shows."""
    path = Path(manifest)
    try:
        for number, row in enumerate(each_utterance(path)):
            if not _is_sound(row):
                raise DataError(
                    f"{path.name}, row {number}: a field has the wrong kind of value; run `lewm preprocess` again"
                )
            yield row
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not UTF-8 text. Choose a manifest made by `lewm preprocess`.") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or error}.") from None


def _is_sound(row: Utterance) -> bool:
    texts = (row.text, row.phonemes, row.speaker, row.language, row.audio)
    numbers = (row.start, row.end, row.gain_db)
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in numbers)
        and all(type(n) is int and n >= 0 for n in (row.offset, row.frames))
        and 0 <= row.start <= row.end
    )


def open_store(manifest: Path | str) -> MelStore:
    """The data folder and split that a manifest's path stands for.

    Raises:
        DataError: see ``MelStore``.
    """
    path = Path(manifest)
    read_rows(path)
    return MelStore(path.parent, path.stem)


def row_mel(store: MelStore, row: int) -> np.ndarray:
    """The mel (m, t) of a row, natural log.

    Raises:
        DataError: there is no such row.
    """
    if not 0 <= row < len(store):
        raise DataError(f"There is no row {row}; the manifest lists {len(store)}. Open it again.")
    return np.ascontiguousarray(store.mel(row).T)


def row_sound(folder: Path | str, store: MelStore, row: int) -> tuple[np.ndarray | None, str]:
    """What was recorded, at the level that was prepared: (samples,) at 24 kHz in [-1, 1].

    Returns:
        the sound and ""; or None and why there is none: the recording has moved, or does not fit the row any more.
    """
    from lewm_core.config import MelConfig
    from lewm_core.mel import AudioError
    from lewm_core.preprocess.sound import read_stretch

    utterance = store.utterances[row]
    path = audio_path(folder, utterance)
    if not utterance.audio or not path.is_file():
        return None, f"its recording {utterance.audio or '(not named)'} is not there"
    try:
        wave = read_stretch(path, utterance.start, utterance.end)
    except AudioError as error:
        return None, str(error).rstrip(".")
    wave = wave * np.float32(10 ** (utterance.gain_db / 20))
    seconds = utterance.frames / MelConfig().frame_rate
    if abs(len(wave) / MelConfig().sample_rate - seconds) > 0.1:
        return None, f"{path.name} has another length than when it was prepared"
    return np.clip(wave, -1.0, 1.0), ""


def reconstruction_errors(model: LeWM, store: MelStore, rows: Iterable[int]) -> Iterator[tuple[int, float]]:
    """Encode and decode rows; yields each with its mel L1 in nats, as it is made.

    Raises:
        DataError: there is no such row.
    """
    import torch

    for row in rows:
        truth = row_mel(store, row)
        with torch.inference_mode():
            made = model.mel_decoder(model.encode(torch.from_numpy(truth)[None]))[0, :, : truth.shape[1]]
        yield row, float(np.abs(made.numpy() - truth).mean())
