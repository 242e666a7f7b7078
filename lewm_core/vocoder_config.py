"""The `config.yaml` of a Vocos folder: read with suspicion, checked against the mels, built from known classes.

The file has the form of the `vocos` package: `feature_extractor`, `backbone` and `head`, each with a `class_path`
and `init_args`. The class paths are only compared with the known ones; nothing is imported by a name from a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lewm_core.config import MelConfig
from lewm_core.untrusted import shown

if TYPE_CHECKING:
    from lewm_core.vocoder_model import VocosGenerator

FEATURES = "vocos.feature_extractors.MelSpectrogramFeatures"
CONVNEXT = "vocos.models.VocosBackbone"
RESNET = "vocos.models.VocosResNetBackbone"
HEAD = "vocos.heads.ISTFTHead"
VOCOS_LOG_CLIP = 1e-7  # fixed in vocos.modules.safe_log
_LARGEST_FILE = 64 * 1024  # bytes; such files have one or two thousand
LARGEST = 8192  # no width, depth or window beyond it: a config must not be able to fill the memory


class VocoderError(ValueError):
    """A vocoder cannot be had or used; the message is a sentence for the person at the screen."""


@dataclass(frozen=True)
class VocosConfig:
    """A checked Vocos configuration. Widths in channels, `n_fft` and `hop_length` (the head's) in samples."""

    features: MelConfig
    backbone: str
    dim: int
    intermediate_dim: int
    num_layers: int
    n_fft: int
    hop_length: int

    @property
    def backbone_radius(self) -> int:
        """Mel frames on either side that can reach a frame through the backbone."""
        if self.backbone == CONVNEXT:
            return 3 * (1 + self.num_layers)  # 7-wide convolutions
        return 1 + 12 * self.num_layers  # 3-wide; a block has dilations 1, 3, 5, each followed by 1

    def check_mels(self, mels: MelConfig, source: Path) -> None:
        """Raise VocoderError unless this vocoder reads the mels that `mels` describes."""
        names = {
            "sample_rate": "sample rate", "n_fft": "FFT size", "hop_length": "hop length",
            "n_mels": "number of mel bands", "log_clip": "log clip",
        }  # fmt: skip
        for field, words in names.items():
            ours, theirs = getattr(mels, field), getattr(self.features, field)
            if ours != theirs:
                raise VocoderError(
                    f"{source} is for other mels: its {words} is {theirs}, the checkpoint's is {ours}. Choose a "
                    "vocoder that was trained on such mels."
                )

    def build(self) -> VocosGenerator:
        """The network with fresh weights, of the `vocos` package's own classes."""
        from vocos.heads import ISTFTHead
        from vocos.models import VocosBackbone, VocosResNetBackbone

        from lewm_core.vocoder_model import VocosGenerator

        bands = self.features.n_mels
        if self.backbone == CONVNEXT:
            backbone = VocosBackbone(bands, self.dim, self.intermediate_dim, self.num_layers)
        else:
            backbone = VocosResNetBackbone(bands, self.dim, self.num_layers)
        return VocosGenerator(backbone, ISTFTHead(self.dim, self.n_fft, self.hop_length, padding="center"))

    def to_yaml(self) -> str:
        """The configuration as text of a config.yaml, readable by `vocos.Vocos.from_hparams` too."""
        mels = self.features
        sections = {
            "feature_extractor": (
                FEATURES,
                {"sample_rate": mels.sample_rate, "n_fft": mels.n_fft, "hop_length": mels.hop_length,
                 "n_mels": mels.n_mels, "padding": "center"},
            ),
            "backbone": (
                CONVNEXT,
                {"input_channels": mels.n_mels, "dim": self.dim, "intermediate_dim": self.intermediate_dim,
                 "num_layers": self.num_layers},
            ),
            "head": (
                HEAD, {"dim": self.dim, "n_fft": self.n_fft, "hop_length": self.hop_length, "padding": "center"},
            ),
        }  # fmt: skip
        data = {name: {"class_path": path, "init_args": args} for name, (path, args) in sections.items()}
        return yaml.safe_dump(data, sort_keys=False)


def read_config(path: Path) -> VocosConfig:
    """Read and check a Vocos config.yaml. Raises VocoderError, naming the file and what is wrong with it."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError("too large")
        data = yaml.safe_load(path.read_text(encoding="utf8"))
    # Tags used on wrong values raise errors of many kinds ("2001-99-99", "!!int ''").
    except Exception as error:
        raise VocoderError(
            f"{path} cannot be read as a plain YAML file, so the vocoder was not loaded."
        ) from error
    _, features = _section(path, data, "feature_extractor", (FEATURES,))
    backbone_class, backbone = _section(path, data, "backbone", (CONVNEXT, RESNET))
    _, head = _section(path, data, "head", (HEAD,))
    for section, args, default in (("feature_extractor", features, "center"), ("head", head, "same")):
        if args.get("padding", default) != "center":
            raise VocoderError(
                f'{path}: the {section} has padding {shown(args.get("padding", default))}; only "center" fits the mels '
                "here."
            )
    if backbone.get("adanorm_num_embeddings"):
        raise VocoderError(
            f"{path}: the backbone wants a bandwidth besides the mel; such a Vocos reads codecs."
        )
    mels = MelConfig(
        sample_rate=_whole(path, features, "sample_rate", 24000, largest=768_000),
        n_fft=_whole(path, features, "n_fft", 1024),
        hop_length=_whole(path, features, "hop_length", 256),
        n_mels=_whole(path, features, "n_mels", 100),
        log_clip=VOCOS_LOG_CLIP,
    )
    convnext = backbone_class == CONVNEXT
    config = VocosConfig(
        features=mels,
        backbone=backbone_class,
        dim=_whole(path, backbone, "dim"),
        intermediate_dim=_whole(path, backbone, "intermediate_dim") if convnext else 0,
        num_layers=_whole(path, backbone, "num_layers" if convnext else "num_blocks", largest=256),
        n_fft=_whole(path, head, "n_fft"),
        hop_length=_whole(path, head, "hop_length"),
    )
    disagreements = (
        (_whole(path, backbone, "input_channels"), mels.n_mels, "the backbone's input_channels", "n_mels"),
        (_whole(path, head, "dim"), config.dim, "the head's dim", "the backbone's dim"),
        (config.hop_length, mels.hop_length, "the head's hop_length", "the mels' hop_length"),
    )
    for left, right, left_name, right_name in disagreements:
        if left != right:
            raise VocoderError(f"{path} contradicts itself: {left_name} is {left}, {right_name} is {right}.")
    if config.n_fft % 2 or config.n_fft < 2 * config.hop_length:
        raise VocoderError(
            f"{path}: an n_fft of {config.n_fft} does not overlap at a hop of {config.hop_length}."
        )
    return config


def _section(path: Path, data: Any, name: str, known: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """Class path and arguments of section `name`; the class must be one of `known`."""
    section = data.get(name) if isinstance(data, dict) else None
    if not (isinstance(section, dict) and isinstance(section.get("class_path"), str)):
        raise VocoderError(f'{path} has no "{name}" with a class_path, so it is no Vocos configuration.')
    args = section.get("init_args", {})
    if not isinstance(args, dict):
        raise VocoderError(f'{path}: the init_args of "{name}" are not a mapping.')
    if section["class_path"] not in known:
        raise VocoderError(
            f'{path}: "{name}" names the class {section["class_path"]}; only {" and ".join(known)} '
            f"{'are' if len(known) > 1 else 'is'} known here, and nothing else is ever imported."
        )
    return section["class_path"], args


def _whole(
    path: Path, args: dict[str, Any], name: str, default: int | None = None, largest: int = LARGEST
) -> int:
    """A whole number from 1 to `largest` out of `args`."""
    value = args.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
        raise VocoderError(
            f"{path}: {name} is {shown(value)}; it must be a whole number from 1 to {largest}."
        )
    return value
