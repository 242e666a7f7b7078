"""Many requests at once over one voice: a thread in which all of them share the steps of one batch.

    service = SpeechService(voice)
    speech = service.submit(request, events.put)     # Piece, Piece, ..., then Finished or Failed
    speech.cancel()
    service.close()

What a request says does not depend on what else is spoken at the same time (``lewm_core.graph_engine``).
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np

from lewm_core.graph_engine import GraphEngine, GraphRun, GraphStep, Known
from lewm_core.inference import Synthesiser, SynthesisRequest, SynthesisResult
from lewm_core.progress import WAITING, Progress
from lewm_core.sampling import SamplingSettings
from lewm_core.streaming import AudioChunk

logger = logging.getLogger(__name__)
DEFAULT_AT_ONCE = 8
DEFAULT_WAITING = 16


class BusyError(RuntimeError):
    """As many requests wait as may wait; try again later."""


@dataclass(frozen=True)
class Piece:
    """The next samples (t,) of the speech, float32 in [-1, 1]."""

    wave: np.ndarray


@dataclass(frozen=True)
class Finished:
    """Everything was said; or what came before a cancel."""

    stop_reason: str


@dataclass(frozen=True)
class Failed:
    """Nothing (more) will come. A ``ValueError`` of ours tells the person what to change."""

    error: Exception


Event = Piece | Finished | Failed


@dataclass(eq=False)
class Speech:
    """One request on its way; events come by ``post``, in the thread of the service."""

    request: SynthesisRequest
    post: Callable[[Event], None]
    is_cancelled: bool = False
    job: Generator[Progress | AudioChunk, None, SynthesisResult] | None = field(default=None, repr=False)

    def cancel(self) -> None:
        """Say no more; no further event comes but the last (any thread)."""
        self.is_cancelled = True


class SpeechService:
    """Runs requests over one voice in a thread of its own."""

    def __init__(
        self, voice: Synthesiser, at_once: int = DEFAULT_AT_ONCE, waiting: int = DEFAULT_WAITING
    ) -> None:
        """Start the thread.

        Args:
            at_once: requests that are spoken at the same time.  waiting: further ones that may wait.
        """
        self.voice, self.at_once, self.waiting = voice, at_once, waiting
        self._engine = GraphEngine(voice.voice, at_once)
        self._steps: dict[GraphRun, deque[GraphStep]] = {}
        self._queue: deque[Speech] = deque()
        self._speaking: list[Speech] = []
        self._changed = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="speech-service", daemon=True)
        self._thread.start()

    def submit(self, request: SynthesisRequest, post: Callable[[Event], None]) -> Speech:
        """Take a request.

        Raises:
            BusyError: too many wait already, or the service is closing.
        """
        speech = Speech(request, post)
        with self._changed:
            self._queue = deque(waiting for waiting in self._queue if not waiting.is_cancelled)
            room = self.at_once + self.waiting - len(self._speaking) - len(self._queue)
            if room <= 0 or self._is_closing:
                raise BusyError(f"{len(self._queue)} requests wait already. Try again in a moment.")
            self._queue.append(speech)
            self._changed.notify()
        return speech

    @property
    def load(self) -> tuple[int, int]:
        """Requests being spoken, and waiting."""
        with self._changed:
            return len(self._speaking), len(self._queue)

    def close(self, timeout: float = 10.0) -> None:
        """Cancel everything and end the thread."""
        with self._changed:
            self._is_closing = True
            for speech in [*self._speaking, *self._queue]:
                speech.cancel()
            self._changed.notify()
        self._thread.join(timeout)

    # ------------------------------------------------------------------ the thread
    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._queue or self._speaking or self._is_closing):
                    self._changed.wait()
                while self._queue and len(self._speaking) < self.at_once:
                    self._speaking.append(self._queue.popleft())
                if self._is_closing and not self._speaking:
                    return
                speaking = list(self._speaking)
            ended = [speech for speech in speaking if self._advance(speech)]
            with self._changed:
                for speech in ended:
                    self._speaking.remove(speech)
            try:
                for run, step in self._engine.step():
                    self._steps[run].append(step)
            except Exception as error:  # all requests share the step
                logger.exception("the batch failed")
                self._start_over(error)

    def _start_over(self, error: Exception) -> None:
        """End all requests in the batch, and begin an empty one."""
        self._engine = GraphEngine(self.voice.voice, self.at_once)
        with self._changed:
            lost, self._speaking = self._speaking, []
        for speech in lost:
            speech.post(Failed(error))

    def _advance(self, speech: Speech) -> bool:
        """Go on with one request until it needs the next step of the batch; True when it has ended."""
        try:
            if speech.job is None:
                speech.job = self.voice.speech(
                    speech.request, lambda: speech.is_cancelled, generate=self._in_the_batch
                )
            if speech.is_cancelled:
                speech.job.close()
                speech.post(Finished("cancelled"))
                return True
            for item in speech.job:
                if isinstance(item, AudioChunk):
                    speech.post(Piece(item.wave))
                elif item.message == WAITING:
                    return False
            speech.post(Finished("stop_head"))
        except Exception as error:
            if not isinstance(error, ValueError):
                logger.exception("a request failed")
            speech.post(Failed(error))
        return True

    def _in_the_batch(
        self, text: str, shares: np.ndarray, settings: SamplingSettings, known: Known | None = None
    ) -> Generator[GraphStep | None, None, GraphRun]:
        """As ``graph_engine.speak``, in the batch of all requests; None where the batch has to come round first."""
        run = self._engine.join(text, shares, settings, known)
        steps = self._steps[run] = deque()
        try:
            while steps or run.stop_reason is None:
                yield steps.popleft() if steps else None
            return run
        finally:
            del self._steps[run]
            if run in self._engine.runs:
                self._engine.leave(run)


def listen(events: Callable[[], Event]) -> Generator[np.ndarray, None, None]:
    """The pieces (t,) of a speech whose events ``events()`` hands out, to its end.

    Raises:
        Exception: what made the request fail.
    """
    for _ in itertools.count():
        event = events()
        if isinstance(event, Failed):
            raise event.error
        if isinstance(event, Finished):
            return
        yield event.wave
