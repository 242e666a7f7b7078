"""Formant tracks of everything on the screen, measured in the engine process with one set of settings."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QObject, QTimer

from app.aligning import AlignmentController
from app.measuring import Measured, Measurer
from app.messages_panes import FormantsTracked, TrackFormants
from app.panes import FREE, MIXED, NOISE, PANE_TITLES, TRUTH
from lewm_core.analysis.formants import frequency_deviation

CEILINGS = (1000.0, 12_000.0)


class FormantController(Measurer):
    """Tracks of all panes while they are switched on; the ceiling is kept for each speaker.

    A speaker whose ceiling nobody has chosen gets the one that the pitch suggests (`suggested_ceiling`).
    """

    def __init__(
        self, measured: Measured, alignment: AlignmentController, parent: QObject | None = None
    ) -> None:
        super().__init__(measured, parent)
        self._alignment = alignment
        self._asked: TrackFormants | None = None
        self.tracked: FormantsTracked | None = None
        self.deviation: dict[str, np.ndarray] = {}
        """(4,) median deviation from the ground truth in per cent, by pane."""
        # Several panes change at once; they are measured together.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.update)
        measured.panes.pane_changed.connect(lambda _key: self._soon.start())
        measured.panes.sounds_changed.connect(self._soon.start)
        alignment.changed.connect(self._on_aligned)

    @property
    def speaker(self) -> str:
        """Whose ceiling is in force."""
        result = self._comparison.result
        take = self._session.take(self._session.current_take)
        if result is not None:
            return result.speaker
        return take.speaker if take is not None else self._session.speaker

    @property
    def own_ceiling(self) -> float | None:
        """The ceiling in Hz that the person chose for this speaker; None: the suggested one holds."""
        value: object = self._settings.formant_ceilings.get(
            self.speaker
        )  # of a file that anybody may have edited
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return None
        return float(value) if CEILINGS[0] <= value <= CEILINGS[1] else None

    @property
    def ceiling(self) -> float:
        """The ceiling in Hz that is shown: chosen, measured with, or Praat's standard."""
        if self.own_ceiling is not None:
            return self.own_ceiling
        return self.tracked.ceiling_hz if self.tracked is not None else 5500.0

    def set_shown(self, shown: bool) -> None:
        """Draw tracks, or not."""
        self._settings.show_formants = shown
        self.update()
        self.changed.emit()

    def set_settings(self, ceiling_hz: float, number: float, window_s: float) -> None:
        """Measure with other settings; the ceiling is that of the present speaker alone."""
        if ceiling_hz != self.ceiling:
            self._settings.formant_ceilings = {**self._settings.formant_ceilings, self.speaker: ceiling_hz}
        self._settings.formant_number, self._settings.formant_window = number, window_s
        self.update()
        self.changed.emit()

    def use_suggested(self) -> None:
        """Forget the ceiling that was chosen for this speaker."""
        kept = {name: hz for name, hz in self._settings.formant_ceilings.items() if name != self.speaker}
        self._settings.formant_ceilings = kept
        self.update()
        self.changed.emit()

    def track(self, key: str) -> np.ndarray | None:
        """F1 to F4 of a pane in Hz (4, frames), NaN where there is none; None while they are not shown."""
        if self.tracked is None or not self._settings.show_formants:
            return None
        return self.tracked.frequency.get(key)

    def update(self) -> None:
        """Measure what is shown, if it is something else than the last time, or other settings."""
        request = self._wanted() if self._settings.show_formants else None
        if request is not None and self._asked is not None and request.is_same(self._asked):
            return
        if request is None and self._asked is None:
            return
        self._asked, self.problem = request, ""
        self._cancel()
        if request is None:
            self.tracked, self.deviation = None, {}
        else:
            self._measure(
                request,
                "Tracking formants",
                "formants",
                "formants tracked",
                lambda: request is self._asked,
                self._on_tracked,
            )
        self.changed.emit()

    def _wanted(self) -> TrackFormants | None:
        panes = self._panes
        waves: dict[str, np.ndarray] = {}
        frames: dict[str, int] = {}
        clip = self._comparison.clip
        rate = panes.mel_config.sample_rate
        for key in (*PANE_TITLES, NOISE, MIXED):
            content = panes.content(key)
            sound = content.sound
            wave = sound.wave if sound is not None and sound.sample_rate == rate else None
            if key == TRUTH and clip is not None and clip.sample_rate == rate:
                wave = clip.wave  # the mel is that of the recording, not of its vocoded copy
            # Speech that is still being made is measured when it is finished.
            if isinstance(wave, np.ndarray) and content.mel_db is not None:
                waves[key], frames[key] = wave, content.mel_db.shape[1]
        if not waves:
            return None
        settings = self._settings
        return TrackFormants(
            waves, frames, rate, panes.mel_config.hop_length, self.own_ceiling, settings.formant_number,
            settings.formant_window,
        )  # fmt: skip

    def _on_tracked(self, tracked: FormantsTracked) -> None:
        self.tracked, self.problem = tracked, tracked.problem
        self.deviation = self._deviations(tracked)

    def _on_aligned(self) -> None:
        if self.tracked is not None:
            self.deviation = self._deviations(self.tracked)
            self.changed.emit()

    def _deviations(self, tracked: FormantsTracked) -> dict[str, np.ndarray]:
        """How far each pane's formants lie from the truth's: at equal times, the free run's along the warp path."""
        truth, found = tracked.frequency.get(TRUTH), {}
        for key, frequency in tracked.frequency.items():
            path = self._path(frequency, truth) if key == FREE else None
            if truth is not None and key != TRUTH and (key != FREE or path is not None):
                found[key] = frequency_deviation(frequency, truth, path)
        return found

    def _path(self, free: np.ndarray, truth: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
        """The warp path, if it is that of these tracks and not of what the panes show since."""
        path = self._alignment.path
        if path is None or truth is None:
            return None
        ends = path.reference[-1] + 1, path.other[-1] + 1
        return (path.reference, path.other) if ends == (truth.shape[1], free.shape[1]) else None
