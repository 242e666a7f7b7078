"""Evaluation: every figure is there, and those with a known answer have it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lewm_core.dataset import DataError
from lewm_core.evaluate import PANES, POSITIONS, Evaluation, Judges, attention_path, by_position, evaluate
from lewm_core.inference import finish
from lewm_core.speech_judges import Heard, compare_words
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


class _Ear:
    """Understands English, hears every mel as the same words, and finds the louder mel the cleaner one."""

    name, sample_rate, mel_config = "none", 24_000, None

    def __init__(self) -> None:
        self.asked: list[str] = []

    def decode(self, mel: np.ndarray) -> np.ndarray:
        return mel.mean(0)

    def understands(self, language: str) -> bool:
        return language.startswith("en")

    def hear(self, wave: np.ndarray, sample_rate: int, text: str, language: str) -> Heard:
        self.asked.append(language)
        return compare_words("one two three four", "one two tree four", language)

    def rate(self, wave: np.ndarray, sample_rate: int) -> dict[str, float]:
        return {"overall": float(wave.mean())}


def test_judges_hear_every_pane(data: Path) -> None:
    ear: Any = _Ear()
    summary = finish(evaluate(tiny_model(), ["ada"], data, judges=Judges(ear, ear, ear))).summary()
    for pane in PANES:
        assert summary[f"word_error_{pane}"] == 0.25
        assert f"dnsmos_overall_{pane}" in summary
    assert summary["dnsmos_overall_vocoded"] == pytest.approx(-6, abs=0.2)
    assert len(ear.asked) == 2 * len(PANES)
    only = finish(evaluate(tiny_model(), ["ada"], data, judges=Judges(ear, None, ear))).summary()
    assert not any(name.startswith("word_error") for name in only)


def test_stops_are_judged_by_length(data: Path) -> None:
    score = finish(evaluate(tiny_model(), ["ada"], data, limit=1)).sentences[0]
    for ratio, reason, stop in (
        (1.0, "stop_head", "in time"), (0.7, "stop_head", "early"), (1.3, "stop_head", "late"),
        (1.0, "max_length", "never"),
    ):  # fmt: skip
        assert replace(score, length_ratio=ratio, stop_reason=reason).stop == stop


def test_latents_are_described_and_energy_compares_free_run_with_prediction(data: Path) -> None:
    result: Evaluation = finish(evaluate(tiny_model(), ["ada"], data))
    assert len(result.latents.mean) == len(result.latents.std) == 8
    summary = result.summary()
    assert summary["latents_active"] == 8
    assert summary["latent_std_range"][0] <= summary["latent_std_mean"] <= summary["latent_std_range"][1]
    assert summary["energy_gap_to_teacher_forced"] is None or summary["energy_gap_to_teacher_forced"] > -1
    louder = [replace(s, energy_to_teacher_forced=1.2) for s in result.sentences]
    assert replace(result, sentences=tuple(louder)).summary()[
        "energy_gap_to_teacher_forced"
    ] == pytest.approx(0.2)


def test_positions_are_equal_parts() -> None:
    assert by_position(np.repeat(np.arange(POSITIONS), 7)[:, None]) == list(range(POSITIONS))
    assert by_position(np.ones((3, 2))) == [1.0] * POSITIONS


def test_attention_path_knows_a_diagonal_from_a_blur() -> None:
    diagonal = torch.eye(8)[None, None]
    focus, monotonic = attention_path(diagonal)
    assert (focus, monotonic) == (1.0, 1.0)
    assert attention_path(diagonal.flip(2))[1] == 0.0
    assert attention_path(torch.full((1, 1, 8, 8), 1 / 8))[0] == pytest.approx(1 / 8)
