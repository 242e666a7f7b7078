"""Latents and durations of all utterances, made once by the trained autoencoder and aligner and kept in the run.

``RUN/SPLIT.latents.npy`` and ``RUN/SPLIT.durations.json``; ``RUN/latents.json`` says of which weights they are, so
that they are made anew when autoencoder or aligner were trained on.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lewm_core.dataset import MelStore, pad_mels
from lewm_core.files import write_atomically
from lewm_core.model.layers import length_mask
from lewm_core.model.lewm import LeWM
from lewm_core.model.text_batch import TextBatch
from lewm_core.train_settings import SettingsError
from lewm_core.untrusted import UntrustedError, is_like, read_json

_LARGEST_DURATIONS = 2**30  # bytes
UNUSED_BELOW = 1.0
"""A latent dimension whose spread is below its posterior's says nothing that the decoder could use."""


@dataclass
class LatentStore:
    """Latents of a split on disk, with the durations of every utterance's text units."""

    latents: np.ndarray  # (all latents, d) float16, memory-mapped, in the decoder's space
    offsets: np.ndarray
    lengths: np.ndarray
    durations: list[list[int] | None]


@torch.inference_mode()
def encode_latents(model: LeWM, store: MelStore) -> np.ndarray:
    """Mean latents (all, d) of every utterance in manifest order, float16, in the decoder's space."""
    model.eval()
    device, latents = model.latent_mean.device, []
    for index in range(len(store)):
        mel, _ = pad_mels([store.mel(index)], model.config.downsample_factor)
        with torch.autocast(device.type, torch.bfloat16):
            latents.append(model.encode(mel.to(device))[0].to(torch.float16).cpu().numpy())
    return np.concatenate(latents)


@torch.inference_mode()
def align_texts(model: LeWM, store: MelStore) -> list[list[int] | None]:
    """Latents a text unit for every utterance; None where the text does not fit the clip."""
    if model.aligner is None:
        return [None] * len(store)
    device = model.latent_mean.device
    aligner_device = torch.device("cpu")  # its best path is found by numpy
    model.eval(), model.aligner.to(aligner_device)
    durations: list[list[int] | None] = []
    for index, row in enumerate(store.utterances):
        text = TextBatch.of([model.reads(row.text, row.phonemes)])
        try:
            mel = torch.from_numpy(store.mel(index).T.copy())[None]
            durations.append(model.align(text, mel)[0].tolist())
        except ValueError:
            durations.append(None)
    model.aligner.to(device)
    return durations


def latent_store(model: LeWM, store: MelStore, folder: Path, split: str) -> LatentStore:
    """Encode and align a split once and keep the result beside the run; later starts map it from disk."""
    factor = model.config.downsample_factor
    lengths = np.array([-(-row.frames // factor) for row in store.utterances])
    durations = known_alignments(model, store, folder, split)
    path = folder / f"{split}.latents.npy"
    if not _is_made(folder, f"{split}.latents", path, print_of(model.audio_encoder)):
        data = io.BytesIO()
        np.save(data, encode_latents(model, store), allow_pickle=False)
        write_atomically(path, data.getvalue())
        note_made(folder, f"{split}.latents", print_of(model.audio_encoder))
    try:
        latents = np.load(path, mmap_mode="r", allow_pickle=False)
        if not (isinstance(latents, np.ndarray) and latents.ndim == 2 and latents.dtype == np.float16):
            raise ValueError("it holds something else")
    except (OSError, ValueError, EOFError, SyntaxError, zipfile.BadZipFile) as error:
        raise SettingsError(f"{path} cannot be read: {error}. Remove it, and it is made again.") from None
    if len(latents) != lengths.sum() or latents.shape[1] != model.config.latent_dim:
        raise SettingsError(
            f"{path} holds {len(latents)} latents, the data {lengths.sum()}: the data changed since. Give another "
            f"--out, or remove {folder}/*.latents.npy and {folder}/*.durations.json."
        )
    return LatentStore(latents, np.concatenate(([0], lengths.cumsum()[:-1])), lengths, durations)


def known_alignments(model: LeWM, store: MelStore, folder: Path, split: str) -> list[list[int] | None]:
    """The durations of a split, made once and kept beside the run."""
    path = folder / f"{split}.durations.json"
    print_now = print_of(model.aligner) if model.aligner is not None else ""
    if not _is_made(folder, f"{split}.durations", path, print_now):
        write_atomically(path, json.dumps(align_texts(model, store)).encode())
        note_made(folder, f"{split}.durations", print_now)
    try:
        durations = read_json(path, _LARGEST_DURATIONS)
    except UntrustedError as error:
        raise SettingsError(f"{path} cannot be read: {error}. Remove it, and it is made again.") from None
    if not isinstance(durations, list) or len(durations) != len(store) or not all(map(_are_durations, durations)):
        raise SettingsError(
            f"{path} is damaged, or the data changed since it was made. Remove it, and it is made again."
        )
    return durations


def _are_durations(value: Any) -> bool:
    """Whether a value is what ``align_texts`` gives for an utterance."""
    return value is None or (isinstance(value, list) and all(is_like(n, 0) and 0 <= n < 2**31 for n in value))


def print_of(module: nn.Module) -> str:
    """A fingerprint of a module's weights."""
    digest = hashlib.sha256()
    for value in module.state_dict().values():
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _is_made(folder: Path, name: str, path: Path, fingerprint: str) -> bool:
    """Whether ``path`` was made by these weights; a file of an older version, which noted nothing, is trusted."""
    if not path.is_file():
        return False
    return notes_of(folder).get(name, fingerprint) == fingerprint


def note_made(folder: Path, name: str, fingerprint: str) -> None:
    """Note of which weights a file of the run was made."""
    notes = {**notes_of(folder), name: fingerprint}
    write_atomically(folder / "latents.json", (json.dumps(notes, indent=1) + "\n").encode())


def notes_of(folder: Path) -> dict[str, str]:
    """Fingerprints of the weights that files of the run were made of, by the files' names."""
    try:
        notes = read_json(folder / "latents.json")
    except UntrustedError:
        return {}
    return notes if isinstance(notes, dict) else {}


def set_latent_statistics(
    model: LeWM, store: MelStore, latents: np.ndarray, *, weigh: bool = True
) -> torch.Tensor:
    """Store mean and spread of the latents in the model; return how much each dimension matters (d,).

    A dimension matters by its spread over its posterior's: what the encoder writes precisely, the
    decoder depends on. Unused dimensions are switched off in the predictor.

    Args:
        weigh: false where the encoder learned no posterior (SIGReg): then all dimensions count alike.

    Raises:
        SettingsError: no dimension is used.
    """
    sample = torch.from_numpy(np.asarray(latents[:: max(1, len(latents) // 100_000)], dtype=np.float32))
    model.latent_mean.copy_(sample.mean(0))
    model.latent_std.copy_(sample.std(0).clamp_min(1e-4))
    if not weigh:
        model.predictor.active.fill_(1.0)
        return torch.ones_like(model.latent_mean)
    factor = model.config.downsample_factor
    chosen = range(0, len(store), max(1, len(store) // 16))
    mel, lengths = pad_mels([store.mel(i) for i in chosen], factor)
    mask = length_mask(-(-lengths // factor), mel.shape[2] // factor)
    device = model.latent_mean.device
    with torch.no_grad():
        logvar = model.audio_encoder(mel.to(device), mask.to(device))[1]
    weight = model.latent_std.square() / logvar[mask.to(device)].exp().mean(0)
    if not bool((weight > UNUSED_BELOW).any()):
        raise SettingsError(
            "The autoencoder says nothing in its latents yet: in every dimension their spread is smaller than their "
            "noise, so there is nothing to predict. Train it for longer, or with a smaller --kl."
        )
    model.predictor.active.copy_(weight > UNUSED_BELOW)
    weight = weight.clamp(max=4 * float(weight.mean()))
    return weight / weight.mean()
