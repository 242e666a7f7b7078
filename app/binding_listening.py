"""The page for listening tied to level matching and blind tests."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from app.blind_listening import PREFIX
from app.blind_test import Vote, by_pair, judge, votes_csv
from app.dialogs import FileDialogs
from app.panes import SOURCE_TITLES
from app.studio import Studio
from app.vote_words import in_words
from lewm_core.files import write_atomically
from widgets.listening_page import ListeningPage
from widgets.vote_result import Judgement

LISTENING_DEFINITIONS = {
    "levels": "Gain that brings each sound to the same loudness (ITU-R BS.1770-4, gated): −23 LUFS, or the greatest "
    "common loudness at which none exceeds −1 dBFS. Beside it the loudness before.\ndocs/analysis.md, listening",
    "abx": "Guessing is right half of the time. p: chance of at least so many right answers by guessing (one-sided "
    "exact binomial test); below 0.05 the difference counts as heard.\ndocs/analysis.md, listening",
    "ab": "Ties left out, each side gets half of the votes if there is no difference. p: two-sided sign test; below "
    "0.05 one counts as preferred.\ndocs/analysis.md, listening",
    "interval": "Dot: share of right answers (ABX) or of votes for the first sound. Bar: exact 95 % interval of the "
    "true share (Clopper and Pearson, 1934), green when chance is ruled out (p below 0.05).\n"
    "docs/analysis.md, listening",
}
CSV_FILTER = "CSV (*.csv)"


class ListeningPageBinding(QObject):
    """Shows levels, the test under way and all votes; passes on what the person wants."""

    def __init__(self, page: ListeningPage, studio: Studio, dialogs: FileDialogs) -> None:
        super().__init__(page)
        self._page = page
        self._studio = studio
        self._dialogs = dialogs
        self._shown_votes = -1
        blind = studio.blind
        page.matching_toggled.connect(studio.levels.set_on)
        page.start_requested.connect(self._start)
        page.play_requested.connect(blind.play)
        page.voted.connect(blind.vote)
        page.finish_requested.connect(blind.finish)
        page.dismiss_requested.connect(blind.dismiss)
        page.export_requested.connect(self.export)
        # Sounds and takes change in bursts; the lists are filled once after each.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._show_choices)
        studio.listening.sounds_changed.connect(self._soon.start)
        studio.session.events.takes.connect(lambda _takes: self._soon.start())
        studio.levels.changed.connect(self._show_levels)
        studio.player.source_changed.connect(lambda _source: self._show_trial())
        blind.changed.connect(self.show)
        self._show_choices()
        self._show_levels()
        self.show()

    def show(self) -> None:
        """Show the test or its result, and all votes."""
        blind = self._studio.blind
        if blind.is_running:
            self._show_trial()
        elif blind.test is not None:
            votes = blind.test.votes
            self._page.set_result(_judgement(votes), [(_trial_text(vote), vote.is_right) for vote in votes])
        else:
            self._page.set_idle()
        if len(blind.votes) != self._shown_votes and not blind.is_running:  # nothing is told before the end
            self._shown_votes = len(blind.votes)
            self._page.set_history([_judgement(votes) for votes in by_pair(blind.votes).values()])

    def export(self) -> None:
        """Ask for a file and write all votes."""
        path = self._dialogs.save_file("Export votes", "votes.csv", CSV_FILTER)
        if path is not None:
            self.export_to(path)

    def export_to(self, path: Path) -> None:
        """Write all votes as CSV and say so."""
        try:
            write_atomically(path, ("\ufeff" + votes_csv(self._studio.blind.votes)).encode())
        except OSError as error:
            self._studio.notice.emit(str(error), "error")
        else:
            self._studio.notice.emit(f"Exported {len(self._studio.blind.votes)} votes to {path}.", "info")

    def _start(self, kind: str, first: str, second: str, trials: int) -> None:
        self._studio.blind.start("abx" if kind == "abx" else "ab", first, second, trials, self._studio.levels.is_on)

    def _show_trial(self) -> None:
        blind = self._studio.blind
        if blind.is_running and blind.test is not None:
            test = blind.test
            self._page.set_trial(test.kind, test.number, test.trials, blind.playing, blind.can_vote)

    def _show_choices(self) -> None:
        if not self._studio.blind.is_running:
            self._page.set_choices(self._studio.blind.choices())

    def _show_levels(self) -> None:
        levels, listening = self._studio.levels, self._studio.listening
        found = levels.levels
        # Not those of the blind test: the gains would tell what A, B and X are.
        keys = [key for key in found.gains_db if not key.startswith(PREFIX)]
        keys.sort(key=lambda key: list(SOURCE_TITLES).index(key) if key in SOURCE_TITLES else len(SOURCE_TITLES))
        rows = [(listening.title(key), found.gains_db[key], found.loudness[key]) for key in keys]
        self._page.set_levels(levels.is_on, rows)


def _judgement(votes: list[Vote]) -> Judgement:
    result, (title, headline, figures) = judge(votes), in_words(votes)
    return Judgement(title, result.share, result.interval, result.significant, headline, figures)


def _trial_text(vote: Vote) -> str:
    names = (vote.first.label, vote.second.label)
    if vote.x is not None:
        return f"X was {names[vote.x]}"
    return "No difference" if vote.chosen is None else f"{names[vote.chosen]} preferred"
