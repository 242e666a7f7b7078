"""Where the shipped files lie, however the package was installed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource(*parts: str) -> Path:
    """Path of a shipped file or folder, such as ``resource("clips", "clips.json")``.

    Nothing is checked: whoever opens the file gets the usual FileNotFoundError with the full path in it.
    """
    return Path(str(files("resources"))).joinpath(*parts)
