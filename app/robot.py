"""Does by itself what the command line asked for: speak a text, wait, take the picture, write the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.export import file_stem, free_path

if TYPE_CHECKING:
    from app.main import Options
    from app.main_window import MainWindow
    from app.studio import Studio

POLL_INTERVAL = 100
SETTLE_TICKS = 4
"""Polls without a running job after which everything is on the screen."""
TIME_LIMIT = 600_000


class Robot(QObject):
    """Runs the options of one start; does nothing when there are none."""

    quit_wanted = Signal()

    def __init__(self, studio: Studio, window: MainWindow, options: Options, folder: Path | None = None) -> None:
        super().__init__(window)
        self.status = 0
        self.files: list[Path] = []
        self.problems: list[str] = []
        self._studio = studio
        self._window = window
        self._options = options
        self._folder = folder
        self._speaks = options.text is not None
        self._exports = folder is not None
        self._quiet_ticks = 0
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_INTERVAL)
        self._poll.timeout.connect(self._on_poll)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.setInterval(TIME_LIMIT)
        self._limit.timeout.connect(self._give_up)
        studio.notice.connect(self._on_notice)
        studio.exporting.written.connect(self.files.extend)
        if self._speaks:
            studio.voice.loaded.connect(self._speak)
        if options.screenshot or folder is not None:
            self._poll.start()
            self._limit.start()

    def _speak(self, _voice: object) -> None:
        if self._speaks:
            self._speaks = False
            self._studio.speaking.speak()

    def _on_poll(self) -> None:
        studio = self._studio
        failed = studio.voice.refusal is not None
        busy = studio.running_job() is not None or (not studio.voice.is_ready and not failed) or self._speaks
        self._quiet_ticks = 0 if busy and not failed else self._quiet_ticks + 1
        if self._quiet_ticks < SETTLE_TICKS:
            return
        self._quiet_ticks = 0
        if self._exports and not failed:
            self._exports = False
            self._export()
            return
        self._poll.stop()
        self._finish()

    def _export(self) -> None:
        assert self._folder is not None
        exporting, taken = self._studio.exporting, set[Path]()
        take = self._studio.session.take(self._studio.session.current_take)
        if take is not None:
            path = free_path(self._folder, file_stem(take.title), ".wav", taken)
            exporting.export_take(take, path, self._studio.settings.wav_subtype)
        if exporting.can_draw:
            exporting.export_figure(free_path(self._folder, "comparison", ".png", taken))

    def _finish(self) -> None:
        if self._options.screenshot:
            path = Path(self._options.screenshot)
            self._window.notices.clear()  # what they say is printed; in the picture they would hide the mels
            if self._window.grab().save(str(path)):
                self.files.append(path)
            else:
                self.problems.append(f"The picture could not be written to {path}.")
        if self._studio.voice.voice is None:
            self.status = 1
        if self._folder is not None and len(self.files) < 3:
            self.status = 1
        self.quit_wanted.emit()

    def _give_up(self) -> None:
        self.status = 1
        self.problems.append("It took too long; giving up.")
        self.quit_wanted.emit()

    def _on_notice(self, sentence: str, level: str) -> None:
        if level != "info":
            self.problems.append(sentence)
