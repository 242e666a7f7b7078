"""A run of real (tiny) checkpoints becomes a time line: watched, rendered in the background engine, measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.background import BackgroundEngine
from app.cells import SECOND, CellMaker, Wish
from app.engine import CORE_BACKEND
from app.jobs import ThreadJobs
from app.run_watch import RunWatch, Sight
from lewm_core.sweep_cells import SweepItem
from tests.lewm_core.tiny import tiny_run

PATIENCE = 180_000
"""Milliseconds: the process that is started has to import torch."""


@pytest.mark.slow
def test_three_saved_checkpoints_become_a_time_line(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    folder = tiny_run(tmp_path / "run")
    jobs, background = ThreadJobs(), BackgroundEngine(CORE_BACKEND)
    watch, maker = RunWatch(jobs), CellMaker(background, (SECOND,))
    sights: list[Sight] = []
    watch.seen.connect(sights.append)
    watch.open(folder)
    qtbot.waitUntil(lambda: len(sights) == 1, timeout=PATIENCE)
    item = SweepItem("Hello there.", "ada", seed=2)
    wishes = [Wish(saved, item) for saved in sights[0].run.checkpoints]
    maker.want(SECOND, wishes)
    qtbot.waitUntil(lambda: all(maker.cell(wish) is not None for wish in wishes), timeout=PATIENCE)
    cells = [maker.cell(wish) for wish in wishes]
    mels = [cell.renderings["autoregressive"].mel for cell in cells if cell is not None]
    assert [cell.step for cell in cells if cell is not None] == [500, 1000, 1500]
    assert not any(cell.failure for cell in cells if cell is not None)
    assert all(mel.shape[0] == 100 and np.isfinite(mel).all() for mel in mels)
    assert not np.array_equal(mels[0][:, :10], mels[1][:, :10])
    watch.close()
    background.rest()
    qtbot.waitUntil(lambda: background.process_id is None, timeout=PATIENCE)
    background.shutdown()
    jobs.shutdown()
