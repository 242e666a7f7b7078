"""All that a training can be told, and how a run folder remembers it.

``RUN/settings.json`` holds the run's preset, the model's shape and the settings of each stage. When a stage goes
on, another value than the stored one is an error unless it says so; what is not given is taken from there.
Knows no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from lewm_core.config import ConfigError, LossWeights, ModelConfig, Preset, from_dict, preset
from lewm_core.files import write_atomically
from lewm_core.untrusted import is_like, read_json, shown

SETTINGS_FILE = "settings.json"
REGULARIZERS = ("kl", "sigreg")
STAGES = ("autoencoder", "aligner", "predictor", "joint", "durations")
STAGE_DEFAULTS: dict[str, dict[str, Any]] = {
    "autoencoder": {"learning_rate": 1e-3},
    "aligner": {"learning_rate": 2e-3, "frames_per_batch": 6000, "bf16": False},
    "predictor": {"learning_rate": 6e-4},
    "joint": {"learning_rate": 6e-4},
    "durations": {"learning_rate": 1e-3, "validate_every": 100},
}
"""Where a stage's defaults differ from the general ones. The aligner's loss needs float32."""
FREE = {"steps", "save_every", "validate_every", "log_every", "keep_every", "best_by", "samples"}
"""Settings that may change from one start of a stage to the next: they say how long and what is kept, not how."""


class SettingsError(ValueError):
    """A setting is out of range, or does not fit what the run folder was begun with."""


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast a stage trains.

    Attributes:
        steps: optimiser steps in all.
        learning_rate: peak; linear warm-up over ``warmup`` steps, constant, then linear to zero over
            the last ``decay`` share of the steps.
        save_every: steps between saves; a kill loses at most these.
        keep_every: steps between checkpoints that are kept in RUN/checkpoints; 0 keeps none.
        best_by: validation figure whose lowest value marks the best save; "" is the stage's own choice.
        samples: held-out sentences shown and played in TensorBoard at each validation.
        start_from: checkpoint that a run without a save of its own takes its tensors from.
        fresh: names, comma between them, whose tensors are not taken over.
        clip: largest norm of the gradient.
    """

    steps: int
    learning_rate: float = 1e-3
    warmup: int = 200
    decay: float = 0.4
    save_every: int = 200
    validate_every: int = 500
    log_every: int = 50
    keep_every: int = 0
    best_by: str = ""
    samples: int = 2
    clip: float = 1.0
    weight_decay: float = 1e-3
    seed: int = 0
    bf16: bool = True
    start_from: str = ""
    fresh: str = ""


@dataclass(frozen=True)
class AutoencoderSettings:
    """Crops, and what keeps latents near a unit Gaussian.

    Attributes:
        batch: crops a step.  crop_frames: mel frames each, a multiple of 4.
        regularizer: "kl" (with reparameterisation) or "sigreg" (deterministic latents).
        rise: share of the training over which the regulariser's weight rises from 0.
        projections: random views of SIGReg a step.
    """

    batch: int = 10
    crop_frames: int = 188
    regularizer: str = "kl"
    rise: float = 0.2
    projections: int = 256


@dataclass(frozen=True)
class PredictorSettings:
    """What is done to the history, and which heads are guided.

    Attributes:
        frames_per_batch: padded mel frames a batch, all processes together.
        mask_share: largest share of steps whose history is hidden (drawn anew for each row).
        noise: largest standard deviation of noise on the history, in normalised units.
        sampling_from: share of the training after which scheduled sampling begins (two passes,
            arXiv 1906.04331).
        sampling_rise: share of the training over which it then rises to its full share.
        sampling_share: largest share of steps whose history is the model's own prediction.
        guided_heads: share of the heads that guided attention acts on, in all layers but the first.
        guided_width: of its band around the diagonal, as a share of the sentence.
        mel_crop: latents decoded for the mel loss, a row.
    """

    frames_per_batch: int = 4500
    mask_share: float = 0.3
    noise: float = 0.3
    sampling_from: float = 0.3
    sampling_rise: float = 0.0
    sampling_share: float = 0.5
    guided_heads: float = 0.5
    guided_width: float = 0.2
    mel_crop: int = 32

    def sampled_share(self, done: float) -> float:
        """Largest share of steps that hear the model's own prediction when ``done`` of the training is behind."""
        if done < self.sampling_from:
            return 0.0
        if self.sampling_rise <= 0:
            return self.sampling_share
        return self.sampling_share * min(1.0, (done - self.sampling_from) / self.sampling_rise)


@dataclass(frozen=True)
class StageSettings:
    """Everything about the training of one stage."""

    loop: LoopSettings
    losses: LossWeights = field(default_factory=LossWeights)
    autoencoder: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    predictor: PredictorSettings = field(default_factory=PredictorSettings)

    @classmethod
    def of_stage(cls, stage: str, chosen: Preset, steps: int = 1) -> StageSettings:
        """The defaults of a stage under a preset."""
        return cls(LoopSettings(steps), chosen.losses).changed(STAGE_DEFAULTS[stage])

    def changed(self, values: Mapping[str, Any]) -> StageSettings:
        """The same with some values, by field name, replaced.

        Raises:
            SettingsError: a name is unknown, or a value out of range.
        """
        left = dict(values)
        parts = {}
        for part in fields(self):
            own = getattr(self, part.name)
            names = [f.name for f in fields(own) if f.name in left]
            parts[part.name] = replace(own, **{name: left.pop(name) for name in names})
        if left:
            raise SettingsError(f"there is no setting {', '.join(left)}")
        settings = StageSettings(**parts)
        settings.check()
        return settings

    def check(self) -> None:
        """Raises SettingsError for a value that cannot work."""
        flat = self.flat()
        shares = (
            "decay",
            "rise",
            "mask_share",
            "sampling_from",
            "sampling_rise",
            "sampling_share",
            "guided_heads",
        )
        for name in shares:
            if not 0.0 <= flat[name] <= 1.0:
                raise SettingsError(f"{_flag(name)} is a share from 0 to 1, not {flat[name]:g}")
        for name in ("steps", "save_every", "validate_every", "log_every", "batch", "crop_frames", "projections",
                     "frames_per_batch", "mel_crop"):  # fmt: skip
            if flat[name] < 1:
                raise SettingsError(f"{_flag(name)} must be above 0, not {flat[name]}")
        for name in ("learning_rate", "clip", "guided_width"):
            if not flat[name] > 0:
                raise SettingsError(f"{_flag(name)} must be above 0, not {flat[name]:g}")
        weights = [f.name for f in fields(LossWeights)]
        for name in [*weights, "noise", "weight_decay", "warmup", "keep_every", "samples", "seed"]:
            if not flat[name] >= 0:
                raise SettingsError(f"{_flag(name)} must not be below 0, it is {flat[name]:g}")
        if flat["crop_frames"] % 4:
            raise SettingsError(f"--crop-frames must be a multiple of 4, not {flat['crop_frames']}")
        if flat["regularizer"] not in REGULARIZERS:
            raise SettingsError(
                f"--regularizer is one of {', '.join(REGULARIZERS)}, not {flat['regularizer']!r}"
            )

    def flat(self) -> dict[str, Any]:
        """All values by field name (the names are unique over the parts)."""
        return {name: value for part in asdict(self).values() for name, value in part.items()}


@dataclass(frozen=True)
class RunSettings:
    """What a run folder was begun with.

    Attributes:
        preset: its name, the model's shape (speakers not counted yet) and its loss weights.
        stages: settings of the stages begun so far.
    """

    preset: Preset
    stages: Mapping[str, StageSettings] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write ``folder``/settings.json."""
        data = {
            "format": 1,
            "preset": self.preset.name,
            "model": asdict(self.preset.model),
            "stages": {name: asdict(stage) for name, stage in self.stages.items()},
        }
        write_atomically(folder / SETTINGS_FILE, (json.dumps(data, indent=1) + "\n").encode())


def load_run(folder: Path) -> RunSettings | None:
    """Read ``folder``/settings.json; None where there is none.

    Raises:
        SettingsError: the file is damaged, or from another version.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return None
    try:
        data = read_json(path)
        model = from_dict(ModelConfig, data["model"])
        known = preset(data["preset"])
        stages = {name: _stage(values) for name, values in data["stages"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise SettingsError(
            f"{path} cannot be read ({error}). Give another --out, or remove the file and name all flags again."
        ) from None
    return RunSettings(replace(known, model=model), stages)


def _stage(values: dict[str, Any]) -> StageSettings:
    known = set(StageSettings(LoopSettings(1)).flat())
    flat = {name: value for part in values.values() for name, value in part.items()}
    unknown = sorted(set(flat) - known)
    if unknown:
        raise ConfigError(f"it has {', '.join(unknown)}, which this version does not know")
    examples = StageSettings(LoopSettings(1)).flat()
    for name, value in flat.items():
        if not is_like(value, examples[name]):
            raise ConfigError(f"{name} is {shown(value)}")
    return StageSettings(LoopSettings(steps=1)).changed(flat)


def settle(
    folder: Path, stage: str, shape: Mapping[str, Any], given: Mapping[str, Any], *, change: bool = False,
    write: bool = True,
) -> tuple[Preset, StageSettings]:  # fmt: skip
    """Put together what was given now with what the run folder remembers, and store the result there.

    Args:
        shape: "preset" and fields of ModelConfig, only those that were given.
        given: settings of the stage by field name, only those that were given.
        change: let given values replace stored ones.
        write: store the result (only one of several processes should).

    Returns:
        the preset of the run and the settings of the stage.

    Raises:
        SettingsError: a given value differs from the stored one and may not, or ``steps`` was never given.
        ConfigError: there is no such preset, or no such model.
    """
    run = load_run(folder)
    chosen = _settle_preset(folder, run, dict(shape), change)
    stored = run.stages.get(stage) if run else None
    if stored is None:
        if given.get("steps") is None:
            raise SettingsError(f"--steps is needed to begin the stage {stage}.")
        settings = StageSettings.of_stage(stage, chosen).changed(given)
    else:
        if not change:
            old = stored.flat()
            _refuse(folder, {name: (old[name], value) for name, value in given.items() if name not in FREE})
        settings = stored.changed(given)
    if write:
        RunSettings(chosen, {**(run.stages if run else {}), stage: settings}).save(folder)
    return chosen, settings


def _settle_preset(folder: Path, run: RunSettings | None, shape: dict[str, Any], change: bool) -> Preset:
    if run is None:
        base = preset(shape.pop("preset", "studio"))
    else:
        base = run.preset
        stored = {"preset": base.name, **asdict(base.model)}
        if change and shape.get("preset", base.name) != base.name:
            base = preset(shape["preset"])
        elif not change:
            _refuse(folder, {name: (stored[name], value) for name, value in shape.items()})
        shape.pop("preset", None)
    return replace(base, model=replace(base.model, **shape))


def _refuse(folder: Path, pairs: dict[str, tuple[Any, Any]]) -> None:
    """Raise if a value differs from the stored one."""
    differing = [f"{_flag(name)} {old!r} (now {new!r})" for name, (old, new) in pairs.items() if old != new]
    if differing:
        raise SettingsError(
            f"{folder} was begun with {', '.join(differing)}. Leave the flag out to go on as before, give another "
            "--out to begin anew, or --allow-change to go on with the new value."
        )


def _flag(name: str) -> str:
    if name == "bf16":
        return "bf16 (--fp32 turns it off)"
    return "--" + name.replace("_", "-")
