"""What the linked panes draw, and what they do not draw again."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

import widgets.mel_backing as mel_backing
from tests.widgets.linked_mels import (
    DURATION,
    FRAME_RATE,
    FRAMES,
    KEYS,
    canvas,
    mel,
    picture,
    point_at,
)
from widgets.colour_maps import lookup_table
from widgets.mel_comparison import MelComparison
from widgets.theme import DARK, LIGHT


def column_of(image: QImage, colour: str) -> list[int]:
    wanted = QColor(colour).rgb()
    return [x for x in range(image.width()) if image.pixel(x, image.height() // 2) == wanted]


def test_the_playhead_stands_at_the_same_pixel_in_every_pane(view: MelComparison) -> None:
    view.set_playhead(DURATION / 2)
    columns = [column_of(picture(canvas(view, key)), DARK.playhead) for key in KEYS]
    assert columns[0]
    assert columns[0][0] == pytest.approx(canvas(view).width() / 2, abs=1)
    assert all(column == columns[0] for column in columns)
    view.set_playhead(None)
    assert column_of(picture(canvas(view)), DARK.playhead) == []


def test_moving_lines_draw_no_mel(view: MelComparison, monkeypatch: pytest.MonkeyPatch) -> None:
    QApplication.processEvents()
    drawn = count_renders(monkeypatch)
    for step in range(20):
        view.set_playhead(step * 0.05)
        view.set_selection((0.5, 1.0 + step * 0.05))
        point_at(canvas(view), 50 + step, 30)
        QApplication.processEvents()
    assert drawn == []


def test_panning_draws_only_the_new_columns_and_equals_drawing_anew(
    view: MelComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    view.set_mel("reconstruction", rng.uniform(-60, 20, (100, FRAMES)).astype(np.float32), FRAME_RATE)
    target = canvas(view)
    view.set_time_range(1.0, 2.0)
    QApplication.processEvents()
    drawn = count_renders(monkeypatch)
    # Whole pixels, as the picture can only lie on them.
    pixel = 1.0 / target.width()
    position = 0
    for step in (3, 40, -25, 0, 200, -300):
        position += step
        view.set_time_range(1.0 + position * pixel, 2.0 + position * pixel)
        scrolled = pixels(picture(target))
        assert sum(drawn) <= 4 * abs(step) + 4
        target._backing.invalidate()
        # Sums begin elsewhere, so a level may fall on the neighbouring entry of the palette.
        assert np.abs(pixels(picture(target)) - scrolled).max() <= 6
        QApplication.processEvents()
        drawn.clear()


def pixels(image: QImage) -> np.ndarray:
    """The picture as (height, width, 4) whole numbers."""
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width()].astype(int)


def count_renders(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The widths, in device pixels, of all pictures drawn from now on."""
    widths: list[int] = []
    real = mel_backing.render

    def counted(pyramid: object, request: mel_backing.ImageRequest) -> np.ndarray:
        widths.append(request.width)
        return real(pyramid, request)  # type: ignore[arg-type]

    monkeypatch.setattr(mel_backing, "render", counted)
    return widths


def test_one_level_has_one_colour_in_all_panes_whatever_else_they_hold(view: MelComparison) -> None:
    for index, key in enumerate(KEYS):
        flat = np.full((100, FRAMES), -20.0, dtype=np.float32)
        flat[:, : 20 * index] = 90.0 * (-1) ** index
        view.set_mel(key, flat, FRAME_RATE)
    colours = {picture(canvas(view, key)).pixelColor(700, 50).name() for key in KEYS}
    assert colours == {QColor(*(int(c) for c in lookup_table("magma", 255)[127])).name()}


def test_levels_and_colour_map_reach_every_pane(view: MelComparison) -> None:
    view.set_levels(-120.0, -100.0)
    view.set_colour_map("viridis")
    top = QColor(*(int(c) for c in lookup_table("viridis")[-1]))
    assert {picture(canvas(view, key)).pixelColor(700, 50).name() for key in KEYS} == {top.name()}


def test_beyond_the_mel_is_the_background_of_the_theme(view: MelComparison) -> None:
    view.set_mel("autoregressive", mel(frames=100), FRAME_RATE)
    for theme in (DARK, LIGHT):
        view.set_theme(theme)
        image = picture(canvas(view, "autoregressive"))
        assert image.pixelColor(image.width() - 20, 50).name() == theme.plot_background


def test_a_growing_mel_shows_what_has_come(view: MelComparison) -> None:
    whole = mel()
    target = canvas(view, "autoregressive")
    for frames in range(20, FRAMES, 40):
        view.set_mel("autoregressive", whole[:, :frames], FRAME_RATE)
        QApplication.processEvents()
        assert target.mel_duration == pytest.approx((frames - 1) / FRAME_RATE)
        image = picture(target)
        edge = round((frames - 1) / FRAME_RATE / DURATION * image.width())
        assert image.pixelColor(edge + 6, 50).name() == DARK.plot_background
        assert image.pixelColor(edge - 6, 50).name() != DARK.plot_background


def test_twice_the_pixels_on_a_screen_of_twice_the_scale(view: MelComparison) -> None:
    target = canvas(view)
    pyramid = target._pyramid
    assert pyramid is not None
    sharp = mel_backing.MelBacking().pixmap(pyramid, FRAME_RATE, target.viewport_state, 2.0)
    assert (sharp.width(), sharp.height()) == (2 * target.width(), 2 * target.height())
    assert sharp.devicePixelRatio() == 2.0
