"""What every training stage shares: schedule, several processes, saving, exact resume, Ctrl+C.

A stage (autoencoder, aligner, predictor, joint) is a small object with parameters, a loss for the next
batch and a validation; the loop knows nothing of speech.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from lewm_core.distributed import ALONE, Processes, joined_batch
from lewm_core.train_log import Example, TrainLog
from lewm_core.train_moment import Moment
from lewm_core.train_save import Saves
from lewm_core.train_settings import LoopSettings

_SAME_SIGNAL_SECONDS = 2.0
Keep = Callable[[int, dict[str, float]], None]


class TrainError(RuntimeError):
    """Training cannot go on; the message names the step and the reason."""


class Stage(Protocol):
    """One kind of training."""

    name: str
    judged_by: str
    """Validation figure whose lowest value marks the best save."""

    def parameters(self) -> list[nn.Parameter]:
        """What is trained."""

    def modules(self) -> dict[str, nn.Module]:
        """What is saved, by name."""

    def loss(self, now: Moment) -> dict[str, Tensor]:
        """Losses of a step by name; "total" is minimised, "audio_seconds" counted."""

    def batch_names(self, now: Moment) -> list[str]:
        """Utterances of the joined batch of a step, to be named when something is wrong with it."""

    def validate(self) -> dict[str, float]:
        """Figures on held-out data."""

    def examples(self, count: int) -> list[Example]:
        """Held-out sentences to be looked at and listened to."""


def learning_rate_at(step: int, settings: LoopSettings) -> float:
    """Learning rate of a step: warm-up, plateau, linear decay."""
    rise = min(1.0, (step + 1) / max(1, settings.warmup))
    left = (settings.steps - step) / max(1.0, settings.decay * settings.steps)
    return settings.learning_rate * rise * min(1.0, max(left, 0.0))


def train(
    stage: Stage, settings: LoopSettings, folder: Path, *,
    processes: Processes = ALONE, keep: Keep | None = None, progress: bool | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train ``stage``, resuming from ``folder`` where an earlier run of it was saved.

    Random draws depend on the seed and the step alone, so a resumed run repeats an uninterrupted one.

    Args:
        processes: this process among those that train together; only the first one writes.
        keep: writes a checkpoint of the present state, given steps done and the last figures.
        progress: see ``TrainLog``.

    Returns:
        the last validation's figures.

    Raises:
        TrainError: a loss is not finite.
        SettingsError: the save in the folder does not fit.
        KeyboardInterrupt: Ctrl+C (or a polite kill) came; the state was saved first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        stage.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=settings.weight_decay
    )
    saves = Saves(folder, stage, settings.best_by)
    start = saves.resume(optimiser)
    processes.wait()  # nobody may write what another still reads
    trainer = _Trainer(stage, optimiser, settings, processes)
    log = TrainLog(folder, stage.name, start, settings.steps, show=progress) if processes.is_first else None
    try:
        with _interruptions() as interrupted:
            for step in range(start, settings.steps):
                losses = trainer.step(step)
                stop = processes.any(bool(interrupted))
                if log is not None:
                    log.add(step + 1, losses, settings.log_every)
                    log.pause_clock()
                    _after_step(stage, settings, step + 1, saves, optimiser, log, keep, stop=stop)
                    log.resume_clock()
                if stop:
                    processes.wait()
                    raise KeyboardInterrupt
        processes.wait()
    finally:
        if log is not None:
            log.close()
    return saves.figures


def _after_step(
    stage: Stage, settings: LoopSettings, done: int, saves: Saves, optimiser: torch.optim.Optimizer, log: TrainLog,
    keep: Keep | None, *, stop: bool,
) -> None:  # fmt: skip
    """Save, validate and keep where it is time.

    The save comes first: a validation may take long, and who ends the training may not wait for it.
    """
    last = done == settings.steps
    validates = last or (done % settings.validate_every == 0 and not stop)
    if validates or stop or done % settings.save_every == 0:
        saves.write(done, optimiser)
    if stop:
        log.say(f"saved {saves.last} at step {done:,}; the same command goes on there")
    if validates:
        figures = stage.validate()
        is_best = saves.judge(done, figures)
        log.validation(done, figures, best=saves.best_by if is_best else "")
        if settings.samples:
            log.examples(done, stage.examples(settings.samples))
        saves.write(done, optimiser)  # again, with its figures
    if keep is not None and settings.keep_every and done % settings.keep_every == 0:
        keep(done, saves.figures)


class _Trainer:
    """Takes the steps."""

    def __init__(
        self, stage: Stage, optimiser: torch.optim.Optimizer, settings: LoopSettings, processes: Processes
    ) -> None:
        self.stage, self.optimiser, self.settings, self.processes = stage, optimiser, settings, processes
        self.parameters = stage.parameters()
        self.losses: Callable[[Moment], dict[str, Tensor]] = (
            stage.loss if processes.count == 1 else _distributed(stage)
        )

    def step(self, step: int) -> dict[str, float]:
        """Take one step; returns losses, gradient norm and learning rate by name."""
        settings, processes = self.settings, self.processes
        rate = learning_rate_at(step, settings)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        now = Moment(step, settings.steps, settings.seed, processes)
        # Only dropout draws from torch's own stream; it has to differ between processes.
        torch.manual_seed(settings.seed * 1_000_003 + step + processes.rank * 999_999_999_989)
        self.optimiser.zero_grad(set_to_none=True)
        autocast = torch.autocast(processes.device.type, torch.bfloat16, enabled=settings.bf16)
        with joined_batch(processes), autocast:
            losses = self.losses(now)
        losses["total"].backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, settings.clip)
        names = [*losses, "gradient_norm"]
        values = torch.stack([value.detach().float() for value in (*losses.values(), norm)]).tolist()
        figures = dict(zip(names, values, strict=True))
        bad = [name for name, value in figures.items() if not abs(value) < float("inf")]
        if bad:
            raise TrainError(
                f"{self.stage.name}: step {step} gave what is not finite ({', '.join(bad)}); the weights were not "
                f"changed by it, and the last save is good. The batch: {', '.join(self.stage.batch_names(now))}"
            )
        self.optimiser.step()
        return {**figures, "learning_rate": rate}


class _Losses(nn.Module):
    """A stage's loss as the forward pass of a module, which is what DDP wraps."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.trained = nn.ModuleList(stage.modules().values())
        self.loss = stage.loss

    def forward(self, now: Moment) -> dict[str, Tensor]:
        return self.loss(now)


def _distributed(stage: Stage) -> Callable[[Moment], dict[str, Tensor]]:
    return DistributedDataParallel(_Losses(stage))


@contextlib.contextmanager
def _interruptions() -> Iterator[list[int]]:
    """A list that Ctrl+C or a polite kill fills, so that the step can be ended and saved; a later one kills.

    Under torchrun one Ctrl+C may arrive twice, from the terminal and from torchrun.
    """
    signals: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before: dict[int, Any] = {}
    first: list[float] = []

    def note(number: int, _: FrameType | None) -> None:
        if signals and time.monotonic() - first[0] > _SAME_SIGNAL_SECONDS:
            signal.signal(number, before[number])
            os.kill(os.getpid(), number)
        first.append(time.monotonic())
        signals.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, note)
    try:
        yield signals
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)
