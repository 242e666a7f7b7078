"""Plain, frozen descriptions of mels, models, speakers and training; the named presets.

This module imports neither torch nor anything heavy: the studio's window reads it at start-up.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lewm_core.untrusted import shown

DEFAULT_TEMPERATURE = 0.0
"""Sampling temperature used when a request names none (0 = the predictor's mean, deterministic)."""

SLOWEST, FASTEST = 0.5, 2.0
"""Limits of the speaking rate; 1 is the pace that the voice learned."""

LN_TO_DB = 20.0 / math.log(10.0)
"""Mels hold natural-log amplitude; multiply by this for dB."""

MEL_MEAN, MEL_STD = -5.0, 3.0
"""Rough centre and spread of speech log-mels (natural log), so that the first layer sees unit scale."""

TEXT_FRONTENDS = ("bytes", "phonemes")
ALIGNMENTS = ("attention", "durations")


class ConfigError(ValueError):
    """A configuration value is unknown, missing or out of range."""


@dataclass(frozen=True)
class MelConfig:
    """How a waveform becomes a log-mel spectrogram; the defaults are those of Vocos at 24 kHz.

    Amplitude (power 1.0) mel spectrogram, HTK scale, centred frames with reflection padding,
    natural logarithm clipped at ``log_clip``.
    """

    sample_rate: int = 24_000
    n_fft: int = 1024
    hop_length: int = 256
    n_mels: int = 100
    log_clip: float = 1e-7

    @property
    def frame_rate(self) -> float:
        """Mel frames a second (Hz)."""
        return self.sample_rate / self.hop_length


@dataclass(frozen=True)
class Speaker:
    """One voice of a checkpoint: its name and what it speaks ("en-US", "en-GB", "hi")."""

    name: str
    language: str


@dataclass(frozen=True)
class ModelConfig:
    """Widths, depths and switches of a LeWM-TTS model.

    Attributes:
        downsample_factor: mel frames per latent, 2 or 4.
        latents_per_step: latents that the predictor emits in one autoregressive step.
        text_frontend: "bytes" reads the normalised text, "phonemes" its IPA; both as UTF-8 bytes.
        alignment: "attention" leaves text position to cross-attention; "durations" adds a duration
            predictor and feeds each step the text it is about to speak (Non-Attentive Tacotron,
            arXiv 2010.04301; the "action" of a world model).
    """

    n_mels: int = 100
    downsample_factor: int = 2
    latent_dim: int = 64
    n_speakers: int = 1
    text_dim: int = 256
    text_layers: int = 4
    text_heads: int = 4
    encoder_dim: int = 256
    encoder_layers: int = 4
    encoder_heads: int = 4
    predictor_dim: int = 320
    predictor_layers: int = 6
    predictor_heads: int = 4
    decoder_dim: int = 512
    decoder_refine_width: int = 3
    latents_per_step: int = 1
    prenet_dropout: float = 0.0
    dropout: float = 0.1
    text_frontend: str = "bytes"
    alignment: str = "attention"

    def __post_init__(self) -> None:
        if self.downsample_factor not in (2, 4):
            raise ConfigError(f"downsample_factor is {self.downsample_factor}; it must be 2 or 4")
        if self.text_frontend not in TEXT_FRONTENDS:
            raise ConfigError(
                f"text_frontend is {self.text_frontend!r}; known are {', '.join(TEXT_FRONTENDS)}"
            )
        if self.alignment not in ALIGNMENTS:
            raise ConfigError(f"alignment is {self.alignment!r}; known are {', '.join(ALIGNMENTS)}")
        for name in _POSITIVE:
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; it must be a whole number above 0")
        for name in ("prenet_dropout", "dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; it must lie in [0, 1)")
        for part in ("text", "encoder", "predictor"):
            dim, heads = getattr(self, f"{part}_dim"), getattr(self, f"{part}_heads")
            if dim % (2 * heads):
                raise ConfigError(f"{part}_dim {dim} is not divisible by twice {part}_heads ({heads})")


_POSITIVE = (
    "n_mels",
    "latent_dim",
    "n_speakers",
    "text_dim",
    "text_layers",
    "text_heads",
    "encoder_dim",
    "encoder_layers",
    "encoder_heads",
    "predictor_dim",
    "predictor_layers",
    "predictor_heads",
    "decoder_dim",
    "decoder_refine_width",
    "latents_per_step",
)


@dataclass(frozen=True)
class LossWeights:
    """Weights of the named losses; each stage uses those that it has.

    Attributes:
        sigreg: in the place of ``kl`` where the regulariser is SIGReg.
        mel: L1 and edges of predicted latents seen through the frozen decoder (predictor stage).
        guided_attention: only where alignment is by attention.
    """

    kl: float = 0.01
    sigreg: float = 10.0
    reconstruction: float = 2.0
    spectral: float = 1.5
    prediction: float = 1.0
    stop: float = 0.1
    duration: float = 0.3
    mel: float = 1.0
    guided_attention: float = 1.0


@dataclass(frozen=True)
class Preset:
    """A named recipe: the model's shape and the weights of its losses."""

    name: str
    model: ModelConfig
    losses: LossWeights = field(default_factory=LossWeights)
    summary: str = ""


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "v3",
            ModelConfig(downsample_factor=4),
            LossWeights(kl=0.1, reconstruction=1.0, spectral=0.5),
            "4x, strong KL: the first of the line; its latents are crushed",
        ),
        Preset(
            "v3b",
            ModelConfig(downsample_factor=4),
            LossWeights(kl=0.01, reconstruction=2.0, spectral=1.5),
            "4x, weak KL, heavier reconstruction",
        ),
        Preset(
            "v3c",
            ModelConfig(downsample_factor=2),
            LossWeights(kl=0.01, reconstruction=2.0, spectral=1.5),
            "2x, weak KL: two frames a latent keep sharper formants",
        ),
        Preset(
            "studio",
            ModelConfig(
                latent_dim=32,
                n_speakers=14,
                encoder_dim=256,
                encoder_layers=3,
                predictor_dim=256,
                decoder_dim=384,
                decoder_refine_width=5,
                latents_per_step=4,
                prenet_dropout=0.2,
                dropout=0.0,
                text_frontend="phonemes",
                alignment="durations",
            ),
            LossWeights(kl=0.0005, reconstruction=1.0, spectral=0.5),
            "2x, 32 latent dimensions, 4 latents a step, phonemes and durations: the embedded voice",
        ),
    )
}


def preset(name: str) -> Preset:
    """Return the preset called ``name``.

    Raises:
        ConfigError: no preset has this name; the message lists those that exist.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise ConfigError(f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}") from None


def to_dict(config: Any) -> dict[str, Any]:
    """Return a configuration dataclass as plain JSON-able data."""
    return asdict(config)


_JSON_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}


def from_dict(cls: type, data: dict[str, Any]) -> Any:
    """Build configuration dataclass ``cls`` from ``data``, refusing unknown names and wrong types.

    Raises:
        ConfigError: a key is unknown, or a value has not the type of its default.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{cls.__name__} must be an object, not {type(data).__name__}")
    known = {f.name: f for f in fields(cls)}
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise ConfigError(f"{cls.__name__} has no {', '.join(unknown)}")
    values: dict[str, Any] = {}
    for name, value in data.items():
        if not isinstance(value, _JSON_TYPES[str(known[name].type)]) or isinstance(value, bool):
            raise ConfigError(f"{cls.__name__}.{name} is {shown(value)}; expected {known[name].type}")
        values[name] = value
    return cls(**values)
