"""Cross-attention of the predictor: is it sharp, does it move forward, and where does it stand.

Needs numpy alone. Weights are (…, k, u): k steps, u text units, each row a distribution over units (rows of
zeros, as pauses between sentences have them, are left out of every figure).

focus          mean over steps of the largest weight: 1 looks at one unit at a time, 1 / u at all of them alike.
centre         mean unit of a row, weighted: where a step looks.
monotonicity   share of steps whose centre does not lie more than BACKWARDS units behind that of the step
               before: 1 for speech that is read from left to right.
offset         mean distance, in units, of the centre from the unit that the plan speaks at that step.
path           the unit of each step. ``argmax_path``: of the largest weight. ``monotonic_path``: the sequence of
               units that never goes back and has the greatest product of weights (Viterbi; as the search of
               Glow-TTS, arXiv 2005.11129, but a step may pass over units, since a step is longer than many a
               sound).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lewm_core.analysis.checks import AnalysisError

BACKWARDS = 0.5
"""Units that the centre may fall back without counting as backwards: less is jitter."""


@dataclass(frozen=True)
class AttentionFigures:
    """Figures of every layer and head, (layers, heads) each.

    Attributes:
        focus, monotonicity: see above.
        offset: None where there is no plan.
        sharpest: (layer, head) of the greatest focus.
    """

    focus: np.ndarray
    monotonicity: np.ndarray
    offset: np.ndarray | None
    sharpest: tuple[int, int]


def attention_figures(attention: np.ndarray, planned: np.ndarray | None = None) -> AttentionFigures:
    """Measure every head.

    Args:
        attention: (layers, heads, k, u).
        planned: (k,) unit that the plan speaks at each step, NaN where it speaks none; None without a plan.

    Raises:
        AnalysisError: the weights are no such array, or hold no step.
    """
    weights = as_attention(attention, 4)
    focus = attention_focus(weights)
    best = np.unravel_index(int(np.argmax(focus)), focus.shape)
    return AttentionFigures(
        focus=focus,
        monotonicity=attention_monotonicity(weights),
        offset=None if planned is None else attention_offset(weights, planned),
        sharpest=(int(best[0]), int(best[1])),
    )


def attention_focus(weights: np.ndarray) -> np.ndarray:
    """Focus of weights (…, k, u), (…)."""
    weights = as_attention(weights)
    rows = _rows(weights)
    return np.asarray(weights.max(-1)[..., rows].mean(-1))


def attention_monotonicity(weights: np.ndarray) -> np.ndarray:
    """Monotonicity of weights (…, k, u), (…); 1 where there is only one step."""
    centres = attention_centres(weights)[..., _rows(weights)]
    if centres.shape[-1] < 2:
        return np.ones(centres.shape[:-1])
    return np.asarray((np.diff(centres, axis=-1) >= -BACKWARDS).mean(-1))


def attention_offset(weights: np.ndarray, planned: np.ndarray) -> np.ndarray:
    """Offset of weights (…, k, u) from the units (k,) of a plan, (…); NaN where the plan speaks nowhere."""
    planned = np.asarray(planned, np.float64)
    if planned.shape != np.shape(weights)[-2:-1]:
        raise AnalysisError(f"A plan of {planned.shape} does not belong to {np.shape(weights)[-2]} steps.")
    spoken = _rows(weights) & np.isfinite(planned)
    if not spoken.any():
        return np.full(np.shape(weights)[:-2], np.nan)
    return np.asarray(np.abs(attention_centres(weights) - planned)[..., spoken].mean(-1))


def attention_centres(weights: np.ndarray) -> np.ndarray:
    """Centre of each row of weights (…, k, u), (…, k) in units; NaN for a row of zeros."""
    weights = as_attention(weights)
    total = weights.sum(-1)
    moment = weights @ np.arange(weights.shape[-1], dtype=weights.dtype)
    return np.divide(moment, total, out=np.full(total.shape, np.nan, weights.dtype), where=total > 0)


def argmax_path(weights: np.ndarray) -> np.ndarray:
    """Unit of the largest weight of each row of (k, u), (k,); -1 for a row of zeros."""
    weights = as_attention(weights, 2)
    return np.where(_rows(weights), weights.argmax(-1), -1)


def monotonic_path(weights: np.ndarray) -> np.ndarray:
    """The most likely units of weights (…, k, u) that never go back, (…, k); -1 for a row of zeros."""
    weights = as_attention(weights)
    *heads, steps_all, units = weights.shape
    rows = np.flatnonzero(_rows(weights))
    scores = weights.reshape(-1, steps_all, units)[:, rows]
    path = np.full((len(scores), steps_all), -1, dtype=np.int64)
    number = np.arange(units, dtype=np.int32)
    came_from = np.zeros((len(rows), len(scores), units), dtype=np.int32)
    best = _log(scores[:, 0])
    for step in range(1, len(rows)):
        highest = np.maximum.accumulate(best, axis=-1)
        came_from[step] = np.maximum.accumulate(np.where(best >= highest, number, 0), axis=-1)
        best = highest + _log(scores[:, step])
    unit = best.argmax(-1)
    for step in range(len(rows) - 1, -1, -1):
        path[:, rows[step]] = unit
        unit = came_from[step, np.arange(len(scores)), unit]
    return path.reshape(*heads, steps_all)


def _log(weights: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(weights, 1e-12)))


def sharpest_head(attention: np.ndarray) -> tuple[int, int]:
    """(layer, head) of ``attention`` (layers, heads, k, u) with the greatest focus."""
    return attention_figures(attention).sharpest


def as_attention(weights: np.ndarray, dimensions: int | None = None) -> np.ndarray:
    """Return weights as float32.

    Raises:
        AnalysisError: fewer axes than two or others than asked for, nothing along steps or units, not finite
            or negative, or no step with any weight.
    """
    array = np.asarray(weights, np.float32)
    if array.ndim < 2 or (dimensions is not None and array.ndim != dimensions):
        raise AnalysisError(f"Attention of shape {array.shape}; (…, steps, units) is needed.")
    if 0 in array.shape or not _rows(array).any():
        raise AnalysisError("There is no step in this attention.")
    if not (array.min() >= 0 and array.max() < np.inf):
        raise AnalysisError("Attention weights are numbers from 0 to 1; these are not.")
    return array


def _rows(weights: np.ndarray) -> np.ndarray:
    """(k,) true at steps that look at something in every head."""
    there = np.asarray(weights).sum(-1) > 0
    return np.asarray(there.reshape(-1, there.shape[-1]).all(0))
