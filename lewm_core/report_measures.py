"""Everything that is measured for a report: mels, waves, blur, formants, drift, by the key of the pane.

m mel bands   t mel frames
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lewm_core.analysis.alignment import align, warped_to_reference
from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.drift import Drift, measure_drift
from lewm_core.analysis.formants import (
    CEILING_HIGH_VOICE_HZ,
    FormantSettings,
    frequency_deviation,
    suggested_ceiling,
    track_formants,
)
from lewm_core.analysis.matched_noise import add_matched_noise
from lewm_core.analysis.pane_report import PaneReport, report_pane
from lewm_core.config import LN_TO_DB, MelConfig
from lewm_core.figure import TITLES
from lewm_core.report_extras import (
    FORCED,
    FREE,
    NOISE,
    OWN_TIMING,
    REBUILT,
    SECOND,
    TRUTH,
    DifferenceWish,
    FormantWish,
    ReportExtras,
    SecondRun,
)

if TYPE_CHECKING:
    from lewm_core.inference import Comparison

ABOUT = {
    TRUTH: "The recording, and what the vocoder makes of its true mel: nothing below can sound better than this.",
    REBUILT: "Encoder and decoder alone: what the latents keep of the recording.",
    FORCED: "Each step predicted from the recording's own past.",
    FREE: "Spoken from the text alone, in its own timing.",
    NOISE: "The true mel with random noise of the same mel L1 as the error of: {}.",
}
MIXED_ABOUT = "Between teacher forcing and the free run, in the recording's timing."
MATCHED_NOISE_TITLE = "Truth with matched noise"


@dataclass(frozen=True)
class Formants:
    """F1 to F4 (4, t) in Hz by pane, and how far (4,) they lie from the truth's, median in per cent."""

    settings: FormantSettings
    frequency: dict[str, np.ndarray]
    deviation: dict[str, np.ndarray]


@dataclass(frozen=True)
class Difference:
    """First minus second, natural log (m, t), with its numbers; ``aligned``: one was put on the clip's time axis."""

    mel: np.ndarray
    l1: float
    bias_db: float
    aligned: bool


class Measures:
    """Mels, waves and measures of everything that is on the page, by the key of its pane."""

    def __init__(
        self, comparison: Comparison, config: MelConfig, extras: ReportExtras,
        vocode: Callable[[np.ndarray], np.ndarray] | None,
    ) -> None:  # fmt: skip
        self.comparison, self.config, self.extras, self._vocode = comparison, config, extras, vocode
        panes = {name: pane for name, pane in comparison.panes.items() if pane.mel.shape[1] > 1}
        own_titles = {name: pane.title for name, pane in panes.items() if pane.title}
        self.titles = {**TITLES, NOISE: MATCHED_NOISE_TITLE, **own_titles}
        self.about = {**ABOUT, **dict.fromkeys(own_titles, MIXED_ABOUT)}
        self.mels = {name: pane.mel for name, pane in panes.items()}
        self.waves = {name: pane.wave for name, pane in panes.items()}
        self.reports: dict[str, PaneReport] = {}
        self.formants: Formants | None = None
        self.difference: Difference | None = None
        self.drift: Drift | None = None

    def measure(self) -> Generator[tuple[float, str], None, None]:
        """Measure all; yields the share done and what is being done."""
        yield 0.0, "Measuring the pitch"
        truth, config, extras = self.mels[TRUTH], self.config, self.extras
        pitch = _pitch(self.comparison, truth.shape[1], config)
        if extras.second is not None:
            self._add_second(extras.second)
        for number, name in enumerate([name for name in self.mels if name != TRUTH]):
            yield 0.1 + 0.06 * number, f"Measuring: {self.titles[name].lower()}"
            self.reports[name] = report_pane(
                self.mels[name], truth, config, pitch, aligned=name in OWN_TIMING
            )
        if extras.noise_of in self.reports:
            yield 0.5, "Making matched noise"
            self._add_noise(extras.noise_of, pitch)
        yield 0.6, "Tracking formants"
        waves = {**self.waves, TRUTH: self.comparison.original}
        self.formants = measure_formants(self.mels, waves, pitch, config, extras.formants)
        yield 0.8, "Measuring the free run"
        self.drift = _drift(self.comparison, self.mels, config)
        if extras.difference is not None:
            self.difference = measure_difference(self.mels, config, extras.difference)

    def _add_second(self, second: SecondRun) -> None:
        for name, (mel, wave) in second.panes.items():
            if mel.shape[1] > 1:
                key = SECOND + name
                self.mels[key], self.waves[key] = mel, wave
                self.titles[key] = f"B: {self.titles[name]}"
                self.about[key] = f"What {second.name} makes of it."

    def _add_noise(self, of: str, pitch: np.ndarray | None) -> None:
        truth, config = self.mels[TRUTH], self.config
        noisy = add_matched_noise(truth, self.reports[of].l1, config=config).astype(np.float32)
        # It stands behind the panes of the voice, before those of a second checkpoint.
        later = {name: self.mels.pop(name) for name in list(self.mels) if name.startswith(SECOND)}
        self.mels = {**self.mels, NOISE: noisy, **later}
        self.reports[NOISE] = report_pane(noisy, truth, config, pitch)
        self.reports = {name: self.reports[name] for name in self.mels if name != TRUTH}
        self.about[NOISE] = ABOUT[NOISE].format(self.titles[of].lower())
        if self._vocode is not None:
            self.waves[NOISE] = self._vocode(noisy)


def _pitch(comparison: Comparison, frames: int, config: MelConfig) -> np.ndarray | None:
    """Pitch of the recording (t,), or None where Praat is missing or finds it too short."""
    from lewm_core.analysis.pitch import pitch_track

    try:
        return pitch_track(comparison.original, comparison.sample_rate, frames, config.frame_rate)
    except (AnalysisError, ImportError):
        return None


def _drift(comparison: Comparison, mels: dict[str, np.ndarray], config: MelConfig) -> Drift | None:
    if FREE not in mels:
        return None
    stopped = {"stop_head": True, "max_length": False}.get(comparison.stop_reason)
    try:
        return measure_drift(mels.get(FORCED, mels[TRUTH]), mels[FREE], config.frame_rate, stopped=stopped)
    except AnalysisError:
        return None


def measure_formants(
    mels: Mapping[str, np.ndarray],
    waves: Mapping[str, np.ndarray],
    pitch: np.ndarray | None,
    config: MelConfig,
    wish: FormantWish,
) -> Formants | None:
    """Track the formants of every wave with one set of settings; None where Praat is missing or finds none."""
    ceiling = wish.ceiling_hz or (CEILING_HIGH_VOICE_HZ if pitch is None else suggested_ceiling(pitch))
    settings = FormantSettings(ceiling, wish.number, wish.window_s)
    found: dict[str, np.ndarray] = {}
    for name, mel in mels.items():
        try:
            tracks = track_formants(
                waves[name], config.sample_rate, mel.shape[1], config.frame_rate, settings
            )
        except (AnalysisError, ImportError, KeyError):
            continue
        found[name] = tracks.frequency
    if TRUTH not in found:
        return None
    deviation = {
        name: frequency_deviation(frequency, found[TRUTH], _path(mels, name, config))
        for name, frequency in found.items()
        if name != TRUTH
    }
    return Formants(settings, found, deviation)


def measure_difference(
    mels: Mapping[str, np.ndarray], config: MelConfig, wish: DifferenceWish
) -> Difference | None:
    """Subtract two panes on one time axis; None where one of them is not there."""
    if wish.first not in mels or wish.second not in mels:
        return None
    keys = wish.first, wish.second
    aligned = sum(key in OWN_TIMING for key in keys) == 1
    pair = [
        warped_to_reference(mels[key], align(mels[TRUTH], mels[key], config.frame_rate))
        if aligned and key in OWN_TIMING
        else mels[key]
        for key in keys
    ]
    frames = min(mel.shape[1] for mel in pair)
    mel = pair[0][:, :frames] - pair[1][:, :frames]
    return Difference(mel, float(np.abs(mel).mean()), float(mel.mean()) * LN_TO_DB, aligned)


def _path(
    mels: Mapping[str, np.ndarray], name: str, config: MelConfig
) -> tuple[np.ndarray, np.ndarray] | None:
    """Frames of the truth and of a pane with a timing of its own that belong together."""
    if name not in OWN_TIMING:
        return None
    path = align(mels[TRUTH], mels[name], config.frame_rate)
    return path.reference, path.other
