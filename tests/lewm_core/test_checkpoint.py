"""Checkpoints come back as they were written, and everything that is wrong is refused with a reason."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from lewm_core.checkpoint import (
    HEADER_KEY,
    CheckpointError,
    inspect_checkpoint,
    load_checkpoint,
    read_header,
    save_checkpoint,
)
from lewm_core.config import MelConfig, Speaker
from tests.lewm_core.tiny import SPEAKERS, tiny_checkpoint, tiny_model


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "good.safetensors"
    tiny_checkpoint(path)
    return path


def changed(
    good: Path, path: Path, header: dict[str, object] | None = None, **tensors: torch.Tensor | None
) -> Path:
    """Copy ``good`` with some header entries and tensors replaced (None removes a tensor)."""
    weights = load_file(good)
    for name, value in tensors.items():
        weights.pop(name, None)
        if value is not None:
            weights[name] = value
    save_file(weights, path, {HEADER_KEY: json.dumps({**read_header(good), **(header or {})})})
    return path


def test_round_trip(good: Path) -> None:
    model, info = load_checkpoint(good)
    expected = tiny_model().state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    assert info.speakers == SPEAKERS
    assert info.step == 7
    assert info.losses == {"tf_mel_l1": 0.5}
    assert info.parameters == sum(p.numel() for p in model.parameters())
    assert info == inspect_checkpoint(good)
    assert json.loads(json.dumps(info.as_json()))["preset"] == "tiny"
    assert dict(info.rows())["Speakers"] == "3 (en-GB, en-US, hi)"


def test_half_precision_file_is_half_as_large_and_close(good: Path, tmp_path: Path) -> None:
    info = save_checkpoint(
        tmp_path / "half.safetensors", tiny_model(), preset="tiny", mel=MelConfig(), speakers=SPEAKERS, step=1
    )
    assert info.file_size < 0.62 * good.stat().st_size
    model, _ = load_checkpoint(info.path)
    for name, value in tiny_model().state_dict().items():
        assert torch.allclose(model.state_dict()[name], value, atol=2e-3), name


def test_torch_file_with_weights_alone_loads(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"lewm": json.dumps(read_header(good)), "model": tiny_model().state_dict()}, path)
    assert load_checkpoint(path)[1].step == 7


class Trap:
    """Touches a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (str(self.target), "w"))


@pytest.mark.parametrize("name", ["trap.pt", "trap.safetensors"])
def test_a_file_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path, name: str) -> None:
    path, victim = tmp_path / name, tmp_path / "victim"
    path.write_bytes(pickle.dumps({"model": Trap(victim)}))
    with pytest.raises(CheckpointError, match="trap"):
        inspect_checkpoint(path)
    torch.save({"lewm": "{}", "model": Trap(victim)}, path)
    with pytest.raises(CheckpointError, match="trap"):
        inspect_checkpoint(path)
    assert not victim.exists()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"format_version": 99}, "version 99"),
        ({"model": {"latent_dim": 8, "wings": 2}}, "no wings"),
        ({"model": {"latent_dim": -8}}, "latent_dim"),
        ({"model": [1]}, "object"),
        ({"mel": {"sample_rate": 16000}}, "other mels"),
        ({"mel": {"n_mels": 80}}, "80 bands"),
        ({"speakers": [{"name": "ada", "language": "hi"}]}, "1 speakers"),
        ({"speakers": "everyone"}, "header"),
        ({"losses": {"l1": "low"}}, "wrong type"),
        ({"step": None}, "wrong type"),
    ],
)
def test_wrong_headers_are_refused(
    good: Path, tmp_path: Path, header: dict[str, object], message: str
) -> None:
    path = changed(good, tmp_path / "bad.safetensors", header)
    with pytest.raises(CheckpointError, match=message) as caught:
        inspect_checkpoint(path)
    assert "bad.safetensors" in str(caught.value)


def test_wrong_tensors_are_refused(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    name = "predictor.stop.weight"
    shape = tuple(load_file(good)[name].shape)
    cases: dict[str, torch.Tensor | None] = {
        "lacks": None,
        "has shape": torch.zeros(3, 3),
        "NaN": torch.full(shape, float("nan")),
        "must be float": torch.zeros(shape, dtype=torch.int32),
    }
    for message, value in cases.items():
        with pytest.raises(CheckpointError, match=message):
            inspect_checkpoint(changed(good, path, **{name: value}))
    with pytest.raises(CheckpointError, match="does not know"):
        inspect_checkpoint(changed(good, path, **{"stranger": torch.zeros(2)}))
    with pytest.raises(CheckpointError, match="above zero"):
        inspect_checkpoint(changed(good, path, **{"latent_std": torch.zeros(8)}))


def test_missing_files_folders_and_strangers_are_refused(good: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        inspect_checkpoint(tmp_path / "nothing.safetensors")
    with pytest.raises(CheckpointError, match="is a folder"):
        inspect_checkpoint(tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="another program"):
        inspect_checkpoint(tmp_path / "other.safetensors")
    (tmp_path / "empty.safetensors").touch()
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        inspect_checkpoint(tmp_path / "empty.safetensors")


@given(st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_never_raise_anything_else(good: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Bytes flipped or cut anywhere: either it still reads, or CheckpointError says why not."""
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, min(len(content), 4000) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(bytes(content[:cut]))
    try:
        inspect_checkpoint(path)
    except CheckpointError as error:
        assert "damaged" in str(error)


def test_saving_refuses_what_it_could_not_read_back(tmp_path: Path) -> None:
    model = tiny_model()
    with pytest.raises(CheckpointError, match="2 speakers"):
        save_checkpoint(
            tmp_path / "x.safetensors", model, preset="t", mel=MelConfig(), speakers=SPEAKERS[:2], step=0
        )
    with torch.no_grad():
        model.predictor.start[0] = float("nan")
    with pytest.raises(CheckpointError, match="not finite"):
        save_checkpoint(
            tmp_path / "x.safetensors", model, preset="t", mel=MelConfig(), speakers=SPEAKERS, step=0
        )
    twice = (Speaker("a", "hi"),) * 3
    with pytest.raises(CheckpointError, match="differ"):
        save_checkpoint(
            tmp_path / "x.safetensors", tiny_model(), preset="t", mel=MelConfig(), speakers=twice, step=0
        )
    assert not list(tmp_path.iterdir())
