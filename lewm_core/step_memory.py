"""What the step graph reads and writes, for rows that began at different times; bound to its session in place.

b rows   k steps allocated   u text units allocated   r latents a step   d latent dimensions   w predictor width
l layers   h heads   e channels a head, E the same in the cache
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lewm_core.graph_voice import EncodedText, GraphVoice, TextPlan, angles
from lewm_core.graphs.step_graph import head_width

_UNIT = 64
"""Sizes are multiples of it: sums over a row must not be taken in another order because a neighbour is longer."""


class StepMemory:
    """Caches and inputs of a batch; rows in use come first. Grows when a row is put, never in a step."""

    def __init__(self, voice: GraphVoice) -> None:
        self._voice = voice
        self._steps: list[int] = []
        self._units: list[int] = []
        self._size = (0, 0, 0)
        self._arrays: dict[str, np.ndarray] = {}
        self._bound: tuple[Any, dict[str, np.ndarray]] | None = None

    @property
    def rows(self) -> int:
        """Rows in use."""
        return len(self._steps)

    @property
    def size(self) -> tuple[int, int, int]:
        """Rows, steps and text units for which there is memory."""
        return self._size

    def steps(self, row: int) -> int:
        """Steps that a row has behind it."""
        return self._steps[row]

    def put(self, text: EncodedText, steps: int) -> int:
        """Begin a row that takes at most so many steps; returns its number."""
        row, units = self.rows, text.keys.shape[-1]
        had = self._size
        wanted = (row + 1, steps, units)
        if any(now > before for now, before in zip(wanted, had, strict=True)):
            self._grow(
                _enough(wanted[0], had[0], 1), _enough(steps, had[1], _UNIT), _enough(units, had[2], _UNIT)
            )
        arrays = self._arrays
        for layer in range(self._voice.config.predictor_layers):
            arrays[f"text_keys_{layer}"][row, :, :, :units] = text.keys[layer]
            arrays[f"text_values_{layer}"][row, :, :units] = text.values[layer]
            # Beyond a row's own units the weights are zero, and zero times what a former row left must be zero.
            arrays[f"text_values_{layer}"][row, :, units:] = 0
            arrays[f"text_keys_{layer}"][row, :, :, units:] = 0
        arrays["last"][row] = self._voice.start
        self._steps.append(0)
        self._units.append(units)
        self._bound = None
        return row

    def remove(self, row: int) -> None:
        """End ``row``; the last row in use takes its place."""
        last = self.rows - 1
        if row != last:
            steps, units = self._steps[last], self._units[last]
            for name, array in self._arrays.items():
                if name.startswith(("keys", "values")):
                    array[row, :, :steps] = array[last, :, :steps]
                elif name.startswith("text") or name == "last":
                    array[row] = array[last]
            self._steps[row], self._units[row] = steps, units
        self._steps.pop()
        self._units.pop()
        self._bound = None

    def tell(self, row: int, latents: np.ndarray) -> None:
        """Say what came before the coming step of ``row``: normalised latents (r, d)."""
        self._arrays["last"][row] = latents.reshape(-1)

    def advance(
        self, plans: Sequence[TextPlan], with_attention: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Make one step of every row.

        Args:
            plans: of each row.

        Returns:
            normalised latents (b, r, d), stop probabilities (b,), and cross-attention (l, b, h, u) where asked for.
        """
        if max(self._steps) >= self._size[1]:
            raise IndexError(f"there is memory for {self._size[1]} steps; a row asked for one more")
        if self._bound is None or with_attention != ("attention_0" in self._bound[1]):
            self._bound = self._bind(with_attention)
        binding, outputs = self._bound
        arrays = self._arrays
        for row, (plan, step) in enumerate(zip(plans, self._steps, strict=True)):
            arrays["given"][row] = plan.given[min(step, len(plan.given) - 1)]
            arrays["bias"][row, 0, 0, : self._units[row]] = plan.bias[min(step, len(plan.bias) - 1)]
            arrays["bias"][row, 0, 0, self._units[row] :] = -np.inf
            if plan.moments is not None:
                arrays["moments"][row] = plan.moments[step]
            arrays["steps"][row] = step
        arrays["total"][...] = max(self._steps) + 1
        self._voice.step.run_with_iobinding(binding)
        self._steps = [step + 1 for step in self._steps]
        layers = self._voice.config.predictor_layers
        attention = None
        if with_attention:
            attention = np.stack([outputs[f"attention_{layer}"][:, :, 0] for layer in range(layers)])
        return outputs["latents"], outputs["stop"][:, 0], attention

    def _grow(self, rows: int, steps: int, units: int) -> None:
        """Allocate for so many rows, steps and units, and keep what is there."""
        config = self._voice.config
        heads, wide = config.predictor_heads, head_width(config)
        width, r = config.predictor_dim, config.latents_per_step
        shapes: dict[str, tuple[int, ...]] = {
            "last": (rows, r * config.latent_dim), "given": (rows, width), "bias": (rows, 1, 1, units),
        }  # fmt: skip
        if config.alignment == "durations":
            shapes["moments"] = (rows, r, width)
        for layer in range(config.predictor_layers):
            shapes[f"keys_{layer}"] = shapes[f"values_{layer}"] = (rows, heads, steps, wide)
            shapes[f"text_keys_{layer}"] = (rows, heads, width // heads, units)
            shapes[f"text_values_{layer}"] = (rows, heads, units, width // heads)
        arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        for name, old in self._arrays.items():
            if name in arrays:
                arrays[name][tuple(slice(length) for length in old.shape)] = old
        arrays["steps"], arrays["total"] = np.zeros(rows, np.int32), np.zeros((), np.int32)
        turned = config.predictor_dim // heads
        for name, table in zip(("cos", "sin"), angles(steps, turned), strict=True):
            arrays[name] = np.zeros((steps, wide // 2), np.float32)
            arrays[name][:, : turned // 2] = table
        self._arrays, self._size, self._bound = arrays, (rows, steps, units), None

    def _bind(self, with_attention: bool) -> tuple[Any, dict[str, np.ndarray]]:
        """Tell the session where the inputs of the rows in use lie and where its outputs go."""
        from onnxruntime import OrtValue

        config, rows = self._voice.config, self.rows
        heads, layers = config.predictor_heads, config.predictor_layers
        binding = self._voice.step.io_binding()
        outputs = {
            "latents": np.zeros((rows, config.latents_per_step, config.latent_dim), np.float32),
            "stop": np.zeros((rows, 1), np.float32),
        }
        if with_attention:
            for layer in range(layers):
                outputs[f"attention_{layer}"] = np.zeros((rows, heads, 1, self._size[2]), np.float32)
        whole = ("cos", "sin", "total")
        values = {
            name: OrtValue.ortvalue_from_numpy(array if name in whole else array[:rows])
            for name, array in self._arrays.items()
        }
        for name, value in values.items():
            binding.bind_ortvalue_input(name, value)
        for layer in range(layers):
            for name in ("keys", "values"):
                binding.bind_ortvalue_output(f"new_{name}_{layer}", values[f"{name}_{layer}"])
        for name, array in outputs.items():
            binding.bind_ortvalue_output(name, OrtValue.ortvalue_from_numpy(array))
        return binding, outputs


def _enough(wanted: int, had: int, unit: int) -> int:
    """At least ``wanted``; twice as much as before where that is too little; a multiple of ``unit``."""
    if wanted <= had:
        return had
    return -(-max(wanted, 2 * had) // unit) * unit
