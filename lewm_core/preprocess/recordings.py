"""What there is to prepare: recordings with their transcripts, and what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lewm_core.text import LANGUAGES
from lewm_core.text_characters import is_devanagari

AUDIO_SUFFIXES = frozenset(".wav .flac .ogg .oga .opus .mp3 .aiff .aif .aifc .au .w64 .caf .rf64".split())
"""What libsndfile reads."""
FOREIGN_SUFFIXES = frozenset(".m4a .mp4 .aac .wma .webm .mkv .mov .amr .3gp".split())
"""Sound that libsndfile does not read; named in the report with the way out."""
_TECHNICAL_FOLDERS = frozenset("wav wavs audio clips flac mp3 ogg recordings".split())
_LANGUAGE_ALIASES = {
    "en": "en-US", "english": "en-US", "hi-in": "hi", "hindi": "hi", "hin": "hi", "eng": "en-US",
    **{tag.lower(): tag for tag in LANGUAGES},
}  # fmt: skip


@dataclass(frozen=True)
class Span:
    """A stretch of a recording in which ``text`` is spoken; seconds. ``speaker`` where the stamps name one."""

    text: str
    start: float
    end: float
    speaker: str | None = None


@dataclass(frozen=True)
class Recording:
    """A sound file and what is said in it.

    Attributes:
        audio: the file.
        text: the whole transcript, if ``spans`` is None.
        speaker: name; a span may name another.
        language: "en-US", "en-GB" or "hi" (another tag is rejected when the text is read).
        spans: stretches to cut, or None: all of it, cut at silences only if it is long.
    """

    audio: Path
    text: str
    speaker: str
    language: str
    spans: tuple[Span, ...] | None = None


@dataclass(frozen=True)
class Rejection:
    """Something that was left out.

    Attributes:
        audio: the recording, or a transcript without one.
        kind: a short class to count by, such as "reading rate".
        reason: a sentence for a person, with what to do where that is known.
        text: what should have been said there.
        start, end: seconds in the recording; both 0 if all of it, or not known.
    """

    audio: str
    kind: str
    reason: str
    text: str = ""
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True)
class Defaults:
    """What the person says for recordings whose transcript does not.

    Attributes:
        speaker: name; None: by the folder's name.
        language: tag; None: by the script of the text.
        languages: speaker to tag, stronger than what the list says ("emma": "en-GB").
        audio_root: where relative paths of a list start; None: the list's folder.
    """

    speaker: str | None = None
    language: str | None = None
    languages: dict[str, str] = field(default_factory=dict)
    audio_root: Path | None = None

    def speaker_of(self, audio: Path) -> str:
        """The named speaker, or the nearest folder whose name is not just "wavs" or the like."""
        if self.speaker:
            return self.speaker
        folders = [part.name for part in audio.absolute().parents if part.name]
        return next((name for name in folders if name.lower() not in _TECHNICAL_FOLDERS), "speaker")

    def language_of(self, speaker: str, told: str, text: str) -> str:
        """A speaker's language: as the person says for the speaker, as the list says, else by the script."""
        tag = self.languages.get(speaker) or told.strip() or self.language or ""
        if tag:
            return _LANGUAGE_ALIASES.get(tag.lower().replace("_", "-"), tag)
        return "hi" if any(map(is_devanagari, text)) else "en-US"
