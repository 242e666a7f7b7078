"""Linked mel panes: one time axis, one frequency axis, one colour scale, one crosshair, one playhead.

The widget never decides. Gestures become signals; whoever owns the timeline answers with the ``set_*``
methods. Only the crosshair and the frequency range, which no other part of a program needs, are its own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.colour_bar import DEFAULT_LEVELS, ColourBar
from widgets.colour_maps import DEFAULT_COLOUR_MAP
from widgets.frequency_scale import FrequencyScale, MelScale
from widgets.mel_axes import FrequencyAxis, TimeAxis
from widgets.mel_layout import ARRANGEMENTS, MelLayout
from widgets.mel_pane import MelPane, PaneSpec
from widgets.mel_viewport import Range, clamp_range
from widgets.pane_links import HoverReadout, TimeLink, linked_range, same_time
from widgets.theme import DARK, Theme

__all__ = ["ARRANGEMENTS", "HoverReadout", "MelComparison", "PaneSpec", "TimeLink"]


class MelComparison(QWidget):
    """Any number of mels in dB, side by side, that zoom, scroll and are pointed at as one."""

    time_range_requested = Signal(float, float)
    seek_requested = Signal(float)
    selection_requested = Signal(object)
    """``(t0, t1)`` in s."""
    levels_requested = Signal(float, float)
    colour_map_requested = Signal(str)
    hovered = Signal(object)
    """:class:`HoverReadout`, or ``None`` when the pointer has left."""
    play_requested = Signal(str)
    """The source to play: the pane's key, or ``original`` for the recording in the ground-truth pane."""
    vocoded_toggled = Signal(bool)
    moment_dragged = Signal(float)
    """The time (s) to which a person drags the marked moment; `moment_let_go` when that ends."""
    moment_let_go = Signal()
    frequency_range_changed = Signal(float, float)
    """The visible frequencies in Hz, after the fact."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale: FrequencyScale = MelScale()
        self._bands: Range = (0.0, float(self._scale.n_bands))
        self._time_range: Range = (0.0, 1.0)
        self._duration: float | None = None
        self._playhead: float | None = None
        self._selection: Range | None = None
        self._levels: Range = DEFAULT_LEVELS
        self._map_name = DEFAULT_COLOUR_MAP
        self._theme: Theme = DARK
        self._active_source = ""
        self._playing = False
        self._arrangement = ARRANGEMENTS[0]
        self._panes: dict[str, MelPane] = {}
        self._hidden: set[str] = set()
        self._pointer: tuple[str, QPointF] | None = None
        self._moment: tuple[float | None, Sequence[str], str] = (None, (), "")
        self._link: TimeLink = same_time
        self._colour_bar = ColourBar(self)
        self._colour_bar.levels_requested.connect(self.levels_requested)
        self._colour_bar.colour_map_requested.connect(self.colour_map_requested)
        self._layout = MelLayout(self, self._colour_bar)

    # Panes

    def set_panes(self, specs: Sequence[PaneSpec]) -> None:
        """Replace all panes. They come up empty."""
        self._set_pointer(None)
        for pane in self._panes.values():
            pane.setParent(None)
            pane.deleteLater()
        self._panes = {spec.key: self._make_pane(spec) for spec in specs}
        self._arrange()

    def set_hidden_panes(self, keys: Collection[str]) -> None:
        """Leave out the panes of these keys; the others share their room. One pane always stays."""
        hidden = set(keys) & set(self._panes)
        if hidden == set(self._panes):
            hidden -= set(list(self._panes)[:1])
        if hidden != self._hidden:
            self._set_pointer(None)
            self._hidden = hidden
            self._arrange()

    def shown_panes(self) -> list[str]:
        """The keys of the panes that are not hidden, in their order."""
        return [key for key in self._panes if key not in self._hidden]

    def pane(self, key: str) -> MelPane:
        """The pane of that key.

        Raises:
            KeyError: when there is none.
        """
        return self._panes[key]

    def set_mel(
        self, key: str, log_mel_db: NDArray[np.floating] | None, frame_rate: float, detail: str = ""
    ) -> None:
        """Show a mel ``(n_mels, frames)`` in dB, ``frame_rate`` frames a second; ``None`` empties the pane.

        NaN is "nothing there". Giving a longer version of the mel shown (while one is being generated) costs
        only its new frames.

        Raises:
            KeyError: when there is no such pane.
            ValueError: when the bands are not those of the frequency scale.
        """
        if log_mel_db is not None and log_mel_db.shape[0] != self._scale.n_bands:
            bands = log_mel_db.shape[0]
            raise ValueError(f"the mel of {key!r} has {bands} bands, the scale {self._scale.n_bands}")
        self._panes[key].set_mel(log_mel_db, frame_rate, detail)
        self._update_bounds()
        self._refresh_hover()

    def set_tracks(self, key: str, hertz: NDArray[np.floating] | None) -> None:
        """Draw lines `(4, frames)` in Hz over the mel of a pane (formants F1 to F4), NaN where there is none; or none.

        Raises:
            KeyError: when there is no such pane.
        """
        edges = None if hertz is None else self._scale.hz_to_edges(np.asarray(hertz, dtype=np.float64))
        self._panes[key].canvas.set_tracks(edges)

    def set_empty_message(self, key: str, text: str) -> None:
        """What to do next, shown while the pane has no mel."""
        self._panes[key].set_empty_message(text)

    def set_arrangement(self, arrangement: str) -> None:
        """``rows``, ``columns`` or ``grid``.

        Raises:
            ValueError: for any other word.
        """
        if arrangement not in ARRANGEMENTS:
            raise ValueError(f"panes stand in {', '.join(ARRANGEMENTS)}, not in {arrangement!r}")
        self._arrangement = arrangement
        self._arrange()

    # The linked view

    def set_frequency_scale(self, scale: FrequencyScale) -> None:
        """The scale of all panes. Another one than before is shown as a whole."""
        if scale == self._scale:
            return
        self._scale = scale
        self._bands = (0.0, float(scale.n_bands))
        for axis in self._layout.frequency_axes:
            axis.set_scale(scale)
        self._update_bounds()
        self._update_view()

    def set_frequency_range(self, low_hz: float, high_hz: float) -> None:
        """Show the frequencies from ``low_hz`` to ``high_hz``, as far as the scale reaches."""
        self._set_bands(self._scale.hz_to_edge(low_hz), self._scale.hz_to_edge(high_hz))

    def frequency_range(self) -> Range:
        """The visible frequencies in Hz."""
        low, high = self._bands
        return self._scale.edge_to_hz(low), self._scale.edge_to_hz(high)

    def reset_frequency_range(self) -> None:
        """Show all bands."""
        self._set_bands(0.0, float(self._scale.n_bands))

    def set_duration(self, duration: float) -> None:
        """How far the time axis reaches, in s. Until this is called, as far as the longest mel."""
        self._duration = duration
        self._update_bounds()

    def set_time_range(self, start: float, stop: float) -> None:
        """Show the times from ``start`` to ``stop`` in s in every pane."""
        if stop <= start:
            return
        self._time_range = (start, stop)
        self._update_view()

    def set_playhead(self, time: float | None) -> None:
        """Move the playhead to a time in s of the pane that is heard; ``None`` hides it. Cheap enough for every frame.

        Linked panes show the time in themselves that belongs to it.
        """
        self._playhead = time
        for key, pane in self._panes.items():
            pane.canvas.set_playhead(None if time is None else self._link(time, self._heard(), key))
        for axis in self._layout.time_axes:
            axis.set_playhead(time)

    def set_selection(self, selection: Range | None) -> None:
        """Show the selected region, in s of the pane that is heard, in all panes."""
        self._selection = selection
        for key, pane in self._panes.items():
            pane.canvas.set_selection(selection and linked_range(self._link, selection, self._heard(), key))
        for axis in self._layout.time_axes:
            axis.set_selection(selection)

    def set_moment(self, time: float | None, panes: Sequence[str] = (), word: str = "") -> None:
        """Mark a moment in these panes by a line that can be dragged; ``None`` takes it away.

        The time (s) is that of the first pane; linked panes show their own. The first that is seen has a flag with
        the word.
        """
        self._moment = (time, panes, word)
        flagged = next((key for key in panes if key not in self._hidden), "")
        for key, pane in self._panes.items():
            there = None if time is None or key not in panes else self._link(time, panes[0], key)
            pane.canvas.set_moment(there, word if key == flagged else "")

    @property
    def is_moment_held(self) -> bool:
        """Whether a person drags the marked moment."""
        return any(canvas.is_moment_held for canvas in self._canvases())

    def set_levels(self, low_db: float, high_db: float) -> None:
        """The levels at the ends of the colour scale, the same for every pane."""
        if high_db <= low_db:
            return
        self._levels = (low_db, high_db)
        self._colour_bar.set_levels(low_db, high_db)
        for canvas in self._canvases():
            canvas.set_levels(low_db, high_db)

    def set_colour_map(self, name: str) -> None:
        """One of :data:`widgets.colour_maps.COLOUR_MAPS` or the diverging ones, for every pane."""
        self._map_name = name
        self._colour_bar.set_colour_map(name)
        for canvas in self._canvases():
            canvas.set_colour_map(name)

    def set_active_source(self, key: str) -> None:
        """Mark the pane of the source that is heard; ``original`` is the recording of the ground truth."""
        self._active_source = key
        for pane in self._panes.values():
            pane.set_source(key)
        self.set_playing(self._playing)
        self._show_linked()

    def set_time_link(self, link: TimeLink) -> None:
        """Link the times of panes: crosshair, playhead, selection and clicks are carried from one to another by it."""
        self._link = link
        self._show_linked()
        self._refresh_hover()

    def set_playing(self, playing: bool) -> None:
        """Whether the active source sounds right now (its button then shows pause)."""
        self._playing = playing
        for pane in self._panes.values():
            pane.header.set_playing(playing and pane.is_active)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._colour_bar.set_theme(theme)
        for pane in self._panes.values():
            pane.set_theme(theme)
        for axis in [*self._layout.frequency_axes, *self._layout.time_axes]:
            axis.set_theme(theme)
        self._layout.fit_headers()
        self.update()

    @property
    def colour_bar(self) -> ColourBar:
        return self._colour_bar

    @property
    def time_axes(self) -> list[TimeAxis]:
        return self._layout.time_axes

    @property
    def frequency_axes(self) -> list[FrequencyAxis]:
        return self._layout.frequency_axes

    # Inside

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._layout.fit_headers()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.surface))
        painter.end()

    def _make_pane(self, spec: PaneSpec) -> MelPane:
        pane = MelPane(spec, self)
        gestures = pane.canvas.gestures
        gestures.time_range_requested.connect(self.time_range_requested)
        gestures.seek_requested.connect(lambda time: self.seek_requested.emit(self._in_heard(time, spec.key)))
        gestures.selection_requested.connect(
            lambda wanted: self.selection_requested.emit(
                linked_range(self._link, wanted, spec.key, self._heard())
            )
        )
        gestures.band_range_requested.connect(self._set_bands)
        pane.canvas.hovered.connect(partial(self._pointer_moved, spec.key))
        pane.canvas.moment_dragged.connect(partial(self._moment_moved, spec.key))
        pane.canvas.moment_let_go.connect(self.moment_let_go)
        pane.header.play_requested.connect(lambda: self.play_requested.emit(pane.source_key))
        pane.header.vocoded_toggled.connect(self.vocoded_toggled)
        return pane

    def _arrange(self) -> None:
        for key in self._hidden & set(self._panes):
            self._panes[key].hide()
        self._layout.arrange([self._panes[key] for key in self.shown_panes()], self._arrangement)
        for axis in self._layout.frequency_axes:
            axis.set_scale(self._scale)
        self.set_theme(self._theme)
        self.set_levels(*self._levels)
        self.set_colour_map(self._map_name)
        self.set_playhead(self._playhead)
        self.set_selection(self._selection)
        self.set_active_source(self._active_source)
        self._update_bounds()
        self._update_view()

    # Times of linked panes

    def _heard(self) -> str:
        """The pane that is heard, on whose time axis playhead and selection lie."""
        return next((key for key, pane in self._panes.items() if pane.is_active), next(iter(self._panes), ""))

    def _in_heard(self, time: float, key: str) -> float:
        return max(0.0, self._link(time, key, self._heard()))

    def _show_linked(self) -> None:
        self.set_playhead(self._playhead)
        self.set_selection(self._selection)
        self.set_moment(*self._moment)

    def _moment_moved(self, key: str, time: float) -> None:
        first = self._moment[1][0] if self._moment[1] else key
        self.moment_dragged.emit(max(0.0, self._link(time, key, first)))

    def _canvases(self) -> list:
        return [pane.canvas for pane in self._panes.values()]

    def _set_bands(self, low: float, high: float) -> None:
        wanted = clamp_range((low, high), (0.0, float(self._scale.n_bands)), min_span=1.0)
        if wanted != self._bands:
            self._bands = wanted
            self._update_view()
            self.frequency_range_changed.emit(*self.frequency_range())

    def _update_bounds(self) -> None:
        duration = self._duration
        if duration is None:
            duration = max((canvas.mel_duration for canvas in self._canvases()), default=0.0)
        for canvas in self._canvases():
            canvas.set_bounds(duration, self._scale.n_bands)

    def _update_view(self) -> None:
        for canvas in self._canvases():
            canvas.set_view(*self._time_range, *self._bands)
        for time_axis in self._layout.time_axes:
            time_axis.set_view(*self._time_range)
        for frequency_axis in self._layout.frequency_axes:
            frequency_axis.set_view(*self._bands)
        self._refresh_hover()

    # The crosshair

    def _pointer_moved(self, key: str, position: QPointF | None) -> None:
        self._set_pointer(None if position is None else (key, position))

    def _set_pointer(self, pointer: tuple[str, QPointF] | None) -> None:
        had_one, self._pointer = self._pointer is not None, pointer
        if pointer is not None or had_one:
            self._refresh_hover(left=pointer is None)

    def _refresh_hover(self, left: bool = False) -> None:
        """Read all panes again at the pointer: it moved, or the picture moved under it."""
        if self._pointer is None:
            if left:
                self._show_crosshair(None)
                self.hovered.emit(None)
            return
        key, position = self._pointer
        view = self._panes[key].canvas.viewport_state
        self._show_crosshair((view.time_at(position.x()), view.edge_at(position.y())))

    def _show_crosshair(self, place: tuple[float, float] | None) -> None:
        here = self._pointer[0] if self._pointer else ""
        readings: dict[str, float] = {}
        times: dict[str, float] = {}
        for key, pane in self._panes.items():
            there = place and (self._link(place[0], here, key), place[1])
            pane.canvas.set_crosshair(there, key == here)
            level = math.nan if there is None else pane.canvas.level_at(*there)
            if there is not None:
                times[key] = there[0]
            pane.header.set_level(level if place is not None and pane.canvas.has_mel else None)
            if not math.isnan(level):
                readings[key] = level
        self._layout.show_pointer(place, self._panes.get(here))
        marked = here in self._panes and self._panes[here].shows_levels
        self._colour_bar.set_marker(readings.get(here) if marked else None)
        if place is not None:
            self.hovered.emit(HoverReadout(place[0], self._scale.edge_to_hz(place[1]), readings, here, times))
