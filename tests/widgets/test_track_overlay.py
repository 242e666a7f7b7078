"""Formant tracks in the picture of a mel: where they lie, what they leave alone, and that scrolling is redrawing."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from widgets.mel_backing import MelBacking
from widgets.mel_comparison import MelComparison, PaneSpec
from widgets.mel_image import MelPyramid
from widgets.mel_viewport import Viewport
from widgets.track_overlay import MOST_FRAMES_A_COLUMN, TRACK_COLOURS, TrackWindow, draw_tracks

GREY = 90


def picture_of(tracks: np.ndarray, left=0.0, right=100.0, width=200, height=100) -> np.ndarray:
    picture = np.full((height, width, 4), GREY, np.uint8)
    draw_tracks(picture, tracks, TrackWindow(left, right, 0.0, 100.0))
    return picture


def bgr(colour: str) -> tuple[int, int, int]:
    return int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)


@pytest.mark.parametrize("formant", range(4))
def test_a_level_track_is_a_line_of_its_colour_with_a_dark_rim(formant):
    tracks = np.full((4, 100), np.nan)
    tracks[formant] = 40.5
    picture = picture_of(tracks)
    column = picture[:, 100, :3].astype(int)
    assert tuple(column[59]) == bgr(TRACK_COLOURS[formant])
    assert column[57].max() < GREY
    assert column[61].max() < GREY
    assert (column[:55] == GREY).all()
    assert (column[65:] == GREY).all()


def test_a_gap_stays_a_gap():
    tracks = np.full((1, 100), 50.0)
    tracks[0, 40:60] = np.nan
    picture = picture_of(tracks)
    touched = (picture[..., :3] != GREY).any(axis=(0, 2))
    assert touched[:79].all()
    assert not touched[82:118].any()
    assert touched[121:].all()


def test_a_jump_is_not_joined():
    tracks = np.full((1, 100), 20.0)
    tracks[0, 50:] = 70.0
    picture = picture_of(tracks)
    assert (picture[35:75, :, :3] == GREY).all(), "nothing between the two"


def test_far_away_and_without_tracks_the_mel_is_left_alone():
    tracks = np.full((1, 5000), 50.0)
    picture = picture_of(tracks, right=200 * MOST_FRAMES_A_COLUMN * 1.01)
    assert (picture == GREY).all()
    assert (picture_of(np.full((4, 0), np.nan)) == GREY).all()
    assert (picture_of(np.full((4, 50), np.nan)) == GREY).all()


def test_outside_the_bands_shown_nothing_breaks():
    draw_tracks(picture := np.full((30, 40, 4), GREY, np.uint8), np.array([[-50.0] * 20, [500.0] * 20]),
                TrackWindow(-10.0, 30.0, 20.0, 60.0))  # fmt: skip
    assert (picture == GREY).all()


def test_scrolling_gives_the_picture_that_drawing_anew_gives(qapp: QApplication):
    rng = np.random.default_rng(0)
    pyramid = MelPyramid()
    pyramid.update(rng.normal(0, 10, (100, 600)).astype(np.float32))
    tracks = 30 + np.cumsum(rng.normal(0, 0.6, (4, 600)), axis=1)
    backing = MelBacking()
    backing.set_tracks(tracks)
    for start in (1.0, 1.2, 1.15, 2.5):
        view = Viewport(start, start + 2.0, 0.0, 100.0, 400.0, 120.0)
        scrolled = backing.pixmap(pyramid, 100.0, view, 1.0).toImage()
        fresh = MelBacking()
        fresh.set_tracks(tracks)
        assert scrolled == fresh.pixmap(pyramid, 100.0, view, 1.0).toImage()


def test_tracks_in_hertz_lie_at_their_frequency(qtbot):
    view = MelComparison()
    qtbot.addWidget(view)
    view.set_panes([PaneSpec("a", "A")])
    view.resize(500, 400)
    view.set_mel("a", np.full((100, 100), -200.0, np.float32), 100.0)
    view.set_time_range(0.0, 1.0)
    view.show()
    track = np.full((4, 100), np.nan)
    track[1] = 2000.0
    canvas = view.pane("a").canvas
    before = canvas.grab().toImage()
    view.set_tracks("a", track)
    after = canvas.grab().toImage()
    y = round(canvas.viewport_state.y_of(view._scale.hz_to_edge(2000.0)))
    x = canvas.width() // 2
    changed = [row for row in range(canvas.height()) if before.pixel(x, row) != after.pixel(x, row)]
    assert changed
    assert np.mean(changed) == pytest.approx(y, abs=1.5)
    view.set_tracks("a", None)
    assert canvas.grab().toImage() == before
