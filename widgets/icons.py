"""The icons of the studio: outline drawings in SVG, painted in a colour of the theme, sharp at any scale."""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from widgets.resource_files import resource_folder
from widgets.theme import Theme, mix

SIZES = (16, 20, 24, 32)
"""Edge lengths (px) at which an icon is drawn beforehand, at the scale of every screen."""


class UnknownIconError(ValueError):
    """There is no icon of this name."""


def icon_names() -> list[str]:
    """The names of all icons."""
    return sorted(path.stem for path in resource_folder("icons").glob("*.svg"))


@lru_cache(maxsize=512)
def icon(name: str, theme: Theme, colour: str | None = None) -> QIcon:
    """The icon `name` in the theme's text colour or in `colour` ("#rrggbb"), faded where it is disabled.

    Raises UnknownIconError.
    """
    normal = colour or theme.text
    result = QIcon()
    for mode, tint in ((QIcon.Mode.Normal, normal), (QIcon.Mode.Disabled, mix(normal, theme.surface, 0.6))):
        drawing = _drawing(name, tint)
        for edge in _edges():
            result.addPixmap(_painted(drawing, edge), mode)
    return result


@cache
def _edges() -> list[int]:
    """Edge lengths in device px: for screens that are there when the first icon is made."""
    scales = {screen.devicePixelRatio() for screen in QGuiApplication.screens()} | {1.0}
    return sorted({round(size * scale) for size in SIZES for scale in scales})


def pixmap(name: str, size: int, colour: str, scale: float = 1.0) -> QPixmap:
    """The icon `name` as a picture of `size` x `size` (device-independent px) at the pixel ratio `scale`.

    Raises UnknownIconError.
    """
    picture = _painted(_drawing(name, colour), max(1, round(size * scale)))
    picture.setDevicePixelRatio(scale)
    return picture


@cache
def application_icon() -> QIcon:
    """The icon of the window and the task bar."""
    result = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        result.addPixmap(pixmap("application", size, "#000000"))
    return result


def _drawing(name: str, colour: str) -> QSvgRenderer:
    """The SVG in one colour. Raises UnknownIconError."""
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", QColor(colour).name()).encode()))


def _painted(drawing: QSvgRenderer, edge: int) -> QPixmap:
    """The SVG as a square of `edge` device px."""
    picture = QPixmap(QSize(edge, edge))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    drawing.render(painter, QRectF(0, 0, edge, edge))
    painter.end()
    return picture


@cache
def _source(name: str) -> str:
    path = resource_folder("icons") / f"{name}.svg"
    if not path.is_file():
        raise UnknownIconError(f"There is no icon named {name!r} in {path.parent}.")
    return path.read_text(encoding="utf-8")
