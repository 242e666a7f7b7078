"""Hears rows of a data folder from the list, without opening them as ground truth."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.engine_messages import ClipOpened, OpenClip
from app.player import Sound
from app.studio import Studio

SOUND = "row:sound"


class RowListening(QObject):
    """Plays one row at a time in the studio's player; the same row again stops it."""

    playing_changed = Signal(bool)

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._path = ""
        """Name of the row that is there or on its way."""
        studio.player.playing_changed.connect(self._on_playing)
        studio.player.source_changed.connect(lambda _source: self._tell())

    @property
    def is_playing(self) -> bool:
        """True while a row sounds."""
        player = self._studio.player
        return player.is_playing and player.source == SOUND

    def play(self, row: int) -> None:
        """Read a row and play it from its start."""
        path = self._studio.data.clip(row).path
        if self.is_playing:
            self._studio.player.pause()
            if path == self._path:
                return
        self._path = path
        job = self._studio.engine.submit(OpenClip(path), "Reading the row", "row")
        job.finished.connect(self._on_read)
        job.failed.connect(lambda failure: self._studio.notice.emit(failure.message, "error"))
        self._studio.job_started.emit(job)

    def _on_read(self, read: ClipOpened) -> None:
        listening = self._studio.listening
        self._studio.timeline.set_selection(None)
        listening.set_extras(SOUND, {SOUND: Sound(read.wave, read.sample_rate)})
        listening.play_extra(SOUND, 0.0)
        self._tell()

    def _on_playing(self, playing: bool) -> None:
        player, source = self._studio.player, self._studio.session.source
        if not playing and player.source == SOUND and player.has(source):
            player.set_source(source)  # the next press of Space in the studio plays what the studio shows
        self._tell()

    def _tell(self) -> None:
        self.playing_changed.emit(self.is_playing)
