"""A run that is killed with no chance to tidy up goes on where it was and ends as an uninterrupted one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.manifest import Utterance, read_manifest
from lewm_core.preprocess import discover, preprocess
from lewm_core.preprocess import workspace as workspace_module
from lewm_core.preprocess.recordings import Rejection
from lewm_core.preprocess.segments import Made
from lewm_core.preprocess.workspace import Workspace
from tests.lewm_core.spoken import SENTENCES, speech, write

FILES = ("train.f16", "train.jsonl", "dev.f16", "dev.jsonl", "report.json")


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}


KILLED_AFTER = 4
SCRIPT = """
import multiprocessing, os, signal, sys
from pathlib import Path
from lewm_core.preprocess import discover, preprocess

calls = 0

def kill(done, total):
    global calls
    calls += 1
    if calls == {calls}:
        Path("workers").write_text(" ".join(str(child.pid) for child in multiprocessing.active_children()))
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    preprocess(discover(Path("raw")), Path("out"), dev_share=0.5, workers=2, on_progress=kill)
"""


def is_running(pid: str) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for the workers in /proc")
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    for number, text in enumerate(SENTENCES):
        write(tmp_path / "raw" / f"{number}.wav", speech(text, number))
        (tmp_path / "raw" / f"{number}.txt").write_text(text, encoding="utf8")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(calls=KILLED_AFTER + 1))  # the first call comes before any work
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "train.jsonl").exists()
    workers = (tmp_path / "workers").read_text().split()
    assert len(workers) == 2
    deadline = time.monotonic() + 60
    while any(map(is_running, workers)):  # they notice by themselves that they are alone
        assert time.monotonic() < deadline
        time.sleep(0.05)
    report = preprocess(discover(tmp_path / "raw"), tmp_path / "out", dev_share=0.5, workers=1)
    assert report.reused == KILLED_AFTER
    preprocess(discover(tmp_path / "raw"), tmp_path / "straight", dev_share=0.5, workers=1)
    assert content(tmp_path / "out") == content(tmp_path / "straight")


def made(number: int) -> Made:
    """A result of one to three mels of recognisable values."""
    rows = []
    for piece in range(1 + number % 3):
        frames = 2 + (number + piece) % 4
        mel = np.full((frames, 4), number + piece / 8, np.float16)
        rows.append((mel, Utterance(f"t{number}.{piece}", "p", "s", "hi", 0, frames, "", 0.0, 1.0)))
    return Made(rows, [Rejection("a.wav", "text", "because")] if number % 2 else [])


def publish(folder: Path, count: int) -> dict[str, bytes]:
    """Do what is missing of ``count`` tasks and publish them, every fourth to dev."""
    with Workspace(folder, 4) as workspace:
        for number in range(count):
            if str(number) not in workspace.done:
                workspace.add(str(number), made(number))
        rows: dict[str, list[tuple[Utterance, str, Utterance]]] = {"train": [], "dev": []}
        for number in range(count):
            done = workspace.done[str(number)]
            for row, store in zip(done.rows, done.stores, strict=True):
                rows["dev" if number % 4 == 0 else "train"].append((row, store, row))
        workspace.publish([str(n) for n in range(count)], rows, b"{}")
    return content(folder)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.data())
def test_a_journal_cut_anywhere_loses_only_what_was_cut(
    tmp_path_factory: pytest.TempPathFactory, count: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    with Workspace(folder / "a", 4) as workspace:
        for number in range(count):
            workspace.add(str(number), made(number))
    for name in ("journal.jsonl", "mels.f16"):
        path = folder / "a" / ".work" / name
        os.truncate(path, data.draw(st.integers(0, path.stat().st_size)))
    with Workspace(folder / "a", 4) as workspace:
        kept = list(workspace.done)
    assert kept == [str(n) for n in range(len(kept))]  # a beginning of what was done
    assert publish(folder / "a", 9) == publish(folder / "b", 9)


@pytest.mark.parametrize("moves", range(8))
def test_a_kill_between_two_moves_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    publish(tmp_path / "a", 5)
    left = iter(range(moves))
    real = os.replace

    def killed(source: Path, target: Path) -> None:
        if ".work" in str(source) and "new" in str(source) and next(left, None) is None:
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(workspace_module.os, "replace", killed)
        try:
            publish(tmp_path / "a", 9)
        except KeyboardInterrupt:
            assert moves < 6  # two splits of two files, report and index
    with Workspace(tmp_path / "a", 4) as workspace:
        assert len(workspace.done) == 9  # nothing has to be done again
    assert content(tmp_path / "a") == publish(tmp_path / "b", 9)
    assert read_manifest(tmp_path / "a", "dev")[0].text == "t0.0"


def test_a_data_folder_that_something_else_changed_is_not_trusted(tmp_path: Path) -> None:
    publish(tmp_path, 5)
    with Workspace(tmp_path, 4) as workspace:
        assert len(workspace.done) == 5
    (tmp_path / "train.jsonl").write_text("", encoding="utf8")
    with Workspace(tmp_path, 4) as workspace:
        assert not workspace.done
