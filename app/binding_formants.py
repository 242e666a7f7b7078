"""Formant tracks over the mels, their settings and their values on the page "Slice"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from app.panes import EXTRA_TITLES, MIXED, NOISE, PANE_TITLES
from app.studio import Studio
from widgets.formant_panel import FormantPanel
from widgets.measure_table import MeasureRow
from widgets.mel_comparison import MelComparison
from widgets.spectrum_slice import SpectrumSlice

DEFINITIONS = {
    "tracks": "F1 to F4 by Praat's “To Formant (burg)”, with the same settings for every pane: the ground truth from "
    "the recording, the others from what the vocoder makes of their mels. Frames 30 dB below the loudest show none.\n"
    "docs/analysis.md, Pitch and formants",
    "ceiling": "Formants are looked for below this frequency; kept for each speaker. By default 5000 Hz where the "
    "median pitch lies below 165 Hz, else 5500 Hz (Praat's advice). Change it where tracks leave the bright bands.\n"
    "docs/analysis.md, Pitch and formants",
    "number": "How many formants are looked for below the ceiling; Praat's standard is 5.\n"
    "docs/analysis.md, Pitch and formants",
    "window": "Effective length of the analysis window; Praat's standard is 25 ms.\n"
    "docs/analysis.md, Pitch and formants",
    "deviation": "Median over the clip of the distance from the ground truth's formant at the same time, in per cent; "
    "of the autoregressive run at the same place of the warp path.\ndocs/analysis.md, Pitch and formants",
}


class FormantBinding:
    """Draws the tracks of the controller and shows them at the moment of the slice."""

    def __init__(self, panel: FormantPanel, view: SpectrumSlice, mels: MelComparison, studio: Studio) -> None:
        self._panel = panel
        self._slice = view
        self._mels = mels
        self._studio = studio
        self._drawn: dict[str, Any] = {}
        formants = studio.formants
        panel.shown_toggled.connect(formants.set_shown)
        panel.settings_chosen.connect(formants.set_settings)
        panel.suggested_requested.connect(formants.use_suggested)
        formants.changed.connect(self.show)
        view.moment_changed.connect(self._show_values)
        self.show()

    def show(self) -> None:
        """Draw tracks and show settings."""
        studio, settings = self._studio, self._studio.settings
        formants = studio.formants
        for key in (*PANE_TITLES, NOISE, MIXED):
            track = formants.track(key)
            if track is not self._drawn.get(key):
                self._drawn[key] = track
                self._mels.set_tracks(key, track)
        self._panel.set_shown(settings.show_formants)
        self._panel.set_settings(
            formants.ceiling, settings.formant_number, settings.formant_window, formants.own_ceiling is not None,
            self._note(),
        )  # fmt: skip
        self._show_values()

    def _note(self) -> str:
        formants = self._studio.formants
        if formants.problem:
            return formants.problem
        whose = formants.speaker or "this speaker"
        if formants.own_ceiling is not None:
            return f"Ceiling chosen for {whose}"
        return f"Ceiling for {whose} by pitch" if formants.tracked is not None else ""

    def _show_values(self) -> None:
        formants, rate = self._studio.formants, self._studio.panes.frame_rate
        rows, shown = [], False
        for key, title in PANE_TITLES.items():
            track, time = formants.track(key), self._slice.time_of(key)
            values = np.full(4, np.nan)
            if track is not None and time is not None and 0 <= round(time * rate) < track.shape[1]:
                values = track[:, round(time * rate)]
            shown = shown or track is not None
            rows.append(MeasureRow(title, tuple(_hertz(value) for value in values)))
            self._slice.set_formants(key, [float(value) for value in values if math.isfinite(value)])
        if shown and formants.deviation:
            rows.append(MeasureRow("Median deviation, %", (), DEFINITIONS["deviation"]))
            for key, deviation in formants.deviation.items():
                title = {**PANE_TITLES, **EXTRA_TITLES}[key]
                rows.append(MeasureRow(title, tuple(_percent(value) for value in deviation), DEFINITIONS["deviation"]))
        self._panel.set_values(rows if shown else [])


def _hertz(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "–"


def _percent(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"
