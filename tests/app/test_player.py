"""The player against a device that the test turns by hand (a stand-in for the sounddevice module)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from app.audio_output import Clockwork
from app.player import Player, Sound
from tests.app.conftest import PATIENCE

RATE = 24_000


class FakePortAudioError(Exception):
    pass


class FakeStream:
    def __init__(self, library, samplerate, device, callback, **_more):
        if library.refuses_all or samplerate not in library.rates:
            raise FakePortAudioError("Invalid sample rate")
        self.library, self.callback, self.samplerate = library, callback, samplerate
        self.active, self.latency, self.heard = False, 0.05, []
        library.streams.append(self)

    def start(self):
        self.active = True

    def close(self, ignore_errors=True):
        self.active = False

    abort = close

    def turn(self, frames, delay=0.0):
        """Let the device ask for `frames` samples."""
        out = np.zeros((frames, 1), dtype=np.float32)
        timing = SimpleNamespace(outputBufferDacTime=10.0 + delay, currentTime=10.0)
        self.callback(out, frames, timing, None)
        self.heard.append(out[:, 0].copy())


class FakeSoundDevice:
    """Two devices, one host API; `rates` are what they accept."""

    PortAudioError = FakePortAudioError
    default = SimpleNamespace(hostapi=0)

    def __init__(self, names=("Speakers", "Headphones"), rates=(RATE,)):
        self.names, self.rates, self.streams = list(names), rates, []
        self.refuses_all = False

    def query_devices(self, index=None, kind=None):
        devices = [
            {"name": name, "max_output_channels": 2, "default_samplerate": float(self.rates[0])} for name in self.names
        ]
        return devices[index or 0] if kind else devices

    def query_hostapis(self, _index):
        return {"devices": list(range(len(self.names)))}

    def OutputStream(self, **arguments):
        return FakeStream(self, **arguments)

    def _terminate(self):
        pass

    def _initialize(self):
        pass


@pytest.fixture
def players(qtbot) -> Iterator[list[Player]]:
    made: list[Player] = []
    yield made
    for player in made:
        player.shutdown()


def player_of(players, library, seconds=2.0) -> Player:
    def load():
        if isinstance(library, Exception):
            raise library
        return library

    player = Player(load=load)
    players.append(player)
    ramp = np.linspace(0, 0.9, round(seconds * RATE), dtype=np.float32)
    player.set_sounds({"original": Sound(ramp, RATE), "autoregressive": Sound(-ramp, RATE)})
    player.set_source("original")
    return player


def opened(qtbot, player, library):
    qtbot.waitUntil(lambda: bool(library.streams) and library.streams[-1].active, timeout=PATIENCE)
    qtbot.waitUntil(lambda: player._is_open, timeout=PATIENCE)
    return library.streams[-1]


def test_plays_what_is_asked_for_from_the_position(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library)
    player.play(0.5)
    stream = opened(qtbot, player, library)
    stream.turn(2_400)
    expected = np.linspace(0, 0.9, 2 * RATE, dtype=np.float32)[12_000:14_400]
    np.testing.assert_allclose(stream.heard[0][200:], expected[200:], atol=1e-6)


def test_the_position_is_what_is_heard_not_what_was_rendered(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library)
    player.play(0.5)
    stream = opened(qtbot, player, library)
    stream.turn(2_400, delay=1.5)
    assert player.position == 0.5  # 0.1 s was rendered, but nothing of it is heard for 1.5 s
    time.sleep(1.55)
    assert 0.5 < player.position <= 0.6


def test_switching_keeps_the_position(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library)
    player.play(0.0)
    stream = opened(qtbot, player, library)
    stream.turn(4_800)
    player.set_source("autoregressive")
    stream.turn(2_400)
    expected = -np.linspace(0, 0.9, 2 * RATE, dtype=np.float32)[4_800:7_200]
    np.testing.assert_allclose(stream.heard[1][200:], expected[200:], atol=1e-6)
    assert player.is_playing


def test_switching_along_a_map_of_times_goes_on_where_it_leads(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library)
    player.play(0.0)
    stream = opened(qtbot, player, library)
    stream.turn(4_800)
    player.set_source("autoregressive", lambda seconds: 2.0 * seconds + 0.5)
    stream.turn(2_400)
    start = 2 * 4_800 + RATE // 2
    expected = -np.linspace(0, 0.9, 2 * RATE, dtype=np.float32)[start : start + 2_400]
    np.testing.assert_allclose(stream.heard[1][200:], expected[200:], atol=1e-6)
    assert player.is_playing
    player.pause()
    before = player.position
    player.set_source("original", lambda seconds: seconds - 0.1)
    assert player.position == pytest.approx(before - 0.1)


def test_ends_by_itself_and_says_so(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library, seconds=0.2)
    player.play()
    stream = opened(qtbot, player, library)
    with qtbot.waitSignal(player.playing_changed, timeout=PATIENCE) as told:
        for _ in range(4):
            stream.turn(2_400)
    assert told.args == [False]
    assert player.position == 0.0


def test_a_loop_region_edit_is_heard_at_once(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library)
    player.set_region((0.5, 1.0))
    player.set_loop(True)
    player.play()
    stream = opened(qtbot, player, library)
    stream.turn(2_400)
    assert stream.heard[0][2_399] == pytest.approx(0.9 * 14_399 / 47_999, abs=1e-4)
    player.set_region((0.5, 0.65))
    for _ in range(5):
        stream.turn(2_400)
    assert np.concatenate(stream.heard).max() < 0.9 * (0.65 + 0.01) / 2


def test_a_device_that_refuses_the_rate_gets_its_own(players, qtbot):
    library = FakeSoundDevice(rates=(48_000,))
    player = player_of(players, library)
    player.play(0.5)
    stream = opened(qtbot, player, library)
    assert stream.samplerate == 48_000
    stream.turn(4_800)
    assert stream.heard[0][4_700] == pytest.approx(0.9 * (0.5 + 4_700 / 48_000) / 2, abs=2e-3)


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (OSError("PortAudio library not found"), "libportaudio2"),
        (FakeSoundDevice(names=()), "no output device"),
        (FakeSoundDevice(rates=(8_000,)), None),
    ],
)
def test_no_sound_is_said_once_and_the_studio_goes_on(players, qtbot, library, words):
    player = player_of(players, library)
    if words is None:
        library.refuses_all = True
        words = "cannot be opened"
    told = []
    player.trouble.connect(told.append)
    for _ in range(2):
        player.play()
        qtbot.waitUntil(lambda: not player.is_playing, timeout=PATIENCE)
    qtbot.wait(50)
    assert len(told) == 1
    assert words in told[0]


def test_a_device_pulled_out_stops_and_can_be_played_again(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library)
    player.play(0.5)
    stream = opened(qtbot, player, library)
    stream.turn(2_400)
    with qtbot.waitSignal(player.trouble, timeout=PATIENCE) as told:
        stream.active = False
    assert "gone" in told.args[0]
    assert not player.is_playing
    player.play()
    qtbot.waitUntil(lambda: len(library.streams) == 2, timeout=PATIENCE)
    opened(qtbot, player, library)
    assert player.is_playing


def test_devices_are_offered_by_name(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library)
    with qtbot.waitSignal(player.devices_changed, timeout=PATIENCE) as told:
        player.refresh_devices()
    assert told.args == [["Speakers", "Headphones"], ""]


def test_nothing_to_hear_does_nothing(players, qtbot):
    library = FakeSoundDevice()
    player = player_of(players, library)
    player.set_sounds({})
    player.play()
    assert not player.is_playing
    player.set_source("reconstruction")
    player.toggle()
    assert not player.is_playing


def test_the_clock_knows_what_left_the_loudspeaker():
    clock = Clockwork()
    assert clock.heard(5.0, RATE) is None
    clock.note(called_at=1.0, delay=0.1, position=0, frames=2_400)
    clock.note(called_at=1.1, delay=0.1, position=9_600, frames=2_400)  # a seek in between
    assert clock.heard(1.05, RATE) is None
    assert clock.heard(1.15, RATE) == pytest.approx(1_200, abs=1)
    assert clock.heard(1.25, RATE) == pytest.approx(9_600 + 1_200, abs=1)
    assert clock.heard(9.0, RATE) == 9_600 + 2_400
