"""Laws that hold for any text whatever."""

from __future__ import annotations

import contextlib
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lewm_core.text import LANGUAGES, TextError, normalise, split_sentences

WRITTEN = st.sampled_from(
    [
        "Dr.", "No. 5", "e.g.", "U.S.", "3:45 pm", "$3.50", "₹1,00,000", "12/03/2024", "3rd May 2021", "1990s", "5-10",
        "50%", "25°C", "km/h", "www.a.com/b", "a@b.org", "OK", "BBC", "…", "...", "?!", "—", " - ", "\n\n", "\n- ", "“",
        "'", "½", "x²", "10^-3", "24/7", "16:9", "+1 555 1234",
        "३", "डॉ.", "कि.मी.", "5वाँ", "बजे", "नमस्ते", "।", "Hello", "and",
        "I", "A.", "II", "Henry VIII",
        "😀", "\u200d", "\u0301", "्", "ﬁ", "ß", "İ", "ǆ", "#1", "-5", "1.2.3", ",", ";", ":", "(", ")",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(WRITTEN, max_size=8).map(" ".join),
    st.lists(WRITTEN, max_size=8).map("".join),
    st.text(alphabet="0123456789.,:/-+%$₹ akms", max_size=30),
    st.text(alphabet=st.characters(min_codepoint=0x900, max_codepoint=0x97F), max_size=30),
)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.sampled_from(LANGUAGES))
@example("İ", "en-US")
@example("1\n\n2", "en-GB")
def test_normalised_text(text: str, language: str) -> None:
    try:
        normalised = normalise(text, language)
    except TextError as error:
        assert len(str(error)) > 20
        return
    assert normalised == unicodedata.normalize("NFC", normalised)
    assert not any(character.isnumeric() for character in normalised)
    assert normalised.endswith((".", "?", "!", "।"))
    assert normalised == normalised.strip()
    assert "  " not in normalised
    assert all(
        character.isalpha() or _is_mark(character) or character in " \n.,;?!'-।" for character in normalised
    )
    assert normalise(normalised, language) == normalised


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.sampled_from(LANGUAGES), st.integers(min_value=1, max_value=80))
def test_sentences(text: str, language: str, limit: int) -> None:
    try:
        normalised = normalise(text, language)
    except TextError:
        return
    pieces = split_sentences(normalised, language, limit)
    assert pieces == split_sentences(text, language, limit)
    assert all(0 < len(piece.text) <= limit for piece in pieces)
    assert "".join("".join(piece.text for piece in pieces).split()) == "".join(normalised.split())
    assert pieces[-1].pause == 0.0
    assert all(0.0 < piece.pause < 2.0 for piece in pieces[:-1])
    if max(map(len, normalised.split())) <= limit:
        assert " ".join(piece.text for piece in pieces).split() == normalised.split()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "unit", ["1", "1,", "1.", "a.", "- ", "1/", "1-", "A. ", "...", "🙂", "a@", "1:", "क्", "\n"]
)
def test_long_monotonous_input_takes_no_noticeable_time(unit: str, language: str) -> None:
    start = time.monotonic()
    with contextlib.suppress(TextError):
        normalise(unit * 4000 + "x क", language)
    assert time.monotonic() - start < 20.0  # a watchdog against patterns that back-track, not a benchmark
