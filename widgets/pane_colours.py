"""One colour a pane, for curves of several panes in one plot."""

from __future__ import annotations

from widgets.theme import Theme

_ON_DARK = ("#e6e9ed", "#62b0ff", "#f2bd5c", "#ff8fa3", "#b79cff", "#8fd694")
_ON_LIGHT = ("#191d22", "#1565b8", "#9a5b00", "#b3264e", "#6a3fc0", "#1f7034")


def pane_colour(place: int, theme: Theme) -> str:
    """The colour "#rrggbb" of the pane at a place (0 is the ground truth); the colours repeat after six.

    Each has a contrast of at least 3:1 on the surface of its theme (WCAG 2.1, 1.4.11), and neighbours differ
    in lightness or along blue and yellow, which most colour-blind people tell apart.
    """
    colours = _ON_DARK if theme.is_dark else _ON_LIGHT
    return colours[place % len(colours)]
