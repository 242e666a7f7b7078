"""PredictorTrace: what the predictor did at each step of a run, as plain arrays (numpy alone).

k steps   u text units
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lewm_core.config import MelConfig, ModelConfig

if TYPE_CHECKING:
    from lewm_core.model.lewm import Generated
    from lewm_core.model.text_batch import TextBatch


@dataclass(frozen=True)
class PredictorTrace:
    """The steps of one run, or of several sentences one after the other.

    Attributes:
        starts: (k,) s at which the mel of each step begins.  step_s: seconds of mel a step makes.
        stop_probability: (k,) what the stop head said at each step.
        attention: (layers, heads, k, u) float16 cross-attention; zeros between a step and units of other sentences.
        units: text of each unit: a sound, a mark of punctuation, or a byte ("" inside a character).
        spans: (u, 2) s from and to which the plan speaks each unit; None where attention alone decides.
        own_history: (k,) was the step told the model's own output (true) or the clip's latents (false).
    """

    starts: np.ndarray
    step_s: float
    stop_probability: np.ndarray
    attention: np.ndarray
    units: tuple[str, ...]
    spans: np.ndarray | None
    own_history: np.ndarray

    def planned_units(self) -> np.ndarray | None:
        """(k,) unit that the plan speaks in the middle of each step, NaN where it speaks none; None without one."""
        if self.spans is None:
            return None
        middles = self.starts + self.step_s / 2
        after = np.searchsorted(self.spans[:, 1], middles, side="right")
        unit = np.minimum(after, len(self.spans) - 1)
        spoken = (after < len(self.spans)) & (self.spans[unit, 0] <= middles)
        return np.where(spoken, unit, np.nan)


def trace_of(
    config: ModelConfig, text: TextBatch, run: Generated, own_history: np.ndarray | bool
) -> PredictorTrace | None:
    """Put the steps of one text on a time axis that begins at 0; None where no attention was kept.

    Args:
        text: what was spoken, one text.  own_history: (k,), or the same for all steps.
    """
    if run.attention is None:
        return None
    latent_s = config.downsample_factor / MelConfig().frame_rate
    step_s = latent_s * config.latents_per_step
    steps, spans = len(run.stop_probability), None
    if run.durations is not None:
        lasting = run.durations.numpy() * latent_s
        ends = np.cumsum(lasting)
        spans = np.stack((ends - lasting, ends), axis=1)
    return PredictorTrace(
        starts=np.arange(steps) * step_s,
        step_s=step_s,
        stop_probability=run.stop_probability.numpy().astype(np.float32),
        attention=run.attention.numpy().astype(np.float16),
        units=tuple(text.labels(of_bytes=config.alignment == "attention")),
        spans=spans,
        own_history=np.broadcast_to(np.asarray(own_history, bool), (steps,)).copy(),
    )


def join_traces(traces: Sequence[PredictorTrace], offsets: Sequence[float]) -> PredictorTrace | None:
    """Join the traces of sentences that begin at ``offsets`` (s); None without any."""
    if not traces:
        return None
    moved = [_moved(trace, offset) for trace, offset in zip(traces, offsets, strict=True)]
    if len(moved) == 1:
        return moved[0]
    layers, heads = moved[0].attention.shape[:2]
    steps, units = sum(len(t.starts) for t in moved), sum(len(t.units) for t in moved)
    attention = np.zeros((layers, heads, steps, units), np.float16)
    step = unit = 0
    for trace in moved:
        k, u = trace.attention.shape[2:]
        attention[:, :, step : step + k, unit : unit + u] = trace.attention
        step, unit = step + k, unit + u
    spans = [trace.spans for trace in moved if trace.spans is not None]
    return PredictorTrace(
        starts=np.concatenate([trace.starts for trace in moved]),
        step_s=moved[0].step_s,
        stop_probability=np.concatenate([trace.stop_probability for trace in moved]),
        attention=attention,
        units=tuple(unit for trace in moved for unit in trace.units),
        spans=np.concatenate(spans) if len(spans) == len(moved) else None,
        own_history=np.concatenate([trace.own_history for trace in moved]),
    )


def _moved(trace: PredictorTrace, offset: float) -> PredictorTrace:
    spans = None if trace.spans is None else trace.spans + offset
    return replace(trace, starts=trace.starts + offset, spans=spans)
