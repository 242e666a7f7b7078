"""Runs between teacher forcing and free running: what each step is told came before it is the clip's latent or
the model's own.

A mixed run speaks a clip's text along the clip's own timing (its aligned durations). Up to ``free_from_s`` every
step is told the clip's latents (teacher forcing); from there on it is told its own output with probability
``own_rate``, else the clip's, as in scheduled sampling (Bengio et al., arXiv 1506.03099).

    free_from_s = 0, own_rate = 1    the free run along that plan
    free_from_s = end or own_rate = 0    teacher forcing

b batch (1)   k steps   r latents a step   n latents   d latent dimensions
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lewm_core.config import MelConfig
from lewm_core.inference_engine import one_thread
from lewm_core.model.lewm import Generated, LeWM, SamplingSettings, Step
from lewm_core.model.text_batch import TextBatch
from lewm_core.predictor_trace import trace_of

if TYPE_CHECKING:
    from lewm_core.inference import Progress, Rendering, Synthesiser

_LONGER_THAN_CLIP_S = 2.0
"""How much longer than its clip a run may get where no plan says how long it is."""


class MixedRunError(ValueError):
    """The run cannot be made as asked; the message says what to change."""


@dataclass(frozen=True)
class MixedSettings:
    """How a mixed run is made.

    Attributes:
        free_from_s: s in the clip up to which it is teacher-forced.
        own_rate: probability, from there on, that a step is told the model's own output: 0 to 1.
        seed: of the noise, and of which steps are told what; a higher rate adds steps to those of a lower one.
        temperature: as in ``LeWM.generate``; added where the model goes on from its own output.
        stop_threshold: stop probability above which a run that is all its own ends.
    """

    free_from_s: float = 0.0
    own_rate: float = 1.0
    seed: int = 0
    temperature: float = 0.0
    stop_threshold: float = 0.5
    cancelled: Callable[[], bool] = field(default=lambda: False)

    def __post_init__(self) -> None:
        if not self.free_from_s >= 0.0:
            raise MixedRunError(f"A run is free from 0 s on or later, not from {self.free_from_s:g} s.")
        if not 0.0 <= self.own_rate <= 1.0:
            raise MixedRunError(
                f"The share of own history lies between 0 (teacher-forced) and 1 (free), not at {self.own_rate:g}."
            )

    @property
    def remark(self) -> str:
        """The run in a few words, for a title."""
        parts = []
        if self.free_from_s > 0:
            parts.append(f"free from {self.free_from_s:.2f} s")
        if self.own_rate < 1:
            parts.append(f"{100 * self.own_rate:.0f} % own history")
        return ", ".join(parts) or "free along the clip's timing"


def mixed_title(remark: str) -> str:
    """How a mixed run is called over its mel."""
    return f"Mixed run: {remark}"


@dataclass(frozen=True)
class MixedRun:
    """What came out.

    Attributes:
        generated: latents, stop probabilities, attention, and why it ended: "stop_head", "max_length",
            "cancelled", or "clip_end" where the clip's latents were followed to their end.
        own_history: (k,) was the step told the model's own output.
    """

    generated: Generated
    own_history: np.ndarray


def own_steps(settings: MixedSettings, steps: int, step_s: float) -> np.ndarray:
    """(k,) true at steps that are told the model's own output; a step counts from its beginning."""
    starts = np.arange(steps) * step_s
    drawn = np.random.default_rng(settings.seed).random(steps)
    return np.asarray((starts >= settings.free_from_s - 1e-6) & (drawn < settings.own_rate))


def mixed_run(
    model: LeWM, text: TextBatch, speaker: Tensor, mel: Tensor, settings: MixedSettings
) -> Generator[Step, None, MixedRun]:
    """Run along a clip, step by step.

    A run that is all its own from ``free_from_s`` on ends as a free run does: by the stop head, or a tenth later
    than planned. One that goes on being told the clip's latents ends with the clip.

    Args:
        text: the clip's transcript.  speaker: (1,), or the shares of a blend (1, n_speakers).  mel: (1, m, t).

    Raises:
        ValueError: the transcript does not fit the clip.
    """
    with torch.inference_mode(), one_thread():
        clip = model.force(text, speaker, mel)
    config, predictor = model.config, model.predictor
    r = config.latents_per_step
    step_s = r * config.downsample_factor / MelConfig().frame_rate
    clip_steps = clip.latents.shape[1] // r
    own = own_steps(settings, clip_steps, step_s)
    is_free = settings.own_rate == 1.0 and bool(own.any())
    longest = _longest(clip_steps, step_s, planned=clip.durations is not None) if is_free else clip_steps
    own = np.concatenate((own, np.ones(longest - clip_steps, bool)))
    truth = clip.latents.view(clip_steps, r, -1)
    noise = _noise(model, settings, longest)
    with torch.inference_mode(), one_thread():
        plan = model.plan(clip.memory, clip.mask, clip.durations, longest)
        state = predictor.start_state(plan, speaker, longest)
    latents: list[Tensor] = []
    stops: list[float] = []
    attention: list[Tensor] = []
    reason = "max_length" if is_free else "clip_end"
    for step in range(longest):
        if settings.cancelled():
            reason = "cancelled"
            break
        with torch.inference_mode(), one_thread():
            made, stop, weights = predictor.step(state, need_weights=True)
            goes_on = own[step + 1] if step + 1 < longest else is_free
            if goes_on and noise is not None:
                made = made + noise[step]
            told = made[0] if goes_on or step >= clip_steps else truth[step]
            state.last[:1] = told.flatten()
            latents.append(model.denormalise(made[0]))
        assert weights is not None
        stops.append(float(stop.sigmoid()[0]))
        attention.append(weights[:, 0])
        yield Step(latents[-1], (step + 1) / longest)
        is_long_enough = (step + 1) > int(SamplingSettings.min_seconds / step_s)
        if is_free and own[step] and is_long_enough and stops[-1] > settings.stop_threshold:
            reason = "stop_head"
            break
    made_all = torch.cat(latents) if latents else clip.latents.new_zeros(0, config.latent_dim)
    generated = Generated(
        latents=made_all[: clip.length] if reason == "clip_end" else made_all,
        stop_probability=torch.tensor(stops),
        attention=torch.stack(attention, dim=2) if attention else None,
        stop_reason=reason,
        durations=None if clip.durations is None else clip.durations[0],
    )
    return MixedRun(generated, own[: len(stops)])


def _longest(clip_steps: int, step_s: float, *, planned: bool) -> int:
    """Steps after which a free run along a clip is ended, as in ``inference_engine``."""
    return clip_steps + (max(4, clip_steps // 10) if planned else round(_LONGER_THAN_CLIP_S / step_s))


def _noise(model: LeWM, settings: MixedSettings, steps: int) -> Tensor | None:
    """(steps, r, d), the same numbers that a free run of this seed adds."""
    if settings.temperature <= 0:
        return None
    random = torch.Generator().manual_seed(settings.seed)
    drawn = torch.randn(steps, model.config.latents_per_step, model.config.latent_dim, generator=random)
    return settings.temperature * model.residual_std * drawn


@dataclass(frozen=True)
class MixedRendering:
    """A mixed run as it is shown and heard.

    Attributes:
        rendering: mel, wave, mel L1 to the clip along the DTW path, latents and trace.
        stop_reason: see ``MixedRun``.  remark: the run in a few words.  recipe: what makes it again, JSON-able.
    """

    rendering: Rendering
    stop_reason: str
    remark: str
    recipe: dict[str, Any]


def render_mixed(
    voice: Synthesiser, clip: Path | str | np.ndarray, text: str, speaker: str, settings: MixedSettings
) -> Generator[Progress, None, MixedRendering]:
    """Make a mixed run of a clip: ``Synthesiser.compare`` has what lies at its two ends.

    Args:
        clip: a sound file, or mono samples at the checkpoint's rate in [-1, 1].  text: the words spoken in it.

    Raises:
        AudioError: the clip cannot be used.  TextError: the text is unusable or does not fit the clip.
        UnknownSpeakerError, BlendError: there is no such speaker.
    """
    from lewm_core.inference import Progress, Rendering, SynthesisRequest, aligned_mel_l1
    from lewm_core.streaming import GrowingMel
    from lewm_core.text import TextError, normalise

    who, named = voice.who(speaker)
    yield Progress(0.0, "Reading the clip")
    mel = voice.clip_mel(voice.clip_wave(clip))
    spoken = voice.read(normalise(text, named.language), named)
    run = mixed_run(voice.model, spoken, who, torch.from_numpy(mel).unsqueeze(0), settings)
    growing, number = GrowingMel(voice.voice), 0
    while True:
        try:
            step = next(run)
        except StopIteration as end:
            made: MixedRun = end.value
            break
        except ValueError as error:
            raise TextError(f"The text does not fit the clip: {error}. Correct the transcript.") from error
        growing.add(step.latents.numpy())
        partial = growing.mel() if number % 12 == 0 else None
        yield Progress(0.9 * step.fraction, "Running, " + settings.remark, partial)
        number += 1
    if made.generated.stop_reason == "clip_end":  # the last step reaches beyond the clip
        with torch.inference_mode():
            decoded = voice.model.mel_decoder(made.generated.latents.unsqueeze(0))[0].numpy()
        decoded = np.ascontiguousarray(decoded[:, : mel.shape[1]])
    else:
        decoded = growing.mel()
    yield Progress(0.95, "Vocoding")
    rendering = Rendering(
        decoded,
        voice.vocoder.decode(decoded) if decoded.shape[1] else np.zeros(0, np.float32),
        aligned_mel_l1(decoded, mel),
        made.generated.latents.numpy(),
        trace_of(voice.model.config, spoken, made.generated, made.own_history),
        title=mixed_title(settings.remark),
    )
    request = SynthesisRequest(text, speaker, settings.seed, settings.temperature)
    recipe = {
        **voice.recipe(request, made.generated.stop_reason),
        "free_from_s": settings.free_from_s,
        "own_rate": settings.own_rate,
        "clip": None if isinstance(clip, np.ndarray) else Path(clip).name,
    }
    return MixedRendering(rendering, made.generated.stop_reason, settings.remark, recipe)
