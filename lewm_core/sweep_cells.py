"""What a sweep makes: the same sentences through several checkpoints, as plain data that can be written to files.

Nothing here needs torch; ``lewm_core.sweep`` does the work.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lewm_core.files import write_atomically

FIGURES = ("l1", "blur", "contrast_db", "seconds")
"""Figures of a rendering, in the order of a table; docs/analysis.md defines them."""


@dataclass(frozen=True)
class SweepItem:
    """One sentence to be spoken by every checkpoint.

    Attributes:
        text: what is said (in the clip, where there is one).
        speaker: name; "" takes the first speaker of the text's language.
        clip: a recording to be rebuilt and predicted as well; None speaks the text alone.
    """

    text: str
    speaker: str = ""
    seed: int = 0
    temperature: float = 0.0
    clip: Path | None = None


@dataclass(frozen=True)
class CellRendering:
    """One mel of a cell: (m, t) natural log, its wave (samples,), and its figures by the names in FIGURES."""

    mel: np.ndarray
    wave: np.ndarray
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepCell:
    """One sentence through one checkpoint.

    Attributes:
        checkpoint: name of the checkpoint.  step: of its training.
        speaker: who spoke.
        renderings: by pane key ("reconstruction", "teacher_forced", "autoregressive").
        stop_reason: of the free run.
        failure: why there is nothing; "" when there is.
    """

    checkpoint: str
    step: int
    item: SweepItem
    speaker: str
    renderings: dict[str, CellRendering]
    sample_rate: int = 24_000
    stop_reason: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def stem(self) -> str:
        """Name for its files: checkpoint, speaker and the first words of the text."""
        words = "-".join(re.findall(r"\w+", self.item.text.lower())[:5])
        return "_".join(filter(None, (_plain(self.checkpoint), _plain(self.speaker), words[:40])))

    def as_json(self) -> dict[str, Any]:
        """All but mels and waves, JSON-able."""
        return {
            "checkpoint": self.checkpoint,
            "step": self.step,
            "text": self.item.text,
            "speaker": self.speaker,
            "seed": self.item.seed,
            "clip": None if self.item.clip is None else self.item.clip.name,
            "figures": {key: made.figures for key, made in self.renderings.items()},
            "stop_reason": self.stop_reason,
            "failure": self.failure,
        }


COLUMNS = (
    "checkpoint",
    "step",
    "speaker",
    "text",
    "seed",
    "rendering",
    *FIGURES,
    "stop_reason",
    "file",
    "failure",
)


def csv_text(rows: Iterable[dict[str, Any]]) -> str:
    """Rows of ``cell_rows`` as CSV with a heading."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def cell_rows(cell: SweepCell, files: dict[str, str]) -> Iterator[dict[str, Any]]:
    """One row a rendering (one in all for a cell that failed); ``files`` are names by rendering."""
    common = {
        "checkpoint": cell.checkpoint, "step": cell.step, "speaker": cell.speaker, "text": cell.item.text,
        "seed": cell.item.seed, "stop_reason": cell.stop_reason, "failure": cell.failure,
    }  # fmt: skip
    if not cell.renderings:
        yield common
    for key, made in cell.renderings.items():
        figures = {name: round(value, 4) for name, value in made.figures.items()}
        yield {**common, **figures, "rendering": key, "file": files.get(key, "")}


def write_cells(cells: Iterable[SweepCell], folder: Path, subtype: str = "PCM_16") -> Iterator[Path]:
    """Write every rendering as a wav into ``folder``, then ``cells.csv``; yields each path that was written.

    Nothing that is there but an older ``cells.csv`` is overwritten.

    Raises:
        lewm_core.files.WriteError: the folder cannot be written to.
    """
    import soundfile

    rows: list[dict[str, Any]] = []
    for cell in cells:
        files = {}
        for key, made in cell.renderings.items():
            sound = io.BytesIO()
            soundfile.write(sound, made.wave, cell.sample_rate, subtype=subtype, format="WAV")
            stem = f"{cell.stem}_{key.replace('_', '-')}"
            path = write_atomically(_free(folder, stem), sound.getvalue())
            files[key] = path.name
            yield path
        rows += cell_rows(cell, files)
    # The byte-order mark tells spreadsheet programs that the text is UTF-8.
    yield write_atomically(folder / "cells.csv", ("\ufeff" + csv_text(rows)).encode())


def _free(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}.wav", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.wav"
    return path


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")
