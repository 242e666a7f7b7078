"""How Hindi is read aloud: dates, times, amounts, units, ordinals, abbreviations, Latin initialisms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from lewm_core.numbers_to_words import HindiNumbers, decimal
from lewm_core.text_reading import Reader

MONTHS = "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्तूबर नवंबर दिसंबर".split()

_D = "\u0900-\u0963\u0966-\u097f"
_CLOCK_WORD = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)\s?बजे")
_ORDINAL = re.compile(
    rf"(?<![\d.,])(\d{{1,15}})\s?(?:(ला|रा|था|ठा|वाँ|वां)|(ली|री|थी|ठी|वीं)|(ले|रे|थे|ठे|वें))(?![{_D}])"
)
_NUMBERED = re.compile(rf"(?<![{_D}\w])(?:नं|सं|क्र|No|no)\.\s?(?=\d)")
_HASH_NUMBER = re.compile(r"#(?=\d)")

_ABBREVIATIONS = {
    "डॉ": "डॉक्टर",
    "डा": "डॉक्टर",
    "प्रो": "प्रोफ़ेसर",
    "पं": "पंडित",
    "श्रीम": "श्रीमती",
    "सु": "सुश्री",
    "इं": "इंजीनियर",
    "कं": "कंपनी",
    "लि": "लिमिटेड",
    "वि.वि": "विश्वविद्यालय",
    "ई.पू": "ईसा पूर्व",
    "ई": "ईसवी",
    "उ.प्र": "उत्तर प्रदेश",
    "म.प्र": "मध्य प्रदेश",
    "कि.मी": "किलोमीटर",
    "कि.ग्रा": "किलोग्राम",
    "से.मी": "सेंटीमीटर",
    "मि.मी": "मिलीमीटर",
    "रु": "रुपये",
    "Dr": "डॉक्टर",
    "Mr": "श्री",
    "Mrs": "श्रीमती",
    "Prof": "प्रोफ़ेसर",
    "etc": "इत्यादि",
}
_ABBREVIATION = re.compile(
    rf"(?<![{_D}\w.])({'|'.join(map(re.escape, sorted(_ABBREVIATIONS, key=len, reverse=True)))})\.(?![{_D}\w])"
)
_INITIALISM = re.compile(r"(?<![A-Za-z'.])(?:(?:[A-Z]\.){2,6}|[A-Z]{1,6})(?![A-Za-z'])")
_LETTER_NAMES = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "ए बी सी डी ई एफ़ जी एच आई जे के एल एम एन ओ पी क्यू आर एस टी यू वी डब्ल्यू एक्स वाई ज़ेड".split(),
        strict=True,
    )
)

_MONEY_WORDS = {
    "dollar": ("डॉलर", "डॉलर", "सेंट"),
    "euro": ("यूरो", "यूरो", "सेंट"),
    "pound": ("पाउंड", "पाउंड", "पेंस"),
    "rupee": ("रुपया", "रुपये", "पैसे"),
    "yen": ("येन", "येन", ""),
}


def _same(word: str) -> tuple[str, str]:
    return word, word


class HindiReader(Reader):
    """Hindi, in the spelling of the corpus that the voice was trained on (हज़ार, पाँच, रुपये)."""

    words = {
        "to": "से", "and": "सही", "dot": "डॉट", "at": "ऐट", "slash": "स्लैश", "dash": "डैश",
        "underscore": "अंडरस्कोर", "plus": "प्लस", "equals": "बराबर", "times": "गुणा", "divided": "भागा",
        "squared": "का वर्ग", "cubed": "का घन", "power": "की घात",
    }  # fmt: skip
    scales = {
        "हज़ार": "हज़ार", "हजार": "हज़ार", "लाख": "लाख", "करोड़": "करोड़", "अरब": "अरब", "खरब": "खरब",
        "k": "हज़ार", "K": "हज़ार", "million": "मिलियन", "billion": "बिलियन", "lakh": "लाख", "crore": "करोड़",
    }  # fmt: skip
    units = {
        "%": _same("प्रतिशत"), "°C": _same("डिग्री सेल्सियस"), "°F": _same("डिग्री फ़ारेनहाइट"), "°": _same("डिग्री"),
        "km": _same("किलोमीटर"), "m": _same("मीटर"), "cm": _same("सेंटीमीटर"), "mm": _same("मिलीमीटर"),
        "kg": _same("किलोग्राम"), "g": _same("ग्राम"), "mg": _same("मिलीग्राम"), "l": _same("लीटर"),
        "L": _same("लीटर"), "ml": _same("मिलीलीटर"), "km/h": _same("किलोमीटर प्रति घंटा"),
        "kmph": _same("किलोमीटर प्रति घंटा"), "m/s": _same("मीटर प्रति सेकंड"), "Hz": _same("हर्ट्ज़"),
        "kHz": _same("किलोहर्ट्ज़"), "MHz": _same("मेगाहर्ट्ज़"), "GHz": _same("गीगाहर्ट्ज़"),
        "MB": _same("मेगाबाइट"), "GB": _same("गीगाबाइट"), "TB": _same("टेराबाइट"), "dB": _same("डेसिबल"),
        "किमी": _same("किलोमीटर"), "कि.मी.": _same("किलोमीटर"), "किमी/घंटा": _same("किलोमीटर प्रति घंटा"),
        "किग्रा": _same("किलोग्राम"), "कि.ग्रा.": _same("किलोग्राम"), "सेमी": _same("सेंटीमीटर"),
        "से.मी.": _same("सेंटीमीटर"), "मिमी": _same("मिलीमीटर"), "मी": _same("मीटर"), "मी.": _same("मीटर"),
        "ग्रा.": _same("ग्राम"), "मि.": _same("मिनट"),
    }  # fmt: skip

    def __init__(self) -> None:
        self.numbers: HindiNumbers = HindiNumbers()
        super().__init__()

    def first_steps(self) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        return [
            (_NUMBERED, lambda match: "नंबर "),
            (_HASH_NUMBER, lambda match: " नंबर "),
            (_CLOCK_WORD, lambda match: f" {self.time(int(match[1]), int(match[2]), None, None)} "),
            (_ORDINAL, self._ordinal),
        ]

    def date(self, day: int, month: int, year: str | None) -> str:
        spoken = f"{self.numbers.cardinal(str(day))} {MONTHS[month - 1]}"
        return f"{spoken} {self.number(year)}" if year else spoken

    def time(self, hour: int, minute: int, second: int | None, half: str | None) -> str:
        spoken = self.numbers.cardinal(str(hour))
        spoken += f" बजकर {self.numbers.cardinal(str(minute))} मिनट" if minute else " बजे"
        if second:
            spoken += f" {self.numbers.cardinal(str(second))} सेकंड"
        return f"{'सुबह' if half == 'a' else 'शाम'} {spoken}" if half else spoken

    def money(self, amount: str, currency: str, scale: str | None) -> str:
        one, many, small = _MONEY_WORDS[currency]
        if scale:
            return f"{decimal(amount, self.numbers)} {scale} {many}"
        whole, _, rest = amount.replace(",", "").partition(".")
        name = one if whole == "1" and not rest else many
        if not rest:
            return f"{self.numbers.cardinal(whole)} {name}"
        if len(rest) != 2 or not small:
            return f"{decimal(amount, self.numbers)} {many}"
        large = f"{self.numbers.cardinal(whole)} {name}" if whole.strip("0") else ""
        coins = f"{self.numbers.cardinal(str(int(rest)))} {small}" if int(rest) or not large else ""
        return f"{large} {coins}".strip()

    def fraction(self, above: int, below: int) -> str:
        named = {
            (1, 2): "आधा",
            (1, 4): "एक चौथाई",
            (3, 4): "तीन चौथाई",
            (1, 3): "एक तिहाई",
            (2, 3): "दो तिहाई",
        }
        spoken = f"{self.numbers.cardinal(str(above))} बटा {self.numbers.cardinal(str(below))}"
        return named.get((above, below), spoken)

    def _ordinal(self, match: re.Match[str]) -> str:
        ending = "ा" if match[2] else "ी" if match[3] else "े"
        return f" {self.numbers.ordinal(match[1], ending)} "


def expand_abbreviations(text: str) -> str:
    """Titles, units and addresses in full; Latin initialisms by the Hindi names of their letters."""
    text = _ABBREVIATION.sub(lambda match: f"{_ABBREVIATIONS[match[1]]} ", text)
    return _INITIALISM.sub(
        lambda match: " ".join(_LETTER_NAMES[letter] for letter in match[0] if letter != "."), text
    )


def _to_nfc(words: dict[str, str]) -> dict[str, str]:
    return {
        unicodedata.normalize("NFC", key): unicodedata.normalize("NFC", word) for key, word in words.items()
    }


_ABBREVIATIONS = _to_nfc(_ABBREVIATIONS)
