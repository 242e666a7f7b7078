"""What has been done, kept so that a killed run goes on where it was and a later one does nothing twice.

``OUT/.work`` holds the results of an unfinished run in the order in which they came: ``mels.f16`` and
``journal.jsonl`` (a line is written after its mels, so a line that is there can be trusted). A finished run writes
all files of the data folder anew beside the old ones and then moves them, with a list of the moves: a kill in
between is made good at the next start. ``OUT/.work/index.jsonl`` then says which recording gave which utterances.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from lewm_core.files import write_atomically
from lewm_core.manifest import SPLITS, DataError, Utterance
from lewm_core.preprocess.recordings import Rejection
from lewm_core.preprocess.segments import Made
from lewm_core.untrusted import UntrustedError, is_like, parse_json, read_json

_BYTES = 2  # float16


@dataclass(frozen=True)
class Done:
    """The result for one task: rows whose mels lie in the named stores at the rows' offsets."""

    rows: tuple[Utterance, ...]
    stores: tuple[str, ...]
    rejected: tuple[Rejection, ...]


class Workspace:
    """Results of earlier runs and of this one, by the key of their task. One process at a time; a context manager."""

    def __init__(self, folder: Path, n_mels: int) -> None:
        """Lock ``folder`` (made where it is missing) and read what is there.

        Raises:
            DataError: another run is writing to it.
        """
        self._folder, self._work, self._row_bytes = folder, folder / ".work", n_mels * _BYTES
        self._work.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._work / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise DataError(
                f"another run is writing to {folder}; wait for it or choose another folder"
            ) from None
        try:
            self._finish_moves()
        except BaseException:
            self._lock.release()
            raise
        self.done: dict[str, Done] = {**self._read_index(), **self._read_journal()}
        self._mels = (self._work / "mels.f16").open("ab")
        self._journal = (self._work / "journal.jsonl").open("ab")

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._lock.release()

    def add(self, key: str, made: Made) -> None:
        """Keep the result of a task, safe from a kill from now on."""
        rows = []
        at = self._mels.tell() // self._row_bytes
        for mel, row in made.pieces:
            self._mels.write(mel.tobytes())
            rows.append(Utterance(**{**asdict(row), "offset": at}))
            at += len(mel)
        self._mels.flush()
        done = Done(tuple(rows), ("mels",) * len(rows), tuple(made.rejected))
        self._journal.write(_line(key, done))
        self._journal.flush()
        self.done[key] = done

    def publish(
        self, keys: Iterable[str], rows: dict[str, list[tuple[Utterance, str, Utterance]]], report: bytes
    ) -> None:
        """Write the splits of ``rows`` and move them into the data folder, all or (after a kill, later) all.

        Args:
            keys: tasks of this run, which the index keeps; of other tasks those whose split stays as it is.
            rows: by split: utterance as it was kept, its store, and the line to write (offset still open).
            report: content of ``report.json``.
        """
        new = self._work / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        self._close()
        places: dict[tuple[str, int], tuple[str, Utterance]] = {}
        for split, entries in rows.items():
            if entries:
                self._write_split(new, split, entries, places)
        self._write_index(new, keys, rows, places)
        (new / "report.json").write_bytes(report)
        moves = {path.name: True for path in new.iterdir()}
        moves |= {
            f"{split}{end}": False for split, own in rows.items() if not own for end in (".f16", ".jsonl")
        }
        for path in new.iterdir():
            _sync(path)
        write_atomically(self._work / "moves.json", json.dumps(moves).encode())
        self._finish_moves()

    def _write_split(
        self, new: Path, split: str, entries: list[tuple[Utterance, str, Utterance]],
        places: dict[tuple[str, int], tuple[str, Utterance]],
    ) -> None:  # fmt: skip
        offset = 0
        opened: dict[str, BinaryIO] = {}
        with (new / f"{split}.f16").open("wb") as mels, (new / f"{split}.jsonl").open("wb") as lines:
            for kept, store, line in entries:
                if store not in opened:
                    opened[store] = self._store(store).open("rb")
                opened[store].seek(kept.offset * self._row_bytes)
                mels.write(opened[store].read(kept.frames * self._row_bytes))
                line = Utterance(**{**asdict(line), "offset": offset})
                lines.write((line.to_line() + "\n").encode())
                places[store, kept.offset] = split, line
                offset += kept.frames
        for file in opened.values():
            file.close()

    def _write_index(
        self, new: Path, keys: Iterable[str], written: Iterable[str],
        places: dict[tuple[str, int], tuple[str, Utterance]],
    ) -> None:  # fmt: skip
        own, changed = set(keys), set(written)
        with (new / "index.jsonl").open("wb") as file:
            heads = {}
            for split in SPLITS:
                manifest = (new if split in changed else self._folder) / f"{split}.jsonl"
                heads[split] = _digest(manifest)
            file.write(json.dumps(heads).encode() + b"\n")
            for key, done in self.done.items():
                if key in own:
                    moved = [
                        places[store, row.offset] for row, store in zip(done.rows, done.stores, strict=True)
                    ]
                    rows = tuple(Utterance(**{**asdict(row), "offset": line.offset})
                                 for row, (_, line) in zip(done.rows, moved, strict=True))  # fmt: skip
                    file.write(_line(key, Done(rows, tuple(split for split, _ in moved), done.rejected)))
                elif done.rows and not changed & {*done.stores, "mels"}:
                    file.write(_line(key, done))

    def _finish_moves(self) -> None:
        """Move what a finished run has written into place; does nothing where there is nothing to move."""
        plan = self._work / "moves.json"
        if plan.is_file():
            for name, is_new in _moves(plan).items():
                target = (self._work if name == "index.jsonl" else self._folder) / name
                if not is_new:
                    target.unlink(missing_ok=True)
                elif (self._work / "new" / name).exists():
                    os.replace(self._work / "new" / name, target)
            for name in ("mels.f16", "journal.jsonl"):
                (self._work / name).unlink(missing_ok=True)
            plan.unlink()
        shutil.rmtree(self._work / "new", ignore_errors=True)

    def _read_index(self) -> dict[str, Done]:
        """What finished runs made, if the data folder still is as they left it."""
        path = self._work / "index.jsonl"
        if not path.is_file():
            return {}
        head, *lines = path.read_bytes().split(b"\n")
        try:
            if parse_json(head) != {split: _digest(self._folder / f"{split}.jsonl") for split in SPLITS}:
                return {}
            found = dict(_parsed(line) for line in lines if line)
        except (ValueError, TypeError, KeyError):
            return {}  # damaged: all is made anew
        sizes = self._sizes()
        return {key: done for key, done in found.items() if self._holds(done, sizes)}

    def _read_journal(self) -> dict[str, Done]:
        """What an unfinished run made; a last line or mel that a kill cut short is dropped."""
        path, store = self._work / "journal.jsonl", self._work / "mels.f16"
        found: dict[str, Done] = {}
        good = end = 0
        sizes = self._sizes()
        for line in (path.read_bytes() if path.is_file() else b"").splitlines(keepends=True):
            try:
                key, done = _parsed(line)
            except (ValueError, TypeError, KeyError):
                break
            if not line.endswith(b"\n") or not self._holds(done, sizes):
                break
            found[key] = done
            good += len(line)
            end = max([end, *(row.offset + row.frames for row in done.rows)])
        for file, size in ((path, good), (store, end * self._row_bytes)):
            if file.is_file():
                os.truncate(file, size)
        return found

    def _sizes(self) -> dict[str, int]:
        """Frames that each store holds."""
        stores = {name: self._store(name) for name in ("mels", *SPLITS)}
        return {
            name: path.stat().st_size // self._row_bytes for name, path in stores.items() if path.is_file()
        }

    def _holds(self, done: Done, sizes: dict[str, int]) -> bool:
        rows = zip(done.rows, done.stores, strict=True)
        return all(row.offset + row.frames <= sizes.get(store, 0) for row, store in rows)

    def _store(self, name: str) -> Path:
        return self._work / "mels.f16" if name == "mels" else self._folder / f"{name}.f16"

    def _close(self) -> None:
        self._mels.close()
        self._journal.close()


def _moves(plan: Path) -> dict[str, bool]:
    """What is to be moved into place (true) or removed, by file name."""
    try:
        moves = read_json(plan)
    except UntrustedError as error:
        raise DataError(
            f"{plan} cannot be read: {error}. Remove it, and prepare the recordings again."
        ) from None
    if not isinstance(moves, dict) or not all(_is_ours(name) for name in moves):
        raise DataError(f"{plan} names files that are not of this folder. Remove it, and prepare them again.")
    return moves


def _is_ours(name: str) -> bool:
    """A plan from elsewhere must not move or remove anything beyond what a run writes."""
    return (
        name in ("index.jsonl", "report.json") or name.removesuffix(".jsonl").removesuffix(".f16") in SPLITS
    )


def task_key(parts: dict[str, Any]) -> str:
    """A name for a task by everything that its result depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _line(key: str, done: Done) -> bytes:
    content = {"key": key, **asdict(done)}
    return json.dumps(content).encode() + b"\n"


def _parsed(line: bytes) -> tuple[str, Done]:
    content = parse_json(line)
    rows = tuple(Utterance(**row) for row in content["rows"])
    if not all(is_like(row.offset, 0) and is_like(row.frames, 0) for row in rows):
        raise ValueError("a row without a place")
    return content["key"], Done(
        rows, tuple(content["stores"]), tuple(Rejection(**row) for row in content["rejected"])
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
