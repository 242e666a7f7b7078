"""Text units: the sounds that get a duration each, found in what the text front end gives. Without torch."""

from __future__ import annotations

import unicodedata

_STRESS = "ˈˌ"


def unit_starts(text: str) -> list[bool]:
    """Say for each character whether it begins a unit, the smallest thing that gets a duration.

    Letters begin units; stress marks join the letter behind them; length marks, combining signs and
    spaces join the letter before them; punctuation that ends a phrase is a unit of its own (a pause).
    """
    starts: list[bool] = []
    for index, character in enumerate(text):
        before = text[index - 1] if index else ""
        after = text[index + 1] if index + 1 < len(text) else " "
        category = unicodedata.category(character)
        if character in _STRESS:
            start = before not in _STRESS
        elif category.startswith("L") and category != "Lm":
            start = not before or before not in _STRESS
        elif category.startswith("N"):
            start = True
        elif category.startswith("P"):
            start = not after.isalnum() and not (before and unicodedata.category(before).startswith("P"))
        else:
            start = False
        starts.append(start)
    if starts:
        starts[0] = True
    return starts


def unit_of_byte(text: str) -> list[int]:
    """Return, for each UTF-8 byte of ``text``, the index of the unit it belongs to."""
    units: list[int] = []
    current = -1
    for character, start in zip(text, unit_starts(text), strict=True):
        current += int(start)
        units.extend([current] * len(character.encode("utf8")))
    return units
