"""A second engine process for work that nobody waits for: the one that speaks is never held up by it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app.engine import Engine
from app.engine_messages import Request
from app.jobs import Job

IDLE_MILLISECONDS = 90_000
"""Without work for so long the process ends and gives its memory back."""

CANCEL_PATIENCE = 120.0
"""Seconds that a cancelled job may go on: nobody waits for it, and at its low priority loading can take long."""


class BackgroundEngine(QObject):
    """Started by the first request, ended when it has been idle for a while."""

    trouble = Signal(str)

    def __init__(self, backend: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = Engine(backend, self, CANCEL_PATIENCE)
        self._engine.given_up.connect(
            lambda _sentence: self.trouble.emit("Rendering other checkpoints keeps failing, so it was stopped.")
        )
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(IDLE_MILLISECONDS)
        self._idle.timeout.connect(self.rest)

    def submit(self, request: Request, title: str, lane: str) -> Job:
        """Send a request; an older one of the same lane is superseded."""
        self._idle.stop()
        job = self._engine.submit(request, title, lane)
        job.ended.connect(self._idle.start)
        return job

    def rest(self) -> None:
        """End the process now, unless it works."""
        self._engine.rest()

    @property
    def process_id(self) -> int | None:
        """Process id, None while it is not running."""
        return self._engine.process_id

    def shutdown(self) -> None:
        """End the process for good."""
        self._idle.stop()
        self._engine.shutdown()
