"""Colour maps for mels: perceptually uniform ones for levels, diverging ones for differences.

All are read from pyqtgraph's own collection (matplotlib's maps by van der Walt and Smith, and Kovesi's
CET maps, https://colorcet.com), under the names people know.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

_SEQUENTIAL = {
    "magma": "magma",
    "inferno": "inferno",
    "plasma": "plasma",
    "viridis": "viridis",
    "cividis": "cividis",
    "gray": "CET-L1",
    "gray reversed": "CET-L1",
    "blues": "CET-L6",
    "fire": "CET-L3",
}
_DIVERGING = {
    "blue-red": "CET-D1A",
    "blue-black-red": "CET-D8",
    "green-red": "CET-D3",
}
_REVERSED = {"gray reversed"}

COLOUR_MAPS: list[str] = list(_SEQUENTIAL)
"""Perceptual maps for levels in dB, the default first."""

DIVERGING_COLOUR_MAPS: list[str] = list(_DIVERGING)
"""Maps with a neutral middle for signed differences in dB, the default first."""

DEFAULT_COLOUR_MAP = COLOUR_MAPS[0]


@cache
def colour_map(name: str) -> pg.ColorMap:
    """The pyqtgraph colour map of that name.

    Raises:
        ValueError: when the name is in neither list.
    """
    source = _SEQUENTIAL.get(name) or _DIVERGING.get(name)
    if source is None:
        raise ValueError(
            f"there is no colour map {name!r}; choose one of {', '.join([*_SEQUENTIAL, *_DIVERGING])}"
        )
    found = pg.colormap.get(source)
    if name in _REVERSED:
        # The collection hands out one shared object per name: reverse a copy.
        colours = found.getLookupTable(nPts=256, alpha=False)[::-1].astype(np.uint8)
        found = pg.ColorMap(np.linspace(0.0, 1.0, len(colours)), colours)
    return found


@cache
def lookup_table(name: str, entries: int = 256) -> NDArray[np.uint8]:
    """The map as ``(entries, 3)`` read-only red, green, blue values, lowest level first."""
    table = np.ascontiguousarray(colour_map(name).getLookupTable(nPts=entries, alpha=False), dtype=np.uint8)
    table.flags.writeable = False
    return table


def is_diverging(name: str) -> bool:
    """Whether the map has a neutral middle, so that its levels should lie symmetrically around 0 dB."""
    return name in _DIVERGING
