"""Playing while speaking: the buffer between two threads, a card that is slow or missing, `lewm say --play`."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.cli import main
from lewm_core.playback import Loudspeaker, PlaybackError, SoundBuffer
from tests.lewm_core.test_vocoder import write_vocos
from tests.lewm_core.tiny import tiny_checkpoint


class Card:
    """Stands for sounddevice: a thread of its own that asks for blocks, as fast as it is told."""

    class PortAudioError(Exception):
        """As sounddevice's."""

    def __init__(self, pause: float = 0.0005, fails: bool = False, dies_after: int | None = None) -> None:
        self.pause, self.fails, self.dies_after = pause, fails, dies_after
        self.heard: list[np.ndarray] = []

    def OutputStream(self, *, samplerate: int, channels: int, callback: object, **_: object) -> Card:
        if self.fails:
            raise self.PortAudioError("Error querying device -1")
        self.samplerate, self.callback = samplerate, callback
        self.active = False
        return self

    def start(self) -> None:
        self.active = True
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        times = SimpleNamespace(currentTime=5.0, outputBufferDacTime=5.1)
        while self.active:
            block = np.full((512, 1), 9.0, np.float32)
            self.callback(block, 512, times, None)
            self.heard.append(block[:, 0])
            if self.dies_after is not None and len(self.heard) >= self.dies_after:
                self.active = False
            time.sleep(self.pause)

    def stop(self) -> None:
        self.active = False
        self.thread.join()

    abort = stop

    def close(self) -> None:
        assert not self.active

    def samples(self) -> np.ndarray:
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.float32)


@given(st.lists(st.integers(0, 700), max_size=12), st.lists(st.integers(1, 600), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_the_buffer_gives_back_what_was_put_and_then_silence(chunks: list[int], reads: list[int]) -> None:
    wave = np.arange(1, sum(chunks) + 1, dtype=np.float32)
    buffer = SoundBuffer()
    for part in np.split(wave, np.cumsum(chunks)[:-1]) if chunks else []:
        buffer.put(part)
    buffer.close()
    got = []
    for length in reads:
        out = np.full(length, 9.0, np.float32)
        buffer.read(out)
        got.append(out)
    heard = np.concatenate(got)
    expected = np.zeros(len(heard), np.float32)
    common = min(len(heard), len(wave))
    expected[:common] = wave[:common]
    np.testing.assert_array_equal(heard, expected)
    assert buffer.missed == 0
    assert buffer.drained.is_set() == (len(heard) >= len(wave))


def test_silence_in_the_midst_is_counted_and_at_the_ends_is_not() -> None:
    buffer = SoundBuffer()
    out = np.zeros(100, np.float32)
    buffer.read(out)
    assert buffer.first_read is None
    buffer.put(np.ones(50, np.float32))
    buffer.read(out)
    assert buffer.first_read is not None
    buffer.read(out)
    assert buffer.missed == 0  # it may have been the end
    buffer.put(np.ones(100, np.float32))
    buffer.read(out)
    assert buffer.missed == 150
    buffer.close()
    buffer.read(out)
    assert buffer.drained.is_set()
    assert buffer.missed == 150


def test_what_is_played_from_another_thread_is_heard_whole_and_in_order() -> None:
    card = Card()
    wave = np.random.default_rng(0).uniform(0.1, 1.0, 60_000).astype(np.float32)
    loudspeaker = Loudspeaker(24_000, library=card)
    for part in np.array_split(wave, 37):
        loudspeaker.play(part)
        time.sleep(0.001)
    assert loudspeaker.finish(timeout=60)
    loudspeaker.close()
    heard = card.samples()
    np.testing.assert_array_equal(heard[heard != 0], wave)
    assert loudspeaker.first_heard is not None
    assert loudspeaker.first_heard - loudspeaker.buffer.first_read == pytest.approx(0.1)  # type: ignore[operator]


def test_a_card_that_goes_away_does_not_block() -> None:
    card = Card(dies_after=3)
    loudspeaker = Loudspeaker(24_000, library=card)
    loudspeaker.play(np.ones(100_000, np.float32))
    assert not loudspeaker.finish(timeout=60)
    loudspeaker.close()


def test_no_device_and_no_library_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlaybackError, match="no sound output could be opened"):
        Loudspeaker(24_000, library=Card(fails=True))
    monkeypatch.setitem(
        sys.modules, "sounddevice", None
    )  # import raises ImportError, as a broken package does
    with pytest.raises(PlaybackError, match="PortAudio"):
        Loudspeaker(24_000)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("voice")
    tiny_checkpoint(folder / "tiny.safetensors")
    write_vocos(folder / "vocos")
    return ["--checkpoint", str(folder / "tiny.safetensors"), "--vocoder", str(folder / "vocos")]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_say_plays_what_it_writes(
    voice: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = Card()
    monkeypatch.setattr("lewm_core.playback._load_portaudio", lambda: card)
    text = "Hello there. And good bye."
    assert main(["say", text, "--play", "--json", "--format", "FLOAT", "--out", "played.wav", *voice]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["play_error"] is None
    assert 0 < answer["first_chunk_s"] < answer["first_sound_s"]
    written, rate = soundfile.read("played.wav", dtype="float32")
    heard = card.samples()
    assert rate == card.samplerate
    np.testing.assert_array_equal(heard[heard != 0], written[written != 0])
    assert main(["say", text, "--format", "FLOAT", "--out", "silent.wav", *voice]) == 0
    np.testing.assert_allclose(soundfile.read("silent.wav", dtype="float32")[0], written, rtol=0, atol=1e-4)


def test_say_writes_the_file_where_nothing_can_be_played(
    voice: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lewm_core.playback._load_portaudio", lambda: Card(fails=True))
    assert main(["say", "Hello.", "--play", "--json", "--out", "a.wav", *voice]) == 1
    printed = capsys.readouterr()
    assert "no sound output could be opened" in printed.err
    answer = json.loads(printed.out)
    assert "no sound output" in answer["play_error"]
    assert answer["first_sound_s"] is None
    assert soundfile.info("a.wav").frames > 0
