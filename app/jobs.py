"""Jobs: long work that reports progress, can be cancelled, and ends with a result or a failure.

A `Job` is what the window holds; who does the work is another matter: `ThreadJobs` runs generator
functions in threads of this process (files, export), `app.engine` runs requests in the engine process.
Lanes: jobs of one lane replace each other, the older one is cancelled and its outcome is dropped.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Generator
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.engine_messages import Failure, Step
from app.engine_worker import failure_of

GeneratorFunction = Callable[[Callable[[], bool]], Generator[Step, None, Any]]
"""A function of `cancelled()` that yields steps and returns the result."""


class Job(QObject):
    """One piece of work. Signals arrive in the thread of the window, `ended` after `finished`/`failed`."""

    stepped = Signal(object)
    """A `Step`."""
    finished = Signal(object)
    """The result; also of a cancelled job that could keep what was made."""
    failed = Signal(object)
    """A `Failure`."""
    ended = Signal()

    def __init__(self, job_id: int, title: str, lane: str, cancel: Callable[[int], None], parent: QObject) -> None:
        super().__init__(parent)
        self.id = job_id
        self.title = title
        self.lane = lane
        self.step = Step(0.0, title)
        self.is_running = True
        self.is_cancelled = False
        self.is_superseded = False
        self._cancel = cancel

    def cancel(self) -> None:
        """Ask the work to stop; it ends within one step of it."""
        if self.is_running and not self.is_cancelled:
            self.is_cancelled = True
            self._cancel(self.id)

    # Called by the runners, always in the thread of the window.
    def report_step(self, step: Step) -> None:
        """Pass a step on, unless nobody waits for this job any more."""
        if self.is_running and not self.is_superseded and not self.is_cancelled:
            self.step = step
            self.stepped.emit(step)

    def report_result(self, result: Any) -> None:
        """End with a result."""
        self._end(lambda: self.finished.emit(result))

    def report_failure(self, failure: Failure) -> None:
        """End with a failure."""
        self._end(lambda: self.failed.emit(failure))

    def _end(self, tell: Callable[[], None]) -> None:
        if not self.is_running:
            return
        self.is_running = False
        if not self.is_superseded:
            tell()
        self.ended.emit()
        self.deleteLater()


class Lanes:
    """Which job runs in which lane; a new one supersedes the old one."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def enter(self, job: Job) -> None:
        """Put a job in its lane and cancel the one that was there."""
        old = self._jobs.get(job.lane)
        self._jobs[job.lane] = job
        job.ended.connect(lambda: self._leave(job))
        if old is not None:
            old.is_superseded = True
            old.cancel()

    def _leave(self, job: Job) -> None:
        if self._jobs.get(job.lane) is job:
            del self._jobs[job.lane]

    def get(self, lane: str) -> Job | None:
        """The running job of a lane."""
        return self._jobs.get(lane)

    def all(self) -> list[Job]:
        """All running jobs that nobody has superseded."""
        return list(self._jobs.values())


class Relay(QObject):
    """Carries events from any thread into the thread of the window: `post` there, the handler here."""

    _arrived = Signal(object)

    def __init__(self, handler: Callable[[Any], None], parent: QObject) -> None:
        super().__init__(parent)
        self._handler: Callable[[Any], None] | None = handler
        self._arrived.connect(self._handle)

    def post(self, event: Any) -> None:
        """Hand an event over (any thread)."""
        self._arrived.emit(event)

    def close(self) -> None:
        """Drop events that are still under way."""
        self._handler = None

    def _handle(self, event: Any) -> None:
        if self._handler is not None:
            self._handler(event)


class ThreadJobs(QObject):
    """Runs generator functions in threads of this process, one thread a job."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lanes = Lanes()
        self._ids = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._cancels: dict[int, threading.Event] = {}
        self._threads: dict[int, threading.Thread] = {}
        self._relay = Relay(self._handle, self)

    def start(self, title: str, work: GeneratorFunction, lane: str) -> Job:
        """Start `work` in a thread; an older job of the same lane is superseded."""
        job_id = next(self._ids)
        cancelled = threading.Event()
        job = Job(job_id, title, lane, lambda _id: cancelled.set(), self)
        thread = threading.Thread(target=self._run, args=(job_id, work, cancelled), name=f"job-{lane}", daemon=True)
        self._jobs[job_id], self._cancels[job_id], self._threads[job_id] = job, cancelled, thread
        self.lanes.enter(job)
        thread.start()
        return job

    def shutdown(self, timeout: float = 5.0) -> None:
        """Cancel everything and wait for the threads."""
        for cancelled in self._cancels.values():
            cancelled.set()
        self._relay.close()
        for thread in list(self._threads.values()):
            thread.join(timeout)

    def _run(self, job_id: int, work: GeneratorFunction, cancelled: threading.Event) -> None:
        generator = work(cancelled.is_set)
        try:
            while True:
                self._relay.post(("step", job_id, next(generator)))
        except StopIteration as stop:
            self._relay.post(("done", job_id, stop.value))
        except Exception as error:
            self._relay.post(("failed", job_id, failure_of(error)))

    def _handle(self, event: tuple[str, int, Any]) -> None:
        kind, job_id, value = event
        job = self._jobs[job_id]
        if kind == "step":
            job.report_step(value)
            return
        self._threads.pop(job_id).join()
        del self._jobs[job_id], self._cancels[job_id]
        if kind == "done":
            job.report_result(value)
        else:
            job.report_failure(value)
