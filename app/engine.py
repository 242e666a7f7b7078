"""The window's side of the engine process: start it, send requests, hear about progress, restart it.

Measured, importing torch in a thread of the window stalls its event loop for 0.7 to 1.8 s (the import
holds the interpreter lock); in a process of its own the longest stall is that of the scheduler. It also
keeps a crash of native code away from the window and its takes.
"""

from __future__ import annotations

import itertools
import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.engine_messages import Analyse, Failure, Inspect, LoadVoice, Request, Speak, SpokenChunk, Step
from app.engine_worker import run_worker
from app.jobs import Job, Lanes, Relay
from app.messages_data import MeasureRows
from app.messages_panes import PaneRequest

CORE_BACKEND = "app.engine_backend:CoreBackend"
CANCEL_PATIENCE = 8.0
"""Seconds after which an engine that does not answer a cancel is restarted."""
CRASH_WINDOW = 60.0
CRASHES_ALLOWED = 3
Tap = Callable[[SpokenChunk], None]
DIED = "The engine stopped unexpectedly. It was started again; your takes and texts are safe."
DIED_TOO_OFTEN = "The engine keeps stopping. Open another checkpoint, or restart the studio."


class Engine(QObject):
    """Client of one engine process."""

    restarted = Signal(str)
    """The process died and a new one runs; the voice must be loaded again. The sentence says so."""
    given_up = Signal(str)
    """The process died too often and is not started again until `start` is called."""

    def __init__(
        self, backend: str = CORE_BACKEND, parent: QObject | None = None, cancel_patience: float = CANCEL_PATIENCE
    ) -> None:
        super().__init__(parent)
        self._cancel_patience = cancel_patience
        self.lanes = Lanes()
        self._backend = backend
        self._ids = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._taps: dict[int, Tap] = {}
        self._link: _Link | None = None
        self._ending: threading.Thread | None = None
        self._crashes: list[float] = []
        self._relay = Relay(self._handle, self)
        self._patience = QTimer(self)
        self._patience.setInterval(250)
        self._patience.timeout.connect(self._check_patience)
        self._cancelled_at: dict[int, float] = {}

    # ------------------------------------------------------------------ life
    def start(self) -> None:
        """Start the process (in a thread: starting one takes tens of milliseconds)."""
        if self._link is None:
            self._link = _Link(self._backend, self._relay, self._taps)
            self._link.start()

    def shutdown(self) -> None:
        """End the process and its reader, for good."""
        self._patience.stop()
        self._relay.close()
        if self._link is not None:
            self._link.stop()
            self._link = None
        if self._ending is not None:
            self._ending.join(10.0)

    def rest(self) -> bool:
        """End the process (in a thread) to give its memory back; the next request starts another. False with work."""
        if self._link is None or self._jobs:
            return False
        link, self._link = self._link, None
        self._ending = threading.Thread(target=link.stop, name="engine-end", daemon=True)
        self._ending.start()
        return True

    @property
    def process_id(self) -> int | None:
        """Process id of the engine, None while it is not running."""
        return self._link.process_id if self._link else None

    # ------------------------------------------------------------------ jobs
    def submit(self, request: Request, title: str, lane: str, tap: Tap | None = None) -> Job:
        """Send a request; an older one of the same lane is superseded.

        `tap` gets each piece of speech at once, in the thread that reads the pipe: sound does not wait for the
        window.
        """
        self.start()
        job = Job(next(self._ids), title, lane, self._cancel, self)
        self._jobs[job.id] = job
        if tap is not None:
            self._taps[job.id] = tap
        self.lanes.enter(job)
        self._send(("run", job.id, request, _priority(request)))
        return job

    def _cancel(self, job_id: int) -> None:
        self._cancelled_at[job_id] = time.monotonic()
        self._patience.start()
        self._send(("cancel", job_id))

    def _send(self, message: tuple[Any, ...]) -> None:
        if self._link is not None:
            self._link.send(message)

    def _check_patience(self) -> None:
        if not self._cancelled_at:
            self._patience.stop()
        elif time.monotonic() - min(self._cancelled_at.values()) > self._cancel_patience and self._link is not None:
            self._cancelled_at.clear()
            self._link.kill()

    # ------------------------------------------------------------------ events of the process
    def _handle(self, event: tuple[Any, ...]) -> None:
        kind, link = event[0], event[1]
        if link is not self._link:
            return  # the last words of a process that was replaced
        if kind == "died":
            self._recover()
            return
        _, _, job_id, value = event
        job = self._jobs.get(job_id)
        if job is None:
            return
        if kind == "step":
            job.report_step(value)
            return
        del self._jobs[job_id]
        self._taps.pop(job_id, None)
        self._cancelled_at.pop(job_id, None)
        if kind == "done":
            job.report_result(value)
        else:
            job.report_failure(value)

    def _recover(self) -> None:
        if self._link is not None:
            self._link.stop()
            self._link = None
        now = time.monotonic()
        self._crashes = [at for at in self._crashes if now - at < CRASH_WINDOW] + [now]
        too_often = len(self._crashes) > CRASHES_ALLOWED
        lost, self._jobs = list(self._jobs.values()), {}
        self._cancelled_at.clear()
        self._taps.clear()
        if not too_often:
            self.start()
        for job in lost:
            job.report_failure(Failure("The engine stopped while this was under way. Try it again."))
        if too_often:
            self.given_up.emit(DIED_TOO_OFTEN)
        else:
            self.restarted.emit(DIED)


def _priority(request: Request) -> int:
    """Speech and looking into a file go before a comparison, that before measuring it; loading goes first."""
    if isinstance(request, LoadVoice):
        return 3
    if isinstance(request, (Analyse, PaneRequest, MeasureRows)):
        return 0
    return 2 if isinstance(request, (Speak, Inspect)) else 1


class _Link:
    """One engine process with the two threads that start, feed and read it."""

    def __init__(self, backend: str, relay: Relay, taps: dict[int, Tap]) -> None:
        self._backend = backend
        self._relay = relay
        self._taps = taps
        self._context = multiprocessing.get_context("spawn")
        self._connection: Connection | None = None
        self._process: Any = None
        self._outbox: list[tuple[Any, ...]] = []
        self._wake = threading.Condition()
        self._closing = False
        self._writer = threading.Thread(target=self._write, name="engine-writer", daemon=True)
        self._reader: threading.Thread | None = None

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.is_alive() else None

    def start(self) -> None:
        self._writer.start()

    def send(self, message: tuple[Any, ...]) -> None:
        """Queue a message; never blocks the window, even when the pipe is full."""
        with self._wake:
            self._outbox.append(message)
            self._wake.notify()

    def kill(self) -> None:
        """End the process at once; the reader then reports that it died."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End process and threads."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._writer.join(10.0)
        if self._process is not None:
            self._process.join(0.3)
            if self._process.is_alive():
                self._process.kill()
            self._process.join(5.0)
        if self._reader is not None:
            self._reader.join(5.0)
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.close()
            self._process = None

    def _write(self) -> None:
        try:
            self._launch()
        except OSError as error:
            self._relay.post(("died", self, str(error)))
            return
        while True:
            with self._wake:
                while not self._outbox and not self._closing:
                    self._wake.wait()
                messages, self._outbox = self._outbox, []
                closing = self._closing
            try:
                for message in [*messages, ("quit",)] if closing else messages:
                    assert self._connection is not None
                    self._connection.send(message)
            except OSError:
                return  # the reader sees the same broken pipe and reports it
            if closing:
                return

    def _launch(self) -> None:
        self._connection, theirs = self._context.Pipe(duplex=True)
        self._process = self._context.Process(
            target=run_worker, args=(theirs, self._backend), name="lewm-engine", daemon=True
        )
        self._process.start()
        theirs.close()
        self._reader = threading.Thread(target=self._read, name="engine-reader", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._connection is not None
        while True:
            try:
                kind, job_id, value = self._connection.recv()
            except (EOFError, OSError):
                if not self._closing:
                    self._relay.post(("died", self, ""))
                return
            if kind == "step" and isinstance(value, Step) and value.chunk is not None:
                tap = self._taps.get(job_id)
                if tap is not None:
                    tap(value.chunk)
            self._relay.post((kind, self, job_id, value))
