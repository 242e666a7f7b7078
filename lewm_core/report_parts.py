"""What a report is made of: pictures, curves and sounds as text that stands inside the page itself.

m mel bands   t mel frames
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lewm_core.config import LN_TO_DB, MelConfig

AUDIO_FORMATS = {"wav": ("WAV", "PCM_16", "audio/wav"), "ogg": ("OGG", "VORBIS", "audio/ogg")}
_MOST_POINTS = 800
_TICKS_HZ = (500, 1000, 2000, 4000, 8000)
_STEPS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True)
class Curve:
    """A curve as SVG path data in a box of 100 x 100: an ``area`` down to ``base`` and its upper ``line``."""

    area: str
    line: str
    base: float


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where in per cent, and what it says."""

    percent: float
    label: str


def mel_picture(mel: np.ndarray, colours: np.ndarray | str, levels_db: tuple[float, float]) -> str:
    """Draw a natural-log mel (m, t) as a PNG in a data URI, one pixel a band and frame.

    Args:
        colours: (n, 3) red, green, blue (uint8), or the name of a matplotlib colour map.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap
    from matplotlib.image import imsave

    colour_map = (
        colormaps[colours] if isinstance(colours, str) else ListedColormap(np.asarray(colours) / 255.0)
    )
    file = io.BytesIO()
    imsave(
        file,
        mel * LN_TO_DB,
        vmin=levels_db[0],
        vmax=levels_db[1],
        cmap=colour_map,
        origin="lower",
        format="png",
    )
    return data_uri("image/png", file.getvalue())


def gradient(colours: np.ndarray | str, stops: int = 16) -> str:
    """The colour map from low to high as CSS colours, separated by commas."""
    from matplotlib import colormaps

    if isinstance(colours, str):
        table = np.asarray(colormaps[colours](np.linspace(0, 1, stops)))[:, :3] * 255
    else:
        table = np.asarray(colours)[np.linspace(0, len(colours) - 1, stops).astype(int)]
    return ", ".join(f"rgb({red:.0f} {green:.0f} {blue:.0f})" for red, green, blue in table)


def sound(wave: np.ndarray, sample_rate: int, audio: str) -> str:
    """A wave as a file ("wav" of 16 bits, "ogg") in a data URI; "" where there is nothing to hear."""
    import soundfile

    if not len(wave):
        return ""
    container, subtype, kind = AUDIO_FORMATS[audio]
    file = io.BytesIO()
    soundfile.write(file, np.clip(wave, -1.0, 1.0), sample_rate, format=container, subtype=subtype)
    return data_uri(kind, file.getvalue())


def data_uri(kind: str, data: bytes) -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def curve(values: np.ndarray, low: float, high: float, base: float | None = None) -> Curve:
    """Draw values (t,) between ``low`` (bottom) and ``high`` (top), clipped; NaN leaves a gap.

    Args:
        base: value down (or up) to which the area is filled; by default ``low``.
    """
    values = _thinned(np.asarray(values, dtype=np.float64))
    x = (np.arange(len(values)) + 0.5) * (100.0 / max(1, len(values)))
    y = 100.0 - 100.0 * np.clip((values - low) / (high - low), 0.0, 1.0)
    floor = 100.0 - 100.0 * float(np.clip(((low if base is None else base) - low) / (high - low), 0.0, 1.0))
    areas, lines = [], []
    for run in _finite_runs(y):
        points = [f"{x[i]:.2f} {y[i]:.2f}" for i in run]
        lines.append("M" + "L".join(points))
        areas.append(f"M{x[run[0]]:.2f} {floor:.2f}L" + "L".join(points) + f"L{x[run[-1]]:.2f} {floor:.2f}Z")
    return Curve("".join(areas), "".join(lines), floor)


def tracks(frequency: np.ndarray, config: MelConfig) -> list[str]:
    """Draw formants (4, t) in Hz over a mel: each as SVG path data in a box of 100 x 100, "" where there is nothing."""
    from lewm_core.figure import band_of_hz

    frames = frequency.shape[1]
    x = (np.arange(frames) + 0.5) * (100.0 / max(1, frames))
    y = 100.0 - 100.0 * (band_of_hz(frequency, config) + 0.5) / config.n_mels
    return [
        "".join("M" + "L".join(f"{x[i]:.2f} {row[i]:.2f}" for i in run) for run in _finite_runs(row))
        for row in y
    ]


def frequency_ticks(config: MelConfig) -> list[Tick]:
    """Marks in Hz on the axis of bands, per cent from the bottom."""
    from lewm_core.figure import band_of_hz

    wanted = [hz for hz in _TICKS_HZ if hz < config.sample_rate / 2]
    return [
        Tick(
            100.0 * (float(band_of_hz(hz, config)) + 0.5) / config.n_mels,
            f"{hz / 1000:g}k" if hz >= 1000 else str(hz),
        )
        for hz in wanted
    ]


def time_ticks(seconds: float) -> list[Tick]:
    """About six round times on an axis of so many seconds, per cent from the left."""
    if seconds <= 0:
        return []
    step = next((step for step in _STEPS_S if seconds / step <= 7), 120.0)
    times = np.arange(0, seconds + 1e-9, step)
    return [Tick(100.0 * float(time) / seconds, f"{time:g}") for time in times]


def _thinned(values: np.ndarray) -> np.ndarray:
    """At most ``_MOST_POINTS`` values: of each stretch the greatest, so that no peak is lost."""
    if len(values) <= _MOST_POINTS:
        return values
    stretches: Sequence[np.ndarray] = np.array_split(values, _MOST_POINTS)
    return np.array([s.max() if np.isnan(s).all() else np.nanmax(s) for s in stretches])


def _finite_runs(values: np.ndarray) -> list[np.ndarray]:
    """Indices of each unbroken stretch of finite values."""
    finite = np.flatnonzero(np.isfinite(values))
    return [run for run in np.split(finite, np.flatnonzero(np.diff(finite) > 1) + 1) if len(run)]
