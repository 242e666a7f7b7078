"""A run folder: steps in order, curves from logs, and never a checkpoint that is still being written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from lewm_core.analysis.run_folder import LogReader, RunFolder, RunFolderError, open_run, read_curves
from lewm_core.checkpoint import FORMAT_VERSION, HEADER_KEY


def checkpoint_bytes(
    step: int, losses: dict[str, float] | None = None, names: tuple[str, ...] = ("ada",)
) -> bytes:
    """A file with our header; `open_run` reads no more of a checkpoint than that."""
    speakers = [{"name": name, "language": "en-US"} for name in names]
    header = {"format_version": FORMAT_VERSION, "step": step, "speakers": speakers, "losses": losses or {}}
    return save({"weight": np.zeros(500, np.float32)}, {HEADER_KEY: json.dumps(header)})


def steps(run: RunFolder) -> list[int]:
    return [saved.step for saved in run.checkpoints]


def test_checkpoints_come_in_the_order_of_their_steps_from_both_folders(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name, step in (("checkpoints/b", 500), ("checkpoints/a", 1000), ("z", 200)):
        (tmp_path / f"{name}.safetensors").write_bytes(checkpoint_bytes(step, {"l1": 0.5, "bad": float("nan")}))
    (tmp_path / "model.safetensors").write_bytes(save({"x": np.zeros(3, np.float32)}))
    (tmp_path / "notes.txt").write_text("nothing")
    run = open_run(tmp_path)
    assert steps(run) == [200, 500, 1000]
    assert [saved.name for saved in run.checkpoints] == ["z", "b", "a"]
    assert run.checkpoints[0].speakers == (("ada", "en-US"),)
    assert run.checkpoints[0].losses == {"l1": 0.5}
    assert run.unfinished == ()  # another program's file is no unfinished one


@given(st.integers(0, len(checkpoint_bytes(500)) - 1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_half_written_checkpoint_is_never_shown(tmp_path: Path, length: int) -> None:
    whole = checkpoint_bytes(500)
    path = tmp_path / "step.safetensors"
    path.write_bytes(whole[:length])
    before = open_run(tmp_path)
    assert before.checkpoints == ()
    assert before.unfinished == (path.name,)
    path.write_bytes(whole)
    after = open_run(tmp_path, before)
    assert steps(after) == [500]
    assert after.unfinished == ()


def test_a_file_written_anew_is_looked_into_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    path.write_bytes(checkpoint_bytes(500))
    first = open_run(tmp_path)
    assert open_run(tmp_path, first).checkpoints[0] is first.checkpoints[0]
    path.write_bytes(checkpoint_bytes(12_000))
    assert steps(open_run(tmp_path, first)) == [12_000]
    path.unlink()
    assert open_run(tmp_path, first).checkpoints == ()


def test_headers_that_are_not_what_they_should_be_are_left_alone(tmp_path: Path) -> None:
    for number, header in enumerate(['{"format_version": 1}', "[]", "x", '{"format_version": 9}']):
        data = save({"x": np.zeros(3, np.float32)}, {HEADER_KEY: header})
        (tmp_path / f"{number}.safetensors").write_bytes(data)
    run = open_run(tmp_path)
    assert run.checkpoints == ()
    assert len(run.unfinished) == 4


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a folder"):
        open_run(tmp_path / "nothing")


# ---------------------------------------------------------------------- logs
def line(step: int, kind: str = "train", **figures: float) -> str:
    return json.dumps({"step": step, "kind": kind, "time": 1, **figures}) + "\n"


def test_curves_by_stage_kind_and_name(tmp_path: Path) -> None:
    log = line(50, total=2.0) + line(100, total=1.5, kl=0.3) + line(100, "validation", total=1.7)
    (tmp_path / "predictor.log.jsonl").write_text(log)
    (tmp_path / "autoencoder.log.jsonl").write_text(line(50, l1=0.4))
    curves = {(c.stage, c.kind, c.name): (c.steps.tolist(), c.values.tolist()) for c in read_curves(tmp_path)}
    assert curves == {
        ("autoencoder", "train", "l1"): ([50], [0.4]),
        ("predictor", "train", "total"): ([50, 100], [2.0, 1.5]),
        ("predictor", "train", "kl"): ([100], [0.3]),
        ("predictor", "validation", "total"): ([100], [1.7]),
    }


def test_damaged_lines_and_values_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.log.jsonl"
    broken = '{"step": 1, "to\n[1]\n"x"\n{"step": "2", "total": 1}\n{"step": 3, "total": NaN}\n\xff\n'
    path.write_bytes(broken.encode("latin-1") + line(4, total=0.5).encode())
    (curve,) = LogReader().read([path])
    assert (curve.steps.tolist(), curve.values.tolist()) == ([4], [0.5])


def test_a_resumed_run_overwrites_what_it_repeats(tmp_path: Path) -> None:
    path = tmp_path / "a.log.jsonl"
    path.write_text(line(50, total=3.0) + line(100, total=2.0) + line(50, total=2.5) + line(150, total=1.0))
    (curve,) = LogReader().read([path])
    assert (curve.steps.tolist(), curve.values.tolist()) == ([50, 100, 150], [2.5, 2.0, 1.0])


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_a_growing_log_piece_by_piece_gives_the_whole(tmp_path: Path, cuts: list[int]) -> None:
    whole = "".join(line(50 * n, total=1 / n) for n in range(1, 8)).encode()
    path = tmp_path / "a.log.jsonl"
    path.write_bytes(b"")
    reader, end = LogReader(), 0
    for cut in cuts:
        end += cut
        path.write_bytes(whole[:end])
        reader.read([path])
    path.write_bytes(whole)
    (grown,), (fresh,) = reader.read([path]), LogReader().read([path])
    np.testing.assert_array_equal(grown.steps, fresh.steps)
    np.testing.assert_array_equal(grown.values, fresh.values)


def test_a_log_that_was_written_anew_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "a.log.jsonl"
    path.write_text(line(50, total=3.0) + line(100, total=2.0))
    reader = LogReader()
    reader.read([path])
    path.write_text(line(50, total=9.0))
    (curve,) = reader.read([path])
    assert curve.values.tolist() == [9.0]
