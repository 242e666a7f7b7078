"""Icons: all of them load, take the colour asked for, and are sharp at any scale."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication

from widgets import icons
from widgets.theme import DARK, LIGHT


def coverage(picture) -> int:
    """How many pixels of a picture are not clear."""
    image = picture.toImage()
    return sum(
        image.pixelColor(x, y).alpha() > 0 for x in range(image.width()) for y in range(image.height())
    )


@pytest.mark.parametrize("name", icons.icon_names())
def test_every_icon_draws_something(qapp: QApplication, name: str):
    assert coverage(icons.pixmap(name, 24, "#ff0000")) > 10


def test_an_icon_has_the_colour_asked_for(qapp: QApplication):
    image = icons.pixmap("play", 24, "#3366cc", 2).toImage()
    opaque = [
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() == 255
    ]
    assert opaque
    assert set(opaque) == {"#3366cc"}


@pytest.mark.parametrize("scale", [1, 1.5, 2, 3])
def test_an_icon_is_drawn_in_device_pixels(qapp: QApplication, scale: float):
    picture = icons.pixmap("repeat", 20, "#ffffff", scale)
    assert picture.width() == round(20 * scale)
    assert picture.deviceIndependentSize().toSize() == QSize(20, 20)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_icons_follow_the_theme_and_fade_when_disabled(qapp: QApplication, theme):
    def darkest(mode: QIcon.Mode) -> QColor:
        image = icons.icon("square", theme).pixmap(QSize(24, 24), mode).toImage()
        return max(
            (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())),
            key=lambda colour: colour.alpha(),
        )

    assert darkest(QIcon.Mode.Normal).name() == theme.text
    assert darkest(QIcon.Mode.Disabled).name() != theme.text


def test_an_unknown_icon_is_refused(qapp: QApplication):
    with pytest.raises(icons.UnknownIconError, match="no-such-icon"):
        icons.pixmap("no-such-icon", 16, "#000000")


def test_the_application_icon_has_every_size_a_desktop_asks_for(qapp: QApplication):
    assert {size.width() for size in icons.application_icon().availableSizes()} >= {16, 32, 48, 256}
    assert coverage(icons.pixmap("application", 64, "#000000")) > 3000
