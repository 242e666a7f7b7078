"""The page "Differences", its table and the view of the warp path."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from widgets.differences_panel import DifferencesPanel
from widgets.measure_table import MeasureRow, MeasureTable
from widgets.theme import current_theme
from widgets.warp_view import WarpView

PANES = [("a", "Pane A"), ("b", "Pane B"), ("c", "Pane C")]


@pytest.fixture
def panel(qtbot) -> DifferencesPanel:
    panel = DifferencesPanel({"wipe": "what wiping is", "noise": "what noise is"})
    qtbot.addWidget(panel)
    panel.set_panes(PANES)
    panel.set_pair("a", "b")
    panel.set_noise_choices(PANES[1:], "b")
    panel.resize(300, 900)
    panel.show()
    return panel


def test_choosing_asks_and_setting_does_not(panel, qtbot):
    asked = []
    for signal in (panel.view_chosen, panel.range_chosen, panel.linked_chosen, panel.timed_chosen, panel.noise_toggled):
        signal.connect(asked.append)
    panel.set_view("wipe")
    panel.set_range(30.0)
    panel.set_linked(False, True, "")
    panel.set_timed(True)
    panel.set_noise_shown(True)
    assert asked == []
    qtbot.mouseClick(panel._view.segment("blink"), Qt.MouseButton.LeftButton)
    panel._range.stepUp()
    assert asked == ["blink", 35.0]


def test_swapping_turns_the_pair_round(panel, qtbot):
    from widgets.buttons import IconButton

    swap = next(button for button in panel.findChildren(IconButton) if "Swap" in button.accessibleName())
    with qtbot.waitSignal(panel.pair_chosen) as chosen:
        swap.click()
    assert chosen.args == ["b", "a"]


def test_a_choice_outlives_new_panes(panel):
    panel.set_panes(PANES[:2])
    assert (panel._first.currentData(), panel._second.currentData()) == ("a", "b")


def test_what_a_view_needs_is_shown(panel):
    panel.set_view("difference")
    assert panel._range.isVisible()
    assert not panel._timed.isVisible()
    panel.set_view("blink")
    assert panel._timed.isVisible()
    assert not panel._range.isVisible()
    assert panel._view.segment("wipe").toolTip() == "what wiping is"


def test_a_study_is_shown_or_why_there_is_none(panel):
    panel.set_study("", [], "Open a clip")
    assert not panel.table.isVisible()
    assert not panel._play.isEnabled()
    panel.set_study("structured", [MeasureRow("loud", ("0.10", "0.20"), "what loud is")], "")
    assert panel.table.isVisible()
    assert panel._play.isEnabled()


def test_a_table_shows_fewer_rows_when_there_are_fewer(qtbot):
    table = MeasureTable(("One", "Two"), "Numbers")
    qtbot.addWidget(table)
    table.show()
    table.set_rows([MeasureRow("Group"), MeasureRow("x", ("1", "2"), "what x is"), MeasureRow("y", ("3", "–"))])
    shown = [label.text() for label in table.findChildren(QLabel) if label.isVisible() and label.text()]
    assert {"One", "Two", "Group", "x", "1", "2", "y", "3", "–"} == set(shown)
    assert next(label for label in table.findChildren(QLabel) if label.text() == "x").toolTip() == "what x is"
    table.set_rows([MeasureRow("z", ("5", "6"))])
    assert [label.text() for label in table.findChildren(QLabel) if label.isVisible()] == ["One", "Two", "z", "5", "6"]


@pytest.fixture
def path(qtbot) -> WarpView:
    view = WarpView()
    qtbot.addWidget(view)
    view.resize(240, 150)
    view.show()
    return view


def test_a_click_in_the_path_asks_for_that_time(path, qtbot):
    path.set_path(np.linspace(0, 2, 200), np.linspace(0, 3, 200), ("One", "Other"))
    plot = path._plot()
    with qtbot.waitSignal(path.seek_requested) as asked:
        middle = QPoint(round(plot.center().x()), round(plot.center().y()))
        QTest.mouseClick(path, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    assert asked.args[0] == pytest.approx(1.0, abs=0.02)


def test_the_path_and_its_cursor_are_drawn(path):
    assert not path.has_path
    path.set_path(np.linspace(0, 2, 5000), np.linspace(0, 2, 5000), ("One", "Other"))
    plot = path._plot()
    here = QColor(path.grab().toImage().pixelColor(round(plot.center().x()), round(plot.center().y())))
    assert here.saturationF() > 0.2, "the accent of the path, not the ground"
    path.set_cursor(1.0, 1.0)
    assert path.grab().toImage().pixelColor(plot.center().toPoint()) == QColor(current_theme().playhead)
    path.set_path(None, None, ("", ""))
    assert not path.has_path
