"""Blind listening tests: lists of trials, and what their votes prove.

ABX: X is A or B by chance, the listener says which; guessing is right half of the time, so k right answers of
n follow a binomial distribution (D. Clark, "High-resolution subjective testing using a double-blind
comparator", J. Audio Eng. Soc. 30(5), 1982).

AB: the listener says which of two is better; without a difference each wins half of the votes that are no
ties (sign test).

Intervals are exact (C. Clopper and E. Pearson, "The use of confidence or fiducial limits illustrated in the
case of the binomial", Biometrika 26(4), 1934): they cover the true share at least as often as stated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lewm_core.analysis.binomial import at_least, exact_interval, two_sided
from lewm_core.analysis.checks import AnalysisError

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Trial:
    """One trial, as it is played.

    Attributes:
        item: which pair of sounds, 0, 1, ...
        swapped: the second sound is called A (first button) and the first one B.
        x_is_a: ABX only: X is what is called A.
    """

    item: int
    swapped: bool
    x_is_a: bool


@dataclass(frozen=True)
class VoteResult:
    """What votes prove.

    Attributes:
        wins: right answers (ABX), or votes for A (AB).
        votes: answers that count; ties do not.
        share: wins / votes; None without votes.
        interval: exact confidence interval of the true share; (0, 1) without votes.
        confidence: of the interval, 0 to 1.
        p_value: chance of a result at least this extreme if there is no difference: one-sided for ABX,
            two-sided for AB.
        words: the result in a sentence.
    """

    wins: int
    votes: int
    share: float | None
    interval: tuple[float, float]
    confidence: float
    p_value: float
    words: str

    @property
    def significant(self) -> bool:
        """The p-value lies below 0.05."""
        return self.p_value < SIGNIFICANCE


def plan_trials(items: int, repeats: int, seed: int) -> list[Trial]:
    """Return a shuffled list of trials: each item ``repeats`` times, names and X drawn in balance.

    Over the whole list each of the four combinations of ``swapped`` and ``x_is_a`` comes equally often, or as
    nearly as the number of trials allows.

    Raises:
        AnalysisError: there is nothing to plan.
    """
    if items < 1 or repeats < 1:
        raise AnalysisError("A listening test needs at least one pair of sounds and one trial of each.")
    random = np.random.default_rng(seed)
    count = items * repeats
    order = random.permutation(np.tile(np.arange(items), repeats))
    combinations = np.concatenate([random.permutation(4) for _ in range(-(-count // 4))])[:count]
    # Shuffled again as a whole: within blocks of four the last trial could be worked out.
    combinations = random.permutation(combinations)
    return [Trial(int(item), bool(c & 1), bool(c & 2)) for item, c in zip(order, combinations, strict=True)]


def abx_result(correct: int, trials: int, confidence: float = 0.95) -> VoteResult:
    """Judge an ABX test: is the difference heard more often than by guessing?

    Raises:
        AnalysisError: the counts are impossible, or ``confidence`` does not lie in (0, 1).
    """
    result = _binomial(correct, trials, at_least, confidence)
    if not trials:
        words = "no trials yet"
    else:
        heard = "the difference is heard" if result[2] < SIGNIFICANCE else "no difference proven"
        share = _percent(result[:2], correct / trials)
        words = f"{correct} of {trials} right ({share}, p = {_p(result[2])}): {heard}"
    return _vote_result(correct, trials, result, confidence, words)


def preference_result(for_a: int, for_b: int, ties: int = 0, confidence: float = 0.95) -> VoteResult:
    """Judge a blind AB test: is one preferred? Ties are told, and do not count.

    Raises:
        AnalysisError: the counts are impossible, or ``confidence`` does not lie in (0, 1).
    """
    if ties < 0:
        raise AnalysisError(f"{ties} ties cannot be; counts start at 0.")
    votes = for_a + for_b
    result = _binomial(for_a, votes, two_sided, confidence)
    if not votes:
        words = "no votes yet" if not ties else f"no preference, {ties} ties"
    else:
        better = "no preference proven"
        if result[2] < SIGNIFICANCE:
            better = "A is preferred" if for_a > for_b else "B is preferred"
        tied = f", {ties} ties" if ties else ""
        share = _percent(result[:2], for_a / votes)
        words = f"A {for_a}, B {for_b}{tied} ({share} for A, p = {_p(result[2])}): {better}"
    return _vote_result(for_a, votes, result, confidence, words)


def _binomial(
    wins: int, votes: int, p_value: Callable[[int, int], float], confidence: float
) -> tuple[float, float, float]:
    """Exact two-sided interval of the share, and the p-value against one half."""
    if not 0 <= wins <= votes:
        raise AnalysisError(
            f"{wins} of {votes} cannot be; counts start at 0 and the part is not above the whole."
        )
    if not 0.0 < confidence < 1.0:
        raise AnalysisError(
            f"A confidence of {confidence} cannot be; choose one between 0 and 1, 0.95 for example."
        )
    if not votes:
        return 0.0, 1.0, 1.0
    return *exact_interval(wins, votes, confidence), p_value(wins, votes)


def _vote_result(
    wins: int, votes: int, result: tuple[float, float, float], confidence: float, words: str
) -> VoteResult:
    share = wins / votes if votes else None
    return VoteResult(wins, votes, share, result[:2], confidence, result[2], words)


def _percent(interval: tuple[float, float], share: float) -> str:
    return f"{100 * share:.0f} %, interval {100 * interval[0]:.0f} to {100 * interval[1]:.0f} %"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "below 0.001"
