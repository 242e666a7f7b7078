"""The mixer: sample-exact, without clicks, whatever is done to it while it plays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mixer import FADE_SECONDS, Mixer
from lewm_core.playback import GrowingSound

RATE = 24_000
FADE = round(FADE_SECONDS * RATE)


def sine(seconds: float, hz: float = 200.0, level: float = 0.5) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def pull(mixer: Mixer, frames: int, block: int = 256) -> np.ndarray:
    blocks = []
    while frames > 0:
        out = np.empty(min(block, frames), dtype=np.float32)
        mixer.render(out)
        blocks.append(out)
        frames -= len(out)
    return np.concatenate(blocks)


def largest_step(wave: np.ndarray) -> float:
    return float(np.abs(np.diff(wave)).max())


def test_plays_the_very_samples():
    wave, mixer = sine(0.5), Mixer(RATE)
    mixer.play(wave, 0)
    heard = pull(mixer, len(wave))
    np.testing.assert_array_equal(heard[FADE:], wave[FADE:])


def test_starts_and_ends_by_itself():
    mixer = Mixer(RATE)
    mixer.play(sine(0.05), 0)
    assert mixer.is_playing
    assert np.all(pull(mixer, RATE // 10)[round(0.05 * RATE) :] == 0)
    assert mixer.ended
    assert not mixer.is_playing
    assert mixer.position == round(0.05 * RATE)


def test_render_tells_the_position_of_its_first_sample():
    mixer = Mixer(RATE)
    mixer.play(sine(1), 1000)
    out = np.empty(300, dtype=np.float32)
    assert mixer.render(out) == (1000, 300)
    assert mixer.render(out) == (1300, 300)


def test_switching_goes_on_at_the_same_sample_without_a_click():
    first, second, mixer = sine(1, 200), sine(1, 270), Mixer(RATE)
    mixer.play(first, 0)
    before = pull(mixer, 5_000)
    mixer.switch(second)
    after = pull(mixer, 5_000)
    np.testing.assert_array_equal(after[FADE:], second[5_000 + FADE : 10_000])
    natural = max(largest_step(first), largest_step(second))
    assert largest_step(np.concatenate([before, after])) < natural + 1.5 / FADE


@pytest.mark.parametrize("act", ["pause", "seek", "replay"])
def test_no_click_on(act):
    wave, mixer = sine(1, 150), Mixer(RATE)
    mixer.play(wave, 0)
    before = pull(mixer, 4_033)  # in the middle of a swing
    if act == "pause":
        mixer.pause()
    else:
        mixer.play(wave, 12_345 if act == "seek" else 0)
    after = pull(mixer, 3_000)
    assert largest_step(np.concatenate([before, after])) < largest_step(wave) + 1.5 / FADE
    if act == "pause":
        assert np.all(after[FADE:] == 0)
        assert mixer.position == 4_033


def test_loops_its_region_without_a_click_and_hears_an_edit_at_once():
    wave, mixer = sine(2, 173), Mixer(RATE)
    mixer.region, mixer.loop = (4_000, 9_000), True
    mixer.play(wave, 4_000)
    heard = pull(mixer, 20_000)
    np.testing.assert_array_equal(heard[5_000 + FADE : 10_000], wave[4_000 + FADE : 9_000])
    assert largest_step(heard) < largest_step(wave) + 1.5 / FADE
    assert 4_000 <= mixer.position <= 9_000
    mixer.region = (30_000, 31_000)
    mixer.play(wave, 30_000)
    pull(mixer, 5_000)
    mixer.region = (30_000, 30_500)
    pull(mixer, 1_000)
    assert 30_000 <= mixer.position <= 30_500


def test_loop_without_region_repeats_everything():
    mixer = Mixer(RATE)
    mixer.loop = True
    mixer.play(sine(0.1), 0)
    pull(mixer, RATE)
    assert mixer.is_playing


def test_volume_scales():
    wave, mixer = sine(0.2), Mixer(RATE)
    mixer.volume = 0.25
    mixer.play(wave, 0)
    np.testing.assert_allclose(pull(mixer, 2_000)[FADE:], 0.25 * wave[FADE:2_000], rtol=1e-6)


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("play"), st.integers(0, 30_000), st.sampled_from([0, 1, 2_000, 20_000])),
            st.tuples(st.just("pause")),
            st.tuples(st.just("move"), st.integers(-5, 40_000)),
            st.tuples(st.just("region"), st.integers(0, 25_000), st.integers(1, 9_000)),
            st.tuples(st.just("noregion")),
            st.tuples(st.just("loop"), st.booleans()),
            st.tuples(st.just("render"), st.integers(1, 3_000)),
        ),
        max_size=30,
    )
)
def test_never_fails_and_never_gets_loud(steps):
    mixer = Mixer(RATE)
    for name, *arguments in steps:
        if name == "play":
            mixer.play(np.full(arguments[1], 0.5, dtype=np.float32), arguments[0])
        elif name in ("pause", "move"):
            getattr(mixer, name)(*arguments)
        elif name == "region":
            mixer.region = (arguments[0], arguments[0] + arguments[1])
        elif name == "noregion":
            mixer.region = None
        elif name == "loop":
            mixer.loop = arguments[0]
        else:
            out = np.empty(arguments[0], dtype=np.float32)
            mixer.render(out)
            assert np.isfinite(out).all()
            assert np.abs(out).max() <= 1.51  # at most a sound, its tail and a seam
        assert mixer.position >= 0


# ---------------------------------------------------------------------- speech that is still being made
def growing(*parts: np.ndarray, factor: float = 0.1) -> GrowingSound:
    """A sound with these parts, made with this real-time factor, of which ten more seconds will come."""
    sound = GrowingSound(RATE)
    for part in parts:
        put(sound, part, factor)
    return sound


def put(sound: GrowingSound, part: np.ndarray, factor: float = 0.1) -> None:
    seconds = (len(sound) + len(part)) / RATE
    sound.head_start.note(
        spent=factor * seconds, predicted=seconds, fraction=seconds / (seconds + 10), chunk=len(part) / RATE
    )
    sound.put(part)


@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 3000)), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_growing_speech_is_heard_whole_in_order_and_silence_only_where_it_was_late(rounds):
    """Chunks and reads take turns in any way: what is heard, without the silence, is the speech itself."""
    sound, mixer = growing(), Mixer(RATE)
    made, heard = [], []
    mixer.play(sound, 0)
    for number, (length, read) in enumerate(rounds):
        part = np.full(length, 0.25, np.float32)
        made.append(part)
        put(sound, part)
        if number + 1 == len(rounds):
            sound.close()
        heard.append(pull(mixer, read))
    heard.append(pull(mixer, sum(map(len, made)) + 512))
    assert mixer.ended
    assert mixer.position == sum(map(len, made))
    # Where it ran dry it fades out and in again: at most a fade is quieter on either side.
    whole = np.concatenate(heard)
    gaps = 2 * len(rounds) + 2
    assert abs(int((whole == 0.25).sum()) - sum(map(len, made))) <= gaps * FADE


def test_fast_speech_is_heard_at_once_and_without_a_gap():
    wave, mixer = sine(2.0), Mixer(RATE)
    sound = growing(wave[:2048])
    mixer.play(sound, 0)
    heard, done = [], 2048
    while done < len(wave):
        heard.append(pull(mixer, 1024))
        put(sound, wave[done : done + 4096])
        done += 4096
    sound.close()
    heard.append(pull(mixer, len(wave) - sum(map(len, heard))))
    np.testing.assert_array_equal(np.concatenate(heard)[FADE:], wave[FADE:])
    assert mixer.missed == 0


def test_slow_speech_waits_instead_of_stuttering():
    wave, mixer = sine(4.0), Mixer(RATE)
    sound = growing(wave[:RATE], factor=2.0)
    mixer.play(sound, 0)
    assert not pull(mixer, 5000).any()
    assert mixer.position == 0
    assert mixer.missed == 0
    sound.put(wave[RATE:])
    assert not pull(mixer, 500).any()
    sound.close()
    np.testing.assert_array_equal(pull(mixer, len(wave))[FADE:], wave[FADE:])


def test_a_gap_has_no_clicks_and_is_counted():
    wave, mixer = sine(1.0), Mixer(RATE)
    sound = growing(wave[: RATE // 2])
    mixer.play(sound, 0)
    heard = [pull(mixer, RATE // 2 + 3000)]
    put(sound, wave[RATE // 2 :])
    sound.close()
    heard.append(pull(mixer, RATE // 2 + 512))
    assert largest_step(np.concatenate(heard)) < 2 * largest_step(wave)
    assert mixer.missed > 2000
    assert mixer.ended


def test_the_finished_copy_takes_over_unheard():
    wave, mixer = sine(1.0), Mixer(RATE)
    sound = growing(wave)
    sound.close()
    mixer.play(sound, 0)
    heard = [pull(mixer, 5000)]
    mixer.replace(wave.copy())
    heard.append(pull(mixer, len(wave) - 5000))
    np.testing.assert_array_equal(np.concatenate(heard)[FADE:], wave[FADE:])


def test_speech_finished_before_the_device_asked_for_it_is_heard():
    """A short sentence is made while the device is still being opened: its take takes the place of the speech."""
    wave, mixer = sine(0.5), Mixer(RATE)
    sound = growing(wave)
    sound.close()
    mixer.play(sound, 0)
    mixer.replace(wave)
    np.testing.assert_array_equal(pull(mixer, len(wave))[FADE:], wave[FADE:])
