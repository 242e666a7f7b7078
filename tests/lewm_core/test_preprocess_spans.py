"""Laws of cutting: segments lie in the recording, never overlap, and no speech is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.preprocess import Recording, Span
from lewm_core.preprocess.segments import Recipe, Task, prepare
from lewm_core.preprocess.silence import find_speech
from lewm_core.preprocess.sound import read_stretch
from lewm_core.preprocess.spans import bounded, chapters
from tests.lewm_core.spoken import RATE, SENTENCES, recording, silence, speech, write

moments = st.floats(-1, 12, allow_nan=False)
spans = st.lists(st.builds(lambda a, b: Span("x", a, b), moments, moments), max_size=12)


@settings(deadline=None)
@given(spans, st.floats(0.01, 11))
def test_bounds_lie_in_the_recording_and_do_not_overlap(given_spans: list[Span], seconds: float) -> None:
    kept, rejected = bounded(given_spans, seconds, "a.wav")
    assert len(kept) + len(rejected) == len(given_spans)  # each is either cut or told
    for one in kept:
        assert 0 <= one.lower <= one.start < one.end <= one.upper <= seconds
    for before, after in pairwise(kept):
        assert before.upper <= after.lower + 1e-9


@settings(deadline=None)
@given(st.lists(st.floats(0.2, 40), min_size=1, max_size=60))
def test_chapters_keep_every_span_in_order(lengths: list[float]) -> None:
    ends = np.cumsum(lengths).tolist()
    all_spans = [Span("x", end - length, end) for end, length in zip(ends, lengths, strict=True)]
    kept, _ = bounded(all_spans, ends[-1], "a.wav")
    groups = chapters(kept, 100.0)
    assert [one for group in groups for one in group] == kept
    assert all(len(group) == 1 or group[-1].upper - group[0].lower <= 100 for group in groups)


def test_stamps_without_sense_are_told() -> None:
    odd = [Span("back", 2, 1), Span("early", -1, 1), Span("late", 11, 12), Span("a", 3, 5), Span("b", 4, 6)]
    kept, rejected = bounded([*odd, Span("good", 7, 8)], 10, "a.wav")
    assert [one.span.text for one in kept] == ["good"]
    assert sorted(one.kind for one in rejected) == ["overlap", "overlap", *["time stamps"] * 3]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-0.12, 0.12), min_size=16, max_size=16),
    st.floats(0.25, 1.0),
    st.floats(-70, -45),
    st.integers(0, 3),
)
def test_cutting_by_rough_stamps_and_trimming_loses_no_speech(
    tmp_path_factory: pytest.TempPathFactory, errors: list[float], pause: float, noise_db: float, seed: int
) -> None:
    wave, places = recording(SENTENCES, pause, seed)
    rng = np.random.default_rng(seed)
    wave = wave + (10 ** (noise_db / 20) * rng.standard_normal(len(wave))).astype(np.float32)
    audio = write(tmp_path_factory.mktemp("raw") / "a.wav", wave)
    stamps = [
        Span(text, max(0.0, start + errors[2 * i]), end + errors[2 * i + 1])
        for i, (text, (start, end)) in enumerate(zip(SENTENCES, places, strict=True))
    ]
    kept, rejected = bounded(stamps, len(wave) / RATE, "a.wav")
    made = prepare(
        Task(Recording(audio, "", "ada", "en-US"), tuple(kept)), Recipe(min_seconds=0.05, loudness=None)
    )
    assert not rejected
    assert not made.rejected
    for (start, end), (mel, row) in zip(places, made.pieces, strict=True):
        assert row.start <= start + 0.011  # a frame of 10 ms
        assert row.end >= end - 0.011
        assert row.end - row.start <= end - start + 2 * 0.1 + 0.05  # silence was trimmed
        assert len(mel) == round((row.end - row.start) * RATE) // 256 + 1


@given(st.floats(0, 0.6), st.floats(0, 0.6), st.floats(-80, -50), st.floats(-25, 0))
@settings(deadline=None)
def test_trimming_keeps_all_speech_and_little_else(
    before: float, after: float, noise_db: float, level_db: float
) -> None:
    said = speech(SENTENCES[0]) * 10 ** (level_db / 20)
    wave = np.concatenate([silence(before), said, silence(after)])
    wave = wave + 10 ** (noise_db / 20) * np.random.default_rng(0).standard_normal(len(wave))
    found = find_speech(wave, RATE).trimmed(0, len(wave) / RATE)
    assert found is not None
    end = len(wave) / RATE - after
    assert found[0] <= before + 0.011
    assert found[1] >= end - 0.011
    if level_db - noise_db > 45:  # speech lies 30 dB above the noise; in worse rooms more may be kept
        assert found[0] >= before - 0.135
        assert found[1] <= end + 0.135


def test_a_stretch_of_a_long_file_is_that_of_the_whole(tmp_path: Path) -> None:
    wave, _ = recording()
    stereo = np.stack([wave, -wave], 1)  # the mean of opposite channels is silent
    audio = write(tmp_path / "a.wav", stereo)
    part = read_stretch(audio, 2.0, 5.5)
    assert np.abs(part - wave[2 * RATE : round(5.5 * RATE)]).max() < 1e-4
