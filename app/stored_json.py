"""JSON files that the studio writes for itself, read with distrust: a damaged one is set aside."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from lewm_core.files import write_atomically

LARGEST_FILE = 32 * 1024 * 1024


def read_object(path: Path) -> tuple[dict[str, Any] | None, str]:
    """The JSON object in `path` and a message.

    Returns (object, ""), (None, "") when there is no file, or (None, sentence) when the file was damaged;
    a damaged file is renamed to `<name>.bak`, so that nothing is lost and the next start is clean.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("it is far too large")
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("it does not hold an object")
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, RecursionError) as error:
        return None, set_aside(path, str(error))
    return data, ""


def set_aside(path: Path, reason: str) -> str:
    """Rename a damaged file to `<name>.bak`; returns the sentence to show."""
    backup = path.with_name(path.name + ".bak")
    try:
        os.replace(path, backup)
    except OSError as error:
        return f"{path} cannot be used ({reason}) and could not be set aside: {error.strerror or error}."
    return f"{path.name} was damaged ({reason}). It was set aside as {backup}; the studio starts without it."


def write_object(path: Path, data: dict[str, Any]) -> None:
    """Write a JSON object, whole or not at all; raises OSError."""
    text = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_atomically(path, text.encode("utf-8", "replace"))
