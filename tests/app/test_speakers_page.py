"""Speakers and blends in the studio: the page, the compose panel, the session and the takes say the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.main_window import MainWindow
from app.session_store import restore_session
from app.speaker_choice import is_offered, notation, speaker_label, weights_by_index
from app.studio import Studio
from tests.app.conftest import PATIENCE
from tests.app.fakes import SPEAKERS

NAMES = tuple(name for name, _ in SPEAKERS)
BLEND = "heart:0.6+george:0.4"


def test_notation_and_weights() -> None:
    assert weights_by_index(BLEND, NAMES) == {0: 0.6, 1: 0.4}
    assert notation({0: 3.0, 1: 2.0}, NAMES) == BLEND
    assert weights_by_index("heart+nobody", NAMES) == {}
    assert speaker_label(BLEND) == "heart 60 % + george 40 %"
    assert speaker_label("heart") == "heart"
    assert speaker_label("heart:x") == "heart:x"
    assert is_offered("alpha", NAMES)
    assert not is_offered("", NAMES)


@pytest.fixture
def window(studio: Studio, qtbot) -> MainWindow:  # type: ignore[no-untyped-def]
    window = MainWindow(studio)
    qtbot.addWidget(window)
    qtbot.waitUntil(lambda: bool(window.speakers.weights()), timeout=PATIENCE)
    return window


def test_map_compose_panel_and_session_agree(window: MainWindow, qtbot) -> None:  # type: ignore[no-untyped-def]
    session = window.studio.session
    assert window.speakers.weights() == {0: 1.0}
    window.speakers.map.choose(1)
    assert session.speaker == "george"
    assert window.compose.speaker() == "george"
    window.speakers.map.weights_changed.emit({0: 0.6, 1: 0.4})
    assert session.speaker == BLEND
    assert window.compose.speaker() == BLEND
    window.compose.changed.emit()  # typing a letter leaves the blend as it is
    assert session.speaker == BLEND
    session.speaker = "alpha"
    assert window.speakers.weights() == {2: 1.0}
    assert window.compose.speaker() == "alpha"


def test_a_take_keeps_its_blend_and_so_does_the_next_start(
    window: MainWindow, make_studio: Callable[[], Studio], qtbot  # type: ignore[no-untyped-def]
) -> None:
    studio = window.studio
    studio.session.speaker = BLEND
    with qtbot.waitSignal(studio.speaking.spoken, timeout=PATIENCE):
        studio.speaking.speak()
    take = studio.session.takes[0]
    assert take.speaker == take.recipe["speaker"] == BLEND
    studio.save()
    assert restore_session(studio.places)[0].speaker == BLEND
    again = make_studio()
    with qtbot.waitSignal(again.voice.loaded, timeout=PATIENCE):
        again.start()
    assert again.session.speaker == BLEND


def test_a_blend_of_speakers_that_the_voice_lacks_gives_way(make_studio: Callable[[], Studio], qtbot) -> None:  # type: ignore[no-untyped-def]
    studio = make_studio()
    studio.session.speaker = "heart:0.5+nobody:0.5"
    with qtbot.waitSignal(studio.voice.loaded, timeout=PATIENCE):
        studio.start()
    assert studio.session.speaker == "heart"
