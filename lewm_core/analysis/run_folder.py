"""A training run as it lies on disk: its checkpoints in the order of their steps, and the curves of its logs.

Any folder with safetensors checkpoints of LeWM-TTS is a run; ``lewm train`` writes them into ``RUN/checkpoints``
and its losses, one JSON object a line, into ``RUN/STAGE.log.jsonl`` (docs/training.md). A run may still be under
way: files that are being written or copied are told apart, and never opened. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lewm_core.checkpoint import CheckpointError, is_whole, read_header
from lewm_core.untrusted import UntrustedError, is_like, parse_json

CHECKPOINTS = "checkpoints"
"""Folder inside a run in which ``lewm train`` saves checkpoints; those beside it count as well."""
LOG_SUFFIX = ".log.jsonl"
_LARGEST_LINE = 1_000_000


class RunFolderError(ValueError):
    """A folder cannot be read as a run; the message says why."""


@dataclass(frozen=True)
class SavedCheckpoint:
    """A whole checkpoint file, known by its header alone.

    Attributes:
        step: optimiser steps when it was saved.
        speakers: (name, language) in the order of the model.
        losses: what the header says of its last figures.
        stamp: size in bytes and time of the last change in ns; a file that is written anew has another one.
    """

    path: Path
    step: int
    preset: str
    speakers: tuple[tuple[str, str], ...]
    losses: dict[str, float]
    stamp: tuple[int, int]

    @property
    def name(self) -> str:
        """File name without its ending."""
        return self.path.stem


@dataclass(frozen=True)
class RunFolder:
    """What lies in a run folder at one moment.

    Attributes:
        checkpoints: by step, then by time of saving.
        unfinished: names of files that are still being written (or are damaged), left alone for now.
        logs: files of loss curves.
    """

    path: Path
    checkpoints: tuple[SavedCheckpoint, ...]
    unfinished: tuple[str, ...]
    logs: tuple[Path, ...]


@dataclass(frozen=True)
class Curve:
    """One figure of a log against the step.

    Attributes:
        stage: what was trained ("autoencoder"); the name of the log file.
        kind: "train" (mean since the line before) or "validation".
        name: of the figure.
        steps: (n,) rising.
        values: (n,) finite.
    """

    stage: str
    kind: str
    name: str
    steps: np.ndarray
    values: np.ndarray


def open_run(folder: Path | str, known: RunFolder | None = None) -> RunFolder:
    """Look into a run folder. Only headers are read; files that ``known`` has unchanged are not opened again.

    Raises:
        RunFolderError: it is no folder, or cannot be listed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunFolderError(f"{folder} is not a folder. Choose the folder that training writes into.")
    before = {} if known is None else {saved.path: saved for saved in known.checkpoints}
    found: list[SavedCheckpoint] = []
    unfinished: list[str] = []
    try:
        paths = sorted([*folder.glob("*.safetensors"), *(folder / CHECKPOINTS).glob("*.safetensors")])
        logs = tuple(sorted(folder.glob(f"*{LOG_SUFFIX}")))
    except OSError as error:
        raise RunFolderError(f"{folder} cannot be read: {error.strerror or error}.") from error
    for path in paths:
        saved = _looked_into(path, before.get(path), unfinished)
        if saved is not None:
            found.append(saved)
    found.sort(key=lambda saved: (saved.step, saved.stamp[1], saved.path.name))
    return RunFolder(folder, tuple(found), tuple(unfinished), logs)


def is_run(folder: Path | str) -> bool:
    """True for a folder that has something of a run: checkpoints of whichever program, their folder, or a log."""
    folder = Path(folder)
    kinds = ("*.safetensors", CHECKPOINTS, f"*{LOG_SUFFIX}")
    try:
        return folder.is_dir() and any(True for kind in kinds for _ in folder.glob(kind))
    except OSError:
        return False


def run_of(folder: Path | str) -> Path:
    """The run that a folder belongs to: for the ``checkpoints`` of a run the folder around them, with the logs."""
    folder = Path(folder)
    has_log = folder.name == CHECKPOINTS and any(True for _ in folder.parent.glob(f"*{LOG_SUFFIX}"))
    return folder.parent if has_log else folder


def open_checkpoint(path: Path | str) -> SavedCheckpoint:
    """Look into the header of one checkpoint file.

    Raises:
        CheckpointError: it is missing, not whole, or none of ours.
    """
    path = Path(path)
    if not is_whole(path):
        raise CheckpointError(
            f"{path.name} is cut short, or still being written. Wait for it, or copy it again."
        )
    return _from_header(path, read_header(path), _stamp(path))


def _looked_into(path: Path, before: SavedCheckpoint | None, unfinished: list[str]) -> SavedCheckpoint | None:
    """The checkpoint in a file; None when it is another program's, or not whole (then it is noted)."""
    try:
        stamp = _stamp(path)
        if before is not None and before.stamp == stamp:
            return before
        if not is_whole(path):
            unfinished.append(path.name)
            return None
        header = read_header(path)
        if _stamp(path) != stamp:  # it was replaced while we looked
            unfinished.append(path.name)
            return None
        return _from_header(path, header, stamp)
    except CheckpointError as error:
        if "another program" not in str(error):
            unfinished.append(path.name)
    except OSError:
        pass  # gone again
    return None


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _from_header(path: Path, header: dict[str, Any], stamp: tuple[int, int]) -> SavedCheckpoint:
    try:
        speakers = tuple((str(who["name"]), str(who["language"])) for who in header["speakers"])
        losses = {str(name): float(value) for name, value in (header.get("losses") or {}).items()}
        step = int(header.get("step", 0))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise CheckpointError(f"The header of {path.name} is damaged.") from None
    losses = {name: value for name, value in losses.items() if math.isfinite(value)}
    return SavedCheckpoint(path, step, str(header.get("preset", "")), speakers, losses, stamp)


# ---------------------------------------------------------------------- logs
@dataclass
class _Log:
    """How far a log was read, and what was found: values by step, by kind and name."""

    offset: int = 0
    found: dict[tuple[str, str], dict[int, float]] = field(default_factory=dict)


class LogReader:
    """Reads the logs of a run; each call of ``read`` takes only what was written since the one before."""

    def __init__(self) -> None:
        self._logs: dict[Path, _Log] = {}

    def read(self, paths: tuple[Path, ...] | list[Path]) -> list[Curve]:
        """The curves of all logs, whatever of them is complete; damaged lines are passed over.

        Where a step comes twice (training went on from an earlier save) the later line counts, and what an
        abandoned run wrote for later steps stays until it is overtaken.
        """
        self._logs = {path: self._logs.get(path, _Log()) for path in paths}
        for path in paths:
            try:
                self._read_on(path)
            except OSError:
                continue  # not there just now; what was read stays
        return [
            _curve(path, kind, name, values)
            for path, log in self._logs.items()
            for (kind, name), values in log.found.items()
        ]

    def _read_on(self, path: Path) -> None:
        log = self._logs[path]
        if path.stat().st_size < log.offset:  # written anew
            log = self._logs[path] = _Log()
        with path.open("rb") as file:
            file.seek(log.offset)
            while line := file.readline(_LARGEST_LINE):
                if not line.endswith(b"\n") and len(line) < _LARGEST_LINE:
                    break  # still being written
                log.offset += len(line)
                for key, step, value in _figures(line):
                    log.found.setdefault(key, {})[step] = value


def read_curves(folder: Path | str) -> list[Curve]:
    """All curves of a run folder, read once.

    Raises:
        RunFolderError: see ``open_run``.
    """
    return LogReader().read(open_run(folder).logs)


def _figures(line: bytes) -> Iterator[tuple[tuple[str, str], int, float]]:
    """((kind, name), step, value) of a line; nothing where it is damaged."""
    try:
        entry = parse_json(line)
    except UntrustedError:
        return
    if not isinstance(entry, dict):
        return
    step, kind = entry.get("step"), entry.get("kind", "train")
    if not isinstance(step, int) or not is_like(step, 0) or not isinstance(kind, str):
        return
    for name, value in entry.items():
        if name not in ("step", "time") and is_like(value, 0.0):
            yield (kind, name), step, float(value)


def _curve(path: Path, kind: str, name: str, values: dict[int, float]) -> Curve:
    steps = np.array(sorted(values), dtype=np.int64)
    stage = path.name.removesuffix(LOG_SUFFIX)
    return Curve(stage, kind, name, steps, np.array([values[int(step)] for step in steps]))
