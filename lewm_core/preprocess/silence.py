"""Where a recording is silent: its level over time, speech and pauses, and trimming that keeps the edges of words.

By level alone: training data is read in quiet rooms, so no network has to be carried for it.

f frames of 10 ms
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

HOP_S = 0.01
MARGIN_S = 0.1
"""Silence that is kept around speech."""
_FLOOR_DB = -100.0
_ABOVE_NOISE_DB = 10.0
_BELOW_PEAK_DB = (20.0, 45.0)
"""Speech is what exceeds the noise, but at most 45 dB and at least 20 dB below the loud parts."""
_TAIL_DB = 6.0
"""Fading ends of words count down to so far below the threshold."""
_SMOOTH = 3


@dataclass(frozen=True)
class SpeechMap:
    """Where there is speech in a wave.

    Attributes:
        is_speech: (f,) bool, frames of 10 ms.
        seconds: length of the wave.
    """

    is_speech: np.ndarray
    seconds: float

    def trimmed(self, start: float, end: float, margin: float = MARGIN_S) -> tuple[float, float] | None:
        """The part of [start, end] (s) from the first to the last speech, with a margin; None if all is silent."""
        first, last = int(start / HOP_S), min(len(self.is_speech), int(np.ceil(end / HOP_S)))
        loud = np.flatnonzero(self.is_speech[first:last])
        if len(loud) == 0:
            return None
        begin, stop = (first + loud[0]) * HOP_S, (first + loud[-1] + 1) * HOP_S
        return max(start, begin - margin), min(end, stop + margin)

    def widened(self, start: float, end: float, lower: float, upper: float) -> tuple[float, float]:
        """[start, end] moved outwards to the ends of the words it cuts through, within [lower, upper]; seconds."""
        first, last = int(start / HOP_S), int(end / HOP_S)
        while first > 0 and start > lower and self._speaks(first) and self._speaks(first - 1):
            first -= 1
            start = max(lower, first * HOP_S)
        while end < upper and self._speaks(last) and self._speaks(last - 1):
            last += 1
            end = min(upper, last * HOP_S)
        return start, end

    def speech_seconds(self, start: float, end: float) -> float:
        """Seconds of speech between ``start`` and ``end``."""
        return float(self.is_speech[int(start / HOP_S) : int(np.ceil(end / HOP_S))].sum()) * HOP_S

    def pauses(self, shortest: float) -> list[tuple[float, float]]:
        """Silences of at least ``shortest`` seconds between stretches of speech: (begin, end) in seconds."""
        loud = np.flatnonzero(self.is_speech)
        return [
            ((a + 1) * HOP_S, b * HOP_S)
            for a, b in pairwise(loud.tolist())
            if (b - a - 1) * HOP_S >= shortest - 1e-9
        ]

    def _speaks(self, frame: int) -> bool:
        return 0 <= frame < len(self.is_speech) and bool(self.is_speech[frame])


def levels(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """Level of each 10 ms of a mono wave (samples,) in dB of full scale, (f,), at least -100."""
    hop = round(HOP_S * sample_rate)
    count = -(-len(wave) // hop)
    power = np.empty(count)
    block = 6000  # a minute at a time, so that an hour costs no second copy of itself
    for first in range(0, count, block):
        part = wave[first * hop : (first + block) * hop].astype(np.float64)
        part = np.pad(part, (0, -len(part) % hop)).reshape(-1, hop)
        power[first : first + len(part)] = np.square(part).mean(axis=1)
    return 10.0 * np.log10(np.maximum(power, 10 ** (_FLOOR_DB / 10)))


def find_speech(wave: np.ndarray, sample_rate: int) -> SpeechMap:
    """Tell speech from silence in a mono wave (samples,)."""
    level = levels(wave, sample_rate)
    smooth = _smoothed(level)
    quiet, loud = np.percentile(smooth, [5, 95])
    threshold = float(np.clip(quiet + _ABOVE_NOISE_DB, loud - _BELOW_PEAK_DB[1], loud - _BELOW_PEAK_DB[0]))
    tail = max(threshold - _TAIL_DB, quiet + _ABOVE_NOISE_DB / 2) if quiet < threshold else threshold
    certain, possible = smooth > threshold, smooth > min(tail, threshold)
    return SpeechMap(_touching(possible, certain), len(wave) / sample_rate)


def _smoothed(level: np.ndarray) -> np.ndarray:
    """The loudest of three neighbouring frames: a gap of one frame inside a plosive is no silence."""
    padded = np.pad(level, _SMOOTH // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, _SMOOTH).max(axis=1)


def _touching(possible: np.ndarray, certain: np.ndarray) -> np.ndarray:
    """The runs of ``possible`` frames that hold a ``certain`` one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], possible, [False]]).astype(np.int8)))
    result = np.zeros_like(possible)
    for begin, stop in zip(edges[::2], edges[1::2], strict=True):
        if certain[begin:stop].any():
            result[begin:stop] = True
    return result
