"""When speech that is still being made may begin: no later chunk comes late, and fast speech does not wait."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.head_start import LONGEST_CHUNK, HeadStart, needed_in_hand
from lewm_core.playback import GrowingSound, SoundBuffer
from lewm_core.streaming import LARGEST_FRAMES

FIRST = 8 * 256 / 24_000


def chunk_sizes(seconds: float, first: float = FIRST) -> list[float]:
    """Lengths (s) of the chunks of speech of so many seconds."""
    sizes: list[float] = []
    while sum(sizes) < seconds - 1e-9:
        sizes.append(min(first, LARGEST_FRAMES * 256 / 24_000, seconds - sum(sizes)))
        first *= 2
    return sizes


def late_by(sizes: list[float], factor: float, context: float) -> float:
    """Seconds of silence in the midst of speech that is made with this real-time factor and played as HeadStart
    says; the work runs `context` seconds of speech ahead of the sound.
    """
    start, came, total = HeadStart(), [], sum(sizes)
    begin = None
    for number, size in enumerate(sizes):
        reached = min(total, sum(sizes[: number + 1]) + context)
        came.append(factor * reached)
        is_last = number + 1 == len(sizes)
        start.note(spent=came[-1], predicted=reached, fraction=1.0 if is_last else reached / total, chunk=size)
        if begin is None and (is_last or start.allows(sum(sizes[: number + 1]))):
            begin = came[-1]
    assert begin is not None
    played = [begin + sum(sizes[:number]) for number in range(len(sizes))]
    return max(arrival - due for arrival, due in zip(came, played, strict=True))


@given(st.floats(0.01, 6.0), st.floats(0.2, 60.0), st.floats(0.0, 0.6))
@settings(max_examples=300, deadline=None)
def test_no_chunk_is_late_however_slow_the_machine(factor: float, seconds: float, context: float) -> None:
    assert late_by(chunk_sizes(seconds), factor, context) <= 1e-6


@given(st.floats(0.01, 0.41), st.floats(0.2, 60.0))
@settings(max_examples=100, deadline=None)
def test_fast_speech_begins_with_its_first_chunk(factor: float, seconds: float) -> None:
    start = HeadStart()
    assert not start.allows(100.0)
    reached = min(seconds, FIRST + 0.5)
    start.note(spent=factor * reached, predicted=reached, fraction=reached / seconds, chunk=FIRST)
    assert start.allows(FIRST)


def test_what_is_needed_grows_with_the_work_that_is_left() -> None:
    assert needed_in_hand(0.3, FIRST, 60.0) <= FIRST
    assert needed_in_hand(2.0, FIRST, 0.0) == 0.0
    needed = [needed_in_hand(2.0, FIRST, seconds) for seconds in (1.0, 5.0, 20.0)]
    assert needed == sorted(needed)
    assert needed[-1] >= 20.0  # at twice the time of speaking, half of it all has to be there first
    assert pytest.approx(LARGEST_FRAMES * 256 / 24_000, abs=0.01) == LONGEST_CHUNK


def test_a_machine_that_becomes_slower_is_noticed() -> None:
    steady, slower = HeadStart(), HeadStart()
    for start, last in ((steady, 0.2), (slower, 1.5)):
        start.note(spent=0.1, predicted=0.6, fraction=0.06, chunk=FIRST)
        start.note(spent=0.1 + last, predicted=1.6, fraction=0.16, chunk=2 * FIRST)
    assert steady.needed <= 2 * FIRST
    assert slower.needed > 4.0


@given(st.lists(st.integers(0, 30_000), max_size=20), st.sampled_from([24_000, 44_100, 48_000]))
@settings(max_examples=50, deadline=None)
def test_a_growing_sound_is_what_was_put_at_any_rate(lengths: list[int], rate: int) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, sum(lengths)).astype(np.float32)
    sound, ends = GrowingSound(24_000), np.cumsum(lengths)
    early = sound.at_rate(rate)
    for number, part in enumerate(np.split(wave, ends[:-1]) if lengths else []):
        before = sound.now()
        kept = before.copy()
        sound.put(part)
        assert len(sound) == ends[number]
        np.testing.assert_array_equal(before, kept)
    sound.close()
    np.testing.assert_array_equal(sound.now(), wave)
    whole = wave if rate == 24_000 else soxr.resample(wave, 24_000, rate)
    assert sound.at_rate(rate) is early
    assert early.is_complete
    np.testing.assert_allclose(early.now(), whole, atol=1e-4)


def test_a_sound_asked_for_late_at_another_rate_is_whole() -> None:
    wave = np.sin(np.arange(30_000) / 20).astype(np.float32)
    sound = GrowingSound(24_000)
    sound.put(wave)
    sound.close()
    late = sound.at_rate(48_000)
    assert late.is_complete
    assert late.may_play(0)
    np.testing.assert_allclose(late.now(), soxr.resample(wave, 24_000, 48_000), atol=1e-4)


def test_the_buffer_waits_for_its_head_start_also_after_a_gap() -> None:
    buffer = SoundBuffer(may_start=lambda samples: samples >= 100)
    out = np.zeros(60, np.float32)

    def read() -> float:
        buffer.read(out)
        return float(out.sum())

    buffer.put(np.ones(60, np.float32))
    assert read() == 0
    assert buffer.first_read is None
    buffer.put(np.ones(60, np.float32))
    assert [read(), read()] == [60, 60]
    assert read() == 0
    buffer.put(np.ones(60, np.float32))
    assert read() == 0, "it went on without a head start"
    buffer.close()
    assert read() == 60, "the last of it must be played whatever its length"
    assert buffer.missed == 120
    assert not math.isinf(buffer.missed)
