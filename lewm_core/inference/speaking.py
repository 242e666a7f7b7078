"""A request on its way, sentence by sentence: text to latents to mel to wave, in chunks that can be played at once.

n latents   d latent dimensions   m mel bands   t mel frames
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lewm_core.graph_engine import GraphRun, GraphStep, speak
from lewm_core.inference.request import SynthesisRequest, SynthesisResult
from lewm_core.predictor_trace import PredictorTrace, join_traces, trace_of
from lewm_core.progress import WAITING, Progress, never
from lewm_core.sampling import SamplingSettings
from lewm_core.streaming import (
    FIRST_FRAMES,
    LARGEST_FRAMES,
    NO_STREAMING,
    AudioChunk,
    GrowingMel,
    GrowingWave,
)
from lewm_core.text import Sentence, normalise, split_sentences
from lewm_core.voice_prompt import joined

if TYPE_CHECKING:
    from lewm_core.inference.synthesiser import Synthesiser

_SILENCE = float(np.log(1e-7))
_STEPS_BEFORE_PARTIAL = 6  # about half a second of speech at 11.7 steps/s
_SECONDS_BETWEEN_PARTIALS = 0.1

Generate = Callable[..., Generator[GraphStep | None, None, GraphRun]]
"""As ``graph_engine.speak`` of a voice; None where nothing is there yet."""


@dataclass
class _Part:
    """The sentence that is being spoken: which one of how many, its mel and its wave so far."""

    number: int
    count: int
    mel: GrowingMel
    wave: GrowingWave

    @property
    def is_last(self) -> bool:
        return self.number + 1 == self.count

    @property
    def message(self) -> str:
        return f"Speaking sentence {self.number + 1} of {self.count}" if self.count > 1 else "Speaking"


class Speaking:
    """One request with what was made of it so far, on one time axis; arguments as ``Synthesiser.speech``."""

    def __init__(
        self, voice: Synthesiser, request: SynthesisRequest, cancelled: Callable[[], bool] = never,
        first_frames: int = FIRST_FRAMES, trace: bool = False, generate: Generate | None = None,
    ) -> None:  # fmt: skip
        self._voice, self._request, self._cancelled = voice, request, cancelled
        self._shares, self._speaker = voice.shares(request.speaker)
        self._first_frames = first_frames
        self._generate = generate or partial(speak, voice.voice)
        self._mels: list[np.ndarray] = []
        self._waves: list[np.ndarray] = []
        self._latents: list[np.ndarray] = []
        self._reasons: list[str] = []
        self._traces: list[PredictorTrace] | None = [] if trace else None
        self._trace_starts: list[float] = []  # s
        self._timings = dict.fromkeys(("text", "predictor", "decoder", "vocoder"), 0.0)

    def run(self) -> Generator[Progress | AudioChunk, None, SynthesisResult]:
        """Speak all of it."""
        yield Progress(0.0, "Reading text")
        language = self._speaker.language
        with self._clock("text"):
            sentences = split_sentences(normalise(self._request.text, language), language)
        for number, sentence in enumerate(sentences):
            if self._cancelled():
                self._reasons.append("cancelled")
            else:
                mel = GrowingMel(self._voice.voice)
                wave = GrowingWave(self._voice.vocoder, self._voice.info.mel)
                yield from self._speak(sentence, _Part(number, len(sentences), mel, wave))
            if self._reasons[-1] == "cancelled":
                break
        yield Progress(1.0, "Done")
        return self._result()

    @contextmanager
    def _clock(self, stage: str) -> Iterator[None]:
        """Add the time spent in the block to that of a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._timings[stage] += time.perf_counter() - start

    def _speak(self, sentence: Sentence, part: _Part) -> Generator[Progress | AudioChunk, None, None]:
        """Speak one sentence, and the pause behind it."""
        mel_config = self._voice.info.mel
        with self._clock("text"):
            text = joined(self._request.prompt, self._voice.reading(sentence.text, self._speaker.language))
        begins_at = sum(mel.shape[1] for mel in self._mels) / mel_config.frame_rate
        run = yield from self._grow(self._begin(text, part.number), part)
        self._reasons.append(run.stop_reason or "cancelled")
        if not run.latents:
            return
        self._latents.append(np.concatenate(run.latents))
        if self._traces is not None and run.attention:
            self._traces.append(self._trace(text, run))
            self._trace_starts.append(begins_at)
        is_followed = not part.is_last and run.stop_reason != "cancelled"
        pause = round(sentence.pause / self._request.speed * mel_config.frame_rate) if is_followed else 0
        yield self._chunk(part, None, (part.number + 1) / part.count, pause)

    def _begin(self, text: str, number: int) -> Generator[GraphStep | None, None, GraphRun]:
        """Start the predictor on the text of a sentence."""
        request = self._request
        settings = SamplingSettings(
            seed=request.seed + number,
            temperature=request.temperature,
            speed=request.speed,
            cancelled=self._cancelled,
            need_attention=self._traces is not None,
        )
        known = None if request.prompt is None else request.prompt.known(self._voice.voice)
        return self._generate(text, self._shares, settings, known)

    def _grow(
        self, run: Generator[GraphStep | None, None, GraphRun], part: _Part
    ) -> Generator[Progress | AudioChunk, None, GraphRun]:
        """Take the steps of a run as they come: chunks where enough is settled, else progress."""
        wanted, shown, fraction = self._first_frames, 0.0, part.number / part.count
        in_chunks = self._first_frames < NO_STREAMING and part.wave.can_grow
        step = 0
        while True:
            step += 1
            try:
                with self._clock("predictor"):
                    item = next(run)
            except StopIteration as end:
                made: GraphRun = end.value
                return made
            if item is None:
                yield Progress(fraction, WAITING)
                continue
            part.mel.add(item.latents)
            fraction = (part.number + 0.9 * item.fraction) / part.count
            partial_mel = None
            if (ready := part.wave.ready(part.mel.settled_frames)) >= wanted:
                yield self._chunk(part, part.wave.frames + ready, fraction)
                wanted = min(2 * wanted, LARGEST_FRAMES)
            elif not in_chunks and step > _STEPS_BEFORE_PARTIAL and time.perf_counter() > shown:
                with self._clock("decoder"):
                    partial_mel = self._mel(part.mel.mel())
                shown = time.perf_counter() + _SECONDS_BETWEEN_PARTIALS
            yield Progress(fraction, part.message, partial_mel)

    def _chunk(self, part: _Part, until: int | None, fraction: float, pause: int = 0) -> AudioChunk:
        """Decode the frames from the last chunk's end to ``until`` (None: to the end of the sentence, with a
        pause of so many frames) and keep them.
        """
        hop, first, wave_of = self._voice.info.mel.hop_length, part.wave.frames, part.wave
        with self._clock("decoder"):
            mel = part.mel.mel() if until is None else part.mel.settled()
        with self._clock("vocoder"):
            wave = wave_of.rest(mel) if until is None else wave_of.samples(mel, until)
        fresh = np.pad(mel[:, first : wave_of.frames], ((0, 0), (0, pause)), constant_values=_SILENCE)
        wave = np.pad(wave, (0, pause * hop))
        is_last = until is None and (part.is_last or self._reasons[-1] == "cancelled")
        if is_last:  # as everywhere, a wave ends with the middle of its last frame
            wave = wave[:-hop]
        start, rate = sum(map(len, self._waves)), self._voice.info.mel.sample_rate
        chunk = AudioChunk(
            wave=wave, mel=fresh, start=start, sample_rate=rate, sentence=part.number, sentences=part.count,
            fraction=fraction, is_last=is_last,
            predicted=(start + len(wave) + max(0, part.mel.frames - wave_of.frames) * hop) / rate,
        )  # fmt: skip
        self._mels.append(fresh)
        self._waves.append(wave)
        return chunk

    def _trace(self, text: str, run: GraphRun) -> PredictorTrace:
        """The steps of a run that kept its attention."""
        import torch

        from lewm_core.model.lewm import Generated
        from lewm_core.model.text_batch import TextBatch

        generated = Generated(
            torch.from_numpy(np.concatenate(run.latents)), torch.tensor(run.stop_probabilities),
            torch.from_numpy(np.stack(run.attention, axis=2)), run.stop_reason or "cancelled",
            None if run.durations is None else torch.from_numpy(run.durations),
        )  # fmt: skip
        trace = trace_of(self._voice.config, TextBatch.of([text]), generated, own_history=True)
        assert trace is not None
        return trace

    def _mel(self, *tail: np.ndarray) -> np.ndarray:
        """(m, t) of all chunks, and what follows them."""
        nothing = np.zeros((self._voice.info.mel.n_mels, 0), np.float32)
        return np.concatenate([*self._mels, *tail] or [nothing], axis=1)

    def _result(self) -> SynthesisResult:
        voice, mel = self._voice, self._mel()
        wave = np.concatenate(self._waves) if self._waves else np.zeros(0, np.float32)
        latents = np.concatenate(self._latents) if self._latents else np.zeros((0, voice.config.latent_dim))
        reason = next((r for r in ("cancelled", "max_length") if r in self._reasons), "stop_head")
        return SynthesisResult(
            request=self._request, mel=mel, wave=wave[: max(0, mel.shape[1] - 1) * voice.info.mel.hop_length],
            sample_rate=voice.info.mel.sample_rate, latents=latents.astype(np.float32), stop_reason=reason,
            timings=self._timings, recipe=voice.recipe(self._request, reason),
            trace=join_traces(self._traces or [], self._trace_starts),
        )  # fmt: skip
