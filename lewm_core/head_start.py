"""When speech that is still being made may begin to sound, so that it does not stop in its midst.

Chunks double in length up to a longest one (``lewm_core.streaming``). Speech that is made at least twice as fast
as it is spoken can begin with its first chunk; slower speech waits until what is in hand bridges every later gap.
"""

from __future__ import annotations

CAUTION = 1.2
"""The machine may become so much slower than measured, and no chunk comes late."""
LONGEST_CHUNK = 1.37
"""Seconds of the longest chunk (``streaming.LARGEST_FRAMES``)."""


def needed_in_hand(real_time_factor: float, last_chunk: float, remaining: float) -> float:
    """Speech (s) that must be in hand now for no later chunk to come late.

    Chunk j of s_j seconds takes r s_j to make. Played from now on, speech in hand A runs dry before chunk j
    unless A + s_1 + ... + s_(j-1) >= r (s_1 + ... + s_j).

    Args:
        real_time_factor: r, seconds of work a second of speech.
        last_chunk: seconds of the chunk that came last; the next one is up to twice as long.
        remaining: seconds of speech still to be made.
    """
    needed = made = 0.0
    chunk = last_chunk
    while remaining > 0:
        chunk = min(2 * chunk, LONGEST_CHUNK, remaining) or remaining
        needed = max(needed, real_time_factor * (made + chunk) - made)
        made += chunk
        remaining -= chunk
    return needed


class HeadStart:
    """Watches how fast chunks come and says when there is enough in hand to begin."""

    def __init__(self) -> None:
        self._spent = self._predicted = 0.0
        self._needed = float("inf")

    @property
    def needed(self) -> float:
        """Speech (s) that must be in hand to begin (or to go on after a gap); infinite before the first chunk."""
        return self._needed

    def note(self, *, spent: float, predicted: float, fraction: float, chunk: float) -> None:
        """A chunk came.

        Args:
            spent: seconds of work since the request.
            predicted: seconds of speech that this work has reached (its latents exist; not all is sound yet).
            fraction: share of the whole text done, in [0, 1].
            chunk: seconds of this chunk.
        """
        overall = spent / max(predicted, 1e-3)
        advance = predicted - self._predicted
        recent = (spent - self._spent) / advance if advance > 0.2 else 0.0  # a machine that became slower
        self._spent, self._predicted = spent, predicted
        remaining = predicted * (1 / max(fraction, 1e-3) - 1) if fraction < 1 else 0.0
        self._needed = needed_in_hand(CAUTION * max(overall, recent), chunk, remaining)

    def allows(self, in_hand: float) -> bool:
        """Whether playing may begin with so many seconds of speech in hand."""
        return in_hand >= self._needed - 1e-9
