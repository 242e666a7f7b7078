"""One way to write each character: NFC letters, ASCII digits, straight quotes, plain hyphens, no emoji.

What is left is small enough to reason about: letters and marks, ASCII digits and symbols, the danda, a few
signs that are read aloud (degrees, currencies, times, divided by), spaces, and newlines between paragraphs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from lewm_core.config import Speaker

DANDA = "।"
KEPT_SIGNS = "°£€₹¥×÷" + DANDA

_FRACTIONS = {
    character: unicodedata.normalize("NFKC", character).replace("⁄", "/")
    for character in map(chr, [*range(0xBC, 0xBF), *range(0x2150, 0x215F)])
}

_FOLDED: dict[str, str] = {
    **dict.fromkeys("‘’‚‛′ʼʹ`´", "'"),
    **dict.fromkeys('“”„‟″«»‹›「」『』"', " "),
    **dict.fromkeys("‐‑‒–−⁃﹣－", "-"),
    **dict.fromkeys("—―⸺⸻", ", "),
    **dict.fromkeys("•‣▪●◦·", ", "),
    **dict.fromkeys("‚،、，", ", "),
    **dict.fromkeys("。．", ". "),
    **dict.fromkeys("॥᱾", DANDA),
    **dict.fromkeys("()[]{}", ", "),
    **dict.fromkeys("™®℠©", " "),
    **dict.fromkeys(
        "\u200c\u200d\u00ad\u2060\ufeff\u200b", ""
    ),  # invisible: joiners, soft hyphen, zero width
    "¿": " ",
    "¡": " ",
    "…": "...",
    "₨": "₹",
    "²": "^2",
    "³": "^3",
    "№": "No. ",
    "ॐ": "ओम",
    "॰": ".",
    "\t": " ",
    "\r": "\n",
    "\u2028": "\n",
    "\u2029": "\n\n",
}
_FOLD_TABLE = {ord(character): folded for character, folded in _FOLDED.items()}
_FRACTION_TABLE = {ord(character): folded for character, folded in _FRACTIONS.items()}
_AFTER_A_DIGIT = re.compile("(?<=[0-9])[" + "".join(_FRACTIONS) + "]")


def fold_characters(text: str) -> str:
    """Fold ``text`` to the small set of characters described above. Never fails; may return nothing but spaces.

    Letters of any script stay, so that the caller can say which of them nobody can read.
    """
    text = text.replace("\r\n", "\n")
    text = _AFTER_A_DIGIT.sub(lambda match: " " + _FRACTIONS[match[0]], text)
    text = text.translate(_FRACTION_TABLE).translate(_FOLD_TABLE)
    # NFKC unfolds ligatures, full-width and styled letters; what it brings to light is folded once more.
    text = unicodedata.normalize("NFKC", text).replace("⁄", "/").translate(_FOLD_TABLE)
    kept: list[str] = []
    for character in text:
        folded = _fold_one(character, kept[-1] if kept else "")
        if folded:
            kept.append(folded)
    return unicodedata.normalize("NFC", "".join(kept))


def _fold_one(character: str, before: str) -> str:
    if character == "\n" or " " <= character <= "~" or character in KEPT_SIGNS:
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category[0] == "L":
        return character
    if category[0] == "M" and is_devanagari(character) and before[-1:] and is_devanagari(before[-1:]):
        return character
    if category[0] == "M" or category == "Cf":
        return ""  # an accent that NFC cannot join to its letter, a variation selector, a direction mark
    return " "  # spaces of all sorts, emoji, private and control characters, foreign punctuation


def is_devanagari(character: str) -> bool:
    return "\u0900" <= character <= "\u097f" and character != DANDA


def is_latin(character: str) -> bool:
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN")


def script_of(character: str) -> str:
    """Name of the script of a letter as people know it: "Cyrillic", "Devanagari", "Chinese or Japanese"."""
    first = unicodedata.name(character, "UNKNOWN").split()[0]
    return "Chinese or Japanese" if first in ("CJK", "HIRAGANA", "KATAKANA") else first.capitalize()


def first_speaker_for(text: str, speakers: Sequence[Speaker]) -> str:
    """Name of the first speaker whose language is written like the text, else of the first one."""
    is_hindi = any(map(is_devanagari, text))
    fitting = (speaker.name for speaker in speakers if (speaker.language == "hi") == is_hindi)
    return next(fitting, speakers[0].name)
