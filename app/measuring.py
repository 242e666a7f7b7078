"""What all measures of the panes share: one request at a time in the engine, its result or why there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.comparing import ComparisonController
from app.engine import Engine
from app.engine_messages import Failure, Request
from app.jobs import Job
from app.panes import PaneModel
from app.session import Session
from app.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """What is measured (the comparison, the panes), what with (the engine), and as whose wishes say."""

    engine: Engine
    comparison: ComparisonController
    panes: PaneModel
    session: Session
    settings: Settings


class Measurer(QObject):
    """Base of the controllers that measure what is on the screen."""

    changed = Signal()
    job_started = Signal(object)

    def __init__(self, measured: Measured, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = measured.engine
        self._comparison = measured.comparison
        self._panes = measured.panes
        self._session = measured.session
        self._settings = measured.settings
        self.problem = ""
        """Why there is no result."""
        self.job: Job | None = None

    @property
    def is_busy(self) -> bool:
        """True while the engine measures."""
        return self.job is not None

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _measure(
        self,
        request: Request,
        title: str,
        lane: str,
        done: str,
        is_wanted: Callable[[], bool],
        take: Callable[[Any], None],
    ) -> None:
        """Send a request; `take` gets the result, unless something else is wanted by then. `done` is for the log."""
        job = self._engine.submit(request, title, lane)
        self.job = job

        def finished(result: Any) -> None:
            logger.info(done)
            if is_wanted():
                take(result)
                self.changed.emit()

        def failed(failure: Failure) -> None:
            if not failure.expected:
                logger.error("%s failed\n%s", title, failure.details)
            if is_wanted():
                self.problem = failure.message
                self.changed.emit()

        job.finished.connect(finished)
        job.failed.connect(failed)
        job.ended.connect(lambda: self._on_ended(job))
        self.job_started.emit(job)

    def _on_ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            self.changed.emit()
