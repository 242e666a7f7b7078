"""The batched engine: free runs that join a batch when they come and leave it when they are done.

    engine = Engine(model)
    run = engine.join(text, speaker, SamplingSettings(seed=3))
    while run.stop_reason is None:
        for run_of_step, step in engine.step(): ...
    run.result().latents

What a run yields does not depend on what else is in the batch: each row has its own cache length, its own
padding mask and its own random generator. ``LeWM.generate`` is a batch of one.

b rows   r latents a step   k steps   u text units   d latent dimensions
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lewm_core.config import MelConfig
from lewm_core.model.lewm import Generated, LeWM, Step
from lewm_core.model.predictor_state import PredictorState
from lewm_core.model.prompt_fill import PromptSteps, fill, planned_durations
from lewm_core.model.text_batch import TextBatch
from lewm_core.sampling import BYTES_TO_SECONDS, SamplingSettings, drawn_noise

DEFAULT_ROWS = 16
_SMALLEST_STEPS, _SMALLEST_UNITS = 64, 64


@dataclass(eq=False)
class Run:
    """One free run in the engine.

    Attributes:
        planned: steps it will probably take.  max_steps: steps after which it is ended.
        noise: (max_steps, r, d) added to its latents, or None without temperature.
        durations: (u,) latents planned for each unit, or None.
        stop_reason: None while it runs; then "stop_head", "max_length" or "cancelled".
    """

    settings: SamplingSettings
    planned: int
    min_steps: int
    max_steps: int
    units: int
    noise: Tensor | None
    empty: Tensor
    durations: Tensor | None = None
    stop_reason: str | None = None
    latents: list[Tensor] = field(default_factory=list)
    stop_probabilities: list[float] = field(default_factory=list)
    attention: list[Tensor] = field(default_factory=list)

    def result(self) -> Generated:
        """What was made so far, in the form of ``LeWM.generate``."""
        return Generated(
            latents=torch.cat(self.latents) if self.latents else self.empty,
            stop_probability=torch.tensor(self.stop_probabilities),
            attention=torch.stack(self.attention, dim=2) if self.attention else None,
            stop_reason=self.stop_reason or "cancelled",
            durations=self.durations,
        )


class Engine:
    """A batch of free runs over one model. Not for use from two threads at once."""

    def __init__(self, model: LeWM, max_rows: int = DEFAULT_ROWS) -> None:
        self.model, self.max_rows = model, max_rows
        self._runs: list[Run] = []  # row by row
        self._state: PredictorState | None = None

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs in the batch."""
        return tuple(self._runs)

    @property
    def has_room(self) -> bool:
        """Whether another run may join."""
        return len(self._runs) < self.max_rows

    @torch.inference_mode()
    def join(
        self, text: TextBatch, speaker: Tensor, settings: SamplingSettings, prompt: PromptSteps | None = None
    ) -> Run:
        """Take a text into the batch; its first step is made by the next ``step``.

        Args:
            text: one text.  speaker: (1,), or the shares of a blend (1, n_speakers).
            prompt: speech that the run goes on from; ``text`` then begins with its words.

        Raises:
            IndexError: the batch is full.
        """
        if not self.has_room:
            raise IndexError(f"the batch is full: {self.max_rows} runs")
        with one_thread():
            run = self._join(text, speaker, settings, prompt)
        self._runs.append(run)
        return run

    def _join(
        self, text: TextBatch, speaker: Tensor, settings: SamplingSettings, prompt: PromptSteps | None
    ) -> Run:
        model, config = self.model, self.model.config
        r = config.latents_per_step
        steps_per_second = MelConfig().frame_rate / config.downsample_factor / r
        memory, mask = model.encode_text(text, speaker)
        max_steps = max(1, int(settings.max_seconds * steps_per_second))
        said, text_bytes = (0, 0) if prompt is None else (prompt.steps, prompt.text_bytes)
        planned = 1 + int(BYTES_TO_SECONDS * max(0, int(text.lengths[0]) - text_bytes) * steps_per_second)
        planned = min(max_steps, planned)
        durations = None
        if model.duration is not None:
            durations = planned_durations(model.duration(memory, mask), mask, settings.speed, prompt)
            planned = max(1, -(-int(durations.sum()) // r) - said)
            max_steps = min(max_steps, planned + max(4, planned // 10))
        prepared = model.predictor.prepare(model.plan(memory, mask, durations, said + max_steps), speaker)
        state = self._reserve(said + max_steps, mask.shape[1], like=memory)
        row = state.put(0, prepared, model.predictor.start)
        if prompt is not None:
            fill(model.predictor, state, row, prepared, prompt)
        noise = None
        if settings.temperature > 0:
            drawn = torch.from_numpy(drawn_noise(settings.seed, max_steps, r, config.latent_dim))
            noise = settings.temperature * model.residual_std * drawn.to(memory.device)
        return Run(
            settings=settings, planned=planned, min_steps=int(settings.min_seconds * steps_per_second),
            max_steps=max_steps, units=mask.shape[1], noise=noise, empty=memory.new_zeros(0, config.latent_dim),
            durations=None if durations is None else durations[0],
        )  # fmt: skip

    @torch.inference_mode()
    def leave(self, run: Run, reason: str = "cancelled") -> None:
        """Take a run out of the batch; what it made stays in it."""
        row = self._runs.index(run)
        assert self._state is not None
        self._state.remove(row)
        self._runs[row] = self._runs[-1]
        self._runs.pop()
        run.stop_reason = reason

    def step(self) -> list[tuple[Run, Step]]:
        """Advance all runs one step; those that are done or cancelled leave.

        Returns:
            the step of each run that made one.
        """
        for run in self.runs:
            if run.settings.cancelled():
                self.leave(run)
        if not self._runs:
            return []
        latents, probabilities, attention = self._advance()
        made = []
        for row, run in enumerate(self.runs):
            run.latents.append(latents[row])
            run.stop_probabilities.append(probabilities[row])
            if attention is not None and run.settings.need_attention:
                run.attention.append(attention[:, row, :, : run.units])
            made.append((run, Step(latents[row], min(1.0, len(run.latents) / run.planned))))
        for run, _ in made:
            number = len(run.latents)
            if number > run.min_steps and run.stop_probabilities[-1] > run.settings.stop_threshold:
                self.leave(run, "stop_head")
            elif number >= run.max_steps:
                self.leave(run, "max_length")
        return made

    @torch.inference_mode()
    def _advance(self) -> tuple[Tensor, list[float], Tensor | None]:
        """One step of all rows: latents (b, r, d) in the decoder's space, stop probabilities, attention."""
        state = self._state
        assert state is not None
        need_weights = any(run.settings.need_attention for run in self._runs)
        with one_thread():
            latents, stop, attention = self.model.predictor.step(state, need_weights=need_weights)
            for row, run in enumerate(self._runs):
                if run.noise is not None:
                    latents[row] += run.noise[len(run.latents)]
            state.last[: state.rows] = latents.flatten(1)
            return self.model.denormalise(latents), stop.sigmoid().tolist(), attention

    def _reserve(self, steps: int, units: int, like: Tensor) -> PredictorState:
        """Make sure that one more row of so many steps and units fits; sizes double, as a list's do."""
        alone = self.max_rows == 1
        if self._state is None:
            self._state = PredictorState.empty(
                self.model.config, 1, steps if alone else max(steps, _SMALLEST_STEPS),
                units if alone else max(units, _SMALLEST_UNITS), like,
            )  # fmt: skip
        state = self._state
        had_rows, had_steps, had_units = state.size
        if state.rows == had_rows or steps > had_steps or units > had_units:
            self._state = state.grown(
                self.model.config,
                rows=min(2 * had_rows, self.max_rows) if state.rows == had_rows else had_rows,
                steps=max(steps, 2 * had_steps) if steps > had_steps else had_steps,
                units=max(units, 2 * had_units) if units > had_units else had_units,
            )
        return self._state


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: reading a text and a step are many products too small to share.

    With a thread more than there are free cores, each of them waits a time slice of the scheduler for the
    other (docs/engine.md has the figures).
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def lay_out_for_steps(model: LeWM) -> None:
    """Store the predictor's weights column by column; their values, names and shapes stay.

    The product of one row with such a matrix reads memory in order, which is where a step spends its time.
    """
    for layer in model.predictor.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.weight.data = layer.weight.data.t().contiguous().t()


def run_all(
    model: LeWM, jobs: Iterable[tuple[TextBatch, Tensor, SamplingSettings]], max_rows: int = DEFAULT_ROWS
) -> Generator[tuple[int, Generated], None, None]:
    """Speak many texts, as many at once as ``max_rows``; the next joins as soon as one leaves.

    Args:
        jobs: text, speaker (1,) and settings of each.

    Yields:
        the place of a job in ``jobs`` and what was made of it, in the order in which they end.
    """
    engine = Engine(model, max_rows)
    waiting = deque(enumerate(jobs))
    numbers: dict[Run, int] = {}
    while waiting or numbers:
        while waiting and engine.has_room:
            number, job = waiting.popleft()
            numbers[engine.join(*job)] = number
        engine.step()
        for run in [run for run in numbers if run.stop_reason is not None]:
            yield numbers.pop(run), run.result()
