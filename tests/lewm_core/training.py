"""Tiny data and tiny stages for tests of training; as a program, what has to run in processes of its own.

python -m tests.lewm_core.training kill DATA FOLDER     trains, and kills itself in the middle of a save
python -m tests.lewm_core.training train DATA FOLDER    trains for a long time
torchrun -m tests.lewm_core.training gradients DATA FOLDER    one step of every stage; a short training
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lewm_core.config import LossWeights
from lewm_core.distributed import ALONE, Processes, started
from lewm_core.train_aligner import AlignerStage
from lewm_core.train_autoencoder import AutoencoderStage
from lewm_core.train_durations import DurationStage
from lewm_core.train_joint import JointStage
from lewm_core.train_loop import Stage, _Trainer, train
from lewm_core.train_predictor import PredictorStage
from lewm_core.train_settings import AutoencoderSettings, LoopSettings, PredictorSettings
from tests.lewm_core.tiny import tiny_model

WORDS = [("ada", "en-US", "jˈɛs."), ("bina", "hi", "nəmˈʌsteː"), ("carl", "en-GB", "həlˈəʊ ðˈɛə.")]
WEIGHTS = LossWeights(kl=0.001, reconstruction=1.0, spectral=0.5)
KINDS = (
    "autoencoder",
    "autoencoder sigreg",
    "aligner",
    "predictor",
    "joint",
    "joint attention sigreg",
    "durations",
)
QUICK = LoopSettings(steps=12, warmup=2, validate_every=12, save_every=6, samples=0)


def write_data(folder: Path) -> Path:
    """Nine utterances of smooth random mels and different lengths, three for validation."""
    rng = np.random.default_rng(0)
    for split, copies in (("train", 2), ("dev", 1)):
        lines, mels, offset = [], [], 0
        for number, (speaker, language, phonemes) in enumerate(WORDS * copies):
            frames = int(rng.integers(60, 90))
            walk = rng.normal(0, 1, (frames, 100)).cumsum(0) / 4 - 6
            mels.append(walk.astype(np.float16))
            lines.append(json.dumps({"text": phonemes, "phonemes": phonemes, "speaker": speaker, "language": language,
                                     "audio": f"{split}{number}.wav", "offset": offset, "frames": frames}))  # fmt: skip
            offset += frames
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf8")
        np.concatenate(mels).tofile(folder / f"{split}.f16")
    return folder


def make_stage(kind: str, data: Path, folder: Path, **changes: Any) -> Stage:
    """A stage of a random tiny model.

    Args:
        kind: one of ``KINDS``, or with "dropout" in it.  changes: of the history's settings.
    """
    latents = AutoencoderSettings(
        batch=5, crop_frames=32, regularizer="sigreg" if "sigreg" in kind else "kl", projections=16
    )
    history = replace(PredictorSettings(frames_per_batch=300, sampling_from=0.25, mel_crop=8), **changes)
    drop = 0.1 if "dropout" in kind else 0.0
    if kind.startswith("autoencoder"):
        return AutoencoderStage(tiny_model(dropout=drop), data, WEIGHTS, latents)
    if kind == "aligner":
        return AlignerStage(tiny_model(), data, frames_per_batch=300)
    if kind.startswith("durations"):
        return DurationStage(tiny_model(dropout=drop), data, folder, history)
    if kind.startswith("predictor"):
        return PredictorStage(tiny_model(dropout=drop), data, folder, history, WEIGHTS)
    shape = {"alignment": "attention", "latents_per_step": 1} if "attention" in kind else {}
    return JointStage(tiny_model(dropout=drop, **shape), data, folder, history, latents, WEIGHTS)


def gradients(stage: Stage, processes: Processes = ALONE, step: int = 1) -> dict[str, torch.Tensor]:
    """Losses and gradients of one step, in float32 and not clipped."""
    settings = replace(QUICK, clip=1e9, bf16=False, steps=4)
    optimiser = torch.optim.SGD(stage.parameters(), lr=0.0)
    trainer = _Trainer(stage, optimiser, settings, processes)
    found = {f"loss {name}": torch.tensor(value) for name, value in trainer.step(step).items()}
    for module_name, module in stage.modules().items():
        for name, parameter in module.named_parameters():
            if parameter.grad is not None:
                found[f"{module_name}.{name}"] = parameter.grad.clone()
    return found


def weights(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a save."""
    modules = torch.load(path, weights_only=True)["modules"]
    return {f"{part}.{name}": value for part, state in modules.items() for name, value in state.items()}


def kill_in_third_save() -> None:
    """Make this process die by SIGKILL when half of the third save is on the disk."""
    saves, real = [0], torch.save

    def save(data: object, file: io.BufferedWriter) -> None:
        saves[0] += 1
        if saves[0] == 3:
            whole = io.BytesIO()
            real(data, whole)
            file.write(whole.getvalue()[: len(whole.getvalue()) // 2])
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        real(data, file)

    torch.save = save  # type: ignore[assignment]


def _all_gradients(data: Path, folder: Path) -> None:
    with started("cpu") as processes:
        for kind in KINDS:
            if processes.is_first:  # makes the latents that both read
                make_stage(kind, data, folder)
            processes.wait()
            found = gradients(make_stage(kind, data, folder), processes)
            if processes.is_first:
                torch.save(found, folder / f"{kind}.gradients")
        stage = make_stage("autoencoder", data, folder)
        settings = replace(QUICK, steps=8, save_every=4, validate_every=4, bf16=False)
        real_loss = stage.loss
        stage.loss = lambda now: real_loss(now) if now.step < 6 else _stop()  # type: ignore[method-assign]
        train(stage, settings, folder, processes=processes, progress=False)


def _stop() -> dict[str, torch.Tensor]:
    raise SystemExit(0)


def main(what: str, data: str, folder: str) -> None:
    """See the module's text."""
    if what == "gradients":
        _all_gradients(Path(data), Path(folder))
        return
    if what == "kill":
        kill_in_third_save()
    settings = replace(QUICK, save_every=2) if what == "kill" else replace(QUICK, steps=100_000, save_every=1)
    stage: Any = make_stage("autoencoder", Path(data), Path(folder))
    assert isinstance(stage.model, nn.Module)
    train(stage, replace(settings, log_every=1), Path(folder), progress=False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
