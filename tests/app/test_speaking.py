"""Speech is heard and seen while it is made: with a fake voice, and a sound card that the test turns by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from app.player import Player, Sound
from app.studio import Studio
from lewm_core.playback import GrowingSound
from tests.app.conftest import PATIENCE
from tests.app.fakes import HOP, RATE
from tests.app.test_player import FakeSoundDevice

FADE = 200


@pytest.fixture
def library() -> FakeSoundDevice:
    return FakeSoundDevice()


@pytest.fixture
def loud_studio(make_studio: Callable[[], Studio], library, qtbot) -> Studio:
    """A started studio that plays through the card of the test."""
    studio = make_studio()
    studio.player._output._load = lambda: library
    studio.player.is_silent = False
    with qtbot.waitSignal(studio.voice.loaded, timeout=PATIENCE):
        studio.start()
    return studio


def heard(stream) -> np.ndarray:
    return np.concatenate(stream.heard) if stream.heard else np.zeros(0, np.float32)


def spoken_sound(studio: Studio) -> np.ndarray:
    take = studio.session.takes[0]
    return studio.store.load(take)[1]


def card(qtbot, library):
    qtbot.waitUntil(lambda: bool(library.streams) and library.streams[-1].active, timeout=PATIENCE)
    return library.streams[-1]


def wait_while_it_turns(qtbot, stream, condition):
    """Wait, with a card that asks for sound meanwhile (one that does not counts as pulled out after 2 s)."""
    qtbot.waitUntil(lambda: stream.turn(24) or condition(), timeout=PATIENCE)


def test_speech_is_heard_and_seen_before_it_is_made(loud_studio, library, qtbot):
    studio = loud_studio
    studio.session.text = "!slow"
    sizes = []
    studio.panes.pane_changed.connect(
        lambda key: sizes.append(studio.panes.content(key).mel_db.shape[1]) if key == "autoregressive" else None
    )
    studio.speaking.speak()
    stream = card(qtbot, library)
    wait_while_it_turns(qtbot, stream, lambda: len(sizes) >= 4)
    stream.turn(2_400)
    assert studio.speaking.is_busy
    assert studio.player.is_playing
    assert np.abs(heard(stream)[FADE:]).max() > 0.1
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert not studio.exporting.sources(), "half a speech was offered for export"
    studio.speaking.cancel()
    assert not studio.player.is_playing, "it went on after the cancel"
    wait_while_it_turns(qtbot, stream, lambda: bool(studio.session.takes))
    take = studio.session.takes[0]
    assert take.stop_reason == "cancelled"
    assert 0 < take.seconds < 200 * 40 * HOP / RATE
    assert not studio.player.is_playing


def test_what_is_heard_is_the_take_to_the_last_sample(loud_studio, library, qtbot):
    """The card takes over from the growing sound to the finished take without a seam."""
    studio = loud_studio
    studio.speaking.speak()
    stream = card(qtbot, library)
    while len(heard(stream)) < 70_000:
        stream.turn(480)
        qtbot.wait(1)
    wave = spoken_sound(studio)
    sound = heard(stream)
    first = int(np.argmax(np.abs(sound) > 1e-6))
    start = max(0, first - 40)
    matches = [
        offset for offset in range(start, first + 40)
        if np.allclose(sound[offset + FADE : offset + len(wave)], wave[FADE:], atol=1e-5)
    ]  # fmt: skip
    assert matches, "what was heard is not the take"
    assert studio.player.missed_seconds == 0
    qtbot.waitUntil(lambda: not studio.player.is_playing, timeout=PATIENCE)
    assert studio.player.first_heard is not None


def test_a_card_of_another_rate_plays_growing_speech(qtbot, library):
    library.rates = (48_000,)
    player = Player(load=lambda: library)
    wave = (0.5 * np.sin(np.arange(RATE) / 10)).astype(np.float32)
    sound = GrowingSound(RATE)
    sound.head_start.note(spent=0.1, predicted=1.0, fraction=0.9, chunk=0.5)
    sound.put(wave[: RATE // 2])
    player.set_sounds({"autoregressive": Sound(sound, RATE)})
    player.set_source("autoregressive")
    player.play(0.0)
    stream = card(qtbot, library)
    qtbot.waitUntil(lambda: player._is_open, timeout=PATIENCE)
    sound.put(wave[RATE // 2 :])
    sound.close()
    stream.turn(48_000)
    player.set_sounds({"autoregressive": Sound(wave.copy(), RATE)})
    import soxr

    expected = soxr.resample(wave, RATE, 48_000)
    np.testing.assert_allclose(heard(stream)[400:40_000], expected[400:40_000], atol=1e-3)
    player.shutdown()


def test_the_speed_goes_into_the_take_and_comes_back(make_studio, studio, qtbot):
    studio.session.speed = 1.5
    studio.speaking.speak()
    qtbot.waitUntil(lambda: bool(studio.session.takes), timeout=PATIENCE)
    assert studio.session.takes[0].speed == 1.5
    studio.save()
    assert make_studio().session.speed == 1.5
