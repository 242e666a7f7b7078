"""Examples, made when they are first asked for: a run of checkpoints, and a data folder of the example clips."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

from PySide6.QtCore import QObject, Signal, SignalInstance

from app.engine_messages import Failure, Step
from app.examples import example_rows
from app.jobs import GeneratorFunction, ThreadJobs
from app.paths import Places
from lewm_core.files import WriteError, write_atomically
from lewm_core.resources_path import resource

logger = logging.getLogger(__name__)
POLL = 0.1
"""Seconds between looks at the process that makes the data folder."""
MANIFEST = "dev.jsonl"


class ExampleMaker(QObject):
    """Makes an example in the background; what is complete already is only opened."""

    run_made = Signal(object)
    """Folder of a run (Path)."""
    data_made = Signal(object)
    """Manifest of a data folder (Path)."""
    trouble = Signal(str)
    job_started = Signal(object)

    def __init__(self, jobs: ThreadJobs, places: Places, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._folder = jobs, places.examples

    def make_run(self) -> None:
        """The embedded voice with less and less blur (`lewm_core.example_run`)."""
        folder = self._folder / "example run"

        def work(cancelled: Callable[[], bool]) -> Generator[Step, None, Path | None]:
            from lewm_core.example_run import write_example_run

            for progress in write_example_run(folder, resource("voice", "studio.safetensors"), cancelled):
                yield Step(progress.fraction, progress.message)
            return None if cancelled() else folder

        self._start("Making an example run", work, self.run_made)

    def make_data(self) -> None:
        """The example clips as `lewm preprocess` makes data of them."""
        folder = self._folder / "example data"

        def work(cancelled: Callable[[], bool]) -> Generator[Step, None, Path | None]:
            if not (folder / MANIFEST).is_file():
                yield Step(0.0, "Preparing the example clips")
                clips = write_atomically(self._folder / "clips.jsonl", _list_of_clips())
                process = _preprocess(clips, folder)
                while process.poll() is None:
                    time.sleep(POLL)
                    yield Step(0.5, "Preparing the example clips")
                    if cancelled():
                        process.terminate()
                if process.returncode and not cancelled():
                    raise WriteError(f"The example data could not be made: {process.communicate()[1].strip()}")
            return None if cancelled() else folder / MANIFEST

        self._start("Making example data", work, self.data_made)

    def _start(self, title: str, work: GeneratorFunction, made: SignalInstance) -> None:
        job = self._jobs.start(title, work, "example")
        job.finished.connect(lambda path: made.emit(path) if path is not None else None)
        job.failed.connect(self._on_failed)
        self.job_started.emit(job)

    def _on_failed(self, failure: Failure) -> None:
        if not failure.expected:
            logger.error("example\n%s", failure.details)
        self.trouble.emit(failure.message)


def _list_of_clips() -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in example_rows()).encode()


def _preprocess(clips: Path, folder: Path) -> subprocess.Popen[str]:
    """`lewm preprocess` as a process of its own: it needs torch, which the window's process does without."""
    command = [sys.executable, "-m", "lewm_core.cli", "preprocess", str(clips), str(folder), "--split", "dev"]
    return subprocess.Popen(
        [*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
