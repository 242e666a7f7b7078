"""What votes prove, in words: for the listening page and for reports."""

from __future__ import annotations

from collections.abc import Sequence

from app.blind_test import Vote, judge
from lewm_core.analysis.listening_votes import VoteResult


def in_words(votes: Sequence[Vote]) -> tuple[str, str, str]:
    """What votes of one kind on one pair prove, with the names of the sides: title, headline, figures."""
    result, vote = judge(votes), votes[0]
    names = (vote.first.label, vote.second.label)
    is_abx = vote.kind == "abx"
    if not result.votes:
        headline, count = "No preference", f"{len(votes)} without preference"
    elif is_abx:
        headline = "The difference is heard" if result.significant else "No difference proven"
        count = f"{result.wins} of {result.votes} right"
    else:
        better = names[0] if 2 * result.wins > result.votes else names[1]
        headline = f"“{better}” is preferred" if result.significant else "No preference proven"
        ties = len(votes) - result.votes
        count = f"{result.wins} of {result.votes} votes for “{names[0]}”"
        count += f", {ties} without preference" if ties else ""
    return f"{'ABX' if is_abx else 'Preference'}: {names[0]}  |  {names[1]}", headline, count + _chance(result)


def _chance(result: VoteResult) -> str:
    """The share with its interval, and p; "" without votes."""
    if result.share is None:
        return ""
    low, high = (round(100 * bound) for bound in result.interval)
    p = f"= {result.p_value:.3f}" if result.p_value >= 0.001 else "below 0.001"
    return f": {100 * result.share:.0f} %, 95 % interval {low} to {high} %, p {p}"
