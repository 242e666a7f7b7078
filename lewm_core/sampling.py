"""How a free run is made: settings, and noise that depends on the seed alone. Without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

BYTES_TO_SECONDS = 0.07
"""Rough seconds of speech a byte of text, only for progress where no durations are predicted."""


@dataclass(frozen=True)
class SamplingSettings:
    """How a free run is made; see ``LeWM.generate``."""

    seed: int = 0
    temperature: float = 0.0
    speed: float = 1.0
    min_seconds: float = 0.15
    max_seconds: float = 40.0
    stop_threshold: float = 0.5
    need_attention: bool = False
    cancelled: Callable[[], bool] = field(default=lambda: False)


def drawn_noise(seed: int, steps: int, latents: int, dimensions: int) -> np.ndarray:
    """Normal numbers (steps, latents, dimensions), float32, the same for the same seed on every machine.

    The numbers of a step do not depend on how many steps are drawn.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    return random.standard_normal((steps, latents, dimensions), dtype=np.float32)
