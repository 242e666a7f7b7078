"""How long a frame of the linked panes takes: run with ``pytest --benchmark-only --benchmark-enable``.

Four ten-minute mels (56,250 frames of 100 bands each); at 60 frames a second all of it has 16.7 ms. Nothing is
asserted about time here. A plain test run takes every case once, with shorter mels, to show that it works.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF
from PySide6.QtWidgets import QApplication
from pytest_benchmark.fixture import BenchmarkFixture
from pytestqt.qtbot import QtBot

from widgets.mel_comparison import MelComparison, PaneSpec

FRAME_RATE = 93.75
KEYS = ["ground_truth", "reconstruction", "teacher_forced", "autoregressive"]


@pytest.fixture(scope="module")
def seconds(request: pytest.FixtureRequest) -> int:
    return 600 if request.config.getoption("benchmark_enable") else 30


@pytest.fixture(scope="module")
def long_mel(seconds: int) -> np.ndarray:
    return np.random.default_rng(0).normal(-20.0, 20.0, (100, round(seconds * FRAME_RATE))).astype(np.float32)


@pytest.fixture
def view(qtbot: QtBot, long_mel: np.ndarray, seconds: int) -> MelComparison:
    widget = MelComparison()
    qtbot.addWidget(widget)
    widget.set_panes([PaneSpec(key, key, "1") for key in KEYS])
    for key in KEYS:
        widget.set_mel(key, long_mel, FRAME_RATE)
    widget.set_duration(seconds)
    widget.set_time_range(0.0, seconds)
    widget.resize(1000, 640)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def each_frame(benchmark: BenchmarkFixture, view: MelComparison, step: Callable[[int], None]) -> None:
    """Measure a step together with all the painting that it leads to."""
    frames = count()

    def frame() -> None:
        step(next(frames))
        # Paints at once all that the step has marked; the event loop would wait some ms for more.
        QApplication.sendEvent(view, QEvent(QEvent.Type.UpdateRequest))

    benchmark.pedantic(frame, rounds=60, warmup_rounds=2)


@pytest.mark.parametrize("span", [0.5, 5.0, 60.0, 500.0])
def test_pan(benchmark: BenchmarkFixture, view: MelComparison, span: float) -> None:
    def step(frame: int) -> None:
        start = 20.0 + frame * span / 200.0
        view.set_time_range(start, start + span)

    each_frame(benchmark, view, step)


def test_zoom(benchmark: BenchmarkFixture, view: MelComparison) -> None:
    def step(frame: int) -> None:
        half = 290.0 * 0.93**frame
        view.set_time_range(300.0 - half, 300.0 + half)

    each_frame(benchmark, view, step)


def test_playhead(benchmark: BenchmarkFixture, view: MelComparison) -> None:
    view.set_time_range(0.0, 10.0)
    each_frame(benchmark, view, lambda frame: view.set_playhead(frame / 60.0))


def test_crosshair(benchmark: BenchmarkFixture, view: MelComparison) -> None:
    canvas = view.pane("reconstruction").canvas
    each_frame(benchmark, view, lambda frame: canvas.hovered.emit(QPointF(100 + 5 * frame, 20 + frame % 50)))


def test_levels(benchmark: BenchmarkFixture, view: MelComparison) -> None:
    each_frame(benchmark, view, lambda frame: view.set_levels(-60.0 + frame % 5, 20.0))


def test_growing_mel_of_twenty_seconds(
    benchmark: BenchmarkFixture, view: MelComparison, long_mel: np.ndarray
) -> None:
    view.set_duration(20.0)
    view.set_time_range(0.0, 20.0)
    view.set_mel("autoregressive", None, FRAME_RATE)
    each_frame(
        benchmark,
        view,
        lambda frame: view.set_mel("autoregressive", long_mel[:, : 100 + 5 * frame], FRAME_RATE),
    )


@pytest.fixture
def formants(seconds: int) -> np.ndarray:
    """Four tracks in Hz that wander, with gaps."""
    rng = np.random.default_rng(1)
    frames = round(seconds * FRAME_RATE)
    hertz = np.array([[500.0], [1500.0], [2500.0], [3500.0]]) + 100 * np.sin(np.arange(frames) / 20.0)
    hertz[:, rng.random(frames) < 0.05] = np.nan
    return hertz


@pytest.mark.parametrize("span", [0.5, 5.0, 60.0, 500.0])
def test_pan_with_formant_tracks(
    benchmark: BenchmarkFixture, view: MelComparison, formants: np.ndarray, span: float
) -> None:
    for key in KEYS:
        view.set_tracks(key, formants)

    def step(frame: int) -> None:
        start = 20.0 + frame * span / 200.0
        view.set_time_range(start, start + span)

    each_frame(benchmark, view, step)


def test_zoom_with_formant_tracks(
    benchmark: BenchmarkFixture, view: MelComparison, formants: np.ndarray
) -> None:
    for key in KEYS:
        view.set_tracks(key, formants)

    def step(frame: int) -> None:
        half = 20.0 * 0.95**frame
        view.set_time_range(300.0 - half, 300.0 + half)

    each_frame(benchmark, view, step)


@pytest.mark.parametrize("mode", ["difference", "wipe", "blink"])
def test_pan_with_a_pair_and_noise(
    benchmark: BenchmarkFixture, view: MelComparison, long_mel: np.ndarray, seconds: int, mode: str
) -> None:
    specs = [*(PaneSpec(key, key, "1") for key in [*KEYS, "noise"]), PaneSpec("pair", "", is_pair=True)]
    view.set_panes(specs)
    for key in [*KEYS, "noise"]:
        view.set_mel(key, long_mel, FRAME_RATE)
    canvas = view.pane("pair").pair
    canvas.set_mode(mode)
    canvas.set_pair(long_mel, long_mel[::-1], FRAME_RATE, ("One", "Other"))

    def step(frame: int) -> None:
        start = 20.0 + frame / 40.0
        view.set_time_range(start, start + 5.0)
        if mode == "blink" and frame % 20 == 0:
            canvas.flip()

    each_frame(benchmark, view, step)
