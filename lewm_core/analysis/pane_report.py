"""All numbers of one pane at once: what a table, a report or ``lewm analyse`` shows of a mel against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lewm_core.analysis.alignment import align, warped_to_reference
from lewm_core.analysis.checks import common_frames
from lewm_core.analysis.error_classes import ClassError, error_by_class
from lewm_core.analysis.error_structure import ErrorStructure, error_structure
from lewm_core.analysis.formant_blur import FORMANT_SCALE, HARMONIC_SCALE, FormantBlur, formant_blur
from lewm_core.analysis.mel_error import Place, mel_l1, worst_places
from lewm_core.config import MelConfig

RANDOM_BELOW, STRUCTURED_ABOVE = 0.2, 0.4


@dataclass(frozen=True)
class PaneReport:
    """A mel against the truth.

    Attributes:
        l1: mean absolute error, nats.
        formants, harmonics: blur at both scales.
        structure: correlation of the error.
        classes: error by class of frame.
        worst: moments of greatest error, the worst first.
        aligned: the mel was put on the truth's time axis by DTW first.
    """

    l1: float
    formants: FormantBlur
    harmonics: FormantBlur
    structure: ErrorStructure
    classes: list[ClassError]
    worst: list[Place]
    aligned: bool

    @property
    def kind(self) -> str:
        """Is the error "structured", "random", "mixed" or "none"? See ``kind_of``."""
        return kind_of(self.structure)


def kind_of(structure: ErrorStructure) -> str:
    """Is an error "structured", "random", "mixed" or "none"? By its lag-1 correlation, the greater of both axes.

    Independent noise lies at 0; a true mel that is blurred, or replaced by other speech, above 0.4 (tested).
    """
    lags = [axis.lag_one for axis in (structure.frequency, structure.time) if axis.lag_one is not None]
    if not lags:
        return "none"
    if max(lags) < RANDOM_BELOW:
        return "random"
    return "structured" if max(lags) > STRUCTURED_ABOVE else "mixed"


def report_pane(
    mel: np.ndarray,
    truth: np.ndarray,
    config: MelConfig | None = None,
    pitch_hz: np.ndarray | None = None,
    places: int = 5,
    aligned: bool = False,
) -> PaneReport:
    """Measure a mel against the truth.

    Args:
        mel: (m, u) natural-log mel.
        truth: (m, t).
        config: what both were made with.
        pitch_hz: (t,) of the original wave, for the error of voiced and unvoiced frames.
        places: how many of the worst moments.
        aligned: put the mel on the truth's time axis by DTW first, as a free run needs.

    Raises:
        AnalysisError: the mels cannot be compared.
    """
    config = config or MelConfig(n_mels=truth.shape[0])
    if aligned:
        mel = warped_to_reference(mel, align(truth, mel, config.frame_rate))
    mel, truth = common_frames(mel, truth)
    return PaneReport(
        l1=mel_l1(mel, truth),
        formants=formant_blur(mel, truth, config, FORMANT_SCALE),
        harmonics=formant_blur(mel, truth, config, HARMONIC_SCALE),
        structure=error_structure(mel, truth),
        classes=error_by_class(mel, truth, pitch_hz),
        worst=worst_places(mel, truth, places, config),
        aligned=aligned,
    )
