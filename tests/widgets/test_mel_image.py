"""What is drawn is the mel: right cells at right pixels, averages where cells are smaller than pixels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.mel_image import NOTHING, TOP_INDEX, ImageRequest, MelPyramid, area_mean, render, to_indices


def pyramid_of(mel: np.ndarray) -> MelPyramid:
    pyramid = MelPyramid()
    pyramid.update(mel.astype(np.float32))
    return pyramid


def request(frames: tuple[float, float], bands: tuple[float, float], size: tuple[int, int]) -> ImageRequest:
    return ImageRequest(*frames, *bands, *size, bottom=0.0, top=float(TOP_INDEX))


def noise(frames: int, bands: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.0, TOP_INDEX, (bands, frames)).astype(np.float32)


def test_one_pixel_per_cell_is_the_mel_itself_with_low_bands_below() -> None:
    mel = np.arange(200, dtype=np.float32).reshape(10, 20)
    picture = render(pyramid_of(mel), request((0, 20), (0, 10), (20, 10)))
    np.testing.assert_array_equal(picture, mel[::-1].astype(np.uint8))


def test_cells_seen_from_near_keep_sharp_edges() -> None:
    mel = noise(6, 4)
    picture = render(pyramid_of(mel), request((0, 6), (0, 4), (48, 32)))
    np.testing.assert_array_equal(
        picture, np.repeat(np.repeat(to_indices(mel, 0, TOP_INDEX)[::-1], 8, 0), 8, 1)
    )


def test_a_pixel_over_two_cells_mixes_them_by_area() -> None:
    mel = np.array([[0.0, 100.0]], dtype=np.float32)
    picture = render(pyramid_of(mel), request((0.25, 1.75), (0, 1), (1, 1)))
    assert picture[0, 0] == 50


@pytest.mark.parametrize("frames_per_pixel", [1, 2, 3, 7, 64, 100])
def test_zoomed_out_each_pixel_is_the_mean_of_its_frames(frames_per_pixel: int) -> None:
    mel = noise(frames_per_pixel * 40)
    if frames_per_pixel.bit_count() > 1:
        # Between powers of two a pixel takes its share of a coarser average: exact for what varies slowly.
        slow = np.sin(np.linspace(0.0, 6.0, mel.shape[1])) * 100.0 + 120.0
        mel = np.broadcast_to(slow, mel.shape).astype(np.float32)
    picture = render(pyramid_of(mel), request((0, mel.shape[1]), (0, 20), (40, 20)))
    expected = mel.reshape(20, 40, frames_per_pixel).mean(axis=2)[::-1]
    assert np.abs(picture.astype(float) - expected).max() <= 1.0


def test_bands_smaller_than_pixels_are_averaged() -> None:
    mel = noise(10, bands=100)
    picture = render(pyramid_of(mel), request((0, 10), (0, 100), (10, 25)))
    expected = mel.reshape(25, 4, 10).mean(axis=1)[::-1]
    assert np.abs(picture.astype(float) - expected).max() <= 1.0


def test_beyond_the_mel_there_is_nothing() -> None:
    picture = render(pyramid_of(noise(10)), request((-10, 20), (0, 20), (30, 20)))
    assert (picture[:, :10] == NOTHING).all()
    assert (picture[:, 10:20] != NOTHING).all()
    assert (picture[:, 20:] == NOTHING).all()


@pytest.mark.parametrize("zoom", [1, 3, 8, 0.25])
def test_nan_is_nothing_and_does_not_spread(zoom: float) -> None:
    mel = noise(64)
    mel[:, 32:48] = np.nan
    width = int(64 * zoom)
    picture = render(pyramid_of(mel), request((0, 64), (0, 20), (width, 20)))
    missing = (picture == NOTHING).all(axis=0)
    assert missing[width // 2 : width * 3 // 4].all()
    assert not missing[: width // 2].any()
    assert not missing[width * 3 // 4 :].any()


def test_levels_end_where_the_palette_ends() -> None:
    levels = np.array([[-200.0, -80.0, -40.0, 0.0, 90.0, np.nan]], dtype=np.float32)
    np.testing.assert_array_equal(to_indices(levels, -80.0, 0.0), [[0, 0, 127, 254, 254, NOTHING]])


@settings(deadline=None)
@given(
    st.integers(1, 700),
    st.lists(st.integers(1, 900), min_size=1, max_size=4),
    st.integers(0, 3),
    st.booleans(),
)
def test_a_mel_that_grows_or_is_revised_equals_one_made_at_once(
    frames: int, lengths: list[int], seed: int, with_nan: bool
) -> None:
    growing = MelPyramid()
    growing.update(noise(frames, seed=seed))
    for index, length in enumerate(lengths):
        mel = noise(max(frames, length), seed=seed)[:, :length].copy()
        mel[:, length // 2 :] += index % 2  # the later half is revised every other time
        if with_nan:
            mel[:, -3:] = np.nan
        growing.update(mel)
        fresh = pyramid_of(mel)
        level = 0
        while level < 12:
            try:
                expected = fresh.rows(level)
            except IndexError:
                break
            np.testing.assert_array_equal(growing.rows(level), expected)
            level += 1


def test_an_extension_reports_where_it_begins_and_nothing_new_reports_nothing() -> None:
    mel = noise(500)
    pyramid = pyramid_of(mel[:, :300])
    assert pyramid.update(mel[:, :300].copy()) is None
    assert pyramid.update(mel) == 300
    assert pyramid.frames == 500
    revised = mel.copy()
    revised[3, 123] += 1.0
    assert pyramid.update(revised) == 123
    assert pyramid.update(revised[:, :200]) == 200, "a shorter mel differs from where it ends"


def test_the_caller_may_go_on_writing_into_its_array() -> None:
    mel = noise(50)
    pyramid = pyramid_of(mel)
    before = pyramid.value(10, 5)
    mel[:] = -1.0
    assert pyramid.value(10, 5) == before


def test_values_outside_are_nan() -> None:
    pyramid = pyramid_of(noise(5))
    for frame, band in [(-1, 0), (5, 0), (0, -1), (0, 20)]:
        assert math.isnan(pyramid.value(frame, band))


@pytest.mark.parametrize("shape", [(10,), (0, 5), (2, 3, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="bands, frames"):
        MelPyramid().update(np.zeros(shape, np.float32))


@given(st.integers(1, 60), st.integers(1, 40), st.floats(0.0, 0.9))
def test_area_mean_equals_fine_sampling(rows: int, pixels: int, offset: float) -> None:
    values = np.random.default_rng(rows).uniform(-100.0, 30.0, (rows, 3)).astype(np.float32)
    edges = np.linspace(offset * min(1, rows / 2), rows, pixels + 1)
    fine = np.repeat(values, 1, axis=0)
    expected = []
    for a, b in itertools.pairwise(edges):
        overlap = np.clip(np.minimum(np.arange(rows) + 1, b) - np.maximum(np.arange(rows), a), 0.0, None)
        expected.append((fine * overlap[:, None]).sum(axis=0) / (b - a))
    np.testing.assert_allclose(area_mean(values, edges), expected, atol=0.15)
