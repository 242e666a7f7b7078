"""One request, readable: text to latents to mel to wave, and the four mels of a comparison.

Speaking needs no torch; it is imported, which takes seconds, when a clip is compared or the model itself is asked for.

n latents   d latent dimensions   m mel bands   t mel frames
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from lewm_core.checkpoint import CheckpointInfo, load_arrays, load_checkpoint
from lewm_core.config import DEFAULT_TEMPERATURE, FASTEST, SLOWEST, MelConfig, Speaker
from lewm_core.exported_voice import is_exported, load_exported
from lewm_core.graph_engine import GraphRun, GraphStep, speak
from lewm_core.graph_voice import GraphVoice
from lewm_core.mel import AudioError, load_audio, log_mel
from lewm_core.phonemes import phonemise
from lewm_core.predictor_trace import PredictorTrace, join_traces, trace_of
from lewm_core.resources_path import resource
from lewm_core.sampling import SamplingSettings
from lewm_core.speaker_blend import SpeakerBlend, UnknownSpeakerError
from lewm_core.streaming import (
    FIRST_FRAMES,
    LARGEST_FRAMES,
    NO_STREAMING,
    AudioChunk,
    GrowingMel,
    GrowingWave,
)
from lewm_core.text import Sentence, TextError, normalise, split_sentences
from lewm_core.vocoder import Vocoder, load_vocoder
from lewm_core.voice_prompt import VoicePrompt, check_owner, joined

if TYPE_CHECKING:
    import torch

    from lewm_core.model.lewm import LeWM
    from lewm_core.model.text_batch import TextBatch

PANES = ("ground_truth", "reconstruction", "teacher_forced", "autoregressive")
MAX_CLIP_SECONDS = 60.0
_SILENCE = float(np.log(1e-7))
_STEPS_BEFORE_PARTIAL = 6  # about half a second of speech at 11.7 steps/s
_SECONDS_BETWEEN_PARTIALS = 0.1


_Item = TypeVar("_Item")
Generate = Callable[..., Generator[GraphStep | None, None, GraphRun]]
"""As ``graph_engine.speak`` of a voice; None where nothing is there yet."""
WAITING = "Waiting for the batch"
"""Message of a progress that says: ask again when more latents are there."""


class SamplingError(ValueError):
    """Temperature or speed lie outside what a voice can do; the message gives the limits."""


class Progress(NamedTuple):
    """How far a job is: share done in [0, 1], what it does, and the mel so far (m, t) where there is one."""

    fraction: float
    message: str
    partial_mel: np.ndarray | None = None


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


def never() -> bool:
    """A job that nobody cancels."""
    return False


def finish(job: Generator[Progress, None, Any], on_progress: Callable[[Progress], None] | None = None) -> Any:
    """Run a job to its end and return its result."""
    while True:
        try:
            progress = next(job)
        except StopIteration as end:
            return end.value
        if on_progress is not None:
            on_progress(progress)


@dataclass
class _Made:
    """Sentences spoken so far, on one time axis; ``traces`` and their beginnings (s) where asked for."""

    mels: list[np.ndarray] = field(default_factory=list)
    waves: list[np.ndarray] = field(default_factory=list)
    latents: list[np.ndarray] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    traces: list[PredictorTrace] | None = None
    trace_starts: list[float] = field(default_factory=list)
    timings: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("text", "predictor", "decoder", "vocoder"), 0.0)
    )

    def mel(self, n_mels: int, tail: np.ndarray | None = None) -> np.ndarray:
        parts = [*self.mels, *([] if tail is None else [tail])]
        return np.concatenate(parts, axis=1) if parts else np.zeros((n_mels, 0), np.float32)


class _Clock:
    """Adds the time spent in a ``with`` block to one of the timings."""

    def __init__(self, timings: dict[str, float], name: str) -> None:
        self._timings, self._name = timings, name

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._timings[self._name] += time.perf_counter() - self._start


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
        return (yield from _only(Progress, self.speech(request, cancelled, NO_STREAMING, trace)))

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
        return (yield from _only(AudioChunk, self.speech(request, cancelled, first_frames)))

    def speech(
        self, request: SynthesisRequest, cancelled: Callable[[], bool] = never, first_frames: int = FIRST_FRAMES,
        trace: bool = False, generate: Generate | None = None,
    ) -> Generator[Progress | AudioChunk, None, SynthesisResult]:  # fmt: skip
        """As ``stream``, telling of progress between the chunks; partial mels only where chunks have to wait.

        Args:
            generate: makes the latents in the place of ``graph_engine.speak``; where it yields None, a ``Progress``
                with the message ``WAITING`` follows.
        """
        _, speaker = self.shares(request.speaker)
        self._check(request)
        if request.prompt is not None:
            check_owner(request.prompt, self.info)
        made = _Made(traces=[] if trace else None)
        yield Progress(0.0, "Reading text")
        with _Clock(made.timings, "text"):
            sentences = split_sentences(normalise(request.text, speaker.language), speaker.language)
        for number, sentence in enumerate(sentences):
            if cancelled():
                made.reasons.append("cancelled")
            else:
                yield from self._speak(
                    request, sentence, number, len(sentences), made, cancelled, first_frames,
                    generate or partial(speak, self.voice),
                )  # fmt: skip
            if made.reasons[-1] == "cancelled":
                break
        yield Progress(1.0, "Done")
        return self._result(request, made)

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

    def _speak(
        self, request: SynthesisRequest, sentence: Sentence, number: int, count: int, made: _Made,
        cancelled: Callable[[], bool], first_frames: int, generate: Generate,
    ) -> Generator[Progress | AudioChunk, None, None]:  # fmt: skip
        """Speak one sentence and add it, and the pause behind it, to ``made``."""
        shares, speaker = self.shares(request.speaker)
        message = f"Speaking sentence {number + 1} of {count}" if count > 1 else "Speaking"
        with _Clock(made.timings, "text"):
            text = joined(request.prompt, self.reading(sentence.text, speaker.language))
        settings = SamplingSettings(
            seed=request.seed + number,
            temperature=request.temperature,
            speed=request.speed,
            cancelled=cancelled,
            need_attention=made.traces is not None,
        )
        begins_at = sum(mel.shape[1] for mel in made.mels) / self.info.mel.frame_rate
        known = None if request.prompt is None else request.prompt.known(self.voice)
        growing, sound = GrowingMel(self.voice), GrowingWave(self.vocoder, self.info.mel)
        wanted, shown, fraction = first_frames, 0.0, number / count
        run = generate(text, shares, settings, known)
        for step in range(1_000_000):
            try:
                with _Clock(made.timings, "predictor"):
                    item = next(run)
            except StopIteration as end:
                generated: GraphRun = end.value
                break
            if item is None:
                yield Progress(fraction, WAITING)
                continue
            growing.add(item.latents)
            fraction = (number + 0.9 * item.fraction) / count
            partial = None
            if sound.ready(growing.settled_frames) >= wanted:
                until = sound.frames + sound.ready(growing.settled_frames)
                yield self._chunk(made, growing, sound, until, number, count, fraction)
                wanted = min(2 * wanted, LARGEST_FRAMES)
            elif (
                (first_frames >= NO_STREAMING or not sound.can_grow)
                and step >= _STEPS_BEFORE_PARTIAL
                and time.perf_counter() > shown
            ):
                with _Clock(made.timings, "decoder"):
                    partial = made.mel(self.info.mel.n_mels, growing.mel())
                shown = time.perf_counter() + _SECONDS_BETWEEN_PARTIALS
            yield Progress(fraction, message, partial)
        made.reasons.append(generated.stop_reason or "cancelled")
        if not generated.latents:
            return
        made.latents.append(np.concatenate(generated.latents))
        if made.traces is not None:
            steps = self._trace(text, generated)
            made.traces += [] if steps is None else [steps]
            made.trace_starts.append(begins_at)
        is_followed = number + 1 < count and generated.stop_reason != "cancelled"
        pause = round(sentence.pause / request.speed * self.info.mel.frame_rate) if is_followed else 0
        yield self._chunk(made, growing, sound, None, number, count, (number + 1) / count, pause)

    def _chunk(
        self, made: _Made, growing: GrowingMel, sound: GrowingWave, until: int | None, number: int, count: int,
        fraction: float, pause: int = 0,
    ) -> AudioChunk:  # fmt: skip
        """Decode the frames from the last chunk's end to ``until`` (None: to the end of the sentence, with a
        pause of so many frames) and add them to ``made``.
        """
        hop, first = self.info.mel.hop_length, sound.frames
        with _Clock(made.timings, "decoder"):
            mel = growing.mel() if until is None else growing.settled()
        with _Clock(made.timings, "vocoder"):
            wave = sound.rest(mel) if until is None else sound.samples(mel, until)
        fresh = np.pad(mel[:, first : sound.frames], ((0, 0), (0, pause)), constant_values=_SILENCE)
        wave = np.pad(wave, (0, pause * hop))
        is_last = until is None and (number + 1 == count or made.reasons[-1] == "cancelled")
        if is_last:  # as everywhere, a wave ends with the middle of its last frame
            wave = wave[:-hop]
        start, rate = sum(map(len, made.waves)), self.info.mel.sample_rate
        chunk = AudioChunk(
            wave=wave, mel=fresh, start=start, sample_rate=rate, sentence=number, sentences=count,
            fraction=fraction, is_last=is_last,
            predicted=(start + len(wave) + max(0, growing.frames - sound.frames) * hop) / rate,
        )  # fmt: skip
        made.mels.append(fresh)
        made.waves.append(wave)
        return chunk

    def _trace(self, text: str, run: GraphRun) -> PredictorTrace | None:
        """The steps of a run that kept its attention."""
        import torch

        from lewm_core.model.lewm import Generated
        from lewm_core.model.text_batch import TextBatch

        if not run.attention:
            return None
        generated = Generated(
            torch.from_numpy(np.concatenate(run.latents)), torch.tensor(run.stop_probabilities),
            torch.from_numpy(np.stack(run.attention, axis=2)), run.stop_reason or "cancelled",
            None if run.durations is None else torch.from_numpy(run.durations),
        )  # fmt: skip
        return trace_of(self.config, TextBatch.of([text]), generated, own_history=True)

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

    def _result(self, request: SynthesisRequest, made: _Made) -> SynthesisResult:
        mel = made.mel(self.info.mel.n_mels)
        wave = np.concatenate(made.waves) if made.waves else np.zeros(0, np.float32)
        latents = np.concatenate(made.latents) if made.latents else np.zeros((0, self.info.config.latent_dim))
        reason = next((r for r in ("cancelled", "max_length") if r in made.reasons), "stop_head")
        return SynthesisResult(
            request=request, mel=mel, wave=wave[: max(0, mel.shape[1] - 1) * self.info.mel.hop_length],
            sample_rate=self.info.mel.sample_rate, latents=latents.astype(np.float32), stop_reason=reason,
            timings=made.timings, recipe=self.recipe(request, reason),
            trace=join_traces(made.traces or [], made.trace_starts),
        )  # fmt: skip

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
        import torch

        voice, who = self.who(speaker)
        yield Progress(0.0, "Reading the clip")
        wave = self.clip_wave(clip)
        mel = self.clip_mel(wave) if mel is None else mel
        spoken = self.read(normalise(text, who.language), who)
        request = SynthesisRequest(text, speaker, seed, temperature)
        panes: dict[str, Rendering] = {}
        reason = "cancelled"
        batch = torch.from_numpy(mel).unsqueeze(0)
        yield Progress(0.1, "Vocoding the ground truth")
        panes["ground_truth"] = Rendering(mel, self.vocoder.decode(mel))
        if not cancelled():
            yield Progress(0.3, "Reconstructing")
            with torch.inference_mode():
                encoded = self.model.encode(batch)
                panes["reconstruction"] = self._render(encoded, mel)
        if not cancelled():
            yield Progress(0.5, "Predicting with teacher forcing")
            panes["teacher_forced"] = self._teacher_forced(spoken, voice, mel)
        if not cancelled():
            run = self.synthesise(request, cancelled, trace=True)
            while True:
                try:
                    progress = next(run)
                except StopIteration as end:
                    result: SynthesisResult = end.value
                    break
                yield progress._replace(fraction=0.6 + 0.4 * progress.fraction)
            reason = result.stop_reason
            panes["autoregressive"] = Rendering(
                result.mel, result.wave, aligned_mel_l1(result.mel, mel), result.latents, result.trace
            )
        recipe = {
            **self.recipe(request, reason),
            "clip": None if isinstance(clip, np.ndarray) else Path(clip).name,
        }
        return Comparison(text, speaker, wave, self.info.mel.sample_rate, panes, reason, recipe)

    def _teacher_forced(self, text: TextBatch, voice: torch.Tensor, truth: np.ndarray) -> Rendering:
        import torch

        from lewm_core.model.lewm import Generated

        try:
            clip = self.model.force(text, voice, torch.from_numpy(truth).unsqueeze(0))
        except ValueError as error:
            raise TextError(f"The text does not fit the clip: {error}. Correct the transcript.") from error
        attention: list[torch.Tensor] = []
        latents, stop = self.model.predict_forced(clip, voice, attention)
        durations = None if clip.durations is None else clip.durations[0]
        steps = Generated(latents[0], stop[0], torch.stack(attention)[:, 0], "clip_end", durations)
        trace = trace_of(self.model.config, text, steps, own_history=False)
        with torch.inference_mode():
            return replace(self._render(latents, truth), trace=trace)

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

    def _render(self, latents: torch.Tensor, truth: np.ndarray) -> Rendering:
        """Decode latents (1, n, d) to as many frames as the truth has, and vocode them."""
        mel = np.ascontiguousarray(self.model.mel_decoder(latents)[0].numpy()[:, : truth.shape[1]])
        return Rendering(mel, self.vocoder.decode(mel), mel_l1(mel, truth), latents[0].numpy())


def _only(
    kind: type[_Item], job: Generator[Progress | AudioChunk, None, SynthesisResult]
) -> Generator[_Item, None, SynthesisResult]:
    """Of what a job yields, that of one kind."""
    while True:
        try:
            item = next(job)
        except StopIteration as end:
            result: SynthesisResult = end.value
            return result
        if isinstance(item, kind):
            yield item


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


def embedded_checkpoint() -> Path:
    """The voice that ships with the program."""
    return resource("voice", "studio.safetensors")
