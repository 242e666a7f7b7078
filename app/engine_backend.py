"""Requests of the window carried out with `lewm_core`; runs in the engine process only."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine_analysis import analyse
from app.engine_data import measure_rows, open_row
from app.engine_listening import match_levels
from app.engine_messages import (
    Analyse,
    CheckpointFacts,
    ClipOpened,
    Compare,
    Compared,
    DrawFigure,
    FigureDrawn,
    Inspect,
    LoadVoice,
    OpenClip,
    PaneSound,
    Request,
    Speak,
    Spoken,
    Step,
    VoiceLoaded,
)
from app.engine_mixed import run_mixed
from app.engine_panes import align_panes, study_error, track_formants
from app.engine_prompt import prepared
from app.engine_report import core_comparison, write_report
from app.engine_speakers import map_speakers
from app.engine_speech import speech_steps
from app.engine_sweep import make_cell
from app.messages_data import MeasureRows
from app.messages_listening import MatchLevels
from app.messages_mixed import RunMixed
from app.messages_panes import AlignPanes, StudyError, TrackFormants
from app.messages_report import WriteReport
from app.messages_speakers import MapSpeakers
from app.messages_sweep import MakeCell
from lewm_core.data_rows import parse_row_name

if TYPE_CHECKING:
    from lewm_core.checkpoint import CheckpointInfo
    from lewm_core.inference import Comparison, Synthesiser

Cancelled = Callable[[], bool]
JobGenerator = Generator[Step, None, Any]


FIGURE_COLOURS = "lewm-studio"
"""Name under which matplotlib gets the colours of the window."""


class NoVoiceError(ValueError):
    """Speech was asked for before a voice was loaded."""


class CoreBackend:
    """Holds the loaded voice and runs one generator for each request."""

    def __init__(self) -> None:
        self._voice: Synthesiser | None = None

    def run(self, request: Request, cancelled: Cancelled) -> JobGenerator:
        """The generator that does what `request` asks for."""
        match request:
            case LoadVoice():
                return self._load(request)
            case Inspect():
                return self._inspect(request)
            case OpenClip():
                stored = parse_row_name(request.path)
                if stored is not None:
                    return open_row(request.path, *stored, self._voice)
                return self._open_clip(request)
            case Speak():
                return self._speak(request, cancelled)
            case Compare():
                return self._compare(request, cancelled)
            case DrawFigure():
                return self._draw(request)
            case Analyse():
                return analyse(request, cancelled)
            case AlignPanes():
                return align_panes(request)
            case MapSpeakers():
                return map_speakers(self._ready_voice())
            case MeasureRows():
                return measure_rows(request, self._ready_voice(), cancelled)
            case WriteReport():
                return write_report(request, self._ready_voice(), cancelled)
            case MatchLevels():
                return match_levels(request)
            case MakeCell():
                return make_cell(request, cancelled)
            case TrackFormants():
                return track_formants(request, cancelled)
            case StudyError():
                return study_error(request, self._ready_voice().vocoder, cancelled)
            case RunMixed():
                return run_mixed(self._ready_voice(), request, cancelled)

    def _load(self, request: LoadVoice) -> JobGenerator:
        yield Step(0.05, "Starting the engine")
        # One core for window and sound. torch, which comparisons need, reads it when it is imported.
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) - 1)))
        from lewm_core.inference import Synthesiser
        from lewm_core.vocoder import available_vocoders

        yield Step(0.4, "Loading the voice")
        # Loaded into a local first: a refused checkpoint leaves the voice that speaks in its place.
        checkpoint = Path(request.checkpoint) if request.checkpoint else None
        voice = Synthesiser.load(checkpoint, request.vocoder or None)
        yield Step(0.9, "Warming up")
        voice.warm_up()
        self._voice = voice
        return VoiceLoaded(facts_of(voice.info), voice.vocoder_name, tuple(available_vocoders()))

    def _inspect(self, request: Inspect) -> JobGenerator:
        from lewm_core.checkpoint import inspect_checkpoint

        yield Step(0.1, "Reading the checkpoint")
        return facts_of(inspect_checkpoint(Path(request.path)))

    def _open_clip(self, request: OpenClip) -> JobGenerator:
        from lewm_core.mel import load_audio, log_mel

        yield Step(0.1, "Reading the clip")
        mel_config = self._voice.info.mel if self._voice else None
        sample_rate = mel_config.sample_rate if mel_config else 24000
        wave = load_audio(request.path, sample_rate)
        yield Step(0.6, "Drawing the clip")
        mel = log_mel(wave, mel_config) if mel_config else log_mel(wave)
        return ClipOpened(request.path, wave, sample_rate, mel)

    def _speak(self, request: Speak, cancelled: Cancelled) -> JobGenerator:
        from lewm_core.inference import SynthesisRequest

        yield Step(0.0, "Reading text")
        wanted = SynthesisRequest(
            text=request.text,
            speaker=request.speaker,
            seed=request.seed,
            temperature=request.temperature,
            speed=request.speed,
            prompt=prepared(self._ready_voice(), request.prompt),
        )
        result = yield from speech_steps(self._ready_voice().speech(wanted, cancelled))
        return Spoken(
            mel=result.mel,
            wave=result.wave,
            sample_rate=result.sample_rate,
            stop_reason=result.stop_reason,
            timings=dict(result.timings),
            recipe=dict(result.recipe),
        )

    def _compare(self, request: Compare, cancelled: Cancelled) -> JobGenerator:
        comparison = yield from _steps(
            self._ready_voice().compare(
                request.wave,
                request.text,
                request.speaker,
                seed=request.seed,
                temperature=request.temperature,
                mel=request.mel,
                cancelled=cancelled,
            )
        )
        return compared_of(comparison)

    def _draw(self, request: DrawFigure) -> JobGenerator:
        yield Step(0.1, "Drawing the figure")
        import matplotlib
        from matplotlib.colors import ListedColormap

        from lewm_core.figure import draw_comparison

        if FIGURE_COLOURS in matplotlib.colormaps:
            matplotlib.colormaps.unregister(FIGURE_COLOURS)
        matplotlib.colormaps.register(ListedColormap(request.colours / 255.0, FIGURE_COLOURS))
        draw_comparison(core_comparison(request.comparison), Path(request.path), FIGURE_COLOURS, request.levels)
        return FigureDrawn(request.path)

    def _ready_voice(self) -> Synthesiser:
        if self._voice is None:
            raise NoVoiceError("No voice is loaded yet. Wait for it, or open another checkpoint.")
        return self._voice


def _steps(progress: Generator[Any, None, Any]) -> JobGenerator:
    """The core's `Progress` as `Step`s of ours, which the window can read without torch."""
    while True:
        try:
            update = next(progress)
        except StopIteration as stop:
            return stop.value
        yield Step(update.fraction, update.message, update.partial_mel)


def facts_of(info: CheckpointInfo) -> CheckpointFacts:
    """What the window shows of a checkpoint."""
    return CheckpointFacts(
        path=str(info.path),
        title=info.path.name,
        rows=tuple((str(label), str(value)) for label, value in info.rows()),
        speakers=tuple((speaker.name, speaker.language) for speaker in info.speakers),
        sample_rate=info.mel.sample_rate,
        hop_length=info.mel.hop_length,
        n_mels=info.mel.n_mels,
        sha256=info.sha256,
        can_change_speed=info.config.alignment == "durations",
    )


def compared_of(comparison: Comparison) -> Compared:
    """A comparison without types of the core."""
    return Compared(
        text=comparison.text,
        speaker=comparison.speaker,
        original=comparison.original,
        sample_rate=comparison.sample_rate,
        panes={
            key: PaneSound(pane.mel, pane.wave, pane.mel_l1, pane.latents, pane.trace)
            for key, pane in comparison.panes.items()
        },
        stop_reason=comparison.stop_reason,
        recipe=dict(comparison.recipe),
    )
