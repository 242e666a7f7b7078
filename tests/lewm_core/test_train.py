"""Training: every stage lowers its loss on tiny data, resumes exactly, and stops at a NaN by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lewm_core.checkpoint import load_checkpoint
from lewm_core.config import LossWeights, Preset
from lewm_core.dataset import DataError, EpochBatches, MelStore, length_buckets
from lewm_core.train import export, start_from
from lewm_core.train_aligner import AlignerStage
from lewm_core.train_autoencoder import AutoencoderSettings, AutoencoderStage
from lewm_core.train_loop import LoopSettings, TrainError, learning_rate_at, train
from lewm_core.train_predictor import PredictorSettings, PredictorStage
from tests.lewm_core.tiny import tiny_checkpoint, tiny_config, tiny_model

WORDS = [("ada", "en-US", "jˈɛs."), ("bina", "hi", "nəmˈʌsteː"), ("carl", "en-GB", "həlˈəʊ ðˈɛə.")]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine utterances of smooth random mels, three for validation."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, copies in (("train", 2), ("dev", 1)):
        lines, mels, offset = [], [], 0
        for speaker, language, phonemes in WORDS * copies:
            frames = int(rng.integers(60, 90))
            walk = rng.normal(0, 1, (frames, 100)).cumsum(0) / 4 - 6
            mels.append(walk.astype(np.float16))
            lines.append(json.dumps({"text": phonemes, "phonemes": phonemes, "speaker": speaker, "language": language,
                                     "offset": offset, "frames": frames}))  # fmt: skip
            offset += frames
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf8")
        np.concatenate(mels).tofile(folder / f"{split}.f16")
    return folder


def autoencoder(data: Path) -> AutoencoderStage:
    weights = LossWeights(kl=0.001, reconstruction=1.0, spectral=0.5)
    return AutoencoderStage(tiny_model(), data, weights, AutoencoderSettings(batch=4, crop_frames=32))


def predictor(data: Path, folder: Path) -> PredictorStage:
    settings = PredictorSettings(frames_per_batch=300, sampling_from=3, mel_crop=8)
    return PredictorStage(tiny_model(), data, folder, settings)


def logged(folder: Path, name: str) -> list[dict[str, float]]:
    lines = (folder / f"{name}.log.jsonl").read_text(encoding="utf8").splitlines()
    return [json.loads(line) for line in lines]


def test_autoencoder_learns(data: Path, tmp_path: Path) -> None:
    settings = LoopSettings(steps=60, learning_rate=3e-3, warmup=5, validate_every=60, save_every=60)
    stage = autoencoder(data)
    before = stage.validate()["mel_l1"]
    assert train(stage, settings, tmp_path)["mel_l1"] < 0.95 * before


def test_aligner_learns(data: Path, tmp_path: Path) -> None:
    stage = AlignerStage(tiny_model(), data, frames_per_batch=300)
    before = stage.validate()["forward_sum"]
    settings = LoopSettings(
        steps=40, learning_rate=3e-3, warmup=5, validate_every=40, save_every=40, bf16=False
    )
    assert train(stage, settings, tmp_path)["forward_sum"] < before


def test_predictor_learns(data: Path, tmp_path: Path) -> None:
    stage = predictor(data, tmp_path)
    before = stage.validate()
    settings = LoopSettings(steps=60, learning_rate=3e-3, warmup=5, validate_every=60, save_every=60)
    after = train(stage, settings, tmp_path)
    assert after["tf_mel_l1"] < before["tf_mel_l1"]
    assert after["duration"] < before["duration"]


@pytest.mark.parametrize("kind", ["autoencoder", "predictor"])
def test_resumed_run_equals_uninterrupted_run(data: Path, tmp_path: Path, kind: str) -> None:
    def stage(folder: Path) -> AutoencoderStage | PredictorStage:
        return autoencoder(data) if kind == "autoencoder" else predictor(data, folder)

    settings = LoopSettings(steps=12, warmup=2, validate_every=12, save_every=6)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(stage(whole), settings, whole)

    class Killed(Exception):
        pass

    first = stage(parts)
    real_loss = first.loss

    def loss_until_killed(step: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        if step == 8:  # after the save at 6: steps 6 and 7 are lost and done again
            raise Killed
        return real_loss(step, rng)

    first.loss = loss_until_killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        train(first, settings, parts)
    train(stage(parts), settings, parts)
    weights = [torch.load(f / f"{kind}.pt", weights_only=True)["modules"] for f in (whole, parts)]
    for name, module in weights[0].items():
        for key, value in module.items():
            assert torch.equal(value, weights[1][name][key]), f"{name}.{key}"


def test_a_loss_that_is_not_finite_stops_with_its_name(data: Path, tmp_path: Path) -> None:
    stage = autoencoder(data)
    with torch.no_grad():
        stage.model.mel_decoder.project_in.bias[0] = float("nan")
    with pytest.raises(TrainError, match=r"step 0 .*reconstruction"):
        train(stage, LoopSettings(steps=2), tmp_path)


def test_learning_rate_rises_holds_and_falls_to_zero() -> None:
    settings = LoopSettings(steps=100, learning_rate=1.0, warmup=10, decay=0.4)
    rates = [learning_rate_at(step, settings) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == rates[60] == 1.0
    assert rates[80] == pytest.approx(0.5)
    assert rates[100] == 0.0


def test_every_utterance_is_in_exactly_one_batch_within_the_budget() -> None:
    sizes = list(range(50, 400, 7))
    batches = length_buckets(sizes, 900, np.random.default_rng(0))
    assert sorted(i for batch in batches for i in batch) == list(range(len(sizes)))
    assert all(max(sizes[i] for i in batch) * len(batch) <= 900 for batch in batches)


def test_batches_of_a_step_do_not_depend_on_the_steps_before() -> None:
    sizes = list(range(50, 400, 7))
    walked = EpochBatches(sizes, 900)
    in_order = [walked.at(step) for step in range(60)]
    assert EpochBatches(sizes, 900).at(59) == in_order[59]
    assert len({index for batch in in_order for index in batch}) == len(sizes)


def test_data_that_does_not_fit_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lewm preprocess"):
        MelStore(tmp_path, "train")
    (tmp_path / "train.jsonl").write_text((data / "train.jsonl").read_text(encoding="utf8"), encoding="utf8")
    (tmp_path / "train.f16").write_bytes((data / "train.f16").read_bytes()[:20_000])
    with pytest.raises(DataError, match="shorter"):
        MelStore(tmp_path, "train")


def test_export_speaks_at_the_pace_of_the_recordings(data: Path, tmp_path: Path) -> None:
    """A duration predictor that is wrong by a factor is set right when the checkpoint is written."""
    stage = predictor(data, tmp_path)
    with torch.no_grad():
        stage.model.duration.project_out.bias.add_(1.0)  # type: ignore[union-attr]
    before = stage.length_ratio()
    shape = Preset("tiny", tiny_config())
    modules = {"model": stage.model.state_dict()}
    torch.save({"step": 3, "modules": modules, "optimiser": {}, "figures": {}}, tmp_path / "predictor.pt")
    info = export(shape, data, tmp_path, tmp_path / "voice.safetensors", "a test")
    model, _ = load_checkpoint(info.path)
    after = PredictorStage(model, data, tmp_path, PredictorSettings()).length_ratio()
    assert before < 0.9 or before > 1.1
    assert after == pytest.approx(1.0, abs=0.02)
    assert info.step == 3
    assert info.description == "a test"
    assert (model.residual_std > 0).any()


def test_a_new_run_starts_from_another_checkpoint_but_for_what_is_named(data: Path, tmp_path: Path) -> None:
    source = tmp_path / "other.safetensors"
    tiny_checkpoint(source)
    torch.manual_seed(5)
    model = tiny_model()
    fresh = "mel_decoder.project_in"
    kept = model.mel_decoder.project_in.weight.clone()
    left_out = start_from(model, source, [fresh])
    taken = load_checkpoint(source)[0].state_dict()
    assert left_out == [f"{fresh}.bias", f"{fresh}.weight"]
    assert torch.equal(model.mel_decoder.project_in.weight, kept)
    for name, value in model.state_dict().items():
        assert name in left_out or torch.equal(value, taken[name])
