"""What the window and the engine process say to each other: plain dataclasses with numpy arrays.

They mirror `lewm_core.inference`, whose import costs seconds of torch; this module imports in no time, so
the window can read every message without ever loading torch. Mels are (n_mels, frames) float32 in
natural-log amplitude, waves are (samples,) float32 in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


# ---------------------------------------------------------------------- requests
@dataclass(frozen=True)
class LoadVoice:
    """Load a checkpoint (None: the embedded voice) and a vocoder (None: the one the checkpoint names)."""

    checkpoint: str | None = None
    vocoder: str | None = None


@dataclass(frozen=True)
class Inspect:
    """Read and validate a checkpoint without loading it."""

    path: str


@dataclass(frozen=True)
class OpenClip:
    """Read a recording and its mel."""

    path: str


@dataclass(frozen=True)
class Speak:
    """Turn text into speech with the loaded voice."""

    text: str
    speaker: str
    seed: int
    temperature: float


@dataclass(frozen=True)
class Compare:
    """Make the four panes for a recording (wave at the rate of the voice) and what is said in it."""

    wave: np.ndarray
    text: str
    speaker: str
    seed: int
    temperature: float


@dataclass(frozen=True)
class DrawFigure:
    """Draw a comparison as PNG or SVG, after the suffix of `path`.

    `colours` are the (entries, 3) red, green, blue values (uint8) that the window uses between `levels` (dB).
    """

    comparison: Compared
    path: str
    colours: np.ndarray
    levels: tuple[float, float]


Request = LoadVoice | Inspect | OpenClip | Speak | Compare | DrawFigure


# ---------------------------------------------------------------------- results
@dataclass(frozen=True)
class CheckpointFacts:
    """What the checkpoint panel shows: `rows` are (label, value)."""

    path: str
    title: str
    rows: tuple[tuple[str, str], ...]
    speakers: tuple[tuple[str, str], ...]
    sample_rate: int
    hop_length: int
    n_mels: int
    sha256: str


@dataclass(frozen=True)
class VoiceLoaded:
    """A voice is ready. `vocoders` are the names that can be chosen on this machine."""

    facts: CheckpointFacts
    vocoder: str
    vocoders: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClipOpened:
    """A recording at the rate of the voice, with its mel."""

    path: str
    wave: np.ndarray
    sample_rate: int
    mel: np.ndarray


@dataclass(frozen=True)
class Spoken:
    """Finished (or cancelled) speech; `timings` are seconds."""

    mel: np.ndarray
    wave: np.ndarray
    sample_rate: int
    stop_reason: str
    timings: dict[str, float] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PaneSound:
    """One pane: mel, its vocoded wave, and its mel L1 to the ground truth (natural-log units)."""

    mel: np.ndarray
    wave: np.ndarray
    mel_l1: float | None = None


@dataclass(frozen=True)
class Compared:
    """Panes of one comparison by key, in the order of the screen; cancelled ones hold what was made."""

    text: str
    speaker: str
    original: np.ndarray
    sample_rate: int
    panes: dict[str, PaneSound]
    stop_reason: str
    recipe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FigureDrawn:
    """The figure lies at `path`."""

    path: str


# ---------------------------------------------------------------------- on the way
@dataclass(frozen=True)
class Step:
    """Progress of a job: fraction 0..1, a short message, and the mel as far as it has grown."""

    fraction: float
    message: str
    partial_mel: np.ndarray | None = None


@dataclass(frozen=True)
class Failure:
    """Why a job ended without a result.

    `expected` is True for bad input (the message says what to do) and False for a fault of the program or
    the machine; `details` is then a traceback for the log.
    """

    message: str
    expected: bool = True
    details: str = ""
