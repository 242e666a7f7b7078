"""How the studio writes numbers: times, frequencies, levels, languages. Pure functions, no window needed."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QLocale

MINUS = "\u2212"
"""The real minus sign: as wide as a figure, so that a level does not jump when it changes its sign."""
NOTHING = "\u2013"
"""Stands where there is no value."""


def clock(seconds: float) -> str:
    """A position as minutes, seconds and milliseconds: 1.2344 -> "00:01.234"; hours are counted as
    minutes.
    """
    milliseconds = max(0, round(seconds * 1000))
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def duration(seconds: float) -> str:
    """A length for a list: 1.94 -> "1.9 s", 75 -> "1 min 15 s"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def frequency(hz: float) -> str:
    """A frequency in whole Hz: 811.6 -> "812 Hz"."""
    return f"{hz:.0f} Hz"


def level(db: float) -> str:
    """A level in whole dB with a real minus sign: -31.4 -> "−31 dB"."""
    whole = round(db)
    return f"{MINUS if whole < 0 else ''}{abs(whole)} dB"


def local_time(moment: datetime) -> datetime:
    """A moment with a time zone, as the clock on this machine shows it; one without is taken as local."""
    return moment if moment.tzinfo is None else moment.astimezone()


def relative_time(then: datetime, now: datetime) -> str:
    """How long ago something was, as people say it; from two days on the date. Both with a time zone or
    both without.
    """
    seconds = (now - then).total_seconds()
    then, now = local_time(then), local_time(now)
    if seconds < 45:
        return "just now"
    if seconds < 90 * 60:
        return f"{max(1, round(seconds / 60))} min ago"
    days = (now.date() - then.date()).days
    if days <= 0:
        return f"{round(seconds / 3600)} h ago"
    if days == 1:
        return f"yesterday {then:%H:%M}"
    return f"{then:%Y-%m-%d}"


def language_label(tag: str) -> str:
    """The name of a language tag: "en-GB" -> "English (GB)", "hi" -> "Hindi"; an unknown tag is its own
    name.
    """
    if not tag:
        return ""
    locale = QLocale(tag.replace("-", "_"))
    if locale.language() == QLocale.Language.C:
        return tag
    name = QLocale.languageToString(locale.language())
    region = tag.replace("_", "-").partition("-")[2]
    return f"{name} ({region})" if region else name
