"""A long recording with nothing but its transcript: which silence goes with which end of a sentence.

Sentences take as long as they have sounds, at the reader's own pace, and readers pause longer between sentences
than within. Dynamic programming finds the division of the recording, at its pauses, that fits both best: a hidden
semi-Markov model whose states are sentences. Speech without text (an announcement) and text without speech may be
passed over at a price. The forward-backward algorithm (L. Rabiner, "A tutorial on hidden Markov models", 1989)
tells how sure each cut is.

i sentences consumed   j boundaries: the start, each pause, the end   b boundaries a segment reaches back
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from lewm_core.preprocess.silence import SpeechMap

SHORTEST_PAUSE_S = 0.12
_FEW = 5  # segments from which a reader's pace can be told
_JOINED = 3  # sentences that a reader may run together without a pause
_JOIN_COST = 3.0
_SPREAD = (0.08, 0.7)
"""Standard deviation of the log of pace: a floor, and what falls with the square root of the number of sounds."""
_STEADIEST, _UNSTEADIEST = 0.5, 1.25
"""How far a reader's own spread, measured on the way, may differ from that."""
_ROUNDS = 3
_SKIPPED_SPEECH_COST = (6.0, 0.2, 0.2)  # nats: once, for each stretch between pauses, and for each second
_SKIPPED_SENTENCE_COST = (4.0, 0.05)  # nats: for each sentence, and for each sound of it
_PAUSE_EVIDENCE = (1.0, 5.0, 2.5)
"""Nats that a boundary's pause is worth: -1 + 5 a second, at most +-2.5."""
_BAND = (20.0, 0.06)
"""How far, in seconds and as a share of the recording, a sentence may lie from where an even pace puts it."""


@dataclass(frozen=True)
class Fit:
    """One segment of the best division.

    Attributes:
        first, last: its sentences, [first, last).
        begin, end: where its speech begins and ends, seconds.
        certainty: probability of exactly these two cuts for these sentences, given the model.
        sounds: how many its sentences have.
        pace: sounds a second of speech.
    """

    first: int
    last: int
    begin: float
    end: float
    certainty: float
    sounds: int
    pace: float


@dataclass(frozen=True)
class _Problem:
    sounds: np.ndarray  # (i,) sounds up to sentence i
    clock: np.ndarray  # (j,) seconds of speech up to boundary j
    left: np.ndarray  # (j,) where speech before boundary j ends, s
    right: np.ndarray  # (j,) where speech after boundary j begins, s
    evidence: np.ndarray  # (j,) nats in favour of a sentence ending there
    pace: float
    steadiness: float
    reach: int
    longest_s: float
    scores: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    @property
    def sentences(self) -> int:
        return len(self.sounds) - 1

    def band(self, i: int) -> slice:
        """Boundaries at which sentence ``i`` may begin."""
        expected = self.sounds[i] / self.pace
        slack = _BAND[0] + _BAND[1] * self.clock[-1]
        low, high = np.searchsorted(self.clock, [expected - slack, expected + slack])
        return slice(int(low), int(high))

    def segments(self, i: int, joined: int) -> np.ndarray:
        """Log-likelihood (b, j) of sentences [i - joined, i) being spoken from boundary j - 1 - b to j."""
        band = self.band(i)
        score = np.full((self.reach, band.stop - band.start), -np.inf)
        count = self.sounds[i] - self.sounds[i - joined]
        spread = self.steadiness * pace_spread(count)
        stops = np.arange(band.start, band.stop)
        for back in range(self.reach):
            valid = stops > back
            stop = stops[valid]
            start = stop - 1 - back
            spoken = self.clock[stop] - self.clock[start]
            length = self.left[stop] - self.right[start]
            off = np.log(np.maximum(spoken, 1e-3) * self.pace / count) / spread
            value = -0.5 * off**2 - np.log(spread) - _JOIN_COST * (joined - 1) + self.evidence[stop]
            score[back, valid] = np.where((spoken > 0) & (length <= self.longest_s), value, -np.inf)
        return score


def pace_spread(sounds: float) -> float:
    """Standard deviation of the logarithm of pace that a stretch of so many sounds has."""
    return float(np.hypot(_SPREAD[0], _SPREAD[1] / np.sqrt(sounds)))


def fit_sentences(
    speech: SpeechMap, sounds: Sequence[int], longest_s: float, shortest_pause_s: float = SHORTEST_PAUSE_S
) -> list[Fit]:
    """Divide a recording among its sentences.

    Args:
        sounds: number of sounds (phonemes) of each sentence, at least 1 each.
        longest_s: no segment is longer, seconds.

    Returns:
        segments in order; sentences and speech that fit nowhere are in none. Empty if there is no speech.
    """
    spoken = speech.trimmed(0.0, speech.seconds, 0.0)
    if spoken is None or not sounds:
        return []
    pauses = speech.pauses(shortest_pause_s)
    left = np.array([spoken[0], *(begin for begin, _ in pauses), spoken[1]])
    right = np.array([spoken[0], *(end for _, end in pauses), spoken[1]])
    running = np.concatenate([[0.0], np.cumsum(speech.is_speech)]) * 0.01
    clock = running[np.round(left / 0.01).astype(int)]
    cumulative = np.concatenate([[0], np.cumsum(sounds)]).astype(float)
    constant, slope, most = _PAUSE_EVIDENCE
    evidence = np.clip(slope * (right - left) - constant, -most, most)
    evidence[[0, -1]] = most
    reach = max(1, int(max(np.searchsorted(left, right + longest_s, "right") - np.arange(len(left)))))
    pace, steadiness = cumulative[-1] / clock[-1], 1.0
    for _ in range(_ROUNDS):
        problem = _Problem(cumulative, clock, left, right, evidence, pace, steadiness, reach, longest_s)
        fits = _best_division(problem)
        if len(fits) >= _FEW:
            pace, steadiness = _reader(fits)
    return fits


def _reader(fits: list[Fit]) -> tuple[float, float]:
    """A reader's pace, and spread of pace against the expected one, from segments of which some are wrong."""
    paces = np.log([fit.pace for fit in fits])
    middle = float(np.median(paces))
    off = np.abs(paces - middle) / [pace_spread(fit.sounds) for fit in fits]
    deviation = 1.4826 * float(np.median(off))  # of a normal distribution, unmoved by outliers
    return float(np.exp(middle)), float(np.clip(deviation, _STEADIEST, _UNSTEADIEST))


def _best_division(problem: _Problem) -> list[Fit]:
    count, boundaries = problem.sentences, len(problem.clock)
    forward = np.full((count + 1, boundaries), -np.inf)
    best = np.full((count + 1, boundaries), -np.inf)
    come_from = np.full((count + 1, boundaries, 2), -1, np.int32)
    forward[0, 0] = best[0, 0] = 0.0
    skip = _skipped_speech(problem)
    for i in range(count + 1):
        for joined, band, starts, score in _arrivals(problem, i):
            before = np.where(starts >= 0, forward[i - joined][starts], -np.inf)
            forward[i, band] = np.logaddexp(forward[i, band], _log_sum(before + score))
            total = np.where(starts >= 0, best[i - joined][starts], -np.inf) + score
            rows = total.argmax(axis=0)
            columns = np.arange(total.shape[1])
            better = total[rows, columns] > best[i, band]
            best[i, band] = np.where(better, total[rows, columns], best[i, band])
            come_from[i, band][better] = np.stack(
                [np.full(len(columns), joined), starts[rows, columns]], axis=1
            )[better]
        if i:
            price = _skipped_sentence(problem, i - 1)
            forward[i] = np.logaddexp(forward[i], forward[i - 1] - price)
            skipped = best[i - 1] - price > best[i]
            best[i] = np.where(skipped, best[i - 1] - price, best[i])
            come_from[i][skipped] = np.stack([np.ones(boundaries), np.arange(boundaries)], axis=1)[skipped]
        _pass_over_speech(forward[i], best[i], come_from[i], skip)
    if not np.isfinite(best[count, -1]):
        return []
    backward = _backward(problem, skip)
    return _trace(problem, come_from, forward, backward)


def _pass_over_speech(forward: np.ndarray, best: np.ndarray, come_from: np.ndarray, skip: np.ndarray) -> None:
    """Let a boundary (j,) also be reached from any earlier one without text; a running sum, and maximum."""
    once = _SKIPPED_SPEECH_COST[0]
    earlier = np.logaddexp.accumulate(forward + skip)[:-1] - skip[1:] - once
    forward[1:] = np.logaddexp(forward[1:], earlier)
    value = best + skip
    highest = np.maximum.accumulate(value)
    where = np.maximum.accumulate(np.where(value == highest, np.arange(len(value)), 0))
    passed = highest[:-1] - skip[1:] - once > best[1:]
    best[1:] = np.where(passed, highest[:-1] - skip[1:] - once, best[1:])
    come_from[1:][passed] = np.stack([np.zeros(len(where) - 1), where[:-1]], axis=1)[passed]


def _arrivals(problem: _Problem, i: int) -> Iterator[tuple[int, slice, np.ndarray, np.ndarray]]:
    """Segments that end with sentence ``i``: sentences joined, band, start boundaries (b, j), scores (b, j)."""
    band = problem.band(i)
    if band.stop <= band.start:
        return
    starts = np.arange(band.start, band.stop)[None] - 1 - np.arange(problem.reach)[:, None]
    for joined in range(1, min(_JOINED, i) + 1):
        key = i, joined
        if key not in problem.scores:
            problem.scores[key] = problem.segments(i, joined)
        yield joined, band, starts, problem.scores[key]


def _backward(problem: _Problem, skip: np.ndarray) -> np.ndarray:
    """Log-probability (i, j) of what follows after ``i`` sentences at boundary ``j``."""
    count, boundaries = problem.sentences, len(problem.clock)
    backward = np.full((count + 1, boundaries), -np.inf)
    backward[count, -1] = 0.0
    for i in range(count, -1, -1):
        later = np.logaddexp.accumulate((backward[i] - skip)[::-1])[::-1] + skip - _SKIPPED_SPEECH_COST[0]
        later = np.append(later[1:] - np.diff(skip), -np.inf)
        backward[i] = np.logaddexp(backward[i], later)
        if i:
            price = _skipped_sentence(problem, i - 1)
            backward[i - 1] = np.logaddexp(backward[i - 1], backward[i] - price)
        for joined, band, starts, score in _arrivals(problem, i):
            value = score + backward[i, band]
            valid = (starts >= 0) & np.isfinite(value)
            np.logaddexp.at(backward[i - joined], starts[valid], value[valid])
    return backward


def _trace(problem: _Problem, come_from: np.ndarray, forward: np.ndarray, backward: np.ndarray) -> list[Fit]:
    found: list[Fit] = []
    i, j = problem.sentences, len(problem.clock) - 1
    while i or j:
        joined, start = (int(value) for value in come_from[i, j])
        if joined and start < j:
            band = problem.band(i)
            score = problem.scores[i, joined][j - 1 - start, j - band.start]
            sure = np.exp(forward[i - joined, start] + score + backward[i, j] - forward[-1, -1])
            count = int(problem.sounds[i] - problem.sounds[i - joined])
            pace = count / float(problem.clock[j] - problem.clock[start])
            begin, end = float(problem.right[start]), float(problem.left[j])
            found.append(Fit(i - joined, i, begin, end, float(min(sure, 1.0)), count, pace))
        i, j = i - joined, start
    return found[::-1]


def _skipped_speech(problem: _Problem) -> np.ndarray:
    """Price (j,) in nats of passing over all speech up to boundary j."""
    _, stretch, second = _SKIPPED_SPEECH_COST
    return stretch * np.arange(len(problem.clock)) + second * problem.clock


def _skipped_sentence(problem: _Problem, i: int) -> float:
    each, sound = _SKIPPED_SENTENCE_COST
    return float(each + sound * (problem.sounds[i + 1] - problem.sounds[i]))


def _log_sum(values: np.ndarray) -> np.ndarray:
    """log of the sum over the first axis of exp; minus infinity where all are."""
    greatest = values.max(axis=0)
    safe = np.where(np.isfinite(greatest), greatest, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(values - safe).sum(axis=0)) + safe
