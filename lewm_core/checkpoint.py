"""Checkpoints: safetensors with a JSON header, looked through before a single weight is used.

Layout: ordinary safetensors; the metadata entry ``lewm`` holds JSON with format_version, preset, model
and mel configuration, speakers, step, losses and vocoder. Tensor names are those of ``LeWM``.
PyTorch files (``.pt``) are read with ``weights_only=True`` and must hold {"lewm": JSON text, "model":
tensors}. Nothing in either kind of file can run code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lewm_core.checkpoint_shapes import checkpoint_shapes
from lewm_core.config import ConfigError, MelConfig, ModelConfig, Speaker, from_dict, to_dict
from lewm_core.files import write_atomically
from lewm_core.untrusted import UntrustedError, load_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from lewm_core.model.lewm import LeWM

FORMAT_VERSION = 1
HEADER_KEY = "lewm"
BUFFERS = ("latent_mean", "latent_std", "residual_std", "predictor.active")
_HEADER_LIMIT = 16_000_000  # bytes; a larger header is not one of ours
_MOST_LAYERS = 10_000


class CheckpointError(ValueError):
    """A checkpoint was refused; the message names the file, what is wrong, and where possible the cure."""


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself, all of it checked.

    Attributes:
        parameters: trained numbers, buffers not counted.  file_size: bytes.
        sha256: first 16 hexadecimal digits of the file's hash.  losses: last figures, by name.
    """

    path: Path
    format_version: int
    preset: str
    parameters: int
    file_size: int
    sha256: str
    config: ModelConfig
    mel: MelConfig
    speakers: tuple[Speaker, ...]
    step: int
    losses: dict[str, float]
    vocoder: str
    description: str

    def rows(self) -> list[tuple[str, str]]:
        """Label and value pairs, ready to be shown."""
        c = self.config
        languages = sorted({speaker.language for speaker in self.speakers})
        rows = [
            ("File", self.path.name),
            ("Preset", self.preset),
            ("Parameters", f"{self.parameters / 1e6:.1f} M"),
            ("File size", f"{self.file_size / 1e6:.1f} MB"),
            ("Step", f"{self.step:,}"),
            ("Downsample factor", f"{c.downsample_factor}x"),
            ("Latents", f"{c.latent_dim} dims, {self.mel.frame_rate / c.downsample_factor:.1f} Hz"),
            ("Latents per step", str(c.latents_per_step)),
            ("Text", f"{c.text_frontend}, aligned by {c.alignment}"),
            ("Text encoder", f"{c.text_layers} layers, {c.text_dim} d"),
            ("Audio encoder", f"{c.encoder_layers} layers, {c.encoder_dim} d"),
            ("Predictor", f"{c.predictor_layers} layers, {c.predictor_dim} d"),
            ("Mel decoder", f"{c.decoder_dim} channels"),
            ("Mel", f"{self.mel.n_mels} bands, {self.mel.sample_rate} Hz, hop {self.mel.hop_length}"),
            ("Speakers", f"{len(self.speakers)} ({', '.join(languages)})"),
            ("Vocoder", self.vocoder),
            ("SHA-256", self.sha256),
        ]
        return rows + [
            (f"Loss: {name.replace('_', ' ')}", f"{value:.4g}") for name, value in self.losses.items()
        ]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-able data."""
        return {
            "path": str(self.path),
            "format_version": self.format_version,
            "preset": self.preset,
            "parameters": self.parameters,
            "file_size": self.file_size,
            "sha256": self.sha256,
            "model": to_dict(self.config),
            "mel": to_dict(self.mel),
            "speakers": [to_dict(speaker) for speaker in self.speakers],
            "step": self.step,
            "losses": self.losses,
            "vocoder": self.vocoder,
            "description": self.description,
        }


def save_checkpoint(
    path: Path | str, model: LeWM, *, preset: str, mel: MelConfig, speakers: tuple[Speaker, ...], step: int,
    losses: dict[str, float] | None = None, vocoder: str = "embedded", description: str = "", half: bool = True,
) -> CheckpointInfo:  # fmt: skip
    """Write ``model`` with its header, atomically.

    Args:
        half: store weights as float16 (half the size; buffers stay float32).

    Raises:
        CheckpointError: speakers and model do not fit, or a weight is not finite.
        lewm_core.files.WriteError: the file cannot be written.
    """
    import torch
    from safetensors.torch import save

    if len(speakers) != model.config.n_speakers:
        raise CheckpointError(f"{len(speakers)} speakers were named for a model of {model.config.n_speakers}")
    if len({speaker.name for speaker in speakers}) != len(speakers):
        raise CheckpointError("Two speakers have the same name; each name must differ")
    tensors: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{name} holds numbers that are not finite; the checkpoint was not written")
        keep = not half or name in BUFFERS
        tensors[name] = value.detach().contiguous().to(torch.float32 if keep else torch.float16)
    header = {
        "format_version": FORMAT_VERSION,
        "preset": preset,
        "model": to_dict(model.config),
        "mel": to_dict(mel),
        "speakers": [to_dict(speaker) for speaker in speakers],
        "step": step,
        "losses": {name: float(value) for name, value in (losses or {}).items()},
        "vocoder": vocoder,
        "description": description,
    }
    write_atomically(path, save(tensors, {HEADER_KEY: json.dumps(header, ensure_ascii=False)}))
    return inspect_checkpoint(path)


def inspect_checkpoint(path: Path | str) -> CheckpointInfo:
    """Check a checkpoint fully without building the model.

    Raises:
        CheckpointError: see the class.
    """
    return _open(Path(path))[0]


def load_checkpoint(path: Path | str) -> tuple[LeWM, CheckpointInfo]:
    """Check a checkpoint fully, then build its model (float32, evaluation mode).

    Raises:
        CheckpointError: see the class.
    """
    import torch

    from lewm_core.model.lewm import LeWM

    info, arrays = _open(Path(path))
    with torch.device("meta"):
        model = LeWM(info.config)
    # float32 arrays lie in memory that must not be written to; a copy may
    tensors = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in arrays.items()}
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False), info


def load_arrays(path: Path | str) -> tuple[dict[str, np.ndarray], CheckpointInfo]:
    """Check a checkpoint fully and return its weights by name, float16 or float32, without importing torch
    (unless it is a PyTorch file, or holds bfloat16).

    Raises:
        CheckpointError: see the class.
    """
    info, arrays = _open(Path(path))
    return arrays, info


def read_header(path: Path | str) -> dict[str, Any]:
    """Read the JSON header of a safetensors checkpoint without importing torch and without any weight.

    Raises:
        CheckpointError: the file is missing, is no safetensors file, or is none of ours.
    """
    path = Path(path)
    index, _ = _read_index(path)
    metadata = index.get("__metadata__")
    if not isinstance(metadata, dict) or HEADER_KEY not in metadata:
        raise CheckpointError(
            f"{path.name} holds tensors but no LeWM-TTS header: it was made by another program."
        )
    return _parse_header(path, metadata[HEADER_KEY])


def is_whole(path: Path | str) -> bool:
    """True when a safetensors file is as long as its index says: nobody is still writing or copying it.

    Raises:
        CheckpointError: the file is missing, or its beginning is not that of a safetensors file (yet).
    """
    path = Path(path)
    index, start = _read_index(path)
    try:
        ends = [int(entry["data_offsets"][1]) for name, entry in index.items() if name != "__metadata__"]
    except (KeyError, TypeError, IndexError, ValueError, OverflowError):
        raise CheckpointError(f"{path.name} is damaged: its safetensors index cannot be read.") from None
    return path.stat().st_size == start + max(ends, default=0)


def _read_index(path: Path) -> tuple[dict[str, Any], int]:
    """The safetensors index of a file and the byte at which its tensors begin."""
    _must_exist(path)
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= min(_HEADER_LIMIT, path.stat().st_size - 8):
            raise CheckpointError(
                f"{path.name} is not a safetensors file. Open a .safetensors checkpoint made by LeWM-TTS."
            )
        try:
            index = json.loads(file.read(size))
        except (ValueError, RecursionError):
            index = None
    if not isinstance(index, dict):
        raise CheckpointError(f"{path.name} is damaged: its safetensors index cannot be read.")
    return index, 8 + size


def _must_exist(path: Path) -> None:
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder. Choose a .safetensors file in it.")
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist.")


def _parse_header(path: Path, text: object) -> dict[str, Any]:
    try:
        header = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise CheckpointError(f"The LeWM-TTS header of {path.name} is damaged.")
    version = header.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path.name} has format version {version!r}; this program reads version {FORMAT_VERSION}. "
            "Update LeWM Studio, or export the checkpoint again."
        )
    return header


def _described(path: Path, header: dict[str, Any], parameters: int) -> CheckpointInfo:
    try:
        config = from_dict(ModelConfig, header["model"])
        mel = from_dict(MelConfig, header["mel"])
        speakers = tuple(from_dict(Speaker, item) for item in header["speakers"])
        losses = {str(name): float(value) for name, value in header.get("losses", {}).items()}
        step = int(header.get("step", 0))
    except KeyError as error:
        raise CheckpointError(f"The header of {path.name} has no {error.args[0]!r}.") from None
    except ConfigError as error:
        raise CheckpointError(f"The header of {path.name} is wrong: {error}.") from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise CheckpointError(f"The header of {path.name} is wrong: a value has the wrong type.") from None
    if len(speakers) != config.n_speakers or len({speaker.name for speaker in speakers}) != len(speakers):
        raise CheckpointError(
            f"{path.name} names {len(speakers)} speakers (each name must differ) for a model of {config.n_speakers}."
        )
    if mel.n_mels != config.n_mels:
        raise CheckpointError(
            f"{path.name} mixes mels of {mel.n_mels} bands with a model of {config.n_mels}."
        )
    if mel != MelConfig():
        raise CheckpointError(
            f"{path.name} was trained on other mels ({mel}); this program makes {MelConfig()}, as Vocos does."
        )
    return CheckpointInfo(
        path=path.resolve(), format_version=FORMAT_VERSION, preset=str(header.get("preset", "custom")),
        parameters=parameters, file_size=path.stat().st_size, sha256=_hash(path), config=config, mel=mel,
        speakers=speakers, step=step, losses=losses, vocoder=str(header.get("vocoder", "embedded")),
        description=str(header.get("description", "")),
    )  # fmt: skip


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _open(path: Path) -> tuple[CheckpointInfo, dict[str, np.ndarray]]:
    if path.suffix.lower() in (".pt", ".pth", ".ckpt"):
        header, arrays = _read_torch(path)
    else:
        header = read_header(path)
        arrays = _read_safetensors(path)
    counted = sum(value.size for name, value in arrays.items() if name not in BUFFERS)
    info = _described(path, header, counted)
    _check_arrays(path, info.config, arrays)
    return info, arrays


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError, safe_open

    damaged = (SafetensorError, OSError, ValueError, KeyError)
    try:
        with safe_open(path, framework="np") as file:
            arrays = {}
            for name in file.keys():  # noqa: SIM118 - it is no dictionary
                if file.get_slice(name).get_dtype() == "BF16":
                    return _read_bfloat16(path)
                arrays[name] = file.get_tensor(name)
            return arrays
    except (*damaged, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path.name} is damaged or cut short ({error}).") from None


def _read_bfloat16(path: Path) -> dict[str, np.ndarray]:
    """numpy knows no bfloat16; torch widens it."""
    from safetensors.torch import load_file

    return {name: _as_array(value) for name, value in load_file(path).items()}


def _as_array(value: Tensor) -> np.ndarray:
    import torch

    array: np.ndarray = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    return array


def _read_torch(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    import torch

    _must_exist(path)
    try:
        data = load_tensors(path)
    except UntrustedError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error}. Ask for it as .safetensors.") from None
    if not isinstance(data, dict) or not isinstance(data.get("model"), dict):
        raise CheckpointError(f"{path.name} is a PyTorch file, but not a LeWM-TTS checkpoint.")
    tensors = {str(n): value for n, value in data["model"].items() if isinstance(value, torch.Tensor)}
    for name, value in tensors.items():
        if value.dtype not in (torch.bfloat16, torch.float16, torch.float32) or value.layout != torch.strided:
            raise CheckpointError(
                f"{path.name}: {name} is {value.dtype}; weights must be float16, bfloat16 or float32."
            )
        if value.device.type != "cpu":
            raise CheckpointError(f"{path.name}: {name} has a shape but no numbers.")
    arrays = {name: _as_array(value.detach()) for name, value in tensors.items()}
    return _parse_header(path, data.get(HEADER_KEY)), arrays


def _check_arrays(path: Path, config: ModelConfig, arrays: dict[str, np.ndarray]) -> None:
    """Compare names, shapes and types with what the configuration asks for, then look for NaN."""
    if config.text_layers + config.encoder_layers + config.predictor_layers > _MOST_LAYERS:
        raise CheckpointError(f"The header of {path.name} describes a model that cannot be built.")
    expected = checkpoint_shapes(config)
    missing = [name for name in expected if name not in arrays]
    if missing:
        raise CheckpointError(f"{path.name} lacks {_some(missing)} that its configuration asks for.")
    extra = [name for name in arrays if name not in expected]
    if extra:
        raise CheckpointError(f"{path.name} holds {_some(extra)} that its configuration does not know.")
    for name, shape in expected.items():
        value = arrays[name]
        if value.shape != shape:
            raise CheckpointError(
                f"{path.name}: {name} has shape {value.shape}; its configuration asks for {shape}."
            )
        if value.dtype not in (np.float16, np.float32):
            raise CheckpointError(
                f"{path.name}: {name} is {value.dtype}; weights must be float16, bfloat16 or float32."
            )
        if not np.isfinite(value).all():
            raise CheckpointError(
                f"{path.name}: {name} holds NaN or infinity; training of this checkpoint broke down."
            )
    if (arrays["latent_std"] <= 0).any():
        raise CheckpointError(f"{path.name}: latent_std must be above zero.")


def _some(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:3])
    return f"{shown} and {len(names) - 3} more tensors" if len(names) > 3 else shown
