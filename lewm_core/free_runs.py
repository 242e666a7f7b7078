"""Free runs and the batch that they share, whatever computes their steps: who is in it, how long a run may last, why
it ends. ``graph_engine`` computes steps with ONNX graphs, ``inference_engine`` with torch.

k steps   r latents a step   u text units
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from lewm_core.config import MelConfig, ModelConfig
from lewm_core.sampling import BYTES_TO_SECONDS, SamplingSettings

DEFAULT_ROWS = 16
LATE_SHARE, LATE_STEPS = 10, 4
"""A run with a plan is ended when it is a tenth, but at least so many steps, longer than planned."""


class Length(NamedTuple):
    """Of a run, in steps: what it will probably take, the fewest, and those after which it is ended."""

    planned: int
    min_steps: int
    max_steps: int


def length_of(
    config: ModelConfig, settings: SamplingSettings, new_bytes: int, durations: int | None, said: int
) -> Length:
    """How long a run is going to be.

    Args:
        new_bytes: of text that it has to speak.
        durations: latents planned for all of its text, or None: then it is guessed from the bytes.
        said: steps that it is told before it makes its own.
    """
    r = config.latents_per_step
    steps_per_second = MelConfig().frame_rate / config.downsample_factor / r
    max_steps = max(1, int(settings.max_seconds * steps_per_second))
    planned = min(max_steps, 1 + int(BYTES_TO_SECONDS * max(0, new_bytes) * steps_per_second))
    if durations is not None:
        planned = max(1, -(-durations // r) - said)
        max_steps = min(max_steps, planned + max(LATE_STEPS, planned // LATE_SHARE))
    return Length(planned, int(settings.min_seconds * steps_per_second), max_steps)


@dataclass(eq=False, kw_only=True)
class FreeRun:
    """One free run in a batch, and what it made so far.

    Attributes:
        units: of its text.
        latents: (r, d) of each step in the decoder's space.
        stop_probabilities: of each step.
        attention: (l, h, u) of each step, where the settings ask for it.
        stop_reason: None while it runs; then "stop_head", "max_length" or "cancelled".
    """

    settings: SamplingSettings
    length: Length
    units: int
    stop_reason: str | None = None
    latents: list[Any] = field(default_factory=list)
    stop_probabilities: list[float] = field(default_factory=list)
    attention: list[Any] = field(default_factory=list)

    @property
    def fraction(self) -> float:
        """Share done in [0, 1]."""
        return min(1.0, len(self.latents) / self.length.planned)

    @property
    def end(self) -> str | None:
        """Why the run ends after its last step; None where it goes on."""
        number = len(self.latents)
        if number > self.length.min_steps and self.stop_probabilities[-1] > self.settings.stop_threshold:
            return "stop_head"
        return "max_length" if number >= self.length.max_steps else None


Run = TypeVar("Run", bound=FreeRun)
Step = TypeVar("Step")


class FreeRuns(Generic[Run, Step]):
    """A batch of free runs, row by row. Not for use from two threads at once."""

    def __init__(self, max_rows: int = DEFAULT_ROWS) -> None:
        self.max_rows = max_rows
        self._runs: list[Run] = []

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs in the batch."""
        return tuple(self._runs)

    @property
    def has_room(self) -> bool:
        """Whether another run may join."""
        return len(self._runs) < self.max_rows

    def _need_room(self) -> None:
        if not self.has_room:
            raise IndexError(f"the batch is full: {self.max_rows} runs")

    def leave(self, run: Run, reason: str = "cancelled") -> None:
        """Take a run out of the batch; what it made stays in it."""
        row = self._runs.index(run)
        self._remove(row)
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
        made = self._advance()
        for run, _ in made:
            if (reason := run.end) is not None:
                self.leave(run, reason)
        return made

    def _advance(self) -> list[tuple[Run, Step]]:
        """Make one step of every row, and keep it in its run."""
        raise NotImplementedError

    def _remove(self, row: int) -> None:
        """Forget a row; the last row takes its place."""
        raise NotImplementedError


def run_jobs(batch: Any, jobs: Iterable[tuple[Any, ...]]) -> Generator[tuple[int, Any], None, None]:
    """Run many jobs, as many at once as the batch has rows; the next joins as soon as one leaves.

    Args:
        batch: a ``FreeRuns``.  jobs: arguments of its ``join``.

    Yields:
        the place of a job in ``jobs`` and its finished run, in the order in which they end.
    """
    waiting = deque(enumerate(jobs))
    numbers: dict[FreeRun, int] = {}
    while waiting or numbers:
        while waiting and batch.has_room:
            number, job = waiting.popleft()
            numbers[batch.join(*job)] = number
        batch.step()
        for run in [run for run in numbers if run.stop_reason is not None]:
            yield numbers.pop(run), run
