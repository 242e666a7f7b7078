"""One request, readable: text to latents to mel to wave, and the four mels of a comparison.

    voice = Synthesiser.load("voice.safetensors")
    result = finish(voice.synthesise(SynthesisRequest("Hello there.", speaker="heart")))

``synthesiser`` is the loaded voice; ``request`` says what to speak and what came of it; ``speaking`` makes it
sentence by sentence; ``comparison`` makes the four mels of a clip.

Speaking needs no torch; it is imported, which takes seconds, when a clip is compared or the model itself is asked for.
"""

from __future__ import annotations

from lewm_core.inference.comparison import PANES, Comparison, Rendering, aligned_mel_l1, mel_l1
from lewm_core.inference.request import SamplingError, SynthesisRequest, SynthesisResult
from lewm_core.inference.synthesiser import Synthesiser, embedded_checkpoint
from lewm_core.progress import WAITING, Progress, finish, never

__all__ = [
    "PANES",
    "WAITING",
    "Comparison",
    "Progress",
    "Rendering",
    "SamplingError",
    "SynthesisRequest",
    "SynthesisResult",
    "Synthesiser",
    "aligned_mel_l1",
    "embedded_checkpoint",
    "finish",
    "mel_l1",
    "never",
]
