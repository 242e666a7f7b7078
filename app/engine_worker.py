"""Main function of the engine process, in which torch lives.

The window talks to it through a pipe (`multiprocessing.Connection`). Messages in: ("run", id, request,
priority), ("cancel", id), ("quit",). Messages out: ("step", id, Step), ("done", id, result),
("failed", id, Failure). One generator runs at a time; a more urgent one is run to its end in between, so
speech does not wait for a comparison. When the pipe closes (the window ended, however it ended) the
process ends at once: no orphan stays behind.
"""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np

from app.engine_messages import Failure, Request, Step

STEP_INTERVAL = 0.06
"""Seconds between two progress messages: smooth to the eye, and nothing for the window to choke on."""

JobGenerator = Generator[Step, None, Any]


class Backend(Protocol):
    """Makes a generator job out of a request; errors of kind ValueError or OSError are the user's to fix."""

    def run(self, request: Request, cancelled: Callable[[], bool]) -> JobGenerator:
        """A generator that yields `Step`s and returns the result."""
        ...


@dataclass
class _Task:
    id: int
    request: Request
    priority: int
    cancelled: threading.Event = field(default_factory=threading.Event)
    generator: JobGenerator | None = None
    last_step: float = 0.0
    held_mel: np.ndarray | None = None


class Worker:
    """Runs requests one step at a time, most urgent first; reads the pipe in a thread of its own."""

    def __init__(self, connection: Connection, backend: Backend) -> None:
        self._connection = connection
        self._backend = backend
        self._tasks: list[_Task] = []
        self._changed = threading.Condition()
        self._quit = False

    def serve(self) -> None:
        """Work until told to quit."""
        threading.Thread(target=self._listen, name="engine-listener", daemon=True).start()
        while True:
            with self._changed:
                while not self._tasks and not self._quit:
                    self._changed.wait()
                if self._quit:
                    return
                # What was cancelled goes first: it ends soon, and must not wait for the end of a long speech.
                task = max(self._tasks, key=lambda task: (task.cancelled.is_set(), task.priority, -task.id))
            if self._advance(task):
                with self._changed:
                    self._tasks.remove(task)

    def _listen(self) -> None:
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # the window is gone; nobody is left to work for
            with self._changed:
                self._take(message)
                self._changed.notify()

    def _take(self, message: tuple[Any, ...]) -> None:
        if message[0] == "run":
            self._tasks.append(_Task(*message[1:]))
        elif message[0] == "cancel":
            for task in self._tasks:
                if task.id == message[1]:
                    task.cancelled.set()
        elif message[0] == "quit":
            self._quit = True
            for task in self._tasks:
                task.cancelled.set()

    def _advance(self, task: _Task) -> bool:
        """Run one step of a task; True when it has ended."""
        try:
            if task.generator is None:
                task.generator = self._backend.run(task.request, task.cancelled.is_set)
            step = next(task.generator)
        except StopIteration as stop:
            self._connection.send(("done", task.id, stop.value))
            return True
        except Exception as error:
            self._connection.send(("failed", task.id, failure_of(error)))
            return True
        # Most steps bring no mel; one that falls between two messages goes out with the next.
        task.held_mel = task.held_mel if step.partial_mel is None else step.partial_mel
        now = time.monotonic()
        if step.chunk is not None or now - task.last_step >= STEP_INTERVAL:
            task.last_step = now
            self._connection.send(("step", task.id, replace(step, partial_mel=task.held_mel)))
            task.held_mel = None
        return False


def failure_of(error: Exception) -> Failure:
    """A failure for the window: bad input keeps its own sentence, anything else brings its traceback."""
    if isinstance(error, OSError):
        if not error.strerror:
            return Failure(str(error))
        return Failure(f"{error.strerror}{f': {error.filename}' if error.filename else ''}.")
    if isinstance(error, MemoryError):
        return Failure("There is not enough memory for this. Close other programs or shorten the text.")
    details = "".join(traceback.format_exception(error))
    # ValueErrors that reach us from our own core are sentences; the bare built-in one is a fault.
    if isinstance(error, ValueError) and type(error) is not ValueError:
        return Failure(str(error), expected=True, details=details)
    return Failure(f"{type(error).__name__}: {error}", expected=False, details=details)


def load_backend(name: str) -> Backend:
    """The backend named "module:Class"."""
    module, _, attribute = name.partition(":")
    backend: Backend = getattr(importlib.import_module(module), attribute)()
    return backend


def run_worker(connection: Connection, backend: str) -> None:
    """Entry point of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is for the window to answer
    if hasattr(os, "nice"):
        os.nice(5)  # the window and the sound go first
    Worker(connection, load_backend(backend)).serve()
    connection.close()
