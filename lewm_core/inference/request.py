"""What to say and how, and what was said.

n latents   d latent dimensions   m mel bands   t mel frames
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lewm_core.config import DEFAULT_TEMPERATURE
from lewm_core.predictor_trace import PredictorTrace
from lewm_core.voice_prompt import VoicePrompt


class SamplingError(ValueError):
    """Temperature or speed lie outside what a voice can do; the message gives the limits."""


@dataclass(frozen=True)
class SynthesisRequest:
    """What to say and how. Temperature 0 takes the predictor's mean; speed 2.0 speaks twice as fast.

    ``speaker`` is a name or a blend of speakers such as "heart:0.6+emma:0.4" (``lewm_core.speaker_blend``).
    With a ``prompt`` each sentence goes on from that speech.
    """

    text: str
    speaker: str
    seed: int = 0
    temperature: float = DEFAULT_TEMPERATURE
    speed: float = 1.0
    prompt: VoicePrompt | None = None


@dataclass(frozen=True)
class SynthesisResult:
    """What was said.

    Attributes:
        mel: (m, t) natural log.  wave: ((t - 1) * hop,) in [-1, 1].  latents: (n, d).
        stop_reason: "stop_head", "max_length" or "cancelled" (the worst over all sentences).
        timings: seconds in "text", "predictor", "decoder", "vocoder".
        recipe: what is needed to make it again, JSON-able.
        trace: stop probability and cross-attention of each step, where it was asked for.
    """

    request: SynthesisRequest
    mel: np.ndarray
    wave: np.ndarray
    sample_rate: int
    latents: np.ndarray
    stop_reason: str
    timings: dict[str, float]
    recipe: dict[str, Any]
    trace: PredictorTrace | None = None
