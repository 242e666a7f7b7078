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

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from lewm_core.free_runs import DEFAULT_ROWS, FreeRun, FreeRuns, length_of, run_jobs
from lewm_core.graph_voice import GraphVoice, TextPlan, whole_durations
from lewm_core.sampling import SamplingSettings, drawn_noise
from lewm_core.step_memory import StepMemory


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


@dataclass(eq=False, kw_only=True)
class GraphRun(FreeRun):
    """One free run in the engine; its latents and attention are numpy arrays.

    Attributes:
        noise: (max_steps, r, d) added to its latents, or None without temperature.
        durations: (u,) latents planned for each unit, or None.
        history: (k, r d) what it is told before it makes steps of its own.
    """

    plan: TextPlan
    noise: np.ndarray | None
    durations: np.ndarray | None
    history: np.ndarray


class GraphEngine(FreeRuns[GraphRun, GraphStep]):
    """A batch of free runs over one voice. Not for use from two threads at once."""

    def __init__(self, voice: GraphVoice, max_rows: int = DEFAULT_ROWS) -> None:
        super().__init__(max_rows)
        self.voice = voice
        self._memory = StepMemory(voice)

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
        self._need_room()
        voice, config = self.voice, self.voice.config
        encoded = voice.read(text, shares)
        history = np.zeros((0, config.latents_per_step * config.latent_dim), np.float32)
        new_bytes, durations = encoded.bytes, None
        if known is not None:
            history, new_bytes = known.history, encoded.bytes - known.text_bytes
        if encoded.log_durations is not None:
            durations = planned_durations(encoded.log_durations, settings.speed, known)
        latents = None if durations is None else int(durations.sum())
        length = length_of(config, settings, new_bytes, latents, len(history))
        steps = len(history) + length.max_steps
        run = GraphRun(
            settings=settings, length=length, plan=voice.plan(encoded, shares, durations, steps),
            units=len(encoded.memory), noise=self._noise(settings, length.max_steps), durations=durations,
            history=history,
        )  # fmt: skip
        self._memory.put(encoded, steps)
        self._runs.append(run)
        return run

    def _noise(self, settings: SamplingSettings, steps: int) -> np.ndarray | None:
        if settings.temperature <= 0:
            return None
        config = self.voice.config
        drawn = drawn_noise(settings.seed, steps, config.latents_per_step, config.latent_dim)
        return np.float32(settings.temperature) * self.voice.residual_std * drawn

    def _remove(self, row: int) -> None:
        self._memory.remove(row)

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
            made.append((run, GraphStep(run.latents[-1], run.fraction)))
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
    return run_jobs(GraphEngine(voice, max_rows), jobs)
