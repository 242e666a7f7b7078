"""Mixed runs of the comparison on the screen: made in the engine, shown and heard in the free run's place."""

from __future__ import annotations

import logging
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.comparing import ComparisonController
from app.engine import Engine
from app.engine_messages import Compared, Failure, Step
from app.jobs import Job
from app.messages_mixed import MixedMade, RunMixed
from app.session import Session

logger = logging.getLogger(__name__)
FREE = "autoregressive"


class MixingController(QObject):
    """Holds the comparison without any mixed run (`base`); the latest wish wins, another comparison ends it."""

    changed = Signal()
    heard = Signal(float)
    """A run is ready: the time (s) from which it is something new."""
    trouble = Signal(str)
    job_started = Signal(object)

    def __init__(
        self,
        engine: Engine,
        comparison: ComparisonController,
        session: Session,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._comparison = comparison
        self._session = session
        self._shown: Compared | None = None
        self.base: Compared | None = None
        self.free_from_s = 0.0
        self.own_rate = 1.0
        self.job: Job | None = None
        comparison.changed.connect(self._on_comparison)

    @property
    def is_busy(self) -> bool:
        """True while a run is made."""
        return self.job is not None

    @property
    def is_shown(self) -> bool:
        """True while a mixed run stands in the free run's place."""
        return self._shown is not None and self._comparison.result is self._shown

    @property
    def can_run(self) -> bool:
        """True with a whole comparison on the screen."""
        return self.base is not None and FREE in self.base.panes and not self._comparison.is_busy

    def run(self, free_from_s: float, own_rate: float) -> None:
        """Make the run that is teacher-forced up to a moment (s), then has that share (0 to 1) of own history."""
        base = self.base
        if not self.can_run or base is None:
            return
        self.free_from_s, self.own_rate = free_from_s, own_rate
        request = RunMixed(
            wave=base.original, text=base.text, speaker=base.speaker, seed=int(base.recipe.get("seed", 0)),
            temperature=float(base.recipe.get("temperature", 0.0)), free_from_s=free_from_s, own_rate=own_rate,
        )  # fmt: skip
        job = self._engine.submit(request, "Running", "mixed")
        self.job = job
        job.stepped.connect(self._on_step)
        job.finished.connect(lambda made: self._on_made(job, base, made))
        job.failed.connect(self._on_failed)
        job.ended.connect(lambda: self._on_ended(job))
        self.job_started.emit(job)
        self.changed.emit()

    def reset(self) -> None:
        """Put the free run back in its place."""
        if self.job is not None:
            self.job.cancel()
        self.free_from_s, self.own_rate = 0.0, 1.0
        if self.is_shown and self.base is not None:
            self._shown = None
            self._comparison.show(self.base)
        self.changed.emit()

    def _on_comparison(self) -> None:
        """Another comparison ends all mixed runs of the one before it."""
        result = self._comparison.result
        if self._comparison.is_busy and self.job is not None:
            self.job.cancel()
        if result is self._shown and result is not None:
            return
        if result is not self.base:
            self.base, self._shown = result, None
            self.free_from_s, self.own_rate = 0.0, 1.0
            if self.job is not None:
                self.job.cancel()
            self.changed.emit()

    def _on_step(self, step: Step) -> None:
        if step.partial_mel is not None and step.partial_mel.shape[1] > 0:
            self._session.current_take = None
            self._comparison.partial_mel = step.partial_mel
            self._comparison.changed.emit()

    def _on_made(self, job: Job, base: Compared, made: MixedMade) -> None:
        self._comparison.partial_mel = None
        if base is not self.base or job.is_cancelled:
            self._comparison.changed.emit()
            return
        self._session.current_take = None
        self._shown = replace(
            base, panes={**base.panes, FREE: made.pane}, stop_reason=made.stop_reason, recipe=made.recipe,
            mixed=made.remark,
        )  # fmt: skip
        self._comparison.show(self._shown)
        self.heard.emit(self.free_from_s)

    def _on_failed(self, failure: Failure) -> None:
        if not failure.expected:
            logger.error("mixed run failed\n%s", failure.details)
        self.trouble.emit(failure.message)

    def _on_ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            if self._comparison.partial_mel is not None and not self._comparison.is_busy:
                self._comparison.partial_mel = None
                self._comparison.changed.emit()
            self.changed.emit()
