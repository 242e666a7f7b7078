"""The training loop: exact resume, kills at bad moments, Ctrl+C, NaN by name, logs, best saves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lewm_core.files import WriteError
from lewm_core.train_log import Example, TrainLog, draw_mels, forget_after
from lewm_core.train_loop import TrainError, learning_rate_at, train
from lewm_core.train_moment import Draws, Moment
from lewm_core.train_save import read_save, save_atomically
from lewm_core.train_settings import LoopSettings, SettingsError
from tests.lewm_core.training import QUICK, make_stage, weights, write_data

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an uninterrupted autoencoder training of twelve steps."""
    folder = tmp_path_factory.mktemp("whole")
    train(make_stage("autoencoder", data, folder), replace(QUICK, log_every=1), folder, progress=False)
    return folder


def logged(folder: Path, name: str = "autoencoder") -> list[dict[str, float]]:
    lines = (folder / f"{name}.log.jsonl").read_text(encoding="utf8").splitlines()
    return [json.loads(line) for line in lines]


def losses_of(folder: Path) -> list[tuple[float, float]]:
    return [(line["step"], line["total"]) for line in logged(folder) if line["kind"] == "train"]


def start(what: str, data: Path, folder: Path) -> subprocess.Popen[str]:
    """Train in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lewm_core.training", what, str(data), str(folder)],
        cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(condition: object, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 240
    while not condition():  # type: ignore[operator]
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < end, "the training does not begin"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "kind", ["predictor dropout", "joint dropout", "joint attention sigreg", "durations dropout"]
)
def test_resumed_run_equals_uninterrupted_run(data: Path, tmp_path: Path, kind: str) -> None:
    """Losses and weights, to the last bit."""
    name = kind.split()[0]
    settings = replace(QUICK, log_every=1)
    straight, parts = tmp_path / "straight", tmp_path / "parts"
    train(make_stage(kind, data, straight), settings, straight, progress=False)
    first = make_stage(kind, data, parts)
    real_loss = first.loss

    def loss_until_killed(now: Moment) -> dict[str, torch.Tensor]:
        if now.step == 8:  # after the save at 6: steps 6 and 7 are lost and done again
            raise ZeroDivisionError
        return real_loss(now)

    first.loss = loss_until_killed  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        train(first, settings, parts, progress=False)
    train(make_stage(kind, data, parts), settings, parts, progress=False)
    for key, value in weights(straight / f"{name}.pt").items():
        assert torch.equal(value, weights(parts / f"{name}.pt")[key]), key
    drop = ("time", "audio_seconds_per_second", "steps_per_second")
    straight_log, parts_log = (
        [{k: v for k, v in line.items() if k not in drop} for line in logged(folder, name)]
        for folder in (straight, parts)
    )
    assert straight_log == parts_log


def test_a_kill_in_the_middle_of_a_save_costs_only_the_steps_since_the_one_before(
    data: Path, whole: Path, tmp_path: Path
) -> None:
    process = start("kill", data, tmp_path)
    errors = process.communicate(timeout=240)[1]
    assert process.returncode == -signal.SIGKILL, errors[-2000:]
    assert (tmp_path / "autoencoder.pt.part").is_file()  # the half save is there, and does no harm
    assert torch.load(tmp_path / "autoencoder.pt", weights_only=True)["step"] == 4
    assert max(step for step, _ in losses_of(tmp_path)) >= 5  # these are done again, and counted once
    train(make_stage("autoencoder", data, tmp_path), replace(QUICK, log_every=1), tmp_path, progress=False)
    for name, value in weights(whole / "autoencoder.pt").items():
        assert torch.equal(value, weights(tmp_path / "autoencoder.pt")[name]), name
    assert losses_of(tmp_path) == losses_of(whole)


def test_a_kill_at_any_moment_leaves_a_good_save(data: Path, tmp_path: Path) -> None:
    process = start("train", data, tmp_path)
    log = tmp_path / "autoencoder.log.jsonl"
    wait_for(lambda: log.is_file() and log.read_bytes().count(b"\n") >= 7, process)
    process.kill()
    process.communicate(timeout=60)
    done = log.read_bytes().count(b"\n")
    saved = read_save(tmp_path / "autoencoder.pt")["step"]
    assert done - 1 <= saved <= done + 1  # saved after each step


def test_ctrl_c_saves_first(data: Path, tmp_path: Path) -> None:
    process = start("train", data, tmp_path)
    log = tmp_path / "autoencoder.log.jsonl"
    wait_for(lambda: log.is_file() and log.read_bytes().count(b"\n") >= 2, process)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=120)[1]
    assert "KeyboardInterrupt" in errors
    assert read_save(tmp_path / "autoencoder.pt")["step"] == max(step for step, _ in losses_of(tmp_path))


def test_ctrl_c_between_saves_loses_nothing(data: Path, tmp_path: Path) -> None:
    stage = make_stage("autoencoder", data, tmp_path)
    real_loss = stage.loss

    def press(now: Moment) -> dict[str, torch.Tensor]:
        if now.step == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return real_loss(now)

    stage.loss = press  # type: ignore[method-assign]
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(stage, replace(QUICK, save_every=100), tmp_path, progress=False)
    assert read_save(tmp_path / "autoencoder.pt")["step"] == 4
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("where", ["weights", "gradient"])
def test_what_is_not_finite_stops_with_step_loss_and_sound_files(
    data: Path, tmp_path: Path, where: str
) -> None:
    stage = make_stage("predictor", data, tmp_path)
    real_loss = stage.loss

    def spoil(now: Moment) -> dict[str, torch.Tensor]:
        losses = real_loss(now)
        if now.step == 2 and where == "weights":
            losses["stop"] = losses["stop"] * float("nan")
        if now.step == 2:
            parameter = stage.parameters()[0]
            zero = (parameter - parameter.detach()).abs().sum()
            losses["total"] = losses["total"] + (zero.sqrt() if where == "gradient" else losses["stop"])
        return losses

    stage.loss = spoil  # type: ignore[method-assign]
    blamed = "stop" if where == "weights" else "gradient_norm"
    with pytest.raises(TrainError, match=rf"predictor: step 2 .*{blamed}.*train\d\.wav"):
        train(stage, replace(QUICK, save_every=1), tmp_path, progress=False)
    assert all(bool(value.isfinite().all()) for value in weights(tmp_path / "predictor.pt").values())
    assert read_save(tmp_path / "predictor.pt")["step"] == 2


def test_the_best_save_is_that_of_the_best_validation(data: Path, tmp_path: Path) -> None:
    stage = make_stage("autoencoder", data, tmp_path)
    values = iter([3.0, 1.0, 2.0, 1.5])
    stage.validate = lambda: {"mel_l1": next(values), "other": 0.0}  # type: ignore[method-assign]
    settings = replace(QUICK, steps=4, validate_every=1, save_every=2)
    train(stage, settings, tmp_path, progress=False)
    best = read_save(tmp_path / "autoencoder.best.pt")
    assert (best["step"], best["figures"]["mel_l1"]) == (2, 1.0)
    assert read_save(tmp_path / "autoencoder.pt")["step"] == 4
    values = iter([1.0])
    with pytest.raises(SettingsError, match="mel_l1, other"):
        train(stage, replace(settings, steps=5, best_by="word_error"), tmp_path, progress=False)


def test_a_resumed_run_remembers_what_was_best(data: Path, tmp_path: Path) -> None:
    stage = make_stage("autoencoder", data, tmp_path)
    values = iter([1.0, 2.0])
    stage.validate = lambda: {"mel_l1": next(values)}  # type: ignore[method-assign]
    settings = replace(QUICK, steps=1, validate_every=1, save_every=1)
    train(stage, settings, tmp_path, progress=False)
    train(stage, replace(settings, steps=2), tmp_path, progress=False)
    assert read_save(tmp_path / "autoencoder.best.pt")["step"] == 1


def test_a_save_of_another_shape_or_a_damaged_one_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "autoencoder.pt").write_bytes(b"PK\x03\x04 no save")
    with pytest.raises(SettingsError, match=r"autoencoder\.pt"):
        train(make_stage("autoencoder", data, tmp_path), QUICK, tmp_path, progress=False)
    torch.save({"step": 1, "modules": {"audio_encoder": {}}, "optimiser": {}}, tmp_path / "autoencoder.pt")
    with pytest.raises(SettingsError, match="another shape"):
        train(make_stage("autoencoder", data, tmp_path), QUICK, tmp_path, progress=False)


def test_learning_rate_rises_holds_and_falls_to_zero() -> None:
    settings = LoopSettings(steps=100, learning_rate=1.0, warmup=10, decay=0.4)
    rates = [learning_rate_at(step, settings) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == rates[60] == 1.0
    assert rates[80] == pytest.approx(0.5)
    assert rates[100] == 0.0


def test_draws_of_a_row_depend_on_nothing_but_its_place() -> None:
    """Not on the rows beside it, nor on how far the batch is padded."""
    device = torch.device("cpu")
    joined = Draws(1, 5, [0, 1, 2], device).normal("noise", 7, 4)
    alone = Draws(1, 5, [1], device).normal("noise", 5, 4)
    assert torch.equal(alone[0], joined[1, :5])
    assert not torch.equal(joined[0], joined[1])
    assert not torch.equal(joined, Draws(1, 6, [0, 1, 2], device).normal("noise", 7, 4))
    assert not torch.equal(joined, Draws(1, 5, [0, 1, 2], device).normal("posterior", 7, 4))
    assert all(0 <= value < 3 for value in Draws(1, 5, [0, 1], device).below("crop", [3, 3]))


def test_tensorboard_has_every_loss_by_name_pictures_and_sound(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    stage = make_stage("autoencoder", data, tmp_path)
    settings = replace(QUICK, steps=2, log_every=1, validate_every=2, save_every=2, samples=1)
    train(stage, settings, tmp_path, progress=False)
    events = EventAccumulator(str(tmp_path / "tensorboard" / "autoencoder"))
    events.Reload()
    tags = events.Tags()
    assert {
        f"train/{name}" for name in ("total", "kl", "reconstruction", "spectral", "learning_rate")
    } <= set(tags["scalars"])
    assert "validation/mel_l1" in tags["scalars"]
    assert tags["images"] == ["autoencoder/0 ada"]
    assert tags["audio"] == ["autoencoder/0 ada/truth", "autoencoder/0 ada/reconstruction"]
    sound = events.Audio("autoencoder/0 ada/truth")[0]
    assert sound.sample_rate == 24_000
    assert sound.step == 2
    assert [event.step for event in events.Scalars("train/total")] == [1, 2]


def test_pictures_show_all_mels_on_one_scale() -> None:
    rng = np.random.default_rng(0)
    mel = rng.normal(-6, 2, (100, 50)).astype(np.float32)
    picture = draw_mels({"truth": mel, "free run": mel[:, :30]})
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture.std() > 20


def test_lines_of_undone_steps_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for rest in ('\n{"step": 3}\n{"ste', "", "\n", "\nनम"):
        path.write_text('{"step": 1}\n{"step": 2}' + rest, encoding="utf8")
        forget_after(path, 2)
        assert path.read_text(encoding="utf8") == '{"step": 1}\n{"step": 2}\n'


def test_a_save_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "joint.pt"
    save_atomically({"step": 1, "modules": {}}, path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def full_for_torch(*_: object) -> None:
        try:
            full()
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    for part, fails in ((os, {"fsync": full}), (torch, {"save": full_for_torch})):
        for name, instead in fails.items():
            monkeypatch.setattr(part, name, instead)
        with pytest.raises(WriteError, match=r"joint\.pt: No space left on device\. Make room"):
            save_atomically({"step": 2, "modules": {}}, path)
    assert read_save(path)["step"] == 1
    assert [item.name for item in tmp_path.iterdir()] == ["joint.pt"]


def test_without_a_terminal_a_line_now_and_then_says_how_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = TrainLog(tmp_path, "joint", 0, 10)
    log.add(1, {"total": 2.0, "audio_seconds": 30.0}, every=2)
    log.add(2, {"total": 4.0, "audio_seconds": 30.0}, every=2)
    log.validation(2, {"mel_l1": 0.5}, best="mel_l1")
    log.examples(2, [Example("none", {})] * 0)
    log.close()
    said = capsys.readouterr().err
    assert "joint 2/10  total 3  " in said
    assert "audio-s/s" in said
    assert "left" in said
    assert "best mel_l1 so far" in said
