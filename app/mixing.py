"""The mixed run of the comparison on the screen: made in the engine, with a pane and a source of its own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from app.comparing import ComparisonController
from app.engine import Engine
from app.engine_messages import Analyse, Analysed, Compared, Failure, Step
from app.jobs import Job
from app.messages_mixed import MixedMade, RunMixed
from app.panes import MIXED, PaneContent, PaneModel
from app.player import Sound
from lewm_core.config import LN_TO_DB

logger = logging.getLogger(__name__)
TRUTH, FORCED = "ground_truth", "teacher_forced"


@dataclass(frozen=True)
class Mix:
    """Teacher-forced up to `free_from_s` (s), from there on with that share (0 to 1) of own history."""

    free_from_s: float = 0.0
    own_rate: float = 1.0


class MixingController(QObject):
    """Holds one mixed run and its measures; the latest wish wins, another comparison ends it."""

    changed = Signal()
    heard = Signal(float)
    """A run is ready: the time (s) from which it is something new."""
    trouble = Signal(str)
    job_started = Signal(object)

    def __init__(
        self,
        engine: Engine,
        comparison: ComparisonController,
        panes: PaneModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._comparison = comparison
        self._panes = panes
        self._base: Compared | None = None
        self._made_with = Mix()
        self.wish = Mix()
        """The run that is being made, else the one that is there."""
        self.made: MixedMade | None = None
        self.analysis: Analysed | None = None
        self.problem = ""
        """Why there are no measures of the run."""
        self.job: Job | None = None
        self._measuring: Job | None = None
        comparison.changed.connect(self._on_comparison)

    @property
    def is_busy(self) -> bool:
        """True while a run is made."""
        return self.job is not None

    @property
    def is_shown(self) -> bool:
        """True while there is a mixed run, or one is growing."""
        return self.made is not None or self._panes.mel(MIXED) is not None

    @property
    def can_run(self) -> bool:
        """True with a comparison on the screen that a run can be mixed from."""
        return self._base is not None and FORCED in self._base.panes and not self._comparison.is_busy

    @property
    def limit_s(self) -> float:
        """Length of the clip in s: the last moment from which a run can be free."""
        if self._base is None or FORCED not in self._base.panes:
            return 0.0
        return max(0, self._base.panes[FORCED].mel.shape[1] - 1) / self._panes.frame_rate

    def run(self, free_from_s: float, own_rate: float) -> None:
        """Make the run that is teacher-forced up to a moment (s), then has that share (0 to 1) of own history."""
        base = self._base
        if not self.can_run or base is None:
            return
        wish = self.wish = Mix(free_from_s, own_rate)
        request = RunMixed(
            wave=base.original, text=base.text, speaker=base.speaker, seed=int(base.recipe.get("seed", 0)),
            temperature=float(base.recipe.get("temperature", 0.0)), free_from_s=free_from_s, own_rate=own_rate,
        )  # fmt: skip
        job = self._engine.submit(request, "Running", "mixed")
        self.job = job
        job.stepped.connect(self._on_step)
        job.finished.connect(lambda made: self._on_made(job, base, wish, made))
        job.failed.connect(self._on_failed)
        job.ended.connect(lambda: self._on_ended(job))
        self.job_started.emit(job)
        self.changed.emit()

    def reset(self) -> None:
        """Put the mixed run away."""
        if self.job is not None:
            self.job.cancel()
        self._forget()
        self.changed.emit()

    def added_to(self, comparison: Compared) -> Compared:
        """The comparison on the screen with the mixed run as a pane, if there is one."""
        if self.made is None or comparison is not self._base:
            return comparison
        return replace(comparison, panes={**comparison.panes, MIXED: self.made.pane})

    # ------------------------------------------------------------------ what happens
    def _on_comparison(self) -> None:
        """Another comparison ends the mixed run of the one before it."""
        result = self._comparison.result
        if self._comparison.is_busy and self.job is not None:
            self.job.cancel()
        if result is not self._base:
            self._base = result
            self.reset()

    def _on_step(self, step: Step) -> None:
        mel = step.partial_mel
        if mel is not None and mel.shape[1] > 0:
            self._panes.set_extra(MIXED, mel, PaneContent(mel * LN_TO_DB, None, "running…"))
            self.changed.emit()

    def _on_made(self, job: Job, base: Compared, wish: Mix, made: MixedMade) -> None:
        if base is not self._base or job.is_cancelled:
            return
        self.made, self._made_with, self.analysis, self.problem = made, wish, None, ""
        logger.info("mixed run: %s", made.remark)
        self._show()
        self._measure(base, made)
        self.heard.emit(wish.free_from_s)

    def _on_failed(self, failure: Failure) -> None:
        if not failure.expected:
            logger.error("mixed run failed\n%s", failure.details)
        self.trouble.emit(failure.message)

    def _on_ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            self.wish = self._made_with
            self._show()
            self.changed.emit()

    def _forget(self) -> None:
        if self._measuring is not None:
            self._measuring.cancel()
        self.made, self.analysis, self.problem = None, None, ""
        self.wish = self._made_with = Mix()
        self._show()

    def _show(self) -> None:
        """Put the run into its pane: of one that was cancelled nothing stays."""
        made, base = self.made, self._base
        if made is None or base is None:
            self._panes.set_extra(MIXED, None, None)
            return
        pane = made.pane
        sound = Sound(pane.wave, base.sample_rate) if len(pane.wave) else None
        l1 = "" if pane.mel_l1 is None else f" · L1 {pane.mel_l1:.2f} along DTW"
        content = PaneContent(pane.mel * LN_TO_DB, sound, made.remark + l1, base.text)
        self._panes.set_extra(MIXED, pane.mel, content)

    # ------------------------------------------------------------------ measures
    def _measure(self, base: Compared, made: MixedMade) -> None:
        """Hold the run against the teacher-forced prediction, as the free run is."""
        mels = {TRUTH: base.panes[TRUTH].mel, FORCED: base.panes[FORCED].mel, MIXED: made.pane.mel}
        if made.pane.mel.shape[1] < 2:
            self.problem = "The run is too short to be measured."
            return
        pairs = ((FORCED, base.panes[FORCED].latents), (MIXED, made.pane.latents))
        latents = {key: values for key, values in pairs if values is not None}
        traces = {} if made.pane.trace is None else {MIXED: made.pane.trace}
        hop = self._panes.mel_config.hop_length
        request = Analyse(mels, made.stop_reason, base.sample_rate, hop, latents, traces, MIXED, errors=False)
        job = self._engine.submit(request, "Measuring the mixed run", "analyse_mixed")
        self._measuring = job
        job.finished.connect(lambda analysis: self._on_measured(made, analysis, ""))
        job.failed.connect(lambda failure: self._on_measured(made, None, failure.message))
        job.ended.connect(lambda: self._on_measuring_ended(job))
        self.job_started.emit(job)

    def _on_measured(self, made: MixedMade, analysis: Analysed | None, problem: str) -> None:
        if made is self.made:
            self.analysis, self.problem = analysis, problem
            self.changed.emit()

    def _on_measuring_ended(self, job: Job) -> None:
        if self._measuring is job:
            self._measuring = None
