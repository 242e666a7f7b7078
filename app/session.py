"""The document: what is loaded, typed, made and selected. Plain evented state, no Qt, no files.

`session.events.<field>.connect(f)` calls `f(new value)` when a field really changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from psygnal import SignalGroupDescriptor

from app.prompt_choice import PromptChoice, prompt_from_json
from app.takes import Take
from lewm_core.config import FASTEST, SLOWEST

FORMAT_VERSION = 1
SOURCES = ("original", "ground_truth", "reconstruction", "teacher_forced", "autoregressive")
"""What can be listened to, in the order of the keys 1 to 5."""
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Clip:
    """A recording to compare with: its file, what is said in it, and by which speaker of the voice."""

    path: str
    text: str = ""
    speaker: str = ""
    title: str = ""

    def to_json(self) -> dict[str, str]:
        """A dict that `from_json` reads back."""
        return {"path": self.path, "text": self.text, "speaker": self.speaker, "title": self.title}

    @classmethod
    def from_json(cls, data: Any) -> Clip:
        """Read a clip; raises ValueError when `data` is not one."""
        if not isinstance(data, dict) or not isinstance(data.get("path"), str) or not data["path"]:
            raise ValueError("a clip must name its file")
        return cls(**{key: str(data.get(key) or "") for key in ("path", "text", "speaker", "title")})

    @property
    def name(self) -> str:
        """Title, or else the name of the file."""
        return self.title or Path(self.path).name


@dataclass
class Session:
    """State of one window. `checkpoint` None means the embedded voice; `clip` None means no clip.

    `live_take` is what live mode made last: not yet one of the takes, and not saved.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    checkpoint: str | None = None
    clip: Clip | None = None
    text: str = ""
    speaker: str = ""
    seed: int = 0
    seed_locked: bool = False
    temperature: float = 0.0
    speed: float = 1.0
    voice_prompt: PromptChoice | None = None
    takes: tuple[Take, ...] = ()
    live_take: Take | None = None
    current_take: str | None = None
    source: str = "autoregressive"
    selection: tuple[float, float] | None = None
    recent_checkpoints: tuple[str, ...] = field(default=())
    recent_clips: tuple[str, ...] = field(default=())

    RECENT: ClassVar[int] = 10

    # ------------------------------------------------------------------ takes
    def take(self, take_id: str | None) -> Take | None:
        """The take of that id (it may be the live one), or None."""
        return next((take for take in self.listed_takes if take.id == take_id), None)

    @property
    def listed_takes(self) -> tuple[Take, ...]:
        """All takes as they are listed, the live one on top."""
        return self.takes if self.live_take is None else (self.live_take, *self.takes)

    def set_live_take(self, take: Take) -> None:
        """Put a live take in the place of the one before it and make it the current one."""
        self.live_take = take
        self.current_take = take.id

    def keep_live_take(self) -> None:
        """Make the live take one of the takes."""
        take = self.live_take
        if take is not None:
            self.live_take = None
            self.takes = (take, *self.takes)

    def add_take(self, take: Take) -> None:
        """Put a take on top of the list and make it the current one."""
        self.takes = (take, *self.takes)
        self.current_take = take.id

    def replace_take(self, take: Take) -> None:
        """Put `take` in the place of the one with the same id."""
        self.takes = tuple(take if old.id == take.id else old for old in self.takes)

    def remove_takes(self, ids: Iterable[str]) -> list[tuple[int, Take]]:
        """Remove takes; returns them with their places, as `restore_takes` wants them."""
        gone = set(ids)
        removed = [(index, take) for index, take in enumerate(self.takes) if take.id in gone]
        if self.current_take in gone:
            self.current_take = None
        self.takes = tuple(take for take in self.takes if take.id not in gone)
        return removed

    def restore_takes(self, removed: Iterable[tuple[int, Take]]) -> None:
        """Undo `remove_takes`."""
        takes = list(self.takes)
        for index, take in removed:
            takes.insert(min(index, len(takes)), take)
        self.takes = tuple(takes)

    # ------------------------------------------------------------------ recent files
    def remember_checkpoint(self, path: str) -> None:
        """Put a checkpoint first among the recent ones."""
        self.recent_checkpoints = _remembered(path, self.recent_checkpoints, self.RECENT)

    def remember_clip(self, path: str) -> None:
        """Put a clip first among the recent ones."""
        self.recent_clips = _remembered(path, self.recent_clips, self.RECENT)

    # ------------------------------------------------------------------ JSON
    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` reads back."""
        return {
            "format": FORMAT_VERSION,
            "checkpoint": self.checkpoint,
            "clip": self.clip.to_json() if self.clip else None,
            "text": self.text,
            "speaker": self.speaker,
            "seed": self.seed,
            "seed_locked": self.seed_locked,
            "temperature": self.temperature,
            "speed": self.speed,
            "voice_prompt": self.voice_prompt.to_json() if self.voice_prompt else None,
            "takes": [take.to_json() for take in self.takes],
            "current_take": self.current_take,
            "source": self.source,
            "selection": list(self.selection) if self.selection else None,
            "recent_checkpoints": list(self.recent_checkpoints),
            "recent_clips": list(self.recent_clips),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Session:
        """Read a session; raises ValueError with a reason when `data` is not one."""
        if data.get("format") != FORMAT_VERSION:
            raise ValueError(f"its format is {data.get('format')!r}, this studio reads {FORMAT_VERSION}")
        takes = data.get("takes", [])
        if not isinstance(takes, list):
            raise ValueError("its takes are not a list")
        session = cls(
            checkpoint=_optional_text(data, "checkpoint"),
            clip=Clip.from_json(data["clip"]) if data.get("clip") is not None else None,
            text=_optional_text(data, "text") or "",
            speaker=_optional_text(data, "speaker") or "",
            seed=int(_number(data, "seed", 0, LARGEST_SEED)),
            seed_locked=data.get("seed_locked") is True,
            temperature=_number(data, "temperature", 0.0, 10.0),
            speed=_number({"speed": 1.0, **data}, "speed", SLOWEST, FASTEST),
            voice_prompt=prompt_from_json(data.get("voice_prompt")),
            takes=tuple(Take.from_json(take) for take in takes),
            selection=_selection(data.get("selection")),
            recent_checkpoints=_texts(data, "recent_checkpoints"),
            recent_clips=_texts(data, "recent_clips"),
        )
        if session.take(_optional_text(data, "current_take")) is not None:
            session.current_take = data["current_take"]
        if data.get("source") in SOURCES:
            session.source = data["source"]
        return session


def _remembered(path: str, recent: tuple[str, ...], limit: int) -> tuple[str, ...]:
    return (path, *(other for other in recent if other != path))[:limit]


def _optional_text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value


def _texts(data: dict[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key} is not a list of texts")
    return tuple(value[: Session.RECENT])


def _number(data: dict[str, Any], key: str, low: float, high: float) -> float:
    value = data.get(key, low)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{key} is not a number")
    return min(max(value, low), high)


def _selection(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(x, (int, float)) for x in value):
        raise ValueError("the selection is not a pair of seconds")
    return (float(value[0]), float(value[1]))
