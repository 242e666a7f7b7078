"""Drift: where and how a free run (autoregressive) leaves the path of its reference.

The reference is the teacher-forced prediction, or the ground truth.

The free run has its own timing, so both mels are first aligned (``alignment``); everything is then measured
along the warp path. A run that is only slower stays at a small divergence, one that says something else does
not.

divergence        distance of mel-cepstra at each step of the path, dB RMS over bands, relative to **chance**:
                  the median of that distance when the reference is played backwards (pauses left out).
                  Backwards the same frames come in a wrong order, so this is what DTW makes of speech that
                  does not match. 0 identical, 1 unrelated; 0 where both pause.
off path          stretches of the path in which the summed excess of the divergence over OFF_PATH (each step
                  capped at CAP) is greatest, and at least MIN_EXCESS_S: the maximal scoring segments of
                  W. Ruzzo and M. Tompa ("A linear time algorithm for finding all maximal scoring
                  subsequences", ISMB 1999), a two-sided CUSUM. Half a second at chance level counts, a single
                  bad frame does not. The start of the first one is the departure.
energy ratio      level of the free run minus that of the reference in windows of ENERGY_WINDOW_S, dB. Not along
                  the path, on which DTW hides a collapse in the reference's last pause, but at the same relative
                  position: from 0 at the beginning to 1 at the end of each run.
latents           see ``latent_drift``.
missing speech    speech of the reference that the free run does not reach: what is matched after the free
                  run's last speech, or the reference's surplus in a last stretch off path (DTW squeezes the
                  rest of the reference into it). Counted from MISSING_S on. With at least TAIL_S of silence
                  behind it, that is a **collapse to silence**; silent is ACTIVE_RANGE_DB below the
                  reference's loudest frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from lewm_core.analysis.alignment import WarpPath, align, path_distance, step_distance
from lewm_core.analysis.bands import ACTIVE_RANGE_DB, active_frames, frame_levels
from lewm_core.analysis.checks import AnalysisError, as_mel
from lewm_core.analysis.latent_drift import LatentDrift, latent_drift
from lewm_core.time_map import mean_by

OFF_PATH = 0.75
CAP = 1.5
MIN_EXCESS_S = 0.12
MISSING_S = 0.3
TAIL_S = 0.3
RUN_ON_S = 1.0
ENERGY_WINDOW_S = 0.5
SAME_MOMENT_S = 0.6
"""A departure this near before a collapse or an early end is the same event: DTW squeezes the rest there."""


@dataclass(frozen=True)
class OffPath:
    """A stretch in which the free run does not say what the reference says; seconds in the free run."""

    start_s: float
    end_s: float
    reference_start_s: float
    reference_end_s: float


@dataclass(frozen=True)
class Ending:
    """How the free run ends.

    Attributes:
        collapse_s: from when on it is silent although speech is still to come, s in the free run; None if
            not.
        early_s: when it ends although speech is still to come; None if not.
        missing_s: seconds of the reference's speech that it does not reach.
        runs_on: it did not stop (see ``measure_drift``).
    """

    collapse_s: float | None
    early_s: float | None
    missing_s: float
    runs_on: bool


@dataclass(frozen=True)
class Drift:
    """A free run against its reference, on the frames of the reference.

    Attributes:
        path: reference and free run aligned.
        times: (t,) seconds in the reference.
        divergence: (t,) relative to chance, mean of the steps that meet a reference frame.
        free_divergence: (u,) the same for each frame of the free run.
        chance_db: distance in dB that counts as 1; None when too little speech is there to tell.
        energy_ratio_db: (t,) dB; NaN where the reference pauses for the whole window.
        latents: None when no latents were given.
        off_path: stretches in order of time.
        ending: how it ends.
    """

    path: WarpPath
    times: np.ndarray
    divergence: np.ndarray
    free_divergence: np.ndarray
    chance_db: float | None
    energy_ratio_db: np.ndarray
    latents: LatentDrift | None
    off_path: list[OffPath]
    ending: Ending

    @property
    def cut_s(self) -> float | None:
        """When the free run collapses or ends early, seconds in the free run; None if it does neither."""
        return self.ending.early_s if self.ending.collapse_s is None else self.ending.collapse_s

    @property
    def departures(self) -> list[OffPath]:
        """Stretches off path that are not merely the beginning of a collapse or early end."""
        cut = float("inf") if self.cut_s is None else self.cut_s
        return [stretch for stretch in self.off_path if stretch.start_s < cut - SAME_MOMENT_S]

    @property
    def departure_s(self) -> float | None:
        """When the free run first leaves the path in whatever way, s in the free run; None if it does not."""
        return self.departures[0].start_s if self.departures else self.cut_s


def measure_drift(
    reference: np.ndarray,
    free_run: np.ndarray,
    frame_rate: float,
    reference_latents: np.ndarray | None = None,
    free_latents: np.ndarray | None = None,
    stopped: bool | None = None,
) -> Drift:
    """Compare a free run with its reference.

    Args:
        reference: (m, t) natural-log mel, teacher-forced prediction or ground truth.
        free_run: (m, u) natural-log mel.
        frame_rate: Hz, of both mels.
        reference_latents, free_latents: (n, d) and (k, d), spread evenly over their mels; both or none.
        stopped: did the run stop by itself (``stop_reason == "stop_head"``)? None when unknown: then it "runs
            on" when it lasts RUN_ON_S longer than what the path matches to the reference's last speech.

    Raises:
        AnalysisError: the mels or latents cannot be compared, or the reference holds no speech.
    """
    reference, free_run = as_mel(reference, "reference"), as_mel(free_run, "free run")
    if reference.max() - reference.min() < 1e-6:
        raise AnalysisError("The reference is constant: it holds no speech that a free run could follow.")
    path = align(reference, free_run, frame_rate)
    loudest = float(frame_levels(reference).max())
    speaking = active_frames(reference)
    free_speaking = active_frames(free_run, loudest_db=loudest)
    chance = chance_distance(reference, free_run, frame_rate)
    counted = speaking[path.reference] | free_speaking[path.other]
    divergence = np.where(counted, step_distance(reference, free_run, path) / (chance or np.nan), 0.0)
    off_path = _off_path(divergence, counted, path) if chance else []
    return Drift(
        path=path,
        times=np.arange(reference.shape[1]) / frame_rate,
        divergence=mean_by(divergence, path.reference),
        free_divergence=mean_by(divergence, path.other),
        chance_db=chance,
        energy_ratio_db=energy_ratio_db(reference, free_run, frame_rate),
        latents=latent_drift(reference_latents, free_latents, path),
        off_path=off_path,
        ending=_ending(path, speaking, free_speaking, off_path, stopped),
    )


def energy_ratio_db(reference: np.ndarray, free_run: np.ndarray, frame_rate: float) -> np.ndarray:
    """Return the level of the free run minus the reference's at the same relative position, dB, (t,).

    Power is averaged over ENERGY_WINDOW_S. NaN where the reference is silent for the whole window.
    """
    window = max(1, round(ENERGY_WINDOW_S * frame_rate))
    loudest = float(frame_levels(reference).max())
    own, its = _smooth_levels(reference, window), _smooth_levels(free_run, window)
    position = (np.arange(len(own)) + 0.5) / len(own)
    ratio = its[(position * len(its)).astype(np.int64)] - own
    return np.where(own > loudest - ACTIVE_RANGE_DB, ratio, np.nan)


def _smooth_levels(mel: np.ndarray, window: int) -> np.ndarray:
    power = uniform_filter1d(10.0 ** (frame_levels(mel) / 10.0), window, mode="nearest")
    return 10.0 * np.log10(np.maximum(power, 1e-30))


def chance_distance(reference: np.ndarray, free_run: np.ndarray, frame_rate: float) -> float | None:
    """Return the distance in dB that DTW leaves between mels that do not match.

    The reference's speech is played backwards; pauses are left out. The greater of two values is taken: of
    the free run, and of the reference itself against the reference backwards, so that a free run without
    speech, or one that happens to run backwards, does not make chance small. None when the reference has less
    than half a second of speech.
    """
    enough = round(0.5 * frame_rate)
    speech = reference[:, active_frames(reference)]
    if speech.shape[1] < enough:
        return None
    spoken = free_run[:, active_frames(free_run, loudest_db=float(frame_levels(reference).max()))]
    backwards = speech[:, ::-1]
    medians = [
        float(np.median(path_distance(backwards, other, align(backwards, other, frame_rate))))
        for other in (speech, spoken)
        if other.shape[1] >= enough
    ]
    return max(medians) if max(medians) > 1e-6 else None


def maximal_segments(scores: np.ndarray, least: float) -> list[tuple[int, int]]:
    """Return the disjoint ranges [start, stop) of greatest sum of ``scores`` (k,), in order.

    The best range, then the best to its left and to its right, and so on, while the sum is ``least`` or more.
    """
    found: list[tuple[int, int]] = []
    waiting = [(0, len(scores))]
    while waiting:
        begin, end = waiting.pop()
        if begin >= end:
            continue
        sums = np.concatenate(([0.0], np.cumsum(scores[begin:end])))
        lowest = np.minimum.accumulate(sums)
        stop = int(np.argmax(sums - lowest))
        start = int(np.flatnonzero(sums[: stop + 1] == lowest[stop])[-1])
        if sums[stop] - sums[start] < least or stop == start:
            continue
        found.append((begin + start, begin + stop))
        waiting += [(begin, begin + start), (begin + stop, end)]
    return sorted(found)


def _off_path(divergence: np.ndarray, counted: np.ndarray, path: WarpPath) -> list[OffPath]:
    excess = np.where(counted, np.minimum(divergence, CAP) - OFF_PATH, 0.0) / path.frame_rate
    return [
        OffPath(
            start_s=float(path.other[start]) / path.frame_rate,
            end_s=float(path.other[stop - 1]) / path.frame_rate,
            reference_start_s=float(path.reference[start]) / path.frame_rate,
            reference_end_s=float(path.reference[stop - 1]) / path.frame_rate,
        )
        for start, stop in maximal_segments(excess, MIN_EXCESS_S)
    ]


def _ending(
    path: WarpPath,
    speaking: np.ndarray,
    free_speaking: np.ndarray,
    off_path: list[OffPath],
    stopped: bool | None,
) -> Ending:
    rate = path.frame_rate
    spoken = np.flatnonzero(free_speaking)
    silent_from = (int(spoken[-1]) + 1) / rate if spoken.size else 0.0
    missing = _missing_speech(path, speaking, free_speaking, off_path)
    lacks = missing >= MISSING_S
    silence = len(free_speaking) / rate - silent_from
    collapsed = lacks and (silence >= TAIL_S or not spoken.size)
    if stopped is not None:
        runs_on = not stopped
    else:
        runs_on = not lacks and _runs_on(path, speaking)
    return Ending(
        collapse_s=silent_from if collapsed else None,
        early_s=len(free_speaking) / rate if lacks and not collapsed else None,
        missing_s=missing if lacks else 0.0,
        runs_on=runs_on,
    )


def _missing_speech(
    path: WarpPath, speaking: np.ndarray, free_speaking: np.ndarray, off_path: list[OffPath]
) -> float:
    """Seconds of the reference's speech that the free run does not reach."""
    rate = path.frame_rate
    if not free_speaking.any():
        return float(speaking.sum()) / rate
    last = int(np.flatnonzero(free_speaking)[-1])
    reached = int(path.reference[path.other == last][0])
    missing = float(speaking[reached + 1 :].sum()) / rate
    last_speech = int(np.flatnonzero(speaking)[-1])
    if off_path and off_path[-1].reference_end_s >= last_speech / rate - MISSING_S:
        stretch = off_path[-1]
        due = float(speaking[round(stretch.reference_start_s * rate) :].sum()) / rate
        given = float(free_speaking[round(stretch.start_s * rate) :].sum()) / rate
        if due - given >= 0.25 * due:
            missing = max(missing, due - given)
    return missing


def _runs_on(path: WarpPath, speaking: np.ndarray) -> bool:
    last_speech = int(np.flatnonzero(speaking)[-1])
    matched = int(path.other[path.reference == last_speech][0])
    rest_of_reference = len(speaking) - 1 - last_speech
    return (int(path.other[-1]) - matched - rest_of_reference) / path.frame_rate >= RUN_ON_S
