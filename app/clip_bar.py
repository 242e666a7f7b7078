"""The row above the mels: which clip is compared, what is said in it, and by whom."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSizePolicy, QToolButton, QWidget

from app.session import Clip
from widgets.speaker_picker import SpeakerPicker
from widgets.theme import current_theme

NO_CLIP = "Open clip"


class ClipBar(QWidget):
    """Shows the clip and its transcript, which can be edited; asks by signal, decides nothing."""

    transcript_entered = Signal(str)
    speaker_chosen = Signal(str)

    def __init__(self, clip_menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clip = QToolButton(self)
        self._clip.setMenu(clip_menu)
        self._clip.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._clip.setText(NO_CLIP)
        self._clip.setProperty("role", "flat")
        self._clip.setMaximumWidth(260)
        self._clip.setAccessibleName("Clip to compare with")
        self._transcript = QLineEdit(self)
        self._transcript.setAccessibleName("What is said in the clip")
        self._transcript.setPlaceholderText("Type what is said in the clip and press Enter to compare")
        self._transcript.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._transcript.setMinimumWidth(120)
        self._speaker = SpeakerPicker(self)
        self._speaker.setAccessibleName("Speaker of the comparison")
        self._speaker.setToolTip("Speaker that says the text of the clip in the comparison")
        self._speaker.setMaximumWidth(190)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(8)
        for widget in (self._clip, self._transcript, self._speaker):
            layout.addWidget(widget)
        layout.setStretch(1, 1)
        self._transcript.returnPressed.connect(self._enter)
        self._transcript.editingFinished.connect(self._enter)
        self._speaker.speaker_chosen.connect(self.speaker_chosen)
        self.set_clip(None, "")

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground of the mels below, so that both look like one panel."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_theme().surface))
        painter.end()

    def set_speakers(self, speakers: list[tuple[str, str]]) -> None:
        """Offer (name, language) pairs."""
        self._speaker.set_speakers(speakers)

    def set_clip(self, clip: Clip | None, speaker: str) -> None:
        """Show a clip and the speaker it is compared with; None shows that there is none."""
        name = clip.name if clip else NO_CLIP
        self._clip.setText(_shortened(name))
        self._clip.setToolTip(clip.path if clip else "Choose a recording to compare with")
        self._transcript.setEnabled(clip is not None)
        self._speaker.setEnabled(clip is not None)
        wanted = clip.text if clip else ""
        if self._transcript.text().strip() != wanted:
            self._transcript.setText(wanted)
            self._transcript.setCursorPosition(0)
        self._speaker.set_speaker(speaker)

    def set_blend(self, notation: str, label: str, language: str) -> None:
        """Show a blend of speakers in the place of the speaker."""
        self._speaker.set_blend(notation, label, language)

    def focus_transcript(self) -> None:
        """Put the keyboard into the transcript."""
        self._transcript.setFocus()

    def _enter(self) -> None:
        self.transcript_entered.emit(self._transcript.text())


def _shortened(name: str, length: int = 34) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"
