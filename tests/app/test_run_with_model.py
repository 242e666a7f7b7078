"""A run of real (tiny) checkpoints becomes a time line, by the requests that the window sends to the background."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.engine_backend import CoreBackend
from app.messages_sweep import MakeCell
from lewm_core.analysis.run_folder import open_run
from lewm_core.sweep_cells import SweepCell, SweepItem
from tests.lewm_core.tiny import tiny_run


def finish(job: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_three_saved_checkpoints_become_a_time_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # else the backend sets the threads of this process
    monkeypatch.setattr(os, "nice", lambda _step: 0)
    backend, item = CoreBackend(), SweepItem("Hello there.", "ada", seed=2)
    cells: list[SweepCell] = [
        finish(backend.run(MakeCell(str(saved.path), saved.step, item), lambda: False))
        for saved in open_run(tiny_run(tmp_path)).checkpoints
    ]
    assert [(cell.checkpoint, cell.step, cell.failure) for cell in cells] == [
        ("step-000500", 500, ""), ("step-001000", 1000, ""), ("step-001500", 1500, ""),
    ]  # fmt: skip
    mels = [cell.renderings["autoregressive"].mel for cell in cells]
    assert all(mel.shape[0] == 100 and np.isfinite(mel).all() for mel in mels)
    assert not np.array_equal(mels[0][:, :10], mels[1][:, :10])
    broken = finish(backend.run(MakeCell(str(tmp_path / "gone.safetensors"), 1, item), lambda: False))
    assert "gone.safetensors" in broken.failure
