"""Evaluation: every figure is there, and those with a known answer have it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lewm_core.dataset import DataError
from lewm_core.evaluate import POSITIONS, Evaluation, attention_path, by_position, evaluate
from lewm_core.inference import finish
from tests.lewm_core.tiny import tiny_model


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows, mels = [], []
    for index, speaker in enumerate(("ada", "carl", "ada", "stranger")):
        mels.append(rng.normal(-6, 1, (80, 100)).astype(np.float16))
        rows.append({"text": "həlˈəʊ", "phonemes": "həlˈəʊ", "speaker": speaker, "language": "en-GB",
                     "offset": 80 * index, "frames": 80})  # fmt: skip
    (tmp_path / "dev.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf8")
    np.concatenate(mels).tofile(tmp_path / "dev.f16")
    return tmp_path


def test_known_speakers_are_scored_and_strangers_left_out(data: Path) -> None:
    result: Evaluation = finish(evaluate(tiny_model(), ["ada", "bina", "carl"], data))
    assert [s.speaker for s in result.sentences] == ["ada", "carl", "ada"]
    summary = json.loads(json.dumps(result.as_json()))["summary"]
    assert summary["sentences"] == 3
    assert len(summary["energy_gap"]) == len(summary["latent_std_ratio"]) == POSITIONS
    assert summary["reconstruction_l1"] > 0.5  # random weights against random mels
    assert 0 <= summary["stopped"] <= 1
    assert finish(evaluate(tiny_model(), ["ada"], data, limit=1)).summary()["sentences"] == 1
    with pytest.raises(DataError, match="nobody"):
        finish(evaluate(tiny_model(), ["nobody"], data))


def test_a_model_that_never_stops_is_counted(data: Path) -> None:
    model = tiny_model()
    with torch.no_grad():
        model.predictor.stop.bias.fill_(-20.0)
    assert finish(evaluate(model, ["ada"], data)).summary()["stopped"] == 0.0


def test_positions_are_equal_parts() -> None:
    assert by_position(np.repeat(np.arange(POSITIONS), 7)[:, None]) == list(range(POSITIONS))
    assert by_position(np.ones((3, 2))) == [1.0] * POSITIONS


def test_attention_path_knows_a_diagonal_from_a_blur() -> None:
    diagonal = torch.eye(8)[None, None]
    focus, monotonic = attention_path(diagonal)
    assert (focus, monotonic) == (1.0, 1.0)
    assert attention_path(diagonal.flip(2))[1] == 0.0
    assert attention_path(torch.full((1, 1, 8, 8), 1 / 8))[0] == pytest.approx(1 / 8)
