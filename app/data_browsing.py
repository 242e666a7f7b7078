"""A data folder that is looked through: its rows, and how well the loaded voice keeps them."""

from __future__ import annotations

import hashlib
import io
import logging
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.engine import Engine
from app.engine_messages import Failure, Step
from app.jobs import Job, ThreadJobs
from app.messages_data import MeasureRows, RowsMeasured
from app.paths import Places
from app.session import Clip
from app.voice import VoiceController
from lewm_core.data_rows import each_row, parse_row_name, row_name
from lewm_core.files import write_atomically
from widgets.data_rows import NO_ROWS, DataRows

logger = logging.getLogger(__name__)
CHUNK = 24
"""Rows that are measured at a time: the list fills visibly, and what is known is kept."""


@dataclass(frozen=True)
class _Manifest:
    """A manifest as it was read, and a digest that changes when one of its rows does."""

    path: Path
    rows: DataRows
    digest: str


class DataController(QObject):
    """Reads manifests in a thread, measures rows in the engine in chunks, keeps what was measured."""

    opened = Signal()
    """Other rows are there."""
    measured = Signal()
    """`errors` or the progress changed."""
    trouble = Signal(str)
    job_started = Signal(object)

    def __init__(
        self, engine: Engine, jobs: ThreadJobs, voice: VoiceController, places: Places, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._engine, self._jobs, self._voice, self._places = engine, jobs, voice, places
        self.manifest: Path | None = None
        self.rows = NO_ROWS
        self._digest = ""
        self.errors = np.zeros(0, np.float32)
        """Mel L1 of the reconstruction (n,), nats; NaN where it is not known."""
        self.job: Job | None = None
        self.job_rows: tuple[int, ...] = ()
        """Rows of the job that runs."""
        self._waiting: list[int] = []
        self._wanted = 0
        self._keeping: Job | None = None
        self._keep_again = ""
        voice.loaded.connect(lambda _voice: self._on_voice())

    # ------------------------------------------------------------------ open
    def open(self, manifest: Path) -> None:
        """Read a manifest; the present one stays until it has been read."""

        def work(_cancelled: Callable[[], bool]) -> Generator[Step, None, _Manifest]:
            yield Step(0.1, f"Reading {manifest.name}")
            rows, digest = read_columns(manifest)
            yield Step(0.6, f"Sorting {manifest.name}")
            return _Manifest(manifest, rows.prepare(), digest)

        job = self._jobs.start(f"Reading {manifest.name}", work, "manifest")
        job.finished.connect(self._on_read)
        job.failed.connect(self._on_failed)
        self.job_started.emit(job)

    def clip(self, row: int) -> Clip:
        """A row as a clip that can be opened as ground truth."""
        text, speaker, manifest = self.rows.texts[row], self.rows.speakers[row], self.manifest
        assert manifest is not None
        return Clip(row_name(manifest, row), text, speaker, f"{manifest.stem} {row} · {speaker}")

    def row_of(self, clip: Clip | None) -> int | None:
        """Which row a clip is; None where it is another sound."""
        named = parse_row_name(clip.path) if clip is not None else None
        return named[1] if named is not None and named[0] == self.manifest else None

    def _on_read(self, read: _Manifest) -> None:
        self.cancel()
        self.manifest, self.rows, self._digest = read.path, read.rows, read.digest
        self.errors = self._kept()
        self.opened.emit()
        self.measured.emit()

    def _on_failed(self, failure: Failure) -> None:
        if not failure.expected:
            logger.error("data\n%s", failure.details)
        self.trouble.emit(failure.message)

    # ------------------------------------------------------------------ measure
    @property
    def is_measuring(self) -> bool:
        """True while rows are being measured."""
        return self.job is not None

    @property
    def fraction(self) -> float:
        """Share of what was asked for that has been measured."""
        running = len(self.job_rows) * self.job.step.fraction if self.job is not None else 0
        return 1.0 - (len(self._waiting) + len(self.job_rows) - running) / max(1, self._wanted)

    def measure(self, rows: Sequence[int]) -> None:
        """Measure those of `rows` that are not known, in this order."""
        if self.manifest is None or not self._voice.is_ready or self.is_measuring:
            return
        wanted = np.asarray(rows, np.int64)
        self._waiting = wanted[np.isnan(self.errors[wanted])].tolist()
        self._wanted = len(self._waiting)
        self._next()

    def cancel(self) -> None:
        """Stop, and keep what was measured."""
        self._waiting = []
        if self.job is not None:
            self.job.cancel()

    def _next(self) -> None:
        if not self._waiting or self.manifest is None:
            self.measured.emit()
            return
        self.job_rows, self._waiting = tuple(self._waiting[:CHUNK]), self._waiting[CHUNK:]
        key = self._key()
        job = self._engine.submit(MeasureRows(str(self.manifest), self.job_rows), "Measuring the data", "data")
        self.job = job
        job.stepped.connect(lambda _step: self.measured.emit())
        job.finished.connect(lambda found: self._on_measured(key, found))
        job.failed.connect(self._on_measure_failed)
        job.ended.connect(lambda: self._on_ended(job))
        self.job_started.emit(job)
        self.measured.emit()

    def _on_measured(self, key: str, found: RowsMeasured) -> None:
        if key == self._key():
            self.errors[list(found.rows)] = found.l1
            self._keep(key)

    def _on_measure_failed(self, failure: Failure) -> None:
        self._waiting = []
        self._on_failed(failure)

    def _on_ended(self, job: Job) -> None:
        if self.job is job:
            self.job, self.job_rows = None, ()
            self._next()

    def _on_voice(self) -> None:
        self.cancel()
        self.errors = self._kept()
        self.measured.emit()

    # ------------------------------------------------------------------ what was measured before
    def _key(self) -> str:
        """A name for these rows and this checkpoint, which changes when one of them does; "" without them."""
        voice = self._voice.voice
        return f"{voice.facts.sha256}-{self._digest}" if self.manifest is not None and voice is not None else ""

    def _file(self, key: str) -> Path:
        return self._places.folder / "errors" / f"{key}.npy"

    def _kept(self) -> np.ndarray:
        """What is known of the present rows and checkpoint."""
        unknown = np.full(len(self.rows), np.nan, np.float32)
        key = self._key()
        if not key:
            return unknown
        try:
            kept = np.load(self._file(key), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return unknown
        fits = kept.shape == unknown.shape and kept.dtype == np.float32
        return kept if fits else unknown

    def _keep(self, key: str) -> None:
        """Write what is known; one after the other, so that an older state never comes last."""
        if self._keeping is not None:
            self._keep_again = key
            return
        data = io.BytesIO()
        np.save(data, self.errors, allow_pickle=False)

        def work(_cancelled: Callable[[], bool]) -> Generator[Step, None, None]:
            yield Step(0.5, "Keeping the measures")
            write_atomically(self._file(key), data.getvalue())

        self._keeping = self._jobs.start("Keeping the measures", work, "data-errors")
        self._keeping.failed.connect(lambda failure: logger.warning("measures not kept: %s", failure.message))
        self._keeping.ended.connect(self._on_kept)

    def _on_kept(self) -> None:
        self._keeping, key, self._keep_again = None, self._keep_again, ""
        if key and key == self._key():
            self._keep(key)


def read_columns(manifest: Path) -> tuple[DataRows, str]:
    """The rows of a manifest as the columns of a table, and their digest; raises DataError.

    Row by row: 100,000 utterances as objects would make each run of Python's garbage collector, and so the window,
    stand still for a tenth of a second.
    """
    digest = hashlib.sha256(str(manifest.resolve()).encode())
    texts: list[str] = []
    speakers: list[str] = []
    languages: list[str] = []
    seconds: list[float] = []
    estimated: list[bool] = []
    for row in each_row(manifest):
        texts.append(row.text)
        speakers.append(sys.intern(row.speaker))
        languages.append(sys.intern(row.language))
        seconds.append(row.seconds)
        estimated.append(bool(row.estimated))
        digest.update(f"{row.offset} {row.frames} ".encode())
    rows = DataRows(tuple(texts), tuple(speakers), tuple(languages), np.array(seconds), np.array(estimated))
    return rows, digest.hexdigest()[:16]
