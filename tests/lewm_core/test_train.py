"""Training: every stage lowers its loss on tiny data, and a run goes from recordings to a checkpoint that speaks."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lewm_core.checkpoint import load_checkpoint
from lewm_core.config import PRESETS, Preset
from lewm_core.dataset import DataError, EpochBatches, MelStore, length_buckets
from lewm_core.model.lewm import LeWM
from lewm_core.train import CHECKPOINTS, export, train_stage
from lewm_core.train_durations import DurationStage
from lewm_core.train_export import length_ratio
from lewm_core.train_latents import encode_latents, set_latent_statistics
from lewm_core.train_loop import train
from lewm_core.train_moment import Moment
from lewm_core.train_predictor import PredictorStage
from lewm_core.train_save import read_save
from lewm_core.train_settings import STAGES, SettingsError, StageSettings, settle
from tests.lewm_core.tiny import tiny_config, tiny_model
from tests.lewm_core.training import QUICK, make_stage, write_data

TINY = Preset("tiny", tiny_config(), PRESETS["studio"].losses)
FAST = replace(QUICK, steps=60, learning_rate=3e-3, warmup=5, validate_every=60, save_every=60)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    ("kind", "figures"),
    [("autoencoder", ["mel_l1"]), ("autoencoder sigreg", ["mel_l1"]), ("aligner", ["forward_sum"]),
     ("predictor", ["tf_mel_l1", "duration"]), ("joint", ["mel_l1", "tf_mel_l1", "duration"]),
     ("joint attention sigreg", ["mel_l1", "tf_mel_l1", "attention_off_diagonal"]), ("durations", ["duration"])],
)  # fmt: skip
def test_every_stage_learns(data: Path, tmp_path: Path, kind: str, figures: list[str]) -> None:
    stage = make_stage(kind, data, tmp_path)
    before = stage.validate()
    after = train(stage, replace(FAST, bf16=kind != "aligner"), tmp_path, progress=False)
    for name in figures:
        assert after[name] < 0.97 * before[name], name


def test_the_joint_stage_has_the_losses_of_the_recipe_and_its_regulariser_rises(
    data: Path, tmp_path: Path
) -> None:
    stage = make_stage("joint attention sigreg", data, tmp_path)
    first, later = (stage.loss(Moment(step, 10)) for step in (0, 5))
    names = {"prediction", "sigreg", "reconstruction", "spectral", "stop", "guided_attention"}
    assert set(first) == names | {"total", "audio_seconds"}
    weights = stage.weights  # type: ignore[attr-defined]
    for losses, factor in ((first, 0.0), (later, 1.0)):
        parts = sum(
            getattr(weights, name) * (factor if name == "sigreg" else 1.0) * float(losses[name].detach())
            for name in names
        )
        assert float(losses["total"].detach()) == pytest.approx(parts, rel=1e-5)
    assert "kl" in make_stage("joint", data, tmp_path).loss(Moment(0, 10))


def test_scheduled_sampling_mask_and_noise_reach_the_history(data: Path, tmp_path: Path) -> None:
    """With all three at 0 the history is the truth; each of them alone changes the loss."""
    quiet = {"mask_share": 0.0, "noise": 0.0, "sampling_share": 0.0}

    def prediction(**changes: float) -> float:
        stage = make_stage("predictor", data, tmp_path, **{**quiet, **changes})
        return float(stage.loss(Moment(5, 10))["prediction"].detach())

    truth = prediction()
    assert prediction() == truth
    assert (
        len({truth, prediction(mask_share=1.0), prediction(noise=2.0), prediction(sampling_share=1.0)}) == 4
    )


@pytest.mark.parametrize(
    "shape", [{}, {"alignment": "attention", "latents_per_step": 1, "text_frontend": "bytes"}]
)
def test_two_stages_then_a_checkpoint_that_speaks(
    data: Path, tmp_path: Path, shape: dict[str, object]
) -> None:
    """The whole way of the `lewm train` command, for both kinds of alignment, with checkpoints kept on the way."""
    given: dict[str, Any] = {"samples": 0, "crop_frames": 32, "frames_per_batch": 300, "steps": 4, "keep_every": 2,
                             "validate_every": 2, "regularizer": "sigreg"}  # fmt: skip
    for stage in STAGES[:3]:
        preset, settings = settle(tmp_path, stage, asdict(tiny_config(**shape)), given)
        if stage == "aligner" and shape:
            with pytest.raises(SettingsError, match="no aligner"):
                train_stage(stage, preset, data, tmp_path, settings, progress=False)
            continue
        train_stage(stage, preset, data, tmp_path, settings, progress=False)
    kept = sorted(path.name for path in (tmp_path / CHECKPOINTS).iterdir())
    assert kept == ["step-000002.safetensors", "step-000004.safetensors"]
    info = export(preset, data, tmp_path, tmp_path / "voice.safetensors", "a test")
    best = export(preset, data, tmp_path, tmp_path / "best.safetensors", best=True)
    assert (info.step, info.description, best.step in (2, 4)) == (4, "a test", True)
    last, _ = load_checkpoint(info.path)
    same, _ = load_checkpoint(tmp_path / CHECKPOINTS / kept[-1])
    for name, value in last.state_dict().items():
        torch.testing.assert_close(same.state_dict()[name], value, msg=name)


def test_the_best_durations_of_the_voice_as_it_is_are_exported(data: Path, tmp_path: Path) -> None:
    """Not the last ones, and none that were trained on an older text encoder; nothing else of the voice changes."""
    given: dict[str, Any] = {
        "samples": 0,
        "crop_frames": 32,
        "frames_per_batch": 300,
        "regularizer": "sigreg",
    }

    def train_to(stage: str, steps: int, **more: Any) -> dict[str, float]:
        preset, settings = settle(tmp_path, stage, asdict(tiny_config()), {**given, **more, "steps": steps})
        return train_stage(stage, preset, data, tmp_path, settings, progress=False)

    def exported() -> tuple[dict[str, torch.Tensor], dict[str, float]]:
        chosen, _ = settle(tmp_path, "predictor", {}, {})
        info = export(chosen, data, tmp_path, tmp_path / "voice.safetensors")
        return load_checkpoint(info.path)[0].state_dict(), dict(info.losses)

    for stage in STAGES[:3]:
        train_to(stage, 2)
    before, _ = exported()
    jumpy = {"learning_rate": 0.3, "warmup": 0, "validate_every": 1}  # too fast: the last is not the best
    last = train_to("durations", 12, **jumpy)["duration"]
    best = read_save(tmp_path / "durations.best.pt")
    assert best["figures"]["duration"] < last
    after, figures = exported()
    assert figures["duration"] == pytest.approx(best["figures"]["duration"])
    for name, value in before.items():
        if not name.startswith("duration."):
            assert torch.equal(after[name], value), name
        elif name != "duration.project_out.bias":  # where export corrects the pace
            kept = best["modules"]["duration"][name.removeprefix("duration.")]
            assert torch.equal(after[name], kept.half().float()), name
    train_to("predictor", 3)
    assert exported()[1]["duration"] != pytest.approx(figures["duration"])
    train_to("durations", 1)  # begins anew; the old saves would be of 12 steps
    assert read_save(tmp_path / "durations.pt")["step"] == 1


def test_durations_need_a_voice_that_plans_them(data: Path, tmp_path: Path) -> None:
    settings = StageSettings.of_stage("durations", TINY)
    with pytest.raises(SettingsError, match="train that stage first"):
        train_stage("durations", TINY, data, tmp_path, settings, progress=False)
    by_attention = tiny_model(alignment="attention", latents_per_step=1)
    with pytest.raises(SettingsError, match="by attention"):
        DurationStage(by_attention, data, tmp_path, settings.predictor)


def test_the_joint_way_to_a_checkpoint(data: Path, tmp_path: Path) -> None:
    preset = replace(TINY, model=tiny_config(alignment="attention", latents_per_step=1))
    settings = StageSettings.of_stage("joint", preset, steps=3).changed(
        {"samples": 0, "frames_per_batch": 300}
    )
    figures = train_stage("joint", preset, data, tmp_path, settings, progress=False)
    info = export(preset, data, tmp_path, tmp_path / "voice.safetensors")
    assert info.step == 3
    assert info.losses["mel_l1"] == pytest.approx(figures["mel_l1"])
    with pytest.raises(SettingsError, match=r"autoencoder\.pt"):
        train_stage("predictor", preset, data, tmp_path, settings, progress=False)


def test_joint_with_durations_needs_the_aligner(data: Path, tmp_path: Path) -> None:
    settings = StageSettings.of_stage("joint", TINY, steps=3)
    with pytest.raises(SettingsError, match="--stage aligner"):
        train_stage("joint", TINY, data, tmp_path, settings, progress=False)


def test_latents_are_made_anew_when_the_autoencoder_learned_more(data: Path, tmp_path: Path) -> None:
    first = make_stage("predictor", data, tmp_path)
    before = np.array(first.train_latents.latents)  # type: ignore[attr-defined]
    again = make_stage("predictor", data, tmp_path)
    assert np.array_equal(before, again.train_latents.latents)  # type: ignore[attr-defined]
    model: LeWM = again.model  # type: ignore[attr-defined]
    with torch.no_grad():
        model.audio_encoder.to_stats.bias.add_(1.0)
    other = PredictorStage(model, data, tmp_path, again.settings)  # type: ignore[attr-defined]
    assert not np.array_equal(before, other.train_latents.latents)


def test_an_autoencoder_that_says_nothing_is_refused(data: Path, tmp_path: Path) -> None:
    """Prediction of latents that are all noise would look perfect, and speak nothing."""
    model, store = tiny_model(), MelStore(data, "train")
    with torch.no_grad():
        model.audio_encoder.to_stats.weight.zero_()
    with pytest.raises(SettingsError, match="--kl"):
        set_latent_statistics(model, store, encode_latents(model, store))
    weight = set_latent_statistics(model, store, encode_latents(model, store), weigh=False)
    assert bool((weight == 1).all())


def test_every_preset_trains_jointly_at_both_factors(data: Path, tmp_path: Path) -> None:
    """One loss of each: the presets are whole recipes, not only names."""
    for name in ("v3", "v3b", "v3c"):
        for factor in (2, 4):
            small = {"text_dim": 16, "text_layers": 1, "encoder_dim": 16, "encoder_layers": 1, "predictor_dim": 16,
                     "predictor_layers": 2, "decoder_dim": 32, "downsample_factor": factor}  # fmt: skip
            preset, settings = settle(
                tmp_path / f"{name}{factor}", "joint", {"preset": name, **small}, {"steps": 1}
            )
            settings = settings.changed({"samples": 0, "frames_per_batch": 200})
            figures = train_stage(
                "joint", preset, data, tmp_path / f"{name}{factor}", settings, progress=False
            )
            assert all(np.isfinite(list(figures.values())))


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
    """A duration predictor that is wrong by a factor is set right when the checkpoint is written.

    The save is one of the first version, which held no best step and stood in a folder without settings.
    """
    stage: PredictorStage = make_stage("predictor", data, tmp_path)  # type: ignore[assignment]
    with torch.no_grad():
        stage.model.duration.project_out.bias.add_(1.0)  # type: ignore[union-attr]
    before = length_ratio(stage)
    modules = {"model": stage.model.state_dict()}
    torch.save({"step": 3, "modules": modules, "optimiser": {}, "figures": {}}, tmp_path / "predictor.pt")
    info = export(TINY, data, tmp_path, tmp_path / "voice.safetensors", "a test")
    model, _ = load_checkpoint(info.path)
    after = length_ratio(PredictorStage(model, data, tmp_path, stage.settings))
    assert before < 0.9 or before > 1.1
    assert after == pytest.approx(1.0, abs=0.02)
    assert info.step == 3
    assert (model.residual_std > 0).any()
    assert json.loads((tmp_path / "latents.json").read_text(encoding="utf8"))
