"""The list of takes: model, keys, mouse, and a name that is being typed."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QAbstractItemModel, Qt, qInstallMessageHandler
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QLineEdit

from widgets.take_list import TakeList, TakeRow
from widgets.take_model import TakeModel
from widgets.theme import DARK, apply_theme

NOW = datetime.now().astimezone()


def take(take_id: str, title: str = "") -> TakeRow:
    return TakeRow(take_id, title or f"Take {take_id}", "heart", 42, 1.9, NOW - timedelta(minutes=5))


@pytest.fixture
def takes(qtbot) -> TakeList:
    apply_theme(QApplication.instance(), DARK)
    panel = TakeList()
    qtbot.addWidget(panel)
    panel.resize(280, 320)
    panel.set_takes([take("a"), take("b"), take("c")])
    panel.show()
    qtbot.waitExposed(panel)
    panel.activateWindow()
    panel.setFocus()
    return panel


def click(qtbot, panel: TakeList, row: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    view = panel.view()
    place = view.visualRect(view.model().index(row, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def titles(model: QAbstractItemModel) -> list[str]:
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_a_click_shows_a_take(qtbot, takes: TakeList):
    with qtbot.waitSignal(takes.selected) as shown:
        click(qtbot, takes, 1)
    assert shown.args == ["b"]
    assert takes.current() == "b"


def test_arrow_keys_go_through_the_takes(qtbot, takes: TakeList):
    takes.set_current("a")
    with qtbot.waitSignal(takes.selected) as shown:
        qtbot.keyClick(takes.view(), Qt.Key.Key_Down)
    assert shown.args == ["b"]


def test_f2_renames_in_place(qtbot, takes: TakeList):
    takes.set_current("b")
    qtbot.keyClick(takes.view(), Qt.Key.Key_F2)
    editor = takes.view().findChild(QLineEdit)
    assert editor.text() == "Take b"
    editor.selectAll()
    qtbot.keyClicks(editor, "Warmer")
    with qtbot.waitSignal(takes.renamed) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["b", "Warmer"]
    assert titles(takes.view().model()) == ["Take a", "Warmer", "Take c"]


def test_an_empty_or_unchanged_name_renames_nothing(qtbot, takes: TakeList):
    takes.set_current("b")
    for name in ("   ", "Take b"):
        takes.rename_current()
        editor = takes.view().findChild(QLineEdit)
        editor.selectAll()
        qtbot.keyClicks(editor, name)
        with qtbot.assertNotEmitted(takes.renamed):
            qtbot.keyClick(editor, Qt.Key.Key_Return)
        editor.setParent(None)
    assert titles(takes.view().model())[1] == "Take b"


def test_a_new_take_does_not_disturb_a_name_being_typed(qtbot, takes: TakeList):
    takes.set_current("b")
    takes.rename_current()
    editor = takes.view().findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "Half a na")
    takes.set_takes([take("new"), take("a"), take("b"), take("c")])
    qtbot.keyClicks(editor, "me")
    with qtbot.waitSignal(takes.renamed) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["b", "Half a name"]


def test_several_are_selected_and_deleted_together(qtbot, takes: TakeList):
    click(qtbot, takes, 2)
    click(qtbot, takes, 0, Qt.KeyboardModifier.ControlModifier)
    assert takes.selected_ids() == ["a", "c"]
    with qtbot.waitSignal(takes.delete_requested) as deleted:
        qtbot.keyClick(takes.view(), Qt.Key.Key_Delete)
    assert deleted.args == [["a", "c"]]
    assert titles(takes.view().model()) == ["Take a", "Take b", "Take c"], "the owner deletes, not the view"


def test_delete_with_nothing_selected_asks_for_nothing(qtbot, takes: TakeList):
    takes.set_current(None)
    with qtbot.assertNotEmitted(takes.delete_requested):
        qtbot.keyClick(takes.view(), Qt.Key.Key_Delete)


def test_the_menu_offers_what_fits_the_selection(qtbot, takes: TakeList):
    click(qtbot, takes, 1)
    actions = {action.text().split("\t")[0]: action for action in takes.build_menu().actions()}
    with qtbot.waitSignal(takes.export_requested) as exported:
        actions["Export…"].trigger()
    assert exported.args == [["b"]]
    with qtbot.waitSignal(takes.rerun_requested) as again:
        actions["Speak again"].trigger()
    assert again.args == ["b"]
    click(qtbot, takes, 2, Qt.KeyboardModifier.ShiftModifier)
    actions = {action.text().split("\t")[0]: action for action in takes.build_menu().actions()}
    assert actions["Export 2 takes…"].isEnabled()
    assert not actions["Rename"].isEnabled()
    assert not actions["Speak again"].isEnabled()


def test_setters_emit_nothing_and_keep_the_current_take(qtbot, takes: TakeList):
    signals = (takes.selected, takes.renamed, takes.delete_requested, takes.export_requested)
    with ExitStack() as stack:
        for signal in signals:
            stack.enter_context(qtbot.assertNotEmitted(signal))
        takes.set_current("b")
        takes.set_takes([take("d"), take("b", "Other title"), take("a")])
        assert takes.current() == "b"
        assert takes.selected_ids() == ["b"]
        takes.set_takes([take("d")])
        takes.set_current(None)
        takes.set_current("no such take")
        assert takes.current() is None
        takes.set_takes([])


def test_the_empty_list_says_what_it_is_for(takes: TakeList):
    takes.set_takes([])
    empty = takes.grab().toImage()
    takes.set_takes([take("a")])
    assert takes.grab().toImage() != empty
    bright = [
        empty.pixelColor(x, y).lightness() > 150
        for x in range(0, empty.width(), 2)
        for y in range(0, empty.height(), 2)
    ]
    assert any(bright), "nothing is written in the empty list"


def test_rows_speak_for_themselves(takes: TakeList):
    spoken = takes.view().model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    # Minutes may pass between collecting the tests and running this one.
    assert re.fullmatch(r"Take a, heart, 1\.9 s, seed 42, \d+ min ago", spoken), spoken


ids = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(before=ids, after=ids, changed=st.sampled_from("abcdefgh"))
def test_the_model_becomes_any_list_by_single_rows(before: list[str], after: list[str], changed: str):
    model = TakeModel()
    complaints: list[str] = []
    # Qt's own checker of models warns when a row is announced wrongly.
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    handler = qInstallMessageHandler(lambda kind, context, message: complaints.append(message))
    rows = [take(name) for name in after]
    rows = [replace(row, title="changed") if row.id == changed else row for row in rows]
    try:
        model.set_takes([take(name) for name in before])
        model.set_takes(rows)
    finally:
        qInstallMessageHandler(handler)
    assert complaints == []
    assert [model.take(model.index(row)) for row in range(model.rowCount())] == rows
    del tester
