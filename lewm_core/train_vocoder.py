"""Trains a small Vocos: on losses of spectra and wave shape, and, where there is the time, against discriminators.

Everything a step does follows from the settings, the seed and the step number, so an interrupted training that is
resumed from its last save continues as if it had not been interrupted.

Dimension letters: `b` batch, `t` samples, `m` mel bands, `n` mel frames.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from vocos.loss import DiscriminatorLoss, FeatureMatchingLoss, GeneratorLoss

from lewm_core.config import MelConfig
from lewm_core.files import write_atomically
from lewm_core.mel import log_mel_tensor
from lewm_core.untrusted import UntrustedError, load_tensors
from lewm_core.vocoder_config import CONVNEXT, VocosConfig
from lewm_core.vocoder_data import PackedAudio, PairedMels
from lewm_core.vocoder_discriminators import Discriminators
from lewm_core.vocoder_losses import ModulationLoss, SpectralLoss, WaveShapeLoss
from lewm_core.vocoder_model import small_vocos
from lewm_core.vocoder_training_config import VocoderTrainingConfig, VocoderTrainingError

STATE_VERSION = 1
WINDOW = "head.istft.window"
"""The one buffer that an exported vocoder lacks: it follows from n_fft."""
PARTS = ("generator", "average", "discriminators", "generator_optimiser", "discriminator_optimiser")


@dataclass(frozen=True)
class TrainingReport:
    """What one reported step says: losses by name (natural-log units where spectral) and seconds a step."""

    step: int
    losses: dict[str, float]
    seconds_per_step: float


class VocoderTrainer:
    """State of a training: generator, its moving average, discriminators, two optimisers, the step number."""

    def __init__(
        self,
        config: VocoderTrainingConfig,
        audio: PackedAudio,
        mel_config: MelConfig | None = None,
        paired: PairedMels | None = None,
    ) -> None:
        self.config, self.audio, self.paired = config, audio, paired
        self.mel_config = mel_config or MelConfig()
        if config.crop % self.mel_config.hop_length:
            raise VocoderTrainingError(
                f"crop ({config.crop}) must be a multiple of the hop ({self.mel_config.hop_length})."
            )
        torch.manual_seed(config.seed)
        mel = self.mel_config
        self.generator = small_vocos(
            config.dim, config.intermediate_dim, config.num_layers, mel.n_mels, mel.n_fft, mel.hop_length
        )
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.discriminators = Discriminators(config.discriminators)
        self.spectral = SpectralLoss(mel.sample_rate)
        self.modulation = ModulationLoss(mel.sample_rate)
        self.shape = WaveShapeLoss()
        # Betas and decay as in Vocos' own recipe.
        self.generator_optimiser = torch.optim.AdamW(
            self.generator.parameters(), config.learning_rate, betas=(0.8, 0.9), fused=True
        )
        self.discriminator_optimiser = torch.optim.AdamW(
            self.discriminators.parameters(), config.discriminator_rate, betas=(0.8, 0.9), fused=True
        )
        self.step = 0

    # One step

    def train_step(self) -> dict[str, float]:
        """Run one step; returns its losses. Raises FloatingPointError if a loss is not finite."""
        config, step = self.config, self.step
        self._set_rates()
        real, mel = self._batch(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            generated = self.generator(mel)
        losses = self._regression_losses(generated, real)
        spectral = (
            losses["mel"]
            + config.magnitude_weight * losses["magnitude"]
            + config.modulation_weight * (losses["depth"] + losses["lags"])
            + config.shape_weight * losses["shape"]
        )
        self.generator_optimiser.zero_grad(set_to_none=True)
        if step >= config.adversarial_from:
            (pull,) = torch.autograd.grad(spectral, generated)
            pushes, adversarial = self._adversarial(generated.detach(), real, step)
            losses |= adversarial
            weights = (config.period_weight, config.spectrum_weight)
            # Fresh discriminators know nothing; until they can tell, the generator does not listen.
            listens = step >= config.adversarial_from + config.lead
            losses["pull"] = pull.norm()
            for name, weight, push in zip(("period", "spectrum"), weights, pushes, strict=True):
                losses[f"{name}_push"] = weight * push.norm()
                if listens:
                    pull = pull + weight * push
            generated.backward(pull)
        else:
            spectral.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.generator.parameters(), config.clip)
        if not math.isfinite(float(norm)):
            raise FloatingPointError(f"The vocoder's gradient is not finite at step {step}.")
        self.generator_optimiser.step()
        self._move_average()
        self.step += 1
        return {name: float(value.detach()) for name, value in losses.items()} | {"gradient": float(norm)}

    def _regression_losses(self, generated: Tensor, real: Tensor) -> dict[str, Tensor]:
        """Named losses that need no discriminator, of `generated` against `real`, both (b, t)."""
        half = (len(real) + 1) // 2  # the modulation spectra are dear: a third of all losses' time
        values = (
            *self.spectral(generated, real),
            *self.modulation(generated[:half], real[:half]),
            self.shape(generated, real),
        )
        return dict(zip(("mel", "magnitude", "depth", "lags", "shape"), values, strict=True))

    def _adversarial(
        self, generated: Tensor, real: Tensor, step: int
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Update the discriminators on a window of `generated` and `real`, both (b, t).

        Returns the gradients for `generated`, (b, t) each, of the period and of the spectrum discriminators, and
        the named losses. Generator and discriminators are updated at the same time from one pass over each wave,
        which saves a quarter of the work of the usual two rounds.
        """
        config = self.config
        rng = np.random.default_rng((config.seed, step, 1))
        first = int(rng.integers(0, config.crop - config.judged + 1))
        window = slice(first, first + config.judged)
        gain = 0.8 / (real[:, window].abs().amax(1, keepdim=True) + 0.02)
        leaf = (gain * generated[:, window]).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            real_scores, real_maps = self.discriminators(gain * real[:, window])
            fake_scores, fake_maps = self.discriminators(leaf)
        periods = len(config.discriminators.periods)
        losses: dict[str, Tensor] = {}
        judging = torch.zeros(1)
        pushes = []
        for name, part in (("period", slice(0, periods)), ("spectrum", slice(periods, None))):
            members = len(fake_scores[part])
            fooling = GeneratorLoss()(fake_scores[part])[0] / members
            targets = [[m.detach() for m in maps] for maps in real_maps[part]]
            matching = FeatureMatchingLoss()(targets, fake_maps[part]) / members
            verdict = DiscriminatorLoss()(real_scores[part], fake_scores[part])[0]
            (gradient,) = torch.autograd.grad(
                fooling + config.matching_weight * matching, leaf, retain_graph=True
            )
            push = torch.zeros_like(generated)
            push[:, window] = gain * gradient
            pushes.append(push)
            judging = judging + verdict
            losses |= {f"{name}_fooling": fooling, f"{name}_matching": matching}
            losses[f"{name}_judging"] = verdict / members
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        judging.backward()
        self.discriminator_optimiser.step()
        return pushes, losses

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Waves (b, t) and the log-mels (b, m, n) to decode them from: true, roughened or predicted ones."""
        config = self.config
        count = round(config.predicted * config.batch) if self.paired is not None else 0
        waves = self.audio.crops(step, config.seed, config.batch - count, config.crop)
        real = torch.from_numpy(waves)
        mel = self._features(real, step) if len(real) else None
        if self.paired is None or not count:
            assert mel is not None
            return real, mel
        hop = self.mel_config.hop_length
        more, predicted = self.paired.crops(step, config.seed, count, config.crop, hop)
        real, predicted_mel = torch.cat((torch.from_numpy(more), real)), torch.from_numpy(predicted)
        return real, predicted_mel if mel is None else torch.cat((predicted_mel, mel))

    def _features(self, wave: Tensor, step: int) -> Tensor:
        """Log-mel (b, m, n) of `wave` (b, t), part of them blurred as a predicted mel is."""
        mel = log_mel_tensor(wave, self.mel_config)
        count = round(self.config.blurred * len(mel))
        if count:
            generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + step)
            mel = torch.cat((roughen(mel[:count], generator), mel[count:]))
        return mel

    def _set_rates(self) -> None:
        config = self.config
        low = config.final_rate

        def rate(peak: float, begin: int) -> float:
            done = min(1.0, max(0.0, (self.step - begin) / max(1, config.steps - begin)))
            rise = min(1.0, (self.step - begin + 1) / max(1, config.warmup))
            return peak * rise * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * done)))

        for group in self.generator_optimiser.param_groups:
            group["lr"] = rate(config.learning_rate, 0)
        for group in self.discriminator_optimiser.param_groups:
            group["lr"] = rate(config.discriminator_rate, config.adversarial_from)

    @torch.no_grad()
    def _move_average(self) -> None:
        # A young average would remember the first random weights for long.
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - decay)

    # Judging, saving

    @torch.no_grad()
    def validate(self, waves: list[np.ndarray]) -> dict[str, float]:
        """Mean losses of the averaged generator over whole `waves`, each (t,) float32, natural-log units."""
        sums: dict[str, float] = {}
        for wave in waves:
            usable = len(wave) // self.mel_config.hop_length * self.mel_config.hop_length
            real = torch.from_numpy(wave[None, :usable])
            generated = self.average(log_mel_tensor(real, self.mel_config))
            for name, value in self._regression_losses(generated, real).items():
                sums[name] = sums.get(name, 0.0) + float(value) / len(waves)
        return sums

    def save(self, path: Path) -> None:
        """Write everything needed to continue to `path` (.pt, plain tensors and numbers), atomically."""
        state = {"version": STATE_VERSION, "config": asdict(self.config), "step": self.step}
        state |= {name: getattr(self, name).state_dict() for name in PARTS}
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def load(self, path: Path) -> None:
        """Continue from `path`. The network's shape must be the same; other settings may have changed.

        Raises VocoderTrainingError if `path` is no such state.
        """
        state = read_state(path)
        self._check_shape(path, state)
        self.step = int(state["step"])
        for name in PARTS:
            getattr(self, name).load_state_dict(state[name])

    def restart(self, path: Path) -> None:
        """Take the averaged generator of the training state `path` as the start of a new training (step 0).

        A vocoder folder, as `export_vocoder` writes it, serves too.

        Raises VocoderTrainingError if `path` is neither.
        """
        if path.is_dir():
            self._restart_from_folder(path)
            return
        state = read_state(path)
        self._check_shape(path, state)
        self.generator.load_state_dict(state["average"])
        self.average.load_state_dict(state["average"])

    def _restart_from_folder(self, folder: Path) -> None:
        try:
            weights = {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}
            for network in (self.generator, self.average):
                missing, unexpected = network.load_state_dict(weights, strict=False)
                if unexpected or set(missing) - {WINDOW}:
                    raise VocoderTrainingError(f"{folder} holds another kind of vocoder.")
        except (OSError, SafetensorError, RuntimeError) as error:
            raise VocoderTrainingError(
                f"{folder} holds no vocoder of {self.config.num_layers} layers of {self.config.dim} channels: {error}"
            ) from error

    def _check_shape(self, path: Path, state: dict[str, Any]) -> None:
        for name in ("dim", "intermediate_dim", "num_layers"):
            theirs, ours = state["config"][name], getattr(self.config, name)
            if theirs != ours:
                raise VocoderTrainingError(
                    f"{path} has {name} {theirs}, not {ours}. Give the same shape, or another --out."
                )


def read_state(path: Path) -> dict[str, Any]:
    """The training state that `VocoderTrainer.save` wrote, plain tensors and numbers.

    Raises VocoderTrainingError if the file is missing, damaged or something else.
    """
    try:
        state = load_tensors(path)
    except UntrustedError as error:
        raise VocoderTrainingError(f"{path} cannot be read as a vocoder training state: {error}.") from error
    if not (
        isinstance(state, dict) and state.get("version") == STATE_VERSION and {"config", *PARTS} <= set(state)
    ):
        raise VocoderTrainingError(f"{path} is no vocoder training state that this version can read.")
    return state


def roughen(mel: Tensor, generator: torch.Generator) -> Tensor:
    """A log-mel (b, m, n) as a model might predict it: smoothed along time and frequency, with a little noise."""
    b = len(mel)
    smooth = torch.nn.functional.avg_pool1d(
        torch.nn.functional.pad(mel, (1, 1), mode="replicate"), 3, stride=1
    )
    rows = torch.nn.functional.pad(smooth.transpose(1, 2), (1, 1), mode="replicate")
    smooth = torch.nn.functional.avg_pool1d(rows, 3, stride=1).transpose(1, 2)
    amount = torch.rand((b, 1, 1), generator=generator)
    noise = torch.randn(mel.shape, generator=generator) * 0.15 * torch.rand((b, 1, 1), generator=generator)
    return mel + amount * (smooth - mel) + noise


def train(
    trainer: VocoderTrainer,
    out: Path,
    dev: list[np.ndarray],
    report_every: int = 100,
    save_seconds: float = 240.0,
    cancelled: Callable[[], bool] = lambda: False,
    tensorboard: Any | None = None,
) -> Iterator[TrainingReport]:
    """Run `trainer` to its last step, yielding a report every `report_every` steps.

    Writes `out`/state.pt about every `save_seconds`, at the end and when cancelled, and appends the reports to
    `out`/log.jsonl. `tensorboard` is a torch.utils.tensorboard.SummaryWriter or None. Raises FloatingPointError
    when the training diverged (the last save stays).
    """
    out.mkdir(parents=True, exist_ok=True)
    state, log = out / "state.pt", out / "log.jsonl"
    saved = begun = time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    while trainer.step < trainer.config.steps and not cancelled():
        for name, value in trainer.train_step().items():
            sums[name] = sums.get(name, 0.0) + value
        count += 1
        last = trainer.step == trainer.config.steps
        if trainer.step % report_every == 0 or last:
            losses = {name: value / count for name, value in sums.items()}
            if dev and (trainer.step % (5 * report_every) == 0 or last):
                losses |= {f"dev_{name}": value for name, value in trainer.validate(dev).items()}
            report = TrainingReport(trainer.step, losses, (time.monotonic() - begun) / count)
            with log.open("a", encoding="utf8") as lines:
                lines.write(json.dumps(asdict(report)) + "\n")
            if tensorboard is not None:
                for name, value in losses.items():
                    tensorboard.add_scalar(name, value, trainer.step)
            yield report
            sums, count, begun = {}, 0, time.monotonic()
        if time.monotonic() - saved > save_seconds:
            trainer.save(state)
            saved = time.monotonic()
    trainer.save(state)


def export_vocoder(state_file: Path, folder: Path, mel_config: MelConfig | None = None) -> None:
    """Write the averaged generator of a training state as a vocoder folder: config.yaml, model.safetensors.

    The weights are stored in float16, which changes the sound by less than 60 dB below it, and read back as
    float32. Raises VocoderTrainingError if `state_file` is no training state, and WriteError.
    """
    from safetensors.torch import save

    state = read_state(state_file)
    shape, mels = state["config"], mel_config or MelConfig()
    config = VocosConfig(
        features=mels, backbone=CONVNEXT, dim=shape["dim"], intermediate_dim=shape["intermediate_dim"],
        num_layers=shape["num_layers"], n_fft=mels.n_fft, hop_length=mels.hop_length,
    )  # fmt: skip
    weights = {
        name: value.half().contiguous()
        for name, value in state["average"].items()
        if name != WINDOW
    }
    metadata = {"step": str(state["step"]), "maker": "lewm train-vocoder"}
    write_atomically(folder / "model.safetensors", save(weights, metadata))
    write_atomically(folder / "config.yaml", config.to_yaml().encode())
