"""Two processes train as one does: same gradients, same weights, and a run may change their number."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lewm_core.distributed import DeviceError, Processes, choose_device
from lewm_core.train_loop import train
from tests.lewm_core.training import KINDS, QUICK, gradients, make_stage, weights, write_data

ROOT = Path(__file__).parents[2]


def in_processes(count: int, *arguments: str) -> None:
    """Run tests.lewm_core.training under torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "-m", "tests.lewm_core.training", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder, and a run folder in which two processes have worked."""
    data = write_data(tmp_path_factory.mktemp("data"))
    folder = tmp_path_factory.mktemp("two")
    in_processes(2, "gradients", str(data), str(folder))
    return data, folder


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_have_the_gradients_of_one(two: tuple[Path, Path], tmp_path: Path, kind: str) -> None:
    data, folder = two
    alone = gradients(make_stage(kind, data, tmp_path))
    together = torch.load(folder / f"{kind}.gradients", weights_only=True)
    assert alone.keys() == together.keys()
    assert sum(bool(value.abs().max() > 0) for value in alone.values()) > 10
    largest = max(float(value.abs().max()) for name, value in alone.items() if not name.startswith("loss"))
    for name, value in alone.items():
        scale = 1.0 if name.startswith("loss") else largest
        torch.testing.assert_close(
            together[name], value, rtol=2e-4, atol=2e-5 * scale, msg=lambda m, name=name: f"{name}: {m}"
        )


def test_a_run_of_two_processes_goes_on_in_one(two: tuple[Path, Path], tmp_path: Path) -> None:
    """Two processes saved at step 4 and ended; one goes on to step 8 and is where one alone would be."""
    data, folder = two
    settings = replace(QUICK, steps=8, save_every=4, validate_every=4, bf16=False)
    assert torch.load(folder / "autoencoder.pt", weights_only=True)["step"] == 4
    train(make_stage("autoencoder", data, folder), settings, folder, progress=False)
    train(make_stage("autoencoder", data, tmp_path), settings, tmp_path, progress=False)
    alone, both = weights(tmp_path / "autoencoder.pt"), weights(folder / "autoencoder.pt")
    for name, value in alone.items():
        torch.testing.assert_close(both[name], value, rtol=1e-3, atol=1e-4, msg=name)


def test_rows_are_shared_so_that_each_is_worked_on_once() -> None:
    for batch in (3, 4, 7):
        shares = [Processes(rank, 3).rows(batch) for rank in range(3)]
        assert sorted(row for share in shares for row in share) == list(range(batch))
    assert [Processes(rank, 3).rows(2) for rank in range(3)] == [[0], [1], [0]]  # nobody is left with nothing


def test_a_device_that_is_not_there_is_refused() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(DeviceError, match="there is cpu"):
        choose_device("tpu")
