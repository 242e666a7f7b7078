"""Time-stamped transcripts beside long recordings: SRT, WebVTT, Praat TextGrid, Whisper-style JSON.

Subtitles are read by pysubs2, TextGrids by ``text_grid``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lewm_core.manifest import DataError
from lewm_core.preprocess.lists import finite, read_utf8
from lewm_core.preprocess.recordings import Span
from lewm_core.preprocess.text_grid import Tier, read_text_grid
from lewm_core.untrusted import UntrustedError, parse_json

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
        return bool(_segments(parse_json(read_utf8(path))))
    except ValueError:
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
    tier = _sentence_tier(read_text_grid(path), path)
    found = [Span(" ".join(label.split()), start, end) for start, end, label in tier.intervals]
    return [span for span in found if span.text], ""


def _sentence_tier(tiers: list[Tier], path: Path) -> Tier:
    """The interval tier that holds sentences, by its name; never one of words or phones."""
    for wanted in _SENTENCE_TIERS:
        for tier in tiers:
            if wanted in tier.name.lower():
                return tier
    for tier in tiers:
        if not any(small in tier.name.lower() for small in _SMALLER_TIERS):
            return tier
    raise DataError(
        f"{path.name} has no interval tier of sentences (found: {', '.join(tier.name for tier in tiers) or 'none'}). "
        "Name one “sentences”."
    )


def _whisper(path: Path) -> tuple[list[Span], str]:
    try:
        content = parse_json(read_utf8(path))
    except UntrustedError as error:
        raise DataError(f"{path.name} is not JSON: {error}") from None
    segments = _segments(content)
    if segments is None:
        raise DataError(f"{path.name} has no “segments” with start, end and text")
    language = content.get("language", "") if isinstance(content, dict) else ""
    try:
        return [_whisper_span(segment) for segment in segments], str(language or "")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
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
        start, end = (finite(segment["offsets"][side]) / 1000 for side in ("from", "to"))
    else:
        start, end = finite(segment["start"]), finite(segment["end"])
    return Span(" ".join(str(segment["text"]).split()), start, end, None if speaker is None else str(speaker))
