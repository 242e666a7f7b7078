"""The crosshair of the linked panes, and what is read at it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from tests.widgets.linked_mels import (
    DURATION,
    FRAME_RATE,
    FRAMES,
    KEYS,
    canvas,
    mel,
    point_at,
)
from widgets.frequency_scale import MelScale
from widgets.mel_comparison import HoverReadout, MelComparison


def test_crosshair_reads_time_hz_and_every_pane(view: MelComparison) -> None:
    readouts: list[HoverReadout | None] = []
    view.hovered.connect(readouts.append)
    target = canvas(view, "teacher_forced")
    x, y = target.width() * 0.4 + 3, target.height() * 0.5
    point_at(target, x, y)
    readout = readouts[-1]
    assert readout is not None
    assert readout.time_s == pytest.approx(DURATION * x / target.width())
    assert readout.hz == pytest.approx(MelScale().edge_to_hz(50.0))
    assert readout.pane == "teacher_forced"
    frame = math.floor(readout.time_s * FRAME_RATE + 0.5)
    for index, key in enumerate(KEYS):
        expected = float(mel(-20.0 - 10.0 * index)[50, frame])
        assert readout.levels_db[key] == pytest.approx(expected)
        shown = view.pane(key).header.level_label.text()
        assert shown == f"{expected:.1f} dB".replace("-", "\u2212")


def test_leaving_removes_the_crosshair_and_the_numbers(view: MelComparison) -> None:
    point_at(canvas(view), 100, 20)
    readouts: list[HoverReadout | None] = []
    view.hovered.connect(readouts.append)
    QApplication.sendEvent(canvas(view), QEvent(QEvent.Type.Leave))
    assert readouts == [None]
    assert {view.pane(key).header.level_label.text() for key in KEYS} == {""}


def test_a_pane_without_anything_there_says_so(view: MelComparison) -> None:
    half = mel()
    half[:, FRAMES // 2 :] = np.nan
    view.set_mel("autoregressive", half, FRAME_RATE)
    view.set_mel("teacher_forced", None, FRAME_RATE)
    readouts: list[HoverReadout] = []
    view.hovered.connect(readouts.append)
    point_at(canvas(view), canvas(view).width() * 0.75, 20)
    assert set(readouts[-1].levels_db) == {"ground_truth", "reconstruction"}
    assert view.pane("autoregressive").header.level_label.text() == "\u2013"
    assert view.pane("teacher_forced").header.level_label.text() == ""


def test_the_crosshair_follows_the_picture_under_a_resting_pointer(view: MelComparison) -> None:
    point_at(canvas(view), 0, 20)
    readouts: list[HoverReadout] = []
    view.hovered.connect(readouts.append)
    view.set_time_range(1.0, 2.0)
    assert readouts[-1].time_s == pytest.approx(1.0)
