"""The truth with random noise of the same mel L1 as a model's error: a pane to see and hear, and numbers beside it."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Signal

from app.comparing import ComparisonController
from app.engine import Engine
from app.engine_messages import Compared, Failure
from app.jobs import Job
from app.messages_panes import ErrorStudied, StudyError
from app.panes import NOISE, PaneContent, PaneModel
from app.player import Sound
from app.settings import Settings
from lewm_core.config import LN_TO_DB

logger = logging.getLogger(__name__)


class NoiseController(QObject):
    """Studies the error of the chosen pane while anybody looks: the pane is on, or the page is in front."""

    changed = Signal()
    job_started = Signal(object)

    def __init__(
        self,
        engine: Engine,
        comparison: ComparisonController,
        panes: PaneModel,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._comparison = comparison
        self._panes = panes
        self._settings = settings
        self._is_looked_at = False
        self._of: tuple[Compared, str] | None = None
        self.study: ErrorStudied | None = None
        self.problem = ""
        self.job: Job | None = None
        comparison.changed.connect(self.update)

    @property
    def is_busy(self) -> bool:
        """True while noise is being matched."""
        return self.job is not None

    def set_looked_at(self, looked_at: bool) -> None:
        """Somebody looks at the numbers (or no longer)."""
        self._is_looked_at = looked_at
        self.update()

    def set_shown(self, shown: bool) -> None:
        """Show the noise as a pane, or take it away."""
        self._settings.show_noise = shown
        self.update()
        self._show()
        self.changed.emit()

    def choose(self, key: str) -> None:
        """Match the error of another pane."""
        self._settings.noise_of = key
        self.update()
        self.changed.emit()

    def update(self) -> None:
        """Study again what is shown now, if somebody looks and it is another error than the last one."""
        result, key = self._comparison.result, self._settings.noise_of
        there = result is not None and key in result.panes and "ground_truth" in result.panes
        if self._of is not None and not (there and self._is_of(result, key)):
            self._forget()
        is_wanted = self._is_looked_at or self._settings.show_noise
        if result is not None and there and is_wanted and self._of is None:
            self._start(result, key)

    def _is_of(self, result: Compared | None, key: str) -> bool:
        """True while what was (or is being) studied is this pane of this comparison."""
        return self._of is not None and self._of[0] is result and self._of[1] == key

    def _forget(self) -> None:
        if self.job is not None:
            self.job.cancel()
        self._of, self.study, self.problem = None, None, ""
        self._show()
        self.changed.emit()

    def _start(self, result: Compared, key: str) -> None:
        self._of = result, key
        truth, pane = result.panes["ground_truth"].mel, result.panes[key].mel
        hop, aligned = self._panes.mel_config.hop_length, key == "autoregressive"
        request = StudyError(truth, pane, result.original, result.sample_rate, hop, aligned)
        job = self._engine.submit(request, "Matching noise", "noise")
        self.job = job
        job.finished.connect(lambda study: self._on_studied(result, key, study))
        job.failed.connect(lambda failure: self._on_failed(result, key, failure))
        job.ended.connect(lambda: self._on_ended(job))
        self.job_started.emit(job)
        self.changed.emit()

    def _on_studied(self, result: Compared, key: str, study: ErrorStudied | None) -> None:
        if not self._is_of(result, key):
            return
        self.study = study
        if study is None:  # cancelled: it is done when it is asked for again
            self._of = None
        self._show()
        self.changed.emit()

    def _on_failed(self, result: Compared, key: str, failure: Failure) -> None:
        if not failure.expected:
            logger.error("matching noise failed\n%s", failure.details)
        if self._is_of(result, key):
            self.problem = failure.message
            self.changed.emit()

    def _on_ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            self.changed.emit()

    def _show(self) -> None:
        study = self.study
        if study is None or not self._settings.show_noise:
            self._panes.set_extra(NOISE, None, None)
            return
        title = self._settings.noise_of.replace("_", "-")
        content = PaneContent(
            study.mel * LN_TO_DB, Sound(study.wave, study.sample_rate), f"L1 {study.l1:.2f}, as the {title}"
        )
        self._panes.set_extra(NOISE, study.mel, content)
