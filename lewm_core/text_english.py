"""How English is read aloud: dates, times, amounts, units, ordinals, abbreviations, Roman numerals."""

from __future__ import annotations

import re
from collections.abc import Callable

from lewm_core.numbers_to_words import EnglishNumbers, decimal
from lewm_core.text_reading import LETTER, Reader, is_one

MONTHS = "January February March April May June July August September October November December".split()
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]}|\\.)?" if len(month) > 3 else month for month in MONTHS)
_DAY = r"(0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_DAY_MONTH = re.compile(
    rf"(?<![\w.,/])([Tt]he )?{_DAY}[ -](?:of )?({_MONTH}|Sept\.?)(?!\w)(?:,?[ -](\d{{4}})(?![\d:]))?"
)
_MONTH_DAY = re.compile(rf"\b({_MONTH}|Sept\.?)[ ]{_DAY}(?![\w:/]|\.\d|,\d)(?:,?[ ](\d{{4}})(?![\d:]))?")
_SHORT_MONTH = re.compile(r"\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?(?=[ ](?:the[ ])?\d)")

_ORDINAL = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)(?!\w)", re.IGNORECASE)
_DECADE = re.compile(r"(?<!\w)'?(\d{2}|\d{4})'?s(?!\w)")
_LAKHS = re.compile(r"(?<![\w.,])\d{1,2}(?:,\d{2})+,\d{3}(?![\d,]|\.\d)")
_ALWAYS_OPEN = re.compile(r"(?<!\w)24/7(?!\w)")
_NUMBERED = re.compile(r"\b(Nos?|Vols?|Figs?|Ch|Sec|pp?|Eq|Ref)\.[ ]?(?=\d)")
_HASH_NUMBER = re.compile(r"#(?=\d)")

_ROMAN = r"(?=[IVX]{2,6}\b)(X{0,3}(?:IX|IV|V?I{0,3}))(?![IVX])"  # all of the letters, or it is no numeral: IIII
_ROMAN_CARDINAL = re.compile(
    rf"\b(War|Chapter|Part|Volume|Act|Phase|Type|Section|Book|Level|Stage|Episode|Article|Figure|Table) {_ROMAN}\b"
)
_ROMAN_ORDINAL = re.compile(
    r"\b(Henry|Louis|Elizabeth|George|Charles|Edward|William|James|Richard|Philip|Paul|Benedict|Pius|Napoleon|"
    rf"Alexander|Catherine|Nicholas|Ivan|Frederick|Leo|Gregory|Mary|Francis) {_ROMAN}\b"
)
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10}

# The final stop of these may be the end of the sentence too.
_MAY_END = {"etc", "Inc", "Ltd", "Co", "Corp", "Jr", "Sr", "Ave", "Blvd", "Rd", "al"}
_ABBREVIATIONS = {
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Miz",
    "Prof": "Professor",
    "Rev": "Reverend",
    "Gen": "General",
    "Col": "Colonel",
    "Capt": "Captain",
    "Lt": "Lieutenant",
    "Sgt": "Sergeant",
    "Gov": "Governor",
    "Sen": "Senator",
    "Rep": "Representative",
    "Hon": "Honourable",
    "Jr": "Junior",
    "Sr": "Senior",
    "Mt": "Mount",
    "Ave": "Avenue",
    "Blvd": "Boulevard",
    "Rd": "Road",
    "Inc": "Incorporated",
    "Ltd": "Limited",
    "Corp": "Corporation",
    "Co": "Company",
    "Dept": "Department",
    "dept": "department",
    "approx": "approximately",
    "etc": "et cetera",
    "vs": "versus",
    "cf": "compare",
    "al": "al",
    "ca": "circa",
    "incl": "including",
    "avg": "average",
    "tel": "telephone",
    "Tel": "Telephone",
}
_ABBREVIATION = re.compile(rf"(?<![\w.])({'|'.join(_ABBREVIATIONS)})\.(?!\w)")
_UNDOTTED_TITLE = re.compile(r"(?<![\w.])(Mr|Mrs|Ms|Prof)(?= [A-Z])")
_DOCTOR = re.compile(r"(?<![\w.])Dr\b\.?(?= [A-Z])")
_DRIVE = re.compile(r"(?<=[a-z] )Dr\.(?!\w)")
_SAINT = re.compile(r"(?<![\w.])St\b\.?(?= [A-Z])")
_STREET = re.compile(r"(?<=[a-z] )St\.(?!\w)")
_LATIN = re.compile(r"(?<![\w.])(e\. ?g|i\. ?e|viz|a\.k\.a)\b\.?,?", re.IGNORECASE)
_LATIN_WORDS = {"e": "for example,", "i": "that is,", "v": "namely,", "a": "also known as"}
_WITHOUT = re.compile(r"(?<!\w)w/(o)?(?= )")
_VERSUS = re.compile(r"(?<= )vs?(?= )(?! \.)")
_DOTTED = re.compile(r"(?<![\w.])(?:[A-Za-z]\.){2,}(?!\w)")
_INITIALS = re.compile(r"\b(?:[A-Z]\. ){2,4}(?=[A-Z][a-z])|(?:^|(?<=[.?!] ))[B-HJ-Z]\. (?=[A-Z][a-z])")
_BEGINS_SENTENCE = re.compile(
    r" (?:The|This|That|These|They|There|He|She|It|We|You|I|But|And|Or|So|Then|In|On|At|If|When|What|Why|How|A|An)\b"
)
_OKAY = re.compile(r"(?<!\w)(O)?[Oo]\.?[Kk]\b(?!\.\w)")
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau "
        "upsilon phi chi psi omega".split(),
        strict=True,
    )
)
_LONE_GREEK = re.compile(rf"(?<!{LETTER})([α-ωΑ-Ω])(?!{LETTER})")

_MONEY_WORDS = {
    "dollar": ("dollar", "dollars", "cent", "cents"),
    "euro": ("euro", "euros", "cent", "cents"),
    "pound": ("pound", "pounds", "penny", "pence"),
    "rupee": ("rupee", "rupees", "paisa", "paise"),
    "yen": ("yen", "yen", "", ""),
}


def _unit(singular: str, plural: str | None = None) -> tuple[str, str]:
    return singular, plural or singular + "s"


_KILOMETERS_PER_HOUR = ("kilometer per hour", "kilometers per hour")


class EnglishReader(Reader):
    """English as read in the United States (``american``) or in Britain: they differ in the order of dates."""

    words = {
        "to": "to", "and": "and", "dot": "dot", "at": "at", "slash": "slash", "dash": "dash",
        "underscore": "underscore", "plus": "plus", "equals": "equals", "times": "times",
        "divided": "divided by", "squared": "squared", "cubed": "cubed", "power": "to the power of",
    }  # fmt: skip
    scales = {
        "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
        "lakh": "lakh", "lakhs": "lakh", "crore": "crore", "crores": "crore",
        "k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million",
        "bn": "billion", "b": "billion", "B": "billion", "tn": "trillion",
    }  # fmt: skip
    units = {
        "%": ("percent", "percent"), "°C": _unit("degree Celsius", "degrees Celsius"),
        "°F": _unit("degree Fahrenheit", "degrees Fahrenheit"), "°": _unit("degree"),
        "km": _unit("kilometer"), "m": _unit("meter"), "cm": _unit("centimeter"), "mm": _unit("millimeter"),
        "kg": _unit("kilogram"), "g": _unit("gram"), "mg": _unit("milligram"), "lb": _unit("pound"),
        "lbs": _unit("pound"), "oz": _unit("ounce"), "l": _unit("liter"), "L": _unit("liter"),
        "ml": _unit("milliliter"), "mL": _unit("milliliter"), "ft": _unit("foot", "feet"),
        "mi": _unit("mile"), "yd": _unit("yard"), **dict.fromkeys(("km/h", "kmh", "kph"), _KILOMETERS_PER_HOUR),
        "mph": _unit("mile per hour", "miles per hour"), "m/s": _unit("meter per second", "meters per second"),
        "km^2": _unit("square kilometer"), "m^2": _unit("square meter"), "cm^2": _unit("square centimeter"),
        "m^3": _unit("cubic meter"), "cm^3": _unit("cubic centimeter"),
        "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
        "GHz": ("gigahertz", "gigahertz"), "dB": _unit("decibel"), "kB": _unit("kilobyte"), "KB": _unit("kilobyte"),
        "MB": _unit("megabyte"), "GB": _unit("gigabyte"), "TB": _unit("terabyte"), "W": _unit("watt"),
        "kW": _unit("kilowatt"), "MW": _unit("megawatt"), "kWh": _unit("kilowatt hour"), "V": _unit("volt"),
        "s": _unit("second"), "sec": _unit("second"), "secs": _unit("second"), "ms": _unit("millisecond"),
        "min": _unit("minute"), "mins": _unit("minute"), "h": _unit("hour"), "hr": _unit("hour"),
        "hrs": _unit("hour"), "px": _unit("pixel"), "fps": _unit("frame per second", "frames per second"),
    }  # fmt: skip

    def __init__(self, american: bool) -> None:
        self.numbers: EnglishNumbers = EnglishNumbers()
        self.day_first = not american
        super().__init__()

    def first_steps(self) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        return [
            (_LONE_GREEK, lambda match: f" {_GREEK[match[1].lower()]} "),
            (_ALWAYS_OPEN, lambda match: " twenty-four seven "),
            (_NUMBERED, self._numbered),
            (_HASH_NUMBER, lambda match: " number "),
            (_DAY_MONTH, self._day_month),
            (_MONTH_DAY, self._month_day),
            (_SHORT_MONTH, lambda match: MONTHS[_month_number(match[1]) - 1]),
            (_DECADE, self._decade),
            (_ORDINAL, lambda match: f" {self.numbers.ordinal(match[1].replace(',', ''))} "),
        ]

    def later_steps(self) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        return [(_LAKHS, lambda match: f" {self.numbers.indian(match[0].replace(',', ''))} ")]

    def date(self, day: int, month: int, year: str | None) -> str:
        name, ordinal = MONTHS[month - 1], self.numbers.ordinal(str(day))
        spoken = f"the {ordinal} of {name}" if self.day_first else f"{name} {ordinal}"
        return f"{spoken}, {self.number(year)}" if year else spoken

    def time(self, hour: int, minute: int, second: int | None, half: str | None) -> str:
        spoken = self.numbers.cardinal(str(hour))
        if minute:
            spoken += " oh" if minute < 10 else ""
            spoken += f" {self.numbers.cardinal(str(minute))}"
        elif not half:
            spoken += " o'clock" if 1 <= hour <= 12 else " hundred hours"
        if second:
            spoken += f" and {self.numbers.cardinal(str(second))} second{'s' if second != 1 else ''}"
        return f"{spoken} {half.upper()}M" if half else spoken

    def money(self, amount: str, currency: str, scale: str | None) -> str:
        one, many, one_cent, cents = _MONEY_WORDS[currency]
        plain = amount.replace(",", "")
        whole, _, rest = plain.partition(".")
        if scale:
            return f"{decimal(amount, self.numbers)} {scale} {many}"
        spoken_whole = self._whole(amount.partition(".")[0])
        if not rest:
            return f"{spoken_whole} {one if is_one(plain) else many}"
        if len(rest) != 2 or not cents:
            return f"{decimal(amount, self.numbers)} {many}"
        small = f"{self.numbers.cardinal(str(int(rest)))} {one_cent if int(rest) == 1 else cents}"
        if not whole.strip("0"):
            return small
        large = f"{spoken_whole} {one if is_one(whole) else many}"
        return f"{large} and {small}" if int(rest) else large

    def _whole(self, digits: str) -> str:
        plain = digits.replace(",", "") or "0"
        return self.numbers.indian(plain) if _LAKHS.fullmatch(digits) else self.numbers.cardinal(plain)

    def fraction(self, above: int, below: int) -> str:
        named = {2: "half", 4: "quarter"}
        count = self.numbers.cardinal(str(above))
        if not 0 < above < below <= 20:
            return f"{count} over {self.numbers.cardinal(str(below))}"
        name = named.get(below) or self.numbers.ordinal(str(below))
        if above == 1:
            return f"one {name}"
        return f"{count} {'halves' if below == 2 else name + 's'}"

    def ended(self, match: re.Match[str], spoken: str) -> str:
        return _stop_if_sentence_ends(match, spoken) if match[0].endswith(".") else spoken

    def _numbered(self, match: re.Match[str]) -> str:
        names = {"No": "Number", "Nos": "Numbers", "Vol": "Volume", "Vols": "Volumes", "Fig": "Figure",
                 "Figs": "Figures", "Ch": "Chapter", "Sec": "Section", "p": "page", "pp": "pages",
                 "Eq": "Equation", "Ref": "Reference"}  # fmt: skip
        return f"{names[match[1]]} "

    def _day_month(self, match: re.Match[str]) -> str:
        ordinal = self.numbers.ordinal(str(int(match[2])))
        spoken = f"{match[1] or 'the '}{ordinal} of {MONTHS[_month_number(match[3]) - 1]}"
        return f"{spoken}, {self.number(match[4])} " if match[4] else f"{spoken} "

    def _month_day(self, match: re.Match[str]) -> str:
        spoken = f"{MONTHS[_month_number(match[1]) - 1]} {self.numbers.ordinal(str(int(match[2])))}"
        return f"{spoken}, {self.number(match[3])} " if match[3] else f"{spoken} "

    def _decade(self, match: re.Match[str]) -> str:
        digits = match[1]
        if len(digits) == 2 and digits[1] != "0":
            return match[0].replace("'", "")
        if len(digits) == 2:
            spoken = self.numbers.cardinal(digits)
        else:
            spoken = self.numbers.year(digits)
        return f" {spoken[:-1]}ies " if spoken.endswith("y") else f" {spoken}s "


def _month_number(name: str) -> int:
    return [month[:3] for month in MONTHS].index(name[:3]) + 1


def _stop_if_sentence_ends(match: re.Match[str], spoken: str) -> str:
    """Put the stop back when a new sentence seems to begin after an abbreviation that swallowed it."""
    follows = match.string[match.end() :][:3]
    return f"{spoken.rstrip()}." if re.match(r"\s+[A-Z]|\s*\n|\s*$", follows) else spoken


def _roman(numeral: str) -> str:
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    following = [*values[1:], 0]
    return str(
        sum(-value if value < after else value for value, after in zip(values, following, strict=True))
    )


def expand_abbreviations(text: str) -> str:
    """Titles, Latin and address abbreviations, initials and Roman numerals, in words."""
    numbers = EnglishNumbers()
    text = _LATIN.sub(lambda match: _LATIN_WORDS[match[1][0].lower()], text)
    text = _DOCTOR.sub("Doctor", text)
    text = _SAINT.sub("Saint", text)
    text = _DRIVE.sub(lambda match: _stop_if_sentence_ends(match, "Drive"), text)
    text = _STREET.sub(lambda match: _stop_if_sentence_ends(match, "Street"), text)
    text = _UNDOTTED_TITLE.sub(lambda match: _ABBREVIATIONS[match[1]], text)
    text = _ABBREVIATION.sub(_expand_one, text)
    text = _WITHOUT.sub(lambda match: "without" if match[1] else "with", text)
    text = _VERSUS.sub("versus", text)
    text = _DOTTED.sub(_join_letters, text)
    text = _INITIALS.sub(lambda match: match[0].replace(".", ""), text)
    text = _ROMAN_CARDINAL.sub(lambda match: f"{match[1]} {numbers.cardinal(_roman(match[2]))}", text)
    text = _ROMAN_ORDINAL.sub(lambda match: f"{match[1]} the {numbers.ordinal(_roman(match[2]))}", text)
    return _OKAY.sub(_okay, text)


def _expand_one(match: re.Match[str]) -> str:
    spoken = _ABBREVIATIONS[match[1]]
    return _stop_if_sentence_ends(match, spoken) if match[1] in _MAY_END else spoken


def _join_letters(match: re.Match[str]) -> str:
    """ "U.S." is "US"; before a capital its last stop counts only if the next word often begins a sentence."""
    joined = match[0].replace(".", "").upper()
    return f"{joined}." if _BEGINS_SENTENCE.match(match.string, match.end()) else joined


def _okay(match: re.Match[str]) -> str:
    at_start = (
        not match.string[: match.start()].strip() or match.string[: match.start()].rstrip()[-1:] in ".?!"
    )
    return "Okay" if at_start else "okay"
