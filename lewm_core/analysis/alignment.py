"""Dynamic time warping (DTW): which frame of one mel belongs to which frame of another.

Two readings of a sentence differ in timing, so frame i of one is not frame i of the other. DTW finds the
monotonic path through all pairs of frames with the least summed distance (H. Sakoe and S. Chiba, "Dynamic
programming algorithm optimization for spoken word recognition", IEEE Trans. ASSP 26(1), 1978), here with
steps (1, 0), (0, 1), (1, 1) of weight one, as in librosa.sequence.dtw.

Frames are compared by mel-cepstra (the first coefficients of a DCT along frequency): they hold the envelope,
that is level and formants, and leave out most of the pitch, in which two readings may differ.

Own code rather than librosa's, which would bring numba and scikit-learn for these thirty lines: one
anti-diagonal at a time, inside a band, is plain numpy and takes half a second of one core for 60 s against
60 s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import dct

from lewm_core.analysis.checks import AnalysisError, as_mel
from lewm_core.config import LN_TO_DB
from lewm_core.time_map import mean_by

CEPSTRA = 25
"""Coefficients compared, c0 (level) included; 25 is common for mel-cepstral distance at 24 kHz."""
FLOOR_DB = 60.0
"""Anything more than this below a mel's loudest band counts as equally silent when frames are compared."""
MAX_CELLS = 200_000_000
"""Pairs of frames that may be compared; one byte each is kept."""

_DIAGONAL, _ROW, _COLUMN = 0, 1, 2


@dataclass(frozen=True)
class WarpPath:
    """Pairs of frames that belong together, from the first of both to the last of both.

    Attributes:
        reference: (k,) frame of the reference mel, rising by 0 or 1 a step.
        other: (k,) frame of the other mel, likewise.
        cost: mean distance along the path, dB RMS over bands.
        frame_rate: mel frames a second, Hz.
    """

    reference: np.ndarray
    other: np.ndarray
    cost: float
    frame_rate: float

    def to_other(self, seconds: np.ndarray | float) -> np.ndarray:
        """Map times (s) in the reference to times in the other mel; beyond the ends, in parallel."""
        return _map(seconds, self.reference, self.other, self.frame_rate)

    def to_reference(self, seconds: np.ndarray | float) -> np.ndarray:
        """Map times (s) in the other mel to times in the reference."""
        return _map(seconds, self.other, self.reference, self.frame_rate)

    def other_frames(self) -> np.ndarray:
        """Return a frame of the other mel for each reference frame, int (t,): the middle of its own."""
        return _middles(self.reference, self.other)

    def reference_frames(self) -> np.ndarray:
        """Return one reference frame for each frame of the other mel, int (u,)."""
        return _middles(self.other, self.reference)


def align(
    reference: np.ndarray,
    other: np.ndarray,
    frame_rate: float,
    radius_s: float | None = None,
) -> WarpPath:
    """Align two mels in time.

    Args:
        reference: (m, t) natural-log mel.
        other: (m, u) natural-log mel.
        frame_rate: Hz.
        radius_s: half-width of the band around both the straight line from corner to corner and the line of
            equal times, in seconds (Sakoe-Chiba). By default 1 s and a tenth of the longer mel.

    Raises:
        AnalysisError: a mel cannot be used, the bands differ, or both are so long that the path would not
            fit in memory.
    """
    reference, other = as_mel(reference, "reference"), as_mel(other)
    if reference.shape[0] != other.shape[0]:
        raise AnalysisError(
            f"The mels have {reference.shape[0]} and {other.shape[0]} bands; they cannot be aligned."
        )
    x, y = _cepstra(reference), _cepstra(other)
    if radius_s is None:
        radius_s = 1.0 + 0.1 * max(len(x), len(y)) / frame_rate
    first, last = _band(len(x), len(y), max(1, round(radius_s * frame_rate)))
    if int((last - first + 1).sum()) > MAX_CELLS:
        raise AnalysisError(
            f"Mels of {len(x) / frame_rate:.0f} s and {len(y) / frame_rate:.0f} s are too long to be aligned. "
            "Compare a part of them, or choose a smaller radius."
        )
    rows, columns, total = _shortest_path(x, y, first, last)
    return WarpPath(rows, columns, total / len(rows), frame_rate)


def difference_along_path(mel: np.ndarray, truth: np.ndarray, path: WarpPath) -> np.ndarray:
    """Return ``mel`` minus ``truth`` in dB on the time axis of ``truth``, shape (m, t).

    Args:
        mel: (m, u), the path's other mel.
        truth: (m, t), the path's reference.

    Raises:
        AnalysisError: the path belongs to other mels.
    """
    return (warped_to_reference(mel, path) - _of_path(truth, path.reference, "ground truth")) * LN_TO_DB


def warped_to_reference(mel: np.ndarray, path: WarpPath) -> np.ndarray:
    """Return ``mel`` (m, u) on the reference's time axis, (m, t): for each frame the mean of those it meets.

    Raises:
        AnalysisError: the path belongs to another mel.
    """
    mel = _of_path(mel, path.other, "mel")
    return mean_by(mel[:, path.other], path.reference)


def step_distance(reference: np.ndarray, other: np.ndarray, path: WarpPath) -> np.ndarray:
    """Return the distance of the two frames of each step of the path, dB RMS over bands, shape (k,).

    Raises:
        AnalysisError: the path belongs to other mels.
    """
    x = _cepstra(_of_path(reference, path.reference, "reference"))
    y = _cepstra(_of_path(other, path.other, "mel"))
    return np.linalg.norm(x[path.reference] - y[path.other], axis=1)


def path_distance(reference: np.ndarray, other: np.ndarray, path: WarpPath) -> np.ndarray:
    """Return the mean distance of each reference frame to those it meets, dB RMS over bands, (t,)."""
    return mean_by(step_distance(reference, other, path), path.reference)


def _cepstra(mel: np.ndarray) -> np.ndarray:
    """Mel-cepstra (t, CEPSTRA), float32; their distance is the RMS over bands of smoothed spectra in dB."""
    decibels = mel * LN_TO_DB
    decibels = np.maximum(decibels, decibels.max() - FLOOR_DB)
    cepstra = dct(decibels, axis=0, norm="ortho")[:CEPSTRA] / np.sqrt(len(mel))
    return np.ascontiguousarray(cepstra.T, dtype=np.float32)


def _band(rows: int, columns: int, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last column of each row that the path may touch; (rows,) each."""
    row = np.arange(rows)
    slope = row * ((columns - 1) / max(rows - 1, 1))
    first = np.clip(np.floor(np.minimum(row, slope)) - radius, 0, columns - 1).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(row, slope)) + radius, 0, columns - 1).astype(np.int64)
    return first, last


def _shortest_path(
    x: np.ndarray, y: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Rows and columns of the cheapest path through the band, and its cost.

    Works along anti-diagonals k = row + column, whose cells depend only on the two diagonals before.
    ``first`` and ``last`` rise, so the cells of a diagonal inside the band are one range of rows.
    """
    rows, columns = len(x), len(y)
    diagonals = np.arange(rows + columns - 1)
    low = np.searchsorted(np.arange(rows) + last, diagonals, side="left")
    high = np.searchsorted(np.arange(rows) + first, diagonals, side="right")
    start = np.concatenate(([0], np.cumsum(high - low)))
    came_from = np.empty(start[-1], dtype=np.uint8)
    backwards = np.ascontiguousarray(y[::-1])
    # Entry i + 1 holds row i; entry 0 stays infinite, so that row 0 has no row above it.
    before, last_but_one, current = (np.full(rows + 1, np.inf) for _ in range(3))
    last_but_one[0] = 0.0  # where a path begins: the diagonal step into (0, 0)
    for k in range(rows + columns - 1):
        a, b = low[k], high[k]
        offset = columns - 1 - k
        difference = x[a:b] - backwards[a + offset : b + offset]
        distance = np.sqrt(np.einsum("if,if->i", difference, difference))
        diagonal, row, column = last_but_one[a:b], before[a:b], before[a + 1 : b + 1]
        best = np.minimum(row, column)
        step = np.where(row < column, _ROW, _COLUMN)
        came_from[start[k] : start[k + 1]] = np.where(diagonal <= best, _DIAGONAL, step)
        current[: a + 1] = np.inf
        current[a + 1 : b + 1] = distance + np.minimum(diagonal, best)
        last_but_one, before, current = before, current, last_but_one
    path_rows, path_columns = _trace(came_from, start, low, rows, columns)
    return path_rows, path_columns, float(before[rows])


def _trace(
    came_from: np.ndarray, start: np.ndarray, low: np.ndarray, rows: int, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Walk back from the last cell to the first; (k,) rows and columns in rising order."""
    row, column = rows - 1, columns - 1
    cells = [(row, column)]
    while row or column:
        k = row + column
        step = came_from[start[k] + row - low[k]]
        row -= step != _COLUMN
        column -= step != _ROW
        cells.append((row, column))
    path = np.array(cells[::-1], dtype=np.int64)
    return path[:, 0], path[:, 1]


def _middles(group: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """For each frame of one mel, the middle frame among its partners; int."""
    return np.round(mean_by(partners.astype(np.float64), group)).astype(np.int64)


def _map(
    seconds: np.ndarray | float, source: np.ndarray, target: np.ndarray, frame_rate: float
) -> np.ndarray:
    middles = mean_by(target.astype(np.float64), source)
    middles[0], middles[-1] = target[0], target[-1]
    frames = np.asarray(seconds, dtype=np.float64) * frame_rate
    mapped = np.interp(frames, np.arange(len(middles)), middles)
    beyond = np.minimum(frames, 0.0) + np.maximum(frames - (len(middles) - 1), 0.0)
    return (mapped + beyond) / frame_rate


def _of_path(mel: np.ndarray, frames: np.ndarray, name: str) -> np.ndarray:
    """``mel`` as float64, after a check that a path's frames are those of this mel."""
    mel = as_mel(mel, name)
    if mel.shape[1] != frames[-1] + 1:
        raise AnalysisError(
            f"The path was made for a {name} of {frames[-1] + 1} frames, this one has {mel.shape[1]}; align again."
        )
    return mel
