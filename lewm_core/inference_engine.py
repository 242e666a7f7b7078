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

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from lewm_core.free_runs import DEFAULT_ROWS, FreeRun, FreeRuns, length_of, run_jobs
from lewm_core.model.lewm import Generated, LeWM, Step
from lewm_core.model.predictor_state import PredictorState
from lewm_core.model.prompt_fill import PromptSteps, fill, planned_durations
from lewm_core.model.text_batch import TextBatch
from lewm_core.sampling import SamplingSettings, drawn_noise

_SMALLEST_STEPS, _SMALLEST_UNITS = 64, 64


@dataclass(eq=False, kw_only=True)
class Run(FreeRun):
    """One free run in the engine; its latents and attention are tensors.

    Attributes:
        noise: (max_steps, r, d) added to its latents, or None without temperature.
        durations: (u,) latents planned for each unit, or None.
        empty: (0, d), the latents of a run that made no step.
    """

    noise: Tensor | None
    durations: Tensor | None
    empty: Tensor

    def result(self) -> Generated:
        """What was made so far, in the form of ``LeWM.generate``."""
        return Generated(
            latents=torch.cat(self.latents) if self.latents else self.empty,
            stop_probability=torch.tensor(self.stop_probabilities),
            attention=torch.stack(self.attention, dim=2) if self.attention else None,
            stop_reason=self.stop_reason or "cancelled",
            durations=self.durations,
        )


class Engine(FreeRuns[Run, Step]):
    """A batch of free runs over one model. Not for use from two threads at once."""

    def __init__(self, model: LeWM, max_rows: int = DEFAULT_ROWS) -> None:
        super().__init__(max_rows)
        self.model = model
        self._state: PredictorState | None = None

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
        self._need_room()
        with one_thread():
            run = self._join(text, speaker, settings, prompt)
        self._runs.append(run)
        return run

    def _join(
        self, text: TextBatch, speaker: Tensor, settings: SamplingSettings, prompt: PromptSteps | None
    ) -> Run:
        model, config = self.model, self.model.config
        memory, mask = model.encode_text(text, speaker)
        said, text_bytes = (0, 0) if prompt is None else (prompt.steps, prompt.text_bytes)
        durations = None
        if model.duration is not None:
            durations = planned_durations(model.duration(memory, mask), mask, settings.speed, prompt)
        latents = None if durations is None else int(durations.sum())
        length = length_of(config, settings, int(text.lengths[0]) - text_bytes, latents, said)
        steps = said + length.max_steps
        prepared = model.predictor.prepare(model.plan(memory, mask, durations, steps), speaker)
        state = self._reserve(steps, mask.shape[1], like=memory)
        row = state.put(0, prepared, model.predictor.start)
        if prompt is not None:
            fill(model.predictor, state, row, prepared, prompt)
        noise = None
        if settings.temperature > 0:
            drawn = drawn_noise(settings.seed, length.max_steps, config.latents_per_step, config.latent_dim)
            noise = settings.temperature * model.residual_std * torch.from_numpy(drawn).to(memory.device)
        return Run(
            settings=settings, length=length, units=mask.shape[1], noise=noise,
            durations=None if durations is None else durations[0], empty=memory.new_zeros(0, config.latent_dim),
        )  # fmt: skip

    @torch.inference_mode()
    def _remove(self, row: int) -> None:
        assert self._state is not None
        self._state.remove(row)

    @torch.inference_mode()
    def _advance(self) -> list[tuple[Run, Step]]:
        state = self._state
        assert state is not None
        need_weights = any(run.settings.need_attention for run in self._runs)
        with one_thread():
            latents, stop, attention = self.model.predictor.step(state, need_weights=need_weights)
            for row, run in enumerate(self._runs):
                if run.noise is not None:
                    latents[row] += run.noise[len(run.latents)]
            state.last[: state.rows] = latents.flatten(1)
            latents, probabilities = self.model.denormalise(latents), stop.sigmoid().tolist()
        made = []
        for row, run in enumerate(self._runs):
            run.latents.append(latents[row])
            run.stop_probabilities.append(probabilities[row])
            if attention is not None and run.settings.need_attention:
                run.attention.append(attention[:, row, :, : run.units])
            made.append((run, Step(latents[row], run.fraction)))
        return made

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
    for number, run in run_jobs(Engine(model, max_rows), jobs):
        yield number, run.result()
