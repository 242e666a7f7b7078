"""The linked panes: how they stand, their headers, and the keyboard."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from tests.widgets.linked_mels import (
    FRAME_RATE,
    KEYS,
    SPECS,
    canvas,
    picture,
    point_at,
)
from widgets.frequency_scale import MelScale
from widgets.mel_comparison import MelComparison


@pytest.mark.parametrize(
    ("arrangement", "time_axes", "frequency_axes"), [("rows", 1, 4), ("columns", 4, 1), ("grid", 2, 2)]
)
def test_arrangements_keep_panes_equal_and_axes_aligned(
    view: MelComparison, arrangement: str, time_axes: int, frequency_axes: int
) -> None:
    view.set_arrangement(arrangement)
    QApplication.processEvents()
    canvases = [canvas(view, key) for key in KEYS]
    sizes = {(c.width(), c.height()) for c in canvases}
    assert max(w for w, _ in sizes) - min(w for w, _ in sizes) <= 1
    assert max(h for _, h in sizes) - min(h for _, h in sizes) <= 1
    assert len(view.time_axes) == time_axes
    assert len(view.frequency_axes) == frequency_axes
    lefts = {c.mapTo(view, QPoint()).x(): c.width() for c in canvases}
    assert {a.mapTo(view, QPoint()).x(): a.width() for a in view.time_axes} == lefts
    tops = {c.mapTo(view, QPoint()).y(): c.height() for c in canvases}
    assert {a.mapTo(view, QPoint()).y(): a.height() for a in view.frequency_axes} == tops


def test_all_rows_have_the_same_labels_though_they_differ_by_a_pixel(view: MelComparison) -> None:
    heights = set()
    for height in range(500, 640):
        view.resize(900, height)
        QApplication.processEvents()
        heights.add(len({axis.height() for axis in view.frequency_axes}))
        assert len({tuple(axis.tick_labels()) for axis in view.frequency_axes}) == 1, height
    assert heights == {1, 2}, "or the test says nothing"


def test_contents_never_move_the_layout(view: MelComparison) -> None:
    before = [(pane.geometry(), pane.canvas.geometry()) for pane in map(view.pane, KEYS)]
    view.set_empty_message("autoregressive", "Type a sentence and press Ctrl+Enter. " * 20)
    view.set_mel("autoregressive", None, FRAME_RATE, "a very long detail " * 30)
    view.set_mel("ground_truth", None, FRAME_RATE)
    view.set_active_source("autoregressive")
    point_at(canvas(view), 100, 20)
    QApplication.processEvents()
    assert [(pane.geometry(), pane.canvas.geometry()) for pane in map(view.pane, KEYS)] == before


def test_an_unknown_arrangement_is_refused(view: MelComparison) -> None:
    with pytest.raises(ValueError, match="rows, columns, grid"):
        view.set_arrangement("stack")


def test_bands_that_do_not_fit_the_scale_are_refused_and_nothing_is_lost(view: MelComparison) -> None:
    with pytest.raises(ValueError, match="80 bands"):
        view.set_mel("reconstruction", np.zeros((80, 50), np.float32), FRAME_RATE)
    assert canvas(view).has_mel


def test_another_scale_shows_all_of_itself(view: MelComparison) -> None:
    view.set_frequency_scale(MelScale(22050, 80, 0.0, 8000.0))
    view.set_mel("reconstruction", np.zeros((80, 50), np.float32), FRAME_RATE)
    assert canvas(view).viewport_state.high == 80.0


def test_the_same_scale_again_keeps_the_zoom(view: MelComparison) -> None:
    view.set_frequency_range(300.0, 3400.0)
    view.set_frequency_scale(MelScale(24000, 100))
    assert view.frequency_range() == pytest.approx((300.0, 3400.0))


def test_panes_can_be_replaced(view: MelComparison) -> None:
    point_at(canvas(view), 100, 20)
    view.set_panes(SPECS[:2])
    assert not canvas(view).has_mel
    with pytest.raises(KeyError):
        view.pane("autoregressive")


def test_play_asks_for_the_source_of_the_pane(view: MelComparison) -> None:
    asked: list[str] = []
    view.play_requested.connect(asked.append)
    for key in KEYS:
        QTest.mouseClick(view.pane(key).header.play_button, Qt.MouseButton.LeftButton)
    vocoded = view.pane("ground_truth").header.vocoded_button
    assert vocoded is not None
    QTest.mouseClick(vocoded, Qt.MouseButton.LeftButton)
    QTest.mouseClick(view.pane("ground_truth").header.play_button, Qt.MouseButton.LeftButton)
    assert asked == ["original", *KEYS[1:], "ground_truth"]


def test_the_toggle_speaks_only_when_a_person_turns_it(view: MelComparison) -> None:
    turned: list[bool] = []
    view.vocoded_toggled.connect(turned.append)
    header = view.pane("ground_truth").header
    assert header.original_button is not None
    view.set_active_source("ground_truth")
    assert header.vocoded
    assert header.key_label.text() == "2"
    assert turned == []
    QTest.mouseClick(header.original_button, Qt.MouseButton.LeftButton)
    assert turned == [False]
    assert header.key_label.text() == "1"


def test_only_the_source_that_is_heard_is_marked(view: MelComparison) -> None:
    for source, marked in [
        ("original", "ground_truth"),
        ("ground_truth", "ground_truth"),
        ("teacher_forced", "teacher_forced"),
    ]:
        view.set_active_source(source)
        assert [key for key in KEYS if view.pane(key).is_active] == [marked]
    view.set_playing(True)
    names = [view.pane(key).header.play_button.accessibleName() for key in KEYS]
    assert names == [
        "Play Ground truth",
        "Play Reconstruction",
        "Pause Teacher-forced",
        "Play Autoregressive",
    ]


def test_every_control_has_a_name_and_the_tab_key_visits_them_in_order(
    view: MelComparison, qtbot: QtBot
) -> None:
    view.activateWindow()
    stops = [
        button
        for button in view.findChildren(QAbstractButton)
        if button.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert all(stop.accessibleName() for stop in [*stops, view.colour_bar])
    view.pane("ground_truth").header.play_button.setFocus()
    visited = []
    for _ in range(len(stops)):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        visited.append(QApplication.focusWidget().accessibleName())
    # The two halves of the toggle are one group: Tab stops at the chosen one.
    assert visited[:4] == [
        "Ground truth: original",
        "Play Reconstruction",
        "Play Teacher-forced",
        "Play Autoregressive",
    ]
    assert visited[4] == "Colour scale in dB"


def test_a_click_on_a_mel_takes_the_keyboard(view: MelComparison) -> None:
    view.pane("ground_truth").header.play_button.setFocus()
    QTest.mouseClick(canvas(view), Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    assert canvas(view).hasFocus()


def test_an_empty_pane_says_what_to_do_next(qtbot: QtBot) -> None:
    widget = MelComparison()
    qtbot.addWidget(widget)
    widget.set_panes(SPECS)
    widget.resize(900, 640)
    widget.show()
    blank = picture(canvas(widget))
    widget.set_empty_message("reconstruction", "Open a clip (Ctrl+O)")
    assert picture(canvas(widget)) != blank
    assert canvas(widget).accessibleDescription() == "Open a clip (Ctrl+O)"


@pytest.mark.parametrize("arrangement", ["columns", "grid"])
def test_headers_take_a_second_line_where_panes_are_narrow(
    qtbot, view: MelComparison, arrangement: str
) -> None:
    view.set_arrangement(arrangement)
    heights = {}
    for width in (960, 2600):
        view.resize(width, 600)
        panes = [view.pane(key) for key in view._panes]
        assert len({pane.header.height() for pane in panes}) == 1, (
            "mels side by side begin at the same height"
        )
        heights[width] = panes[0].header.height()
        for pane in panes:
            label = pane.header.title_label
            qtbot.waitUntil(lambda label=label: label.width() >= label.sizeHint().width(), timeout=5000)
    assert heights[960] == 2 * heights[2600]
