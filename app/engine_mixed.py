"""Mixed runs, and what is measured of the predictor's steps; runs in the engine process only."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from app.engine_messages import PaneSound, Step
from app.messages_mixed import AttentionFacts, LatentMaps, MixedMade, RunMixed

if TYPE_CHECKING:
    from lewm_core.inference import Synthesiser
    from lewm_core.predictor_trace import PredictorTrace


def run_mixed(
    voice: Synthesiser, request: RunMixed, cancelled: Callable[[], bool]
) -> Generator[Step, None, MixedMade]:
    """Make a mixed run; a cancelled one keeps what was made."""
    from lewm_core.mixed_run import MixedSettings, render_mixed

    settings = MixedSettings(
        request.free_from_s, request.own_rate, request.seed, request.temperature, cancelled=cancelled
    )
    job = render_mixed(voice, request.wave, request.text, request.speaker, settings)
    while True:
        try:
            update = next(job)
        except StopIteration as end:
            made = end.value
            break
        yield Step(update.fraction, update.message, update.partial_mel)
    pane = made.rendering
    sound = PaneSound(pane.mel, pane.wave, pane.mel_l1, pane.latents, pane.trace, pane.title)
    return MixedMade(sound, made.stop_reason, made.remark, dict(made.recipe))


def attention_facts(trace: PredictorTrace) -> AttentionFacts:
    """Figures and paths of every head, and of their mean; raises AnalysisError."""
    job = measure_attention(trace)
    while True:
        try:
            next(job)
        except StopIteration as end:
            facts: AttentionFacts = end.value
            return facts


def measure_attention(trace: PredictorTrace) -> Generator[None, None, AttentionFacts]:
    """`attention_facts`, layer by layer: a minute of speech takes seconds, and others may be waiting."""
    from lewm_core.analysis.attention import attention_figures, monotonic_path

    planned = trace.planned_units()
    layers = len(trace.attention)
    figures, paths, mean = [], [], np.zeros(trace.attention.shape[2:], np.float32)
    for layer in range(layers):
        weights = np.asarray(trace.attention[layer], np.float32)
        mean += weights.mean(0) / layers
        figures.append(attention_figures(weights[None], planned))
        yield
        paths.append(monotonic_path(weights))
        yield
    focus = np.concatenate([layer.focus for layer in figures])
    best = np.unravel_index(int(focus.argmax()), focus.shape)
    of_mean = attention_figures(mean[None, None], planned)
    return AttentionFacts(
        mean=mean.astype(np.float16),
        focus=focus,
        monotonicity=np.concatenate([layer.monotonicity for layer in figures]),
        offset=None if planned is None else np.concatenate([layer.offset for layer in figures]),
        paths=np.stack(paths).astype(np.int32),
        mean_path=monotonic_path(mean).astype(np.int32),
        planned=planned,
        sharpest=(int(best[0]), int(best[1])),
        mean_figures=(
            float(of_mean.focus[0, 0]),
            float(of_mean.monotonicity[0, 0]),
            float("nan") if of_mean.offset is None else float(of_mean.offset[0, 0]),
        ),
    )


def latents_on_one_scale(
    latents: dict[str, Any], forced: str, free: str, latent_s: float
) -> LatentMaps | None:
    """Latents of both runs to be looked at; None where one of them has none."""
    from lewm_core.analysis.latent_drift import latent_maps

    pair = [latents.get(key) for key in (forced, free)]
    if any(values is None or len(values) < 2 for values in pair):
        return None
    reference, other, dimensions = latent_maps(np.asarray(pair[0]), np.asarray(pair[1]))
    return LatentMaps(reference.astype(np.float16), other.astype(np.float16), latent_s, dimensions)
