"""Ties player, panes and timeline: one position, whatever plays and whatever is shown."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from app.aligning import AlignmentController
from app.panes import MIXED, SOURCE_TITLES, PaneModel
from app.player import Player, Sound
from app.session import SOURCES, Session
from app.takes import Take
from app.timeline import Range, Timeline
from lewm_core.playback import GrowingSound

LEAD_IN = 0.5
"""Seconds of what one knows already that are played before what is new."""
WHY_SILENT = {
    "original": "Open a clip to hear the original (Ctrl+Shift+O).",
    "ground_truth": "The vocoded clip is made by the comparison; open a clip and wait for it.",
    "reconstruction": "There is no reconstruction yet; open a clip with its transcript.",
    "teacher_forced": "There is no teacher-forced speech yet; open a clip with its transcript.",
    "noise": "Switch the pane with matched noise on (N), and open a clip with its transcript.",
    MIXED: "Drag the handle on the page TF / AR to make a mixed run (a clip with its transcript is needed).",
    "autoregressive": "There is no speech yet. Type a sentence and press Ctrl+Enter.",
}


class ListeningController(QObject):
    """What Space, Esc, clicks in the panes and the keys 1 to 5 do."""

    trouble = Signal(str)
    sounds_changed = Signal()
    """Other sounds than before, in the panes or beside them."""

    def __init__(
        self,
        player: Player,
        panes: PaneModel,
        timeline: Timeline,
        session: Session,
        alignment: AlignmentController | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._player = player
        self._panes = panes
        self._timeline = timeline
        self._session = session
        self._alignment = alignment
        self._extras: dict[str, Sound] = {}
        player.position_changed.connect(self._on_position)
        player.playing_changed.connect(self._on_playing)
        panes.sounds_changed.connect(self._on_sounds)
        panes.pane_changed.connect(self._on_pane)
        timeline.selection_changed.connect(self._on_selection)
        timeline.loop_changed.connect(player.set_loop)
        player.set_source(session.source)
        player.set_loop(timeline.loop)

    # ------------------------------------------------------------------ what a person does
    def toggle(self) -> None:
        """Play or pause the present source; says why when there is nothing to hear."""
        if not self._player.is_playing and not self._can_hear(self._player.source):
            return
        self._player.toggle()

    def stop(self) -> None:
        """Stop and go back to the start of the selection (or of everything); a second time clears it."""
        if self._player.is_playing:
            self._player.pause()
            self._go_to_start()
        elif self._timeline.selection is not None:
            self._timeline.set_selection(None)
        else:
            self._go_to_start()

    def choose(self, source: str) -> None:
        """Listen to a source at the same word: at the same position, or along the warp path where there is one."""
        if not self._can_hear(source):
            return
        before, self._session.source = self._player.source, source
        if self._alignment is None or not self._alignment.parts(before, source):
            self._player.set_source(source)
            return
        moved = partial(self._alignment.moved, from_source=before, to_source=source)
        selection = self._timeline.selection
        region = None if selection is None else (moved(selection[0]), moved(selection[1]))
        self._player.set_region(region)
        self._player.set_source(source, moved)
        here = self._player.position
        self._timeline.set_selection(region)
        if not self._player.is_playing:
            self.seek(here)

    def play_pane(self, source: str) -> None:
        """Play one source; the same one again pauses it."""
        if self._player.is_playing and self._player.source == source:
            self._player.pause()
        elif self._can_hear(source):
            self.choose(source)
            if not self._player.is_playing:
                self._player.play()

    def sounds(self) -> dict[str, Sound]:
        """Everything that can be heard, by source key."""
        return {**self._panes.sounds(), **self._extras}

    def title(self, source: str) -> str:
        """What a source is called."""
        return SOURCE_TITLES.get(source, source)

    def set_extras(self, prefix: str, sounds: dict[str, Sound]) -> None:
        """Sounds that no pane shows, under keys that begin with `prefix`; they replace all of that prefix."""
        kept = {key: sound for key, sound in self._extras.items() if not key.startswith(prefix)}
        if self._player.source.startswith(prefix) and self._player.source not in sounds:
            self._player.pause()
        self._extras = {**kept, **sounds}
        self._on_sounds()

    def play_extra(self, source: str, position: float | None = None) -> None:
        """Play a sound that no pane shows, from where the playhead is or from `position` (s)."""
        self._player.set_source(source)
        if position is not None or not self._player.is_playing:
            self._player.play(position)

    def to_start(self) -> None:
        """Go to the start of the selection, or of everything."""
        self._go_to_start()

    def play_speech(self) -> None:
        """Play speech that is being made, from its start on."""
        self._timeline.set_selection(None)
        self.choose("autoregressive")
        self._player.play(0.0)

    def stop_speech(self) -> None:
        """Fall silent, if it is speech being made that sounds."""
        sound = self._panes.sounds().get("autoregressive")
        if sound is not None and isinstance(sound.wave, GrowingSound) and self._player.source == "autoregressive":
            self._player.pause()

    def play_take(self, take: Take) -> None:
        """Play a fresh take from its start (the region of an older sound would cut it off)."""
        self._timeline.set_selection(None)
        self.choose("autoregressive")
        if take.id == self._session.current_take and self._player.has("autoregressive"):
            self._player.play(0.0)

    def play_mixed(self, from_s: float) -> None:
        """Play a mixed run from just before the time (s) at which it becomes something new."""
        self.choose(MIXED)
        if self._player.has(MIXED):
            self.seek(max(0.0, from_s - LEAD_IN))
            self._player.play(max(0.0, from_s - LEAD_IN))

    def seek(self, seconds: float) -> None:
        """Go to a time."""
        self._player.seek(seconds)
        self._timeline.set_playhead(seconds)

    def nudge(self, seconds: float) -> None:
        """Go a little forth or back."""
        self.seek(min(max((self._timeline.playhead or 0.0) + seconds, 0.0), self._timeline.extent))

    def select(self, selection: Range | None) -> None:
        """Select a region: it loops; without a region nothing does."""
        self._timeline.set_selection(selection)
        self._timeline.set_loop(self._timeline.selection is not None)

    # ------------------------------------------------------------------ what happens
    def _can_hear(self, source: str) -> bool:
        if self._player.has(source):
            return True
        self.trouble.emit(WHY_SILENT.get(source, "There is nothing to hear there yet."))
        return False

    def _go_to_start(self) -> None:
        selection = self._timeline.selection
        self.seek(selection[0] if selection else 0.0)

    def _on_position(self, seconds: float) -> None:
        self._timeline.set_playhead(seconds)
        if self._player.is_playing:
            self._timeline.follow_playhead()

    def _on_playing(self, playing: bool) -> None:
        if not playing:
            self._timeline.set_playhead(self._player.position)

    def _on_selection(self, selection: Range | None) -> None:
        self._session.selection = selection
        self._player.set_region(selection)
        if selection is None:
            self._timeline.set_loop(False)
        elif self._player.is_playing:
            if not selection[0] <= self._player.position < selection[1]:
                self._player.seek(selection[0])
        else:
            self.seek(selection[0])

    def _on_pane(self, _key: str) -> None:
        self._timeline.set_duration(self._panes.seconds)

    def _on_sounds(self) -> None:
        sounds = self.sounds()
        self._player.set_sounds(sounds)
        self.sounds_changed.emit()
        self._timeline.set_duration(self._panes.seconds)
        if self._player.source not in sounds and sounds and not self._player.is_playing:
            self._player.set_source(next((source for source in reversed(SOURCES) if source in sounds), ""))
