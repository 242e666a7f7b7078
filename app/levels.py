"""Level matching: everything that can be heard at one loudness, so that the louder one does not win."""

from __future__ import annotations

import logging
import math

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.engine import Engine
from app.engine_messages import Failure
from app.jobs import Job
from app.listening import ListeningController
from app.messages_listening import LevelsMatched, MatchLevels
from app.player import Player, Sound
from app.settings import Settings

logger = logging.getLogger(__name__)


class LevelMatching(QObject):
    """Measures all sounds whenever they change, and sets the gains of the player while it is on."""

    changed = Signal()

    def __init__(
        self,
        engine: Engine,
        player: Player,
        listening: ListeningController,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._player = player
        self._listening = listening
        self._settings = settings
        self._known: dict[int, tuple[Sound, float, float]] = {}
        """Sound, gain and loudness of the waves measured last, by identity of the wave."""
        self._job: Job | None = None
        self._again = False
        self.levels = LevelsMatched()
        """Gains and loudness by source, as far as they are measured."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._measure)
        listening.sounds_changed.connect(self._on_sounds)

    @property
    def is_on(self) -> bool:
        """True while the gains are applied."""
        return self._settings.match_levels

    def set_on(self, on: bool) -> None:
        """Apply the gains, or play everything as it is."""
        self._settings.match_levels = on
        self._on_sounds()
        self._apply()

    def shutdown(self) -> None:
        """Measure no more."""
        self._soon.stop()

    def _on_sounds(self) -> None:
        if not self.is_on:
            return
        if self._sounds().keys() <= self._known.keys():
            self._apply()  # the same waves under other names: nothing to wait for
        else:
            self._soon.start()

    def _sounds(self) -> dict[int, Sound]:
        """What can be heard and is complete, each wave once, by its identity."""
        sounds = self._listening.sounds().values()
        return {id(sound.wave): sound for sound in sounds if isinstance(sound.wave, np.ndarray)}

    def _measure(self) -> None:
        if self._job is not None:
            self._again = True
            return
        sounds = self._sounds()
        request = MatchLevels({str(key): (sound.samples, sound.sample_rate) for key, sound in sounds.items()})
        # One at a time: a superseded job would have to be cancelled, and the engine may be busy with a long step.
        job = self._job = self._engine.submit(request, "Measuring loudness", "levels")
        job.ended.connect(self._on_ended)
        job.finished.connect(lambda levels: self._on_measured(sounds, levels))
        job.failed.connect(self._on_failed)

    def _on_measured(self, sounds: dict[int, Sound], levels: LevelsMatched) -> None:
        # The sounds are held, so that no other wave can get the identity of one of them.
        self._known = {
            key: (sound, levels.gains_db.get(str(key), 0.0), levels.loudness.get(str(key), math.nan))
            for key, sound in sounds.items()
        }
        self._apply()

    def _on_ended(self) -> None:
        self._job = None
        if self._again:
            self._again = False
            self._on_sounds()

    def _on_failed(self, failure: Failure) -> None:
        logger.warning("loudness: %s %s", failure.message, failure.details)

    def _apply(self) -> None:
        levels = {
            key: self._known[id(sound.wave)][1:]
            for key, sound in self._listening.sounds().items()
            if id(sound.wave) in self._known
        }
        self.levels = LevelsMatched(
            {key: gain for key, (gain, _) in levels.items()}, {key: lufs for key, (_, lufs) in levels.items()}
        )
        self._player.set_gains(self.levels.gains_db if self.is_on else {})
        self.changed.emit()
