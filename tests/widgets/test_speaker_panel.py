"""The map of speakers, its shares and its table."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from widgets.speaker_panel import MapLayout, SpeakerPanel
from widgets.speaker_picker import SpeakerPicker
from widgets.theme import DARK, apply_theme

NAMES, LANGUAGES = ("ada", "bina", "carl", "dora"), ("en-US", "hi", "en-GB", "en-US")
POINTS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
TRIANGLES, EDGES = np.array([[0, 1, 2]]), np.array([[0, 1], [1, 2], [0, 2]])
TIPS = {"pca": "p", "mds": "m", "distance": "d", "cosine": "c"}
LAYOUTS = {
    "pca": MapLayout(POINTS, TRIANGLES, EDGES, "60 %"),
    "mds": MapLayout(POINTS[:, ::-1], TRIANGLES, EDGES, "stress 0.10"),
}


@pytest.fixture
def panel(qtbot, qapp) -> SpeakerPanel:  # type: ignore[no-untyped-def]
    apply_theme(qapp, DARK)
    panel = SpeakerPanel(TIPS)
    qtbot.addWidget(panel)
    rows = np.concatenate((POINTS, [[0], [0], [0], [1]]), axis=1)
    centred = rows - rows.mean(axis=0)
    panel.set_speakers(NAMES, LANGUAGES, LAYOUTS, centred @ centred.T)
    panel.set_weights({1: 1.0})
    panel.resize(300, 800)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def at(panel: SpeakerPanel, index: int) -> QPoint:
    return panel.map.position_of(index).toPoint()


def test_a_click_chooses_the_nearest_speaker(panel: SpeakerPanel, qtbot) -> None:  # type: ignore[no-untyped-def]
    with qtbot.waitSignal(panel.weights_changed) as told:
        qtbot.mouseClick(panel.map, Qt.MouseButton.LeftButton, pos=at(panel, 2) + QPoint(30, -4))
    assert told.args == [{2: 1.0}]
    assert panel.shares.shares() == [("carl", 1.0, 0)]


def test_speakers_on_top_of_each_other_are_reached_by_clicking_again(panel: SpeakerPanel, qtbot) -> None:  # type: ignore[no-untyped-def]
    chosen = []
    for _ in range(3):
        qtbot.mouseClick(panel.map, Qt.MouseButton.LeftButton, pos=at(panel, 0))
        chosen.append(next(iter(panel.weights())))
    assert chosen == [0, 3, 0]


def test_a_drag_blends_live_and_snaps_to_a_speaker(panel: SpeakerPanel, qtbot) -> None:  # type: ignore[no-untyped-def]
    told: list[dict[int, float]] = []
    panel.weights_changed.connect(told.append)
    middle = (at(panel, 1) + at(panel, 2)) / 2
    qtbot.mousePress(panel.map, Qt.MouseButton.LeftButton, pos=at(panel, 1))
    assert not told
    qtbot.mouseMove(panel.map, at(panel, 1) + QPoint(-30, 0))
    qtbot.mouseMove(panel.map, middle)
    assert len(told) == 2
    assert told[-1].get(1, 0) == pytest.approx(0.5, abs=0.02)
    assert told[-1].get(2, 0) == pytest.approx(0.5, abs=0.02)
    qtbot.mouseMove(panel.map, at(panel, 2) + QPoint(3, 3))
    assert told[-1] == {2: 1.0}
    qtbot.mouseRelease(panel.map, Qt.MouseButton.LeftButton, pos=at(panel, 2) + QPoint(3, 3))
    assert told[-1] == {2: 1.0}
    assert panel.weights() == {2: 1.0}


def test_keys_move_the_blend_and_go_through_the_speakers(panel: SpeakerPanel, qtbot) -> None:  # type: ignore[no-untyped-def]
    panel.map.setFocus()
    qtbot.keyClick(panel.map, Qt.Key.Key_Left)
    assert set(panel.weights()) == {0, 1}
    coarse = panel.weights()[0]
    qtbot.keyClick(panel.map, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert 0 < panel.weights()[0] - coarse < coarse
    assert "bina" in panel.map.accessibleDescription()
    qtbot.keyClick(panel.map, Qt.Key.Key_Return)
    assert panel.weights() == {1: 1.0}
    qtbot.keyClick(panel.map, Qt.Key.Key_PageDown)
    assert panel.weights() == {2: 1.0}
    qtbot.keyClick(panel.map, Qt.Key.Key_PageUp)
    assert panel.weights() == {1: 1.0}


def test_setters_tell_nobody(panel: SpeakerPanel) -> None:
    told: list[object] = []
    panel.weights_changed.connect(told.append)
    panel.set_weights({0: 0.5, 1: 0.5})
    panel.set_weights({})
    assert not told


def test_the_table_measures_from_the_blend_and_chooses(panel: SpeakerPanel, qtbot) -> None:  # type: ignore[no-untyped-def]
    panel.set_weights({0: 1.0})
    assert [row[:2] for row in panel.table.rows()] == [
        ("ada", "0.00"), ("dora", "1.00"), ("bina", "2.00"), ("carl", "2.00")
    ]  # fmt: skip
    panel.table.selectRow(1)
    with qtbot.waitSignal(panel.weights_changed) as told:
        qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    assert told.args == [{3: 1.0}]


def test_all_distances_go_to_the_clipboard(panel: SpeakerPanel) -> None:
    panel.copy_distances()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == ["Distance", *NAMES]
    assert lines[1].split("\t") == ["ada", "0.0000", "2.0000", "2.0000", "1.0000"]
    assert len(lines) == 2 * 5 + 1


def test_names_are_shown_as_they_are(panel: SpeakerPanel) -> None:
    one = {"pca": MapLayout(POINTS[:1], TRIANGLES[:0], EDGES[:0], "")}
    panel.set_speakers(("<b>x</b>",), ("<i>",), one, np.zeros((1, 1)))
    panel.set_weights({0: 1.0})
    assert "&lt;i&gt;" in panel.legend()
    panel.grab()
    panel.map.choose(0)
    panel.set_empty("Nothing here.")
    panel.grab()


def test_the_picker_shows_a_blend_until_a_speaker_is_chosen(qtbot) -> None:  # type: ignore[no-untyped-def]
    picker = SpeakerPicker()
    qtbot.addWidget(picker)
    picker.set_speakers([("ada", "en-US"), ("bina", "hi")])
    picker.set_blend("bina:0.6+ada:0.4", "bina 60 % + ada 40 %", "hi")
    assert picker.speaker() == "bina:0.6+ada:0.4"
    assert picker.language() == "hi"
    assert "60 %" in picker.accessibleDescription()
    with qtbot.waitSignal(picker.speaker_chosen) as told:
        qtbot.keyClick(picker, Qt.Key.Key_Down)
    assert told.args == ["bina"]
    assert picker.speaker() == "bina"


def test_another_layout_keeps_the_blend(panel: SpeakerPanel, qtbot) -> None:  # type: ignore[no-untyped-def]
    panel.set_weights({1: 0.5, 2: 0.5})
    before = panel.map.position_of(1)
    mds = next(button for button in panel.findChildren(QAbstractButton) if button.text() == "MDS")
    told: list[object] = []
    panel.weights_changed.connect(told.append)
    with qtbot.waitSignal(panel.layout_chosen) as chosen:
        qtbot.mouseClick(mds, Qt.MouseButton.LeftButton)
    assert chosen.args == ["mds"]
    assert panel.map.position_of(1) != before
    assert panel.map.weights() == {1: 0.5, 2: 0.5}
    assert not told
    assert "stress 0.10" in [label.text() for label in panel.findChildren(QLabel)]


def test_nothing_is_said_of_waiting_once_the_map_is_there(panel: SpeakerPanel) -> None:
    panel.set_empty("Laying out the speakers…")
    panel.set_speakers(NAMES, LANGUAGES, LAYOUTS, np.eye(4))
    assert not [label for label in panel.findChildren(QLabel) if "Laying out" in label.text()]
    assert "Any two speakers lie 1.41 to 1.41 apart." in [label.text() for label in panel.findChildren(QLabel)]


def test_wide_the_map_and_the_table_stand_beside_each_other(panel: SpeakerPanel, qtbot) -> None:  # type: ignore[no-untyped-def]
    assert panel.table.x() == panel.map.x()
    panel.resize(640, 600)
    qtbot.waitUntil(lambda: panel.table.x() > panel.map.geometry().right())
    assert panel.map.height() == round(0.9 * panel.map.width())
