"""Train a small Vocos on a folder of speech.

Interrupted (Ctrl+C), it saves; started again with the same --out, it continues where it was.
"""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import fields
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from lewm_core.vocoder_training_config import VocoderTrainingConfig, VocoderTrainingError

if TYPE_CHECKING:
    from lewm_core.vocoder_data import PackedAudio, PairedMels

# Settings that are numbers and have a flag of their own; the help says what they are for.
FLAGS = {
    "dim": "channels of the backbone",
    "intermediate_dim": "channels inside its blocks",
    "num_layers": "its blocks",
    "steps": "steps in all",
    "adversarial_from": "step at which discriminators join; beyond --steps: never",
    "lead": "steps for which they learn before the generator listens to them",
    "batch": "crops a step",
    "crop": "samples of a crop, a multiple of the hop length",
    "judged": "samples of a crop that the discriminators see",
    "learning_rate": "peak rate of the generator",
    "discriminator_rate": "peak rate of the discriminators",
    "magnitude_weight": "weight of the root-magnitude loss; the log-mel loss has 1",
    "modulation_weight": "weight of the losses of modulation depth and lags",
    "shape_weight": "weight of the wave-shape loss",
    "final_rate": "rate at the end, as a share of the peak",
    "predicted": "share of crops decoded from predicted mels, with --predict-with",
    "blurred": "share of crops whose mels are blurred as predicted ones are",
    "seed": "start of all random numbers",
}
DEV_CLIPS = 8
HELP = "train a small Vocos vocoder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="folder of the sound files"
    )
    parser.add_argument(
        "--train", type=Path, required=True, metavar="JSONL", help='index: one object with "audio" a line'
    )
    parser.add_argument(
        "--dev", type=Path, metavar="JSONL", help="index of held-out clips, scored now and then"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="saves, log and result")
    parser.add_argument(
        "--start-from", type=Path, metavar="STATE", help="state.pt of another training, or a vocoder folder, to refine"
    )
    parser.add_argument(
        "--predict-with", type=Path, metavar="CHECKPOINT",
        help="train on this voice's predicted mels too (made once, kept in --out)",
    )  # fmt: skip
    parser.add_argument(
        "--predict-data", type=Path, metavar="DIR", help="data folder of `lewm preprocess` for --predict-with"
    )
    parser.add_argument("--threads", type=int, default=0, help="processor threads (default: all)")
    parser.add_argument("--save-minutes", type=float, default=4.0, help="time between saves (default: 4)")
    parser.add_argument("--no-bfloat16", action="store_true", help="train in float32 throughout")
    parser.add_argument(
        "--tensorboard", type=Path, metavar="FOLDER", help="write TensorBoard curves there too"
    )
    defaults = VocoderTrainingConfig()
    for field in fields(VocoderTrainingConfig):
        if field.name in FLAGS:
            value = getattr(defaults, field.name)
            parser.add_argument(
                f"--{field.name.replace('_', '-')}",
                type=type(value),
                help=f"{FLAGS[field.name]} (default: {value})",
            )


def settings(args: argparse.Namespace) -> VocoderTrainingConfig:
    """Training settings of parsed arguments. Raises VocoderTrainingError for values that cannot work."""
    given = {name: getattr(args, name) for name in FLAGS if getattr(args, name) is not None}
    return VocoderTrainingConfig(**given, bfloat16=not args.no_bfloat16)


def run(args: argparse.Namespace) -> int:
    """Train as `args` say; returns 0 when finished, 130 when interrupted.

    Raises VocoderTrainingError and AudioError for bad input, FloatingPointError if the training diverges.
    """
    import torch
    from tqdm import tqdm

    from lewm_core.mel import load_audio
    from lewm_core.train_vocoder import VocoderTrainer, export_vocoder, train
    from lewm_core.vocoder_data import pack_audio, read_index

    config = settings(args)
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    form = "{desc} {percentage:3.0f} %|{bar}|"
    with tqdm(total=1.0, desc="reading speech", bar_format=form, disable=None) as bar:
        audio = pack_audio(
            args.data, args.train, args.out / "packed", load_audio, lambda f, _: bar.update(f - bar.n)
        )
        bar.update(1.0 - bar.n)
    dev = []
    if args.dev is not None:
        names = read_index(args.dev)
        dev = [load_audio(args.data / name) for name in names[:: max(1, len(names) // DEV_CLIPS)][:DEV_CLIPS]]
    trainer = VocoderTrainer(config, audio, paired=_paired(args, audio))
    state = args.out / "state.pt"
    if state.is_file():
        trainer.load(state)
        print(f"continuing {state} at step {trainer.step}", file=sys.stderr)
    elif args.start_from is not None:
        trainer.restart(args.start_from)
    board = _tensorboard(args.tensorboard)
    interrupted = _interruption()
    with tqdm(total=config.steps, initial=trainer.step, unit="step", disable=None) as bar:
        reports = train(
            trainer, args.out, dev, save_seconds=60 * args.save_minutes, cancelled=lambda: bool(interrupted),
            tensorboard=board,
        )  # fmt: skip
        for report in reports:
            bar.update(report.step - bar.n)
            shown = [name for name in ("mel", "dev_mel") if name in report.losses]
            bar.set_postfix({name: f"{report.losses[name]:.3f}" for name in shown})
    export_vocoder(state, args.out / "vocoder")
    if interrupted:
        print(f"saved {state} at step {trainer.step}; the same command continues there", file=sys.stderr)
        return 130
    print(f"{args.out / 'vocoder'}")
    return 0


def _paired(args: argparse.Namespace, audio: PackedAudio) -> PairedMels | None:
    """Predicted mels beside the recordings, or None where they are not wanted.

    Raises VocoderTrainingError if one of the two flags is missing, DataError and CheckpointError for bad input.
    """
    if args.predict_with is None and args.predict_data is None:
        return None
    if args.predict_with is None or args.predict_data is None:
        raise VocoderTrainingError("--predict-with and --predict-data belong together.")
    from tqdm import tqdm

    from lewm_core.predicted_mels import PredictedMels, predict_mels
    from lewm_core.vocoder_data import pair_mels, read_index

    folder = args.out / "predicted"
    if not (folder / "predicted.json").is_file():
        form = "{desc} {percentage:3.0f} %|{bar}| {remaining}"
        with tqdm(total=1.0, desc="predicting mels", bar_format=form, disable=None) as bar:
            for share in predict_mels(args.predict_with, args.predict_data, folder):
                bar.update(share - bar.n)
    predicted = PredictedMels.open(folder)
    return pair_mels(audio, read_index(args.train), predicted.mels, predicted.places)


def _interruption() -> list[int]:
    """A list that Ctrl+C or a polite kill fills, so that the training can end its step and save."""
    signals: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        signals.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return signals


def _tensorboard(folder: Path | None) -> Any | None:
    """A SummaryWriter for `folder`, or None without one.

    Raises VocoderTrainingError if TensorBoard is not installed.
    """
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise VocoderTrainingError("--tensorboard needs TensorBoard: pip install tensorboard") from error
    return SummaryWriter(str(folder))
