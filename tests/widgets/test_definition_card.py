"""The card of a definition: what it shows, and that it lies on the screen beside what it explains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect

from widgets.definition_card import SIZE, DefinitionCard, beside

CHAPTER = "| number | definition |\n|---|---|\n| mel L1 | mean distance |\n| energy ratio | level |\n"
SCREEN = QRect(0, 0, 1280, 720)


@pytest.fixture
def card(qtbot) -> DefinitionCard:
    card = DefinitionCard()
    qtbot.addWidget(card)
    return card


def test_the_term_that_was_asked_for_is_marked(card):
    card.explain("Error", "In short.", CHAPTER, "docs/analysis.md", "Energy ratio")
    assert card.marked() == "energy ratio"
    assert card.text().splitlines()[:2] == ["Error", "In short."]


def test_an_unknown_term_is_not_marked_and_an_old_mark_goes(card):
    card.explain("Error", "", CHAPTER, "", "mel L1")
    card.explain("Error", "", CHAPTER, "", "something else")
    assert card.marked() == ""


def test_a_short_chapter_makes_a_small_card_and_a_long_one_scrolls(card):
    card.explain("Error", "In short.", "", "docs")
    alone = card.height()
    card.explain("Error", "In short.", CHAPTER, "docs")
    short = card.height()
    card.explain("Error", "In short.", CHAPTER + "\n\nmore\n" * 200, "docs")
    assert alone < short < card.height() == SIZE[1]


@given(
    st.integers(0, 1279), st.integers(0, 719), st.integers(1, 400), st.integers(1, 300), st.integers(100, SIZE[0]),
    st.integers(50, SIZE[1]),
)  # fmt: skip
def test_the_card_is_always_on_the_screen(x, y, width, height, card_width, card_height):
    place = QRect(x, y, width, height)
    assert SCREEN.contains(
        QRect(beside(place, card_width, card_height, SCREEN), QRect(0, 0, card_width, card_height).size())
    )
