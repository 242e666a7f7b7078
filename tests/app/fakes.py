"""An engine backend that answers at once and deterministically, without torch; runs in the real process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np

from app.engine_messages import (
    Analyse,
    Analysed,
    CheckpointFacts,
    ClipOpened,
    Compare,
    Compared,
    DrawFigure,
    DriftFacts,
    FigureDrawn,
    Inspect,
    LoadVoice,
    OpenClip,
    PaneErrors,
    PaneSound,
    Request,
    Speak,
    Spoken,
    SpokenChunk,
    Step,
    VoiceLoaded,
)
from app.engine_mixed import attention_facts, latents_on_one_scale
from app.messages_data import MeasureRows, RowsMeasured
from app.messages_listening import LevelsMatched, MatchLevels
from app.messages_mixed import MixedMade, RunMixed
from app.messages_panes import (
    AlignPanes,
    ErrorStudied,
    FormantsTracked,
    PanesAligned,
    StudyError,
    StudyRow,
    TrackFormants,
)
from app.messages_report import ReportWritten, WriteReport
from app.messages_speakers import MapSpeakers, SpeakersMapped
from app.messages_sweep import MakeCell
from lewm_core.analysis.speakers import map_speakers
from lewm_core.config import Speaker
from lewm_core.predictor_trace import PredictorTrace
from lewm_core.sweep_cells import CellRendering, SweepCell

RATE, HOP, BANDS = 24_000, 256, 100
SPEAKERS = (("heart", "en-US"), ("george", "en-GB"), ("alpha", "hi"))


class BadInputError(ValueError):
    """Stands for the core's own ValueErrors."""


def facts(path: str) -> CheckpointFacts:
    return CheckpointFacts(
        path=path,
        title=Path(path).name,
        rows=(("Preset", "fake"), ("Parameters", "1.0 M"), ("Step", "100")),
        speakers=SPEAKERS,
        sample_rate=RATE,
        hop_length=HOP,
        n_mels=BANDS,
        sha256="0" * 16,
    )


def fake_mel(frames: int, seed: int = 0) -> np.ndarray:
    """(BANDS, frames): drifting formant-like stripes in natural-log amplitude."""
    time_axis = np.arange(frames)[None, :] / 30
    bands = np.arange(BANDS)[:, None] / 9
    stripes = 2.5 * np.sin(bands - 1.3 * np.sin(time_axis + seed)) - 0.035 * np.arange(BANDS)[:, None] - 2
    return np.asarray(stripes + 2 * np.sin(time_axis * 3), dtype=np.float32)


def fake_wave(frames: int, hz: float) -> np.ndarray:
    t = np.arange((frames - 1) * HOP) / RATE
    return np.asarray(0.3 * np.sin(2 * np.pi * hz * t), dtype=np.float32)


def fake_trace(frames: int, own: bool = True) -> PredictorTrace:
    """Two layers of two heads that look along the diagonal of the five sounds of "hello", eight frames a step."""
    step_s, units = 8 * HOP / RATE, tuple("həlˈo")
    steps = frames // 8
    centre = np.linspace(0, len(units) - 1, steps)
    bell = np.exp(-(((np.arange(len(units))[None, :] - centre[:, None]) / 0.8) ** 2))
    attention = np.broadcast_to(bell / bell.sum(1, keepdims=True), (2, 2, steps, len(units)))
    edges = np.linspace(0, steps * step_s, len(units) + 1)
    return PredictorTrace(
        np.arange(steps) * step_s, step_s, np.linspace(0, 0.9, steps, dtype=np.float32),
        attention.astype(np.float16), units, np.stack((edges[:-1], edges[1:]), 1), np.full(steps, own),
    )  # fmt: skip


def fake_latents(frames: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames // 2, 6)).astype(np.float32)


class FakeBackend:
    """Text commands: "!slow" takes its time, "!fail" is bad input, "!bug" a fault, "!die" kills the process."""

    def __init__(self) -> None:
        self.loaded = False

    def run(self, request: Request, cancelled: Callable[[], bool]) -> Generator[Step, None, Any]:
        match request:
            case LoadVoice():
                return self._load(request)
            case Inspect():
                return self._inspect(request)
            case OpenClip():
                return self._clip(request)
            case Speak():
                return self._speak(request, cancelled)
            case Compare():
                return self._compare(request)
            case DrawFigure():
                return self._draw(request)
            case Analyse():
                return self._analyse(request)
            case AlignPanes():
                return self._align(request)
            case MeasureRows():
                return self._measure_rows(request, cancelled)
            case WriteReport():
                return self._report(request)
            case MapSpeakers():
                return self._map_speakers()
            case MatchLevels():
                return self._match_levels(request)
            case MakeCell():
                return self._make_cell(request, cancelled)
            case StudyError():
                return self._study(request)
            case RunMixed():
                return self._mixed(request, cancelled)
            case TrackFormants():
                return self._track(request)

    def _load(self, request: LoadVoice) -> Generator[Step, None, Any]:
        yield Step(0.5, "Loading")
        if request.checkpoint and "bad" in request.checkpoint:
            raise BadInputError(f"{request.checkpoint} is no checkpoint. Choose another file.")
        if request.vocoder and "missing" in request.vocoder:
            raise BadInputError(f"There is no vocoder {request.vocoder}.")
        self.loaded = True
        vocoder = request.vocoder or "fake vocoder"
        return VoiceLoaded(facts(request.checkpoint or "studio.safetensors"), vocoder, ("fake vocoder",))

    def _inspect(self, request: Inspect) -> Generator[Step, None, Any]:
        yield Step(0.5, "Reading")
        if "bad" in request.path:
            raise BadInputError(f"{request.path} is no checkpoint. Choose another file.")
        return facts(request.path)

    def _clip(self, request: OpenClip) -> Generator[Step, None, Any]:
        yield Step(0.5, "Reading")
        if not Path(request.path).is_file():
            raise BadInputError(f"There is no file {request.path}.")
        return ClipOpened(request.path, fake_wave(200, 220), RATE, fake_mel(200))

    def _speak(self, request: Speak, cancelled: Callable[[], bool]) -> Generator[Step, None, Any]:
        if "!fail" in request.text:
            raise BadInputError("That cannot be spoken. Type letters.")
        if "!bug" in request.text:
            raise KeyError("a bug")
        if "!die" in request.text:
            os._exit(9)
        if "!hang" in request.text:
            time.sleep(60)
        steps = 200 if "!slow" in request.text else 5
        frames, reason = 0, "stop_head"
        whole_mel, whole_wave = fake_mel(40 * steps, request.seed), fake_wave(40 * steps, 330)
        for step in range(steps):
            start, frames = frames, 40 * (step + 1)
            yield Step(
                frames / len(whole_mel[0]),
                "Speaking",
                chunk=SpokenChunk(
                    wave=whole_wave[start * HOP : frames * HOP],
                    mel=whole_mel[:, start:frames],
                    sample_rate=RATE,
                    spent=0.01 * (step + 1),
                    predicted=frames * HOP / RATE,
                    fraction=(step + 1) / steps,
                    is_last=step + 1 == steps,
                ),
            )
            if cancelled():
                reason = "cancelled"
                break
            time.sleep(0.05 if steps > 10 else 0.005)
        recipe = {"text": request.text, "speaker": request.speaker, "seed": request.seed, "temperature": 0.0}
        if request.prompt is not None:
            recipe["prompt"] = {"clip": request.prompt.title, "text": request.prompt.text}
        mel, wave = whole_mel[:, :frames], whole_wave[: (frames - 1) * HOP]
        return Spoken(mel, wave, RATE, reason, {"predictor": 0.1}, recipe)

    def _compare(self, request: Compare) -> Generator[Step, None, Any]:
        for step in range(4):
            yield Step(step / 4, "Comparing")
            time.sleep(0.01)
        panes = {
            "ground_truth": PaneSound(fake_mel(200), fake_wave(200, 220)),
            "reconstruction": PaneSound(fake_mel(200, 1), fake_wave(200, 440), 0.22),
            "teacher_forced": PaneSound(
                fake_mel(200, 2), fake_wave(200, 550), 0.31, fake_latents(200, 2), fake_trace(200, False)
            ),
            "autoregressive": PaneSound(
                fake_mel(180, 3), fake_wave(180, 660), 0.9, fake_latents(180, 3), fake_trace(180)
            ),
        }
        recipe = {"text": request.text, "speaker": request.speaker}
        return Compared(request.text, request.speaker, request.wave, RATE, panes, "stop_head", recipe)

    def _draw(self, request: DrawFigure) -> Generator[Step, None, Any]:
        yield Step(0.5, "Drawing")
        Path(request.path).write_bytes(b"fake figure")
        return FigureDrawn(request.path)

    def _align(self, request: AlignPanes) -> Generator[Step, None, Any]:
        """The free run says everything in nine tenths of the time."""
        yield Step(0.5, "Aligning")
        frames, free = request.reference.shape[1], request.other.shape[1]
        reference = np.arange(frames)
        other = np.minimum(reference * free // frames, free - 1)
        return PanesAligned(reference, other, 5.0)

    def _measure_rows(self, request: MeasureRows, cancelled: Callable[[], bool]) -> Generator[Step, None, Any]:
        found = 0
        for found in range(1, len(request.rows) + 1):
            yield Step(found / len(request.rows), "Measuring the data")
            if cancelled():
                break
            if "slow" in request.manifest:
                time.sleep(0.02)
        rows = request.rows[:found]
        return RowsMeasured(rows, np.array([1.0 / (1 + row) for row in rows], np.float32))

    def _report(self, request: WriteReport) -> Generator[Step, None, Any]:
        yield Step(0.5, "Writing")
        Path(request.path).write_text(f"{request.clip_name} {request.comparison.text}", encoding="utf-8")
        return ReportWritten(request.path)

    def _map_speakers(self) -> Generator[Step, None, Any]:
        yield Step(0.5, "Laying out")
        speakers = [Speaker(name, language) for name, language in SPEAKERS]
        return SpeakersMapped(map_speakers(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), speakers))

    def _track(self, request: TrackFormants) -> Generator[Step, None, Any]:
        """Formants at a tenth, a fifth, ... of the ceiling, so that a test sees which one was used.

        From a quarter of each sound on they rise; the reconstruction has them 1, 2 and 3 per cent higher.
        """
        yield Step(0.5, "Tracking formants")
        ceiling = request.ceiling_hz or 5000.0
        shares = np.array([[0.1], [0.2], [0.3], [0.4]], np.float32) * ceiling
        tracks = {
            key: shares * (1.0 + np.maximum(np.linspace(-0.25, 0.75, count, dtype=np.float32), 0.0))
            for key, count in request.frames.items()
        }
        if "reconstruction" in tracks:
            tracks["reconstruction"] = tracks["reconstruction"] * np.array([[1.01], [1.02], [1.03], [np.nan]])
        return FormantsTracked(tracks, ceiling)

    def _study(self, request: StudyError) -> Generator[Step, None, Any]:
        yield Step(0.5, "Matching noise")
        rows = (
            StudyRow("correlation", "along frequency", 0.6, 0.0),
            StudyRow("class", "loud", 0.2, 0.4),
            StudyRow("class", "pause", None, None),
            StudyRow("band", "0–0.5 kHz", 0.25, 0.4),
        )
        frames = request.truth.shape[1]
        return ErrorStudied(request.truth + 0.4, fake_wave(frames, 770), RATE, 0.4, "structured", rows)

    def _analyse(self, request: Analyse) -> Generator[Step, None, Any]:
        yield Step(0.5, "Measuring")
        panes = {}
        for key, mel in request.mels.items():
            if key != "ground_truth":
                frames = mel.shape[1]
                ramp = np.linspace(0.0, 1.0, frames, dtype=np.float32)
                worst = {"l1": (frames - 1) * HOP / RATE, "blur": 0.0}
                panes[key] = PaneErrors(ramp, ramp[::-1], worst, key == "autoregressive")
        if request.free not in request.mels:
            return Analysed(panes, None, "There is no free run to measure.")
        frames = request.mels[request.free].shape[1]
        drift = DriftFacts(
            verdict="leaves at 1.0 s" if request.free == "autoregressive" else "stays on path",
            divergence=np.linspace(0, 1, frames, dtype=np.float32),
            energy_ratio_db=np.full(200, -3.0, np.float32),
            departure_s=1.0,
            cut_s=None,
            missing_s=0.0,
            seconds=(frames - 1) * HOP / RATE,
            reference_seconds=199 * HOP / RATE,
            off_path=((1.0, 1.5),),
            latent_std_ratio=np.linspace(1.0, 0.0, 100, dtype=np.float32),
        )
        attention = {key: attention_facts(trace) for key, trace in request.traces.items()}
        maps = latents_on_one_scale(request.latents, "teacher_forced", request.free, 2 * HOP / RATE)
        return Analysed(panes, drift, attention=attention, latent_maps=maps)

    def _match_levels(self, request: MatchLevels) -> Generator[Step, None, Any]:
        """Loudness by plain power: enough for gains that a test can check."""
        yield Step(0.5, "Measuring loudness")
        lufs = {key: 10 * np.log10(float(np.mean(wave**2)) + 1e-12) for key, (wave, _) in request.waves.items()}
        return LevelsMatched({key: -23.0 - level for key, level in lufs.items()}, lufs)

    def _make_cell(self, request: MakeCell, cancelled: Callable[[], bool]) -> Generator[Step, None, Any]:
        """Sharper and longer with every step; "!slow" takes its time, a checkpoint called "bad" cannot be read."""
        item, name = request.item, Path(request.checkpoint).stem
        for step in range(100 if "!slow" in item.text else 2):
            yield Step(step / 100, "Making")
            if cancelled():
                return SweepCell(name, request.step, item, item.speaker, {}, RATE, "cancelled")
            time.sleep(0.05 if "!slow" in item.text else 0.0)
        if "bad" in name:
            return SweepCell(name, request.step, item, item.speaker, {}, RATE, failure=f"{name} is damaged.")
        frames = 100 + request.step // 100
        keys = ("reconstruction", "teacher_forced", "autoregressive") if item.clip else ("autoregressive",)
        made = {
            key: CellRendering(
                fake_mel(frames, request.step + number),
                fake_wave(frames, 300 + request.step / 10),
                {"l1": 500 / (request.step + 500), "blur": 0.5, "contrast_db": 2.0, "seconds": frames * HOP / RATE},
            )
            for number, key in enumerate(keys)
        }
        return SweepCell(name, request.step, item, item.speaker or "heart", made, RATE, "stop_head")

    def _mixed(self, request: RunMixed, cancelled: Callable[[], bool]) -> Generator[Step, None, Any]:
        """A share of own history of 0.13 takes its time, one of 0.66 is refused."""
        if request.own_rate == 0.66:
            raise BadInputError("That run cannot be made. Choose another share.")
        steps = 200 if request.own_rate == 0.13 else 3
        for step in range(steps):
            yield Step(step / steps, "Running", fake_mel(40 + step, 7))
            if cancelled():
                break
            time.sleep(0.01)
        frames = 190
        trace = fake_trace(frames)
        pane = PaneSound(fake_mel(frames, 7), fake_wave(frames, 880), 0.4, fake_latents(frames, 7), trace)
        remark = f"free from {request.free_from_s:.2f} s, {100 * request.own_rate:.0f} %"
        recipe = {"free_from_s": request.free_from_s, "own_rate": request.own_rate}
        return MixedMade(pane, "max_length", remark, recipe)
