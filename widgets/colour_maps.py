"""Colour maps for mels: perceptually uniform ones for levels, diverging ones for differences.

The colours lie ready in `resources/theme/colour_maps.npz`, 256 a map: matplotlib's maps by van der Walt and
Smith and Kovesi's CET maps (https://colorcet.com), as pyqtgraph's collection holds them. A plotting library
takes up to a second to import, which nobody should wait for to see the window.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from widgets.resource_files import resource_folder

SOURCES = {
    "magma": "magma",
    "inferno": "inferno",
    "plasma": "plasma",
    "viridis": "viridis",
    "cividis": "cividis",
    "gray": "CET-L1",
    "gray reversed": "CET-L1",
    "blues": "CET-L6",
    "fire": "CET-L3",
    "blue-red": "CET-D1A",
    "blue-black-red": "CET-D8",
    "green-red": "CET-D3",
}
"""Our names and those of the collection that they were read from."""

DIVERGING_COLOUR_MAPS: list[str] = ["blue-red", "blue-black-red", "green-red"]
"""Maps with a neutral middle for signed differences in dB, the default first."""

COLOUR_MAPS: list[str] = [name for name in SOURCES if name not in DIVERGING_COLOUR_MAPS]
"""Perceptual maps for levels in dB, the default first."""

DEFAULT_COLOUR_MAP = COLOUR_MAPS[0]


@cache
def lookup_table(name: str, entries: int = 256) -> NDArray[np.uint8]:
    """The map as ``(entries, 3)`` read-only red, green, blue values, lowest level first.

    Raises:
        ValueError: when the name is in neither list.
    """
    if name not in SOURCES:
        raise ValueError(f"there is no colour map {name!r}; choose one of {', '.join(SOURCES)}")
    stops = _tables()[name.replace(" ", "_")]
    places = np.linspace(0.0, len(stops) - 1.0, entries)
    channels = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    table = np.ascontiguousarray(np.rint(np.stack(channels, axis=1)), dtype=np.uint8)
    table.flags.writeable = False
    return table


def is_diverging(name: str) -> bool:
    """Whether the map has a neutral middle, so that its levels should lie symmetrically around 0 dB."""
    return name in DIVERGING_COLOUR_MAPS


@cache
def _tables() -> dict[str, NDArray[np.uint8]]:
    """The ``(256, 3)`` colours of every map."""
    with np.load(resource_folder("theme") / "colour_maps.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
