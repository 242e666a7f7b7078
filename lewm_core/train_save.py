"""Saves of a stage: the last one to go on from, and the best one by a validation figure.

``STAGE.pt`` holds {"step", "modules", "optimiser", "figures", "best"}, ``STAGE.best.pt`` the same without
"optimiser" and "best". They are plain tensors and numbers (``weights_only=True``), written beside their place and
then moved there, so that a kill at any moment leaves the save before.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lewm_core.files import WriteError
from lewm_core.train_settings import SettingsError
from lewm_core.untrusted import UntrustedError, load_tensors

if TYPE_CHECKING:
    from lewm_core.train_loop import Stage


def save_atomically(data: object, path: Path) -> None:
    """Write with torch.save to a temporary file, then move it in place.

    Raises:
        WriteError: the disk is full, the folder read-only and the like; what was there stays.
    """
    partial = path.with_suffix(path.suffix + ".part")
    try:
        with partial.open("wb") as file:
            torch.save(data, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch's writer turns an OSError into a RuntimeError
        with contextlib.suppress(OSError):
            partial.unlink()
        raise WriteError(
            f"Cannot write {path}: {_reason(error)}. Make room, and give the same command again."
        ) from error


def _reason(error: BaseException) -> str:
    """What the system said, where torch's writer says only that its archive is not as long as it should be."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return str(error)


def read_save(path: Path) -> dict[str, Any]:
    """Read a save, its tensors on the processor.

    Raises:
        SettingsError: the file is no save of a stage.
    """
    try:
        saved = load_tensors(path)
    except UntrustedError as error:
        raise SettingsError(f"{path} cannot be read: {error}. Remove it to begin the stage anew.") from error
    if not isinstance(saved, dict) or not {"step", "modules"} <= set(saved):
        raise SettingsError(f"{path} is no save of a training stage.")
    return saved


class Saves:
    """The saves of one stage in a run folder."""

    def __init__(self, folder: Path, stage: Stage, best_by: str = "") -> None:
        self.stage, self.best_by = stage, best_by or stage.judged_by
        self.last, self.best = folder / f"{stage.name}.pt", folder / f"{stage.name}.best.pt"
        self.figures: dict[str, float] = {}
        self._best: dict[str, Any] = {}

    def resume(self, optimiser: torch.optim.Optimizer) -> int:
        """Load the last save, if there is one, into stage and optimiser; return the steps done.

        Raises:
            SettingsError: the save is damaged, or of a model of another shape.
        """
        if not self.last.is_file():
            return 0
        saved = read_save(self.last)
        try:
            for name, module in self.stage.modules().items():
                module.load_state_dict(saved["modules"][name])
            optimiser.load_state_dict(saved["optimiser"])
        except (RuntimeError, KeyError, ValueError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise SettingsError(
                f"{self.last} is of a model of another shape or of other speakers ({reason}). Give another --out."
            ) from None
        self.figures = saved.get("figures", {})
        self._best = saved.get("best", {})
        return int(saved["step"])

    def judge(self, step: int, figures: dict[str, float]) -> bool:
        """Note a validation; keep the state as the best one if it is. Returns whether it is.

        Raises:
            SettingsError: there is no validation figure of that name.
        """
        self.figures = figures
        if self.best_by not in figures:
            raise SettingsError(
                f"--best-by {self.best_by}: the stage {self.stage.name} has {', '.join(sorted(figures))}."
            )
        value = figures[self.best_by]
        before = self._best.get("value") if self._best.get("by") == self.best_by else None
        if before is not None and not value < before:
            return False
        self._best = {"by": self.best_by, "value": value, "step": step}
        save_atomically({"step": step, "modules": self._weights(), "figures": figures}, self.best)
        return True

    def write(self, step: int, optimiser: torch.optim.Optimizer) -> None:
        """Write the last save."""
        save_atomically(
            {
                "step": step,
                "modules": self._weights(),
                "optimiser": optimiser.state_dict(),
                "figures": self.figures,
                "best": self._best,
            },
            self.last,
        )

    def _weights(self) -> dict[str, dict[str, torch.Tensor]]:
        return {name: module.state_dict() for name, module in self.stage.modules().items()}


def load_modules(model: nn.Module, saved: dict[str, Any]) -> None:
    """Load the modules of a save into a whole model."""
    for name, state in saved["modules"].items():
        (model if name == "model" else model.get_submodule(name)).load_state_dict(state)
