"""The loaded voice, and the checkpoint that is looked at before it replaces it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.engine import Engine
from app.engine_messages import CheckpointFacts, Failure, Inspect, LoadVoice, Step, VoiceLoaded
from app.jobs import Job
from app.session import Session
from app.settings import Settings
from app.speaker_choice import is_offered

logger = logging.getLogger(__name__)


VOCODERS = {
    "": "As the checkpoint says",
    "embedded": "Embedded Vocos",
    "charactr/vocos-mel-24khz": "charactr/vocos-mel-24khz",
    "griffin-lim": "Griffin-Lim",
}
"""Vocoders with a name, and what the menu calls them; any other one is the path of a folder."""


@dataclass(frozen=True)
class Refusal:
    """A file that is not loaded, and why."""

    path: str
    message: str


class VoiceController(QObject):
    """Loads voices; a file that is refused leaves the voice that speaks in its place."""

    changed = Signal()
    """Loaded voice, candidate, refusal or loading state changed."""
    loaded = Signal(object)
    """`VoiceLoaded`: a (new) voice is ready."""
    trouble = Signal(str)
    job_started = Signal(object)

    def __init__(self, engine: Engine, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._session = session
        self._settings = settings
        self.voice: VoiceLoaded | None = None
        self.candidate: CheckpointFacts | None = None
        self.refusal: Refusal | None = None
        self.loading: Job | None = None
        self.inspecting: Job | None = None
        engine.restarted.connect(self._on_restart)

    @property
    def speakers(self) -> tuple[tuple[str, str], ...]:
        """(name, language) of the loaded voice."""
        return self.voice.facts.speakers if self.voice else ()

    @property
    def is_ready(self) -> bool:
        """True when there is a voice that can speak."""
        return self.voice is not None

    def load_last(self) -> None:
        """Load the checkpoint of the session, the embedded voice when it has none."""
        self.load(self._session.checkpoint)

    def inspect(self, path: str) -> None:
        """Look into a checkpoint; it becomes the candidate, or the refusal."""
        job = self._engine.submit(Inspect(path), "Reading the checkpoint", "inspect")
        self.inspecting = job
        job.finished.connect(self._on_inspected)
        job.failed.connect(lambda failure: self._refuse(path, failure))
        job.ended.connect(self._on_inspection_ended)
        self.job_started.emit(job)
        self.changed.emit()

    def load(self, path: str | None, vocoder: str | None = None) -> None:
        """Load a checkpoint (None: the embedded voice) with the chosen vocoder."""
        chosen = self._settings.vocoder if vocoder is None else vocoder
        job = self._engine.submit(LoadVoice(path, chosen or None), "Loading the voice", "load")
        self.loading = job
        job.stepped.connect(self._on_step)
        job.finished.connect(lambda voice: self._on_loaded(path, chosen, voice))
        job.failed.connect(lambda failure: self._on_load_failed(path, chosen, failure))
        job.ended.connect(lambda: self._on_load_ended(job))
        self.job_started.emit(job)
        self.changed.emit()

    def load_candidate(self) -> None:
        """Load what was inspected."""
        if self.candidate is not None:
            self.load(self.candidate.path)

    def dismiss(self) -> None:
        """Forget the candidate or the refusal."""
        self.candidate = self.refusal = None
        self.changed.emit()

    @property
    def vocoder(self) -> str:
        """The chosen vocoder: a name of `VOCODERS` or the path of a folder."""
        return self._settings.vocoder

    def choose_vocoder(self, name: str) -> None:
        """Load the voice again with another vocoder; one that cannot be had leaves the present one in place."""
        if name != self._settings.vocoder:
            self.load(self._session.checkpoint, name)

    def _on_step(self, _step: Step) -> None:
        self.changed.emit()

    def _on_inspected(self, facts: CheckpointFacts) -> None:
        logger.info("checkpoint inspected: %s", facts.path)
        self.candidate, self.refusal = facts, None
        self.changed.emit()

    def _on_inspection_ended(self) -> None:
        self.inspecting = None
        self.changed.emit()

    def _refuse(self, path: str, failure: Failure) -> None:
        logger.info("refused %s: %s", path, failure.message)
        self.candidate, self.refusal = None, Refusal(path, failure.message)
        self.changed.emit()

    def _on_loaded(self, path: str | None, vocoder: str, voice: VoiceLoaded) -> None:
        logger.info("voice loaded: %s, vocoder %s", voice.facts.path, voice.vocoder)
        self.voice, self.candidate, self.refusal = voice, None, None
        self._session.checkpoint = path
        self._settings.vocoder = vocoder
        if path:
            self._session.remember_checkpoint(path)
        if not is_offered(self._session.speaker, [name for name, _ in voice.facts.speakers]):
            self._session.speaker = voice.facts.speakers[0][0] if voice.facts.speakers else ""
        self.loaded.emit(voice)
        self.changed.emit()

    def _on_load_failed(self, path: str | None, vocoder: str, failure: Failure) -> None:
        if not failure.expected:
            logger.error("loading %s failed\n%s", path, failure.details)
        if self._settings.vocoder and self.voice is None:
            # A vocoder that was there last time and is not any more must not keep the studio silent.
            self._settings.vocoder = ""
            self.trouble.emit(f"{failure.message} The voice is loaded with its own vocoder instead.")
            self.load(path)
            return
        if self.voice is not None and vocoder != self._settings.vocoder:
            self.trouble.emit(f"{failure.message} The vocoder {self.voice.vocoder} stays in use.")
            return
        self._refuse(path or "the embedded voice", failure)
        if self.voice is None and path is not None:
            self.trouble.emit(f"{failure.message} The embedded voice is loaded instead.")
            self._session.checkpoint = None
            self.load(None)
        else:
            self.trouble.emit(failure.message)

    def _on_load_ended(self, job: Job) -> None:
        if self.loading is job:
            self.loading = None
            self.changed.emit()

    def _on_restart(self, sentence: str) -> None:
        self.voice = None
        self.trouble.emit(sentence)
        self.changed.emit()
        self.load_last()
