"""The comparison as a picture."""

from __future__ import annotations

import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from lewm_core.config import LN_TO_DB, MelConfig
from lewm_core.figure import FigureError, band_of_hz, default_levels, draw_comparison
from lewm_core.files import WriteError
from lewm_core.inference import Comparison, Rendering
from lewm_core.mel import load_audio, log_mel
from lewm_core.resources_path import resource

HINDI = "अरुणाचल में सूर्य सबसे पहले झाँकता है।"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    wave = load_audio(resource("clips", "alpha-arunachal.ogg"))
    mel = log_mel(wave)
    rng = np.random.default_rng(0)
    noisy = (mel + rng.standard_normal(mel.shape)).astype(np.float32)
    panes = {
        "ground_truth": Rendering(mel, wave),
        "reconstruction": Rendering(mel + 0.2, wave, 0.2),
        "teacher_forced": Rendering(noisy, wave, 0.8),
        "autoregressive": Rendering(noisy[:, :200], wave[: 199 * 256], 0.8),
    }
    return Comparison(HINDI, "alpha", wave, 24_000, panes, "stop_head", {})


def test_png_shows_the_levels_asked_for(comparison: Comparison, tmp_path: Path) -> None:
    path = draw_comparison(comparison, tmp_path / "figure.png")
    brighter = draw_comparison(comparison, tmp_path / "bright.png", levels_db=(-120.0, -60.0))
    pictures = [np.asarray(Image.open(name).convert("L"), dtype=float) for name in (path, brighter)]
    assert pictures[0].shape[0] > 800
    assert pictures[0].shape[1] == 1600
    assert pictures[1][200:-200].mean() > pictures[0][200:-200].mean() + 20
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bright.png", "figure.png"]


def test_no_glyph_of_a_devanagari_caption_is_missing(comparison: Comparison, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        warnings.filterwarnings("error", message="findfont")
        draw_comparison(comparison, tmp_path / "figure.png")


def test_svg_is_well_formed(comparison: Comparison, tmp_path: Path) -> None:
    path = draw_comparison(comparison, tmp_path / "figure.SVG", colour_map="viridis")
    root = ElementTree.parse(path).getroot()
    assert root.tag.endswith("svg")
    assert len(list(root.iter("{http://www.w3.org/2000/svg}image"))) >= 4


def test_a_cancelled_comparison_shows_what_there_is(comparison: Comparison, tmp_path: Path) -> None:
    part = Comparison(
        HINDI,
        "alpha",
        comparison.original,
        24_000,
        {"ground_truth": comparison.panes["ground_truth"]},
        "cancelled",
        {},
    )
    one = Image.open(draw_comparison(part, tmp_path / "one.png"))
    four = Image.open(draw_comparison(comparison, tmp_path / "four.png"))
    assert one.height < four.height / 2


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("figure.jpg", {}, "png or .svg"),
        ("figure", {}, "no suffix"),
        ("figure.png", {"colour_map": "rainbowish"}, "rainbowish"),
        ("figure.png", {"levels_db": (0.0, -80.0)}, "rise"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    comparison: Comparison, tmp_path: Path, name: str, options: dict, says: str
) -> None:
    with pytest.raises(FigureError, match=says):
        draw_comparison(comparison, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_draw_and_nowhere_to_write(comparison: Comparison, tmp_path: Path) -> None:
    empty = Comparison("", "alpha", comparison.original, 24_000, {}, "cancelled", {})
    with pytest.raises(FigureError, match="no mel"):
        draw_comparison(empty, tmp_path / "figure.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        draw_comparison(comparison, tmp_path / "file" / "figure.png")


def test_frequency_axis_agrees_with_the_mel() -> None:
    """A pure tone is loudest in the band where the axis puts its frequency."""
    config = MelConfig()
    for hz in (300.0, 1000.0, 4000.0, 9000.0):
        tone = np.sin(2 * np.pi * hz * np.arange(24_000) / 24_000).astype(np.float32)
        loudest = int(log_mel(tone)[:, 40].argmax())
        assert abs(loudest - float(band_of_hz(hz, config))) <= 1.0


def test_default_levels_follow_the_peak() -> None:
    mel = np.array([[-10.0, 1.0]], np.float32)
    assert default_levels(mel) == pytest.approx((LN_TO_DB - 80.0, LN_TO_DB))
