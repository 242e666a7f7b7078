"""Synthesiser: a loaded checkpoint with its vocoder, its speakers, and how it reads a text."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lewm_core.checkpoint import CheckpointInfo, load_arrays, load_checkpoint
from lewm_core.config import DEFAULT_TEMPERATURE, FASTEST, SLOWEST, Speaker
from lewm_core.exported_voice import is_exported, load_exported
from lewm_core.graph_voice import GraphVoice
from lewm_core.inference.comparison import Comparison, compare
from lewm_core.inference.request import SamplingError, SynthesisRequest, SynthesisResult
from lewm_core.inference.speaking import Generate, Speaking
from lewm_core.mel import AudioError, load_audio, log_mel
from lewm_core.phonemes import phonemise
from lewm_core.progress import Progress, finish, never, only
from lewm_core.resources_path import resource
from lewm_core.speaker_blend import SpeakerBlend, UnknownSpeakerError
from lewm_core.streaming import FIRST_FRAMES, NO_STREAMING, AudioChunk
from lewm_core.text import TextError
from lewm_core.vocoder import Vocoder, load_vocoder
from lewm_core.voice_prompt import check_owner, joined

if TYPE_CHECKING:
    import torch

    from lewm_core.model.lewm import LeWM
    from lewm_core.model.text_batch import TextBatch
    from lewm_core.voice_prompt import VoicePrompt

MAX_CLIP_SECONDS = 60.0


class Synthesiser:
    """A loaded checkpoint with its vocoder: speaks texts and compares clips.

    Args:
        model: in memory; None where it lies in the file of ``info`` and is read when it is asked for.
        voice: the graphs that speak; by default made from ``model`` as it is now.

    Attributes:
        config: of the model.
    """

    def __init__(
        self, model: LeWM | None, info: CheckpointInfo, vocoder: Vocoder, voice: GraphVoice | None = None
    ) -> None:
        if voice is None and model is None:
            raise ValueError("a Synthesiser needs a model or its graphs")
        self._model, self.info, self.vocoder = model, info, vocoder
        self.config = info.config
        self.voice = voice or GraphVoice.of(model)  # type: ignore[arg-type]
        self.vocoder_name = vocoder.name

    @classmethod
    def load(
        cls, checkpoint: Path | str | None = None, vocoder: str | None = None, threads: int = 1
    ) -> Synthesiser:
        """Load a checkpoint (None: the embedded voice) and a vocoder (None: the one it names).

        Args:
            checkpoint: a file, or a folder that ``lewm export`` wrote.
            threads: that share the work of decoder and vocoder.

        Raises:
            CheckpointError, VocoderError: with a sentence that says what is wrong.
        """
        if checkpoint is not None and is_exported(checkpoint):
            return load_exported(checkpoint, vocoder, threads)
        arrays, info = load_arrays(checkpoint if checkpoint is not None else embedded_checkpoint())
        voice = GraphVoice(info.config, arrays, threads=threads)
        return cls(None, info, load_vocoder(vocoder or info.vocoder, info.mel, threads), voice)

    def with_vocoder(self, vocoder: Vocoder) -> Synthesiser:
        """The same voice with another vocoder."""
        return Synthesiser(self._model, self.info, vocoder, self.voice)

    @property
    def model(self) -> LeWM:
        """The model in torch, for all that is more than speaking; read from its file when first asked for."""
        if self._model is None:
            self._model, _ = load_checkpoint(self.info.path)
        return self._model

    def warm_up(self) -> None:
        """Speak a word that nobody hears, so that the first request does not wait for what starts late."""
        speaker = self.info.speakers[0]
        finish(self.synthesise(SynthesisRequest("एक" if speaker.language == "hi" else "one", speaker.name)))

    def speaker(self, name: str) -> tuple[int, Speaker]:
        """Find a speaker by name.

        Raises:
            UnknownSpeakerError: there is none.
        """
        for index, speaker in enumerate(self.info.speakers):
            if speaker.name == name:
                return index, speaker
        names = ", ".join(speaker.name for speaker in self.info.speakers)
        raise UnknownSpeakerError(
            f"There is no speaker {name!r} in {self.info.path.name}; choose one of: {names}."
        )

    def shares(self, notation: str) -> tuple[np.ndarray, Speaker]:
        """Find a speaker, or make a blend of several (see ``lewm_core.speaker_blend``).

        Returns:
            the share of each speaker (1, n_speakers); and a description: the speaker, or the blend in its own
            notation with the language of its heaviest part.

        Raises:
            UnknownSpeakerError, BlendError: with a sentence that says what to choose.
        """
        blend = SpeakerBlend.parse(notation, [speaker.name for speaker in self.info.speakers])
        speaker = self.speaker(blend.heaviest)[1]
        if not blend.is_single:
            speaker = Speaker(str(blend), speaker.language)
        return np.array([blend.row(self.info.speakers)], np.float32), speaker

    def who(self, notation: str) -> tuple[torch.Tensor, Speaker]:
        """As ``shares``, for the model in torch: (1,) of a speaker, the shares (1, n_speakers) of a blend."""
        import torch

        shares, speaker = self.shares(notation)
        if (shares == 1).any():
            return torch.from_numpy(shares.argmax(axis=1)), speaker
        return torch.from_numpy(shares), speaker

    def synthesise(
        self, request: SynthesisRequest, cancelled: Callable[[], bool] = never, *, trace: bool = False
    ) -> Generator[Progress, None, SynthesisResult]:
        """Speak a request sentence by sentence.

        When ``cancelled()`` turns true it stops within one step and returns what was made.

        Args:
            trace: keep stop probability and cross-attention of each step.

        Raises:
            TextError, UnknownSpeakerError, BlendError, SamplingError, PromptError: before anything is made.
        """
        return (yield from only(Progress, self.speech(request, cancelled, NO_STREAMING, trace)))

    def stream(
        self,
        request: SynthesisRequest,
        cancelled: Callable[[], bool] = never,
        first_frames: int = FIRST_FRAMES,
    ) -> Generator[AudioChunk, None, SynthesisResult]:
        """Speak a request in chunks that can be played while the rest is still being made.

        The chunks joined are what ``synthesise`` makes of the request. When ``cancelled()`` turns true what
        was made by then comes as one more chunk, and no other.

        Args:
            first_frames: mel frames that the first chunk of a sentence waits for; each later chunk waits for
                twice as many as the one before it.

        Raises:
            TextError, UnknownSpeakerError, BlendError, SamplingError, PromptError: before anything is made.
        """
        return (yield from only(AudioChunk, self.speech(request, cancelled, first_frames)))

    def speech(
        self, request: SynthesisRequest, cancelled: Callable[[], bool] = never, first_frames: int = FIRST_FRAMES,
        trace: bool = False, generate: Generate | None = None,
    ) -> Generator[Progress | AudioChunk, None, SynthesisResult]:  # fmt: skip
        """As ``stream``, telling of progress between the chunks; partial mels only where chunks have to wait.

        Args:
            generate: makes the latents in the place of ``graph_engine.speak``; where it yields None, a ``Progress``
                with the message ``WAITING`` follows.
        """
        speaking = Speaking(self, request, cancelled, first_frames, trace, generate)
        self._check(request)
        return (yield from speaking.run())

    @property
    def can_change_speed(self) -> bool:
        """Whether the voice plans durations, which can be scaled; attention alone decides as it goes."""
        return self.config.alignment == "durations"

    def _check(self, request: SynthesisRequest) -> None:
        if not 0.0 <= request.temperature <= 2.0:
            raise SamplingError("The temperature must lie between 0 and 2.")
        if not SLOWEST <= request.speed <= FASTEST:
            raise SamplingError(f"The speed must lie between {SLOWEST} and {FASTEST}; 1 is as trained.")
        if request.speed != 1.0 and not self.can_change_speed:
            raise SamplingError(
                f"{self.info.path.name} aligns text by attention alone, so its pace cannot be changed. Use speed 1."
            )
        if request.prompt is not None:
            check_owner(request.prompt, self.info)

    def read(self, text: str, speaker: Speaker, prompt: VoicePrompt | None = None) -> TextBatch:
        """Turn a normalised sentence into what this checkpoint's text encoder reads, behind a prompt's words.

        Raises:
            TextError: nothing is left to speak.
        """
        from lewm_core.model.text_batch import TextBatch

        return TextBatch.of([joined(prompt, self.reading(text, speaker.language))])

    def reading(self, text: str, language: str) -> str:
        """Spell a normalised text as this checkpoint reads it: as it is, or as phonemes.

        Raises:
            TextError: nothing is left to speak.
        """
        if self.config.text_frontend == "phonemes":
            text = phonemise(text, language)
        if not any(character.isalnum() for character in text):
            raise TextError("There is nothing to speak in this text. Type at least one word.")
        return text

    def recipe(self, request: SynthesisRequest, stop_reason: str) -> dict[str, Any]:
        """Everything needed to make a take again, JSON-able."""
        return {
            **asdict(replace(request, prompt=None)),
            "prompt": None if request.prompt is None else request.prompt.facts(),
            "speaker": self.shares(request.speaker)[1].name,
            "checkpoint": self.info.path.name,
            "checkpoint_sha256": self.info.sha256,
            "preset": self.info.preset,
            "step": self.info.step,
            "vocoder": self.vocoder_name,
            "stop_reason": stop_reason,
        }

    def compare(
        self, clip: Path | str | np.ndarray, text: str, speaker: str, seed: int = 0,
        temperature: float = DEFAULT_TEMPERATURE, cancelled: Callable[[], bool] = never,
        mel: np.ndarray | None = None,
    ) -> Generator[Progress, None, Comparison]:  # fmt: skip
        """Make the four mels of a clip: ground truth, reconstruction, teacher-forced, free-running.

        Args:
            clip: a sound file, or mono samples at the checkpoint's rate in [-1, 1].
            text: the words spoken in it.
            mel: (m, t) of the clip, where there is a better one than that of its wave.

        Raises:
            AudioError: the clip cannot be used.  TextError: the text is unusable or does not fit the clip.
            UnknownSpeakerError, BlendError: there is no such speaker.
        """
        return (yield from compare(self, clip, text, speaker, seed, temperature, cancelled, mel))

    def clip_wave(self, clip: Path | str | np.ndarray) -> np.ndarray:
        """A clip's samples at the checkpoint's rate, in [-1, 1]; raises AudioError."""
        return clip if isinstance(clip, np.ndarray) else load_audio(clip, self.info.mel.sample_rate)

    def clip_mel(self, wave: np.ndarray) -> np.ndarray:
        """The log-mel (m, t) of a clip that can be compared.

        Raises:
            AudioError: it is too long or too short.
        """
        seconds = len(wave) / self.info.mel.sample_rate
        if seconds > MAX_CLIP_SECONDS:
            raise AudioError(
                f"The clip lasts {seconds:.0f} s; a comparison takes up to {MAX_CLIP_SECONDS:.0f} s. Cut it."
            )
        if seconds < 0.1:
            raise AudioError(f"The clip lasts {seconds:.2f} s; at least 0.1 s is needed.")
        return log_mel(wave, self.info.mel)


def embedded_checkpoint() -> Path:
    """The voice that ships with the program."""
    return resource("voice", "studio.safetensors")
