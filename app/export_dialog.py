"""What to export, and in which format."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.export import SUBTYPE_TITLES
from app.exporting import ExportChoice


class ExportDialog(QDialog):
    """Offers (key, title) pairs; `choice()` tells what was chosen. The place is asked for afterwards."""

    def __init__(
        self, offers: list[tuple[str, str]], subtype: str, chosen: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setMinimumWidth(400)
        self._what = QComboBox(self)
        for key, title in offers:
            self._what.addItem(title, key)
        self._what.setCurrentIndex(max(0, self._what.findData(chosen)))
        self._format = QComboBox(self)
        for key, title in SUBTYPE_TITLES.items():
            self._format.addItem(f"WAV, {title}", key)
        self._format.setCurrentIndex(max(0, self._format.findData(subtype)))
        self._mels = QCheckBox("Mel spectrogram as .npy too", self)
        self._note = QLabel(self)
        self._note.setWordWrap(True)
        self._note.setProperty("role", "small")
        buttons = QDialogButtonBox(self)
        accept = buttons.addButton("Choose where…", QDialogButtonBox.ButtonRole.AcceptRole)
        accept.setProperty("role", "primary")
        accept.setDefault(True)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.setSpacing(12)
        form.addRow("&What", self._what)
        form.addRow("&Format", self._format)
        form.addRow("", self._mels)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(self._note)
        layout.addWidget(buttons)
        self._what.currentIndexChanged.connect(self._refresh)
        self._refresh()

    def choice(self) -> ExportChoice:
        """What was chosen."""
        return ExportChoice((self._what.currentData(),), self._format.currentData(), self._mels.isChecked())

    def _refresh(self) -> None:
        is_figure = self._what.currentData() == "figure"
        self._format.setEnabled(not is_figure)
        self._mels.setEnabled(not is_figure)
        self._note.setText(
            "The four mels with their scales, as PNG or SVG."
            if is_figure
            else "The recipe (text, speaker, seed, checkpoint) is written beside each sound as JSON."
        )
