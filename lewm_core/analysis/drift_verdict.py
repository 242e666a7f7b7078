"""The verdict on a free run in words, from the numbers of ``drift``."""

from __future__ import annotations

from lewm_core.analysis.drift import SAME_MOMENT_S, Drift


def drift_verdict(drift: Drift) -> str:
    """Say in words what became of the free run; all times are seconds in the free run.

    "stays on path", or what is wrong, joined by commas: "leaves at 1.3 s", "returns at 2.0 s", "collapses to
    silence from 2.1 s", "silent from the start", "ends early at 2.1 s", "is cut off at 2.1 s", "does not
    stop".
    """
    ending = drift.ending
    parts = _departure(drift)
    if ending.collapse_s is not None:
        silent = f"collapses to silence from {ending.collapse_s:.1f} s"
        parts.append(silent if ending.collapse_s > 0 else "silent from the start")
    if ending.early_s is not None:
        parts.append(f"{'is cut off' if ending.runs_on else 'ends early'} at {ending.early_s:.1f} s")
    elif ending.runs_on:
        parts.append("does not stop")
    if parts:
        return ", ".join(parts)
    return "stays on path" if drift.chance_db is not None else "too little speech to tell"


def _departure(drift: Drift) -> list[str]:
    if not drift.departures:
        return []
    first, last = drift.departures[0], drift.departures[-1]
    speech_end = float(drift.path.to_other(drift.times[-1]))
    end = speech_end if drift.cut_s is None else min(speech_end, drift.cut_s)
    words = [f"leaves at {first.start_s:.1f} s"]
    if last.end_s < end - SAME_MOMENT_S:
        words.append(f"returns at {last.end_s:.1f} s")
    return words
