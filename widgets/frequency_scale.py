"""Frequency scales: which frequency a mel band stands for, and where to put readable ticks.

Positions on a scale are *band edges*: band ``i`` is drawn from edge ``i`` to edge ``i + 1`` and its centre
frequency lies at ``i + 0.5``. A picture of ``n_mels`` bands therefore spans the edges ``0 .. n_mels``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

_STEP_MANTISSAS = (5.0, 2.0, 1.0)


@dataclass(frozen=True)
class FrequencyTick:
    """A labelled frequency in Hz, such as ``FrequencyTick(1500.0, "1.5k")``."""

    hz: float
    label: str


class FrequencyScale(Protocol):
    """What a view needs to know about the frequency axis of a picture of ``n_bands`` rows."""

    @property
    def n_bands(self) -> int: ...

    def edge_to_hz(self, edge: float) -> float: ...

    def hz_to_edge(self, hz: float) -> float: ...

    def hz_to_edges(self, hz: NDArray[np.float64]) -> NDArray[np.float64]: ...

    def ticks(self, low_edge: float, high_edge: float, min_gap: float) -> list[FrequencyTick]: ...


@overload
def hz_to_mel(hz: float) -> float: ...
@overload
def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]: ...
def hz_to_mel(hz: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    """Frequency in Hz to mel by the HTK formula ``2595 log10(1 + hz / 700)`` (O'Shaughnessy 1987)."""
    if isinstance(hz, np.ndarray):
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    return 2595.0 * math.log10(1.0 + hz / 700.0)


@overload
def mel_to_hz(mel: float) -> float: ...
@overload
def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]: ...
def mel_to_hz(mel: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    """HTK mel to frequency in Hz, the inverse of :func:`hz_to_mel`."""
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


@dataclass(frozen=True)
class MelScale:
    """The HTK mel scale of a triangular filter bank.

    ``n_mels`` filters take their ``n_mels + 2`` corner points at equal mel distances between ``f_min`` and
    ``f_max`` (Hz; ``None`` is half the sample rate), as in torchaudio and Vocos; band ``i`` peaks at point
    ``i + 1``.

    Raises:
        ValueError: when there is no band, or the frequencies are not ``0 <= f_min < f_max``.
    """

    sample_rate: int = 24000
    n_mels: int = 100
    f_min: float = 0.0
    f_max: float | None = None

    def __post_init__(self) -> None:
        if self.n_mels < 1:
            raise ValueError(f"a mel scale needs at least one band, not {self.n_mels}")
        if not 0.0 <= self.f_min < self.top_hz:
            raise ValueError(f"a mel scale needs 0 <= f_min < f_max, not {self.f_min} and {self.top_hz} Hz")

    @property
    def n_bands(self) -> int:
        return self.n_mels

    @property
    def top_hz(self) -> float:
        """The upper corner of the last filter, in Hz."""
        return self.sample_rate / 2.0 if self.f_max is None else float(self.f_max)

    @cached_property
    def _mel_step(self) -> float:
        return (hz_to_mel(self.top_hz) - self._lowest_mel) / (self.n_mels + 1)

    @cached_property
    def _lowest_mel(self) -> float:
        return hz_to_mel(self.f_min)

    def edge_to_hz(self, edge: float) -> float:
        """Frequency in Hz at a band edge position (``edge`` may be fractional)."""
        return mel_to_hz(self._lowest_mel + (edge + 0.5) * self._mel_step)

    def hz_to_edge(self, hz: float) -> float:
        """Band edge position of a frequency in Hz, the inverse of :meth:`edge_to_hz`."""
        return (hz_to_mel(hz) - self._lowest_mel) / self._mel_step - 0.5

    def hz_to_edges(self, hz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Band edge positions of many frequencies in Hz; NaN stays NaN."""
        return (hz_to_mel(hz) - self._lowest_mel) / self._mel_step - 0.5

    def band_to_hz(self, band: float) -> float:
        """Centre frequency of band ``band`` in Hz (``band`` may be fractional)."""
        return self.edge_to_hz(band + 0.5)

    def hz_to_band(self, hz: float) -> float:
        """The fractional band whose centre is ``hz``, the inverse of :meth:`band_to_hz`."""
        return self.hz_to_edge(hz) - 0.5

    def ticks(self, low_edge: float, high_edge: float, min_gap: float) -> list[FrequencyTick]:
        """Round frequencies between two edges, at least ``min_gap`` bands apart, lowest first.

        The roundest numbers are placed first and finer ones fill what room is left, so that a tick stays
        where it is while the view grows.
        """
        low_hz, high_hz = self.edge_to_hz(low_edge), self.edge_to_hz(high_edge)
        placed: dict[float, float] = {}
        for step in _descending_steps(high_hz, self._finest_step(low_edge, min_gap)):
            for hz in _multiples(step, low_hz, high_hz):
                edge = self.hz_to_edge(hz)
                # A lone 11.5k between 10k and 12k helps nobody: a step begins where several of it fit.
                roomy = self.hz_to_edge(hz + step) - edge >= 0.6 * min_gap
                if roomy and all(abs(edge - other) >= min_gap for other in placed.values()):
                    placed[hz] = edge
        return [FrequencyTick(hz, format_hz(hz)) for hz in sorted(placed)]

    def _finest_step(self, low_edge: float, min_gap: float) -> float:
        # A mel scale is densest (most bands per Hz) at its lower end: no tick can be closer in Hz than there.
        return max(self.edge_to_hz(low_edge + max(min_gap, 1e-3)) - self.edge_to_hz(low_edge), 1.0)


def format_hz(hz: float) -> str:
    """A frequency as an axis label: ``500``, ``1k``, ``1.5k``, ``12k``."""
    if hz < 1000.0:
        return f"{hz:g}"
    return f"{hz / 1000.0:.6g}k"


def format_hz_readout(hz: float) -> str:
    """A frequency as a readout under the pointer, with its unit: ``812 Hz``, ``10 240 Hz``."""
    return f"{hz:,.0f} Hz".replace(",", "\u2009")


def _descending_steps(largest: float, finest: float) -> list[float]:
    """The numbers 1, 2, 5 times a power of ten from ``largest`` down to about ``finest``."""
    steps = []
    exponent = math.floor(math.log10(max(largest, 1.0)))
    while True:
        for mantissa in _STEP_MANTISSAS:
            step = mantissa * 10.0**exponent
            if step <= largest:
                steps.append(step)
            if step < finest or step <= 1.0:
                return steps
        exponent -= 1


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step), math.floor(high / step)
    return [index * step for index in range(max(first, 0), last + 1)]
