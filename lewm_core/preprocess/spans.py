"""Time stamps put in order: spans that lie in the recording, do not overlap, and know how far they may reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lewm_core.preprocess.recordings import Rejection, Span

OVERLAP_S = 0.3
"""Time stamps are rounded and guessed: so much overlap is shared, more means that two speak at once."""
OVERHANG_S = 1.0
"""A last stamp may lie so far behind the recording's end."""
REACH_S = 0.3
"""A word that a stamp cuts through is taken in up to so far beyond it, and never beyond half the gap."""
CHAPTER_S = 600.0
"""Long recordings are prepared in stretches of about this, in parallel."""


@dataclass(frozen=True)
class BoundedSpan:
    """A span and the stretch [lower, upper] that is its alone; seconds in the recording."""

    span: Span
    start: float
    end: float
    lower: float
    upper: float


def bounded(spans: Iterable[Span], seconds: float, audio: str) -> tuple[list[BoundedSpan], list[Rejection]]:
    """Sort spans, leave out those that cannot be cut, and bound the others.

    The stretches [lower, upper] of the result lie in [0, seconds] and do not overlap.

    Args:
        seconds: length of the recording.
        audio: its name, for the rejections.
    """
    kept: list[Span] = []
    rejected: list[Rejection] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        reason = _outside(span, seconds)
        if reason:
            rejected.append(_rejection(audio, span, "time stamps", reason))
        else:
            kept.append(Span(span.text, span.start, min(span.end, seconds), span.speaker))
    clashing = _clashing(kept)
    for index in sorted(clashing):
        reason = f"overlaps another segment by more than {OVERLAP_S:g} s; two may speak at once"
        rejected.append(_rejection(audio, kept[index], "overlap", reason))
    return _with_bounds([span for i, span in enumerate(kept) if i not in clashing], seconds), rejected


def chapters(spans: list[BoundedSpan], length_s: float = CHAPTER_S) -> list[list[BoundedSpan]]:
    """Consecutive spans in groups of at most about ``length_s``; the same whatever machine runs it."""
    groups: list[list[BoundedSpan]] = []
    for span in spans:
        if not groups or span.upper - groups[-1][0].lower > length_s:
            groups.append([])
        groups[-1].append(span)
    return groups


def _outside(span: Span, seconds: float) -> str:
    if not span.start < span.end < float("inf"):
        return "the end does not lie after the start"
    if span.start < 0:
        return "starts before the recording"
    if span.start >= seconds or span.end > seconds + OVERHANG_S:
        return f"lies behind the end of the recording ({seconds:.2f} s): is this its transcript?"
    return ""


def _clashing(spans: list[Span]) -> set[int]:
    clashing: set[int] = set()
    latest = 0
    for index in range(1, len(spans)):
        if spans[latest].end - spans[index].start > OVERLAP_S or spans[latest].end >= spans[index].end:
            clashing |= {latest, index}
        if spans[index].end > spans[latest].end:
            latest = index
    return clashing


def _with_bounds(spans: list[Span], seconds: float) -> list[BoundedSpan]:
    found = []
    for index, span in enumerate(spans):
        before = spans[index - 1].end if index else 0.0
        after = spans[index + 1].start if index + 1 < len(spans) else seconds
        # Between neighbours the middle of the gap, or of the small overlap, is the border.
        lower = (before + span.start) / 2 if index else 0.0
        upper = (span.end + after) / 2 if index + 1 < len(spans) else seconds
        start, end = max(span.start, lower), min(span.end, upper)
        found.append(BoundedSpan(span, start, end, max(lower, start - REACH_S), min(upper, end + REACH_S)))
    return found


def _rejection(audio: str, span: Span, kind: str, reason: str) -> Rejection:
    return Rejection(audio, kind, reason, span.text, span.start, span.end)
