"""Requests about what the panes show, and their answers (see `app.engine_messages`); carried out by `app.engine_panes`.

Mels are (m, t) float32 in natural-log amplitude, waves (samples,) float32 in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AlignPanes:
    """Align `other` (m, u) with `reference` (m, t), two mels of the same words, by dynamic time warping."""

    reference: np.ndarray
    other: np.ndarray
    frame_rate: float


@dataclass(frozen=True)
class PanesAligned:
    """The warp path: frames (k,) of both mels that belong together.

    Attributes:
        cost_db: mean distance along the path, dB RMS over bands.
    """

    reference: np.ndarray
    other: np.ndarray
    cost_db: float


@dataclass(frozen=True)
class StudyError:
    """Study the error of `mel` (m, u) against `truth` (m, t), and make noise of the same mel L1 to see and hear.

    aligned: put the mel on the truth's time axis by DTW first, as a free run needs.
    wave: of the recording, for its pitch.
    """

    truth: np.ndarray
    mel: np.ndarray
    wave: np.ndarray
    sample_rate: int
    hop_length: int
    aligned: bool
    seed: int = 0


@dataclass(frozen=True)
class StudyRow:
    """One number of the model's error and of the noise; None is what cannot be measured.

    `group` is "correlation", "class" or "band".
    """

    group: str
    label: str
    model: float | None
    noise: float | None


@dataclass(frozen=True)
class ErrorStudied:
    """The truth with noise: mel (m, t) and vocoded wave; the L1 (nats) of both errors; their numbers."""

    mel: np.ndarray
    wave: np.ndarray
    sample_rate: int
    l1: float
    kind: str
    rows: tuple[StudyRow, ...]


@dataclass(frozen=True)
class TrackFormants:
    """Track F1 to F4 of waves by pane key, on the `frames` of their mels, all with the same settings.

    ceiling_hz None: the one that the pitch of the first wave suggests.
    """

    waves: dict[str, np.ndarray]
    frames: dict[str, int]
    sample_rate: int
    hop_length: int
    ceiling_hz: float | None
    number: float
    window_s: float

    def is_same(self, other: TrackFormants) -> bool:
        """True when it asks for the same: the same waves (by identity) with the same settings."""
        mine = (self.frames, self.sample_rate, self.hop_length, self.ceiling_hz, self.number, self.window_s)
        theirs = (other.frames, other.sample_rate, other.hop_length, other.ceiling_hz, other.number, other.window_s)
        return mine == theirs and all(self.waves[key] is other.waves[key] for key in self.waves)


@dataclass(frozen=True)
class FormantsTracked:
    """Formants by pane key: (4, frames) in Hz, NaN where there is none; panes too short for it are missing.

    Attributes:
        ceiling_hz: what they were searched below.
        problem: why a pane has none; "" when all have.
    """

    frequency: dict[str, np.ndarray]
    ceiling_hz: float
    problem: str = ""


PaneRequest = AlignPanes | StudyError | TrackFormants
