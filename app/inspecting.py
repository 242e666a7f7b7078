"""Measures what the panes show, in the engine process, whenever there is a new comparison."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Signal

from app.comparing import ComparisonController
from app.engine import Engine
from app.engine_messages import Analyse, Analysed, Compared, Failure
from app.jobs import Job
from app.panes import PaneModel

logger = logging.getLogger(__name__)


class InspectionController(QObject):
    """Holds the measures of the comparison on the screen; None while there are none."""

    changed = Signal()
    job_started = Signal(object)

    def __init__(
        self, engine: Engine, comparison: ComparisonController, panes: PaneModel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._comparison = comparison
        self._panes = panes
        self._measured: Compared | None = None
        self.analysis: Analysed | None = None
        self.problem = ""
        """Why there are no measures."""
        self.job: Job | None = None
        comparison.changed.connect(self.update)

    @property
    def is_busy(self) -> bool:
        """True while panes are being measured."""
        return self.job is not None

    def update(self) -> None:
        """Measure, if the comparison is another one than that which was measured last."""
        result = self._comparison.result
        if result is self._measured:
            return
        self._measured = result
        self.analysis, self.problem = None, ""
        if self.job is not None:
            self.job.cancel()
        if result is not None and len(result.panes) > 1:
            self._measure(result)
        self.changed.emit()

    def _measure(self, result: Compared) -> None:
        config = self._panes.mel_config
        mels = {key: pane.mel for key, pane in result.panes.items() if pane.mel.shape[1] > 1}
        if "ground_truth" not in mels:
            return
        latents = {key: pane.latents for key, pane in result.panes.items() if pane.latents is not None}
        traces = {key: pane.trace for key, pane in result.panes.items() if pane.trace is not None}
        request = Analyse(mels, result.stop_reason, result.sample_rate, config.hop_length, latents, traces)
        job = self._engine.submit(request, "Measuring", "analyse")
        self.job = job
        job.finished.connect(lambda analysis: self._on_analysed(result, analysis))
        job.failed.connect(lambda failure: self._on_failed(result, failure))
        job.ended.connect(lambda: self._on_ended(job))
        self.job_started.emit(job)

    def _on_analysed(self, result: Compared, analysis: Analysed) -> None:
        if result is self._measured:
            self.analysis = analysis
            self.changed.emit()

    def _on_failed(self, result: Compared, failure: Failure) -> None:
        if not failure.expected:
            logger.error("measuring failed\n%s", failure.details)
        if result is self._measured:
            self.problem = failure.message
            self.changed.emit()

    def _on_ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            self.changed.emit()
