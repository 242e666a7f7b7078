"""Which panes are shown, and how two of them are compared: actions of the View and Play menus."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from app.panes import MIXED, NOISE, PANE_TITLES, SECOND

if TYPE_CHECKING:
    from app.main_window import MainWindow

VIEWS = {
    "difference": ("&Difference", "D", "One pane minus another in dB"),
    "wipe": ("&Wipe", "W", "One pane left of a divider, the other right of it"),
}
EXTRA_SOURCES = {NOISE: "matched noise", SECOND: "the second checkpoint", MIXED: "the mixed run"}


def add_pane_actions(window: MainWindow, add: Callable[..., None]) -> None:
    """Show and hide panes; compare two of them."""
    studio = window.studio
    settings = studio.settings
    for number, (key, title) in enumerate(PANE_TITLES.items()):
        add(f"pane_{key}", title, partial(_toggle_pane, window, key), submenu="&Panes", checkable=True,
            checked=partial(_is_shown, window, key), separated=number == 0)  # fmt: skip
    add("pane_noise", "&Matched noise", lambda: studio.noise.set_shown(not settings.show_noise), "N",
        submenu="&Panes", checkable=True, checked=lambda: settings.show_noise,
        hint="The ground truth with random noise of the same mel L1 as a model's error")  # fmt: skip
    add("formants", "&Formant tracks", lambda: studio.formants.set_shown(not settings.show_formants), "T",
        icon="spline", checkable=True, checked=lambda: settings.show_formants,
        hint="Draw F1 to F4 over every mel")  # fmt: skip
    for view, (title, key, hint) in VIEWS.items():
        add(f"pair_{view}", title, partial(_toggle_view, window, view), key, submenu="Compare &two panes",
            checkable=True, checked=partial(_is_view, window, view), hint=hint)  # fmt: skip
    add("pair_blink", "&Blink", lambda: window.pair.flip(), "K", submenu="Compare &two panes", checkable=True,
        checked=partial(_is_view, window, "blink"), hint="Two panes in turn; each press changes them")  # fmt: skip
    add("pair_off", "&Off", lambda: window.pair.set_view("off"), submenu="Compare &two panes",
        enabled=lambda: settings.pair_view != "off")  # fmt: skip


def add_extra_sources(window: MainWindow, add: Callable[..., None], first_key: int) -> None:
    """Listen to what is beside the comparison: the keys from `first_key` on."""
    studio = window.studio
    for number, (key, title) in enumerate(EXTRA_SOURCES.items(), start=first_key):
        add(f"source_{key}", f"Listen to {title}", partial(studio.listening.choose, key), str(number),
            choice="source", enabled=partial(_can_hear, window, key),
            checked=partial(_is_heard, window, key))  # fmt: skip


def _toggle_pane(window: MainWindow, key: str) -> None:
    window.pair.set_hidden(key, key not in window.pair.hidden())


def _is_shown(window: MainWindow, key: str) -> bool:
    return key not in window.pair.hidden()


def _toggle_view(window: MainWindow, view: str) -> None:
    window.pair.toggle_view(view)


def _is_view(window: MainWindow, view: str) -> bool:
    return window.studio.settings.pair_view == view


def _can_hear(window: MainWindow, key: str) -> bool:
    return key in window.studio.panes.sounds()


def _is_heard(window: MainWindow, key: str) -> bool:
    return window.studio.player.source == key
