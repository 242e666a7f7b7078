"""What a person finds at the very first start: an example clip, and a sentence to speak."""

from __future__ import annotations

import json
import logging

from app.session import Clip, Session
from lewm_core.resources_path import resource

logger = logging.getLogger(__name__)
FIRST_TEXT = "Welcome to the studio. Every sentence that you type here can be heard and seen."


def example_clips() -> list[Clip]:
    """The clips that ship with the studio; an installation without them has none."""
    rows = example_rows()
    return [Clip(row["audio"], row["text"], row["speaker"], row["title"]) for row in rows]


def example_rows() -> list[dict[str, str]]:
    """The same as rows of a list for `lewm preprocess`: audio (path), text, speaker, language, and a title."""
    folder = resource("clips")
    names = ("text", "speaker", "language", "title")
    try:
        entries = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
        return [
            {"audio": str(folder / entry["file"])} | {name: entry[name] for name in names} for entry in entries
        ]
    except (OSError, ValueError, KeyError, TypeError):
        logger.exception("example clips")
        return []


def first_session() -> Session:
    """The session of a first start."""
    clips = example_clips()
    clip = clips[0] if clips else None
    return Session(clip=clip, text=FIRST_TEXT, speaker=clip.speaker if clip else "")
