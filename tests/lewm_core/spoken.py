"""Made-up speech for tests: bursts of noise as long as their text needs, so that no recording has to be shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from lewm_core.phonemes import phonemise
from lewm_core.preprocess.segments import count_sounds
from lewm_core.text import normalise

RATE = 24_000
PACE = 12.0
"""Sounds a second."""
SENTENCES = (
    "The harbour was empty.",
    "Nobody had told the ferryman that the bridge upstream would open two weeks early.",
    "He waited until noon, then walked home.",
    "Why?",
    "Across the valley, seven lanterns moved slowly down the mountain road in the rain.",
    "Her sister laughed at the idea.",
    "By the following spring the orchard behind the old railway station had come back to life.",
    "Nine geese flew over.",
)


def speech(text: str, seed: int = 0, pace: float = PACE) -> np.ndarray:
    """(samples,) float32 at 24 kHz: noise with a beat of syllables, as long as ``text`` takes, no silence within."""
    seconds = count_sounds(phonemise(normalise(text, "en-US"), "en-US")) / pace
    rng = np.random.default_rng((seed, len(text)))
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = 0.2 + 0.1 * np.sin(2 * np.pi * 4 * time)
    return (envelope * rng.uniform(-1, 1, len(time))).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    """(samples,) zeros."""
    return np.zeros(round(seconds * RATE), np.float32)


def recording(
    sentences: tuple[str, ...] = SENTENCES, pause: float = 0.6, seed: int = 0
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """All sentences with pauses before, between and behind; and where each is spoken, seconds."""
    parts, places = [silence(pause)], []
    at = pause
    for number, sentence in enumerate(sentences):
        wave = speech(sentence, seed + number)
        places.append((at, at + len(wave) / RATE))
        parts += [wave, silence(pause)]
        at = places[-1][1] + pause
    return np.concatenate(parts), places


def write(path: Path, wave: np.ndarray, rate: int = RATE) -> Path:
    """Write a wave (samples,) or (samples, channels) as 16-bit sound, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate)
    return path
