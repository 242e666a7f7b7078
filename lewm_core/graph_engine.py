"""The batched engine: free runs that join a batch when they come and leave it when they are done.

    engine = GraphEngine(voice)
    run = engine.join("həlˈəʊ.", shares, SamplingSettings(seed=3))
    while run.stop_reason is None:
        for run_of_step, step in engine.step(): ...

What a run yields does not depend on what else is in the batch: each row has its own cache length, its own padding
and its own random generator.

b rows   r latents a step   k steps   u text units   d latent dimensions   l layers   h heads
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

import numpy as np

from lewm_core.config import MelConfig
from lewm_core.graph_voice import GraphVoice, TextPlan, whole_durations
from lewm_core.sampling import BYTES_TO_SECONDS, SamplingSettings, drawn_noise
from lewm_core.step_memory import StepMemory

DEFAULT_ROWS = 16


@dataclass(frozen=True)
class GraphStep:
    """One step of a free run: its latents (r, d) in the decoder's space, and the share done in [0, 1]."""

    latents: np.ndarray
    fraction: float


@dataclass(frozen=True, eq=False)
class Known:
    """Speech that a run goes on from (a voice prompt).

    Attributes:
        history: (k, r d) normalised latents of its steps.
        durations: (u,) latents of each unit of its text, the first u units of the run's text; they sum to k r.
            None where alignment is "attention".
        text_bytes: bytes of its text at the beginning of the run's text.
    """

    history: np.ndarray
    durations: np.ndarray | None
    text_bytes: int


@dataclass(eq=False)
class GraphRun:
    """One free run in the engine.

    Attributes:
        planned: steps it will probably take.  max_steps: steps after which it is ended.
        noise: (max_steps, r, d) added to its latents, or None without temperature.
        durations: (u,) latents planned for each unit, or None.
        history: (k, r d) what it is told before it makes steps of its own.
        latents: (r, d) of each step in the decoder's space.
        stop_probabilities: of each step.
        attention: (l, h, u) of each step, where the settings ask for it.
        stop_reason: None while it runs; then "stop_head", "max_length" or "cancelled".
    """

    settings: SamplingSettings
    plan: TextPlan
    planned: int
    min_steps: int
    max_steps: int
    units: int
    noise: np.ndarray | None
    durations: np.ndarray | None
    history: np.ndarray
    stop_reason: str | None = None
    latents: list[np.ndarray] = field(default_factory=list)
    stop_probabilities: list[float] = field(default_factory=list)
    attention: list[np.ndarray] = field(default_factory=list)


class GraphEngine:
    """A batch of free runs over one voice. Not for use from two threads at once."""

    def __init__(self, voice: GraphVoice, max_rows: int = DEFAULT_ROWS) -> None:
        self.voice, self.max_rows = voice, max_rows
        self._runs: list[GraphRun] = []  # row by row
        self._memory = StepMemory(voice)

    @property
    def runs(self) -> tuple[GraphRun, ...]:
        """The runs in the batch."""
        return tuple(self._runs)

    @property
    def has_room(self) -> bool:
        """Whether another run may join."""
        return len(self._runs) < self.max_rows

    def join(
        self, text: str, shares: np.ndarray, settings: SamplingSettings, known: Known | None = None
    ) -> GraphRun:
        """Take a text into the batch; its first step is made by the next ``step``.

        Args:
            text: as the checkpoint's text front end gave it.
            shares: (1, n_speakers) of each speaker in the voice.
            known: speech that the run goes on from; ``text`` then begins with its words. Its steps are gone
                through first, without yielding any.

        Raises:
            IndexError: the batch is full.
        """
        if not self.has_room:
            raise IndexError(f"the batch is full: {self.max_rows} runs")
        voice, config = self.voice, self.voice.config
        r = config.latents_per_step
        steps_per_second = MelConfig().frame_rate / config.downsample_factor / r
        encoded = voice.read(text, shares)
        max_steps = max(1, int(settings.max_seconds * steps_per_second))
        history = np.zeros((0, r * config.latent_dim), np.float32) if known is None else known.history
        new_bytes = encoded.bytes - (0 if known is None else known.text_bytes)
        planned = min(max_steps, 1 + int(BYTES_TO_SECONDS * max(0, new_bytes) * steps_per_second))
        durations = None
        if encoded.log_durations is not None:
            durations = planned_durations(encoded.log_durations, settings.speed, known)
            planned = max(1, -(-int(durations.sum()) // r) - len(history))
            max_steps = min(max_steps, planned + max(4, planned // 10))
        plan = voice.plan(encoded, shares, durations, len(history) + max_steps)
        noise = None
        if settings.temperature > 0:
            drawn = drawn_noise(settings.seed, max_steps, r, config.latent_dim)
            noise = np.float32(settings.temperature) * voice.residual_std * drawn
        run = GraphRun(
            settings=settings, plan=plan, planned=planned, max_steps=max_steps, units=len(encoded.memory), noise=noise,
            min_steps=int(settings.min_seconds * steps_per_second), durations=durations, history=history,
        )  # fmt: skip
        self._memory.put(encoded, len(history) + max_steps)
        self._runs.append(run)
        return run

    def leave(self, run: GraphRun, reason: str = "cancelled") -> None:
        """Take a run out of the batch; what it made stays in it."""
        row = self._runs.index(run)
        self._memory.remove(row)
        self._runs[row] = self._runs[-1]
        self._runs.pop()
        run.stop_reason = reason

    def step(self) -> list[tuple[GraphRun, GraphStep]]:
        """Advance all runs one step; those that are done or cancelled leave.

        Returns:
            the step of each run that made one.
        """
        for run in self.runs:
            if run.settings.cancelled():
                self.leave(run)
        if not self._runs:
            return []
        made = self._advance()
        for run, _ in made:
            number = len(run.latents)
            if number > run.min_steps and run.stop_probabilities[-1] > run.settings.stop_threshold:
                self.leave(run, "stop_head")
            elif number >= run.max_steps:
                self.leave(run, "max_length")
        return made

    def _advance(self) -> list[tuple[GraphRun, GraphStep]]:
        memory = self._memory
        with_attention = any(run.settings.need_attention for run in self._runs)
        latents, stop, attention = memory.advance([run.plan for run in self._runs], with_attention)
        made = []
        for row, run in enumerate(self._runs):
            known = memory.steps(row) - 1
            if known < len(run.history):
                memory.tell(row, run.history[known])
                continue
            if run.noise is not None:
                latents[row] += run.noise[len(run.latents)]
            memory.tell(row, latents[row])
            run.latents.append(self.voice.denormalise(latents[row]))
            run.stop_probabilities.append(float(stop[row]))
            if attention is not None and run.settings.need_attention:
                run.attention.append(attention[:, row, :, : run.units].copy())
            fraction = min(1.0, len(run.latents) / run.planned)
            made.append((run, GraphStep(run.latents[-1], fraction)))
        return made


def planned_durations(log_durations: np.ndarray, speed: float, known: Known | None) -> np.ndarray:
    """Whole latents of each unit (u,): those that the known speech took, then those predicted at ``speed``."""
    if known is None or known.durations is None:
        return whole_durations(log_durations, speed)
    own = whole_durations(log_durations[len(known.durations) :], speed)
    return np.concatenate((known.durations, own))


def speak(
    voice: GraphVoice, text: str, shares: np.ndarray, settings: SamplingSettings, known: Known | None = None
) -> Generator[GraphStep, None, GraphRun]:
    """Speak one text: a batch of one; see ``GraphEngine.join``.

    Yields:
        each step, as it is made.

    Returns:
        the finished run; when ``settings.cancelled()`` turns true it ends within one step.
    """
    engine = GraphEngine(voice, 1)
    run = engine.join(text, shares, settings, known)
    while run.stop_reason is None:
        for _, step in engine.step():
            yield step
    return run


def speak_all(
    voice: GraphVoice, jobs: Iterable[tuple[str, np.ndarray, SamplingSettings]], max_rows: int = DEFAULT_ROWS
) -> Generator[tuple[int, GraphRun], None, None]:
    """Speak many texts, as many at once as ``max_rows``; the next joins as soon as one leaves.

    Args:
        jobs: text, shares of speakers and settings of each, as for ``GraphEngine.join``.

    Yields:
        the place of a job in ``jobs`` and its finished run, in the order in which they end.
    """
    engine = GraphEngine(voice, max_rows)
    waiting = deque(enumerate(jobs))
    numbers: dict[GraphRun, int] = {}
    while waiting or numbers:
        while waiting and engine.has_room:
            number, job = waiting.popleft()
            numbers[engine.join(*job)] = number
        engine.step()
        for run in [run for run in numbers if run.stop_reason is not None]:
            yield numbers.pop(run), run
