"""Rows of a data folder for the window; runs in the engine process only."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.engine_messages import ClipOpened, Step
from app.messages_data import MeasureRows, RowsMeasured

if TYPE_CHECKING:
    from lewm_core.inference import Synthesiser
    from lewm_core.manifest import MelStore


def measure_rows(
    request: MeasureRows, voice: Synthesiser, cancelled: Callable[[], bool]
) -> Generator[Step, None, RowsMeasured]:
    """The reconstruction error of each row, until it is cancelled."""
    yield Step(0.0, "Measuring the data")
    from lewm_core import data_rows

    store = _store(request.manifest, _changed(Path(request.manifest)))
    found: list[float] = []
    for _, error in data_rows.reconstruction_errors(voice.model, store, request.rows):
        found.append(error)
        if cancelled():
            break
        yield Step(len(found) / len(request.rows), "Measuring the data")
    return RowsMeasured(request.rows[: len(found)], np.array(found, dtype=np.float32))


def open_row(name: str, manifest: Path, row: int, voice: Synthesiser | None) -> Generator[Step, None, ClipOpened]:
    """A row as a clip: the mel of the data folder, the recording's sound or, without it, a vocoded one."""
    yield Step(0.1, "Reading the row")
    from lewm_core import data_rows

    store = _store(str(manifest), _changed(manifest))
    mel = data_rows.row_mel(store, row)
    wave, problem = data_rows.row_sound(manifest.parent, store, row)
    rate = 24_000
    if wave is not None:
        return ClipOpened(name, wave, rate, mel, "recording and mel of the data folder", is_stored=True)
    yield Step(0.5, "Vocoding the row")
    if voice is None:
        raise data_rows.DataError(f"Row {row} cannot be heard before a voice is loaded: {problem}.")
    wave = voice.vocoder.decode(mel)
    return ClipOpened(name, wave, rate, mel, f"vocoded from the stored mel: {problem}", is_stored=True)


def _changed(manifest: Path) -> int:
    """When it was written last; 0 where it is not there, which opening it then says."""
    return manifest.stat().st_mtime_ns if manifest.is_file() else 0


@functools.lru_cache(maxsize=2)
def _store(manifest: str, _changed: int) -> MelStore:
    """An open store, opened anew when its manifest has changed."""
    from lewm_core import data_rows

    return data_rows.open_store(manifest)
