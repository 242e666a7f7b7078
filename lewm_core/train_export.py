"""From the state of a training to a checkpoint that the studio opens."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import torch

from lewm_core.checkpoint import CheckpointInfo, save_checkpoint
from lewm_core.config import MelConfig
from lewm_core.train_batch import residual_spread
from lewm_core.train_speaking import SpeakingStage


@torch.no_grad()
def length_ratio(stage: SpeakingStage, count: int = 200) -> float:
    """Predicted over true length of held-out sentences.

    Durations are learned as logarithms, whose mean is that of a geometric, not an arithmetic mean:
    without the correction of ``export_stage`` speech comes out some percent too fast. Training sentences
    would not show it: their durations are learned by heart in the end (1.00 there, 0.96 on held-out ones).
    """
    model = stage.model
    model.eval()
    if model.duration is None:
        return 1.0
    _, batch = stage.held_out(count)
    memory, mask = model.encode_text(batch.text, batch.speaker)
    return float((model.duration(memory, mask).exp() * mask).sum() / batch.lengths.sum())


def export_stage(
    stage: SpeakingStage, path: Path, *, preset: str, step: int, figures: dict[str, float], description: str = ""
) -> CheckpointInfo:  # fmt: skip
    """Write a stage's present state as a checkpoint: with the spread that temperature uses, and the pace corrected.

    The stage itself stays as it is, so this can be done while it trains.
    """
    stage.model.eval()
    spread, ratio = residual_spread(stage.model, stage.held_out(64)[1]), length_ratio(stage)
    model = copy.deepcopy(stage.model).cpu()
    model.residual_std.copy_(spread)
    if model.duration is not None:
        with torch.no_grad():
            model.duration.project_out.bias.sub_(math.log(ratio))
    return save_checkpoint(
        path, model, preset=preset, mel=MelConfig(), speakers=stage.train_store.speakers(), step=step,
        losses={name: value for name, value in figures.items() if math.isfinite(value)}, description=description,
    )  # fmt: skip
