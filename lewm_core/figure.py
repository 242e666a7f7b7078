"""The comparison as a picture for a paper or an issue: the mels one below the other, one scale for all.

Only matplotlib's object interface is used, with its Agg and SVG back ends: no display, no global state.
"""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lewm_core.config import LN_TO_DB, MelConfig
from lewm_core.files import write_atomically
from lewm_core.resources_path import resource

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from lewm_core.inference import Comparison, Rendering

TITLES = {
    "ground_truth": "Ground truth",
    "reconstruction": "Reconstruction",
    "teacher_forced": "Teacher-forced prediction",
    "autoregressive": "Autoregressive prediction",
    "mixed": "Mixed run",
}
FORMATS = (".png", ".svg")
DYNAMIC_RANGE_DB = 80.0
_TICKS_HZ = (0, 500, 1000, 2000, 4000, 8000, 16000)
_FONT_FILES = ("Inter-Regular.otf", "NotoSansDevanagari-Regular.ttf")
_FONT_FAMILIES = ["Inter", "Noto Sans Devanagari", "DejaVu Sans"]
_INK, _QUIET_INK = "#1c2128", "#57606a"


class FigureError(ValueError):
    """A figure cannot be drawn as asked; the message says what to change."""


def draw_comparison(
    comparison: Comparison,
    path: Path | str,
    colour_map: str = "magma",
    levels_db: tuple[float, float] | None = None,
    mel_config: MelConfig | None = None,
) -> Path:
    """Draw the mels of ``comparison`` on one time axis, one mel-spaced axis in Hz and one colour scale in dB.

    Args:
        comparison: panes that are missing (a cancelled run) are left out.
        path: .png or .svg; written to a temporary file first, then moved.
        colour_map: name of a matplotlib colour map.
        levels_db: darkest and brightest level; by default the ground truth's peak and 80 dB below it.
        mel_config: what the mels were made with; by default that of Vocos at 24 kHz.

    Raises:
        FigureError: unknown suffix or colour map, levels that do not rise, or no mel at all.
        WriteError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise FigureError(
            f"A figure is written as {' or '.join(FORMATS)}, not as {path.suffix or 'no suffix'!r}."
        )
    config = mel_config or MelConfig(sample_rate=comparison.sample_rate)
    panes = {name: comparison.panes[name] for name in TITLES if name in comparison.panes}
    panes = {name: pane for name, pane in panes.items() if pane.mel.shape[1]}
    if not panes:
        raise FigureError("There is no mel to draw: the comparison was cancelled before its first pane.")
    levels = levels_db or default_levels(next(iter(panes.values())).mel)
    if not levels[0] < levels[1]:
        raise FigureError(f"Colour levels must rise; {levels[0]:.1f} dB to {levels[1]:.1f} dB do not.")
    figure = _draw(comparison, panes, config, known_colour_map(colour_map), levels)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.lower()[1:], dpi=160)
    return write_atomically(path, buffer.getvalue())


def default_levels(mel: np.ndarray) -> tuple[float, float]:
    """Peak of a log-mel (m, t) and 80 dB below it, in dB."""
    peak = float(mel.max()) * LN_TO_DB
    return peak - DYNAMIC_RANGE_DB, peak


def band_of_hz(hz: np.ndarray | float, config: MelConfig) -> np.ndarray:
    """Position on the band axis (0 = centre of the lowest band) of a frequency in Hz; HTK mel scale."""

    def to_mel(frequency: np.ndarray | float) -> np.ndarray:
        return 2595.0 * np.log10(1.0 + np.asarray(frequency) / 700.0)

    return to_mel(hz) / to_mel(config.sample_rate / 2) * (config.n_mels + 1) - 1


def known_colour_map(name: str) -> str:
    import matplotlib

    if name not in matplotlib.colormaps:
        raise FigureError(
            f"There is no colour map {name!r}; magma, inferno, viridis, cividis and gray are common."
        )
    return name


def _draw(
    comparison: Comparison,
    panes: dict[str, Rendering],
    config: MelConfig,
    colour_map: str,
    levels: tuple[float, float],
) -> Figure:
    from matplotlib.figure import Figure

    _register_fonts()
    caption = textwrap.wrap(comparison.text, 100) or [""]
    figure = Figure(figsize=(10.0, 0.9 + 1.75 * len(panes) + 0.22 * len(caption)), layout="constrained")
    axes: list[Any] = list(figure.subplots(len(panes), 1, sharex=True, sharey=True, squeeze=False)[:, 0])
    for axis, (name, pane) in zip(axes, panes.items(), strict=True):
        image = _draw_pane(axis, pane.mel, config, colour_map, levels)
        _label_pane(axis, pane.title or TITLES[name], pane.mel_l1)
    frames = max(pane.mel.shape[1] for pane in panes.values())
    axes[-1].set_xlim(-0.5 / config.frame_rate, (frames - 0.5) / config.frame_rate)
    axes[-1].set_xlabel("Time (s)", family=_FONT_FAMILIES, color=_QUIET_INK)
    figure.supylabel("Frequency (Hz, mel-spaced)", fontsize=10, family=_FONT_FAMILIES, color=_QUIET_INK)
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.025, aspect=45)
    bar.set_label("Level (dB)", family=_FONT_FAMILIES, color=_QUIET_INK)
    bar.outline.set_visible(False)
    _dress(bar.ax)
    for axis in axes:
        _dress(axis)
    figure.suptitle("\n".join(caption), x=0.01, ha="left", fontsize=12, family=_FONT_FAMILIES, color=_INK)
    return figure


def _draw_pane(
    axis: Axes, mel: np.ndarray, config: MelConfig, colour_map: str, levels: tuple[float, float]
) -> AxesImage:
    bands, frames = mel.shape
    left, right = -0.5 / config.frame_rate, (frames - 0.5) / config.frame_rate
    image = axis.imshow(
        mel * LN_TO_DB,
        extent=(left, right, -0.5, bands - 0.5),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=colour_map,
        vmin=levels[0],
        vmax=levels[1],
    )
    ticks = [hz for hz in _TICKS_HZ if hz < config.sample_rate / 2]
    axis.set_yticks([float(band_of_hz(hz, config)) for hz in ticks], [f"{hz:,}" for hz in ticks])
    axis.set_ylim(-0.5, bands - 0.5)
    return image


def _label_pane(axis: Axes, title: str, mel_l1: float | None) -> None:
    axis.set_title(title, loc="left", fontsize=10, family=_FONT_FAMILIES, color=_INK)
    if mel_l1 is not None:
        axis.set_title(
            f"mel L1 {mel_l1:.3f}", loc="right", fontsize=10, family=_FONT_FAMILIES, color=_QUIET_INK
        )


def _dress(axis: Axes) -> None:
    axis.tick_params(
        labelsize=8, color=_QUIET_INK, labelcolor=_QUIET_INK, length=3, labelfontfamily=_FONT_FAMILIES[0]
    )
    for spine in axis.spines.values():
        spine.set_visible(False)


def _register_fonts() -> None:
    """Make the shipped fonts known by name; a font that is missing leaves matplotlib's own."""
    from matplotlib.font_manager import fontManager

    known = {Path(entry.fname).name for entry in fontManager.ttflist}
    for name in _FONT_FILES:
        file = resource("fonts", name)
        if name not in known and file.is_file():
            fontManager.addfont(str(file))
