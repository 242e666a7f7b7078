"""Everything a person can do in the window, registered once: menus, toolbar and shortcut sheet read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWhatsThis

from app.actions import ActionRegistry, ActionSpec, Condition, always
from app.pane_actions import add_extra_sources, add_pane_actions
from app.panes import SOURCE_TITLES
from app.session import SOURCES
from app.settings import ARRANGEMENTS, INSPECTOR_TABS, THEMES
from app.voice import VOCODERS
from widgets.colour_maps import COLOUR_MAPS

if TYPE_CHECKING:
    from app.main_window import MainWindow

MOUSE_HELP = (
    "Mouse in the mels",
    [
        ("Go there", "Click"),
        ("Select a region, which loops", "Drag"),
        ("Zoom in time at the pointer", "Wheel"),
        ("Pan in time", "Shift+Wheel"),
        ("Open files", "Drop on the window"),
    ],
)
VOCODER_HINTS = {
    "charactr/vocos-mel-24khz": "The original Vocos, from the Hugging Face cache or the hub",
    "griffin-lim": "Needs no weights; sounds metallic",
}
NUDGE = 0.1
"""Seconds that the arrow keys move the playhead."""
ZOOM_STEP = 1.5


def register_actions(window: MainWindow) -> ActionRegistry:
    """The registry with all actions of the window."""
    registry = ActionRegistry(window)
    for register in (_file, _edit, _view, _play, _model, _window, _help):
        register(window, registry)
    return registry


def _file(window: MainWindow, registry: ActionRegistry) -> None:
    files, studio = window.files, window.studio
    add = _adder(registry, "&File")
    add("open_checkpoint", "&Open checkpoint…", files.ask_checkpoint, "Ctrl+O", icon="box",
        hint="Look into a checkpoint, then load it")  # fmt: skip
    add("open_clip", "Open &clip…", files.ask_clip, "Ctrl+Shift+O", icon="file-audio",
        hint="Open a recording to compare with")  # fmt: skip
    add("open_data", "Open &data…", files.ask_data, "Ctrl+Shift+D", icon="database",
        hint="Look through a manifest made by lewm preprocess")  # fmt: skip
    add("open_text", "Open &text…", files.ask_text, icon="file-text", hint="Read a text file into the text box")
    add("export", "&Export…", files.ask_export, "Ctrl+E", icon="download", separated=True,
        hint="Write sounds, mels or the figure to files", enabled=lambda: bool(studio.exporting.sources()))  # fmt: skip
    add("export_all", "Export all &panes…", files.ask_export_all, "Ctrl+Shift+E",
        hint="Write all sounds into a folder", enabled=lambda: bool(studio.exporting.sources()))  # fmt: skip
    add("export_figure", "Export fi&gure…", files.ask_export_figure, icon="image",
        hint="Draw the four mels as PNG or SVG", enabled=lambda: studio.exporting.can_draw)  # fmt: skip
    add("export_report", "Export re&port…", files.ask_export_report, "Ctrl+Alt+E", icon="file-text",
        hint="Write the comparison as one HTML page: pictures, players, numbers, recipe",
        enabled=lambda: studio.exporting.can_draw)  # fmt: skip
    add("quit", "&Quit", window.close, "Ctrl+Q", separated=True, everywhere=True)


def _edit(window: MainWindow, registry: ActionRegistry) -> None:
    studio = window.studio
    add = _adder(registry, "&Edit")
    add("undo", "&Undo", studio.undo.undo, "Ctrl+Z", icon="undo-2", enabled=studio.undo.canUndo,
        hint="Undo renaming or deleting a take")  # fmt: skip
    add("redo", "&Redo", studio.undo.redo, "Ctrl+Shift+Z", enabled=studio.undo.canRedo)
    has_take = lambda: studio.session.current_take is not None  # noqa: E731
    add("rename_take", "Re&name take", window.take_list.rename_current, "F2", enabled=has_take, separated=True)
    add("delete_take", "&Delete take", window.delete_current_take, icon="trash-2", enabled=has_take)
    add("edit_text", "Edit the &text", window.compose.focus_text, "Ctrl+T", separated=True,
        hint="Put the keyboard into the text box")  # fmt: skip


def _view(window: MainWindow, registry: ActionRegistry) -> None:
    timeline, settings = window.studio.timeline, window.studio.settings
    add = _adder(registry, "&View")
    add("fit", "&Fit", timeline.fit, "F", icon="maximize", hint="Show everything")
    add("zoom_selection", "&Zoom to selection", timeline.zoom_to_selection, "Z", icon="scan",
        enabled=lambda: timeline.selection is not None)  # fmt: skip
    add("zoom_back", "Zoom &back", timeline.zoom_back, "Backspace")
    add("zoom_in", "Zoom &in", lambda: timeline.zoom(ZOOM_STEP, timeline.playhead), "+", icon="zoom-in", repeats=True)
    add("zoom_out", "Zoom &out", lambda: timeline.zoom(1 / ZOOM_STEP, timeline.playhead), "-", icon="zoom-out",
        repeats=True)  # fmt: skip
    icons = {"rows": "rows-3", "columns": "columns-3", "grid": "layout-grid"}
    for number, name in enumerate(ARRANGEMENTS):
        add(f"arrange_{name}", name.capitalize(), _later(window.set_arrangement, name), icon=icons[name],
            hint=f"Arrange the mels in {'a grid' if name == 'grid' else name}", choice="arrangement",
            separated=number == 0, checked=_equals(lambda: settings.arrangement, name))  # fmt: skip
    for number, name in enumerate(COLOUR_MAPS):
        add(f"colours_{name}", name.capitalize(), _later(timeline.set_colour_map, name), choice="colour_map",
            submenu="&Colours", separated=number == 0, checked=_equals(lambda: timeline.colour_map, name))  # fmt: skip
    for name in THEMES:
        add(f"theme_{name}", name.capitalize(), _later(window.set_theme_choice, name), choice="theme",
            submenu="&Theme", checked=_equals(lambda: settings.theme, name))  # fmt: skip
    add_pane_actions(window, add)
    for number, (name, title) in enumerate(INSPECTOR_TABS.items(), start=1):
        add(f"inspect_{name}", title, _later(window.show_tab, name), f"Alt+{number}", choice="inspector",
            submenu="&Inspector page", checked=_equals(lambda: settings.inspector_tab, name))  # fmt: skip
    add("widen_inspector", "&Wide inspector", lambda: window.widen_inspector(not window.inspector.is_wide), "Ctrl+I",
        checkable=True, checked=lambda: window.inspector.is_wide,
        hint="Give the inspector half of the window, or its usual width")  # fmt: skip
    add("follow", "Fo&llow playhead", lambda: timeline.set_follow(not timeline.follow), checkable=True,
        separated=True, checked=lambda: timeline.follow)  # fmt: skip


def _play(window: MainWindow, registry: ActionRegistry) -> None:
    studio = window.studio
    listening, timeline = studio.listening, studio.timeline
    add = _adder(registry, "&Play")
    has_sound = lambda: bool(studio.panes.sounds())  # noqa: E731
    add("play", "&Play or pause", listening.toggle, "Space", icon="play", enabled=has_sound)
    add("stop", "&Stop, clear selection", listening.stop, "Esc", icon="square")
    add("loop", "&Loop", lambda: timeline.set_loop(not timeline.loop), "L", icon="repeat", checkable=True,
        enabled=has_sound, checked=lambda: timeline.loop)  # fmt: skip
    add("start", "To the s&tart", lambda: listening.seek(0.0), "Home", icon="skip-back")
    add("back", "A little back", lambda: listening.nudge(-NUDGE), "Left", repeats=True)
    add("forth", "A little forward", lambda: listening.nudge(NUDGE), "Right", repeats=True)
    for number, source in enumerate(SOURCES, start=1):
        add(f"source_{source}", f"Listen to {SOURCE_TITLES[source].lower()}", _later(listening.choose, source),
            str(number), choice="source", separated=number == 1,
            checked=_equals(lambda: studio.player.source, source))  # fmt: skip
    add_extra_sources(window, add, len(SOURCES) + 1)
    add("match_levels", "&Match levels", lambda: studio.levels.set_on(not studio.levels.is_on), "M", checkable=True,
        separated=True, hint="Play everything equally loud (BS.1770)", checked=lambda: studio.levels.is_on)  # fmt: skip
    add("rescan_devices", "Look for sound &devices", lambda: studio.player.refresh_devices(rescan=True),
        separated=True, enabled=lambda: not studio.player.is_playing)  # fmt: skip


def _model(window: MainWindow, registry: ActionRegistry) -> None:
    studio = window.studio
    add = _adder(registry, "&Model")
    add("speak", "&Speak", studio.speak, "Ctrl+Return", icon="speech", hint="Speak the text",
        enabled=lambda: studio.voice.is_ready and (studio.live.is_on or not studio.speaking.is_busy))  # fmt: skip
    add("live", "L&ive", lambda: studio.live.set_on(not studio.live.is_on), "Ctrl+Shift+L", icon="audio-lines",
        hint="Speak at once what is typed or changed", checkable=True, checked=lambda: studio.live.is_on)  # fmt: skip
    add("cancel", "&Cancel", studio.cancel_job, "Ctrl+.", icon="x",
        hint="Stop, and keep what was made so far", enabled=lambda: studio.running_job() is not None)  # fmt: skip
    add("compare", "Co&mpare again", studio.compare_again, "Ctrl+R", icon="rotate-ccw",
        hint="Make the panes again with the present speaker, seed and temperature",
        enabled=lambda: studio.comparison.can_compare)  # fmt: skip
    add("free_from_here", "&Free run from the playhead", studio.free_from_playhead, "Ctrl+Shift+R",
        hint="Teacher-forced up to the playhead, free from there on: a mixed run, with a pane of its own",
        enabled=lambda: studio.mixing.can_run)  # fmt: skip
    add("close_mixed", "Put the mi&xed run away", studio.mixing.reset, enabled=lambda: studio.mixing.is_shown)
    add("use_prompt", "&Use clip as voice prompt", studio.use_clip_as_prompt, "Ctrl+Shift+P", icon="route",
        hint="The next takes go on from the clip's speech", separated=True,
        enabled=lambda: studio.can_prompt)  # fmt: skip
    add("forget_prompt", "Speak without voice &prompt", studio.forget_prompt,
        enabled=lambda: studio.session.voice_prompt is not None)  # fmt: skip
    add("load_candidate", "&Load the inspected checkpoint", studio.voice.load_candidate, "Ctrl+L", separated=True,
        enabled=lambda: studio.voice.candidate is not None and studio.voice.loading is None)  # fmt: skip
    add("embedded_voice", "Load the &embedded voice", lambda: studio.voice.load(None),
        enabled=lambda: studio.session.checkpoint is not None)  # fmt: skip
    add("compare_with", "Compare with c&heckpoint…", window.files.ask_second, separated=True,
        icon="layers", hint="What another checkpoint makes of the same sentence, beside the loaded voice")  # fmt: skip
    add("open_run", "Open &run folder…", window.files.ask_run, icon="history",
        hint="Slide through the checkpoints of a training run")  # fmt: skip
    second = studio.second
    add("earlier_checkpoint", "E&arlier checkpoint of the run", lambda: second.choose(second.place - 1), ",",
        repeats=True, enabled=lambda: second.place > 0)  # fmt: skip
    add("later_checkpoint", "La&ter checkpoint of the run", lambda: second.choose(second.place + 1), ".",
        repeats=True, enabled=lambda: 0 <= second.place < len(second.checkpoints) - 1)  # fmt: skip
    add("close_second", "Put the second checkpoint a&way", studio.second.close,
        enabled=lambda: studio.second.is_open)  # fmt: skip
    can_choose = lambda: studio.voice.is_ready and studio.voice.loading is None  # noqa: E731
    for name, title in VOCODERS.items():
        add(f"vocoder_{name or 'own'}", title, _later(studio.voice.choose_vocoder, name), choice="vocoder",
            submenu="&Vocoder", hint=VOCODER_HINTS.get(name, ""), enabled=can_choose,
            checked=_equals(lambda: studio.voice.vocoder, name))  # fmt: skip
    add("vocoder_folder", "A &folder…", window.files.ask_vocoder, choice="vocoder", submenu="&Vocoder",
        hint="A folder with the config.yaml and the weights of a Vocos", enabled=can_choose,
        checked=lambda: studio.voice.vocoder not in VOCODERS)  # fmt: skip


def _window(window: MainWindow, registry: ActionRegistry) -> None:
    settings = window.studio.settings
    add = _adder(registry, "&Window")
    add("show_compose", "&Compose and takes", lambda: window.show_panel("show_compose", not settings.show_compose),
        "Ctrl+1", checkable=True, checked=lambda: settings.show_compose)  # fmt: skip
    add("show_inspector", "&Inspector", lambda: window.show_panel("show_inspector", not settings.show_inspector),
        "Ctrl+2", checkable=True, checked=lambda: settings.show_inspector)  # fmt: skip
    add("show_errors", "&Error strip", lambda: window.show_panel("show_errors", not settings.show_errors),
        "Ctrl+3", checkable=True, checked=lambda: settings.show_errors)  # fmt: skip
    add("show_grid", "&Grid of checkpoints", window.show_grid, "Ctrl+G", icon="layout-grid",
        hint="Checkpoints by texts and speakers, rendered in the background")  # fmt: skip
    add("show_data", "&Data", window.files.show_data, "Ctrl+D", icon="database", separated=True,
        hint="The window of data folders")  # fmt: skip
    add("full_screen", "&Full screen", window.toggle_full_screen, "F11", checkable=True, separated=True,
        checked=window.isFullScreen)  # fmt: skip


def _help(window: MainWindow, registry: ActionRegistry) -> None:
    add = _adder(registry, "&Help")
    add("shortcuts", "&Shortcuts", window.show_shortcuts, "F1", icon="keyboard")
    studio = window.studio
    add("example_run", "Open an example &run", studio.examples.make_run, separated=True,
        hint="Checkpoints of a made-up run: the embedded voice with less and less blur (170 MB)")  # fmt: skip
    add("example_data", "Open example &data", window.files.show_example_data,
        hint="The example clips as lewm preprocess makes data of them")  # fmt: skip
    add("explain", "&What does this mean?", QWhatsThis.enterWhatsThisMode, "Shift+F1", icon="circle-help",
        hint="Then click a number, a curve or a control; a click on a number alone does it too")  # fmt: skip
    add("about", "&About LeWM Studio", window.show_about, icon="info")


def _adder(registry: ActionRegistry, group: str) -> Callable[..., None]:
    def add(
        action_id: str,
        title: str,
        run: Callable[[], object],
        shortcut: str = "",
        *,
        enabled: Condition = always,
        checked: Condition | None = None,
        **more: object,
    ) -> None:
        spec = ActionSpec(action_id, title, group, shortcut, **more)  # type: ignore[arg-type]
        registry.add(spec, run, enabled, checked)

    return add


def _later(run: Callable[[str], object], value: str) -> Callable[[], object]:
    return lambda: run(value)


def _equals(current: Callable[[], str], value: str) -> Condition:
    return lambda: current() == value
