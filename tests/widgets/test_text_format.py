"""Numbers as the studio writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.text_format import clock, duration, frequency, language_label, level, relative_time

NOON = datetime(2026, 5, 20, 12, 0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00.000"),
        (1.2344, "00:01.234"),
        (59.9996, "01:00.000"),
        (3725.5, "62:05.500"),
        (-1, "00:00.000"),
    ],
)
def test_clock(seconds: float, text: str):
    assert clock(seconds) == text


@given(st.floats(0, 5999))
def test_clock_keeps_its_width_and_its_value(seconds: float):
    text = clock(seconds)
    assert len(text) == 9
    assert int(text[:2]) * 60 + float(text[3:]) == pytest.approx(seconds, abs=0.0005001)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (1.94, "1.9 s"), (59.97, "1 min 0 s"), (75, "1 min 15 s")]
)
def test_duration(seconds: float, text: str):
    assert duration(seconds) == text


def test_frequency_and_level():
    assert frequency(811.6) == "812 Hz"
    assert level(-31.4) == "−31 dB"
    assert level(3) == "3 dB"
    assert level(-0.2) == "0 dB"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=50), "1 min ago"),
        (timedelta(minutes=26), "26 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=20), "yesterday 16:00"),
        (timedelta(days=9), "2026-05-11"),
    ],
)
def test_relative_time(ago: timedelta, text: str):
    assert relative_time(NOON - ago, NOON) == text


def test_relative_time_shows_the_clock_of_this_machine():
    local = datetime(2026, 5, 20, 12, 0).astimezone()
    then = (local - timedelta(days=1)).astimezone(UTC)
    assert relative_time(then, local) == "yesterday 12:00"


@pytest.mark.parametrize(
    ("tag", "text"), [("en-GB", "English (GB)"), ("hi", "Hindi"), ("", ""), ("xx-unknown", "xx-unknown")]
)
def test_language_label(tag: str, text: str):
    assert language_label(tag) == text
