"""What every training stage shares: schedule, logging, saving, exact resume.

A stage (autoencoder, aligner, predictor) is a small object with parameters, a loss for the next batch
and a validation; the loop knows nothing of speech.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TrainError(RuntimeError):
    """Training cannot go on; the message names the step and the reason."""


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast a stage trains.

    Attributes:
        steps: optimiser steps in all.
        learning_rate: peak; linear warm-up over ``warmup`` steps, constant, then linear to zero over
            the last ``decay`` share of the steps.
        save_every: steps between saves; a kill loses at most these.
    """

    steps: int
    learning_rate: float = 1e-3
    warmup: int = 200
    decay: float = 0.4
    save_every: int = 200
    validate_every: int = 500
    clip: float = 1.0
    weight_decay: float = 1e-3
    seed: int = 0
    bf16: bool = True


class Stage(Protocol):
    """One kind of training."""

    name: str

    def parameters(self) -> list[nn.Parameter]:
        """What is trained."""

    def modules(self) -> dict[str, nn.Module]:
        """What is saved, by name."""

    def loss(self, step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Losses of the batch of ``step`` by name; "total" is minimised, "audio_seconds" counted."""

    def validate(self) -> dict[str, float]:
        """Figures on held-out data."""


def learning_rate_at(step: int, settings: LoopSettings) -> float:
    """Learning rate of a step: warm-up, plateau, linear decay."""
    rise = min(1.0, (step + 1) / max(1, settings.warmup))
    left = (settings.steps - step) / max(1.0, settings.decay * settings.steps)
    return settings.learning_rate * rise * min(1.0, max(left, 0.0))


def save_atomically(data: object, path: Path) -> None:
    """Write with torch.save to a temporary file, then move it in place."""
    partial = path.with_suffix(path.suffix + ".part")
    torch.save(data, partial)
    os.replace(partial, path)


def train(
    stage: Stage, settings: LoopSettings, folder: Path, *, progress: bool | None = None
) -> dict[str, float]:
    """Train ``stage``, resuming from ``folder`` where an earlier run of it was saved.

    Random draws depend on the seed and the step alone, so a resumed run repeats an uninterrupted one.

    Returns:
        the last validation's figures.

    Raises:
        TrainError: a loss is not finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state_path = folder / f"{stage.name}.pt"
    parameters = stage.parameters()
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=settings.weight_decay
    )
    start = _resume(stage, optimiser, state_path)
    log = _Log(folder / f"{stage.name}.log.jsonl")
    figures: dict[str, float] = {}
    show = sys.stderr.isatty() if progress is None else progress
    bar = tqdm(
        range(start, settings.steps), initial=start, total=settings.steps, desc=stage.name, disable=not show
    )
    for step in bar:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate_at(step, settings)
        losses = _one_step(stage, optimiser, parameters, settings, step)
        log.add(step + 1, losses)
        if (step + 1) % settings.validate_every == 0 or step + 1 == settings.steps:
            figures = stage.validate()
            log.validation(step + 1, figures)
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            modules = {name: module.state_dict() for name, module in stage.modules().items()}
            save_atomically(
                {
                    "step": step + 1,
                    "modules": modules,
                    "optimiser": optimiser.state_dict(),
                    "figures": figures,
                },
                state_path,
            )
    log.close()
    return figures


def _one_step(
    stage: Stage,
    optimiser: torch.optim.Optimizer,
    parameters: list[nn.Parameter],
    settings: LoopSettings,
    step: int,
) -> dict[str, float]:
    torch.manual_seed(settings.seed * 1_000_003 + step)
    rng = np.random.default_rng((settings.seed, step))
    with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
        losses = stage.loss(step, rng)
    total = losses["total"]
    if not torch.isfinite(total):
        bad = [name for name, value in losses.items() if not torch.isfinite(value)]
        raise TrainError(f"{stage.name}: step {step} gave a loss that is not finite ({', '.join(bad)})")
    optimiser.zero_grad(set_to_none=True)
    total.backward()
    nn.utils.clip_grad_norm_(parameters, settings.clip)
    optimiser.step()
    return {name: float(value.detach()) for name, value in losses.items()}


def _resume(stage: Stage, optimiser: torch.optim.Optimizer, path: Path) -> int:
    if not path.is_file():
        return 0
    saved = torch.load(path, weights_only=True)
    for name, module in stage.modules().items():
        module.load_state_dict(saved["modules"][name])
    optimiser.load_state_dict(saved["optimiser"])
    return int(saved["step"])


class _Log:
    """Running means to a JSONL file (and to TensorBoard where it is installed), a line every 50 steps."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf8")
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.monotonic()
        self._board: SummaryWriter | None = None
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(path.parent / "tensorboard" / path.name.split(".")[0]))
        except ImportError:
            pass  # the log file alone is kept

    def add(self, step: int, losses: dict[str, float], every: int = 50) -> None:
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if step % every:
            return
        elapsed = time.monotonic() - self._since
        means = {name: value / self._count for name, value in self._sums.items() if name != "audio_seconds"}
        means["audio_seconds_per_second"] = self._sums.get("audio_seconds", 0.0) / max(elapsed, 1e-9)
        means["steps_per_second"] = self._count / max(elapsed, 1e-9)
        self._write(step, "train", means)
        self._sums, self._count, self._since = {}, 0, time.monotonic()

    def validation(self, step: int, figures: dict[str, float]) -> None:
        self._write(step, "validation", figures)

    def _write(self, step: int, kind: str, figures: dict[str, float]) -> None:
        rounded = {name: round(value, 5) for name, value in figures.items()}
        self._file.write(
            json.dumps({"step": step, "kind": kind, "time": round(time.time()), **rounded}) + "\n"
        )
        self._file.flush()
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()
