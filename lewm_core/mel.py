"""Sound files in and out, and the log-mel spectrogram, the same to the last bit as the one that Vocos reads.

Dimension letters: b batch, t samples, m mel bands, n mel frames (n = t // hop_length + 1).
Mels hold the natural logarithm of amplitude; ``mel * LN_TO_DB`` is dB.

Only the two mel functions import torch, and only when they are called.
"""

from __future__ import annotations

import io
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import soundfile
import soxr

from lewm_core.config import LN_TO_DB, MelConfig
from lewm_core.files import write_atomically

if TYPE_CHECKING:
    import torch

__all__ = ["LN_TO_DB", "AudioError", "load_audio", "log_mel", "log_mel_tensor", "write_wav"]

Subtype = Literal["PCM_16", "PCM_24", "FLOAT"]
SUBTYPES: tuple[Subtype, ...] = ("PCM_16", "PCM_24", "FLOAT")

LONGEST_S = 4 * 3600
"""Seconds, of all channels together, that are read into memory at once (2.8 GB at 48 kHz)."""
SILENCE_PEAK = 1e-4
"""A file whose loudest sample lies below this (-80 dB of full scale) holds no speech."""


class AudioError(ValueError):
    """A sound cannot be used; the message says what is wrong, with which file, and what to do."""


def load_audio(path: Path | str, sample_rate: int = 24_000) -> np.ndarray:
    """Read a sound file as mono at ``sample_rate``.

    Channels are averaged, other sample rates resampled by soxr (very high quality); what then exceeds full
    scale is scaled down, not clipped.

    Args:
        path: WAV, FLAC, OGG, MP3 or whatever else libsndfile reads.
        sample_rate: wanted rate in Hz.

    Returns:
        Samples in [-1, 1], float32, shape (t,).

    Raises:
        AudioError: the file is missing, unreadable, empty, silent, or holds values that are not finite.
    """
    path = Path(path)
    channels, rate = _read(path)
    if channels.size == 0:
        raise AudioError(f"{path} holds no sound: it has a header but not one sample. Choose another file.")
    if not np.isfinite(channels).all():
        raise AudioError(f"{path} holds values that are not numbers (NaN or infinity). Export it again.")
    wave = channels.mean(axis=1)
    if np.abs(wave).max() < SILENCE_PEAK <= np.abs(channels).max():
        wave = channels[:, 0]  # channels of opposite phase cancel in the mean; one of them has it all
    if rate != sample_rate:
        wave = soxr.resample(wave, rate, sample_rate, quality="VHQ")
    peak = float(np.abs(wave).max(initial=0.0))
    if peak < SILENCE_PEAK:
        raise AudioError(f"{path} is silent: nothing in it is louder than -80 dB. Choose a file with speech.")
    if peak > 1.0:
        wave = wave / peak
    return np.ascontiguousarray(wave, dtype=np.float32)


def _read(path: Path) -> tuple[np.ndarray, int]:
    """Samples (t, channels) float32 and their rate in Hz."""
    if not path.exists():
        raise AudioError(f"There is no file {path}. Check the name and the folder.")
    if path.is_dir():
        raise AudioError(f"{path} is a folder, not a sound file. Choose a file in it.")
    if not os.access(path, os.R_OK):
        raise AudioError(f"{path} may not be read by this user. Change its permissions or copy it elsewhere.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty (0 bytes). Choose another file.")
    try:
        with soundfile.SoundFile(path) as file:
            rate, seconds = file.samplerate, file.frames / max(1, file.samplerate)
            if seconds * file.channels > LONGEST_S:
                raise AudioError(
                    f"{path} says that it lasts {seconds:,.0f} s; at most {LONGEST_S:,} s can be read at once. Cut it."
                )
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise AudioError(
            f"{path} cannot be read as sound ({str(error).strip()}). Use a WAV, FLAC, OGG or MP3 file."
        ) from error
    return samples, int(rate)


def log_mel(wave: np.ndarray, config: MelConfig | None = None) -> np.ndarray:
    """Log-mel spectrogram of one mono wave at ``config.sample_rate``.

    Args:
        wave: (t,) samples in [-1, 1].
        config: sizes; the default is that of Vocos at 24 kHz.

    Returns:
        (m, n) natural-log amplitude, float32, with n = t // hop_length + 1.

    Raises:
        AudioError: ``wave`` is not one-dimensional or shorter than half a window.
    """
    import torch

    if wave.ndim != 1:
        raise AudioError(f"A mono wave of shape (samples,) is needed, this one has shape {wave.shape}.")
    with torch.inference_mode():
        mel = log_mel_tensor(torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))[None], config)
    return mel[0].numpy()


def log_mel_tensor(wave: torch.Tensor, config: MelConfig | None = None) -> torch.Tensor:
    """Log-mel spectrograms of a batch; differentiable, on the device of ``wave``.

    The difference to ``vocos.feature_extractors.MelSpectrogramFeatures`` is exactly 0 (tested on speech).
    Always computed in float32, also under autocast: half precision would blur the quiet bands.

    Args:
        wave: (b, t) samples in [-1, 1].

    Returns:
        (b, m, n) natural-log amplitude.

    Raises:
        AudioError: ``wave`` is shorter than half a window, so that it cannot be padded by reflection.
    """
    import torch

    config = config or MelConfig()
    fewest = config.n_fft // 2 + 1
    if wave.shape[-1] < fewest:
        raise AudioError(
            f"A sound of {wave.shape[-1]} samples is too short for a spectrogram: at least "
            f"{fewest} samples ({fewest / config.sample_rate:.3f} s) are needed."
        )
    with torch.autocast(wave.device.type, enabled=False):
        mel = _mel_transform(config, str(wave.device))(wave.float())
        return torch.log(torch.clip(mel, min=config.log_clip))


@lru_cache(maxsize=8)
def _mel_transform(config: MelConfig, device: str) -> Any:
    """The transform with its window and filters; about 10 ms to build, so it is kept."""
    import torch
    import torchaudio

    with torch.inference_mode(False):  # made inside inference mode, its buffers could never carry gradients
        return torchaudio.transforms.MelSpectrogram(
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            hop_length=config.hop_length,
            n_mels=config.n_mels,
            center=True,
            power=1,
        ).to(device)


def write_wav(path: Path | str, wave: np.ndarray, sample_rate: int, subtype: Subtype = "PCM_16") -> Path:
    """Write a mono wave as a WAV file: to a temporary file first, then moved, so no half file is ever left.

    Args:
        path: where to; the folder is created when it is missing.
        wave: (t,) samples in [-1, 1]; what lies beyond is clipped in the integer formats.
        sample_rate: Hz.
        subtype: "PCM_16", "PCM_24" or "FLOAT".

    Raises:
        AudioError: ``wave`` is not a one-dimensional array of finite numbers, or ``subtype`` is unknown.
        WriteError: the file cannot be written (an OSError).
    """
    if subtype not in SUBTYPES:
        raise AudioError(f"Unknown sample format {subtype!r}; choose one of {', '.join(SUBTYPES)}.")
    wave = np.asarray(wave, dtype=np.float32)
    if wave.ndim != 1:
        raise AudioError(f"A mono wave of shape (samples,) is needed, this one has shape {wave.shape}.")
    if not np.isfinite(wave).all():
        raise AudioError(f"The sound for {path} holds values that are not numbers; it was not written.")
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, sample_rate, format="WAV", subtype=subtype)
    return write_atomically(path, buffer.getvalue())
