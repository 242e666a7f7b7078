"""Train a voice on a data folder made by `lewm preprocess`; a stopped run goes on where it was.

In stages (what the embedded voice was made with), or all at once (the classic recipe of the v3 presets):

lewm train --data data --out runs/one --stage autoencoder --steps 4000
lewm train --data data --out runs/one --stage aligner --steps 1500
lewm train --data data --out runs/one --stage predictor --steps 12000
lewm train --data data --out runs/one --export voice.safetensors

lewm train --data data --out runs/two --preset v3c --stage joint --steps 100000
torchrun --nproc-per-node 4 -m lewm_core.cli train --data data --out runs/two --stage joint

The run folder remembers every setting, so going on needs only --data, --out and --stage. What each setting is for,
what lies in the run folder, several GPUs: docs/training.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lewm_core.commands._shared import InputError, positive, print_json
from lewm_core.config import PRESETS, preset
from lewm_core.train_settings import REGULARIZERS, STAGE_DEFAULTS, STAGES, LoopSettings, StageSettings

HELP = "train a voice, in stages or jointly"


class _Flag(NamedTuple):
    name: str
    kind: Callable[[str], Any]
    text: str


_FLAGS: dict[str, tuple[_Flag, ...]] = {
    "schedule": (
        _Flag("learning_rate", float, "peak"),
        _Flag("warmup", int, "steps over which the learning rate rises"),
        _Flag("decay", float, "last share of the steps over which it falls to zero"),
        _Flag("clip", float, "largest norm of the gradient"),
        _Flag("weight_decay", float, "of AdamW"),
        _Flag("seed", int, "start of all random numbers"),
    ),
    "batches": (
        _Flag("batch", int, "autoencoder: crops a step"),
        _Flag("crop_frames", int, "autoencoder: mel frames a crop"),
        _Flag("frames_per_batch", int, "other stages: mel frames a step, padding and all processes counted"),
    ),
    "weights of the losses": (
        _Flag("kl", float, "KL divergence from a unit Gaussian"),
        _Flag("sigreg", float, "SIGReg, in its place with --regularizer sigreg"),
        _Flag("reconstruction", float, "mel L1 of the autoencoder"),
        _Flag("spectral", float, "multi-resolution spectral loss"),
        _Flag("prediction", float, "MSE of the next latents"),
        _Flag("stop", float, "stop head"),
        _Flag("duration", float, "durations, where the preset plans them"),
        _Flag("mel", float, "predictor stage: predicted latents seen through the decoder"),
        _Flag("guided_attention", float, "where the preset aligns by attention"),
    ),
    "latents": (
        _Flag("rise", float, "share of the steps over which the regulariser's weight rises from 0"),
        _Flag("projections", int, "random views of SIGReg a step"),
    ),
    "history and attention": (
        _Flag("mask_share", float, "largest share of steps whose history is hidden"),
        _Flag("noise", float, "largest standard deviation of noise on the history"),
        _Flag("sampling_share", float, "largest share of steps that hear the model's own prediction"),
        _Flag("sampling_from", float, "share of the steps after which that begins"),
        _Flag("sampling_rise", float, "share of the steps over which it then grows"),
        _Flag("guided_heads", float, "share of heads that guided attention acts on"),
        _Flag("guided_width", float, "width of its diagonal, as a share of the sentence"),
        _Flag("mel_crop", int, "latents a sentence that --mel decodes"),
    ),
    "what is kept and shown": (
        _Flag("save_every", positive, "steps between saves: a kill loses at most these"),
        _Flag("validate_every", positive, "steps between validations"),
        _Flag("log_every", positive, "steps between lines of the log"),
        _Flag("keep_every", int, "keep a checkpoint all N steps in RUN/checkpoints (0: none)"),
        _Flag("best_by", str, "validation figure that the best save is chosen by"),
        _Flag("samples", int, "sentences shown and played in TensorBoard at each validation"),
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="RUN", help="run folder: saves, logs, settings"
    )
    parser.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(PRESETS)} (default: studio)")
    parser.add_argument(
        "--downsample-factor", "--downsample_factor", type=int, choices=(2, 4),
        help="mel frames a latent (default: the preset's)",
    )  # fmt: skip
    parser.add_argument("--stage", choices=STAGES, help="what to train")
    parser.add_argument(
        "--steps", type=positive, metavar="N", help="steps in all, those already done counted"
    )
    parser.add_argument(
        "--regularizer", choices=REGULARIZERS, help="what keeps latents near a unit Gaussian (default: kl)"
    )
    parser.add_argument(
        "--start-from", type=Path, metavar="FILE", help="checkpoint whose tensors a new run starts with"
    )
    parser.add_argument(
        "--fresh", action="append", metavar="PREFIX",
        help="tensors of --start-from not to take over: audio_encoder.to_stats (may be given again)",
    )  # fmt: skip
    parser.add_argument("--fp32", action="store_true", help="no bf16 autocast (slower)")
    parser.add_argument(
        "--allow-change", action="store_true", help="go on with other settings than the run was begun with"
    )
    parser.add_argument(
        "--device", default="auto", metavar="NAME", help="auto (the fastest there is), cpu, cuda, cuda:1, mps"
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="processor threads")
    parser.add_argument(
        "--export", type=Path, metavar="FILE", help="train nothing: write the run's last save as a checkpoint"
    )
    parser.add_argument(
        "--best", action="store_true", help="with --export: the best save instead of the last"
    )
    parser.add_argument("--description", default="", metavar="TEXT", help="kept in the exported checkpoint")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    defaults = StageSettings(LoopSettings(1)).flat()
    for title, flags in _FLAGS.items():
        group = parser.add_argument_group(title)
        for flag in flags:
            group.add_argument(
                f"--{flag.name.replace('_', '-')}", type=flag.kind, metavar="NAME" if flag.kind is str else "N",
                help=f"{flag.text} (default: {_default(flag.name, title, defaults)})",
            )  # fmt: skip


def _default(name: str, title: str, defaults: dict[str, Any]) -> str:
    if title.startswith("weights"):
        return "the preset's"
    if name == "best_by":
        return "the stage's own"
    others = {stage: values[name] for stage, values in STAGE_DEFAULTS.items() if name in values}
    if name == "learning_rate":
        return ", ".join(f"{stage} {value:g}" for stage, value in others.items())
    return ", ".join([f"{defaults[name]:g}", *(f"{stage} {value:g}" for stage, value in others.items())])


def run(arguments: argparse.Namespace) -> int:
    if arguments.export is None and arguments.stage is None:
        raise InputError("Say what to do: --stage to train one, or --export to write a checkpoint.")
    if arguments.best and arguments.export is None:
        raise InputError("--best belongs to --export.")
    import torch

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    return _export(arguments) if arguments.export else _train(arguments)


def _export(arguments: argparse.Namespace) -> int:
    from lewm_core.train import export
    from lewm_core.train_settings import load_run

    begun = load_run(arguments.out)
    chosen = begun.preset if begun else preset(arguments.preset or "studio")
    info = export(
        chosen, arguments.data, arguments.out, arguments.export, arguments.description,
        stage=arguments.stage, best=arguments.best,
    )  # fmt: skip
    if arguments.json:
        print_json(info.as_json())
    else:
        print("\n".join(f"{label}: {value}" for label, value in info.rows()))
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from lewm_core.distributed import started
    from lewm_core.manifest import SPLITS, MelStore
    from lewm_core.train import train_stage
    from lewm_core.train_settings import settle

    for split in SPLITS:  # before anything of a wrong call is stored in the run folder
        MelStore(arguments.data, split)
    with started(arguments.device) as processes:
        if not processes.is_first:
            processes.wait()  # until the first process has checked and stored the settings
        chosen, settings = settle(
            arguments.out, arguments.stage, _shape(arguments), _given(arguments),
            change=arguments.allow_change, write=processes.is_first,
        )  # fmt: skip
        if processes.is_first:
            processes.wait()
        figures = train_stage(
            arguments.stage, chosen, arguments.data, arguments.out, settings, processes=processes
        )
    if processes.is_first and arguments.json:
        print_json({"stage": arguments.stage, "steps": settings.loop.steps, **figures})
    elif processes.is_first:
        print("\n".join(f"{name}: {value:.4f}" for name, value in figures.items()))
    return 0


def _shape(arguments: argparse.Namespace) -> dict[str, Any]:
    """The preset and what changes its model, as far as given."""
    values = {name: getattr(arguments, name) for name in ("preset", "downsample_factor")}
    return {name: value for name, value in values.items() if value is not None}


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Settings of the stage that were given, by field name."""
    names = ["steps", "regularizer", *(flag.name for flags in _FLAGS.values() for flag in flags)]
    values = {name: getattr(arguments, name) for name in names}
    if arguments.start_from is not None:
        values["start_from"] = str(arguments.start_from.resolve())
    if arguments.fresh is not None:
        values["fresh"] = ",".join(arguments.fresh)
    if arguments.fp32:
        values["bf16"] = False
    return {name: value for name, value in values.items() if value is not None}
