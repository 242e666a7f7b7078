"""What a run was begun with is remembered, and another value is refused unless it may change."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lewm_core.cli import BAD_INPUT, build_parser, main
from lewm_core.commands import train as command
from lewm_core.config import PRESETS, ConfigError, LossWeights
from lewm_core.train_settings import (
    STAGES,
    LoopSettings,
    PredictorSettings,
    SettingsError,
    StageSettings,
    load_run,
    settle,
)
from tests.lewm_core.training import write_data


def test_a_run_goes_on_with_what_it_was_begun_with(tmp_path: Path) -> None:
    begun = settle(
        tmp_path, "joint", {"preset": "v3c", "downsample_factor": 4}, {"steps": 100, "kl": 0.5, "bf16": False}
    )
    assert begun[0].model.downsample_factor == 4
    assert begun[1].losses.kl == 0.5
    assert settle(tmp_path, "joint", {}, {}) == begun
    assert (
        settle(tmp_path, "joint", {"preset": "v3c"}, {"kl": 0.5}) == begun
    )  # the same value may be given again


@pytest.mark.parametrize(
    ("shape", "values"),
    [({}, {"kl": 0.2}), ({"preset": "v3b"}, {}), ({"downsample_factor": 4}, {}), ({}, {"seed": 2}),
     ({}, {"regularizer": "sigreg"}), ({}, {"start_from": "other.safetensors"})],
)  # fmt: skip
def test_another_value_is_refused_unless_it_is_allowed(
    tmp_path: Path, shape: dict[str, Any], values: dict[str, Any]
) -> None:
    begun = settle(tmp_path, "joint", {"preset": "v3c"}, {"steps": 100})
    name, value = next(iter({**shape, **values}.items()))
    with pytest.raises(SettingsError, match="--" + name.replace("_", "-")) as error:
        settle(tmp_path, "joint", shape, values)
    assert "--allow-change" in str(error.value)
    assert settle(tmp_path, "joint", {}, {}) == begun  # nothing was stored
    changed = settle(tmp_path, "joint", shape, values, change=True)
    now = {
        "preset": changed[0].name,
        "downsample_factor": changed[0].model.downsample_factor,
        **changed[1].flat(),
    }
    assert now[name] == value
    assert settle(tmp_path, "joint", {}, {}) == changed


def test_length_and_what_is_kept_may_change(tmp_path: Path) -> None:
    settle(tmp_path, "autoencoder", {}, {"steps": 100})
    _, settings = settle(tmp_path, "autoencoder", {}, {"steps": 200, "keep_every": 50, "save_every": 7})
    assert (settings.loop.steps, settings.loop.keep_every, settings.loop.save_every) == (200, 50, 7)


def test_stages_have_settings_of_their_own_but_one_preset(tmp_path: Path) -> None:
    settle(tmp_path, "autoencoder", {"preset": "studio"}, {"steps": 100, "kl": 0.5})
    _, aligner = settle(tmp_path, "aligner", {}, {"steps": 50})
    assert aligner.losses.kl == PRESETS["studio"].losses.kl
    assert aligner.predictor.frames_per_batch == 6000
    assert not aligner.loop.bf16
    with pytest.raises(SettingsError, match="--preset 'studio'"):
        settle(tmp_path, "predictor", {"preset": "v3"}, {"steps": 10})
    run = load_run(tmp_path)
    assert run is not None
    assert set(run.stages) == {"autoencoder", "aligner"}


def test_steps_are_needed_to_begin(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--steps"):
        settle(tmp_path, "aligner", {}, {})
    assert load_run(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"preset": "v9", "model": {}, "stages": {}}',
             '{"preset": "v3", "model": {}, "stages": {"joint": {"loop": {"future": 1}}}}']
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.json").write_text(text, encoding="utf8")
    with pytest.raises(SettingsError, match=r"settings\.json"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("mask_share", 1.5), ("decay", -0.1), ("learning_rate", 0.0), ("kl", -1.0), ("batch", 0), ("crop_frames", 30),
     ("regularizer", "none"), ("kl", float("nan")), ("unheard_of", 1)],
)  # fmt: skip
def test_values_that_cannot_work_are_refused(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(SettingsError, match="-".join(name.split("_")) if name != "unheard_of" else name):
        settle(tmp_path, "joint", {}, {"steps": 10, name: value})
    assert load_run(tmp_path) is None


def test_an_unknown_preset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="v3c"):
        settle(tmp_path, "joint", {"preset": "v7"}, {"steps": 10})


def test_names_of_settings_are_unique() -> None:
    parts = [getattr(StageSettings(LoopSettings(1)), part.name) for part in fields(StageSettings)]
    names = [field.name for part in parts for field in fields(part)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_settings_for_every_stage(name: str) -> None:
    for stage in STAGES:
        settings = StageSettings.of_stage(stage, PRESETS[name])
        assert settings.losses == PRESETS[name].losses


@given(done=st.floats(0, 1), start=st.floats(0, 1), rise=st.floats(0, 1), share=st.floats(0, 1))
def test_scheduled_sampling_begins_late_and_only_grows(
    done: float, start: float, rise: float, share: float
) -> None:
    settings = PredictorSettings(sampling_from=start, sampling_rise=rise, sampling_share=share)
    sampled = settings.sampled_share(done)
    assert 0 <= sampled <= share
    assert sampled <= settings.sampled_share(min(1.0, done + 0.1))
    if done < start:
        assert sampled == 0
    if done >= start + rise + 1e-9:
        assert sampled == pytest.approx(share)


def test_presets_have_the_published_weights() -> None:
    def four(name: str) -> tuple[int, float, float, float]:
        weights: LossWeights = PRESETS[name].losses
        return PRESETS[name].model.downsample_factor, weights.kl, weights.reconstruction, weights.spectral

    assert four("v3") == (4, 0.1, 1.0, 0.5)
    assert four("v3b") == (4, 0.01, 2.0, 1.5)
    assert four("v3c") == (2, 0.01, 2.0, 1.5)


def test_every_setting_has_a_flag_and_what_is_not_given_is_left_to_the_run() -> None:
    parser = build_parser()
    base = ["train", "--data", "d", "--out", "r", "--stage", "joint"]
    bare = parser.parse_args(base)
    assert command._given(bare) == {}
    assert command._shape(bare) == {}
    defaults = StageSettings(LoopSettings(1)).flat()
    for name, value in defaults.items():
        if name in ("bf16", "regularizer", "best_by", "start_from", "fresh"):
            continue
        parsed = parser.parse_args([*base, f"--{name.replace('_', '-')}", str(value)])
        assert command._given(parsed) == {name: value}
    words = "--fp32 --regularizer sigreg --best-by mel_l1 --start-from a --fresh x --fresh y".split()
    given = command._given(parser.parse_args([*base, *words, "--downsample_factor", "4"]))
    assert given == {"bf16": False, "regularizer": "sigreg", "best_by": "mel_l1", "fresh": "x,y",
                     "start_from": str(Path("a").resolve())}  # fmt: skip
    assert set(given) | set(defaults) == set(defaults)


@pytest.mark.parametrize(
    "flags", ["", "--stage joint --best --steps 2", "--stage aligner --device tpu --steps 2", "--stage aligner",
              "--export voice.safetensors"]
)  # fmt: skip
def test_what_cannot_be_done_is_bad_input(
    tmp_path: Path, flags: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path)
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "run"), *flags.split()]) == BAD_INPUT
    assert capsys.readouterr().err.startswith("lewm: ")
