"""The registry of actions."""

from __future__ import annotations

import pytest

from app.actions import ActionRegistry, ActionSpec


@pytest.fixture
def registry(qtbot) -> ActionRegistry:
    return ActionRegistry()


def test_an_id_or_a_shortcut_is_given_once(registry):
    registry.add(ActionSpec("open", "&Open…", "&File", "Ctrl+O"), lambda: None)
    with pytest.raises(ValueError, match="twice"):
        registry.add(ActionSpec("open", "Again", "&File"), lambda: None)
    with pytest.raises(ValueError, match="both want"):
        registry.add(ActionSpec("other", "Other", "&File", "Ctrl+O"), lambda: None)


def test_conditions_enable_and_check(registry):
    state = {"can": False, "on": True}
    spec = ActionSpec("do", "Do", "&Edit", checkable=True)
    action = registry.add(spec, lambda: None, lambda: state["can"], lambda: state["on"])
    registry.refresh()
    assert (action.isEnabled(), action.isChecked()) == (False, True)
    state.update(can=True, on=False)
    registry.refresh()
    assert (action.isEnabled(), action.isChecked()) == (True, False)


def test_triggering_runs_once(registry):
    ran = []
    registry.add(ActionSpec("do", "Do", "&Edit"), lambda: ran.append(True)).trigger()
    assert ran == [True]


def test_groups_feed_menus_and_the_sheet(registry):
    registry.add(ActionSpec("open", "&Open…", "&File", "Ctrl+O"), lambda: None)
    registry.add(ActionSpec("undo", "&Undo", "&Edit", "Ctrl+Z"), lambda: None)
    registry.add(ActionSpec("quit", "&Quit", "&File"), lambda: None)
    assert [(title, len(entries)) for title, entries in registry.menus()] == [("&File", 2), ("&Edit", 1)]
    assert registry.shortcut_groups([("Mouse", [("Zoom", "Wheel")])]) == [
        ("File", [("Open", "Ctrl+O")]),
        ("Edit", [("Undo", "Ctrl+Z")]),
        ("Mouse", [("Zoom", "Wheel")]),
    ]
