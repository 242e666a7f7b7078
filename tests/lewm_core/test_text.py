"""What people type, and what a voice should then read."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest

from lewm_core.numbers_to_words import EnglishNumbers, HindiNumbers
from lewm_core.text import PARAGRAPH_PAUSE, PAUSES, Sentence, TextError, normalise, split_sentences

AMERICAN = [
    # short inputs
    ("Yes.", "Yes."),
    ("No!", "No!"),
    ("ok", "Okay."),
    ("hello", "Hello."),
    ("really ?", "Really?"),
    ("wait,", "Wait."),
    # characters
    ("I’m “quoted” — really… yes", "I'm quoted, really, yes."),
    ("Wait... what?!", "Wait, what?"),
    ("ﬁne ｆｕｌｌ", "Fine full."),
    ("cafe\u0301", "Café."),
    ("He said: (yes) [no] *bold*", "He said, yes, no, bold."),
    ("😀 hi 😀", "Hi."),
    ("THIS IS A SHOUTED SENTENCE", "This is a shouted sentence."),
    # numbers
    ("I have 3 apples and 21 oranges.", "I have three apples and twenty-one oranges."),
    ("1,234,567.89", "One million two hundred and thirty-four thousand five hundred and sixty-seven point eight nine."),
    ("12,34,567 people", "Twelve lakh thirty-four thousand five hundred and sixty-seven people."),
    ("3.14 and .5", "Three point one four and zero point five."),
    ("007", "Zero zero seven."),
    ("1st, 2nd and 23rd", "First, second and twenty-third."),
    ("-5 to 5-10", "Minus five to five to ten."),
    ("2½ and 3/4", "Two and one half and three quarters."),
    ("the 1990s and '80s", "The nineteen nineties and eighties."),
    ("No. 5 is #1", "Number five is number one."),
    ("COVID-19, H2O, MP3", "COVID nineteen, H two O, MP three."),
    ("2+2=4", "Two plus two equals four."),
    ("call 800-663-9914", "Call eight zero zero, six six three, nine nine one four."),
    ("version 1.2.3", "Version one point two point three."),
    ("ratio 16:9", "Ratio sixteen to nine."),
    # dates and times
    ("In 1984 and 1905", "In nineteen eighty-four and nineteen oh-five."),
    ("From 2005 to 2024", "From two thousand and five to twenty twenty-four."),
    ("12/03/2024", "December third, twenty twenty-four."),
    ("2024-03-12", "March twelfth, twenty twenty-four."),
    ("on 3 May 2021", "On the third of May, twenty twenty-one."),
    ("The 3rd of May", "The third of May."),
    ("May 3, 2021", "May third, twenty twenty-one."),
    ("Jan. 5", "January fifth."),
    ("31/31/2024", "Thirty-one thirty-one twenty twenty-four."),
    ("at 3:45 pm. Then at 3 p.m. We go", "At three forty-five PM. Then at three PM. We go."),
    ("10:30, 15:00, 3:00, 9:05", "Ten thirty, fifteen hundred hours, three o'clock, nine oh five."),
    # amounts and units
    ("$3.50", "Three dollars and fifty cents."),
    ("$1", "One dollar."),
    ("$0.01", "One cent."),
    ("€5m, £1,200 and $5 billion", "Five million euros, one thousand two hundred pounds and five billion dollars."),
    ("₹1,00,000", "One lakh rupees."),
    ("-$5", "Minus five dollars."),
    ("$5-$10", "Five to ten dollars."),
    ("100 USD", "One hundred dollars."),
    ("50% or 99.9 %", "Fifty percent or ninety-nine point nine percent."),
    ("80 km/h, 1 kg, 25°C", "Eighty kilometers per hour, one kilogram, twenty-five degrees Celsius."),
    ("10 m² of x²", "Ten square meters of x squared."),
    ("1500 km", "One thousand five hundred kilometers."),
    # abbreviations and names
    ("Dr. Smith lives on Main St. in St. Louis.", "Doctor Smith lives on Main Street in Saint Louis."),
    ("Mr Jones vs. Mrs. Smith, etc. The end", "Mister Jones versus Missus Smith, et cetera. The end."),
    ("e.g. this, i.e. that", "For example, this, that is, that."),
    ("BBC and the U.S. Army in the U.S. They left.", "BBC and the US Army in the US. They left."),
    ("J. R. R. Tolkien and C. S. Lewis", "J R R Tolkien and C S Lewis."),
    ("World War II, Henry VIII", "World War two, Henry the eighth."),
    ("Henry IIII and Part IIX", "Henry IIII and Part IIX."),
    ("A&B @home #tag", "A and B at home hashtag tag."),
    ("Visit https://www.example.com/path?x=1.", "Visit example dot com slash path."),
    ("mail a.b@c.org", "Mail a dot b at c dot org."),
    ("open file.txt", "Open file dot txt."),
    ("α-particles", "Alpha particles."),
]  # fmt: skip

BRITISH = [
    ("12/03/2024", "The twelfth of March, twenty twenty-four."),
    ("03/13/2024", "The thirteenth of March, twenty twenty-four."),
    ("£1.01", "One pound and one penny."),
]

HINDI = [
    ("हाँ", "हाँ।"),
    ("नहीं!", "नहीं!"),
    ("क्या? हाँ. ठीक.", "क्या? हाँ। ठीक।"),
    ("ठीक है... चलो", "ठीक है, चलो।"),
    ("मेरे पास ३ सेब हैं।", "मेरे पास तीन सेब हैं।"),
    ("₹1,25,000 और $3.50", "एक लाख पच्चीस हज़ार रुपये और तीन डॉलर पचास सेंट।"),
    ("₹1", "एक रुपया।"),
    ("रु. 500", "पाँच सौ रुपये।"),
    ("₹5 करोड़", "पाँच करोड़ रुपये।"),
    ("123456789", "बारह करोड़ चौंतीस लाख छप्पन हज़ार सात सौ नवासी।"),
    ("12/03/2024 को 3:45 बजे", "बारह मार्च दो हज़ार चौबीस को तीन बजकर पैंतालीस मिनट।"),
    ("10:00 बजे", "दस बजे।"),
    ("3 मई 2021", "तीन मई दो हज़ार इक्कीस।"),
    ("सन् 1947 में", "सन् उन्नीस सौ सैंतालीस में।"),
    ("5वाँ, 2रा, 1ली, 3रे", "पाँचवाँ, दूसरा, पहली, तीसरे।"),
    ("डॉ. शर्मा 25 कि.मी. चले।", "डॉक्टर शर्मा पच्चीस किलोमीटर चले।"),
    ("7.1% और 25°C", "सात दशमलव एक प्रतिशत और पच्चीस डिग्री सेल्सियस।"),
    ("10-20 लोग", "दस से बीस लोग।"),
    ("BBC और U.S. में", "बी बी सी और यू एस में।"),
    ("office जाना है", "office जाना है।"),
    ("-5 और 1/2", "माइनस पाँच और आधा।"),
]


@pytest.mark.parametrize(("written", "read"), AMERICAN)
def test_american_english(written: str, read: str) -> None:
    assert normalise(written, "en-US") == read


@pytest.mark.parametrize(("written", "read"), BRITISH)
def test_british_english(written: str, read: str) -> None:
    assert normalise(written, "en-GB") == read


@pytest.mark.parametrize(("written", "read"), HINDI)
def test_hindi(written: str, read: str) -> None:
    assert normalise(written, "hi") == unicodedata.normalize("NFC", read)


@pytest.mark.parametrize(
    ("text", "language", "says"),
    [
        ("", "en-US", "no text"),
        (" \n ", "hi", "no text"),
        ("...!", "en-US", "no words"),
        ("😀", "hi", "no words"),
        ("नमस्ते", "en-GB", "choose a Hindi speaker"),
        ("The word Привет", "en-US", "Cyrillic"),
        ("你好", "en-US", "Chinese"),
        ("Привет", "hi", "Devanagari"),
        ("Hello", "hi", "choose an English speaker"),
        ("Hallo", "de", "en-US, en-GB, hi"),
    ],
)
def test_unspeakable_text_is_refused_with_what_to_do(text: str, language: str, says: str) -> None:
    for function in (normalise, split_sentences):
        with pytest.raises(TextError, match=says):
            function(text, language)


def test_sentences_and_pauses() -> None:
    text = "Dr. Smith came at 3 p.m. He left! Why?\n\nNobody knows"
    assert split_sentences(text, "en-US") == [
        Sentence("Doctor Smith came at three PM.", PAUSES["."]),
        Sentence("He left!", PAUSES["!"]),
        Sentence("Why?", PARAGRAPH_PAUSE),
        Sentence("Nobody knows.", 0.0),
    ]
    assert [piece.text for piece in split_sentences("नमस्ते। आप कैसे हैं? ठीक", "hi")] == [
        "नमस्ते।",
        "आप कैसे हैं?",
        "ठीक।",
    ]


def test_lists_and_wrapped_lines() -> None:
    assert (
        normalise("- one\n- two\n\na line\nthat goes on", "en-US") == "One.\n\nTwo.\n\nA line that goes on."
    )
    assert normalise("1. one\n2. two", "en-US") == "One, one.\n\nTwo, two."


def test_long_sentences_are_split_at_clauses_then_words_then_anywhere() -> None:
    text = "One two three, four five six; seven eight nine ten eleven"
    assert [piece.text for piece in split_sentences(text, "en-US", 30)] == [
        "One two three, four five six;",
        "seven eight nine ten eleven.",
    ]
    assert [piece.text for piece in split_sentences(text, "en-US", 18)] == [
        "One two three,",
        "four five six;",
        "seven eight nine",
        "ten eleven.",
    ]
    assert [piece.text for piece in split_sentences("Abcdefghij", "en-US", 4)] == ["Abcd", "efgh", "ij."]
    assert all(len(piece.text) <= 240 for piece in split_sentences("word " * 2000, "en-US"))
    with pytest.raises(TextError):
        split_sentences("Yes.", "en-US", 0)


def test_hindi_numbers_are_a_hundred_different_words() -> None:
    hindi = HindiNumbers()
    words = [hindi.cardinal(str(number)) for number in range(100)]
    assert len(set(words)) == 100
    assert all(" " not in word for word in words)
    assert hindi.cardinal("100000") == "एक लाख"
    assert hindi.cardinal("1" + "0" * 14) == "दस नील"
    assert hindi.cardinal("1" * 16) == " ".join(["एक"] * 16)


def test_english_numbers() -> None:
    english = EnglishNumbers()
    assert english.cardinal("1000001") == "one million and one"
    assert english.ordinal("101") == "one hundred and first"
    assert english.cardinal("1" * 16) == " ".join(["one"] * 16)


def test_text_needs_no_torch_and_no_espeak() -> None:
    code = (
        "import sys; from lewm_core.text import split_sentences; split_sentences('Yes. No.', 'en-US'); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'phonemizer')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
