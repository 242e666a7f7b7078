"""Runs blind tests on what the player has: plays the sides under their hidden names, keeps the votes."""

from __future__ import annotations

import logging
import random
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.blind_test import BlindTest, Kind, Side, Vote, VoteStore
from app.listening import ListeningController
from app.player import Player, Sound
from app.session import LARGEST_SEED, Session
from app.takes import TakeStore

logger = logging.getLogger(__name__)
PREFIX = "blind:"
BUTTONS = {"abx": ("a", "b", "x"), "ab": ("a", "b")}


class BlindListening(QObject):
    """The test under way (or just finished), and all votes ever given."""

    changed = Signal()
    trouble = Signal(str)

    def __init__(
        self,
        listening: ListeningController,
        player: Player,
        session: Session,
        takes: TakeStore,
        votes: VoteStore,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._listening = listening
        self._player = player
        self._session = session
        self._takes = takes
        self._store = votes
        self._sounds: tuple[Sound, Sound] | None = None
        self._heard: set[str] = set()
        self.test: BlindTest | None = None
        self.votes: list[Vote] = []

    def load(self) -> None:
        """Read the votes of earlier sessions."""
        try:
            self.votes = self._store.read()
        except OSError as error:
            self.trouble.emit(f"Earlier votes cannot be read: {error}")
        self.changed.emit()

    # ------------------------------------------------------------------ what can be compared
    def choices(self) -> list[tuple[str, str]]:
        """(key, title) of everything that can be a side: what the panes play, then the takes."""
        sounds = self._listening.sounds()
        panes = [(key, self._listening.title(key)) for key in sounds if not key.startswith(PREFIX)]
        return panes + [(f"take:{take.id}", f"Take: {take.title} ({take.speaker})") for take in self._session.takes]

    def _side(self, key: str) -> tuple[Side, Sound]:
        """A side and its sound; raises OSError, ValueError or KeyError when it is gone."""
        take = self._session.take(key.removeprefix("take:")) if key.startswith("take:") else None
        if take is not None:
            _, wave = self._takes.load(take)
            facts: dict[str, Any] = {"text": take.text, "speaker": take.speaker, "seed": take.seed}
            for name in ("checkpoint", "checkpoint_sha256", "step", "vocoder"):
                if name in take.recipe:
                    facts[name] = take.recipe[name]
            return Side(f"{take.title} ({take.speaker})", facts), Sound(wave, take.sample_rate)
        clip = self._session.clip
        facts = {"text": clip.text, "clip": clip.name} if clip is not None else {}
        return Side(self._listening.title(key), facts), self._listening.sounds()[key]

    # ------------------------------------------------------------------ a test
    @property
    def is_running(self) -> bool:
        """True while trials are left."""
        return self.test is not None and self._sounds is not None

    def start(
        self, kind: Kind, first: str, second: str, trials: int, level_matched: bool, seed: int | None = None
    ) -> bool:
        """Begin a test of two sides (keys of `choices`); False, with a sentence, when it cannot be."""
        try:
            if first == second:
                raise ValueError("Choose two different sounds to compare.")
            (side_a, sound_a), (side_b, sound_b) = self._side(first), self._side(second)
        except KeyError:
            self.trouble.emit("One of the two sounds is not there any more. Choose again.")
            return False
        except (OSError, ValueError) as error:
            self.trouble.emit(str(error))
            return False
        chosen = random.randint(0, LARGEST_SEED) if seed is None else seed
        self.test = BlindTest(kind, side_a, side_b, trials, chosen, level_matched)
        self._sounds = sound_a, sound_b
        self._next_trial()
        return True

    def play(self, button: str) -> None:
        """Hear A, B or X: the first time from the start of the selection (or of all), then at the same position."""
        if not self.is_running or self.test is None or button not in BUTTONS[self.test.kind]:
            return
        fresh = not self._heard
        self._heard.add(button)
        if fresh:
            self._listening.to_start()
        self._listening.play_extra(PREFIX + button)
        self.changed.emit()

    @property
    def playing(self) -> str:
        """The button whose sound is chosen; "" for none."""
        source = self._player.source
        return source.removeprefix(PREFIX) if source.startswith(PREFIX) else ""

    @property
    def can_vote(self) -> bool:
        """True once both A and B (in ABX also X) were heard in this trial."""
        return self.is_running and self.test is not None and self._heard >= set(BUTTONS[self.test.kind])

    def vote(self, answer: str) -> None:
        """Vote in the present trial and go on to the next one."""
        if not self.can_vote or self.test is None or (answer == "tie" and self.test.kind == "abx"):
            return
        vote = self.test.vote(answer)
        self.votes.append(vote)
        try:
            self._store.append(vote)
        except OSError as error:
            self.trouble.emit(f"The vote counts but could not be kept: {error}")
        if self.test.is_done:
            self.finish()
        else:
            self._next_trial()

    def finish(self) -> None:
        """End the test; what was voted so far is told and stays."""
        self._sounds = None
        if self.playing:  # back to what was chosen before
            self._player.pause()
            self._player.set_source(self._session.source)
        self._listening.set_extras(PREFIX, {})
        if self.test is not None and not self.test.votes:
            self.test = None
        self.changed.emit()

    def dismiss(self) -> None:
        """Put the result away."""
        if not self.is_running:
            self.test = None
            self.changed.emit()

    def _next_trial(self) -> None:
        assert self.test is not None
        assert self._sounds is not None
        self._heard.clear()
        if self._player.is_playing:
            self._player.pause()
        self._listening.set_extras(
            PREFIX, {PREFIX + button: self._sounds[self.test.side_of(button)] for button in BUTTONS[self.test.kind]}
        )
        self.changed.emit()
