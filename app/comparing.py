"""The clip and its comparison: reads the recording, then lets the voice make the other panes."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.engine import Engine
from app.engine_messages import ClipOpened, Compare, Compared, Failure, OpenClip, Step
from app.jobs import Job
from app.session import Clip, Session

logger = logging.getLogger(__name__)
LARGEST_TRANSCRIPT = 20_000
NEEDS_TRANSCRIPT = "Type what is said in the clip to compare it."


class ComparisonController(QObject):
    """Opens clips and compares them; a new clip, text, speaker or voice supersedes a running comparison."""

    changed = Signal()
    clip_opened = Signal()
    trouble = Signal(str)
    job_started = Signal(object)

    def __init__(self, engine: Engine, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._session = session
        self.clip: ClipOpened | None = None
        self.result: Compared | None = None
        self.job: Job | None = None
        self.partial_mel: np.ndarray | None = None
        self.speakers: tuple[str, ...] = ()

    @property
    def is_busy(self) -> bool:
        """True while a comparison runs."""
        return self.job is not None

    # ------------------------------------------------------------------ clip
    def open(self, clip: Clip) -> None:
        """Read a recording; it replaces the present clip only when it can be read."""
        if not clip.text:
            clip = replace(clip, text=transcript_beside(Path(clip.path)))
        job = self._engine.submit(OpenClip(clip.path), "Reading the clip", "clip")
        job.finished.connect(lambda opened: self._on_opened(clip, opened))
        job.failed.connect(lambda failure: self._on_clip_failed(clip, failure))
        self.job_started.emit(job)

    def close(self) -> None:
        """Put the clip away."""
        self.cancel()
        self._session.clip = None
        self.clip = self.result = None
        self.changed.emit()

    def set_transcript(self, text: str) -> None:
        """What is said in the clip; compares again when it changed."""
        clip = self._session.clip
        if clip is not None and clip.text != text.strip():
            self._session.clip = replace(clip, text=text.strip())
            self.compare()

    def set_speaker(self, speaker: str) -> None:
        """The speaker of the voice that speaks the clip's text; compares again when it changed."""
        clip = self._session.clip
        if clip is not None and speaker and clip.speaker != speaker:
            self._session.clip = replace(clip, speaker=speaker)
            self.compare()

    def _on_opened(self, clip: Clip, opened: ClipOpened) -> None:
        self.clip, self.result = opened, None
        self._session.clip = clip
        if not opened.is_stored:
            self._session.remember_clip(clip.path)
        self.clip_opened.emit()
        self.changed.emit()
        self.compare()

    def _on_clip_failed(self, clip: Clip, failure: Failure) -> None:
        if not failure.expected:
            logger.error("clip %s\n%s", clip.path, failure.details)
        if self.clip is None and self._session.clip is not None:
            self._session.clip = None  # the clip of the last session is gone
        self.trouble.emit(failure.message)

    # ------------------------------------------------------------------ comparison
    @property
    def can_compare(self) -> bool:
        """True with a clip, its transcript and a voice."""
        clip = self._session.clip
        return bool(self.speakers) and self.clip is not None and clip is not None and bool(clip.text)

    @property
    def speaker(self) -> str:
        """Who speaks the clip's text: the clip's own speaker where the voice has it, else the chosen one."""
        session = self._session
        own = session.clip.speaker if session.clip is not None else ""
        return own if own in self.speakers else session.speaker

    def compare(self) -> None:
        """Compare the clip with the voice, if everything for it is there."""
        clip, opened = self._session.clip, self.clip
        if not self.can_compare or clip is None or opened is None:
            return
        session = self._session
        mel = opened.mel if opened.is_stored else None
        request = Compare(opened.wave, clip.text, self.speaker, session.seed, session.temperature, mel)
        job = self._engine.submit(request, "Comparing", "compare")
        self.job = job
        self.partial_mel = None
        job.stepped.connect(self._on_step)
        job.finished.connect(self._on_compared)
        job.failed.connect(self._on_failed)
        job.ended.connect(lambda: self._on_ended(job))
        self.job_started.emit(job)
        self.changed.emit()

    def cancel(self) -> None:
        """Stop the comparison and keep the panes that were made."""
        if self.job is not None:
            self.job.cancel()

    def _on_step(self, step: Step) -> None:
        if step.partial_mel is not None and step.partial_mel.shape[1] > 0:
            self.partial_mel = step.partial_mel
            self.changed.emit()

    def _on_compared(self, result: Compared) -> None:
        logger.info("compared: %s", result.stop_reason)
        self.result = result
        self.changed.emit()

    def _on_failed(self, failure: Failure) -> None:
        if not failure.expected:
            logger.error("comparison failed\n%s", failure.details)
        self.trouble.emit(failure.message)

    def _on_ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            self.partial_mel = None
            self.changed.emit()


def transcript_beside(path: Path) -> str:
    """Text of a `.txt` file of the same name beside a clip, or "" when there is none that can be read."""
    try:
        return path.with_suffix(".txt").read_text(encoding="utf-8")[:LARGEST_TRANSCRIPT].strip()
    except (OSError, ValueError):
        return ""
