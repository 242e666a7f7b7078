"""The four mels of a clip: ground truth, reconstruction, teacher-forced, free-running (autoregressive).

n latents   d latent dimensions   m mel bands   t mel frames
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lewm_core.config import DEFAULT_TEMPERATURE, MelConfig
from lewm_core.inference.request import SynthesisRequest, SynthesisResult
from lewm_core.predictor_trace import PredictorTrace, trace_of
from lewm_core.progress import Progress, never
from lewm_core.text import TextError, normalise

if TYPE_CHECKING:
    import torch

    from lewm_core.inference.synthesiser import Synthesiser
    from lewm_core.model.text_batch import TextBatch

PANES = ("ground_truth", "reconstruction", "teacher_forced", "autoregressive")


@dataclass(frozen=True)
class Rendering:
    """A mel (m, t), its vocoded wave, and its L1 to the ground truth in nats (None for the truth).

    The free run has a timing of its own: its L1 is taken along the DTW path (``aligned_mel_l1``).

    ``latents`` (n, d) are what the mel was decoded from: the encoder's for the reconstruction, the
    predictor's for the two predictions, None for the truth. ``trace`` are the predictor's steps, where it ran.
    ``title`` names what is not what its place in a comparison says ("" where it is).
    """

    mel: np.ndarray
    wave: np.ndarray
    mel_l1: float | None = None
    latents: np.ndarray | None = None
    trace: PredictorTrace | None = None
    title: str = ""


@dataclass(frozen=True)
class Comparison:
    """A clip and what the model makes of it, by the names in ``PANES``; cancelled panes are missing."""

    text: str
    speaker: str
    original: np.ndarray
    sample_rate: int
    panes: dict[str, Rendering]
    stop_reason: str
    recipe: dict[str, Any]


def compare(
    voice: Synthesiser, clip: Path | str | np.ndarray, text: str, speaker: str, seed: int = 0,
    temperature: float = DEFAULT_TEMPERATURE, cancelled: Callable[[], bool] = never, mel: np.ndarray | None = None,
) -> Generator[Progress, None, Comparison]:  # fmt: skip
    """Make the four mels; see ``Synthesiser.compare``."""
    import torch

    shares, who = voice.who(speaker)
    yield Progress(0.0, "Reading the clip")
    wave = voice.clip_wave(clip)
    truth = voice.clip_mel(wave) if mel is None else mel
    spoken = voice.read(normalise(text, who.language), who)
    request = SynthesisRequest(text, speaker, seed, temperature)
    panes: dict[str, Rendering] = {}
    reason = "cancelled"
    yield Progress(0.1, "Vocoding the ground truth")
    panes["ground_truth"] = Rendering(truth, voice.vocoder.decode(truth))
    if not cancelled():
        yield Progress(0.3, "Reconstructing")
        with torch.inference_mode():
            encoded = voice.model.encode(torch.from_numpy(truth).unsqueeze(0))
            panes["reconstruction"] = _render(voice, encoded, truth)
    if not cancelled():
        yield Progress(0.5, "Predicting with teacher forcing")
        panes["teacher_forced"] = _teacher_forced(voice, spoken, shares, truth)
    if not cancelled():
        result = yield from _free_run(voice, request, cancelled)
        reason = result.stop_reason
        panes["autoregressive"] = Rendering(
            result.mel, result.wave, aligned_mel_l1(result.mel, truth), result.latents, result.trace
        )
    recipe = {
        **voice.recipe(request, reason),
        "clip": None if isinstance(clip, np.ndarray) else Path(clip).name,
    }
    return Comparison(text, speaker, wave, voice.info.mel.sample_rate, panes, reason, recipe)


def _free_run(
    voice: Synthesiser, request: SynthesisRequest, cancelled: Callable[[], bool]
) -> Generator[Progress, None, SynthesisResult]:
    """Speak the text; its progress is the last part of that of the comparison."""
    run = voice.synthesise(request, cancelled, trace=True)
    while True:
        try:
            progress = next(run)
        except StopIteration as end:
            result: SynthesisResult = end.value
            return result
        yield progress._replace(fraction=0.6 + 0.4 * progress.fraction)


def _teacher_forced(
    voice: Synthesiser, text: TextBatch, shares: torch.Tensor, truth: np.ndarray
) -> Rendering:
    import torch

    from lewm_core.model.lewm import Generated

    try:
        clip = voice.model.force(text, shares, torch.from_numpy(truth).unsqueeze(0))
    except ValueError as error:
        raise TextError(f"The text does not fit the clip: {error}. Correct the transcript.") from error
    attention: list[torch.Tensor] = []
    latents, stop = voice.model.predict_forced(clip, shares, attention)
    durations = None if clip.durations is None else clip.durations[0]
    steps = Generated(latents[0], stop[0], torch.stack(attention)[:, 0], "clip_end", durations)
    trace = trace_of(voice.config, text, steps, own_history=False)
    with torch.inference_mode():
        return replace(_render(voice, latents, truth), trace=trace)


def _render(voice: Synthesiser, latents: torch.Tensor, truth: np.ndarray) -> Rendering:
    """Decode latents (1, n, d) to as many frames as the truth has, and vocode them."""
    mel = np.ascontiguousarray(voice.model.mel_decoder(latents)[0].numpy()[:, : truth.shape[1]])
    return Rendering(mel, voice.vocoder.decode(mel), mel_l1(mel, truth), latents[0].numpy())


def mel_l1(mel: np.ndarray, truth: np.ndarray) -> float | None:
    """Mean absolute difference of two log-mels (m, t) over their common length, nats; None without one."""
    frames = min(mel.shape[1], truth.shape[1])
    return float(np.abs(mel[:, :frames] - truth[:, :frames]).mean()) if frames else None


def aligned_mel_l1(mel: np.ndarray, truth: np.ndarray) -> float | None:
    """Mel L1 of two readings with different timing, nats: frames are paired by DTW first.

    None where one of them is too short to be aligned.
    """
    from lewm_core.analysis.alignment import align, warped_to_reference
    from lewm_core.analysis.checks import AnalysisError

    try:
        path = align(truth, mel, MelConfig().frame_rate)
        return mel_l1(warped_to_reference(mel, path), truth)
    except AnalysisError:
        return None
