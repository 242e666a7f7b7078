"""What window and engine say to each other about TF against AR: mixed runs, attention, latents on one scale.

Plain dataclasses with numpy arrays, as in `engine_messages`; nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class RunMixed:
    """Run along a clip: teacher-forced up to `free_from_s` (s), from there on with that share of own history."""

    wave: np.ndarray
    text: str
    speaker: str
    seed: int
    temperature: float
    free_from_s: float
    own_rate: float


@dataclass(frozen=True)
class MixedMade:
    """A mixed run: `pane` is a `PaneSound`; `remark` says in a few words which run it is."""

    pane: Any
    stop_reason: str
    remark: str
    recipe: dict[str, Any]


@dataclass(frozen=True)
class AttentionFacts:
    """Cross-attention of one run, measured; layers l, heads h, steps k, text units u.

    Attributes:
        mean: (k, u) weights averaged over all layers and heads.
        focus, monotonicity: (l, h) of each head; `offset` likewise, None where there is no plan.
        paths: (l, h, k) unit of each step on the head's own monotonic path, -1 for none; `mean_path` (k,).
        planned: (k,) unit that the plan speaks at each step, NaN for none; None without a plan.
        sharpest: (layer, head) of the greatest focus.
        mean_figures: focus, monotonicity and offset (NaN for none) of the mean.
    """

    mean: np.ndarray
    focus: np.ndarray
    monotonicity: np.ndarray
    offset: np.ndarray | None
    paths: np.ndarray
    mean_path: np.ndarray
    planned: np.ndarray | None
    sharpest: tuple[int, int]
    mean_figures: tuple[float, float, float]


@dataclass(frozen=True)
class LatentMaps:
    """Latents of both runs in standard deviations of the teacher-forced run, (n, e) and (k, e).

    `latent_s` are the seconds that one latent stands for, `dimensions` (e,) which of the model's are shown.
    """

    forced: np.ndarray
    free: np.ndarray
    latent_s: float
    dimensions: np.ndarray
