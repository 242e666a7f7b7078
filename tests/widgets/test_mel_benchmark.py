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
