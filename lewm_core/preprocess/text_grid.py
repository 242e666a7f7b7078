"""Praat's TextGrids in their three forms (long text, short text, binary), read here and not by Praat.

Praat reads whatever object a file names and trusts the sizes in it: a damaged or malicious file ends the process.
A text is a row of numbers, "strings" and <flags>; what stands between them is for people and skipped, as Praat does.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lewm_core.manifest import DataError

_BINARY = b"ooBinaryFile\x08TextGrid"
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|!.*|<(?P<flag>exists|absent)>'
    r"|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)"
)


@dataclass(frozen=True)
class Tier:
    """A tier of intervals: (start, end, label) each, seconds."""

    name: str
    intervals: tuple[tuple[float, float, str], ...]


def read_text_grid(path: Path) -> list[Tier]:
    """The interval tiers of a TextGrid.

    Raises:
        DataError: it is none, or damaged.
    """
    data = path.read_bytes()
    try:
        if data.startswith(_BINARY):
            return _tiers(_Binary(data[len(_BINARY) :]))
        words = _Words(_decoded(data))
        if not words.text().startswith("ooTextFile") or words.text() != "TextGrid":
            raise DataError(f"{path.name} is no Praat TextGrid")
        return _tiers(words)
    except (StopIteration, struct.error, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path.name} is no Praat TextGrid, or damaged: it ends too soon or lacks a value."
        ) from None


class _Values(Protocol):
    """What a TextGrid is made of, one value after the other."""

    def number(self) -> float: ...
    def count(self) -> int: ...
    def flag(self) -> bool: ...
    def text(self) -> str: ...
    def class_name(self) -> str: ...


def _tiers(values: _Values) -> list[Tier]:
    values.number(), values.number()  # the whole grid's beginning and end
    tiers = []
    for _ in range(values.count() if values.flag() else 0):
        is_interval = values.class_name() == "IntervalTier"
        name = values.text()
        values.number(), values.number()
        marks = []
        for _ in range(values.count()):
            start = values.number()
            end = values.number() if is_interval else start
            marks.append((start, end, values.text()))
        if is_interval:
            tiers.append(Tier(name, tuple(marks)))
    return tiers


class _Words:
    """The values of a text; StopIteration where it ends, ValueError where another kind stands."""

    def __init__(self, text: str) -> None:
        self._found: Iterator[re.Match[str]] = (
            match for match in _TOKEN.finditer(text) if not match[0].startswith("!")
        )

    def _next(self, kind: str) -> str:
        found = next(self._found)[kind]
        if found is None:
            raise ValueError(f"no {kind}")
        return str(found)

    def number(self) -> float:
        return float(self._next("number"))

    def count(self) -> int:
        return int(self._next("number"))

    def flag(self) -> bool:
        return self._next("flag") == "exists"

    def text(self) -> str:
        return self._next("text").replace('""', '"')

    class_name = text


class _Binary:
    """The values of a binary file; struct.error where it ends."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def _unpack(self, form: str) -> float:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return float(value)

    def _bytes(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise struct.error("too short")
        self._at += count
        return piece

    def number(self) -> float:
        return self._unpack(">d")

    def count(self) -> int:
        return int(self._unpack(">i"))

    def flag(self) -> bool:
        return bool(self._unpack(">B"))

    def text(self) -> str:
        length = int(self._unpack(">H"))
        if length == 0xFFFF:
            return self._bytes(2 * int(self._unpack(">H"))).decode("utf-16-be")
        return self._bytes(length).decode("latin-1")

    def class_name(self) -> str:
        return self._bytes(int(self._unpack(">B"))).decode("ascii")


def _decoded(data: bytes) -> str:
    """A byte-order mark tells UTF-16; else UTF-8, and where it is none Latin-1, which older Praats wrote."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
