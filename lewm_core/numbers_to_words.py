"""Numbers to words, English (by num2words) and Hindi (its own table: num2words 0.5.14 has no Hindi).

Everything takes strings of ASCII digits, so that leading zeros, long numbers and the digits behind a decimal
point survive as they were written.
"""

from __future__ import annotations

from typing import Protocol

from num2words import num2words

MAX_DIGITS = 15
"""Longer numbers are read digit by digit: nobody says "septillion", and account numbers come that long."""


class NumberWords(Protocol):
    """What a language knows about reading numbers aloud; all arguments are strings of digits."""

    point: str
    minus: str

    def cardinal(self, digits: str) -> str: ...
    def ordinal(self, digits: str) -> str: ...
    def year(self, digits: str) -> str: ...
    def one_by_one(self, digits: str) -> str: ...


def decimal(number: str, words: NumberWords) -> str:
    """Read "3.14" or "1,234" or ".5": the whole part as a number, what follows the point digit by digit."""
    whole, point, fraction = number.partition(".")
    whole = whole.replace(",", "")
    spoken = words.cardinal(whole or "0")
    return f"{spoken} {words.point} {words.one_by_one(fraction)}" if point and fraction else spoken


class EnglishNumbers:
    """English number words; "lakh" and "crore" where the commas stand in the Indian way."""

    point = "point"
    minus = "minus"
    _digits = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

    def cardinal(self, digits: str) -> str:
        if _reads_one_by_one(digits):
            return self.one_by_one(digits)
        return _plain(num2words(int(digits)))

    def indian(self, digits: str) -> str:
        """The Indian reading: 100000 is "one lakh"."""
        if _reads_one_by_one(digits):
            return self.one_by_one(digits)
        return _plain(num2words(int(digits), lang="en_IN"))

    def ordinal(self, digits: str) -> str:
        if _reads_one_by_one(digits):
            return self.one_by_one(digits)
        return _plain(num2words(int(digits), to="ordinal"))

    def year(self, digits: str) -> str:
        """1905 is "nineteen oh-five", 2024 "twenty twenty-four"."""
        return _plain(num2words(int(digits), to="year"))

    def one_by_one(self, digits: str) -> str:
        return " ".join(self._digits[int(digit)] for digit in digits)


def _plain(words: str) -> str:
    """Without the commas that num2words puts between thousands: each would be heard as a pause."""
    return words.replace(",", "")


def _reads_one_by_one(digits: str) -> bool:
    return len(digits) > MAX_DIGITS or (len(digits) > 1 and digits[0] == "0")


_HINDI_BELOW_HUNDRED = (
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ "
    "दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस "
    "बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस "
    "तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस "
    "चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास "
    "पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ "
    "साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर "
    "सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी "
    "अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी "
    "नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे"
).split()

_HINDI_SCALES = (
    (10**13, "नील"),
    (10**11, "खरब"),
    (10**9, "अरब"),
    (10**7, "करोड़"),
    (10**5, "लाख"),
    (10**3, "हज़ार"),
    (100, "सौ"),
)

_HINDI_ORDINALS = {1: "पहला", 2: "दूसरा", 3: "तीसरा", 4: "चौथा", 6: "छठा"}


class HindiNumbers:
    """Hindi number words with the Indian scales (हज़ार, लाख, करोड़, अरब, खरब, नील)."""

    point = "दशमलव"
    minus = "माइनस"

    def cardinal(self, digits: str) -> str:
        if _reads_one_by_one(digits):
            return self.one_by_one(digits)
        return self._below(int(digits))

    def _below(self, number: int) -> str:
        for scale, name in _HINDI_SCALES:
            if number >= scale:
                count, rest = divmod(number, scale)
                head = f"{self._below(count)} {name}"
                return f"{head} {self._below(rest)}" if rest else head
        return _HINDI_BELOW_HUNDRED[number]

    def ordinal(self, digits: str, ending: str = "ा") -> str:
        """5 is "पाँचवाँ"; ``ending`` "ी" or "े" gives the feminine or oblique form."""
        if _reads_one_by_one(digits):
            return self.one_by_one(digits)
        irregular = _HINDI_ORDINALS.get(int(digits))
        if irregular:
            return irregular[:-1] + ending
        return self.cardinal(digits) + {"ा": "वाँ", "ी": "वीं", "े": "वें"}[ending]

    def year(self, digits: str) -> str:
        """1947 is "उन्नीस सौ सैंतालीस"; from 2000 on a year is read as a number."""
        number = int(digits)
        if not 1100 <= number <= 1999:
            return self.cardinal(digits)
        rest = f" {_HINDI_BELOW_HUNDRED[number % 100]}" if number % 100 else ""
        return f"{_HINDI_BELOW_HUNDRED[number // 100]} सौ{rest}"

    def one_by_one(self, digits: str) -> str:
        return " ".join(_HINDI_BELOW_HUNDRED[int(digit)] for digit in digits)
