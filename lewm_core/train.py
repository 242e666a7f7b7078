"""The training of a voice, stage after stage: autoencoder, aligner, predictor, checkpoint.

Each stage lies in its own module; here they are put in order, with their statistics between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lewm_core.checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from lewm_core.config import MelConfig, Preset
from lewm_core.dataset import MelStore, pad_mels
from lewm_core.model.layers import length_mask
from lewm_core.model.lewm import LeWM
from lewm_core.train_aligner import AlignerStage
from lewm_core.train_autoencoder import AutoencoderSettings, AutoencoderStage
from lewm_core.train_loop import LoopSettings, TrainError, train
from lewm_core.train_predictor import PredictorSettings, PredictorStage, latent_store

UNUSED_BELOW = 1.0
"""A latent dimension whose spread is below its posterior's says nothing that the decoder could use."""
STAGES = ("autoencoder", "aligner", "predictor")


def build_model(preset: Preset, data: Path) -> LeWM:
    """A fresh model with as many speakers as the data has."""
    speakers = MelStore(data, "train").speakers()
    torch.manual_seed(0)
    return LeWM(replace(preset.model, n_speakers=len(speakers)))


def start_from(model: LeWM, checkpoint: Path, fresh: Sequence[str] = ()) -> list[str]:
    """Copy from another checkpoint every tensor of the same name and shape; return the names not copied.

    Args:
        fresh: prefixes of names that keep their random start ("audio_encoder.to_stats").
    """
    source = load_checkpoint(checkpoint)[0].state_dict()
    own = model.state_dict()
    copied = {
        name: value
        for name, value in source.items()
        if name in own and own[name].shape == value.shape and not name.startswith(tuple(fresh))
    }
    model.load_state_dict(copied, strict=False)
    return sorted(set(own) - set(copied))


def load_stage(model: LeWM, folder: Path, stage: str) -> int:
    """Load what an earlier stage of the run in ``folder`` saved into ``model``; return its steps.

    Raises:
        TrainError: the stage was not trained there yet.
    """
    path = folder / f"{stage}.pt"
    if not path.is_file():
        raise TrainError(f"{folder} has no {path.name}: train that stage first (--stage {stage})")
    saved = torch.load(path, weights_only=True)
    for name, state in saved["modules"].items():
        (model if name == "model" else model.get_submodule(name)).load_state_dict(state)
    return int(saved["step"])


def set_latent_statistics(model: LeWM, data: Path, folder: Path) -> torch.Tensor:
    """Store mean and spread of the latents in the model; return how much each dimension matters (d,).

    A dimension matters by its spread over its posterior's: what the encoder writes precisely, the
    decoder depends on. Unused dimensions are switched off in the predictor.
    """
    store = MelStore(data, "train")
    latents = latent_store(model, store, folder, "train").latents
    sample = torch.from_numpy(np.asarray(latents[:: max(1, len(latents) // 100_000)], dtype=np.float32))
    model.latent_mean.copy_(sample.mean(0))
    model.latent_std.copy_(sample.std(0).clamp_min(1e-4))
    factor = model.config.downsample_factor
    chosen = range(0, len(store), max(1, len(store) // 16))
    mel, lengths = pad_mels([store.mel(i) for i in chosen], factor)
    mask = length_mask(-(-lengths // factor), mel.shape[2] // factor)
    with torch.no_grad():
        logvar = model.audio_encoder(mel, mask)[1]
    weight = model.latent_std.square() / logvar[mask].exp().mean(0)
    model.predictor.active.copy_(weight > UNUSED_BELOW)
    weight = weight.clamp(max=4 * float(weight.mean()))
    return weight / weight.mean()


def train_stage(
    stage: str,
    preset: Preset,
    data: Path,
    folder: Path,
    settings: LoopSettings,
    *,
    start: Path | None = None,
    fresh: Sequence[str] = (),
    progress: bool | None = None,
) -> dict[str, float]:
    """Train one stage of a run, resuming where it was left; returns its validation figures.

    Args:
        start: checkpoint that a run without a save of its own starts from, see `start_from`.
        fresh: what of it is not taken over.

    Raises:
        TrainError: an earlier stage is missing, or a loss is not finite.
    """
    model = build_model(preset, data)
    if start is not None:
        start_from(model, start, fresh)
    if stage == "autoencoder":
        return train(
            AutoencoderStage(model, data, preset.losses, AutoencoderSettings(kl_rise=settings.steps // 5)),
            settings,
            folder,
            progress=progress,
        )
    if stage == "aligner":
        return train(AlignerStage(model, data), replace(settings, bf16=False), folder, progress=progress)
    if stage != "predictor":
        raise TrainError(f"there is no stage {stage!r}; choose one of {', '.join(STAGES)}")
    load_stage(model, folder, "autoencoder")
    if model.aligner is not None:
        load_stage(model, folder, "aligner")
    model.eval()
    weight = set_latent_statistics(model, data, folder)
    last = PredictorStage(model, data, folder, PredictorSettings(sampling_from=int(0.3 * settings.steps)))
    last.weight = weight
    return train(last, settings, folder, progress=progress)


def export(preset: Preset, data: Path, folder: Path, path: Path, description: str = "") -> CheckpointInfo:
    """Write the run's latest predictor save as a checkpoint that the studio opens."""
    model = build_model(preset, data)
    step = load_stage(model, folder, "predictor")
    model.eval()
    stage = PredictorStage(model, data, folder, PredictorSettings())
    model.residual_std.copy_(stage.residual_spread())
    if model.duration is not None:
        with torch.no_grad():
            model.duration.project_out.bias.sub_(math.log(stage.length_ratio()))
    figures = stage.validate()
    return save_checkpoint(
        path, model, preset=preset.name, mel=MelConfig(), speakers=MelStore(data, "train").speakers(), step=step,
        losses=figures, description=description,
    )  # fmt: skip
