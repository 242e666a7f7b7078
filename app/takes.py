"""A take: one synthesis with its recipe, kept on disk so that it survives a restart.

The folder of the session holds `<id>.wav` (32-bit float, the exact samples), `<id>.npy` (the log-mel,
natural-log amplitude) and the take itself as JSON inside the session file.
"""

from __future__ import annotations

import io
import math
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from lewm_core.files import write_atomically

TITLE_LENGTH = 60


@dataclass(frozen=True)
class Take:
    """What was asked for and how it ended; the sound lies in the store under `id`."""

    id: str
    title: str
    text: str
    speaker: str
    seed: int
    temperature: float
    seconds: float
    created: str
    sample_rate: int
    stop_reason: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    speed: float = 1.0

    def renamed(self, title: str) -> Take:
        """The same take under another title; an empty title falls back to its text."""
        return replace(self, title=title.strip() or title_from_text(self.text))

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Take:
        """Read a take; raises ValueError (never anything else) when `data` is not one."""
        if not isinstance(data, dict):
            raise ValueError("a take must be an object")
        try:
            take = cls(
                id=_text(data, "id"),
                title=_text(data, "title"),
                text=_text(data, "text"),
                speaker=_text(data, "speaker"),
                seed=int(data["seed"]),
                temperature=float(data["temperature"]),
                seconds=float(data["seconds"]),
                created=_text(data, "created"),
                sample_rate=int(data["sample_rate"]),
                stop_reason=str(data.get("stop_reason", "")),
                recipe=dict(data.get("recipe") or {}),
                speed=float(data.get("speed", 1.0)),
            )
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"a take is incomplete: {error}") from error
        # The id becomes a file name: nothing but what `new_take` makes may pass.
        if not take.id.isalnum() or not take.id.isascii():
            raise ValueError(f"a take has the unusable id {take.id!r}")
        numbers = (take.seconds, take.temperature, take.speed)
        if not all(map(math.isfinite, numbers)) or take.sample_rate <= 0 or take.speed <= 0:
            raise ValueError(f"the take {take.id} has impossible numbers")
        return take


def _text(data: dict[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} of a take must be text")
    return value


def title_from_text(text: str) -> str:
    """First words of a text, on one line, as the title of a take."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def new_take(
    *,
    text: str,
    speaker: str,
    seed: int,
    temperature: float,
    seconds: float,
    sample_rate: int,
    stop_reason: str,
    recipe: dict[str, Any],
    speed: float = 1.0,
) -> Take:
    """A take with a fresh id, the current time (UTC, ISO 8601) and a title from its text."""
    return Take(
        id=uuid.uuid4().hex[:12],
        title=title_from_text(text),
        text=text,
        speaker=speaker,
        seed=seed,
        temperature=temperature,
        seconds=seconds,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sample_rate=sample_rate,
        stop_reason=stop_reason,
        recipe=recipe,
        speed=speed,
    )


class TakeStore:
    """Sounds and mels of takes in one folder; what was used last stays in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cache: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def wave_path(self, take_id: str) -> Path:
        """The float wav of a take."""
        return self.folder / f"{take_id}.wav"

    def mel_path(self, take_id: str) -> Path:
        """The log-mel of a take."""
        return self.folder / f"{take_id}.npy"

    def keep(self, take_id: str, mel: np.ndarray, wave: np.ndarray) -> None:
        """Hold a take in memory, so that it can be shown before (or without) being on disk."""
        self._cache[take_id] = (mel, wave)

    def save(self, take: Take, mel: np.ndarray, wave: np.ndarray) -> None:
        """Write mel (n_mels, frames) and wave (samples,); raises OSError when the disk refuses."""
        import soundfile

        sound, picture = io.BytesIO(), io.BytesIO()
        soundfile.write(sound, wave, take.sample_rate, subtype="FLOAT", format="WAV")
        np.save(picture, np.asarray(mel, dtype=np.float32), allow_pickle=False)
        write_atomically(self.wave_path(take.id), sound.getvalue())
        write_atomically(self.mel_path(take.id), picture.getvalue())

    def load(self, take: Take) -> tuple[np.ndarray, np.ndarray]:
        """Mel (n_mels, frames) and wave (samples,) of a take; raises OSError or ValueError when lost."""
        if take.id in self._cache:
            return self._cache[take.id]
        import soundfile

        try:
            wave, _ = soundfile.read(self.wave_path(take.id), dtype="float32")
        except soundfile.SoundFileError as error:
            raise OSError(f"{self.wave_path(take.id)} cannot be read: {error}") from error
        mel = np.load(self.mel_path(take.id), allow_pickle=False)
        if wave.ndim != 1 or mel.ndim != 2:
            raise ValueError(f"the files of the take {take.id} hold something else")
        self._cache[take.id] = (np.asarray(mel, dtype=np.float32), wave)
        return self._cache[take.id]

    def has(self, take: Take) -> bool:
        """True when sound and mel of a take can be had."""
        on_disk = self.wave_path(take.id).is_file() and self.mel_path(take.id).is_file()
        return take.id in self._cache or on_disk

    def remove(self, take_id: str) -> None:
        """Forget a take and delete its files; missing files are fine."""
        self._cache.pop(take_id, None)
        for path in (self.wave_path(take_id), self.mel_path(take_id)):
            path.unlink(missing_ok=True)
