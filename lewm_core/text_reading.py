"""What is written with digits and signs, read aloud: the steps that all languages share.

A language is a subclass of :class:`Reader` that knows its words (``text_english``, ``text_hindi``). Each step is
one pattern and one method; :meth:`Reader.read` applies them from the most specific (an address, a date) to the
least (a lone digit), so that nothing is taken for less than it is. Patterns have no nested repetition, so that
long input costs time in proportion to its length.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal

from lewm_core.numbers_to_words import MAX_DIGITS, NumberWords, decimal

NUMBER = r"(?:\d{1,3}(?:,\d{2,3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\d.])\.\d+)"
LETTER = r"[^\W\d_]"
_END = rf"(?!\w)(?![^\S\n]?{LETTER}\.{LETTER}\.)"

_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_URL = re.compile(r"\b(?:https?://|www\.)[^\s,;!]+", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?<![\w.@-])[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}"
    r"\.(?:com|org|net|io|in|edu|gov|dev|ai|app|uk|de|fr|info)(?:/[^\s,;!]*)?(?![\w@])"
)
_ISO_DATE = re.compile(r"(?<![\d-])(\d{4})-(\d{1,2})-(\d{1,2})(?:T(?=\d)|(?![\d-]))")
_NUMERIC_DATE = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-])(?!\.\d)")
_TIME = re.compile(
    r"(?<![\d:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])(?:\s?([ap])\.?m\b\.?)?", re.IGNORECASE
)
_WHOLE_HOUR = re.compile(r"(?<![\d:.,])(1[0-2]|0?[1-9])\s?([ap])\.?m\b\.?", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w.,])(?:\+\d{1,3}[ -]?\d{2,5}(?:[ -]\d{2,5}){1,4}|\d{2,5}(?:-\d{2,5}){2,4}|0\d{2,4}(?: \d{2,5}){2,3})"
    r"(?![\w-])(?!\.\d)|(?<!\w)\+\d{7,15}\b"
)
_SHORT_PHONE = re.compile(r"(?<![\w.,-])(\d{3})-(\d{4})(?![\w-])")
_VERSION = re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?!\w)")
_RANGE = re.compile(rf"(?<![\w.,-])({NUMBER})\s?-\s?({NUMBER})(?![\w-])(?!\.\d)")
_RATIO = re.compile(r"(?<![\d:])(\d{1,6}):(\d{1,6})(?![\d:])")
_FRACTION = re.compile(r"(?<![\w./])(?:(\d{1,6})[ ])?(\d{1,6})/(\d{1,6})(?![\w/])(?!\.\d)")
_OPERATOR = re.compile(r"(?<=\w)\s?([+=×÷*])\s?(?=[\w-])")
_THOUSANDS = re.compile(rf"(?<![\w.,])({NUMBER})k(?!\w)")
_CARET = re.compile(r"\^(-?\w+)")
_NUMBER = re.compile(NUMBER)
_DIGITS = re.compile(r"\d+")

CURRENCIES = {
    "US$": "dollar",
    "$": "dollar",
    "USD": "dollar",
    "£": "pound",
    "GBP": "pound",
    "€": "euro",
    "EUR": "euro",
    "₹": "rupee",
    "INR": "rupee",
    "Rs.": "rupee",
    "Rs": "rupee",
    "रु.": "rupee",
    "रु": "rupee",
    "¥": "yen",
    "JPY": "yen",
}
_SIGN = "|".join(map(re.escape, sorted(CURRENCIES, key=len, reverse=True)))

_MINUS = re.compile(rf"(?<![\w.)])-(?=(?:{_SIGN})?\.?\d)")


class Reader(ABC):
    """Reads numbers, dates, amounts and addresses of one language aloud."""

    numbers: NumberWords
    words: dict[str, str]
    """Spoken form of: to, and, dot, at, slash, dash, underscore, plus, equals, times, divided, squared, cubed..."""
    units: dict[str, tuple[str, str]]
    """Written unit to its singular and plural."""
    scales: dict[str, str]
    """What may follow an amount ("million", "bn") to its spoken form."""
    day_first = True

    def __init__(self) -> None:
        scale = "|".join(map(re.escape, sorted(self.scales, key=len, reverse=True)))
        unit = "|".join(map(re.escape, sorted(self.units, key=len, reverse=True)))
        amount = rf"({NUMBER})(?:\s?-\s?(?:{_SIGN})?({NUMBER}))?(?:\s?({scale})(?!\w))?"
        self._sign_first = re.compile(rf"(?<!\w)({_SIGN})\s?{amount}")
        self._sign_last = re.compile(rf"(?<![\w.,]){amount}\s?({_SIGN})(?!\w)")
        self._quantity = re.compile(rf"(?<![\w.,])({NUMBER})(?:\s?-\s?({NUMBER}))?\s?({unit}){_END}")

    def read(self, text: str) -> str:
        """``text`` with every digit, amount and address in words; spacing is tidied by the caller."""
        for pattern, spoken in self._steps():
            text = pattern.sub(spoken, text)
        return text

    def _steps(self) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        words = self.words
        return [
            (_EMAIL, lambda match: self._address(match[0])),
            (_URL, lambda match: self._web_address(match[0])),
            (_DOMAIN, lambda match: self._web_address(match[0])),
            *self.first_steps(),
            (_ISO_DATE, self._iso_date),
            (_NUMERIC_DATE, self._numeric_date),
            (_TIME, self._time),
            (
                _WHOLE_HOUR,
                lambda match: self.ended(match, f" {self.time(int(match[1]), 0, None, match[2])} "),
            ),
            (_MINUS, lambda match: f" {self.numbers.minus} "),
            (self._sign_first, lambda match: self._money(match[1], match[2], match[3], match[4])),
            (self._sign_last, lambda match: self._money(match[4], match[1], match[2], match[3])),
            (self._quantity, self._measure),
            *self.later_steps(),
            (_PHONE, self._phone),
            (_SHORT_PHONE, self._phone),
            (_VERSION, self._version),
            (_RANGE, lambda match: f" {self.number(match[1])} {words['to']} {self.number(match[2])} "),
            (_RATIO, lambda match: f" {self.number(match[1])} {words['to']} {self.number(match[2])} "),
            (_FRACTION, self._fraction),
            (_THOUSANDS, lambda match: f" {self.number(match[1])} {self.scales['k']} "),
            (_OPERATOR, self._operator),
            (_CARET, self._power),
            (_NUMBER, lambda match: f" {self.number(match[0])} "),
            (_DIGITS, lambda match: f" {self.numbers.one_by_one(match[0])} "),
        ]

    # -- what a language may add or say differently

    def first_steps(self) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        """Steps that must see the text before dates and numbers are read."""
        return []

    def later_steps(self) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        """Steps for ordinals and the like, after amounts and before plain numbers."""
        return []

    @abstractmethod
    def date(self, day: int, month: int, year: str | None) -> str: ...

    @abstractmethod
    def time(self, hour: int, minute: int, second: int | None, half: str | None) -> str:
        """``half`` is "a" or "p" as in am and pm, or None."""

    @abstractmethod
    def money(self, amount: str, currency: str, scale: str | None) -> str:
        """``amount`` as written, ``currency`` a value of CURRENCIES, ``scale`` already in words."""

    @abstractmethod
    def fraction(self, above: int, below: int) -> str: ...

    def number(self, number: str) -> str:
        """A number as written ("1,234.50", "007", "1984"), in words."""
        plain = number.replace(",", "")
        if "," not in number and "." not in number and len(plain) == 4 and 1100 <= int(plain) <= 2099:
            return self.numbers.year(plain)
        return decimal(number, self.numbers)

    def ended(self, match: re.Match[str], spoken: str) -> str:
        """``spoken`` with a full stop where the match swallowed one that also ended a sentence."""
        return spoken

    # -- the steps

    def _address(self, address: str) -> str:
        """An address as it is dictated: "name at example dot com"."""
        trailing = "." if address.endswith(".") else ""
        address = address.rstrip(".")
        for sign, word in (("@", "at"), (".", "dot"), ("/", "slash"), ("-", "dash"), ("_", "underscore")):
            address = address.replace(sign, f" {self.words[word]} ")
        return f" {address} {trailing}"

    def _web_address(self, address: str) -> str:
        """The host and a short path; what follows a "?" or "#" is for machines and is not read."""
        trailing = "." if address.endswith(".") else ""
        address = re.sub(r"^(?:https?://)?(?:www\.)?", "", address.rstrip("./:'"), flags=re.IGNORECASE)
        address = re.split(r"[?#]", address, maxsplit=1)[0].rstrip("/")
        if len(address) > 60:
            address = address.split("/")[0]
        return self._address(address) + trailing

    def _iso_date(self, match: re.Match[str]) -> str:
        year, month, day = match[1], int(match[2]), int(match[3])
        return (
            f" {self.date(day, month, year)} "
            if _is_date(day, month)
            else match[0].replace("-", " ").replace("T", " ")
        )

    def _numeric_date(self, match: re.Match[str]) -> str:
        first, second, year = int(match[1]), int(match[3]), match[4]
        day, month = (first, second) if self.day_first else (second, first)
        if not _is_date(day, month):
            day, month = month, day
        if not _is_date(day, month):
            return match[0].replace(match[2], " ")
        if len(year) == 2:
            year = ("20" if int(year) < 50 else "19") + year
        return f" {self.date(day, month, year)} "

    def _time(self, match: re.Match[str]) -> str:
        second = int(match[3]) if match[3] else None
        half = match[4].lower() if match[4] else None
        return self.ended(match, f" {self.time(int(match[1]), int(match[2]), second, half)} ")

    def _money(self, sign: str, amount: str, upper: str | None, scale: str | None) -> str:
        currency, spoken_scale = CURRENCIES[sign], self.scales[scale] if scale else None
        if upper:
            return f" {self.number(amount)} {self.words['to']} {self.money(upper, currency, spoken_scale)} "
        return f" {self.money(amount, currency, spoken_scale)} "

    def _measure(self, match: re.Match[str]) -> str:
        low, high, (singular, plural) = match[1], match[2], self.units[match[3]]
        spoken = f"{self.plain(low)} {self.words['to']} {self.plain(high)}" if high else self.plain(low)
        return f" {spoken} {singular if is_one(high or low) else plural} "

    def plain(self, number: str) -> str:
        """A number that cannot be a year."""
        return decimal(number, self.numbers)

    def _phone(self, match: re.Match[str]) -> str:
        spoken = ", ".join(self.numbers.one_by_one(group) for group in _DIGITS.findall(match[0]))
        return f" {self.words['plus']} {spoken} " if match[0].startswith("+") else f" {spoken} "

    def _version(self, match: re.Match[str]) -> str:
        parts = match[0].split(".")
        return " " + f" {self.numbers.point} ".join(self.numbers.cardinal(part) for part in parts) + " "

    def _fraction(self, match: re.Match[str]) -> str:
        spoken = self.fraction(int(match[2]), int(match[3]))
        return f" {self.number(match[1])} {self.words['and']} {spoken} " if match[1] else f" {spoken} "

    def _operator(self, match: re.Match[str]) -> str:
        names = {"+": "plus", "=": "equals", "×": "times", "*": "times", "÷": "divided"}
        return f" {self.words[names[match[1]]]} "

    def _power(self, match: re.Match[str]) -> str:
        word = {"2": "squared", "3": "cubed"}.get(match[1])
        return f" {self.words[word]} " if word else f" {self.words['power']} {match[1]} "


def _is_date(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def is_one(number: str) -> bool:
    """Whether a unit after ``number`` stands in the singular."""
    plain = number.replace(",", "")
    return len(plain) <= MAX_DIGITS and Decimal(plain) == 1 and "." not in plain
