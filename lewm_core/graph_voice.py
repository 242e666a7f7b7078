"""A voice as graphs: text, plan, step and decoder of a checkpoint, made from its weights without torch.

s text bytes   u text units   x text width   w predictor width   l predictor layers   h heads   e channels a head
n latents   k steps   r latents a step   d latent dimensions
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lewm_core.config import ModelConfig
from lewm_core.graph_session import FlowSession, open_session
from lewm_core.graphs.builder import FlowRows
from lewm_core.graphs.sound_graphs import decoder_graph
from lewm_core.graphs.step_graph import step_graph
from lewm_core.graphs.text_graphs import plan_graph, text_graph
from lewm_core.text_units import unit_of_byte

if TYPE_CHECKING:
    from lewm_core.model.lewm import LeWM

ATTENTION_SPREAD = 5.0
"""As in ``lewm_core.model.predictor``."""
DEFAULT_PRECISION = "int8"
SHORTEST_LATENTS, LONGEST_LATENTS = 0.5, 150.0


STATISTICS = (
    "latent_mean", "latent_std", "residual_std", "predictor.active", "predictor.start", "predictor.speaker.weight",
)  # fmt: skip
"""Arrays of a checkpoint that are read besides the graphs."""


@dataclass(frozen=True)
class VoiceGraphs:
    """The graphs of a voice as ONNX; ``plan`` is empty where alignment is "attention"."""

    text: bytes
    plan: bytes
    step: bytes
    decoder: bytes
    flow: FlowRows


def voice_graphs(config: ModelConfig, weights: dict[str, np.ndarray], precision: str) -> VoiceGraphs:
    """Write the graphs of a checkpoint."""
    plan = plan_graph(weights, config) if config.alignment == "durations" else b""
    decoder, flow = decoder_graph(weights, config)
    return VoiceGraphs(text_graph(weights, config), plan, step_graph(weights, config, precision), decoder, flow)


@dataclass(frozen=True)
class EncodedText:
    """A text as the predictor reads it.

    Attributes:
        memory: (u, x).  keys: (l, h, e, u).  values: (l, h, u, e).
        log_durations: (u,) of the latents that each unit lasts; None where alignment is "attention".
        bytes: how many the text has.
    """

    memory: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    log_durations: np.ndarray | None
    bytes: int


@dataclass(frozen=True)
class TextPlan:
    """The text as each step reads it.

    Attributes:
        given: (k or 1, w) speaker and text of each step.  moments: (k, r, w) or None.
        bias: (k or 1, u) added to cross-attention scores.
    """

    given: np.ndarray
    moments: np.ndarray | None
    bias: np.ndarray


class GraphVoice:
    """A checkpoint's graphs, ready to run. Not for use from two threads at once.

    Args:
        weights: the arrays of a checkpoint by name, float16 or float32.
        precision: of the predictor's linear layers, see ``lewm_core.graphs.builder``. All else is float32: the text
            is encoded once a request, and what the decoder rounds would be heard.
        threads: that share the work of the decoder.
        graphs: already written; ``weights`` then need hold no more than ``STATISTICS``.
    """

    def __init__(
        self, config: ModelConfig, weights: dict[str, np.ndarray], precision: str = DEFAULT_PRECISION,
        threads: int = 1, graphs: VoiceGraphs | None = None,
    ) -> None:  # fmt: skip
        self.config, self.precision = config, precision
        kept = (np.asarray(weights[name], np.float32) for name in STATISTICS)
        self.latent_mean, self.latent_std, self.residual_std, self.active, self.start, self._voices = kept
        graphs = graphs or voice_graphs(config, weights, precision)
        self._text = open_session(graphs.text)
        self._plan = open_session(graphs.plan) if graphs.plan else None
        self.step = open_session(graphs.step)
        self.decoder = FlowSession(graphs.decoder, graphs.flow, "latents", "mel", threads)

    @classmethod
    def of(cls, model: LeWM, precision: str = DEFAULT_PRECISION) -> GraphVoice:
        """The graphs of a model in memory, as its weights are now."""
        weights = {name: value.detach().cpu().float().numpy() for name, value in model.state_dict().items()}
        return cls(model.config, weights, precision)

    def read(self, text: str, shares: np.ndarray) -> EncodedText:
        """Encode what the checkpoint's text front end gave.

        Args:
            shares: (1, n_speakers) of each speaker in the voice; they sum to 1.
        """
        values = np.frombuffer(text.encode("utf8"), np.uint8).astype(np.int64)
        given = {"bytes": values, "shares": shares}
        units = len(values)
        if self.config.alignment == "durations":
            index = np.array(unit_of_byte(text), np.int64)
            units = int(index[-1]) + 1
            given["pooling"] = pooling(index, units)
        given["cos"], given["sin"] = turned_halves(units, self.config.text_dim // self.config.text_heads)
        names = ["memory", "text_keys", "text_values"]
        if self.config.alignment == "durations":
            names.append("log_durations")
        memory, keys, attended, *durations = self._text.run(names, given)
        return EncodedText(memory, keys, attended, durations[0][:, 0] if durations else None, len(values))

    def plan(
        self, text: EncodedText, shares: np.ndarray, durations: np.ndarray | None, steps: int
    ) -> TextPlan:
        """Lay an encoded text along ``steps`` steps.

        Args:
            durations: (u,) whole latents of each unit; None where alignment is "attention".
        """
        if self._plan is None or durations is None:
            return TextPlan(shares @ self._voices, None, np.zeros((1, len(text.memory)), np.float32))
        r = self.config.latents_per_step
        unit, place, over = laid_along(durations, steps * r)
        given, moments = self._plan.run(
            ["given", "moments"],
            {"memory": text.memory, "unit": unit, "place": place, "over": over, "shares": shares},
        )
        centre = unit.reshape(steps, r).astype(np.float32).mean(axis=1, keepdims=True)
        offset = np.arange(len(durations), dtype=np.float32) - centre
        bias = -0.5 * np.square(offset / np.float32(ATTENTION_SPREAD))
        return TextPlan(given, moments.reshape(steps, r, -1), bias)

    def denormalise(self, latents: np.ndarray) -> np.ndarray:
        """From what the predictor says to the decoder's space, (…, d)."""
        result: np.ndarray = latents * self.latent_std + self.latent_mean
        return result

    def history(self, latents: np.ndarray) -> np.ndarray:
        """Latents (n, d) in the decoder's space, n a multiple of r, as the predictor is told them: (n / r, r d)."""
        return self.normalise(latents).reshape(-1, self.config.latents_per_step * self.config.latent_dim)

    def normalise(self, latents: np.ndarray) -> np.ndarray:
        """Undo ``denormalise``; unused dimensions are 0."""
        result: np.ndarray = (latents - self.latent_mean) / self.latent_std * self.active
        return result.astype(np.float32)


def whole_durations(log_durations: np.ndarray, speed: float = 1.0) -> np.ndarray:
    """Round predicted log-durations (u,) to whole latents without losing the total length.

    As ``lewm_core.model.text_encoder.whole_durations``: ends of units are rounded, not lengths.
    """
    lengths = np.clip(np.exp(log_durations) / np.float32(speed), SHORTEST_LATENTS, LONGEST_LATENTS)
    ends = np.rint(np.cumsum(lengths.astype(np.float64)))
    return np.diff(ends, prepend=0.0).astype(np.int64)


def laid_along(durations: np.ndarray, latents: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which unit is spoken at each latent (n,), the place in it (n, 4), and whether the text is over (n, 1).

    As ``lewm_core.model.text_plan.LengthRegulator``.
    """
    ends = np.cumsum(durations)
    time = np.arange(latents)
    unit = np.minimum(np.searchsorted(ends, time, side="right"), len(durations) - 1)
    length = np.maximum(durations[unit].astype(np.float32), np.float32(1))
    into = (time - (ends - durations)[unit] + 0.5).astype(np.float32)
    left = (ends[-1] - time).astype(np.float32)
    place = np.stack(
        (np.clip(into / length, 0, 1), np.log(length), np.clip(into / 8, 0, 2), np.clip(left / 8, -1, 2)),
        axis=1,
    )
    return unit.astype(np.int64), place.astype(np.float32), (time >= ends[-1]).astype(np.float32)[:, None]


def pooling(index: np.ndarray, units: int) -> np.ndarray:
    """The matrix (u, s) that averages the bytes of each unit; ``index`` (s,) is the unit of each byte."""
    belongs = (index == np.arange(units)[:, None]).astype(np.float32)
    result: np.ndarray = belongs / np.maximum(belongs.sum(axis=1, keepdims=True), 1)
    return result


def angles(positions: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and sines (positions, width / 2) of rotary positions (``lewm_core.model.layers.rotary``)."""
    half = width // 2
    rates = np.float32(10_000.0) ** (-np.arange(half, dtype=np.float32) / np.float32(half))
    turn = np.arange(positions, dtype=np.float32)[:, None] * rates
    return np.cos(turn), np.sin(turn)


@lru_cache(maxsize=4)
def _tables(positions: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    cos, sin = angles(positions, width)
    return np.hstack((cos, cos))[:, None], np.hstack((-sin, sin))[:, None]


def turned_halves(positions: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and signed sines (positions, 1, width) for a product with both halves and with them swapped."""
    cos, sin = _tables(max(256, 1 << (positions - 1).bit_length()), width)
    return cos[:positions], sin[:positions]
