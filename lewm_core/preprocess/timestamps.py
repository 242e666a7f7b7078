"""Time-stamped transcripts beside long recordings: SRT, WebVTT, Praat TextGrid, Whisper-style JSON.

Subtitles are read by pysubs2, TextGrids by Praat itself (parselmouth), in all of its text and binary forms.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from lewm_core.manifest import DataError
from lewm_core.preprocess.lists import read_utf8
from lewm_core.preprocess.recordings import Span

STAMPED_SUFFIXES = {".textgrid": "TextGrid", ".srt": "SRT", ".vtt": "WebVTT", ".json": "Whisper JSON"}

_NOT_SPEECH = re.compile(r"\s*(?:[\[(][^\])]*[\])]|[♪♫#*]+[^♪♫]*[♪♫#*]*|\.\.\.)\s*")
_SENTENCE_TIERS = (
    "sentence",
    "utterance",
    "transcript",
    "text",
    "segment",
    "phrase",
    "speech",
    "ort",
    "line",
)
_SMALLER_TIERS = ("word", "phone", "phoneme", "syllab", "mau", "kan", "tone", "note", "comment")


def read_spans(path: Path) -> tuple[list[Span], str]:
    """Read a time-stamped transcript.

    Returns:
        its spans in the order of the file, without those that hold no words ("[music]"); and the language that
        it names, or "".

    Raises:
        DataError: it cannot be read as what its ending says, or holds no span with words.
    """
    reader = {".srt": _subtitles, ".vtt": _subtitles, ".textgrid": _text_grid, ".json": _whisper}
    spans, language = reader[path.suffix.lower()](path)
    spans = [span for span in spans if span.text and not _NOT_SPEECH.fullmatch(span.text)]
    if not spans:
        raise DataError(f"{path.name} holds no time stamps with words; expected start, end and text")
    return spans, language


def is_stamped_json(path: Path) -> bool:
    """Whether a JSON file beside a recording looks like a transcript of it (any other may lie there as well)."""
    try:
        return bool(_segments(json.loads(read_utf8(path))))
    except (ValueError, DataError, RecursionError):
        return False


def _subtitles(path: Path) -> tuple[list[Span], str]:
    import pysubs2

    try:
        form = path.suffix.lower().lstrip(".")
        events = pysubs2.SSAFile.from_string(read_utf8(path), format_=form).events
    except (pysubs2.Pysubs2Error, ValueError, IndexError) as error:
        raise DataError(f"{path.name} cannot be read as subtitles: {error}") from None
    return [
        Span(" ".join(event.plaintext.split()), event.start / 1000, event.end / 1000)
        for event in events
        if not event.is_comment
    ], ""


def _text_grid(path: Path) -> tuple[list[Span], str]:
    if b"TextGrid" not in path.read_bytes()[:200].replace(b"\0", b""):
        raise DataError(f"{path.name} is no Praat TextGrid")
    try:
        import parselmouth
    except ImportError as error:
        raise DataError(f"{path.name} needs Praat to be read: install praat-parselmouth ({error})") from None
    try:
        grid = parselmouth.read(str(path))
        return _intervals(grid, _sentence_tier(grid, path)), ""
    except parselmouth.PraatError as error:
        raise DataError(f"{path.name} cannot be read by Praat: {' '.join(str(error).split())}") from None


def _sentence_tier(grid: Any, path: Path) -> int:
    """The number of the interval tier that holds sentences, by its name; never one of words or phones."""
    from parselmouth.praat import call

    names = {
        tier: str(call(grid, "Get tier name", tier))
        for tier in range(1, int(call(grid, "Get number of tiers")) + 1)
        if call(grid, "Is interval tier", tier)
    }
    for wanted in _SENTENCE_TIERS:
        for tier, name in names.items():
            if wanted in name.lower():
                return tier
    for tier, name in names.items():
        if not any(small in name.lower() for small in _SMALLER_TIERS):
            return tier
    raise DataError(
        f"{path.name} has no interval tier of sentences (found: {', '.join(names.values()) or 'none'}). "
        "Name one “sentences”."
    )


def _intervals(grid: Any, tier: int) -> list[Span]:
    from parselmouth.praat import call

    count = int(call(grid, "Get number of intervals", tier))
    found = []
    for number in range(1, count + 1):
        text = " ".join(str(call(grid, "Get label of interval", tier, number)).split())
        if text:
            start = float(call(grid, "Get start time of interval", tier, number))
            end = float(call(grid, "Get end time of interval", tier, number))
            found.append(Span(text, start, end))
    return found


def _whisper(path: Path) -> tuple[list[Span], str]:
    try:
        content = json.loads(read_utf8(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name} is not JSON: {error}") from None
    segments = _segments(content)
    if segments is None:
        raise DataError(f"{path.name} has no “segments” with start, end and text")
    language = content.get("language", "") if isinstance(content, dict) else ""
    try:
        return [_whisper_span(segment) for segment in segments], str(language or "")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path.name}: a segment lacks start, end or text ({error!r})") from None


def _segments(content: Any) -> list[Any] | None:
    """The list of segments in what openai-whisper, faster-whisper, WhisperX or whisper.cpp write."""
    if isinstance(content, dict):
        content = content.get("segments", content.get("transcription"))
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        return None
    return content if all("text" in part for part in content) else None


def _whisper_span(segment: dict[str, Any]) -> Span:
    speaker = segment.get("speaker")
    if "offsets" in segment:  # whisper.cpp: milliseconds
        start, end = (float(segment["offsets"][side]) / 1000 for side in ("from", "to"))
    else:
        start, end = float(segment["start"]), float(segment["end"])
    return Span(" ".join(str(segment["text"]).split()), start, end, None if speaker is None else str(speaker))
