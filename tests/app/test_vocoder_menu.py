"""The vocoder is chosen in the Model menu, kept for the next start, and left alone when the new one fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.main_window import MainWindow
from app.settings import load_settings
from app.voice import VOCODERS
from lewm_core.vocoder import available_vocoders
from tests.app.conftest import PATIENCE


@pytest.fixture
def window(studio, qtbot) -> MainWindow:
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.show()
    return window


def is_settled(studio) -> bool:
    return studio.voice.loading is None and studio.voice.is_ready


def test_every_vocoder_with_a_name_is_in_the_menu(window):
    assert set(available_vocoders()) == set(VOCODERS) - {""}
    assert {f"vocoder_{name or 'own'}" for name in VOCODERS} <= set(window.registry.ids())
    assert window.registry.action("vocoder_own").isChecked()


def test_a_vocoder_is_loaded_and_remembered(window, qtbot, places):
    studio = window.studio
    with qtbot.waitSignal(studio.voice.loaded, timeout=PATIENCE):
        window.registry.action("vocoder_griffin-lim").trigger()
    qtbot.waitUntil(lambda: is_settled(studio), timeout=PATIENCE)
    assert studio.voice.voice.vocoder == "griffin-lim"
    qtbot.waitUntil(window.registry.action("vocoder_griffin-lim").isChecked, timeout=PATIENCE)
    studio.save()
    assert load_settings(places)[0].vocoder == "griffin-lim"
    qtbot.waitUntil(lambda: not studio.comparison.is_busy, timeout=PATIENCE)


def test_a_folder_that_holds_none_is_told_and_the_present_one_stays(window, qtbot, monkeypatch):
    studio = window.studio
    monkeypatch.setattr(window.files.dialogs, "open_folder", lambda _title: Path("/missing"))
    with qtbot.waitSignal(studio.notice, timeout=PATIENCE) as told:
        window.registry.action("vocoder_folder").trigger()
    assert told.args == ["There is no vocoder /missing. The vocoder fake vocoder stays in use.", "error"]
    assert studio.voice.refusal is None
    assert studio.voice.vocoder == ""
    qtbot.waitUntil(window.registry.action("vocoder_own").isChecked, timeout=PATIENCE)
    qtbot.waitUntil(lambda: is_settled(studio), timeout=PATIENCE)


def test_no_folder_chosen_changes_nothing(window, qtbot, monkeypatch):
    monkeypatch.setattr(window.files.dialogs, "open_folder", lambda _title: None)
    window.registry.action("vocoder_folder").trigger()
    qtbot.waitUntil(window.registry.action("vocoder_own").isChecked, timeout=PATIENCE)
    assert window.studio.voice.loading is None
