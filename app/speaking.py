"""From the text box to a take: runs synthesis, lets it be seen and heard while it grows, keeps what it made."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.engine import Engine
from app.engine_messages import Failure, Speak, Spoken, SpokenChunk, Step
from app.jobs import Job, ThreadJobs
from app.prompt_choice import RECIPE_KEY, prompt_of_recipe
from app.session import LARGEST_SEED, Session
from app.takes import Take, TakeStore, new_take
from lewm_core.playback import GrowingSound

logger = logging.getLogger(__name__)
NOTHING_TO_SAY = "There is nothing to say yet. Type a sentence and press Ctrl+Enter."


class SpeakingController(QObject):
    """Speaks the text of the session; the result becomes a take."""

    changed = Signal()
    """Busy or not, or another partial mel."""
    sounding = Signal()
    """The first piece of `sound` is there."""
    cancelling = Signal()
    """The person wants no more of it."""
    live_made = Signal()
    """The live take of the session is a new one."""
    spoken = Signal(object, bool)
    """The new `Take`, and whether `sounding` came before it."""
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
        self.sound: GrowingSound | None = None
        """The speech being made, from its first chunk on; filled by the thread that reads from the engine."""
        self.can_change_speed = True
        """Whether the loaded voice plans durations."""
        self.live_problem = ""
        """Why live mode is silent, in a sentence."""
        self._last_seed: int | None = None
        self._live_request: Speak | None = None

    @property
    def is_busy(self) -> bool:
        """True while speech is being made."""
        return self.job is not None

    def speak(self) -> None:
        """Speak the text with speaker, seed, temperature and speed of the session."""
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
        self._run(self._request())

    def speak_live(self) -> None:
        """Speak what the session holds now, in the place of what is being made; quiet about half-typed text."""
        request = self._request()
        if request == self._live_request:
            return
        self._live_request = request
        if request.text.strip():
            self._run(request, live=True)
            return
        self.live_problem = ""
        self.cancelling.emit()
        if self.job is not None:
            self.job.cancel()
        self.changed.emit()

    @property
    def is_live_outdated(self) -> bool:
        """True when the session asks for other speech than live mode made last."""
        return self._live_request != self._request()

    def run_again(self, take: Take) -> None:
        """Make a take once more from its recipe (same text, speaker, seed, temperature and speed)."""
        if not self.is_busy:
            prompt = prompt_of_recipe(take.recipe)
            self._run(Speak(take.text, take.speaker, take.seed, take.temperature, take.speed, prompt))

    def _request(self) -> Speak:
        session = self._session
        return Speak(
            session.text, session.speaker, session.seed, session.temperature, self.speed, session.voice_prompt
        )

    @property
    def speed(self) -> float:
        """The speaking rate that is used: that of the session, where the voice can change it."""
        return self._session.speed if self.can_change_speed else 1.0

    def reroll(self) -> None:
        """Another seed."""
        self._session.seed = random.randint(0, LARGEST_SEED)

    def cancel(self) -> None:
        """Stop making and playing, and keep what was made so far."""
        if self.job is not None:
            self.job.cancel()
            self.cancelling.emit()
            self.changed.emit()

    def _run(self, request: Speak, live: bool = False) -> None:
        stream = SpeechStream()
        job = self._engine.submit(request, "Speaking", "speak", stream.on_chunk)
        self.job = job
        if not live:  # else what is seen and heard stays until there is something new
            self.partial_mel, self.sound, self._live_request = None, None, None
        job.stepped.connect(lambda step: self._on_step(step, stream))
        job.finished.connect(lambda result: self._on_spoken(request, result, live))
        job.failed.connect(self._on_live_failed if live else self._on_failed)
        job.ended.connect(lambda: self._on_ended(job, stream))
        self.job_started.emit(job)
        self.changed.emit()

    def _on_step(self, step: Step, stream: SpeechStream) -> None:
        is_first = step.chunk is not None and self.sound is not stream.sound
        if step.chunk is not None:
            self.sound = stream.sound
            self.partial_mel = stream.grown_mel(step.chunk)
        elif step.partial_mel is not None and step.partial_mel.shape[1] > 0:
            self.partial_mel = step.partial_mel
        self.changed.emit()
        if is_first:
            self.sounding.emit()

    def _on_spoken(self, request: Speak, result: Spoken, live: bool) -> None:
        was_sounding = self.sound is not None
        self.job, self.partial_mel, self.sound = None, None, None
        self.live_problem = ""
        if len(result.wave) == 0 or (live and result.stop_reason == "cancelled"):
            if not live:
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
            recipe={**result.recipe, "timings": result.timings, **_prompt_recipe(request)},
            speed=request.speed,
        )
        self._store.keep(take.id, result.mel, result.wave)
        if live:
            before = self._session.live_take
            self._session.set_live_take(take)
            if before is not None:
                self._store.remove(before.id)
        else:
            self.save_take(take)
            self._session.add_take(take)
        logger.info("take %s: %.2f s, %s", take.id, take.seconds, take.stop_reason)
        self.spoken.emit(take, was_sounding)
        if live:
            self.live_made.emit()

    def save_take(self, take: Take) -> None:
        """Write a take that the store holds in memory to disk, in a thread."""
        mel, wave = self._store.load(take)

        def work(_cancelled: Callable[[], bool]) -> Generator[Step, None, None]:
            yield Step(0.5, "Keeping the take")
            self._store.save(take, mel, wave)

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

    def _on_live_failed(self, failure: Failure) -> None:
        """Text that is being typed may be unusable for a moment: no notice, a line in the panel at most."""
        self.live_problem = failure.message
        if not failure.expected:
            logger.error("speaking failed\n%s", failure.details)

    def _on_ended(self, job: Job, stream: SpeechStream) -> None:
        stream.close()
        if self.job is job:
            if self.sound is not None and self.sound is not stream.sound:
                self.cancelling.emit()  # what sounds was to be replaced, and nothing came in its place
            self.job, self.partial_mel, self.sound = None, None, None
        self.changed.emit()


class SpeechStream:
    """One speech on its way from the engine: its sound, put together in the thread that reads the pipe."""

    def __init__(self) -> None:
        self.sound: GrowingSound | None = None
        self._mels: list[np.ndarray] = []

    def on_chunk(self, chunk: SpokenChunk) -> None:
        """Let the next piece be heard (any thread, one at a time)."""
        sound = self.sound if self.sound is not None else GrowingSound(chunk.sample_rate)
        seconds = len(chunk.wave) / chunk.sample_rate
        sound.head_start.note(
            spent=chunk.spent, predicted=chunk.predicted, fraction=chunk.fraction, chunk=seconds
        )
        sound.put(chunk.wave)
        if chunk.is_last:
            sound.close()
        self.sound = sound

    def close(self) -> None:
        """Nothing more will come."""
        if self.sound is not None:
            self.sound.close()

    def grown_mel(self, chunk: SpokenChunk) -> np.ndarray:
        """The mel (n_mels, frames) with this chunk at its end."""
        self._mels.append(chunk.mel)
        self._mels = [np.concatenate(self._mels, axis=1)]
        return self._mels[0]


def _prompt_recipe(request: Speak) -> dict[str, object]:
    """What a take keeps of the voice prompt, so that it can be made again."""
    return {} if request.prompt is None else {RECIPE_KEY: request.prompt.to_json()}
