"""One registry of everything a person can do: it feeds menus, toolbar and the shortcut sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QIcon, QKeySequence

Condition = Callable[[], bool]
ShortcutGroup = tuple[str, list[tuple[str, str]]]
"""A heading and (title, shortcut) pairs."""


def always() -> bool:
    """The condition of an action that is never disabled."""
    return True


@dataclass(frozen=True)
class ActionSpec:
    """What an action is. `group` is its menu; `choice` names a set of which one is checked.

    `hint` is the sentence of the tool tip, `submenu` a menu inside the menu. `separated` draws a line above the
    action in the menu; `repeats` lets a held key repeat it; `everywhere` makes the
    shortcut work in all windows of the studio.
    """

    id: str
    title: str
    group: str
    shortcut: str = ""
    hint: str = ""
    icon: str = ""
    checkable: bool = False
    choice: str = ""
    submenu: str = ""
    separated: bool = False
    repeats: bool = False
    everywhere: bool = False


class ActionRegistry(QObject):
    """QActions by id, each with what it does and when it can be done."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._specs: dict[str, ActionSpec] = {}
        self._actions: dict[str, QAction] = {}
        self._conditions: dict[str, Condition] = {}
        self._checks: dict[str, Condition] = {}
        self._choices: dict[str, QActionGroup] = {}

    def add(
        self,
        spec: ActionSpec,
        run: Callable[[], object],
        enabled: Condition = always,
        checked: Condition | None = None,
    ) -> QAction:
        """Register an action; raises ValueError for an id or a shortcut that is taken."""
        if spec.id in self._specs:
            raise ValueError(f"the action {spec.id} is registered twice")
        if spec.shortcut:
            self._refuse_taken_shortcut(spec)
        action = QAction(spec.title, self)
        action.setObjectName(spec.id)
        if spec.shortcut:
            action.setShortcut(QKeySequence(spec.shortcut))
            where = Qt.ShortcutContext
            action.setShortcutContext(where.ApplicationShortcut if spec.everywhere else where.WindowShortcut)
        action.setAutoRepeat(spec.repeats)
        action.setCheckable(spec.checkable or bool(spec.choice))
        if spec.choice:
            self._choices.setdefault(spec.choice, QActionGroup(self)).addAction(action)
        action.setToolTip(_tool_tip(spec))
        action.setStatusTip(spec.hint)
        action.triggered.connect(lambda _checked=False: run())
        self._specs[spec.id], self._actions[spec.id] = spec, action
        self._conditions[spec.id] = enabled
        if checked is not None:
            self._checks[spec.id] = checked
        return action

    def _refuse_taken_shortcut(self, spec: ActionSpec) -> None:
        wanted = QKeySequence(spec.shortcut)
        for other in self._actions.values():
            if other.shortcut() == wanted:
                raise ValueError(f"{spec.id} and {other.objectName()} both want {spec.shortcut}")

    def action(self, action_id: str) -> QAction:
        """The action of that id; raises KeyError."""
        return self._actions[action_id]

    def spec(self, action_id: str) -> ActionSpec:
        """What was registered under that id; raises KeyError."""
        return self._specs[action_id]

    def ids(self) -> list[str]:
        """All ids, in the order of registration."""
        return list(self._specs)

    def refresh(self) -> None:
        """Ask all conditions again."""
        for action_id, action in self._actions.items():
            action.setEnabled(self._conditions[action_id]())
            if action_id in self._checks:
                action.setChecked(self._checks[action_id]())

    def set_icons(self, make: Callable[[str], QIcon]) -> None:
        """Give the actions the icons of a theme."""
        for action_id, spec in self._specs.items():
            if spec.icon:
                self._actions[action_id].setIcon(make(spec.icon))

    def menus(self) -> list[tuple[str, list[tuple[ActionSpec, QAction]]]]:
        """Menus in order of first appearance, each with its actions."""
        groups: dict[str, list[tuple[ActionSpec, QAction]]] = {}
        for action_id, spec in self._specs.items():
            groups.setdefault(spec.group, []).append((spec, self._actions[action_id]))
        return list(groups.items())

    def shortcut_groups(self, more: Iterable[ShortcutGroup] = ()) -> list[ShortcutGroup]:
        """(group, [(title, shortcut)]) of all actions that have a shortcut, then `more` (mouse gestures)."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for action_id, spec in self._specs.items():
            shown = self._actions[action_id].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            if shown:
                groups.setdefault(spec.group.replace("&", ""), []).append((_plain(spec.title), shown))
        return [*groups.items(), *more]


def _plain(title: str) -> str:
    return title.replace("&", "").rstrip("…")


def _tool_tip(spec: ActionSpec) -> str:
    title = spec.hint or _plain(spec.title)
    if not spec.shortcut:
        return title
    return f"{title}  ({QKeySequence(spec.shortcut).toString(QKeySequence.SequenceFormat.NativeText)})"
