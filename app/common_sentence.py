"""The sentence that goes through every checkpoint: the one that the autoregressive pane shows, or the text box."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.comparing import ComparisonController
from app.session import Session
from lewm_core.sweep_cells import SweepItem

CLIP, TAKE, TEXT = "clip", "take", "text"


class CommonSentence(QObject):
    """Follows what is shown, so that A and B always say the same; the text box where a person asks for it."""

    changed = Signal()

    def __init__(
        self, session: Session, comparison: ComparisonController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._comparison = comparison
        self._is_typed = False
        session.events.current_take.connect(self._on_take)
        comparison.changed.connect(self.changed)
        for name in ("text", "speaker", "seed", "temperature", "clip"):
            getattr(session.events, name).connect(lambda _value: self.changed.emit())

    @property
    def key(self) -> str:
        """Where the sentence comes from: "clip", "take" or "text"."""
        if self._is_typed and self._has_text:
            return TEXT
        if self._session.take(self._session.current_take) is not None:
            return TAKE
        return CLIP if self._has_clip else TEXT

    def offers(self) -> list[str]:
        """Where a sentence can come from now."""
        has = {CLIP: self._has_clip, TAKE: bool(self._session.listed_takes), TEXT: self._has_text}
        return [key for key, there in has.items() if there]

    def choose(self, key: str) -> None:
        """Take the sentence from somewhere else; the autoregressive pane shows it, too."""
        session = self._session
        self._is_typed = key == TEXT
        if key == CLIP:
            session.current_take = None
        elif key == TAKE and session.take(session.current_take) is None and session.listed_takes:
            session.current_take = session.listed_takes[0].id
        self.changed.emit()

    def item(self) -> SweepItem | None:
        """The sentence with speaker, seed and temperature; None while there is none."""
        session, key = self._session, self.key
        take = session.take(session.current_take)
        if key == CLIP and session.clip is not None:
            clip, speaker = session.clip, self._comparison.speaker
            return SweepItem(clip.text, speaker, session.seed, session.temperature, Path(clip.path))
        if key == TAKE and take is not None:
            return SweepItem(take.text, take.speaker, take.seed, take.temperature)
        if self._has_text:
            return SweepItem(session.text.strip(), session.speaker, session.seed, session.temperature)
        return None

    @property
    def _has_clip(self) -> bool:
        return self._session.clip is not None and bool(self._session.clip.text)

    @property
    def _has_text(self) -> bool:
        return bool(self._session.text.strip())

    def _on_take(self, take_id: str | None) -> None:
        if take_id is not None:
            self._is_typed = False
        self.changed.emit()
