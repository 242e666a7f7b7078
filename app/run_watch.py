"""Watches a run folder while training goes on: new checkpoints, growing logs. Files are read in threads."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from app.engine_messages import Failure, Step
from app.jobs import Job, ThreadJobs
from lewm_core.analysis.run_folder import CHECKPOINTS, Curve, LogReader, RunFolder, open_run

POLL_MILLISECONDS = 3000
"""Logs grow without a word from the file system, and network folders say nothing at all: look now and then."""


@dataclass(frozen=True)
class Sight:
    """What a look into the folder found."""

    run: RunFolder
    curves: tuple[Curve, ...]


class RunWatch(QObject):
    """Looks into one folder again and again; `seen` tells what is there whenever something changed."""

    seen = Signal(object)
    """A `Sight`."""
    failed = Signal(str)

    def __init__(self, jobs: ThreadJobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._folder: Path | None = None
        self._reader = LogReader()
        self._last: Sight | None = None
        self._job: Job | None = None
        self._again = False
        self._watcher: QFileSystemWatcher | None = None
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MILLISECONDS)
        self._poll.timeout.connect(self.look)

    def open(self, folder: Path) -> None:
        """Watch another folder."""
        self.close()
        self._folder = folder
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(lambda _path: self.look())
        self._poll.start()
        self.look()

    def close(self) -> None:
        """Watch nothing."""
        self._poll.stop()
        if self._watcher is not None:
            self._watcher.deleteLater()
            self._watcher = None
        self._folder, self._last, self._reader = None, None, LogReader()

    def look(self) -> None:
        """Look now, or, while a look is under way, once more after it."""
        folder = self._folder
        if folder is None:
            return
        if self._job is not None:
            self._again = True
            return
        reader, known = self._reader, self._last.run if self._last else None

        def work(_cancelled: Callable[[], bool]) -> Generator[Step, None, Sight]:
            yield Step(0.0, "Looking into the run")
            run = open_run(folder, known)
            return Sight(run, tuple(reader.read(run.logs)))

        self._job = self._jobs.start("Looking into the run", work, "run")
        self._job.finished.connect(lambda sight: self._on_seen(folder, sight))
        self._job.failed.connect(lambda failure: self._on_failed(folder, failure))
        self._job.ended.connect(self._on_ended)

    def _on_seen(self, folder: Path, sight: Sight) -> None:
        if folder != self._folder:
            return
        if self._watcher is not None:
            wanted = {str(path) for path in (folder, folder / CHECKPOINTS) if path.is_dir()}
            missing = wanted - set(self._watcher.directories())
            if missing:
                self._watcher.addPaths(list(missing))
        if self._last is None or _differs(self._last, sight):
            self._last = sight
            self.seen.emit(sight)

    def _on_failed(self, folder: Path, failure: Failure) -> None:
        if folder == self._folder:
            if self._last is None:
                self.close()
            self.failed.emit(failure.message)

    def _on_ended(self) -> None:
        self._job = None
        if self._again:
            self._again = False
            self.look()


def _differs(before: Sight, now: Sight) -> bool:
    lengths = [[(c.stage, c.kind, c.name, len(c.steps)) for c in sight.curves] for sight in (before, now)]
    return before.run != now.run or lengths[0] != lengths[1]
