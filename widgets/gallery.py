"""All panels in one window, with made-up contents, to look at them: `python -m widgets.gallery`.

With `--screenshot FILE.png` the window is drawn into a picture and nothing stays open. Without a display set
QT_QPA_PLATFORM=offscreen; QT_SCALE_FACTOR=2 shows it at 200 %.
"""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from widgets.checkpoint_panel import CheckpointPanel
from widgets.compose_panel import ComposePanel
from widgets.icons import application_icon
from widgets.notice_bar import NoticeBar
from widgets.shortcut_sheet import ShortcutGroups, ShortcutSheet
from widgets.take_list import TakeList, TakeRow
from widgets.theme import THEMES, apply_theme
from widgets.transport_bar import TransportBar

SPEAKERS = [
    *((name, "en-US") for name in ("heart", "bella", "sarah", "kore", "michael", "fenrir", "puck")),
    *((name, "en-GB") for name in ("emma", "george", "fable")),
    *((name, "hi") for name in ("alpha", "beta", "omega", "psi")),
]
SOURCES = [
    ("original", "Original", "1"),
    ("ground_truth", "Vocoded", "2"),
    ("reconstruction", "Reconstruction", "3"),
    ("teacher_forced", "Teacher-forced", "4"),
    ("autoregressive", "Autoregressive", "5"),
]
ROWS = [
    ("Architecture", "LeWM-TTS, preset v3c"),
    ("Parameters", "21,103,717"),
    ("Downsample factor", "2"),
    ("Latents", "64 dimensions, 4 per step"),
    ("Speakers", "14 (English, Hindi)"),
    ("Training step", "48,000"),
    ("Losses", "recon 0.221 · pred 0.412 · kl 1.93"),
    ("Mel", "100 bands, 24,000 Hz, hop 256"),
    ("Vocoder", "embedded Vocos"),
    ("File size", "42.4 MB"),
    ("File", "/home/someone/checkpoints/english-hindi/2026-01/studio.safetensors"),
    ("SHA-256", "9f3a61c07be24d18"),
]
SHORTCUTS: ShortcutGroups = [
    ("File", [("Open checkpoint", "Ctrl+O"), ("Open clip", "Ctrl+Shift+O"), ("Export", "Ctrl+E")]),
    ("Speak", [("Speak", "Ctrl+Return"), ("Cancel", "Esc"), ("New random seed", "Ctrl+R")]),
    ("Play", [("Play or pause", "Space"), ("Stop", "Home"), ("Repeat", "L"), ("Next source", "Tab")]),
    ("View", [("Zoom in", "Ctrl++"), ("Zoom out", "Ctrl+-"), ("Fit", "Ctrl+0"), ("Zoom to selection", "Z")]),
    ("Listen", [(label, key) for _, label, key in SOURCES]),
    ("Takes", [("Rename", "F2"), ("Delete", "Del"), ("Export take", "Ctrl+Shift+E")]),
    ("Help", [("Shortcuts", "F1"), ("Switch theme", "Ctrl+T")]),
]


def takes(now: datetime) -> list[TakeRow]:
    """Takes of the last two days, one of them in Hindi."""
    minute = timedelta(minutes=1)
    return [
        TakeRow("5", "The wind carried the smell of rain across the valley.", "heart", 42, 3.1, now),
        TakeRow("4", "आज मौसम बहुत सुहावना है।", "omega", 1_204_118, 2.4, now - 4 * minute),
        TakeRow("3", "Yes.", "emma", 7, 0.6, now - 26 * minute),
        TakeRow("2", "Warmer, at temperature 0.9", "fenrir", 2_147_483_647, 12.8, now - 190 * minute),
        TakeRow("1", "First try of the new voice", "george", 0, 75.0, now - 1600 * minute),
    ]


def card(*widgets: QWidget) -> QFrame:
    """Panels on one surface, from top to bottom."""
    frame = QFrame()
    frame.setProperty("role", "card")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(1, 1, 1, 1)
    for widget in widgets:
        layout.addWidget(widget)
    return frame


class Gallery(QWidget):
    """The panels side by side: ready, busy and empty, and every state of a checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("LeWM Studio widgets")
        columns = QHBoxLayout()
        columns.setSpacing(12)
        columns.addWidget(card(self._compose(), self._takes()), 1)
        columns.addWidget(card(self._compose_busy(), TakeList()), 1)
        columns.addLayout(self._checkpoints("loaded", "loading"), 1)
        columns.addLayout(self._checkpoints("candidate", "refused"), 1)
        self.notices = NoticeBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        layout.addWidget(self.notices)
        layout.addLayout(columns, 1)
        layout.addWidget(card(self._transport()))
        self.notices.show_notice(
            "No sound device was found, so nothing can be heard; everything else works.",
            "warning",
            "Look again",
        )
        self.notices.show_notice("Exported 4 files.")

    def _compose(self) -> ComposePanel:
        panel = ComposePanel()
        panel.set_speakers(SPEAKERS)
        panel.set_speaker("emma")
        panel.set_text("The wind carried the smell of rain across the valley. आज मौसम बहुत सुहावना है।")
        panel.set_seed(42)
        panel.set_temperature(0.7)
        panel.set_ready(True)
        panel.reroll_requested.connect(lambda: panel.set_seed((panel.seed() * 48271 + 11) % (2**31 - 1)))
        return panel

    def _compose_busy(self) -> ComposePanel:
        panel = ComposePanel()
        panel.set_ready(False, "No voice is loaded. Open a checkpoint, or drop one here.")
        return panel

    def _takes(self) -> TakeList:
        panel = TakeList()
        panel.set_takes(takes(datetime.now().astimezone()))
        panel.set_current("5")
        return panel

    def _checkpoints(self, first: str, second: str) -> QVBoxLayout:
        messages = {
            "refused": "The file ends in the middle of the tensor decoder.stages.0.weight. Copy it again.",
            "candidate": "The voice that is loaded stays until you load this one.",
        }
        layout = QVBoxLayout()
        layout.setSpacing(12)
        for state in (first, second):
            panel = CheckpointPanel()
            rows = ROWS if state in ("loaded", "candidate") else ROWS[-3:]
            panel.set_info("studio.safetensors", rows, state, messages.get(state, ""))
            layout.addWidget(card(panel), 2 if rows is ROWS else 1)
        return layout

    def _transport(self) -> TransportBar:
        bar = TransportBar()
        bar.set_sources(SOURCES)
        bar.set_source("autoregressive")
        bar.set_position(1.234, 4.512)
        bar.set_readout(1.234, 812, -31)
        bar.set_loop(True)
        bar.set_volume(0.8)
        bar.set_devices(["Built-in Audio Analog Stereo", "HDMI"], "Built-in Audio Analog Stereo")
        bar.set_job("Speaking: frame 212 of about 300", 0.7)
        return bar


def main() -> int:
    """Show the gallery, or draw it into a picture; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theme", choices=sorted(THEMES), default="dark")
    parser.add_argument("--screenshot", type=Path, metavar="FILE.png")
    parser.add_argument("--sheet", action="store_true", help="show the shortcut sheet instead")
    parser.add_argument("--size", default="1280x860", help="width x height")
    options = parser.parse_args()
    app = QApplication(sys.argv[:1])
    apply_theme(app, THEMES[options.theme])
    app.setWindowIcon(application_icon())
    window: QWidget = ShortcutSheet(SHORTCUTS) if options.sheet else Gallery()
    if not options.sheet:
        window.resize(*(int(part) for part in options.size.split("x")))
    window.show()
    if options.screenshot:
        QTimer.singleShot(300, lambda: app.exit(0 if window.grab().save(str(options.screenshot)) else 1))
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
