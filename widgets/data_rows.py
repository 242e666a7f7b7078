"""Utterances of a data folder as columns, and which of them fit a filter: numpy alone, no window needed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

ROW, TEXT, SPEAKER, LANGUAGE, LENGTH, ERROR = range(6)
"""Columns of the table."""
_SORTED_AT_ONCE = 2000
"""Texts: so few that another thread (the window's) never waits long for the interpreter."""


@dataclass(frozen=True)
class DataRows:
    """n utterances: what is said, by whom, in which language, how long (s); `estimated`: where the cut was guessed.

    What search and order need besides is worked out once, when it is first asked for, or all of it by `prepare`.
    """

    texts: tuple[str, ...]
    speakers: tuple[str, ...]
    languages: tuple[str, ...]
    seconds: np.ndarray
    estimated: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def prepare(self) -> DataRows:
        """Work out everything now, in the calling thread: with 100,000 rows it takes seconds."""
        _ = self.haystacks, self.text_ranks, self.speaker_ranks, self.language_ranks
        return self

    @cached_property
    def haystacks(self) -> list[str]:
        """Text and speaker of each row, in which words are looked for."""
        return [f"{t}\n{s}".casefold() for t, s in zip(self.texts, self.speakers, strict=True)]

    @cached_property
    def text_ranks(self) -> np.ndarray:
        """Place (n,) of each text in the alphabet."""
        return _ranks(self.texts)

    @cached_property
    def speaker_ranks(self) -> np.ndarray:
        """Place (n,) of each speaker in the alphabet."""
        return _ranks(self.speakers)

    @cached_property
    def language_ranks(self) -> np.ndarray:
        """Place (n,) of each language tag in the alphabet."""
        return _ranks(self.languages)

    def matching(self, wanted: DataFilter) -> np.ndarray:
        """Rows (k,) that fit, in their order."""
        fits = (self.seconds >= wanted.shortest) & (self.seconds <= wanted.longest)
        for value, there in ((wanted.speaker, self.speakers), (wanted.language, self.languages)):
            if value:
                fits &= np.fromiter((value == one for one in there), bool, len(self))
        for word in wanted.words.casefold().split():
            places = np.flatnonzero(fits)
            fits[places] = [word in self.haystacks[place] for place in places.tolist()]
        return np.flatnonzero(fits)

    def ordered(self, found: np.ndarray, column: int, descending: bool, errors: np.ndarray) -> np.ndarray:
        """`found` in the order of a column; `errors` (n,) are those of all rows, and what is not known comes last."""
        if column == ROW:
            return found[::-1] if descending else found
        keys = self._keys(column, errors)[found]
        known = np.isfinite(keys)
        first = found[known][np.argsort(-keys[known] if descending else keys[known], kind="stable")]
        return np.concatenate((first, found[~known]))

    def _keys(self, column: int, errors: np.ndarray) -> np.ndarray:
        keys = {
            TEXT: lambda: self.text_ranks, SPEAKER: lambda: self.speaker_ranks,
            LANGUAGE: lambda: self.language_ranks, LENGTH: lambda: self.seconds, ERROR: lambda: errors,
        }[column]()  # fmt: skip
        return np.asarray(keys, np.float64)


@dataclass(frozen=True)
class DataFilter:
    """What is asked for: every word of `words` in text or speaker (case does not matter); "" allows any."""

    words: str = ""
    speaker: str = ""
    language: str = ""
    shortest: float = 0.0
    longest: float = float("inf")


NO_ROWS = DataRows((), (), (), np.zeros(0), np.zeros(0, bool))


def _ranks(texts: Sequence[str]) -> np.ndarray:
    """Place of each text among all different ones, case folded (n,)."""
    folded = [text.casefold() for text in texts]
    place = {text: rank for rank, text in enumerate(_in_order(list(dict.fromkeys(folded))))}
    return np.fromiter((place[text] for text in folded), np.int64, len(folded))


def _in_order(texts: list[str]) -> Iterator[str]:
    """As `sorted`, in pieces."""
    starts = range(0, len(texts), _SORTED_AT_ONCE)
    return heapq.merge(*(sorted(texts[start : start + _SORTED_AT_ONCE]) for start in starts))
