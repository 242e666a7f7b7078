"""What the tests of the linked mels share."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.widgets.linked_mels import (
    DURATION,
    FRAME_RATE,
    KEYS,
    SPECS,
    mel,
)
from widgets.mel_comparison import MelComparison


@pytest.fixture
def view(qtbot: QtBot) -> MelComparison:
    """Four mels of four seconds that get what they ask for, as from the app's timeline."""
    widget = MelComparison()
    widget.set_panes(SPECS)
    for index, key in enumerate(KEYS):
        widget.set_mel(key, mel(-20.0 - 10.0 * index), FRAME_RATE, f"L1 0.{index}")
    widget.set_duration(DURATION)
    widget.set_time_range(0.0, DURATION)
    widget.set_levels(-60.0, 20.0)
    widget.time_range_requested.connect(widget.set_time_range)
    widget.selection_requested.connect(widget.set_selection)
    widget.seek_requested.connect(widget.set_playhead)
    widget.levels_requested.connect(widget.set_levels)
    widget.colour_map_requested.connect(widget.set_colour_map)
    widget.resize(900, 640)
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    QApplication.processEvents()
    return widget
