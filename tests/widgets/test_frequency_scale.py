"""The mel scale of the axis is that of the filter bank, and its ticks are readable."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.frequency_scale import MelScale, format_hz, format_hz_readout, hz_to_mel, mel_to_hz

scales = st.builds(
    MelScale,
    sample_rate=st.sampled_from([8000, 16000, 22050, 24000, 48000]),
    n_mels=st.integers(1, 256),
    f_min=st.floats(0.0, 500.0),
    f_max=st.one_of(st.none(), st.floats(1000.0, 4000.0)),
)


def test_htk_reference_values() -> None:
    assert hz_to_mel(1000.0) == pytest.approx(999.9856, abs=1e-3)
    assert hz_to_mel(0.0) == 0.0
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(np.array([50.0, 440.0, 11999.0]))), [50.0, 440.0, 11999.0])


def test_band_centres_are_the_peaks_of_the_triangular_filters() -> None:
    # Corner points as torchaudio.functional.melscale_fbanks lays them, HTK, 24 kHz, 100 bands.
    corners = mel_to_hz(np.linspace(0.0, hz_to_mel(12000.0), 102))
    scale = MelScale(24000, 100)
    np.testing.assert_allclose([scale.band_to_hz(band) for band in range(100)], corners[1:-1], rtol=1e-9)


@given(scales, st.floats(0.0, 1.0))
def test_edges_and_hz_are_inverse(scale: MelScale, place: float) -> None:
    edge = place * scale.n_mels
    assert scale.hz_to_edge(scale.edge_to_hz(edge)) == pytest.approx(edge, abs=1e-6)
    assert scale.hz_to_band(scale.band_to_hz(edge)) == pytest.approx(edge, abs=1e-6)


@given(scales, st.floats(0.0, 0.9), st.floats(0.02, 1.0), st.floats(0.5, 30.0))
def test_ticks_are_in_range_in_order_and_apart(scale: MelScale, at: float, span: float, gap: float) -> None:
    low, high = at * scale.n_mels, min(at + span, 1.0) * scale.n_mels
    ticks = scale.ticks(low, high, gap)
    edges = [scale.hz_to_edge(tick.hz) for tick in ticks]
    assert all(low - 1e-6 <= edge <= high + 1e-6 for edge in edges)
    assert all(b - a >= gap - 1e-6 for a, b in itertools.pairwise(edges))
    assert len({tick.label for tick in ticks}) == len(ticks)


def test_ticks_of_a_small_and_a_tall_pane() -> None:
    scale = MelScale(24000, 100)
    assert [t.label for t in scale.ticks(0.0, 100.0, 17.0)] == ["500", "2k", "5k", "10k"]
    tall = [t.label for t in scale.ticks(0.0, 100.0, 4.0)]
    assert {"200", "500", "1k", "2k", "5k", "10k"} <= set(tall)
    assert "11.5k" not in tall


def test_ticks_get_finer_when_zoomed_in() -> None:
    scale = MelScale(24000, 100)
    low, high = scale.hz_to_edge(430.0), scale.hz_to_edge(470.0)
    assert "440" in [t.label for t in scale.ticks(low, high, (high - low) / 8)]


@pytest.mark.parametrize(
    ("hz", "label"), [(50, "50"), (500, "500"), (1000, "1k"), (1500, "1.5k"), (12000, "12k")]
)
def test_labels(hz: float, label: str) -> None:
    assert format_hz(hz) == label


def test_readout_keeps_the_exact_frequency() -> None:
    assert format_hz_readout(811.7) == "812 Hz"
    assert format_hz_readout(10240.0) == "10\u2009240 Hz"


@pytest.mark.parametrize(
    "bad", [{"n_mels": 0}, {"f_min": -1.0}, {"f_min": 5000.0, "f_max": 400.0}, {"f_min": math.nan}]
)
def test_impossible_scales_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError):
        MelScale(24000, **bad)
