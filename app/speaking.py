"""From the text box to a take: runs synthesis, shows it growing, keeps what it made."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.engine import Engine
from app.engine_messages import Failure, Speak, Spoken, Step
from app.jobs import Job, ThreadJobs
from app.session import LARGEST_SEED, Session
from app.takes import Take, TakeStore, new_take

logger = logging.getLogger(__name__)
NOTHING_TO_SAY = "There is nothing to say yet. Type a sentence and press Ctrl+Enter."


class SpeakingController(QObject):
    """Speaks the text of the session; the result becomes a take."""

    changed = Signal()
    """Busy or not, or another partial mel."""
    spoken = Signal(object)
    """The new `Take`."""
    trouble = Signal(str)
    job_started = Signal(object)

    def __init__(
        self, engine: Engine, jobs: ThreadJobs, session: Session, store: TakeStore, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._jobs = jobs
        self._session = session
        self._store = store
        self.job: Job | None = None
        self.partial_mel: np.ndarray | None = None
        self._last_seed: int | None = None

    @property
    def is_busy(self) -> bool:
        """True while speech is being made."""
        return self.job is not None

    def speak(self) -> None:
        """Speak the text with speaker, seed and temperature of the session."""
        session = self._session
        if self.is_busy:
            return
        if not session.text.strip():
            self.trouble.emit(NOTHING_TO_SAY)
            return
        # A new seed comes before speaking, not after: the seed on the screen is the one just heard, so that
        # locking it keeps that very speech. A seed that was typed in is always used.
        if not session.seed_locked and session.seed == self._last_seed:
            self.reroll()
        self._last_seed = session.seed
        self._run(Speak(session.text, session.speaker, session.seed, session.temperature))

    def run_again(self, take: Take) -> None:
        """Make a take once more from its recipe (same text, speaker, seed and temperature)."""
        if not self.is_busy:
            self._run(Speak(take.text, take.speaker, take.seed, take.temperature))

    def reroll(self) -> None:
        """Another seed."""
        self._session.seed = random.randint(0, LARGEST_SEED)

    def cancel(self) -> None:
        """Stop, and keep what was made so far."""
        if self.job is not None:
            self.job.cancel()
            self.changed.emit()

    def _run(self, request: Speak) -> None:
        job = self._engine.submit(request, "Speaking", "speak")
        self.job = job
        self.partial_mel = None
        job.stepped.connect(self._on_step)
        job.finished.connect(lambda result: self._on_spoken(request, result))
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        self.job_started.emit(job)
        self.changed.emit()

    def _on_step(self, step: Step) -> None:
        if step.partial_mel is not None and step.partial_mel.shape[1] > 0:
            self.partial_mel = step.partial_mel
        self.changed.emit()

    def _on_spoken(self, request: Speak, result: Spoken) -> None:
        self.job, self.partial_mel = None, None
        if len(result.wave) == 0:
            self.trouble.emit("Cancelled before there was anything to hear.")
            return
        take = new_take(
            text=request.text,
            speaker=request.speaker,
            seed=request.seed,
            temperature=request.temperature,
            seconds=len(result.wave) / result.sample_rate,
            sample_rate=result.sample_rate,
            stop_reason=result.stop_reason,
            recipe={**result.recipe, "timings": result.timings},
        )
        self._store.keep(take.id, result.mel, result.wave)
        self._save(take, result)
        self._session.add_take(take)
        logger.info("take %s: %.2f s, %s", take.id, take.seconds, take.stop_reason)
        self.spoken.emit(take)

    def _save(self, take: Take, result: Spoken) -> None:
        def work(_cancelled: Callable[[], bool]) -> Generator[Step, None, None]:
            yield Step(0.5, "Keeping the take")
            self._store.save(take, result.mel, result.wave)

        job = self._jobs.start("Keeping the take", work, f"keep-{take.id}")
        job.failed.connect(lambda failure: self._on_not_saved(failure))

    def _on_not_saved(self, failure: Failure) -> None:
        self.trouble.emit(
            f"The take is in the list but could not be kept on disk: {failure.message} "
            "Export it before you close the studio."
        )

    def _on_failed(self, failure: Failure) -> None:
        if not failure.expected:
            logger.error("speaking failed\n%s", failure.details)
        self.trouble.emit(failure.message)

    def _on_ended(self) -> None:
        self.job, self.partial_mel = None, None
        self.changed.emit()
