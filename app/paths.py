"""Where the studio keeps its own files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APPLICATION = "lewm-studio"
HOME_VARIABLE = "LEWM_STUDIO_HOME"
"""Environment variable that moves all of the studio's own files into one folder."""


@dataclass(frozen=True)
class Places:
    """Files of one installation (or of one throw-away run)."""

    folder: Path

    @property
    def settings(self) -> Path:
        """Settings and window layout."""
        return self.folder / "settings.json"

    @property
    def session(self) -> Path:
        """The last session."""
        return self.folder / "session.json"

    @property
    def takes(self) -> Path:
        """Sounds and mels of the takes."""
        return self.folder / "takes"

    @property
    def votes(self) -> Path:
        """Votes of blind listening tests, one JSON object a line."""
        return self.folder / "votes.jsonl"

    @property
    def examples(self) -> Path:
        """Examples that were made on this machine."""
        return self.folder / "examples"

    @property
    def log(self) -> Path:
        """What went wrong, for bug reports."""
        return self.folder / "studio.log"


def usual_places() -> Places:
    """The user's data folder, or the folder named by LEWM_STUDIO_HOME."""
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return Places(Path(chosen))
    return Places(Path(platformdirs.user_data_dir(APPLICATION, appauthor=False)))
