"""What the predictor carries from step to step, for rows that began at different times.

b rows   k steps allocated   u text units allocated   r latents a step   h heads   e channels a head
w predictor width   d latent dimensions
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import NamedTuple

import torch
from torch import Tensor

from lewm_core.config import ModelConfig
from lewm_core.model.layers import KeyValueCache, StepPlace, rotary


@dataclass(frozen=True)
class PreparedText:
    """A text plan as the steps read it, projected once a request.

    Attributes:
        given: (b, k, w) speaker and text of each step; (b, 1, w) where there is no plan.
        moments: (b, k r, w) text at each latent; None where there is no plan.
        bias: (b, 1, k or 1, u) added to cross-attention scores.
        memories: keys and values of the text, (b, h, u, e) each, one pair a layer.
    """

    given: Tensor
    moments: Tensor | None
    bias: Tensor
    memories: list[tuple[Tensor, Tensor]]


class Now(NamedTuple):
    """What the coming step reads: given (b, w), moments (b, r, w) or None, bias (b, 1, 1, u), and where it is."""

    given: Tensor
    moments: Tensor | None
    bias: Tensor
    place: StepPlace


@dataclass
class PredictorState:
    """Preallocated memory of a batch whose rows join and leave; rows in use come first.

    Attributes:
        keys, values: (layers, b, h, k, e) of the steps so far.
        text_keys, text_values: (layers, b, h, u, e).
        given: (b, k, w).  moments: (b, k, r, w) or None.  bias: (b, k, u).
        last: (b, r d) what each row is told came before its coming step.
        cos, sin: (k, e) rotary tables.
        steps: steps that each row in use has behind it.  units: text units of each.
    """

    keys: Tensor
    values: Tensor
    text_keys: Tensor
    text_values: Tensor
    given: Tensor
    moments: Tensor | None
    bias: Tensor
    last: Tensor
    cos: Tensor
    sin: Tensor
    steps: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)

    @classmethod
    def empty(cls, config: ModelConfig, rows: int, steps: int, units: int, like: Tensor) -> PredictorState:
        """Allocate for ``rows`` rows of at most ``steps`` steps and ``units`` text units, none in use."""
        width, heads, layers = config.predictor_dim, config.predictor_heads, config.predictor_layers
        r = config.latents_per_step
        past, text = (
            (layers, rows, heads, steps, width // heads),
            (layers, rows, heads, units, width // heads),
        )
        planned = config.alignment == "durations"
        cos, sin = rotary(torch.arange(steps, device=like.device), width // heads)
        return cls(
            keys=like.new_zeros(past), values=like.new_zeros(past),
            text_keys=like.new_zeros(text), text_values=like.new_zeros(text),
            given=like.new_zeros(rows, steps, width),
            moments=like.new_zeros(rows, steps, r, width) if planned else None,
            bias=torch.full((rows, steps, units), float("-inf"), device=like.device),
            last=like.new_zeros(rows, r * config.latent_dim),
            cos=cos.to(like.dtype), sin=sin.to(like.dtype),
        )  # fmt: skip

    @property
    def rows(self) -> int:
        """Rows in use."""
        return len(self.steps)

    @property
    def size(self) -> tuple[int, int, int]:
        """Rows, steps and text units for which there is memory."""
        return self.bias.shape[0], self.bias.shape[1], self.bias.shape[2]

    def put(self, source: int, prepared: PreparedText, start: Tensor) -> int:
        """Begin a row from row ``source`` of ``prepared``.

        Args:
            start: (r d) what the first step is told.

        Returns:
            the row that it became.

        Raises:
            IndexError: all rows are in use, or the text or its plan is longer than what was allocated.
        """
        row, units = self.rows, prepared.bias.shape[-1]
        planned = prepared.given.shape[1]
        if row >= self.size[0] or planned > self.size[1] or units > self.size[2]:
            raise IndexError(f"no room for row {row} of {planned} steps and {units} units in {self.size}")
        if prepared.moments is None:
            self.given[row] = prepared.given[source]
            planned = self.size[1]
        else:
            self.given[row, :planned] = prepared.given[source]
        if self.moments is not None and prepared.moments is not None:
            self.moments[row, :planned] = prepared.moments[source].unflatten(0, (planned, -1))
        self.bias[row] = float("-inf")
        self.bias[row, :planned, :units] = prepared.bias[source, 0]
        for layer, (keys, values) in enumerate(prepared.memories):
            self.text_keys[layer, row, :, :units] = keys[source]
            self.text_values[layer, row, :, :units] = values[source]
        self.last[row] = start
        self.steps.append(0)
        self.units.append(units)
        return row

    def remove(self, row: int) -> None:
        """End ``row``; the last row in use takes its place."""
        last, steps = self.rows - 1, self.steps[-1]
        if row != last:
            self.keys[:, row, :, :steps] = self.keys[:, last, :, :steps]
            self.values[:, row, :, :steps] = self.values[:, last, :, :steps]
            for store in (self.given, self.moments, self.bias, self.last):
                if store is not None:
                    store[row] = store[last]
            self.text_keys[:, row] = self.text_keys[:, last]
            self.text_values[:, row] = self.text_values[:, last]
            self.steps[row], self.units[row] = self.steps[-1], self.units[-1]
        self.steps.pop()
        self.units.pop()

    def grown(self, config: ModelConfig, rows: int, steps: int, units: int) -> PredictorState:
        """The same rows in memory for at least so many rows, steps and units."""
        had = self.size
        rows, steps, units = max(rows, had[0]), max(steps, had[1]), max(units, had[2])
        larger = PredictorState.empty(config, rows, steps, units, like=self.given)
        for item in fields(self):
            old, new = getattr(self, item.name), getattr(larger, item.name)
            if isinstance(old, Tensor) and item.name not in ("cos", "sin"):
                new[tuple(slice(length) for length in old.shape)] = old
        larger.steps, larger.units = self.steps, self.units
        return larger

    def now(self) -> Now:
        """What the coming step of all rows reads.

        Raises:
            IndexError: a row has no step left.
        """
        if max(self.steps) >= self.size[1]:
            raise IndexError(f"there is memory for {self.size[1]} steps; a row asked for one more")
        device = self.given.device
        rows, at = torch.arange(self.rows, device=device), torch.tensor(self.steps, device=device)
        longest = max(self.steps) + 1
        hidden = None
        if min(self.steps) + 1 != longest:
            unfilled = torch.arange(longest, device=device)[None] > at[:, None]
            hidden = torch.zeros(unfilled.shape, device=device).masked_fill(unfilled, float("-inf"))
            hidden = hidden[:, None, None]
        cos, sin = self.cos[at][:, None, None, None], self.sin[at][:, None, None, None]
        place = StepPlace(self.steps, rows, at, cos, sin, hidden)
        bias = place.pick(self.bias)[:, None, None, : max(self.units)]
        moments = None if self.moments is None else place.pick(self.moments)
        return Now(place.pick(self.given), moments, bias, place)

    def cache(self, layer: int, place: StepPlace) -> KeyValueCache:
        """The steps so far of one layer."""
        return KeyValueCache(self.keys[layer, : self.rows], self.values[layer, : self.rows], place)

    def memory(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the text for one layer, (b, h, u, e) each, u of the longest text."""
        units = max(self.units)
        return self.text_keys[layer, : self.rows, :, :units], self.text_values[layer, : self.rows, :, :units]

    def advance(self) -> None:
        """Count the step that was just made."""
        self.steps = [step + 1 for step in self.steps]
