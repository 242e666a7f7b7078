"""Formant blur: how much of the truth's spectral contrast a mel has lost, told apart from random error.

Every measure is linear in the judged mel (or correlates neighbouring frames of it), so random error averages
out, while smoothing along frequency takes away from each of them. They look at one scale of detail at a time:
the difference of two Gaussian smoothings along frequency (a band-pass; D. Marr and E. Hildreth, "Theory of
edge detection", Proc. R. Soc. Lond. B 207, 1980). With D(x) the detail of x, in dB, over the bands between
low_hz and high_hz and the truth's active frames:

contrast gain    g = <D(mel), D(truth)> / <D(truth), D(truth)>, the least-squares slope of the mel's detail on
                 the truth's. **Blur = 1 - g**: 0 as sharp as the truth, 1 nothing left of its contrast,
                 negative where it is exaggerated. A formant in the wrong place counts as blur, too; hence
own contrast     c = sqrt(sum <D(mel_i), D(mel_i+1)> / the same of the truth), i running over frames. It asks
                 for no formant at its place, and noise, which differs from frame to frame, drops out.
                 Blurred: c falls with g. Sharp but misplaced: c near 1, g low.
prominence       height of the truth's spectral peaks over the valleys on both sides, in dB, and what the mel
                 has at the same three bands.
bandwidth ratio  widening of those peaks: each is fitted by a parabola a - k d^2 (d bands from the peak),
                 whose width 3 dB below the top, the usual definition of a formant's bandwidth (G. Fant,
                 Acoustic Theory of Speech Production, 1960), is 2 sqrt(3 / k). The ratio of widths is
                 sqrt(sum k_truth / sum k_mel).

Gaussian smoothing along frequency multiplies each cosine component of a frame by exp(-(sigma w)^2 / 2). Over
all bands, with mirrored ends, g is a weighted mean of these factors, so it falls with sigma in every frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from lewm_core.analysis.bands import active_frames, bands_between
from lewm_core.analysis.checks import AnalysisError, as_mel, common_frames
from lewm_core.config import LN_TO_DB, MelConfig


@dataclass(frozen=True)
class DetailScale:
    """Which spectral detail is looked at.

    Attributes:
        name: for people.
        fine: sigma in bands of the smoothing that removes finer detail (0: none is removed).
        coarse: sigma in bands of the smoothing that removes broader detail (spectral tilt).
        low_hz, high_hz: bands with centres in this range count.
    """

    name: str
    fine: float
    coarse: float
    low_hz: float = 200.0
    high_hz: float = 5500.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.fine < self.coarse:
            raise AnalysisError(f"Fine must lie in [0, coarse); {self.fine} and {self.coarse} bands do not.")
        if not 0.0 <= self.low_hz < self.high_hz:
            raise AnalysisError(f"Frequencies must rise; {self.low_hz} Hz to {self.high_hz} Hz do not.")


FORMANT_SCALE = DetailScale("formants", fine=1.3, coarse=5.0)
"""Detail of about 7 to 25 of 100 bands from crest to crest: formants lie that far apart, harmonics closer."""

HARMONIC_SCALE = DetailScale("harmonics", fine=0.0, coarse=1.3)
"""Finer detail: the harmonics of the voice, which 100 bands resolve up to 1 or 2 kHz."""

MIN_PROMINENCE_DB = 3.0
"""Peaks of the truth lower than this are not followed."""


@dataclass(frozen=True)
class FormantBlur:
    """Blur of a mel relative to the truth, over the truth's active frames.

    Attributes:
        per_frame: (t,) 1 - contrast gain, over frames i - 2 to i + 2; NaN in pauses.
        mean: 1 - contrast gain of all active frames at once, so frames count by their contrast; None if none
            is.
        own_contrast: c, 1 as sharp as the truth; None when the truth has none.
        prominence_db: mean height of the mel at the truth's peaks, dB; None when the truth has no peak.
        truth_prominence_db: the same of the truth.
        bandwidth_ratio: widening of the truth's peaks, 1 unchanged; infinite where they are flat; None
            without peak.
        scale: what was looked at.
    """

    per_frame: np.ndarray
    mean: float | None
    own_contrast: float | None
    prominence_db: float | None
    truth_prominence_db: float | None
    bandwidth_ratio: float | None
    scale: DetailScale

    @property
    def prominence_ratio(self) -> float | None:
        """Share of the truth's peak height that is left."""
        if self.prominence_db is None or self.truth_prominence_db is None:
            return None
        return self.prominence_db / self.truth_prominence_db


def formant_blur(
    mel: np.ndarray,
    truth: np.ndarray,
    config: MelConfig | None = None,
    scale: DetailScale = FORMANT_SCALE,
) -> FormantBlur:
    """Measure how much of the truth's contrast along frequency ``mel`` has lost.

    Both must be on one time axis (reconstruction, teacher-forced prediction); a free run is first put on the
    truth's by ``alignment.warped_to_reference``.

    Args:
        mel, truth: (m, t) natural-log mels; the common beginning is used.
        config: what the mels were made with.
        scale: FORMANT_SCALE, HARMONIC_SCALE or one of your own.

    Raises:
        AnalysisError: the mels cannot be compared, or no band lies in the range of the scale.
    """
    mel, truth = common_frames(mel, truth)
    config = config or MelConfig(n_mels=truth.shape[0])
    bands = bands_between(scale.low_hz, scale.high_hz, config)
    if bands.stop - bands.start < 3:
        raise AnalysisError(f"Fewer than three bands lie between {scale.low_hz} and {scale.high_hz} Hz.")
    active = active_frames(truth)
    x, y = detail(mel, scale)[bands], detail(truth, scale)[bands]
    common, own = (x * y).sum(axis=0) * active, (y * y).sum(axis=0) * active
    prominence = _prominence(mel, truth, bands, active, scale)
    return FormantBlur(
        per_frame=_blur_by_frame(common, own, active),
        mean=1.0 - float(common.sum() / own.sum()) if own.sum() > 0 else None,
        own_contrast=_own_contrast(x, y, active),
        prominence_db=prominence[0],
        truth_prominence_db=prominence[1],
        bandwidth_ratio=prominence[2],
        scale=scale,
    )


def spectral_contrast(
    mel: np.ndarray, config: MelConfig | None = None, scale: DetailScale = FORMANT_SCALE
) -> float | None:
    """Return how strong the mel's own detail is, dB: sharpness where there is no truth to hold it against.

    The root of the mean of D(mel_i) D(mel_i+1) over bands and active frames i, so that noise, which differs from
    frame to frame, drops out. Blur lowers it. None without two active frames in a row.

    Args:
        mel: (m, t) natural-log mel.

    Raises:
        AnalysisError: the mel cannot be used.
    """
    mel = as_mel(mel)
    config = config or MelConfig(n_mels=mel.shape[0])
    active = active_frames(mel)
    pairs = active[1:] & active[:-1]
    if not pairs.any():
        return None
    x = detail(mel, scale)[bands_between(scale.low_hz, scale.high_hz, config)]
    power = float((x[:, 1:] * x[:, :-1]).mean(axis=0) @ pairs) / int(pairs.sum())
    return float(np.sqrt(max(power, 0.0)))


def detail(mel: np.ndarray, scale: DetailScale = FORMANT_SCALE) -> np.ndarray:
    """Return the detail of a natural-log mel (m, t) at a scale, in dB, same shape."""
    return (_smooth(mel, scale.fine) - _smooth(mel, scale.coarse)) * LN_TO_DB


def smooth_along_frequency(mel: np.ndarray, sigma: float) -> np.ndarray:
    """Blur a natural-log mel (m, t) on purpose: a Gaussian of ``sigma`` bands along frequency, mirrored
    ends."""
    return _smooth(np.asarray(mel, dtype=np.float64), sigma)


def _smooth(mel: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter1d(mel, sigma, axis=0, mode="reflect", truncate=6.0) if sigma > 0 else mel


def _blur_by_frame(common: np.ndarray, own: np.ndarray, active: np.ndarray) -> np.ndarray:
    window = np.ones(5)
    numerator = np.convolve(common, window, mode="same") if len(common) >= 5 else common
    denominator = np.convolve(own, window, mode="same") if len(own) >= 5 else own
    blur = np.full(len(own), np.nan)
    usable = active & (denominator > 0)
    blur[usable] = 1.0 - numerator[usable] / denominator[usable]
    return blur


def _own_contrast(x: np.ndarray, y: np.ndarray, active: np.ndarray) -> float | None:
    pairs = active[1:] & active[:-1]
    mel = float((x[:, 1:] * x[:, :-1]).sum(axis=0) @ pairs)
    truth = float((y[:, 1:] * y[:, :-1]).sum(axis=0) @ pairs)
    return float(np.sqrt(max(mel, 0.0) / truth)) if truth > 0 else None


def _prominence(
    mel: np.ndarray, truth: np.ndarray, bands: slice, active: np.ndarray, scale: DetailScale
) -> tuple[float | None, float | None, float | None]:
    """Height of the mel and of the truth at the truth's peaks (dB), and the ratio of bandwidths."""
    x, y = (_smooth(values, scale.fine)[bands] * LN_TO_DB for values in (mel, truth))
    heights = np.zeros(2)
    curvatures = np.zeros(2)
    count = 0
    for frame in np.flatnonzero(active):
        spectrum = y[:, frame]
        for peak, left, right in _peaks(spectrum):
            half = max(1, min(3, peak - left, right - peak))
            if peak - half < 0 or peak + half >= len(spectrum):
                continue
            around = slice(peak - half, peak + half + 1)
            parabola = _curvature_weights(half)
            for which, values in enumerate((x[:, frame], spectrum)):
                heights[which] += values[peak] - 0.5 * (values[left] + values[right])
                curvatures[which] -= parabola @ values[around]
            count += 1
    if not count:
        return None, None, None
    widening = float(np.sqrt(curvatures[1] / curvatures[0])) if curvatures[0] > 0 else float("inf")
    return float(heights[0] / count), float(heights[1] / count), widening


def _peaks(spectrum: np.ndarray) -> list[tuple[int, int, int]]:
    """Peaks of a spectrum (dB) and the deepest points between each and its neighbours: (peak, left,
    right)."""
    peaks, _ = find_peaks(spectrum, prominence=MIN_PROMINENCE_DB)
    bounds = [0, *peaks.tolist(), len(spectrum) - 1]
    found = []
    for before, peak, after in zip(bounds, bounds[1:], bounds[2:], strict=False):
        left = before + int(np.argmin(spectrum[before : peak + 1]))
        right = peak + int(np.argmin(spectrum[peak : after + 1]))
        found.append((peak, left, right))
    return found


@lru_cache(maxsize=8)
def _curvature_weights(half: int) -> np.ndarray:
    """Weights (2 half + 1,) that give the quadratic coefficient of the least-squares parabola."""
    d = np.arange(-half, half + 1, dtype=np.float64)
    return np.linalg.pinv(np.stack([np.ones_like(d), d, d * d], axis=1))[2]
