"""What the window and the engine process say to each other: plain dataclasses with numpy arrays.

They mirror `lewm_core.inference`, whose import costs seconds of torch; this module imports in no time, so
the window can read every message without ever loading torch. Mels are (n_mels, frames) float32 in
natural-log amplitude, waves are (samples,) float32 in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.messages_data import MeasureRows
from app.messages_listening import MatchLevels
from app.messages_mixed import AttentionFacts, LatentMaps, RunMixed
from app.messages_panes import PaneRequest
from app.messages_report import WriteReport
from app.messages_speakers import MapSpeakers
from app.messages_sweep import MakeCell
from app.prompt_choice import PromptChoice
from lewm_core.predictor_trace import PredictorTrace


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
    speed: float = 1.0
    prompt: PromptChoice | None = None


@dataclass(frozen=True)
class Compare:
    """Make the four panes for a recording (wave at the rate of the voice) and what is said in it."""

    wave: np.ndarray
    text: str
    speaker: str
    seed: int
    temperature: float
    mel: np.ndarray | None = None
    """The clip's mel, where it is not to be made from the wave."""


@dataclass(frozen=True)
class DrawFigure:
    """Draw a comparison as PNG or SVG, after the suffix of `path`.

    `colours` are the (entries, 3) red, green, blue values (uint8) that the window uses between `levels` (dB).
    """

    comparison: Compared
    path: str
    colours: np.ndarray
    levels: tuple[float, float]


@dataclass(frozen=True)
class Analyse:
    """Measure the panes of a comparison: `mels` by pane key, the ground truth among them.

    `stop_reason` is that of the free run; `sample_rate` (Hz) and `hop_length` (samples) are those of the mels;
    `latents` (n, d) and `traces` of the predictor's steps by pane key, where a pane has them; `free` is the pane that
    is held against the teacher-forced one, `errors`: measure every pane against the ground truth as well.
    """

    mels: dict[str, np.ndarray]
    stop_reason: str
    sample_rate: int
    hop_length: int
    latents: dict[str, np.ndarray] = field(default_factory=dict)
    traces: dict[str, PredictorTrace] = field(default_factory=dict)
    free: str = "autoregressive"
    errors: bool = True


CoreRequest = LoadVoice | Inspect | OpenClip | Speak | Compare | DrawFigure | Analyse
DataRequest = WriteReport | MeasureRows
Request = CoreRequest | PaneRequest | DataRequest | MapSpeakers | MatchLevels | MakeCell | RunMixed


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
    can_change_speed: bool = True


@dataclass(frozen=True)
class VoiceLoaded:
    """A voice is ready. `vocoders` are the names that can be chosen on this machine."""

    facts: CheckpointFacts
    vocoder: str
    vocoders: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClipOpened:
    """A recording at the rate of the voice, with its mel.

    `remark` says where both come from, if not from a sound file; `is_stored`: the mel is that of a data folder.
    """

    path: str
    wave: np.ndarray
    sample_rate: int
    mel: np.ndarray
    remark: str = ""
    is_stored: bool = False


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
    """One pane: mel, its vocoded wave, its mel L1 to the ground truth (natural-log units), its latents (n, d), and
    the predictor's steps where it ran. `title` names what is not what its key says ("" where it is)."""

    mel: np.ndarray
    wave: np.ndarray
    mel_l1: float | None = None
    latents: np.ndarray | None = None
    trace: PredictorTrace | None = None
    title: str = ""


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


@dataclass(frozen=True)
class PaneErrors:
    """Errors of one pane by frame, on its own time axis; definitions in docs/analysis.md.

    Attributes:
        l1: (t,) mel L1, nats.
        blur: (t,) formant blur, 0 as sharp as the truth, 1 nothing left; NaN in pauses.
        worst: measure ("l1" or "blur") to the time in s where it is worst; absent where nothing is wrong.
        aligned: the ground truth was put on this pane's time axis by DTW first.
    """

    l1: np.ndarray
    blur: np.ndarray
    worst: dict[str, float]
    aligned: bool


@dataclass(frozen=True)
class DriftFacts:
    """The free run against the teacher-forced prediction; None is what cannot be told.

    Attributes:
        verdict: in words.
        divergence: (u,) by frame of the free run: 0 identical, 1 unrelated.
        energy_ratio_db: (t,) free run minus reference at the same relative position, dB; NaN in pauses.
        departure_s, cut_s: when it leaves the path, and when it falls silent or ends early, s in the free run.
        missing_s: speech that is not reached, s.
        seconds, reference_seconds: lengths of both runs.
        off_path: (start, end) stretches in s of the free run.
        latent_std_ratio: (n,) spread of the free run's latents over 0.5 s by that of the reference's at the same
            relative position; None without latents.
    """

    verdict: str
    divergence: np.ndarray
    energy_ratio_db: np.ndarray
    departure_s: float | None
    cut_s: float | None
    missing_s: float
    seconds: float
    reference_seconds: float
    off_path: tuple[tuple[float, float], ...] = ()
    latent_std_ratio: np.ndarray | None = None


@dataclass(frozen=True)
class Analysed:
    """What was measured: errors by pane key (without the ground truth), and the drift of the free run.

    `drift_problem` says why there is no drift; `attention` is by pane key.
    """

    panes: dict[str, PaneErrors]
    drift: DriftFacts | None
    drift_problem: str = ""
    attention: dict[str, AttentionFacts] = field(default_factory=dict)
    latent_maps: LatentMaps | None = None


# ---------------------------------------------------------------------- on the way
@dataclass(frozen=True)
class SpokenChunk:
    """A piece of speech that can be played and drawn: wave (samples,) at `sample_rate` Hz, mel (n_mels, frames).

    `spent` seconds of work since the request, `predicted` seconds of speech reached by it, `fraction` of the text.
    """

    wave: np.ndarray
    mel: np.ndarray
    sample_rate: int
    spent: float
    predicted: float
    fraction: float
    is_last: bool


@dataclass(frozen=True)
class Step:
    """Progress of a job: fraction 0..1, a short message, the mel as far as it has grown, or a piece of speech.

    A step with a chunk is always delivered; of others the latest counts.
    """

    fraction: float
    message: str
    partial_mel: np.ndarray | None = None
    chunk: SpokenChunk | None = None


@dataclass(frozen=True)
class Failure:
    """Why a job ended without a result.

    `expected` is True for bad input (the message says what to do) and False for a fault of the program or
    the machine; `details` is then a traceback for the log.
    """

    message: str
    expected: bool = True
    details: str = ""
