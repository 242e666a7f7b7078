"""What the panes show and what the sources play, put together from clip, comparison and take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.comparing import ComparisonController
from app.player import Sound
from app.session import Session
from app.speaker_choice import speaker_label
from app.speaking import SpeakingController
from app.takes import Take, TakeStore
from lewm_core.config import LN_TO_DB, MelConfig

PANE_TITLES = {
    "ground_truth": "Ground truth",
    "reconstruction": "Reconstruction",
    "teacher_forced": "Teacher-forced",
    "autoregressive": "Autoregressive",
}
TRUTH, FREE = "ground_truth", "autoregressive"
NOISE = "noise"
"""Key of the pane with noise of the same L1 as a model's error, which a person switches on."""
SECOND = "second"
"""Key of the pane with what another checkpoint makes of the sentence."""
PAIR = "pair"
"""Key of the pane that shows two others against each other."""
MIXED = "mixed"
"""Key of the pane with a run between teacher forcing and the free run."""
EXTRA_TITLES = {NOISE: "Matched noise", SECOND: "B", MIXED: "Mixed run"}
SOURCE_TITLES = {
    "original": "Original",
    **PANE_TITLES,
    "ground_truth": "Vocoded",
    NOISE: "Noise",
    SECOND: "B",
    MIXED: "Mixed",
}


@dataclass(frozen=True)
class PaneContent:
    """One pane: log-mel in dB (n_mels, frames) or None, its sound, and a short remark for its header.

    Attributes:
        text: what it says, "" while that is not known or not finished.
        own_time: True where a word comes at another time than in the clip.
        recipe: how it was made, where that is neither the comparison's recipe nor the take's.
    """

    mel_db: np.ndarray | None
    sound: Sound | None
    detail: str = ""
    text: str = ""
    own_time: bool = False
    recipe: Mapping[str, Any] | None = None

    @property
    def seconds(self) -> float:
        """Length of the sound, 0 without one."""
        return self.sound.seconds if self.sound else 0.0


EMPTY = PaneContent(None, None)


class PaneModel(QObject):
    """Content by pane; answers changes of the controllers with `pane_changed` for just what differs."""

    pane_changed = Signal(str)
    sounds_changed = Signal()
    lost_take = Signal(str)

    def __init__(
        self,
        session: Session,
        comparison: ComparisonController,
        speaking: SpeakingController,
        store: TakeStore,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._comparison = comparison
        self._speaking = speaking
        self._store = store
        self._contents: dict[str, PaneContent] = dict.fromkeys(PANE_TITLES, EMPTY)
        self._origins: dict[str, object] = {}
        self._stand_in: tuple[np.ndarray, PaneContent] | None = None
        self._db: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.mel_config = MelConfig()
        comparison.changed.connect(self.update)
        speaking.changed.connect(self.update)
        session.events.current_take.connect(self._on_take)

    def content(self, key: str) -> PaneContent:
        """What a pane shows."""
        return self._contents.get(key, EMPTY)

    @property
    def frame_rate(self) -> float:
        """Mel frames a second."""
        return self.mel_config.frame_rate

    @property
    def seconds(self) -> float:
        """Length of the longest thing on the screen, in seconds."""
        lengths = [content.seconds for content in self._contents.values()]
        frames = [
            content.mel_db.shape[1] for content in self._contents.values() if content.mel_db is not None
        ]
        return max([*lengths, *((count - 1) / self.frame_rate for count in frames), 0.0])

    @property
    def shows_other_speech(self) -> bool:
        """True while the autoregressive pane shows something else than the comparison: a take, or speech being made."""
        result = self._comparison.result
        mel = self._origins.get("autoregressive")
        return mel is not None and not (
            result is not None
            and "autoregressive" in result.panes
            and mel is result.panes["autoregressive"].mel
        )

    def mel(self, key: str) -> np.ndarray | None:
        """The mel (n_mels, frames) that a pane shows, natural-log amplitude."""
        origin = self._origins.get(key)
        return origin if isinstance(origin, np.ndarray) else None

    @property
    def is_growing(self) -> bool:
        """True while the autoregressive pane shows speech that is still being made."""
        shown = self._origins.get("autoregressive")
        growing = (self._speaking.partial_mel, self._comparison.partial_mel)
        return shown is not None and any(shown is mel for mel in growing)

    def set_extra(self, key: str, mel: np.ndarray | None, content: PaneContent | None) -> None:
        """Show a mel (n_mels, frames, natural-log) beside those of the comparison, or take it away."""
        if self._origins.get(key) is mel:
            return
        self._origins[key] = mel
        self._contents[key] = content or EMPTY
        self.pane_changed.emit(key)
        self.sounds_changed.emit()

    def set_stand_in(self, mel: np.ndarray | None, content: PaneContent | None) -> None:
        """Show this mel as the free run instead of the take or the comparison; None shows those again."""
        if mel is (self._stand_in and self._stand_in[0]):
            return
        self._stand_in = None if mel is None or content is None else (mel, content)
        self.update()

    def sounds(self) -> dict[str, Sound]:
        """What can be heard, by source key."""
        sounds = {key: content.sound for key, content in self._contents.items() if content.sound is not None}
        clip = self._comparison.clip
        if clip is not None:
            sounds["original"] = Sound(clip.wave, clip.sample_rate)
        return sounds

    def _on_take(self, _take_id: str | None) -> None:
        self.update()

    def update(self) -> None:
        """Bring all panes up to date; only what really changed is told."""
        before = self.sounds()
        for key in PANE_TITLES:
            origin, content = self._wanted(key)
            if origin is not self._origins.get(key) or content.detail != self._contents[key].detail:
                self._origins[key] = origin
                self._contents[key] = content
                self.pane_changed.emit(key)
        after = self.sounds()
        if {key: id(sound.wave) for key, sound in before.items()} != {
            key: id(sound.wave) for key, sound in after.items()
        } or "original" in after:
            self.sounds_changed.emit()

    def _wanted(self, key: str) -> tuple[object, PaneContent]:
        """The object that a pane's content comes from (compared by identity), and the content."""
        if key == "autoregressive":
            shown = self._free_running()
            if shown is not None:
                return shown
        result, clip = self._comparison.result, self._comparison.clip
        if result is not None and key in result.panes:
            pane = result.panes[key]
            timing = " along DTW" if key == "autoregressive" else ""
            detail = "" if pane.mel_l1 is None else f"L1 {pane.mel_l1:.2f}{timing}"
            if key == "ground_truth" and clip is not None:
                detail = clip.remark
            sound = Sound(pane.wave, result.sample_rate) if len(pane.wave) else None
            return pane.mel, PaneContent(self._as_db(pane.mel), sound, detail, result.text, key == FREE)
        if key == "ground_truth" and clip is not None:
            return clip.mel, PaneContent(self._as_db(clip.mel), None, clip.remark)
        return None, EMPTY

    def _free_running(self) -> tuple[object, PaneContent] | None:
        """Speech being made, else what stands in, else the selected take, else a comparison being made."""
        if self._speaking.partial_mel is not None:
            mel, sound = self._speaking.partial_mel, self._speaking.sound
            growing = None if sound is None else Sound(sound, sound.sample_rate)
            return mel, PaneContent(self._as_db(mel), growing, "speaking…", own_time=True)
        if self._stand_in is not None:
            return self._stand_in
        take = self._session.take(self._session.current_take)
        if take is not None:
            shown = self._take_content(take)
            if shown is not None:
                return shown
        if self._comparison.partial_mel is not None:
            mel = self._comparison.partial_mel
            return mel, PaneContent(self._as_db(mel), None, "comparing…", own_time=True)
        return None

    def _take_content(self, take: Take) -> tuple[object, PaneContent] | None:
        try:
            mel, wave = self._store.load(take)
        except (OSError, ValueError) as error:
            self.lost_take.emit(f"The take “{take.title}” cannot be shown: {error}")
            return None
        kind = "live" if take is self._session.live_take else "take"
        detail = f"{kind} · {speaker_label(take.speaker)} · {take.seconds:.1f} s"
        if take.stop_reason == "max_length":
            detail += " · ran into the length limit"
        elif take.stop_reason == "cancelled":
            detail += " · cancelled"
        sound = Sound(wave, take.sample_rate)
        return mel, PaneContent(self._as_db(mel), sound, detail, take.text, own_time=True)

    def _as_db(self, mel: np.ndarray) -> np.ndarray:
        return mel * np.float32(LN_TO_DB)
