"""A LeWM small enough for tests: every part is there, in widths that run in milliseconds."""

from __future__ import annotations

from pathlib import Path

import torch

from lewm_core.checkpoint import CheckpointInfo, save_checkpoint
from lewm_core.config import MelConfig, ModelConfig, Speaker
from lewm_core.model.lewm import LeWM

SPEAKERS = (Speaker("ada", "en-US"), Speaker("bina", "hi"), Speaker("carl", "en-GB"))


def tiny_config(**changes: object) -> ModelConfig:
    """A config of 8 to 32 channels a layer, three speakers, phonemes and durations unless changed."""
    values: dict[str, object] = {
        "latent_dim": 8, "n_speakers": 3, "text_dim": 16, "text_layers": 1, "text_heads": 2, "encoder_dim": 16,
        "encoder_layers": 1, "encoder_heads": 2, "predictor_dim": 16, "predictor_layers": 2, "predictor_heads": 2,
        "decoder_dim": 32, "latents_per_step": 4, "text_frontend": "phonemes", "alignment": "durations",
    }  # fmt: skip
    return ModelConfig(**{**values, **changes})  # type: ignore[arg-type]


def tiny_model(seed: int = 0, **changes: object) -> LeWM:
    """A random model in evaluation mode."""
    torch.manual_seed(seed)
    return LeWM(tiny_config(**changes)).eval()


def tiny_checkpoint(path: Path, **changes: object) -> CheckpointInfo:
    """Write a random tiny checkpoint."""
    return save_checkpoint(
        path, tiny_model(**changes), preset="tiny", mel=MelConfig(), speakers=SPEAKERS, step=7,
        losses={"tf_mel_l1": 0.5}, vocoder="griffin-lim", description="random weights", half=False,
    )  # fmt: skip


def tiny_run(folder: Path, steps: tuple[int, ...] = (500, 1000, 1500)) -> Path:
    """A run folder with a random checkpoint for each step, as ``lewm train`` saves them."""
    for seed, step in enumerate(steps):
        save_checkpoint(
            folder / "checkpoints" / f"step-{step:06d}.safetensors", tiny_model(seed), preset="tiny", mel=MelConfig(),
            speakers=SPEAKERS, step=step, losses={"tf_mel_l1": 0.5}, vocoder="griffin-lim", half=False,
        )  # fmt: skip
    return folder
