"""Colour maps: levels read in order, differences around a neutral middle."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest

from widgets.colour_maps import (
    COLOUR_MAPS,
    DIVERGING_COLOUR_MAPS,
    colour_map,
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


def test_pyqtgraph_gets_its_own_kind() -> None:
    assert isinstance(colour_map("magma"), pg.ColorMap)
    assert lookup_table("magma", 255).shape == (255, 3)
    with pytest.raises(ValueError, match="read-only"):
        lookup_table("magma")[0, 0] = 1


def test_an_unknown_map_is_refused_with_the_choice() -> None:
    with pytest.raises(ValueError, match="magma"):
        colour_map("jet")
