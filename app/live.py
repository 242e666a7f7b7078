"""Live mode: what is typed, and how it is to be spoken, is heard at once.

Each change waits a moment for the next one; then it replaces the speech that is being made or heard. There is
one live take, replaced again and again until it is kept.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app.session import Session
from app.settings import Settings
from app.speaking import SpeakingController
from app.voice import VoiceController

PAUSE = 200
"""Milliseconds without a change after which speech begins anew: longer than between two keys of a fast typist."""
FOLLOWED = ("text", "speaker", "seed", "temperature", "speed", "voice_prompt")
"""Fields of the session whose change is heard."""


class LiveController(QObject):
    """Watches the session while live mode is on, and speaks."""

    changed = Signal()
    """On or off, or something to keep, or not."""

    def __init__(
        self,
        speaking: SpeakingController,
        session: Session,
        settings: Settings,
        voice: VoiceController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._speaking = speaking
        self._session = session
        self._settings = settings
        self._voice = voice
        self._keep_next = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._speak)
        for name in FOLLOWED:
            getattr(session.events, name).connect(self._on_edited)
        speaking.live_made.connect(self._on_made)

    @property
    def is_on(self) -> bool:
        """True while changes are heard at once."""
        return self._settings.live

    def set_on(self, on: bool) -> None:
        """Switch live mode; what it made last is kept when it is switched off."""
        if on == self._settings.live:
            return
        self._settings.live = on
        if on:
            self._pause.start()
        else:
            self._pause.stop()
            self.keep()
        self.changed.emit()

    def keep(self) -> bool:
        """Make an ordinary take of the live one; False when there is none."""
        take = self._session.live_take
        if take is None:
            return False
        self._session.keep_live_take()
        self._speaking.save_take(take)
        self.changed.emit()
        return True

    def keep_or_speak(self) -> None:
        """What Ctrl+Enter does in live mode: keep what is heard; speak and keep where nothing was made yet."""
        if self._pause.isActive() or self._speaking.is_live_outdated:
            self._pause.stop()
            self._speak()
        self._keep_next = self._speaking.is_busy
        if not self._keep_next and not self.keep():
            self._speaking.speak()

    def shutdown(self) -> None:
        """Stop waiting."""
        self._pause.stop()

    def _on_edited(self, _value: object) -> None:
        if self.is_on:
            self._keep_next = False
            self._pause.start()

    def _speak(self) -> None:
        if self._voice.is_ready:
            self._speaking.speak_live()

    def _on_made(self) -> None:
        if self._keep_next:
            self._keep_next = False
            self.keep()
        self.changed.emit()
