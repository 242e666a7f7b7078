"""The page "Differences", the pair pane and the noise pane tied to settings, panes and alignment."""

from __future__ import annotations

import numpy as np

from app.aligning import PathFinder
from app.messages_panes import ErrorStudied
from app.pairing import Pair, make_pair
from app.panes import EXTRA_TITLES, MIXED, NOISE, PAIR, PANE_TITLES, SECOND, TRUTH
from app.studio import Studio
from widgets.differences_panel import DifferencesPanel
from widgets.measure_table import MeasureRow
from widgets.mel_comparison import MelComparison

PANE_CHOICES = {**PANE_TITLES, **EXTRA_TITLES}
DEFINITIONS = {
    "pair": "A minus B in dB over all bands and frames that both have: mean absolute (L1, in nats; × 8.686: dB) "
    "and mean signed (above 0: A is louder).\nReadings with timings of their own (autoregressive, B) are put on one "
    "time axis by dynamic time warping first.\ndocs/analysis.md, In the studio",
    "difference": "A minus B in dB: red where A is louder, blue where B is (D).\n"
    "docs/analysis.md, In the studio",
    "wipe": "A left of a divider that can be dragged, B right of it (W).\n"
    "docs/analysis.md, In the studio",
    "blink": "A and B in turn; K changes them by hand.\n"
    "docs/analysis.md, In the studio",
    "range": "Differences of this size and more have the strongest colours; 0 dB is neutral.\n"
    "docs/analysis.md, In the studio",
    "path": "Which time of the autoregressive run belongs to which time of the clip (with B in the pair: which of "
    "B to which of the autoregressive run): the path of least distance "
    "(dynamic time warping). Dashed: equal times. Click to go there.\ndocs/analysis.md, Alignment",
    "link": "Crosshair, playhead, slice, loop and the switch of the source keep the word instead of the time.\n"
    "docs/analysis.md, Alignment",
    "noise": "The ground truth plus random noise, independent in every band and frame, of exactly the same mel L1 as "
    "the model's error. It shows and sounds what this L1 means when the error is random.\n"
    "docs/analysis.md, matched_noise",
    "correlation": "Correlation of the signed error with itself one step further, its mean removed: 0 for independent "
    "noise, towards 1 for an error that hangs together (blur, shift, wrong sound).\ndocs/analysis.md, error_structure",
    "loud": "Mel L1 (nats) in frames within 20 dB of the truth's loudest: mostly vowels.\n"
    "docs/analysis.md, error_classes",
    "quiet": "Mel L1 (nats) in frames 20 to 40 dB below the truth's loudest: mostly consonants and transitions.\n"
    "docs/analysis.md, error_classes",
    "pause": "Mel L1 (nats) in frames more than 40 dB below the truth's loudest.\n"
    "docs/analysis.md, error_classes",
    "voiced": "Mel L1 (nats) in frames of speech (loud or quiet) that have a pitch.\n"
    "docs/analysis.md, error_classes",
    "unvoiced": "Mel L1 (nats) in frames of speech (loud or quiet) without a pitch.\n"
    "docs/analysis.md, error_classes",
    "band": "Mel L1 (nats) of the bands whose centres lie in this range.\ndocs/analysis.md, error_study",
}
GROUPS = {
    "correlation": "Correlation of the error",
    "class": "Mel L1 by kind of frame",
    "band": "Mel L1 by frequency",
}


class PairBinding:
    """The pair pane shows two panes against each other; the pane model says what they hold."""

    def __init__(self, mels: MelComparison, studio: Studio) -> None:
        self._mels = mels
        self._studio = studio
        self.pair: Pair | None = None
        mels.set_empty_message(PAIR, "Both panes are needed: open a clip with its transcript")
        mels.set_empty_message(NOISE, "Open a clip with its transcript to see noise of the same mel L1")
        studio.panes.pane_changed.connect(self._on_pane)
        studio.alignment.changed.connect(self.show)
        studio.noise.changed.connect(self.show)
        self._rendering = studio.second.rendering
        studio.second.changed.connect(self._on_second)
        studio.mixing.changed.connect(self.show_panes)
        canvas = mels.pane(PAIR).pair
        canvas.flipped.connect(lambda _second: self._show_detail())
        self.show()

    def choose(self, first: str, second: str) -> None:
        """Compare two panes."""
        self._studio.set_setting("pair_first", first)
        self._studio.set_setting("pair_second", second)
        self.show()

    def compare(self, first: str, second: str, view: str) -> None:
        """Compare two panes in one way, or not at all ("off")."""
        self._studio.set_setting("pair_view", view)
        self.choose(first, second)

    def set_view(self, view: str) -> None:
        """Compare as "difference", "wipe" or "blink", or not at all ("off")."""
        self._studio.set_setting("pair_view", view)
        self.show()

    def toggle_view(self, view: str) -> None:
        """Compare that way, or no longer when it is that way already."""
        self.set_view("off" if self._studio.settings.pair_view == view else view)

    def flip(self) -> None:
        """Blink by hand: from now on only when asked for."""
        canvas = self._mels.pane(PAIR).pair
        if self._studio.settings.blink_timed:
            self._studio.set_setting("blink_timed", False)
        if self._studio.settings.pair_view == "blink":
            canvas.flip()
        self.set_view("blink")

    def set_range(self, decibels: float) -> None:
        """The range of a difference in dB."""
        self._studio.set_setting("pair_range", float(decibels))
        self.show()

    def set_timed(self, timed: bool) -> None:
        """Whether a blink changes by itself."""
        self._studio.set_setting("blink_timed", timed)
        self.show()

    def set_hidden(self, key: str, hidden: bool) -> None:
        """Hide a pane of the comparison, or show it again."""
        keys = [other for other in self.hidden() if other != key] + ([key] if hidden else [])
        self._studio.set_setting("hidden_panes", ",".join(keys))
        self.show()

    def hidden(self) -> list[str]:
        """The panes of the comparison that the person has hidden."""
        return [key for key in self._studio.settings.hidden_panes.split(",") if key in PANE_TITLES]

    def show(self) -> None:
        """Bring pair pane and hidden panes up to date."""
        studio, settings = self._studio, self._studio.settings
        pane = self._mels.pane(PAIR)
        view = settings.pair_view
        first, second = settings.pair_first, settings.pair_second
        if not studio.alignment.is_waiting(first, second):  # while a path is being found, what was there stays
            self.pair = make_pair(first, second, studio.panes, studio.alignment)
            self._mels.set_time_link(studio.alignment.moved)
        if view != "off":
            pane.pair.set_mode(view)
            pane.pair.set_difference_range(settings.pair_range)
            pane.pair.set_timed(settings.blink_timed)
            titles = PANE_CHOICES.get(settings.pair_first, ""), PANE_CHOICES.get(settings.pair_second, "")
            pair = self.pair
            if pair is None:
                pane.pair.set_pair(None, None, 1.0)
            else:
                pane.pair.set_pair(pair.first, pair.second, studio.panes.frame_rate, titles)
        self._show_detail()
        self.show_panes()

    def show_panes(self) -> None:
        """Show the panes that are wanted: by the person, by the pair, by the second checkpoint, by a mixed run."""
        settings, mixing = self._studio.settings, self._studio.mixing
        there = {SECOND: self._studio.second.is_open, MIXED: mixing.is_shown}
        is_pair = all(there.get(key, True) for key in (settings.pair_first, settings.pair_second))
        switched = (
            (NOISE, settings.show_noise), (PAIR, settings.pair_view != "off" and is_pair), (MIXED, mixing.is_shown)
        )  # fmt: skip
        extra = [key for key, on in switched if not on]
        self._mels.set_hidden_panes([*self.hidden(), *extra, *self._studio.second.hidden_panes()])

    def numbers(self) -> str:
        """The pair in numbers."""
        pair = self.pair
        if pair is None:
            return "Both panes are needed."
        aligned = ", along the warp path" if pair.aligned else ""
        bias = f"{round(pair.bias_db, 1) + 0.0:+.1f}".replace("-", "\u2212")
        return f"L1 {pair.l1:.2f} nats, mean {bias} dB{aligned}"

    def _show_detail(self) -> None:
        settings = self._studio.settings
        pane = self._mels.pane(PAIR)
        first, second = PANE_CHOICES.get(settings.pair_first, ""), PANE_CHOICES.get(settings.pair_second, "")
        sign = {"difference": "\u2212", "wipe": "|", "blink": "⇄"}.get(settings.pair_view, "\u2212")
        pane.set_title(f"{first} {sign} {second}")
        pane.header.set_detail(self.numbers() if self.pair is not None else "")

    def _on_second(self) -> None:
        """A pair of A and B goes along when another mel of both is chosen."""
        before, self._rendering = self._rendering, self._studio.second.rendering
        settings = self._studio.settings
        if before != self._rendering and (settings.pair_first, settings.pair_second) == (before, SECOND):
            self.choose(self._rendering, SECOND)
        self.show_panes()

    def _on_pane(self, key: str) -> None:
        if key in (self._studio.settings.pair_first, self._studio.settings.pair_second):
            self.show()


class DifferencesBinding:
    """The page shows pair, path and study, and asks the controllers for changes."""

    def __init__(self, panel: DifferencesPanel, pair: PairBinding, studio: Studio) -> None:
        self._panel = panel
        self._pair = pair
        self._studio = studio
        self._shown_finder: PathFinder | None = None
        settings = studio.settings
        models = [(key, title) for key, title in PANE_TITLES.items() if key != TRUTH]
        panel.set_noise_choices(models, settings.noise_of)
        panel.pair_chosen.connect(pair.choose)
        panel.view_chosen.connect(pair.set_view)
        panel.range_chosen.connect(pair.set_range)
        panel.timed_chosen.connect(pair.set_timed)
        panel.linked_chosen.connect(studio.alignment.set_linked)
        panel.noise_of_chosen.connect(studio.noise.choose)
        panel.noise_toggled.connect(studio.noise.set_shown)
        panel.play_noise_requested.connect(self._play_noise)
        panel.looked_at.connect(studio.noise.set_looked_at)
        panel.path.seek_requested.connect(self._seek)
        studio.changed.connect(self.show)
        studio.noise.changed.connect(self.show)
        studio.panes.pane_changed.connect(lambda _key: self._show_pair())
        studio.alignment.changed.connect(self._show_path)
        studio.timeline.playhead_changed.connect(lambda _time: self._show_cursor())
        studio.player.playing_changed.connect(lambda _playing: self._show_noise())
        studio.player.source_changed.connect(lambda _source: self._show_noise())
        self.show()

    def show(self) -> None:
        """Show settings, pair and study."""
        if self._finder() is not self._shown_finder:
            self._show_path()
        self._show_pair()
        self._show_noise()
        self._show_study()

    def _show_pair(self) -> None:
        panel, settings = self._panel, self._studio.settings
        on = {
            NOISE: settings.show_noise, SECOND: self._studio.second.is_open, MIXED: self._studio.mixing.is_shown
        }  # fmt: skip
        panel.set_panes([(key, title) for key, title in PANE_CHOICES.items() if on.get(key, True)])
        panel.set_pair(settings.pair_first, settings.pair_second)
        panel.set_view(settings.pair_view)
        panel.set_range(settings.pair_range)
        panel.set_timed(settings.blink_timed)
        panel.set_numbers(self._pair.numbers())

    def _finder(self) -> PathFinder:
        """The path to be shown: that of B where it is compared, or alone there."""
        alignment, settings = self._studio.alignment, self._studio.settings
        has_second = SECOND in (settings.pair_first, settings.pair_second) or alignment.free.path is None
        return alignment.second if has_second and alignment.second.path is not None else alignment.free

    def _show_path(self) -> None:
        finder, rate = self._finder(), self._studio.panes.frame_rate
        self._shown_finder = finder
        path = finder.path
        if path is None:
            busy = finder.is_busy or self._studio.comparison.is_busy
            why = finder.problem or "Open a clip with its transcript, so that both say the same words."
            self._panel.path.set_empty_message("Aligning…" if busy else why)
            self._panel.path.set_path(None, None, ("", ""))
            note = ""
        else:
            first, second = path.reference / rate, path.other / rate
            reference, other = (PANE_CHOICES[key] for key in finder.ends)
            self._panel.path.set_path(first, second, (reference, other))
            lead = second - first
            far = int(np.argmax(np.abs(lead)))
            word = "later" if lead[far] > 0 else "earlier"
            subject = "B" if finder.ends[1] == SECOND else "The free run"
            note = (
                f"Mean distance {path.cost_db:.1f} dB. {subject} is up to {abs(lead[far]):.2f} s {word} "
                f"(at {first[far]:.2f} s)."
            )
        self._panel.set_linked(self._studio.settings.link_by_path, path is not None, note)
        self._show_cursor()
        self._show_pair()

    def _show_cursor(self) -> None:
        studio, finder = self._studio, self._finder()
        time, heard = studio.timeline.playhead, studio.player.source
        if time is None or finder.map is None:
            self._panel.path.set_cursor(None, None)
        else:
            there = studio.alignment.moved(time, heard, finder.ends[0])
            self._panel.path.set_cursor(there, finder.map.to_other(there))

    def _seek(self, seconds: float) -> None:
        studio = self._studio
        studio.listening.seek(studio.alignment.moved(seconds, self._finder().ends[0], studio.player.source))

    def _show_noise(self) -> None:
        player = self._studio.player
        self._panel.set_noise_shown(
            self._studio.settings.show_noise, player.is_playing and player.source == NOISE
        )

    def _play_noise(self) -> None:
        if not self._studio.settings.show_noise:
            self._studio.noise.set_shown(True)
        self._studio.listening.play_pane(NOISE)

    def _show_study(self) -> None:
        noise = self._studio.noise
        if noise.study is not None:
            self._panel.set_study(study_verdict(noise.study), study_rows(noise.study), "")
        else:
            busy = noise.is_busy or self._studio.comparison.is_busy
            empty = "Open a clip with its transcript to measure a model's error."
            self._panel.set_study("", [], "Measuring…" if busy else noise.problem or empty)


def study_verdict(study: ErrorStudied) -> str:
    """What kind of error it is, in words."""
    words = {
        "structured": "structured: it hangs together, as blur does",
        "random": "random, as noise is",
        "mixed": "partly structured, partly random",
        "none": "nothing",
    }
    return f"L1 {study.l1:.2f} nats. The error is {words.get(study.kind, study.kind)}."


def study_rows(study: ErrorStudied) -> list[MeasureRow]:
    """The numbers of a study under the headings of their groups."""
    rows: list[MeasureRow] = []
    group = ""
    for row in study.rows:
        if row.group != group:
            group = row.group
            rows.append(MeasureRow(GROUPS.get(group, group), (), DEFINITIONS.get(group, "")))
        definition = DEFINITIONS.get(row.label, DEFINITIONS.get(group, ""))
        rows.append(MeasureRow(row.label, (_number(row.model), _number(row.noise)), definition))
    return rows


def _number(value: float | None) -> str:
    # Adding 0.0 takes the minus from before nothing.
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}".replace("-", "\u2212")
