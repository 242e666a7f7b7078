"""Colour maps: levels read in order, differences around a neutral middle."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from widgets.colour_maps import (
    COLOUR_MAPS,
    DIVERGING_COLOUR_MAPS,
    SOURCES,
    is_diverging,
    lookup_table,
)


def lightness(table: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB values 0 .. 255, shape (n, 3)."""
    c = table / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(y > 0.008856, 116.0 * np.cbrt(y) - 16.0, 903.3 * y)


def test_magma_is_the_default() -> None:
    assert COLOUR_MAPS[0] == "magma"
    assert {"inferno", "viridis", "cividis", "gray"} <= set(COLOUR_MAPS)


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_level_maps_are_monotonic_in_lightness(name: str) -> None:
    steps = np.diff(lightness(lookup_table(name)))
    direction = 1.0 if steps.sum() > 0 else -1.0
    assert (steps * direction > -0.6).all(), "a louder cell must not look softer"
    assert abs(steps.sum()) > 50.0


@pytest.mark.parametrize("name", DIVERGING_COLOUR_MAPS)
def test_diverging_maps_have_their_extreme_in_the_middle(name: str) -> None:
    light = lightness(lookup_table(name, 257))
    distance = np.abs(light - light[128])
    assert distance[0] > 10.0
    assert distance[-1] > 10.0
    assert abs(light[0] - light[-1]) < 25.0
    assert is_diverging(name)


def test_reversed_gray_is_gray_reversed() -> None:
    np.testing.assert_allclose(
        lookup_table("gray reversed").astype(int), lookup_table("gray")[::-1].astype(int), atol=1
    )
    assert not is_diverging("gray")


@pytest.mark.parametrize("name", SOURCES)
def test_the_stored_colours_are_those_of_the_collection(name: str) -> None:
    pg = pytest.importorskip("pyqtgraph")
    table = pg.colormap.get(SOURCES[name]).getLookupTable(nPts=256, alpha=False).astype(int)
    table = table[::-1] if name == "gray reversed" else table
    np.testing.assert_allclose(lookup_table(name).astype(int), table, atol=1)


def test_tables_have_the_length_asked_for_and_are_shared() -> None:
    assert lookup_table("magma", 255).shape == (255, 3)
    np.testing.assert_array_equal(lookup_table("magma", 255)[[0, -1]], lookup_table("magma")[[0, -1]])
    with pytest.raises(ValueError, match="read-only"):
        lookup_table("magma")[0, 0] = 1


def test_the_window_starts_without_a_plotting_library() -> None:
    code = "import sys, app.main_window, app.studio; sys.exit('pyqtgraph' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_map_is_refused_with_the_choice() -> None:
    with pytest.raises(ValueError, match="magma"):
        lookup_table("jet")
