"""Trains a small Vocos: first on spectral losses alone, then against narrow discriminators.

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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from vocos.loss import DiscriminatorLoss, FeatureMatchingLoss, GeneratorLoss

from lewm_core.config import MelConfig
from lewm_core.files import write_atomically
from lewm_core.mel import log_mel_tensor
from lewm_core.vocoder_config import CONVNEXT, VocosConfig
from lewm_core.vocoder_data import PackedAudio
from lewm_core.vocoder_discriminators import DiscriminatorConfig, Discriminators
from lewm_core.vocoder_losses import SpectralLoss
from lewm_core.vocoder_model import VocosGenerator, small_vocos

STATE_VERSION = 1


@dataclass(frozen=True)
class VocoderTrainingConfig:
    """Settings of a vocoder training; lengths in samples, rates per step."""

    dim: int = 320
    intermediate_dim: int = 896
    num_layers: int = 8
    steps: int = 12000
    adversarial_from: int = 3000
    batch: int = 8
    crop: int = 12288
    judged: int = 8192  # what the discriminators see of a crop
    learning_rate: float = 5e-4
    discriminator_rate: float = 3e-4
    final_rate: float = 0.05  # of the peak rate, at the end of the cosine
    warmup: int = 300
    magnitude_weight: float = 0.25  # of the log-magnitude loss beside the log-mel loss
    matching_weight: float = 2.0  # of feature matching beside fooling
    shares: tuple[float, float, float] = (1.0, 0.07, 0.2)  # of spectral losses, periods, spectra in the gradient
    blurred: float = 0.0  # share of the batch whose mels are blurred and noised a little
    ema: float = 0.999
    clip: float = 0.2  # of the gradient's norm while there are spectral losses alone
    seed: int = 0
    bfloat16: bool = True
    discriminators: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)


@dataclass(frozen=True)
class TrainingReport:
    """What one reported step says: losses by name (natural-log units where spectral) and seconds a step."""

    step: int
    losses: dict[str, float]
    seconds_per_step: float


class VocoderTrainer:
    """State of a training: generator, its moving average, discriminators, two optimisers, the step number."""

    def __init__(
        self, config: VocoderTrainingConfig, audio: PackedAudio, mel_config: MelConfig | None = None
    ) -> None:
        self.config, self.audio, self.mel_config = config, audio, mel_config or MelConfig()
        torch.manual_seed(config.seed)
        mel = self.mel_config
        self.generator = small_vocos(
            config.dim, config.intermediate_dim, config.num_layers, mel.n_mels, mel.n_fft, mel.hop_length
        )
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.discriminators = Discriminators(config.discriminators)
        self.spectral = SpectralLoss(mel.sample_rate)
        # Betas and decay as in Vocos' own recipe.
        self.generator_optimiser = torch.optim.AdamW(
            self.generator.parameters(), config.learning_rate, betas=(0.8, 0.9), fused=True
        )
        self.discriminator_optimiser = torch.optim.AdamW(
            self.discriminators.parameters(), config.discriminator_rate, betas=(0.8, 0.9), fused=True
        )
        self.gradient_norms = torch.zeros(3)  # running, of the three gradients that are balanced
        self.step = 0

    # One step

    def train_step(self) -> dict[str, float]:
        """Run one step; returns its losses. Raises FloatingPointError if a loss is not finite."""
        config, step = self.config, self.step
        self._set_rates()
        real = torch.from_numpy(self.audio.crops(step, config.seed, config.batch, config.crop))
        mel = self._features(real, step)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            generated = self.generator(mel)
        mel_loss, magnitude_loss = self.spectral(generated, real)
        losses = {"mel": mel_loss, "magnitude": magnitude_loss}
        spectral = mel_loss + config.magnitude_weight * magnitude_loss
        self.generator_optimiser.zero_grad(set_to_none=True)
        if step >= config.adversarial_from:
            (pull,) = torch.autograd.grad(spectral, generated, retain_graph=True)
            pushes, adversarial = self._adversarial(generated.detach(), real, step)
            losses |= adversarial
            generated.backward(self._balanced((pull, *pushes)))
            norm = torch.nn.utils.get_total_norm([p.grad for p in self.generator.parameters()])
        else:
            spectral.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.generator.parameters(), config.clip)
        if not math.isfinite(float(norm)):
            raise FloatingPointError(f"The vocoder's gradient is not finite at step {step}.")
        self.generator_optimiser.step()
        self._move_average()
        self.step += 1
        return {name: float(value.detach()) for name, value in losses.items()} | {"gradient": float(norm)}

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

    def _balanced(self, gradients: tuple[Tensor, ...]) -> Tensor:
        """Sum of `gradients`, (b, t) each, each brought to its share of the whole.

        A loss's share follows from `shares` and not from the scale of its gradient, which differs by orders of
        magnitude between spectral losses and discriminators (the balancer of EnCodec, arXiv 2210.13438). A
        gradient far above its own average is capped.
        """
        norms = torch.stack([g.norm() for g in gradients])
        self.gradient_norms = torch.where(
            self.gradient_norms > 0, torch.lerp(self.gradient_norms, norms, 0.02), norms
        )
        usual = self.gradient_norms + 1e-12
        # Fresh discriminators know nothing: they learn for a while before they are listened to.
        age = self.step - self.config.adversarial_from
        heard = min(1.0, max(0.0, (age - self.config.warmup / 2) / max(1, self.config.warmup)))
        shares = torch.tensor(self.config.shares) * torch.tensor([1.0, heard, heard])
        factors = shares / torch.maximum(usual, norms / 3)
        return torch.stack([f * g for f, g in zip(factors, gradients, strict=True)]).sum(0)

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
        sums: dict[str, float] = {"mel": 0.0, "magnitude": 0.0}
        for wave in waves:
            usable = len(wave) // self.mel_config.hop_length * self.mel_config.hop_length
            real = torch.from_numpy(wave[None, :usable])
            pair = self.spectral(self.average(log_mel_tensor(real, self.mel_config)), real)
            for name, value in zip(sums, pair, strict=True):
                sums[name] += float(value) / len(waves)
        return sums

    def save(self, path: Path) -> None:
        """Write everything needed to continue to `path` (.pt, plain tensors and numbers), atomically."""
        state = {
            "version": STATE_VERSION,
            "config": asdict(self.config),
            "step": self.step,
            "gradient_norms": self.gradient_norms,
            "generator": self.generator.state_dict(),
            "average": self.average.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def load(self, path: Path) -> None:
        """Continue from `path`. The network's shape must be the same; other settings may have changed."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state.get("version") != STATE_VERSION:
            raise ValueError(f"{path} is not a vocoder training state this version can read.")
        for name in ("dim", "intermediate_dim", "num_layers"):
            if state["config"][name] != getattr(self.config, name):
                raise ValueError(
                    f"{path} was trained with {name} {state['config'][name]}, not {getattr(self.config, name)}."
                )
        self.step = int(state["step"])
        self.gradient_norms = state["gradient_norms"]
        for name in (
            "generator", "average", "discriminators", "generator_optimiser", "discriminator_optimiser",
        ):  # fmt: skip
            getattr(self, name).load_state_dict(state[name])

    def restart(self, path: Path) -> None:
        """Take the averaged generator of the training state `path` as the start of a new training (step 0)."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.generator.load_state_dict(state["average"])
        self.average.load_state_dict(state["average"])


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
    float32.
    """
    from safetensors.torch import save

    state = torch.load(state_file, map_location="cpu", weights_only=True)
    shape, mels = state["config"], mel_config or MelConfig()
    config = VocosConfig(
        features=mels, backbone=CONVNEXT, dim=shape["dim"], intermediate_dim=shape["intermediate_dim"],
        num_layers=shape["num_layers"], n_fft=mels.n_fft, hop_length=mels.hop_length,
    )  # fmt: skip
    weights = {
        name: value.half().contiguous() for name, value in state["average"].items() if name != "head.istft.window"
    }
    metadata = {"step": str(state["step"]), "maker": "lewm train-vocoder"}
    write_atomically(folder / "model.safetensors", save(weights, metadata))
    write_atomically(folder / "config.yaml", config.to_yaml().encode())


def with_changes(config: VocoderTrainingConfig, changes: dict[str, Any]) -> VocoderTrainingConfig:
    """`config` with the given settings changed; None values are left out."""
    return replace(config, **{name: value for name, value in changes.items() if value is not None})


__all__ = [
    "DiscriminatorConfig", "TrainingReport", "VocoderTrainer", "VocoderTrainingConfig", "VocosGenerator",
    "export_vocoder", "roughen", "train", "with_changes",
]  # fmt: skip
