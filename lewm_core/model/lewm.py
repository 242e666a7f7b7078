"""LeWM: the parts joined. Loss paths (``forward_…``) live beside what a listener calls (``generate``).

b batch   t mel frames   n latents   s text bytes   u text units   m mel bands   d latent dimensions
r latents a step   k steps
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lewm_core.aligner import Aligner, viterbi_durations
from lewm_core.config import ModelConfig
from lewm_core.model.audio_encoder import AudioEncoder
from lewm_core.model.mel_decoder import MelDecoder
from lewm_core.model.predictor import JEPAPredictor, TextPlan
from lewm_core.model.text_batch import TextBatch
from lewm_core.model.text_encoder import DurationPredictor, TextEncoder
from lewm_core.model.text_plan import LengthRegulator
from lewm_core.sampling import SamplingSettings

if TYPE_CHECKING:
    from lewm_core.model.prompt_fill import PromptSteps


@dataclass
class Generated:
    """What ``generate`` made of one text.

    Attributes:
        latents: (n, d) in the decoder's space.  stop_probability: (k,) a step.
        attention: (layers, h, k, u) or None.  stop_reason: "stop_head", "max_length" or "cancelled".
        durations: (u,) latents that each unit was planned to last; None where attention alone decides.
    """

    latents: Tensor
    stop_probability: Tensor
    attention: Tensor | None
    stop_reason: str
    durations: Tensor | None = None


@dataclass(frozen=True)
class Forcing:
    """A clip made ready for teacher forcing.

    Attributes:
        latents: (1, k r, d) of the clip, normalised; the last one repeated up to a whole step.
        length: n, latents of the clip itself.
        memory: (1, u, x) encoded text.  mask: (1, u).
        durations: (1, u) latents each unit lasts in the clip; None where attention alone decides.
    """

    latents: Tensor
    length: int
    memory: Tensor
    mask: Tensor
    durations: Tensor | None


@dataclass(frozen=True)
class Step:
    """One step of a free run: its latents (r, d) in the decoder's space, and the share done in [0, 1]."""

    latents: Tensor
    fraction: float


class LeWM(nn.Module):
    """TextEncoder, AudioEncoder, JEPAPredictor and MelDecoder, with the latents' statistics as buffers."""

    latent_mean: Tensor
    latent_std: Tensor
    residual_std: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.text_encoder = TextEncoder(config)
        self.audio_encoder = AudioEncoder(config)
        self.predictor = JEPAPredictor(config)
        self.mel_decoder = MelDecoder(config)
        planned = config.alignment == "durations"
        self.aligner = Aligner(config) if planned else None
        self.duration = DurationPredictor(config.text_dim, config.dropout) if planned else None
        self.regulator = LengthRegulator(config) if planned else None
        self.register_buffer("latent_mean", torch.zeros(config.latent_dim))
        self.register_buffer("latent_std", torch.ones(config.latent_dim))
        self.register_buffer("residual_std", torch.ones(config.latent_dim))

    def reads(self, text: str, phonemes: str) -> str:
        """Which of an utterance's spellings the text encoder reads."""
        return phonemes if self.config.text_frontend == "phonemes" else text

    def normalise(self, latents: Tensor) -> Tensor:
        """From the decoder's space to zero mean and unit spread a dimension, (…, d); unused ones are 0."""
        return (latents - self.latent_mean) / self.latent_std * self.predictor.active

    def denormalise(self, latents: Tensor) -> Tensor:
        """Undo ``normalise``."""
        return latents * self.latent_std + self.latent_mean

    def encode(self, mel: Tensor, mask: Tensor | None = None) -> Tensor:
        """Encode mel (b, m, t) to mean latents (b, n, d); an odd last frame is padded with its copy."""
        factor = self.config.downsample_factor
        extra = -mel.shape[2] % factor
        if extra:
            mel = F.pad(mel, (0, extra), mode="replicate")
        return self.audio_encoder(mel, mask)[0]

    def encode_text(self, text: TextBatch, speaker: Tensor) -> tuple[Tensor, Tensor]:
        """Return encoded units (b, u, x) and their mask (b, u); units are bytes under "attention"."""
        encoded: tuple[Tensor, Tensor] = self.text_encoder(text, speaker)
        return encoded

    def align(self, text: TextBatch, mel: Tensor) -> Tensor:
        """Find how many latents of one clip each unit of its text lasts.

        Args:
            text: one text.  mel: (1, m, t).

        Returns:
            (1, u) whole latents.

        Raises:
            ValueError: the checkpoint has no aligner, or the clip is too short for the text.
        """
        if self.aligner is None:
            raise ValueError("this checkpoint aligns by attention alone; it has no aligner")
        extra = -mel.shape[2] % self.config.downsample_factor
        mel = F.pad(mel, (0, extra), mode="replicate") if extra else mel
        scores = self.aligner(text.bytes, text.unit_index, int(text.units[0]), mel)[0].float()
        return torch.from_numpy(viterbi_durations(scores.log_softmax(-1).numpy()))[None]

    def plan(
        self, memory: Tensor, mask: Tensor, durations: Tensor | None, steps: int | None = None
    ) -> TextPlan:
        """Lay encoded text along time; without durations the plan is left to attention."""
        if self.regulator is None or durations is None:
            return TextPlan(memory, mask, None, None, mask.new_zeros(len(mask), dtype=torch.long))
        return self.regulator(memory, mask, durations, steps)

    @torch.inference_mode()
    def force(self, text: TextBatch, speaker: Tensor, mel: Tensor) -> Forcing:
        """Make a clip ready for teacher forcing.

        Args:
            text: the clip's transcript.  speaker: (1,).  mel: (1, m, t) of the clip.

        Raises:
            ValueError: the transcript does not fit the clip.
        """
        latents = self.normalise(self.encode(mel))
        length = latents.shape[1]
        extra = -length % self.config.latents_per_step
        if extra:
            latents = F.pad(latents.transpose(1, 2), (0, extra), mode="replicate").transpose(1, 2)
        memory, mask = self.encode_text(text, speaker)
        durations = self.align(text, mel) if self.aligner is not None else None
        return Forcing(latents, length, memory, mask, durations)

    @torch.inference_mode()
    def teacher_forced(
        self, text: TextBatch, speaker: Tensor, mel: Tensor, attention: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Predict each latent of a clip from the true latents before it.

        Args:
            text: the clip's transcript.  speaker: (1,).  mel: (1, m, t) of the clip.
            attention: each layer appends its cross-attention weights (1, h, k, u) to this list.

        Returns:
            latents (1, n, d) in the decoder's space, stop probability (1, k).
        """
        return self.predict_forced(self.force(text, speaker, mel), speaker, attention)

    @torch.inference_mode()
    def predict_forced(
        self, clip: Forcing, speaker: Tensor, attention: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """``teacher_forced`` of a clip that was made ready."""
        steps = clip.latents.shape[1] // self.config.latents_per_step
        plan = self.plan(clip.memory, clip.mask, clip.durations, steps)
        predicted, stop = self.predictor(self.predictor.shift(clip.latents), plan, speaker, attention)
        return self.denormalise(predicted[:, : clip.length]), stop.sigmoid()

    @torch.no_grad()
    def free_run(self, plan: TextPlan, speaker: Tensor, steps: int) -> Tensor:
        """Run a whole batch freely for a fixed number of steps, without noise (used in validation).

        Returns:
            normalised latents (b, steps r, d).
        """
        state = self.predictor.start_state(plan, speaker, steps)
        made = []
        for _ in range(steps):
            latents, _, _ = self.predictor.step(state)
            state.last = latents.flatten(1)
            made.append(latents)
        return torch.cat(made, dim=1)

    def generate(
        self, text: TextBatch, speaker: Tensor, settings: SamplingSettings, prompt: PromptSteps | None = None
    ) -> Generator[Step, None, Generated]:
        """Speak one text freely, step by step: the batched engine with a batch of one.

        With a ``prompt``, whose words ``text`` begins with, it goes on from there; only what is new is made.

        Yields:
            the latents of each step, as they are made.

        Returns:
            everything that was made; when ``settings.cancelled()`` turns true it ends within one step.
        """
        from lewm_core.inference_engine import Engine

        engine = Engine(self, max_rows=1)
        run = engine.join(text, speaker, settings, prompt)
        while run.stop_reason is None:
            for _, step in engine.step():
                yield step
        return run.result()
