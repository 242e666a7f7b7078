"""Exact binomial statistics in plain Python: p-values against guessing, and the interval of a share.

scipy has the same (``binomtest``; the tests hold both together), but takes a second to import, which a window
that judges votes cannot spend.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def at_least(wins: int, votes: int, share: float = 0.5) -> float:
    """Chance of ``wins`` or more of ``votes`` when each is won with probability ``share``."""
    if wins <= 0:
        return 1.0
    if share in (0.0, 1.0):
        return share
    log_win, log_loss = math.log(share), math.log1p(-share)
    terms = (_log_choose(votes, k) + k * log_win + (votes - k) * log_loss for k in range(wins, votes + 1))
    return min(1.0, math.fsum(map(math.exp, terms)))


def two_sided(wins: int, votes: int) -> float:
    """Chance of a result at least this far from half, in either direction, when nothing is preferred."""
    return min(1.0, 2.0 * at_least(max(wins, votes - wins), votes)) if 2 * wins != votes else 1.0


def exact_interval(wins: int, votes: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the true share (C. Clopper and E. Pearson, Biometrika 26(4), 1934); (0, 1) without votes."""
    tail = (1.0 - confidence) / 2.0
    if not votes:
        return 0.0, 1.0
    low = 0.0 if wins == 0 else _share_where(lambda share: at_least(wins, votes, share) < tail)
    high = 1.0 if wins == votes else _share_where(lambda share: 1.0 - at_least(wins + 1, votes, share) > tail)
    return low, high


def _share_where(is_below: Callable[[float], bool]) -> float:
    """The share at which a condition that holds for small shares ends, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2.0


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
