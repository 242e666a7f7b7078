"""The theme: readable colours, tabular figures, Hindi that any machine can draw."""

from __future__ import annotations

import re
from dataclasses import asdict, fields

import pytest
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QPalette, QTextLayout
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from widgets.resource_files import resource_folder
from widgets.style_sheet import style_sheet
from widgets.theme import (
    DARK,
    LIGHT,
    THEMES,
    Theme,
    apply_theme,
    contrast_ratio,
    current_theme,
    interface_font,
    load_fonts,
    mix,
    monospace_font,
)

both = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)


def test_contrast_ratio_is_that_of_wcag():
    assert contrast_ratio("#000000", "#ffffff") == pytest.approx(21)
    assert contrast_ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast_ratio("#ffffff", "#777777") == contrast_ratio("#777777", "#ffffff")


def test_mix_goes_from_one_colour_to_the_other():
    assert mix("#000000", "#ffffff", 0) == "#000000"
    assert mix("#000000", "#ffffff", 1) == "#ffffff"
    assert mix("#102030", "#304050", 0.5) == "#203040"


@both
def test_every_colour_is_written_as_rrggbb(theme: Theme):
    colours = [v for k, v in asdict(theme).items() if isinstance(v, str) and k != "name"]
    assert len(colours) == len(fields(Theme)) - 5
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in colours)


@both
@pytest.mark.parametrize("surface", ["background", "surface", "surface_raised"])
@pytest.mark.parametrize("text", ["text", "text_muted", "accent", "error", "warning", "success"])
def test_text_is_readable_on_every_surface(theme: Theme, text: str, surface: str):
    assert contrast_ratio(getattr(theme, text), getattr(theme, surface)) >= 4.5


@both
def test_text_on_the_accent_and_on_a_selected_row_is_readable(theme: Theme):
    assert contrast_ratio(theme.accent_text, theme.accent) >= 4.5
    selected_row = mix(theme.surface, theme.accent, 0.18)
    assert contrast_ratio(theme.text, selected_row) >= 4.5
    assert contrast_ratio(theme.text_muted, selected_row) >= 4.5


@both
def test_lines_over_a_plot_are_visible(theme: Theme):
    for line in (theme.playhead, theme.crosshair, theme.accent):
        assert contrast_ratio(line, theme.plot_background) >= 3
    # A mel's quietest colour is near black in every map that the studio offers.
    assert contrast_ratio(theme.playhead, "#000004") >= 3
    assert contrast_ratio(theme.crosshair, "#000004") >= 3
    assert contrast_ratio(theme.text_muted, theme.plot_background) >= 4.5


@both
def test_apply_theme_sets_palette_font_and_style_sheet(qapp: QApplication, theme: Theme):
    apply_theme(qapp, theme)
    assert current_theme() is theme
    assert qapp.palette().color(QPalette.ColorRole.Highlight) == QColor(theme.accent)
    assert qapp.palette().color(QPalette.ColorRole.WindowText) == QColor(theme.text)
    assert theme.accent in qapp.styleSheet()
    assert qapp.font().pointSizeF() == pytest.approx(theme.font_size_normal, abs=0.01)


@both
def test_style_sheet_leaves_no_gap_and_names_pictures_that_are_there(theme: Theme):
    sheet = style_sheet(theme, resource_folder("theme") / theme.name, lambda points: points)
    assert "@" not in sheet
    pictures = re.findall(r'url\("([^"]+)"\)', sheet)
    assert pictures
    for picture in pictures:
        # A tick stands on the accent colour of a checked box, arrows on a surface.
        colour = theme.accent_text if picture.endswith("check.svg") else theme.text_muted
        with open(picture, encoding="utf-8") as file:
            assert colour in file.read()


def test_all_shipped_fonts_load(qapp: QApplication):
    assert len(list(resource_folder("fonts").glob("*.?tf"))) >= 5
    assert load_fonts(resource_folder("fonts") / ".") == []


def test_a_font_file_that_is_no_font_is_named(qapp: QApplication, tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    assert load_fonts(tmp_path) == ["broken.ttf"]


def test_fonts_come_with_their_licences_and_stay_small():
    folder = resource_folder("fonts")
    for family in ("Inter", "NotoSansDevanagari", "JetBrainsMono"):
        assert "SIL OPEN FONT LICENSE" in (folder / f"LICENSE-{family}.txt").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000


def test_figures_are_tabular(qapp: QApplication):
    apply_theme(qapp, DARK)
    metrics = QFontMetricsF(qapp.font())
    assert len({round(metrics.horizontalAdvance(digit * 8), 3) for digit in "0123456789"}) == 1
    proportional = interface_font(DARK)
    proportional.unsetFeature(QFont.Tag("tnum"))
    plain = QFontMetricsF(proportional)
    assert plain.horizontalAdvance("1" * 8) != plain.horizontalAdvance("0" * 8)


@both
def test_widgets_made_before_the_theme_take_its_font_and_keep_their_own(
    qtbot, qapp: QApplication, theme: Theme
):
    qapp.setStyleSheet("")
    qapp.setFont(QFont("DejaVu Sans"))
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    plain, title, own = QLabel("plain"), QLabel("title"), QLabel("own")
    title.setProperty("role", "title")
    own.setFont(monospace_font(theme))
    for label in (plain, title, own):
        layout.addWidget(label)
    apply_theme(qapp, theme)
    window.show()
    for again in (DARK, theme, theme):
        apply_theme(qapp, again)
    assert QFontInfo(plain.font()).family() == "Inter"
    assert QFontInfo(title.font()).family() == "Inter"
    assert title.font().pointSizeF() == pytest.approx(theme.font_size_large, abs=0.01)
    assert QFontInfo(own.font()).family() == "JetBrains Mono"


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("The quick brown fox", "Inter"),
        ("ðə kwˈɪk bɹˈaʊn fˈɒks", "Inter"),
        ("नमस्ते दुनिया", "Noto Sans Devanagari"),
    ],
)
def test_speech_text_is_drawn_by_the_shipped_fonts(qapp: QApplication, text: str, family: str):
    apply_theme(qapp, DARK)
    layout = QTextLayout(text, qapp.font())
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    runs = layout.glyphRuns()
    assert runs
    assert family in {run.rawFont().familyName() for run in runs}
    for run in runs:
        assert all(index != 0 for index in run.glyphIndexes()), "a character is drawn as an empty box"


def test_the_two_themes_can_be_chosen_by_name():
    assert set(THEMES) == {"dark", "light"}
    assert DARK.is_dark
    assert not LIGHT.is_dark
