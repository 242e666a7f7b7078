"""Typed text to what a voice reads: normalised words, and sentences of bounded length with pauses.

The normalised text holds letters, single spaces, empty lines between paragraphs, and of punctuation only
``. , ; ? !``, the danda ``।``, apostrophes and hyphens inside words: the characters of the corpus the embedded
voice was trained on. There are no digits, and every paragraph ends in a sentence mark, so "ok" is "Okay.".

Normalising twice changes nothing. This module imports neither torch nor espeak.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from lewm_core import text_english, text_hindi
from lewm_core.text_characters import DANDA, fold_characters, is_devanagari, is_latin, script_of
from lewm_core.text_reading import Reader

LANGUAGES = ("en-US", "en-GB", "hi")
_ALIASES = {"en": "en-US", "hi-IN": "hi"}

PAUSES = {".": 0.35, DANDA: 0.35, "?": 0.4, "!": 0.4, ";": 0.2, ",": 0.15}
"""Seconds of silence after a piece that ends in this mark."""
PARAGRAPH_PAUSE = 0.7
PARAGRAPH = "\n\n"
"""What stands between the paragraphs of a normalised text."""
WORD_BREAK_PAUSE = 0.05

_SYMBOL_WORDS = {
    "en": {
        "&": "and", "@": "at", "#": "hashtag", "%": "percent", "+": "plus", "=": "equals", "°": "degrees",
        "$": "dollars", "£": "pounds", "€": "euros", "₹": "rupees", "¥": "yen", "×": "times", "÷": "divided by",
    },
    "hi": {
        "&": "और", "@": "ऐट", "#": "हैशटैग", "%": "प्रतिशत", "+": "प्लस", "=": "बराबर", "°": "डिग्री",
        "$": "डॉलर", "£": "पाउंड", "€": "यूरो", "₹": "रुपये", "¥": "येन", "×": "गुणा", "÷": "भागा",
    },
}  # fmt: skip

_LETTERS = r"[^\W\d_]"
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*|\n(?=[^\S\n]*(?:[-*,]|\d{1,3}[.)])[^\S\n])")
_BULLET = re.compile(r"^\s*(?:[-*,]\s+)+")
_LIST_NUMBER = re.compile(r"^\s*(\d{1,3})[.)]\s+(?=\S)")
_ELLIPSIS = re.compile(r"[ ]*\.{2,}")
_SPACED_DASH = re.compile(r"(?<=\S)\s+-+\s+|-{2,}")
_MARKS = re.compile(rf"[.,;:?!{DANDA}](?:[ ]*[.,;:?!{DANDA}])*")
_APOSTROPHE = re.compile(rf"(?<!{_LETTERS})'|'(?!{_LETTERS})")
_STRAY_MARKS = re.compile(
    r"(?<![\u0900-\u0963\u0966-\u097f])[\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0951-\u0957\u0962\u0963]+"
)
_HYPHEN = re.compile(r"(?<![^\W\d_\u0900-\u0903\u093a-\u094f])-|-(?![^\W\d_])")
_ENDS_SENTENCE = tuple(".?!" + DANDA)


class TextError(ValueError):
    """A text cannot be spoken; the message says why and what to do."""


@dataclass(frozen=True)
class Sentence:
    """A piece of normalised text to synthesise in one go, and the silence after it in seconds."""

    text: str
    pause: float


def normalise(text: str, language: str) -> str:
    """Write ``text`` as it is read aloud: NFC, folded quotes and dashes, everything with digits in words.

    Args:
        text: anything a person may type or paste.
        language: "en-US", "en-GB" or "hi".

    Returns:
        Normalised text, paragraphs separated by an empty line. ``normalise(normalise(x)) == normalise(x)``.

    Raises:
        TextError: there is nothing to speak, or it is in a script that the language is not written in.
    """
    language = _known(language)
    folded = fold_characters(text)
    paragraphs = [_settled(part, language) for part in _PARAGRAPH.split(folded)]
    normalised = PARAGRAPH.join(part for part in paragraphs if part)
    _check_speakable(text, normalised, language)
    return normalised


def split_sentences(text: str, language: str, max_characters: int = 240) -> list[Sentence]:
    """Split ``text`` (normalised here if it is not yet) into sentences of at most ``max_characters``.

    A longer sentence is split at semicolons and commas, then between words, then inside a word. Joined with
    spaces, the pieces are the normalised text again, but for paragraph breaks and split words.

    Raises:
        TextError: as :func:`normalise`; or ``max_characters`` is less than 1.
    """
    if max_characters < 1:
        raise TextError(
            f"Sentences of at most {max_characters} characters are not possible; choose 1 or more."
        )
    pieces: list[Sentence] = []
    for paragraph in normalise(text, language).split(PARAGRAPH):
        for sentence in _sentences(paragraph, language):
            pieces += [Sentence(piece, _pause_after(piece)) for piece in _bounded(sentence, max_characters)]
        pieces[-1] = Sentence(pieces[-1].text, PARAGRAPH_PAUSE)
    pieces[-1] = Sentence(pieces[-1].text, 0.0)
    return pieces


def _known(language: str) -> str:
    language = _ALIASES.get(language, language)
    if language not in LANGUAGES:
        raise TextError(
            f"There is no text reader for the language {language!r}; choose {', '.join(LANGUAGES)}."
        )
    return language


@lru_cache(maxsize=8)
def _reader(language: str) -> Reader:
    if language == "hi":
        return text_hindi.HindiReader()
    return text_english.EnglishReader(american=language == "en-US")


def _settled(paragraph: str, language: str) -> str:
    """Repeat until nothing changes: tidying can bring to light what an earlier step was looking for ("Dr<A")."""
    for _ in range(8):
        before, paragraph = paragraph, _normalise_paragraph(paragraph, language)
        if paragraph == before:
            break
    return paragraph


def _normalise_paragraph(text: str, language: str) -> str:
    text = _LIST_NUMBER.sub(r"\1, ", _BULLET.sub("", text))
    text = " ".join(text.split())
    text = _ELLIPSIS.sub(_ellipsis, _SPACED_DASH.sub(", ", text))
    text = _lower_shouting(text)
    text = _reader(language).read(text)
    expand = text_hindi.expand_abbreviations if language == "hi" else text_english.expand_abbreviations
    text = expand(" ".join(text.split()))
    return _tidy(text, "hi" if language == "hi" else "en")


def _ellipsis(match: re.Match[str]) -> str:
    """A stop at the end or before a capital, else a comma's pause."""
    after = match.string[match.end() :].lstrip()
    return ". " if not after or after[0].isupper() else ", "


def _lower_shouting(text: str) -> str:
    """A text all in capitals is not a row of initialisms."""
    words = re.findall(r"[^\W\d_]+", text)
    is_shouted = text.isupper() and sum(len(word) >= 4 for word in words) >= 2
    return text.lower() if is_shouted else text


def _tidy(text: str, family: str) -> str:
    """Words for the signs that are left, one mark where several stand, single spaces, a sentence mark at the end."""
    stop = DANDA if family == "hi" else "."
    text = _dots_inside_words(text, "डॉट" if family == "hi" else "dot")
    for sign, word in _SYMBOL_WORDS[family].items():
        text = text.replace(sign, f" {word} ")
    text = re.sub(rf"[^\w\s.,;:?!'\-{DANDA}\u0900-\u097f]|_", " ", text)
    text = _HYPHEN.sub(" ", _APOSTROPHE.sub(" ", text))
    text = _STRAY_MARKS.sub("", text)
    text = _MARKS.sub(lambda match: _strongest(match[0], stop), " ".join(text.split()))
    text = re.sub(rf"\s+([.,;?!{DANDA}])", r"\1", text)
    text = re.sub(rf"([.,;?!{DANDA}])(?=[^\s.,;?!{DANDA}])", r"\1 ", text)
    text = text.lstrip(f" .,;:?!'-{DANDA}").rstrip(" ,;:'-")
    if text and not text.endswith(_ENDS_SENTENCE):
        text += stop
    return unicodedata.normalize("NFC", _capitalised(text) if family == "en" else text)


def _dots_inside_words(text: str, dot: str) -> str:
    """ "file.txt" is read "file dot txt", but "end.Next" only lacks a space."""
    return re.sub(r"(?<=[^\W\d_])\.(?=[a-z])", f" {dot} ", text)


def _strongest(marks: str, stop: str) -> str:
    for mark in "?!":
        if mark in marks:
            return mark
    if "." in marks or DANDA in marks:
        return stop
    return ";" if ";" in marks else ","


def _capitalised(text: str) -> str:
    """The first letter large, as sentences in the corpus begin; "iPhone" stays as it is."""
    if text[:1].isascii() and text[:1].islower() and not text[1:2].isupper():
        return text[0].upper() + text[1:]
    return text


def _check_speakable(original: str, normalised: str, language: str) -> None:
    if not any(character.isalpha() for character in normalised):
        if not original.strip():
            raise TextError("There is no text to speak. Type a sentence.")
        raise TextError(
            f"There is nothing to speak in {_shortened(original)}: it has no words. Type a sentence."
        )
    scripts = [character for character in normalised if character.isalpha() and not is_latin(character)]
    if language != "hi":
        if scripts:
            hint = " or choose a Hindi speaker" if is_devanagari(scripts[0]) else ""
            raise TextError(
                f"An English speaker cannot read {_shortened(_word_with(normalised, scripts[0]))}, which is written in "
                f"{script_of(scripts[0])}. Write it in Latin letters{hint}."
            )
        return
    foreign = [character for character in scripts if not is_devanagari(character)]
    if foreign:
        raise TextError(
            f"A Hindi speaker cannot read {_shortened(_word_with(normalised, foreign[0]))}, which is written in "
            f"{script_of(foreign[0])}. Write it in Devanagari."
        )
    if not scripts:
        raise TextError(
            f"There is no Hindi in {_shortened(original)}. Write it in Devanagari or choose an English speaker."
        )


def _word_with(text: str, character: str) -> str:
    return next(word for word in text.split() if character in word)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text[:40]}…”" if len(text) > 41 else f"“{text}”"


def _sentences(paragraph: str, language: str) -> Iterator[str]:
    """Sentences of one paragraph; sentencex knows where a stop does not end one."""
    import sentencex

    for sentence in sentencex.segment("hi" if language == "hi" else "en", paragraph):
        if stripped := sentence.strip():
            yield stripped


def _bounded(sentence: str, limit: int) -> Iterator[str]:
    """Pieces of at most ``limit`` characters: as many clauses as fit, else words, else parts of a word."""
    for piece in _packed(re.split(r"(?<=[,;]) ", sentence), limit):
        if len(piece) <= limit:
            yield piece
            continue
        for words in _packed(piece.split(" "), limit):
            yield from _cut_word(words, limit)


def _packed(parts: list[str], limit: int) -> Iterator[str]:
    line = ""
    for part in parts:
        if line and len(line) + 1 + len(part) > limit:
            yield line
            line = part
        else:
            line = f"{line} {part}" if line else part
    if line:
        yield line


def _cut_word(word: str, limit: int) -> Iterator[str]:
    """A "word" longer than a whole sentence may be; vowel signs stay with their letter where there is room."""
    while len(word) > limit:
        cut = limit
        while cut > 1 and unicodedata.category(word[cut])[0] == "M":
            cut -= 1
        cut = limit if cut == 1 else cut
        yield word[:cut]
        word = word[cut:]
    yield word


def _pause_after(piece: str) -> float:
    return PAUSES.get(piece[-1], WORD_BREAK_PAUSE)
