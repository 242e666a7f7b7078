"""Settings of a vocoder training: plain data, importable without torch."""

from __future__ import annotations

from dataclasses import dataclass, field


class VocoderTrainingError(ValueError):
    """A vocoder training cannot start from what was given; the message says what to change."""


LONGEST_WINDOW = 2048  # samples, of the spectral losses


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Widths of the discriminators: `periods` in samples, `fft_sizes` in samples, channels per layer."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    period_channels: tuple[int, ...] = (16, 32, 64, 128, 256)
    fft_sizes: tuple[int, ...] = (512, 1024, 2048)
    spectrum_channels: int = 16


@dataclass(frozen=True)
class VocoderTrainingConfig:
    """Settings of a vocoder training; lengths in samples, rates per step."""

    dim: int = 320
    intermediate_dim: int = 896
    num_layers: int = 8
    steps: int = 12000
    adversarial_from: int = 1_000_000  # beyond `steps`: without discriminators
    lead: int = 200  # steps for which the discriminators then learn before the generator listens to them
    batch: int = 8
    crop: int = 12288
    judged: int = 8192  # what the discriminators see of a crop
    learning_rate: float = 8e-4
    discriminator_rate: float = 1e-3
    final_rate: float = 0.05  # of the peak rate, at the end of the cosine
    warmup: int = 300
    magnitude_weight: float = 1.0  # of the root-magnitude loss beside the log-mel loss
    modulation_weight: float = 0.5  # of modulation depth and lags
    shape_weight: float = 3.0  # of the wave's shape
    matching_weight: float = 2.0  # of feature matching beside fooling
    period_weight: float = 0.5  # of each kind of discriminator, beside a weight of 1 for the log-mel loss
    spectrum_weight: float = 0.1
    blurred: float = 0.0  # share of the batch whose mels are blurred and noised a little
    predicted: float = 0.5  # share of the batch that is decoded from predicted mels, where there are any
    ema: float = 0.999
    clip: float = 1.0  # of the gradient's norm; most steps are clipped, so loud crops count like quiet ones
    seed: int = 0
    bfloat16: bool = True
    discriminators: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)

    def __post_init__(self) -> None:
        """Raise VocoderTrainingError, in a sentence, for values that cannot work."""
        for name in ("dim", "intermediate_dim", "num_layers", "steps", "batch", "crop", "judged"):
            if getattr(self, name) < 1:
                raise VocoderTrainingError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.judged > self.crop:
            raise VocoderTrainingError(
                f"judged ({self.judged} samples) is longer than crop ({self.crop} samples)."
            )
        if (
            self.crop <= LONGEST_WINDOW // 2
            or self.judged <= max(self.discriminators.fft_sizes, default=0) // 2
        ):
            raise VocoderTrainingError(
                f"crop ({self.crop}) and judged ({self.judged}) must be longer than half the longest spectral window."
            )
        for name in ("blurred", "predicted"):
            if not 0 <= getattr(self, name) <= 1:
                raise VocoderTrainingError(f"{name} is {getattr(self, name)}; it is a share from 0 to 1.")
        if self.learning_rate <= 0 or self.discriminator_rate <= 0:
            raise VocoderTrainingError("The learning rates must be above 0.")
