"""A free run that begins after a prompt: the steps of known speech are put behind a row in one pass.

b batch (1)   k steps of the prompt   r latents a step   d latent dimensions   u text units
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lewm_core.model.layers import KeyValueCache, StepPlace, causal_bias, rotary
from lewm_core.model.predictor import JEPAPredictor
from lewm_core.model.predictor_state import PredictorState, PreparedText
from lewm_core.model.text_encoder import whole_durations


@dataclass(frozen=True, eq=False)
class PromptSteps:
    """Speech that a run goes on from.

    Attributes:
        history: (k, r d) normalised latents of its steps.
        durations: (1, u) latents of each unit of its text, the first u units of the run's text; they sum to
            k r. None where alignment is "attention".
        text_bytes: bytes of its text at the beginning of the run's text.
    """

    history: Tensor
    durations: Tensor | None
    text_bytes: int

    @property
    def steps(self) -> int:
        """Steps of the prompt."""
        return len(self.history)


class _FilledCache(KeyValueCache):
    """Stores the keys and values of many steps at once; none of them sees a later one."""

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        steps = key.shape[2]
        self.keys[:, :, :steps], self.values[:, :, :steps] = key, value
        return key, value


def fill(
    predictor: JEPAPredictor, state: PredictorState, row: int, prepared: PreparedText, prompt: PromptSteps
) -> None:
    """Put the steps of ``prompt`` behind ``row``, which was begun from ``prepared`` and has made none.

    The row is then as if it had said the prompt itself, step by step.
    """
    k, device = prompt.steps, state.keys.device
    history = prompt.history.to(state.last)
    told = torch.cat((predictor.start[None].to(history), history[:-1]))[None]
    x = predictor.prenet(told) + prepared.given[:, :k]
    bias = prepared.bias[:, :, :k]
    cos, sin = rotary(torch.arange(k, device=device), state.keys.shape[-1])
    place = StepPlace(
        [0], torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long), cos.to(x)[:, None, None],
        sin.to(x)[:, None, None], causal_bias(k, x) if k > 1 else None,
    )  # fmt: skip
    for layer, block in enumerate(predictor.decoder_blocks()):
        cache = _FilledCache(state.keys[layer, row : row + 1], state.values[layer, row : row + 1], place)
        x, _ = block(x, prepared.memories[layer], bias, cache)
    state.steps[row] = k
    state.last[row] = history[-1]


def planned_durations(
    log_durations: Tensor, mask: Tensor, speed: float, prompt: PromptSteps | None
) -> Tensor:
    """Whole latents of each unit (1, u): those that the prompt really took, then those predicted at ``speed``."""
    if prompt is None or prompt.durations is None:
        return whole_durations(log_durations, mask, speed)
    said = prompt.durations.shape[1]
    return torch.cat(
        (prompt.durations, whole_durations(log_durations[:, said:], mask[:, said:], speed)), dim=1
    )
