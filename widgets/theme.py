"""The look of the studio as plain data: one accent colour, one type scale, spacing on a 4 px grid.

A `Theme` holds every colour a view may use. `apply_theme` turns it into a palette, a style sheet and fonts
for the whole application; views that paint themselves read `current_theme()` when they paint, and get a
`StyleChange` event whenever it changes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLoggingCategory, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from widgets.resource_files import resource_folder
from widgets.style_sheet import style_sheet

INTERFACE_FAMILIES = (
    "Inter",
    "Noto Sans Devanagari",
    "Noto Sans",
    "Segoe UI",
    "Helvetica Neue",
    "sans-serif",
)
MONOSPACE_FAMILIES = ("JetBrains Mono", "SF Mono", "Consolas", "DejaVu Sans Mono", "monospace")


@dataclass(frozen=True)
class Theme:
    """Colours ("#rrggbb"), type sizes (pt at 96 dpi) and the spacing unit (device-independent px) of a look.

    Text colours reach a contrast of 4.5:1 on every surface they are used on, and lines that mean something
    (accent, playhead, crosshair, focus) reach 3:1 (WCAG 2.1, level AA of 1.4.3 and 1.4.11).
    """

    name: str
    background: str
    """Behind all panels."""
    surface: str
    """A panel."""
    surface_raised: str
    """A control or a field on a panel."""
    border: str
    text: str
    text_muted: str
    accent: str
    accent_text: str
    """Text on a filled accent."""
    error: str
    warning: str
    success: str
    plot_background: str
    """Behind a mel: what shows where there is no mel."""
    crosshair: str
    playhead: str
    selection: str
    """A selected region or row, to be drawn translucent over a mel (see `translucent`)."""
    font_size_small: float = 8.25
    font_size_normal: float = 9.75
    font_size_large: float = 12.0
    spacing: int = 4

    @property
    def is_dark(self) -> bool:
        """True when text is lighter than what it stands on."""
        return relative_luminance(self.text) > relative_luminance(self.background)


DARK = Theme(
    name="dark",
    background="#121417",
    surface="#1a1d21",
    surface_raised="#24282e",
    border="#363c44",
    text="#e6e9ed",
    text_muted="#a0a9b4",
    accent="#3ec9b8",
    accent_text="#04211d",
    error="#ff8a80",
    warning="#f2bd5c",
    success="#7fd18b",
    plot_background="#0c0e10",
    crosshair="#c3cbd4",
    playhead="#5ef0de",
    selection="#2f9c90",
)

LIGHT = Theme(
    name="light",
    background="#e9ecef",
    surface="#f7f8fa",
    surface_raised="#ffffff",
    border="#ccd2d9",
    text="#191d22",
    text_muted="#56606b",
    accent="#0b756b",
    accent_text="#ffffff",
    error="#b3261e",
    warning="#845400",
    success="#1f7034",
    plot_background="#dfe3e8",
    crosshair="#6a7685",
    playhead="#00857a",
    selection="#5fb8ae",
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}

_current = DARK
_loaded_folders: set[Path] = set()


def current_theme() -> Theme:
    """The theme that `apply_theme` applied last (DARK before that)."""
    return _current


def apply_theme(app: QApplication, theme: Theme, fonts_folder: Path | None = None) -> None:
    """Give the whole application this look: fonts, palette and style sheet.

    fonts_folder: holds the .ttf/.otf files to register; by default the fonts that ship with the studio. A
    missing font is no error: the next family of `INTERFACE_FAMILIES` that the machine has stands in for it.
    """
    global _current
    _current = theme
    load_fonts(fonts_folder or resource_folder("fonts"))
    # Qt warns each time it meets Devanagari in a font list that begins with a Latin font, which is intended.
    QLoggingCategory.setFilterRules("qt.text.font.db=false")
    # Fusion draws the same on every platform, and alone takes all of its colours from the palette.
    style = app.style()
    if style is None or style.name().lower() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(palette(theme))
    app.setFont(interface_font(theme))
    # Before the style sheet, which gives some widgets another size or weight of it.
    _renew_fonts(app)
    app.setStyleSheet(style_sheet(theme, resource_folder("theme") / theme.name, platform_points))


def _renew_fonts(app: QApplication) -> None:
    """Let widgets that are there already take the new font.

    Qt does not hand a new application font down to widgets that a style sheet styles; those with a font of
    their own keep it.
    """
    for widget in app.allWidgets():
        if not widget.testAttribute(Qt.WidgetAttribute.WA_SetFont):
            widget.setFont(QFont())


def load_fonts(folder: Path) -> list[str]:
    """Register every font file of `folder`, once; return the names of those that Qt could not read."""
    if folder in _loaded_folders:
        return []
    _loaded_folders.add(folder)
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in {".ttf", ".otf"})
    return [path.name for path in files if QFontDatabase.addApplicationFont(str(path)) < 0]


def platform_points(points: float) -> float:
    """Sizes are thought of at 96 dpi; macOS counts 72 points to the same 96 pixels."""
    return points * 96 / 72 if sys.platform == "darwin" else points


def interface_font(
    theme: Theme, points: float | None = None, weight: QFont.Weight = QFont.Weight.Normal
) -> QFont:
    """The font of the interface, in tabular figures: a changing number never moves what is beside it."""
    font = QFont()
    font.setFamilies(list(INTERFACE_FAMILIES))
    font.setPointSizeF(platform_points(points or theme.font_size_normal))
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def monospace_font(theme: Theme, points: float | None = None) -> QFont:
    """The font of hashes and other strings that are compared letter by letter."""
    font = QFont()
    font.setFamilies(list(MONOSPACE_FAMILIES))
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPointSizeF(platform_points(points or theme.font_size_small))
    return font


def palette(theme: Theme) -> QPalette:
    """The theme as a Qt palette, for what the style sheet does not reach (menus, dialogs, painted views)."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.surface,
        role.WindowText: theme.text,
        role.Base: theme.surface_raised,
        role.AlternateBase: theme.surface,
        role.Text: theme.text,
        role.PlaceholderText: theme.text_muted,
        role.Button: theme.surface_raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.ToolTipBase: theme.surface_raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.accent_text,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: mix(theme.border, theme.text, 0.1),
        role.Midlight: theme.border,
        role.Mid: theme.border,
        role.Dark: theme.border,
        role.Shadow: theme.background,
    }
    result = QPalette()
    for key, colour in colours.items():
        result.setColor(key, QColor(colour))
    disabled = QColor(mix(theme.text_muted, theme.surface, 0.4))
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, key, disabled)
    result.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(theme.border))
    return result


def mix(first: str, second: str, share: float) -> str:
    """The colour that is `share` (0 to 1) of the way from `first` to `second`, mixed in sRGB."""
    a, b = _channels(first), _channels(second)
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in zip(a, b, strict=True))


def translucent(colour: str, alpha: float) -> QColor:
    """`colour` with an opacity of 0 (clear) to 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result


def relative_luminance(colour: str) -> float:
    """The relative luminance (0 black to 1 white) of "#rrggbb" as WCAG 2.1 defines it."""
    scaled = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in scaled)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_ratio(first: str, second: str) -> float:
    """The contrast (1 to 21) between two colours as WCAG 2.1 defines it."""
    a, b = sorted((relative_luminance(first), relative_luminance(second)))
    return (b + 0.05) / (a + 0.05)


def _channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue (0 to 255) of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
