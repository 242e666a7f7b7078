"""File dialogs, with the folder that was used last. One seam, so that tests can answer them."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.settings import Settings

CHECKPOINT_FILTER = "Checkpoints (*.safetensors *.pt);;All files (*)"
CLIP_FILTER = "Recordings (*.wav *.flac *.ogg *.mp3 *.opus *.aiff *.aif);;All files (*)"
TEXT_FILTER = "Text (*.txt);;All files (*)"
WAV_FILTER = "WAV sound (*.wav)"
MANIFEST_FILTER = "Manifests (*.jsonl);;All files (*)"
REPORT_FILTER = "Web page (*.html)"
FIGURE_FILTER = "PNG picture (*.png);;SVG drawing (*.svg)"


class FileDialogs:
    """Asks for files; every method returns None when the person changed their mind."""

    def __init__(self, window: QWidget, settings: Settings) -> None:
        self._window = window
        self._settings = settings

    def open_file(self, title: str, file_filter: str) -> Path | None:
        """An existing file."""
        name, _ = QFileDialog.getOpenFileName(self._window, title, self._settings.open_folder, file_filter)
        if not name:
            return None
        self._settings.open_folder = str(Path(name).parent)
        return Path(name)

    def save_file(self, title: str, name: str, file_filter: str) -> Path | None:
        """A file to write; the first suffix of the chosen filter is added when there is none."""
        suggested = str(self._export_folder() / name)
        chosen, used_filter = QFileDialog.getSaveFileName(self._window, title, suggested, file_filter)
        if not chosen:
            return None
        path = Path(chosen)
        if path.suffix.lower() not in _suffixes(file_filter):
            path = path.with_name(path.name + (_suffixes(used_filter) or [Path(name).suffix])[0])
        self._settings.export_folder = str(path.parent)
        return path

    def choose_folder(self, title: str) -> Path | None:
        """A folder to write into."""
        name = QFileDialog.getExistingDirectory(self._window, title, str(self._export_folder()))
        if not name:
            return None
        self._settings.export_folder = name
        return Path(name)

    def open_folder(self, title: str) -> Path | None:
        """An existing folder to read from."""
        name = QFileDialog.getExistingDirectory(self._window, title, self._settings.open_folder)
        if not name:
            return None
        self._settings.open_folder = name
        return Path(name)

    def _export_folder(self) -> Path:
        folder = Path(self._settings.export_folder) if self._settings.export_folder else Path.home()
        return folder if folder.is_dir() else Path.home()


def _suffixes(file_filter: str) -> list[str]:
    """The suffixes that a filter of a file dialog names, in its order."""
    return re.findall(r"\*(\.\w+)", file_filter)
