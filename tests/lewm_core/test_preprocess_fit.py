"""Dividing a recording among its sentences: right where it can be, silent where it cannot."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.preprocess.fit import Fit, fit_sentences, pace_spread
from lewm_core.preprocess.silence import HOP_S, SpeechMap

PACE = 12.0
Place = tuple[float, float]


def reading(
    sounds: list[int], pauses: list[float], inner: float = 0.0, jitter: float = 0.0, seed: int = 0
) -> tuple[SpeechMap, list[Place]]:
    """Sentences read at 12 sounds a second, a pause behind each and one of ``inner`` s within those that are long."""
    rng = np.random.default_rng(seed)
    frames: list[bool] = [False] * 30
    places = []
    for count, pause in zip(sounds, pauses, strict=True):
        length = max(2, round(count / PACE / HOP_S * float(np.exp(jitter * rng.standard_normal()))))
        start = len(frames)
        frames += [True] * (length // 2)
        frames += [False] * round(inner / HOP_S) * (count > 30)
        frames += [True] * (length - length // 2)
        places.append((start * HOP_S, len(frames) * HOP_S))
        frames += [False] * round(pause / HOP_S)
    return SpeechMap(np.array(frames), len(frames) * HOP_S), places


def matches(fits: list[Fit], places: list[Place], numbers: list[int]) -> list[bool]:
    """Whether each fit is where its sentences were read; ``numbers``: sentence of the text to place, -1 if unread."""
    found = []
    for fit in fits:
        own = [numbers[i] for i in range(fit.first, fit.last)]
        found.append(
            min(own) >= 0
            and fit.begin == pytest.approx(places[own[0]][0])
            and fit.end == pytest.approx(places[own[-1]][1])
        )
    return found


counts = st.lists(st.integers(6, 90), min_size=2, max_size=25)


@settings(max_examples=40, deadline=None)
@given(counts, st.floats(0.35, 0.9), st.floats(0, 0.2), st.integers(0, 99))
def test_what_is_sure_is_right(sounds: list[int], pause: float, inner: float, seed: int) -> None:
    speech, places = reading(sounds, [pause] * len(sounds), inner, 0.08, seed)
    fits = fit_sentences(speech, sounds, 30.0)
    right = matches(fits, places, list(range(len(sounds))))
    assert all(good for fit, good in zip(fits, right, strict=True) if fit.certainty > 0.9)


@settings(max_examples=40, deadline=None)
@given(counts, st.lists(st.floats(0.05, 0.8), min_size=25, max_size=25), st.integers(0, 99), st.floats(3, 30))
def test_segments_are_in_order_and_never_overlap(
    sounds: list[int], pauses: list[float], seed: int, longest: float
) -> None:
    speech, _ = reading(sounds, pauses[: len(sounds)], 0.15, 0.3, seed)
    fits = fit_sentences(speech, sounds, longest)
    for fit in fits:
        assert 0 <= fit.begin < fit.end <= speech.seconds
        assert fit.end - fit.begin <= longest
        assert 0 <= fit.certainty <= 1
        assert fit.sounds == sum(sounds[fit.first : fit.last])
    for before, after in itertools.pairwise(fits):
        assert before.last <= after.first
        assert before.end <= after.begin


def test_sentences_run_together_become_one_segment() -> None:
    sounds = [40, 25, 30, 50]
    speech, places = reading(sounds, [0.5, 0.0, 0.5, 0.5])
    fits = fit_sentences(speech, sounds, 30.0)
    assert [(fit.first, fit.last) for fit in fits] == [(0, 1), (1, 3), (3, 4)]
    assert (fits[1].begin, fits[1].end) == pytest.approx((places[1][0], places[2][1]))


def test_what_was_not_written_and_what_was_not_read_is_passed_over() -> None:
    sounds = [52, 31, 64, 45, 28, 57, 39, 70, 33, 48]
    speech, places = reading(sounds, [0.6] * 10, 0.0)
    numbers = [0, 1, 2, 4, 5, -1, 6, 7, 8, 9]  # sentence 3 is not in the text, a strange one is
    fits = fit_sentences(speech, [41 if n < 0 else sounds[n] for n in numbers], 30.0)
    right = matches(fits, places, numbers)
    assert all(good for fit, good in zip(fits, right, strict=True) if fit.certainty > 0.9)
    assert sum(right) >= 7


def test_certainty_is_a_probability() -> None:
    """Two equal sentences and three equal stretches of speech: no division is better than another."""
    speech, _ = reading([40, 40, 40], [0.5, 0.5, 0.5])
    fits = fit_sentences(speech, [40, 40], 30.0)
    assert all(fit.certainty < 0.7 for fit in fits)
    sure, _ = reading([40, 40], [0.5, 0.5])
    assert all(fit.certainty > 0.95 for fit in fit_sentences(sure, [40, 40], 30.0))


def test_nothing_fits_nothing() -> None:
    silent = SpeechMap(np.zeros(500, bool), 5.0)
    assert fit_sentences(silent, [10], 30.0) == []
    assert fit_sentences(reading([30], [0.5])[0], [], 30.0) == []
    assert fit_sentences(reading([300], [0.5])[0], [300], 5.0) == []  # no pause to cut at


def test_short_sentences_vary_more() -> None:
    assert pace_spread(5) > pace_spread(20) > pace_spread(200) > 0.05
