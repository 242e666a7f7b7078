"""What is dropped on the window: run folders, checkpoints, recordings and texts find their way."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from lewm_core.analysis.run_folder import is_run

CHECKPOINT_SUFFIXES = {".safetensors", ".pt", ".pth", ".ckpt"}
CLIP_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".mp3", ".opus", ".aiff", ".aif", ".aifc", ".au"}
TEXT_SUFFIXES = {".txt", ".md"}
DATA_SUFFIXES = {".jsonl"}


def kind_of(path: Path) -> str:
    """"run" for a folder of one; "checkpoint", "clip", "data", "text", or "" for what the studio does not open."""
    if path.is_dir():
        return "run" if is_run(path) else ""
    suffix = path.suffix.lower()
    if suffix in CHECKPOINT_SUFFIXES:
        return "checkpoint"
    if suffix in CLIP_SUFFIXES:
        return "clip"
    if suffix in DATA_SUFFIXES:
        return "data"
    return "text" if suffix in TEXT_SUFFIXES else ""


class DropTarget(QObject):
    """Makes a window accept files, wherever in it they are dropped."""

    dropped = Signal(list)
    """Paths of the files."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept drags that carry files."""
        if isinstance(event, QDropEvent):
            paths = _paths(event)
            if paths:
                event.acceptProposedAction()
                if not isinstance(event, (QDragEnterEvent, QDragMoveEvent)):
                    self.dropped.emit(paths)
                return True
        return super().eventFilter(watched, event)


def _paths(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
