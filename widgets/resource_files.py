"""Where the files that ship with the studio lie: fonts, icons, theme pictures."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def resource_folder(name: str) -> Path:
    """The folder `name` of the installed `resources` package, or of the source tree beside `widgets`."""
    try:
        folder = Path(str(files("resources") / name))
        if folder.is_dir():
            return folder
    except ModuleNotFoundError:
        pass
    return Path(__file__).resolve().parent.parent / "resources" / name
