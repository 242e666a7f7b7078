"""From log-mels to sound: a Vocos by name or from a folder, or Griffin-Lim as the named last resort.

    vocoder = load_vocoder("embedded", mel_config)
    wave = vocoder.decode(log_mel)          # (n_mels, frames) -> ((frames - 1) * hop_length,)

A folder holds a Vocos `config.yaml` and `model.safetensors` or `pytorch_model.bin`. Neither can run code: the
config is read by `yaml.safe_load`, its `class_path` entries are looked up among the known Vocos classes and never
imported by name, and weights are read by safetensors or by `torch.load(weights_only=True)`.

torch is imported with Griffin-Lim, a ResNet backbone or a `.bin` file, not with this module.

Dimension letters: `m` mel bands, `n` mel frames, `t` samples.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lewm_core.config import MelConfig
from lewm_core.resources_path import resource
from lewm_core.untrusted import load_tensors
from lewm_core.vocoder_config import CONVNEXT, VocoderError, VocosConfig, read_config

if TYPE_CHECKING:
    from lewm_core.graphs.builder import FlowRows
    from lewm_core.vocoder_model import VocosGenerator

EMBEDDED = "embedded"
HUB = "charactr/vocos-mel-24khz"
GRIFFIN_LIM = "griffin-lim"
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
HUB_PATIENCE = 5.0
"""Seconds in which the hub has to answer."""
CHUNK_FRAMES = 1024  # about 11 s; some 60 MB at a time
GRIFFIN_LIM_ROUNDS = 64
_WINDOW = "head.istft.window"


class Vocoder(Protocol):
    """What turns log-mels into sound."""

    name: str
    mel_config: MelConfig
    sample_rate: int

    def decode(self, log_mel: np.ndarray) -> np.ndarray:
        """Wave ((n - 1) * hop_length,) float32 in [-1, 1] of `log_mel` (m, n), natural-log amplitude.

        Raises VocoderError for a mel of another shape or with values that are not finite.
        """
        ...


def available_vocoders() -> list[str]:
    """Names that `load_vocoder` knows; besides them it takes any folder with a Vocos."""
    return [EMBEDDED, HUB, GRIFFIN_LIM]


def load_vocoder(
    name_or_path: str | Path = EMBEDDED, mel_config: MelConfig | None = None, threads: int = 1
) -> Vocoder:
    """Load the vocoder of that name or in that folder, for mels made as `mel_config` says.

    A Vocos with a ConvNeXt backbone, as all published ones have, runs as a graph, without torch, on so many
    threads; other backbones run in torch.

    Raises VocoderError, in a sentence that says what is wrong and what to do, if there is no such vocoder, its
    files are missing, damaged or not allowed, or it was made for other mels.
    """
    mel_config = mel_config or MelConfig()
    name = str(name_or_path)
    if name == GRIFFIN_LIM:
        return GriffinLimVocoder(mel_config)
    config, weight_file = _found(name, mel_config)
    if config.backbone != CONVNEXT:
        return VocosVocoder(name, config, mel_config, load_network(config, weight_file))
    from lewm_core.graph_vocoder import GraphVocoder, written

    weights = _checked_weights(_convnext_shapes(config), weight_file)
    return GraphVocoder(name, config, mel_config, written(config, weights), threads)


def load_graph(name: str, mel_config: MelConfig) -> tuple[VocosConfig, tuple[bytes, FlowRows]]:
    """The configuration and the graph of a Vocos with a ConvNeXt backbone.

    Raises VocoderError as `load_vocoder`, and if it is of another kind.
    """
    from lewm_core.graph_vocoder import written

    if name == GRIFFIN_LIM:
        raise VocoderError(f"{GRIFFIN_LIM} has no graph; name a Vocos.")
    config, weight_file = _found(name, mel_config)
    if config.backbone != CONVNEXT:
        raise VocoderError(f"{name} has a backbone for which there is no graph; name a Vocos with {CONVNEXT}.")
    return config, written(config, _checked_weights(_convnext_shapes(config), weight_file))


def _found(name: str, mel_config: MelConfig) -> tuple[VocosConfig, Path]:
    """Configuration and weights of the Vocos of that name or in that folder, for mels as `mel_config` says."""
    if name == EMBEDDED:
        config_file = resource("vocoder", "config.yaml")
        weight_file = resource("vocoder", "model.safetensors")
        if not (config_file.is_file() and weight_file.is_file()):
            raise VocoderError(f"The embedded vocoder is missing from {config_file.parent}; install again.")
    elif name == HUB:
        config_file, weight_file = _hub_files()
    else:
        config_file, weight_file = _folder_files(Path(name))
    config = read_config(config_file)
    config.check_mels(mel_config, config_file)
    return config, weight_file


def _folder_files(folder: Path) -> tuple[Path, Path]:
    """Config and weights in `folder` (or in the folder of the named file)."""
    if folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise VocoderError(
            f'There is no vocoder "{folder}". Name one of {", ".join(available_vocoders())}, or a folder with '
            f"config.yaml and {WEIGHT_FILES[0]}."
        )
    config_file = folder / "config.yaml"
    if not config_file.is_file():
        raise VocoderError(f"{folder} holds no config.yaml, so it is no Vocos vocoder.")
    for name in WEIGHT_FILES:
        if (folder / name).is_file():
            return config_file, folder / name
    raise VocoderError(f"{folder} holds no weights; it needs {' or '.join(WEIGHT_FILES)} beside config.yaml.")


def _hub_files() -> tuple[Path, Path]:
    """Config and weights of the original Vocos, from the local Hugging Face cache or else from the hub."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import LocalEntryNotFoundError

    def fetch(name: str) -> Path:
        try:
            return Path(hf_hub_download(HUB, name, local_files_only=True))
        except LocalEntryNotFoundError:
            # Asked once and soon given up: the download itself would try for some 25 s to reach a missing hub.
            get_hf_file_metadata(hf_hub_url(HUB, name), timeout=HUB_PATIENCE)
            return Path(hf_hub_download(HUB, name))

    try:
        return fetch("config.yaml"), fetch("pytorch_model.bin")
    # The hub's client raises its own errors, those of two HTTP libraries, and OSErrors: all mean "not to be had".
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise VocoderError(
            f"{HUB} is neither in the local cache nor can it be fetched ({reason}). Connect to the internet and "
            f"try again, put its config.yaml and pytorch_model.bin into a folder and name that, or use the "
            f'"{EMBEDDED}" vocoder.'
        ) from error


def load_network(config: VocosConfig, weight_file: Path) -> VocosGenerator:
    """The network that `config` describes, with the weights of `weight_file`, in float32, ready to decode."""
    import torch

    with torch.random.fork_rng(devices=[]):  # fresh weights are drawn, only to be replaced
        network = config.build()
    wanted = network.state_dict()
    expected = {name: tuple(value.shape) for name, value in wanted.items() if name != _WINDOW}
    weights = {
        name: torch.from_numpy(value) for name, value in _checked_weights(expected, weight_file).items()
    }
    network.load_state_dict({**weights, _WINDOW: wanted[_WINDOW]})
    return network.eval().requires_grad_(False)


def _convnext_shapes(config: VocosConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of a Vocos with a ConvNeXt backbone."""
    dim, inner = config.dim, config.intermediate_dim
    layers: dict[str, tuple[int, ...]] = {
        "backbone.embed": (dim, config.features.n_mels, 7), "backbone.norm": (dim,),
        "backbone.final_layer_norm": (dim,), "head.out": (config.n_fft + 2, dim),
    }  # fmt: skip
    for number in range(config.num_layers):
        name = f"backbone.convnext.{number}"
        layers |= {
            f"{name}.dwconv": (dim, 1, 7), f"{name}.norm": (dim,), f"{name}.pwconv1": (inner, dim),
            f"{name}.pwconv2": (dim, inner),
        }  # fmt: skip
    shapes = {f"{name}.weight": shape for name, shape in layers.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in layers.items()}
    return shapes | {f"backbone.convnext.{number}.gamma": (dim,) for number in range(config.num_layers)}


def _checked_weights(expected: Mapping[str, tuple[int, ...]], weight_file: Path) -> dict[str, np.ndarray]:
    """The weights in `weight_file`, float32, if they have the names and shapes that are expected."""
    # A Vocos file may carry its feature extractor; the mels here come from elsewhere. The window is computed.
    weights = {
        name: value
        for name, value in _read_weights(weight_file).items()
        if not name.startswith("feature_extractor.") and name != _WINDOW
    }
    missing, extra = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    if missing or extra:
        which = f"lacks {missing[0]}" if missing else f"holds {extra[0]}, which the config does not know"
        raise VocoderError(f"{weight_file} does not fit its config.yaml: it {which}.")
    for key, value in weights.items():
        if value.shape != expected[key]:
            raise VocoderError(
                f"{weight_file} does not fit its config.yaml: {key} has shape {value.shape} instead of "
                f"{expected[key]}."
            )
        if not np.isfinite(value).all():
            raise VocoderError(f"{weight_file} is damaged: {key} holds values that are not numbers.")
    return {key: np.asarray(value, np.float32) for key, value in weights.items()}


def _read_weights(weight_file: Path) -> dict[str, np.ndarray]:
    """Arrays by name; never runs what a file may hold besides them."""
    try:
        if weight_file.suffix == ".safetensors":
            from safetensors.numpy import load_file

            arrays: Any = load_file(weight_file)
        else:
            weights = load_tensors(weight_file)
            arrays = {key: value.detach().float().numpy() for key, value in weights.items()}
    # Damaged archives raise errors of many kinds (pickle, zip, safetensors, OSError).
    except Exception as error:
        raise VocoderError(
            f"{weight_file} cannot be read as weights: it is damaged, or holds more than tensors, which is refused "
            "because such a file could run code."
        ) from error
    if not arrays:
        raise VocoderError(f"{weight_file} holds something other than named tensors.")
    weights_by_name: dict[str, np.ndarray] = arrays
    return weights_by_name


def checked(log_mel: np.ndarray, config: MelConfig) -> np.ndarray:
    """`log_mel` as a contiguous float32 array (m, n), or a VocoderError."""
    log_mel = np.ascontiguousarray(log_mel, dtype=np.float32)
    if log_mel.ndim != 2 or log_mel.shape[0] != config.n_mels or log_mel.shape[1] < 1:
        raise VocoderError(
            f"The vocoder reads mels of shape ({config.n_mels}, frames); this one has shape {log_mel.shape}."
        )
    if not np.isfinite(log_mel).all():
        raise VocoderError("The mel holds values that are not numbers, so it cannot be made into sound.")
    return log_mel


class VocosVocoder:
    """A Vocos network in torch. Long mels are decoded in chunks; the result is that of the whole."""

    def __init__(
        self, name: str, config: VocosConfig, mel_config: MelConfig, network: VocosGenerator
    ) -> None:
        self.name, self.mel_config, self.sample_rate = name, mel_config, mel_config.sample_rate
        self.network = network
        # What lies further away cannot reach a sample: the backbone's convolutions and half an FFT window.
        self.context = config.backbone_radius + math.ceil(config.n_fft / 2 / mel_config.hop_length) + 1
        self.chunk_frames = CHUNK_FRAMES

    def decode(self, log_mel: np.ndarray) -> np.ndarray:
        """See `Vocoder.decode`. Memory is bounded by `chunk_frames`, whatever the length."""
        import torch

        log_mel = checked(log_mel, self.mel_config)
        frames, hop = log_mel.shape[1], self.mel_config.hop_length
        samples = (frames - 1) * hop
        wave = np.empty(samples, np.float32)
        with torch.inference_mode():
            for first in range(0, frames - 1, self.chunk_frames):
                last = min(first + self.chunk_frames, frames - 1)
                begin, end = max(0, first - self.context), min(frames, last + 1 + self.context)
                piece = self.network(torch.from_numpy(log_mel[None, :, begin:end]))[0].numpy()
                wave[first * hop : last * hop] = piece[(first - begin) * hop : (last - begin) * hop]
        return np.clip(wave, -1.0, 1.0, out=wave)


class GriffinLimVocoder:
    """Phase by repeated STFTs (Griffin and Lim 1984, with momentum: Perraudin 2013). Sounds metallic.

    Needs no weights; random start phases from a fixed seed, so the same mel gives the same sound. The whole mel is
    worked on at once: about 30 MB of memory for a minute.
    """

    def __init__(self, mel_config: MelConfig) -> None:
        import torchaudio

        self.name, self.mel_config, self.sample_rate = GRIFFIN_LIM, mel_config, mel_config.sample_rate
        bins = mel_config.n_fft // 2 + 1
        self._inverse_mel = torchaudio.transforms.InverseMelScale(
            bins, mel_config.n_mels, mel_config.sample_rate
        )
        self._griffin_lim = torchaudio.transforms.GriffinLim(
            mel_config.n_fft, GRIFFIN_LIM_ROUNDS, hop_length=mel_config.hop_length, power=1.0
        )

    def decode(self, log_mel: np.ndarray) -> np.ndarray:
        """See `Vocoder.decode`."""
        import torch

        log_mel = checked(log_mel, self.mel_config)
        samples = (log_mel.shape[1] - 1) * self.mel_config.hop_length
        if samples == 0:
            return np.empty(0, np.float32)
        # Its STFTs pad by reflection, which takes more than half a window of sound.
        frames_needed = math.ceil(self.mel_config.n_fft / self.mel_config.hop_length) + 2
        log_mel = np.pad(log_mel, ((0, 0), (0, max(0, frames_needed - log_mel.shape[1]))), mode="edge")
        with torch.inference_mode(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            # The mel filters overlap too little to be inverted exactly; the least-squares answer is what is wanted.
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            magnitude = self._inverse_mel(torch.from_numpy(log_mel)[None].exp())
            wave = self._griffin_lim(magnitude)[0].numpy()
        return np.clip(wave[:samples], -1.0, 1.0)
