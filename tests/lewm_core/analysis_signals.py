"""Known signals for the tests of lewm_core.analysis: vowels with known formants, speech that ships with us."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
from scipy.signal import lfilter

from lewm_core.config import MelConfig
from lewm_core.mel import load_audio, log_mel
from lewm_core.resources_path import resource

RATE = 24_000
FRAME_RATE = MelConfig().frame_rate
CLIPS = [clip["file"] for clip in json.loads(resource("clips", "clips.json").read_text(encoding="utf-8"))]


@lru_cache(maxsize=8)
def clip_wave(file: str) -> np.ndarray:
    return load_audio(resource("clips", file))


@lru_cache(maxsize=8)
def clip_mel(file: str) -> np.ndarray:
    return log_mel(clip_wave(file))


@lru_cache(maxsize=8)
def stretched_mel(file: str, factor: float = 1.3) -> np.ndarray:
    """The same speech, slower: Praat's overlap-add, which keeps pitch and formants."""
    import parselmouth

    sound = parselmouth.Sound(clip_wave(file).astype(np.float64), float(RATE))
    longer = parselmouth.praat.call(sound, "Lengthen (overlap-add)", 75, 400, factor)
    return log_mel(longer.values[0].astype(np.float32))


def vowel(
    formants: tuple[float, ...],
    f0: float = 120.0,
    seconds: float = 0.6,
    bandwidths: tuple[float, ...] = (60.0, 90.0, 120.0, 160.0, 200.0),
) -> np.ndarray:
    """A vowel by source and filter (D. Klatt, JASA 67(3), 1980): pulses of the glottis through resonators in a row.

    Returns (samples,) at RATE with a peak of 0.5.
    """
    samples = int(seconds * RATE)
    phase = np.cumsum(np.full(samples, f0 / RATE))
    source = np.diff(np.floor(phase), prepend=0.0)
    wave = lfilter(
        [1.0], [1.0, -0.98], source
    )  # the glottis falls by about 12 dB an octave, the lips rise by 6
    for frequency, width in zip(formants, bandwidths, strict=False):
        radius = np.exp(-np.pi * width / RATE)
        a = [1.0, -2.0 * radius * np.cos(2.0 * np.pi * frequency / RATE), radius**2]
        wave = lfilter([sum(a)], a, wave)
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


def random_mel(seed: int, bands: int = 100, frames: int = 40, sigma: float = 2.0) -> np.ndarray:
    """A rough spectrogram of no speech at all, with structure along both axes; natural log, (bands, frames)."""
    from scipy.ndimage import gaussian_filter1d

    noise = np.random.default_rng(seed).standard_normal((bands, frames))
    return gaussian_filter1d(gaussian_filter1d(noise, sigma, axis=0), 1.0, axis=1) * 2.0 - 5.0


def silence(frames: int) -> np.ndarray:
    return np.full((100, frames), -11.5, dtype=np.float32)
