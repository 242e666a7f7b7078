"""The training of a voice, stage after stage: autoencoder, aligner, predictor (or all at once: joint), durations,
checkpoint.

Each stage lies in its own module; here they are put in order, with their statistics between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from lewm_core.checkpoint import CheckpointInfo, load_checkpoint
from lewm_core.config import Preset
from lewm_core.dataset import MelStore
from lewm_core.distributed import ALONE, Processes
from lewm_core.model.lewm import LeWM
from lewm_core.train_aligner import AlignerStage
from lewm_core.train_autoencoder import AutoencoderStage
from lewm_core.train_durations import DurationStage
from lewm_core.train_export import export_stage
from lewm_core.train_joint import JointStage
from lewm_core.train_latents import latent_store, note_made, notes_of, print_of, set_latent_statistics
from lewm_core.train_loop import Stage, train
from lewm_core.train_predictor import PredictorStage
from lewm_core.train_save import load_modules, read_save
from lewm_core.train_settings import STAGES, SettingsError, StageSettings, load_run
from lewm_core.train_speaking import SpeakingStage

SPEAKING = ("predictor", "joint")
"""Stages after which there is a voice to export."""
CHECKPOINTS = "checkpoints"
DURATIONS = "durations"
"""Under this name a run folder notes of which text encoder the durations stage is."""


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


def load_stage(model: LeWM, folder: Path, stage: str, *, best: bool = False) -> tuple[int, dict[str, float]]:
    """Load what a stage of the run in ``folder`` saved into ``model``; return its steps and figures.

    Args:
        best: the best save instead of the last one.

    Raises:
        SettingsError: there is no such save.
    """
    path = folder / (f"{stage}.best.pt" if best else f"{stage}.pt")
    if not path.is_file():
        raise SettingsError(f"{folder} has no {path.name}: train that stage first (--stage {stage})")
    saved = read_save(path)
    try:
        load_modules(model, saved)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise SettingsError(
            f"{path} is of a model of another shape or of other speakers ({reason})."
        ) from None
    return int(saved["step"]), saved.get("figures", {})


def train_stage(
    stage: str,
    preset: Preset,
    data: Path,
    folder: Path,
    settings: StageSettings,
    *,
    processes: Processes = ALONE,
    progress: bool | None = None,
) -> dict[str, float]:
    """Train one stage of a run, resuming where it was left; returns its validation figures.

    Args:
        processes: this process among those that train together.
        progress: a progress bar or none; None decides by the terminal.

    Raises:
        SettingsError: an earlier stage is missing, or what is in ``folder`` does not fit.
        TrainError: a loss is not finite.
    """
    loop = settings.loop
    model = build_model(preset, data)
    if loop.start_from:
        start_from(model, Path(loop.start_from), [name for name in loop.fresh.split(",") if name])
    folder.mkdir(parents=True, exist_ok=True)
    if not processes.is_first:
        processes.wait()  # until the first process has made what all of them read
    made = _stage(stage, model, data, folder, settings, processes.device)
    if processes.is_first:
        processes.wait()

    def keep(step: int, figures: dict[str, float]) -> None:
        if isinstance(made, SpeakingStage) and stage in SPEAKING:
            path = folder / CHECKPOINTS / f"step-{step:06d}.safetensors"
            export_stage(made, path, preset=preset.name, step=step, figures=figures)

    return train(made, loop, folder, processes=processes, keep=keep, progress=progress)


def _stage(
    stage: str, model: LeWM, data: Path, folder: Path, settings: StageSettings, device: torch.device
) -> Stage:
    """Build a stage on what the stages before it left in the run folder."""
    losses, latents, history = settings.losses, settings.autoencoder, settings.predictor
    if stage == "autoencoder":
        return AutoencoderStage(model, data, losses, latents, device)
    if stage == "aligner":
        return AlignerStage(model, data, history.frames_per_batch, device)
    if stage not in STAGES:
        raise SettingsError(f"there is no stage {stage!r}; choose one of {', '.join(STAGES)}")
    if model.aligner is not None:
        load_stage(model, folder, "aligner")
    if stage == "joint":
        return JointStage(model, data, folder, history, latents, losses, device)
    if stage == "durations":
        load_stage(model, folder, _speaking_stage(folder))
        forget_old_durations(model, folder)
        return DurationStage(model, data, folder, history, device)
    load_stage(model, folder, "autoencoder")
    model.to(device).eval()
    run = load_run(folder)
    before = run.stages.get("autoencoder") if run else None
    store = MelStore(data, "train")
    weight = set_latent_statistics(
        model, store, latent_store(model, store, folder, "train").latents,
        weigh=before is None or before.autoencoder.regularizer == "kl",
    )  # fmt: skip
    last = PredictorStage(model, data, folder, history, losses, device)
    last.weight = weight
    return last


def _speaking_stage(folder: Path) -> str:
    """Which stage of the run made the voice.

    Raises:
        SettingsError: there are two.
    """
    there = [name for name in SPEAKING if (folder / f"{name}.pt").is_file()]
    if len(there) == 2:
        raise SettingsError(f"{folder} holds a predictor and a joint save: say which with --stage.")
    return there[0] if there else "predictor"


def forget_old_durations(model: LeWM, folder: Path) -> None:
    """Remove the saves of a durations stage that was trained on another text encoder than the model's."""
    encoder = print_of(model.text_encoder)
    if notes_of(folder).get(DURATIONS) == encoder:
        return
    for name in ("durations.pt", "durations.best.pt"):
        (folder / name).unlink(missing_ok=True)
    note_made(folder, DURATIONS, encoder)


def load_durations(model: LeWM, folder: Path) -> dict[str, float]:
    """Load the best save of the durations stage, if it fits the model's text encoder; return its figures."""
    is_fitting = notes_of(folder).get(DURATIONS) == print_of(model.text_encoder)
    if not is_fitting or not (folder / "durations.best.pt").is_file():
        return {}
    return load_stage(model, folder, "durations", best=True)[1]


def export(
    preset: Preset, data: Path, folder: Path, path: Path, description: str = "", *,
    stage: str | None = None, best: bool = False,
) -> CheckpointInfo:  # fmt: skip
    """Write a run's last (or best) predictor or joint save as a checkpoint that the studio opens.

    Args:
        stage: which of them; None takes the one that there is.

    Raises:
        SettingsError: there is no such save, or both kinds and none was chosen.
    """
    stage = stage or _speaking_stage(folder)
    if stage not in SPEAKING:
        raise SettingsError(
            f"Only {' and '.join(SPEAKING)} saves can be exported; {stage} does not speak yet."
        )
    run = load_run(folder)
    begun = run.stages.get(stage) if run else None
    model = build_model(preset, data)
    step, figures = load_stage(model, folder, stage, best=best)
    figures |= load_durations(model, folder)
    model.eval()
    settings = begun or StageSettings.of_stage(stage, preset)
    if stage == "joint":
        made: SpeakingStage = JointStage(
            model, data, folder, settings.predictor, settings.autoencoder, settings.losses
        )
    else:
        made = PredictorStage(model, data, folder, settings.predictor, settings.losses)
    return export_stage(
        made, path, preset=preset.name, step=step, figures=figures or made.validate(), description=description
    )
