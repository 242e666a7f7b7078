"""Files that leave the studio: wavs with their recipe beside them, mels, all panes at once. No Qt.

Everything is written to a temporary file first and then moved, so a full disk leaves no torso.
"""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from app.engine_messages import Step
from lewm_core.files import write_atomically

SUBTYPE_TITLES = {"PCM_16": "16-bit", "PCM_24": "24-bit", "FLOAT": "32-bit float"}


class ExportError(ValueError):
    """A file could not be written; the sentence says which and why."""


@dataclass(frozen=True)
class ExportItem:
    """One sound: wave (samples,) at `sample_rate` Hz, its log-mel (n_mels, frames) or None, its recipe."""

    name: str
    wave: np.ndarray
    sample_rate: int
    mel: np.ndarray | None = None
    recipe: dict[str, Any] = field(default_factory=dict)


def file_stem(text: str, fallback: str = "speech") -> str:
    """A file name without extension out of any text, usable on every system; scripts other than Latin stay."""
    # Letters, marks (Devanagari vowel signs are marks) and digits stay; everything else parts words.
    kept = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text.casefold())
    return "-".join(kept.split())[:48].rstrip("-") or fallback


def write_item(item: ExportItem, path: Path, subtype: str, with_mel: bool = False) -> list[Path]:
    """Write wav, recipe (`<name>.json`) and, if wanted, mel (`<name>.npy`); returns the files.

    Raises ExportError; then none of the files of this item stays behind, unless it was there before.
    """
    from lewm_core.mel import Subtype, write_wav

    written: list[Path] = []

    def write(target: Path, work: Callable[[Path], object]) -> None:
        existed = target.exists()
        work(target)
        if not existed:
            written.append(target)

    recipe = {**item.recipe, "file": path.name, "sample_rate": item.sample_rate, "subtype": subtype}
    text = json.dumps(recipe, ensure_ascii=False, indent=2, default=str) + "\n"
    paths = [path, path.with_suffix(".json")]
    try:
        write(path, lambda target: write_wav(target, item.wave, item.sample_rate, cast("Subtype", subtype)))
        write(paths[1], lambda target: write_atomically(target, text.encode()))
        if with_mel and item.mel is not None:
            paths.append(path.with_suffix(".npy"))
            write(paths[2], lambda target: write_mel(target, item.mel))
    except (OSError, ValueError) as error:
        for leftover in written:
            leftover.unlink(missing_ok=True)
        raise ExportError(str(error)) from error
    return paths


def write_mel(path: Path, mel: np.ndarray | None) -> None:
    """A mel as .npy (float32, natural-log amplitude), whole or not at all; raises OSError."""

    buffer = io.BytesIO()
    np.save(buffer, np.asarray(mel, dtype=np.float32), allow_pickle=False)
    write_atomically(path, buffer.getvalue())


def export_items(
    items: list[tuple[ExportItem, Path]], subtype: str, with_mels: bool, cancelled: Callable[[], bool]
) -> Generator[Step, None, list[Path]]:
    """A job that writes several items; returns the files. Raises ExportError at the first that fails."""
    paths: list[Path] = []
    for done, (item, path) in enumerate(items):
        yield Step(done / len(items), f"Writing {path.name}")
        if cancelled():
            break
        paths += write_item(item, path, subtype, with_mels)
    return paths


def free_path(folder: Path, stem: str, suffix: str, taken: set[Path]) -> Path:
    """A path in `folder` that neither exists nor is in `taken`: stem, stem-2, stem-3, ..."""
    path = folder / f"{stem}{suffix}"
    number = 2
    while path in taken or path.exists():
        path = folder / f"{stem}-{number}{suffix}"
        number += 1
    taken.add(path)
    return path
