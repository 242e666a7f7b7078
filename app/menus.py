"""Menus and the toolbar, built from the action registry."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QToolButton, QWidget

from app.actions import ActionRegistry
from app.session import Clip, Session


def fill_menu_bar(bar: QMenuBar, registry: ActionRegistry) -> None:
    """All actions, in their groups and order."""
    for title, entries in registry.menus():
        menu = bar.addMenu(title)
        menu.setToolTipsVisible(True)
        submenus: dict[str, QMenu] = {}
        for spec, action in entries:
            if spec.separated:
                menu.addSeparator()
            if not spec.submenu:
                menu.addAction(action)
                continue
            if spec.submenu not in submenus:
                submenus[spec.submenu] = menu.addMenu(spec.submenu)
            submenus[spec.submenu].addAction(action)


def build_tool_bar(registry: ActionRegistry, checkpoint_menu: QMenu, clip_menu: QMenu) -> QToolBar:
    """The tool bar: open, speak, cancel, arrangement, export."""
    bar = QToolBar("Tools")
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setFloatable(False)
    bar.setIconSize(QSize(16, 16))
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    _add(bar, registry, "open_checkpoint", "Open checkpoint", checkpoint_menu)
    _add(bar, registry, "open_clip", "Open clip", clip_menu)
    bar.addSeparator()
    _add(bar, registry, "speak", "Speak")
    _add(bar, registry, "cancel", "Cancel")
    _add(bar, registry, "compare", "Compare")
    bar.addSeparator()
    for name in ("arrange_rows", "arrange_columns", "arrange_grid"):
        _add(bar, registry, name, "")
    for name in ("fit", "zoom_selection", "formants"):
        _add(bar, registry, name, "")
    spacer = QWidget(bar)
    spacer.setSizePolicy(spacer.sizePolicy().Policy.Expanding, spacer.sizePolicy().Policy.Preferred)
    bar.addWidget(spacer)
    _add(bar, registry, "export", "Export")
    return bar


def _add(bar: QToolBar, registry: ActionRegistry, action_id: str, text: str, menu: QMenu | None = None) -> None:
    action = registry.action(action_id)
    button = QToolButton(bar)
    button.setDefaultAction(action)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.text().replace("&", ""))
    if text:
        button.setText(text)
        # A button with a default action takes over the action's text at every change; keep the short one.
        action.changed.connect(lambda: button.setText(text))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    if menu is not None:
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
    bar.addWidget(button)


def recent_checkpoints_menu(
    parent: QWidget, registry: ActionRegistry, session: Session, open_path: Callable[[Path], None]
) -> QMenu:
    """Open, the embedded voice, then the recent checkpoints; filled anew each time it opens."""
    menu = QMenu(parent)

    def fill() -> None:
        menu.clear()
        menu.addAction(registry.action("open_checkpoint"))
        menu.addAction(registry.action("embedded_voice"))
        _add_recent(menu, session.recent_checkpoints, open_path)

    menu.aboutToShow.connect(fill)
    return menu


def clips_menu(
    parent: QWidget,
    registry: ActionRegistry,
    session: Session,
    examples: list[Clip],
    open_clip: Callable[[Clip], None],
) -> QMenu:
    """Open, the example clips, then the recent ones; filled anew each time it opens."""
    menu = QMenu(parent)

    def fill() -> None:
        menu.clear()
        menu.addAction(registry.action("open_clip"))
        menu.addAction(registry.action("use_prompt"))
        if examples:
            menu.addSection("Examples")
        for clip in examples:
            _add_entry(menu, clip.name, partial(open_clip, clip))
        shipped = {clip.path for clip in examples}
        recent = tuple(path for path in session.recent_clips if path not in shipped)
        _add_recent(menu, recent, lambda path: open_clip(Clip(str(path))))

    menu.aboutToShow.connect(fill)
    return menu


def _add_recent(menu: QMenu, paths: tuple[str, ...], open_path: Callable[[Path], None]) -> None:
    if paths:
        menu.addSection("Recent")
    for text in paths:
        path = Path(text)
        _add_entry(menu, path.name, partial(open_path, path), str(path), path.exists())


def _add_entry(
    menu: QMenu, title: str, run: Callable[[], object], hint: str = "", enabled: bool = True
) -> None:
    action = menu.addAction(title.replace("&", "&&"))
    action.setToolTip(hint)
    action.setEnabled(enabled)
    action.triggered.connect(lambda _checked=False: run())
