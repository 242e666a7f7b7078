"""Lists of recordings: JSON lines, CSV and TSV with a header, LJSpeech's ``metadata.csv``.

Columns go by the names that public corpora use (LJSpeech, Common Voice, AudioFolder, NeMo manifests).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lewm_core.manifest import DataError
from lewm_core.preprocess.recordings import AUDIO_SUFFIXES, Defaults, Recording, Span
from lewm_core.untrusted import parse_json, shown

LIST_SUFFIXES = (".jsonl", ".csv", ".tsv")
LJSPEECH = "LJSpeech metadata.csv"

_COLUMNS = {
    "audio": ("audio", "audio_filepath", "audio_path", "audio_file", "path", "file", "file_name", "filename", "wav"),
    "text": ("text", "sentence", "transcript", "transcription", "normalized_text", "normalised_text"),
    "speaker": ("speaker", "speaker_id", "speaker_name", "client_id", "voice", "spk"),
    "language": ("language", "locale", "lang"),
    "start": ("start", "start_time", "begin"),
    "end": ("end", "end_time", "stop"),
}  # fmt: skip
_AUDIO_FOLDERS = ("", "wavs", "clips", "audio", "wav")
_DELIMITERS = ",\t;|"


def list_format(path: Path) -> str | None:
    """What kind of list ``path`` is: "JSONL", "CSV", "TSV", LJSPEECH; None if it is no list of recordings."""
    first = next((line for line in read_utf8(path).split("\n") if line.strip()), "")
    if path.suffix == ".jsonl":
        try:
            row = parse_json(first)
        except ValueError:
            return None
        return "JSONL" if isinstance(row, dict) and _names_audio_and_text(row) else None
    if _delimiter(first):
        return "TSV" if _delimiter(first) == "\t" else "CSV"
    return LJSPEECH if 1 <= first.count("|") <= 3 else None


def read_list(path: Path, defaults: Defaults | None = None) -> list[Recording]:
    """Read a list of recordings, several rows of one sound file as its spans.

    Raises:
        DataError: the list is missing, empty, of no known form, or a row lacks its audio or text (it is named).
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist")
    form = list_format(path) if path.suffix.lower() != ".jsonl" else "JSONL"
    if form is None:
        raise DataError(
            f"{path.name} is no list of recordings: a CSV or TSV needs a header with columns such as audio, text, "
            "speaker, language; LJSpeech's metadata.csv has lines of id|text|normalised text."
        )
    defaults = defaults or Defaults()
    rows = [_recording(path, number, row, defaults) for number, row in _rows(path, form)]
    if not rows:
        raise DataError(f"{path} lists no recordings")
    return _joined(rows)


def read_utf8(path: Path) -> str:
    """Text of a transcript; a byte-order mark tells UTF-16, everything else has to be UTF-8.

    Raises:
        DataError: it is neither.
    """
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte {error.start}). Convert it, for instance with iconv."
        ) from None


def finite(value: Any) -> float:
    """A time stamp; raises ValueError, TypeError or OverflowError for what is none."""
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(f"{seconds} is no time")
    return seconds


def _delimiter(header: str) -> str | None:
    """The sign that divides ``header`` into columns among which audio and text are found."""
    for delimiter in _DELIMITERS:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        if _names_audio_and_text({cell.strip().lower(): 1 for cell in cells}):
            return delimiter
    return None


def _names_audio_and_text(row: dict[str, Any]) -> bool:
    return _value(row, "audio") is not None and _value(row, "text") is not None


def _value(row: dict[str, Any], column: str) -> Any:
    return next((row[name] for name in _COLUMNS[column] if row.get(name) is not None), None)


def _rows(path: Path, form: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and rows by lower-case column name."""
    lines = read_utf8(path).split("\n")
    if form == "JSONL":
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield number, dict(parse_json(line))
                except (ValueError, TypeError) as error:
                    raise DataError(f"{path.name}, line {number}: not a JSON object ({error})") from None
    elif form == LJSPEECH:
        for number, line in enumerate(lines, 1):
            if line.strip():
                name, _, rest = line.partition("|")
                text = rest.split("|")
                yield (
                    number,
                    {"audio": name.strip(), "text": text[1] if len(text) > 1 and text[1] else text[0]},
                )
    else:
        start = next(i for i, line in enumerate(lines) if line.strip())
        delimiter = _delimiter(lines[start]) or ","
        # Common Voice's TSV holds quotation marks as they are in the sentence; a CSV quotes with them.
        reader = csv.reader(
            [line + "\n" for line in lines[start:]],
            delimiter=delimiter,
            quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL,
        )
        header = [cell.strip().lower() for cell in next(reader)]
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found = {name: cell for name, cell in zip(header, cells, strict=False) if cell.strip()}
                yield start + reader.line_num, found


def _recording(path: Path, number: int, row: dict[str, Any], defaults: Defaults) -> Recording:
    name, text = _value(row, "audio"), _value(row, "text")
    if not isinstance(name, str) or not isinstance(text, str):
        raise DataError(
            f"{path.name}, line {number}: audio (a path) and text are needed; speaker and language if you know them"
        )
    try:
        audio = _find_audio(defaults.audio_root or path.parent, name.strip())
    except (OSError, ValueError) as error:  # no system allows such a name
        raise DataError(f"{path.name}, line {number}: {shown(name)} is no file name ({error.args[-1]})") from None
    told = _value(row, "speaker")
    speaker = str(told) if told is not None else defaults.speaker_of(audio)
    language = defaults.language_of(speaker, str(_value(row, "language") or ""), text)
    start, end = _value(row, "start"), _value(row, "end")
    if start is None or end is None:
        return Recording(audio, text, speaker, language)
    try:
        span = Span(text, finite(start), finite(end), speaker)
    except (ValueError, TypeError, OverflowError):
        raise DataError(
            f"{path.name}, line {number}: start and end have to be seconds, not {shown(start)} and {shown(end)}"
        ) from None
    return Recording(audio, "", speaker, language, (span,))


def _find_audio(root: Path, name: str) -> Path:
    """The file that a list means: with or without its ending, beside the list or in its "wavs" or "clips"."""
    for folder in _AUDIO_FOLDERS:
        if (root / folder / name).is_file():
            return root / folder / name
    if Path(name).suffix.lower() not in AUDIO_SUFFIXES:
        for folder in _AUDIO_FOLDERS:
            for suffix in (".wav", ".flac", ".ogg", ".opus", ".mp3"):
                if (root / folder / (name + suffix)).is_file():
                    return root / folder / (name + suffix)
    return root / name


def _joined(rows: list[Recording]) -> list[Recording]:
    """Rows that cut the same file become one recording, so that its cuts are checked against each other."""
    whole: list[Recording] = []
    cut: dict[tuple[Path, str], int] = {}
    for row in rows:
        key = row.audio, row.language
        if row.spans and key in cut:
            before = whole[cut[key]]
            whole[cut[key]] = Recording(
                row.audio, "", before.speaker, row.language, (before.spans or ()) + row.spans
            )
            continue
        if row.spans:
            cut[key] = len(whole)
        whole.append(row)
    return whole
