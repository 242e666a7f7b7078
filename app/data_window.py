"""The window of a data folder: beside the studio's own, never in front of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.dialogs import MANIFEST_FILTER, FileDialogs
from app.row_listening import RowListening
from app.session import Clip
from app.studio import Studio
from widgets.data_browser import DataBrowser

ERROR_DEFINITION = (
    "Mean absolute difference between the utterance's mel and what encoder and decoder of the loaded voice make of it, "
    "in nats (× 8.686: dB). Measured in the background for the rows shown, and kept for this checkpoint.\n"
    "docs/analysis.md, mel_error"
)


class DataWindow(QWidget):
    """Shows `studio.data`; a row that is opened becomes the ground truth of the studio."""

    def __init__(self, studio: Studio, dialogs: FileDialogs, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._studio, self._dialogs = studio, dialogs
        self.setWindowTitle("Data — LeWM Studio")
        self.resize(920, 620)
        self.browser = DataBrowser(ERROR_DEFINITION, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.browser)
        data = studio.data
        self.browser.open_requested.connect(self.ask)
        self.browser.example_requested.connect(studio.examples.make_data)
        self.browser.row_opened.connect(lambda row: studio.open_clip(data.clip(row)))
        self.listening = RowListening(studio, self)
        self.browser.play_requested.connect(self.listening.play)
        self.listening.playing_changed.connect(self.browser.set_playing)
        studio.session.events.clip.connect(self._on_clip)
        self.browser.measure_requested.connect(self._measure)
        self.browser.cancel_requested.connect(data.cancel)
        data.opened.connect(self._on_opened)
        data.measured.connect(self._on_measured)
        studio.voice.changed.connect(self._on_voice)
        QShortcut(QKeySequence.StandardKey.Close, self, self.close)
        QShortcut(QKeySequence.StandardKey.Find, self, self._find)
        QShortcut(QKeySequence("Ctrl+Shift+D"), self, self.ask)
        self._shown_errors: np.ndarray | None = None
        if data.manifest is not None:
            self._on_opened()
        self._on_voice()

    def bring_up(self) -> None:
        """Show the window; with the folder of last time, where there was one."""
        settings, data = self._studio.settings, self._studio.data
        if data.manifest is None and settings.data_manifest and Path(settings.data_manifest).is_file():
            data.open(Path(settings.data_manifest))
        self.show()
        self.raise_()
        self.activateWindow()

    def _find(self) -> None:
        self.browser.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.browser.search.selectAll()

    def _on_clip(self, clip: Clip | None) -> None:
        self.browser.set_truth(self._studio.data.row_of(clip))

    def ask(self) -> None:
        """Ask for a manifest and open it."""
        path = self._dialogs.open_file("Open data", MANIFEST_FILTER)
        if path is not None:
            self._studio.data.open(path)

    def _measure(self) -> None:
        self._studio.data.measure(self.browser.table.data_model.found().tolist())

    def _on_opened(self) -> None:
        data = self._studio.data
        assert data.manifest is not None
        self._studio.set_setting("data_manifest", str(data.manifest))
        self.browser.set_rows(f"{data.manifest.parent.name}/{data.manifest.name}", data.rows)
        self.browser.search.setFocus()
        self._on_clip(self._studio.session.clip)
        self._shown_errors = None
        self._on_measured()

    def _on_measured(self) -> None:
        data = self._studio.data
        if self._shown_errors is None or not np.array_equal(self._shown_errors, data.errors, equal_nan=True):
            self._shown_errors = data.errors.copy()
            if len(data.errors) == len(data.rows) and data.manifest is not None:
                self.browser.set_errors(data.errors)
        known = int(np.isfinite(data.errors).sum())
        status = f"{known:,} of {len(data.errors):,} measured" if known or data.is_measuring else ""
        self.browser.set_measuring(data.fraction if data.is_measuring else None, status)

    def _on_voice(self) -> None:
        self.browser.set_can_measure(self._studio.voice.is_ready)
