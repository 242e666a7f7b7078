"""Slice and error strip tied to panes, timeline and measures."""

from __future__ import annotations

from app.panes import PANE_TITLES
from app.studio import Studio
from widgets.error_strip import ErrorStrip, Measure
from widgets.frequency_scale import MelScale
from widgets.mel_axes import FREQUENCY_AXIS_WIDTH
from widgets.mel_comparison import HoverReadout, MelComparison
from widgets.spectrum_slice import SpectrumSlice

MEASURES = [
    Measure(
        "l1",
        "Mel L1",
        "nats",
        "Mean absolute difference of the log-mels of a frame, in nats (× 8.686: dB).\n"
        "The worst place is the highest peak after smoothing by 20 ms.\n"
        "Autoregressive: the ground truth is put on its time axis by dynamic time warping first.\n"
        "docs/analysis.md, mel_error",
    ),
    Measure(
        "blur",
        "Formant blur",
        "",
        "1 − the regression slope of the mel's spectral detail (formant scale, 200 to 5500 Hz) on the "
        "truth's, over five frames.\n"
        "0 as sharp as the truth, 1 nothing left of its contrast, above 1 in the wrong place; gaps are pauses.\n"
        "docs/analysis.md, formant_blur",
    ),
]
NO_COMPARISON = "Open a clip with its transcript to measure the panes against it."
MEASURING = "Measuring…"


class SliceBinding:
    """The slice follows the crosshair while there is one, else the playhead."""

    def __init__(self, view: SpectrumSlice, mels: MelComparison, studio: Studio) -> None:
        self._view = view
        self._studio = studio
        self._is_hovering = False
        view.set_panes(list(PANE_TITLES.items()))
        view.set_levels(*studio.timeline.levels)
        studio.timeline.levels_changed.connect(view.set_levels)
        studio.timeline.playhead_changed.connect(self._on_playhead)
        studio.panes.pane_changed.connect(self._on_pane)
        studio.voice.loaded.connect(lambda _voice: self._set_scale())
        mels.hovered.connect(self._on_hover)
        for signal in (studio.player.source_changed, studio.alignment.changed):
            signal.connect(lambda *_: self._on_playhead(studio.timeline.playhead))
        self._set_scale()
        for key in PANE_TITLES:
            self._on_pane(key)
        self._on_playhead(studio.timeline.playhead)

    def _set_scale(self) -> None:
        config = self._studio.panes.mel_config
        self._view.set_frequency_scale(MelScale(config.sample_rate, config.n_mels))

    def _on_pane(self, key: str) -> None:
        if key not in PANE_TITLES:
            return
        panes = self._studio.panes
        self._view.set_mel(key, panes.content(key).mel_db, panes.frame_rate)

    def _on_hover(self, readout: HoverReadout | None) -> None:
        self._is_hovering = readout is not None
        if readout is None:
            self._view.set_frequency(None)
            self._on_playhead(self._studio.timeline.playhead)
        else:
            self._view.set_frequency(readout.hz)
            self._view.set_time(readout.time_s, "crosshair", readout.times_s)

    def _on_playhead(self, time: float | None) -> None:
        if self._is_hovering:
            return
        heard, moved = self._studio.player.source, self._studio.alignment.moved
        times = {} if time is None else {key: moved(time, heard, key) for key in PANE_TITLES}
        self._view.set_time(time, "playhead", times)


class ErrorStripBinding:
    """The strip shows the error of the chosen pane on the time axis of the mels."""

    def __init__(self, strip: ErrorStrip, mels: MelComparison, studio: Studio) -> None:
        self._strip = strip
        self._studio = studio
        timeline, settings = studio.timeline, studio.settings
        strip.set_panes([(key, title) for key, title in PANE_TITLES.items() if key != "ground_truth"])
        strip.set_margins(FREQUENCY_AXIS_WIDTH, mels.colour_bar.width() + 4)
        strip.set_choice(settings.error_pane, settings.error_measure)
        strip.pane_chosen.connect(lambda key: self._choose("error_pane", key))
        strip.measure_chosen.connect(lambda key: self._choose("error_measure", key))
        strip.seek_requested.connect(self._go)
        strip.trace.set_time_range(*timeline.range)
        timeline.range_changed.connect(strip.trace.set_time_range)
        timeline.playhead_changed.connect(lambda _time: self._show_playhead())
        studio.player.source_changed.connect(lambda _source: self._show_playhead())
        studio.alignment.changed.connect(self._show_playhead)
        studio.inspection.changed.connect(self.show)
        studio.panes.pane_changed.connect(lambda _key: self.show())
        self.show()

    def show(self) -> None:
        """Show the present measures."""
        studio, strip = self._studio, self._strip
        pane, measure = studio.settings.error_pane, studio.settings.error_measure
        analysis = studio.inspection.analysis
        errors = analysis.panes.get(pane) if analysis is not None else None
        if pane == "autoregressive" and studio.panes.shows_other_speech:
            strip.set_values(None, 1.0, None, empty="The pane shows a take, not the comparison with the clip.")
        elif errors is None:
            strip.set_values(None, 1.0, None, empty=self._why_empty())
        else:
            values = errors.l1 if measure == "l1" else errors.blur
            remark = "aligned by DTW" if errors.aligned else ""
            strip.set_values(values, studio.panes.frame_rate, errors.worst.get(measure), remark)

    def _show_playhead(self) -> None:
        """The playhead on the time axis of the pane whose error is shown."""
        studio = self._studio
        time = studio.timeline.playhead
        if time is not None:
            time = studio.alignment.moved(time, studio.player.source, studio.settings.error_pane)
        self._strip.trace.set_playhead(time)

    def _why_empty(self) -> str:
        inspection = self._studio.inspection
        if inspection.is_busy or self._studio.comparison.is_busy:
            return MEASURING
        return inspection.problem or NO_COMPARISON

    def _choose(self, setting: str, key: str) -> None:
        self._studio.set_setting(setting, key)
        self._strip.set_choice(self._studio.settings.error_pane, self._studio.settings.error_measure)
        self._show_playhead()
        self.show()

    def _go(self, time: float) -> None:
        studio, timeline = self._studio, self._studio.timeline
        heard = studio.alignment.moved(time, studio.settings.error_pane, studio.player.source)
        start, stop = timeline.range
        if not start <= time <= stop:
            timeline.set_range(time - (stop - start) / 2, time + (stop - start) / 2, remember=True)
        studio.listening.seek(heard)
