"""The run: tasks in parallel over the cores, results kept as they come, the data folder written at the end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from multiprocessing import resource_tracker
from pathlib import Path

from lewm_core.config import MelConfig
from lewm_core.manifest import SPLITS, DataError, Utterance, relative_audio
from lewm_core.preprocess.discover import Discovery
from lewm_core.preprocess.recordings import Recording, Rejection
from lewm_core.preprocess.report import Report
from lewm_core.preprocess.segments import Made, Recipe, Task, prepare
from lewm_core.preprocess.sound import seconds_of
from lewm_core.preprocess.spans import bounded, chapters
from lewm_core.preprocess.split import DEV_SHARE, position, side
from lewm_core.preprocess.workspace import Done, Workspace, task_key

_VERSION = 1
"""Part of every task's key: raise it when the same recording would give another result."""
_IN_FLIGHT = 3  # tasks a worker has waiting; more only cost memory

Progress = Callable[[float, float], None]
"""Called with seconds of sound done and in all."""


@dataclass(frozen=True)
class _Planned:
    """A task with its key and its length in seconds."""

    task: Task
    key: str
    seconds: float


def preprocess(
    found: Discovery, folder: Path, recipe: Recipe | None = None, split: str | None = None,
    dev_share: float = DEV_SHARE, workers: int | None = None,
    on_progress: Progress = lambda done, total: None,
) -> Report:  # fmt: skip
    """Make a data folder: SPLIT.f16, SPLIT.jsonl and report.json appear when everything is done.

    Run it again after a kill and it goes on where it was, with the same result to the byte. Run it with more data
    and only what is new is worked on.

    Args:
        split: "train" or "dev" for everything, leaving the other as it is; None: by the sentences (``split.side``).
        dev_share: share of the sentences for "dev".
        workers: processes; None: one a core; 1: this process. With more, a script that calls this needs the usual
            ``if __name__ == "__main__"``.

    Raises:
        DataError: nothing could be used, another run is writing there, or a worker died.
    """
    if split is not None and split not in SPLITS:
        raise DataError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}")
    recipe = recipe or Recipe()
    planned, rejected = _plan(found, recipe)
    report = Report(
        recordings=len(found.recordings), detected=dict(sorted(found.detected.items())), rejected=rejected
    )
    with Workspace(folder, MelConfig().n_mels) as workspace:
        missing = [entry for entry in planned if entry.key not in workspace.done]
        report.reused = len(planned) - len(missing)
        total = sum(entry.seconds for entry in planned)
        done = total - sum(entry.seconds for entry in missing)
        on_progress(done, total)
        for entry, made in _made(missing, recipe, workers or os.cpu_count() or 1):
            workspace.add(entry.key, made)
            done += entry.seconds
            on_progress(done, total)
        rows = _sorted_into_splits(planned, workspace.done, folder, split, dev_share, report)
        if not report.total.segments:
            first = (
                f"; the first: {report.rejected[0].audio}: {report.rejected[0].reason}"
                if report.rejected
                else ""
            )
            raise DataError(f"none of {len(found.recordings)} recordings could be used{first}")
        _note_empty_split(report, split, dev_share, [row for own in rows.values() for _, _, row in own])
        workspace.publish([entry.key for entry in planned], rows, report.to_bytes())
    return report


def _plan(found: Discovery, recipe: Recipe) -> tuple[list[_Planned], list[Rejection]]:
    """Tasks in a fixed order, and what was left out before any sound is read."""
    rejected = list(found.rejected)
    planned = []
    for recording in found.recordings:
        seconds = seconds_of(recording.audio)
        if recording.spans is None or seconds == 0:
            planned.append(_planned(Task(recording), recipe, seconds))
            continue
        spans, refused = bounded(recording.spans, seconds, str(recording.audio))
        rejected += refused
        bare = replace(recording, spans=None)
        for chapter in chapters(spans):
            length = chapter[-1].upper - chapter[0].lower
            planned.append(_planned(Task(bare, tuple(chapter)), recipe, length))
    return planned, rejected


def _planned(task: Task, recipe: Recipe, seconds: float) -> _Planned:
    audio = task.recording.audio
    stat = audio.stat() if audio.is_file() else None
    recording = {**asdict(task.recording), "audio": os.path.abspath(audio)}  # named from wherever one stands
    parts = {
        "version": _VERSION, "recording": recording, "spans": [asdict(span) for span in task.spans or ()],
        "recipe": asdict(recipe), "file": (stat.st_size, stat.st_mtime_ns) if stat else None,
    }  # fmt: skip
    return _Planned(task, task_key(parts), seconds)


def _made(planned: list[_Planned], recipe: Recipe, workers: int) -> Iterator[tuple[_Planned, Made]]:
    """Results in the order in which they come."""
    if workers == 1 or len(planned) < 2:
        for entry in planned:
            yield entry, prepare(entry.task, recipe)
        return
    # Spawned, not forked: a forked copy of a process that has used torch's threads can hang.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(min(workers, len(planned)), context, initializer=_start_worker) as pool:
        waiting: dict[Future[Made], _Planned] = {}
        coming = iter(planned)
        try:
            while True:
                with _started_deaf():
                    for entry in islice(coming, workers * _IN_FLIGHT - len(waiting)):
                        waiting[pool.submit(prepare, entry.task, recipe)] = entry
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), future.result()
        except KeyboardInterrupt:  # nobody waits for what is being worked on; what is done is kept
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise
        except BrokenProcessPool:
            raise DataError(
                "a worker process died, most likely for want of memory. Run the same command again with fewer "
                "--workers; what is done is kept."
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _started_deaf() -> Iterator[None]:
    """Processes that are started within it do not hear Ctrl+C: it is the main process's to answer, once.

    What a worker would print while it is still importing is a traceback for each of them.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting multiprocessing's tracker ends by unblocking; it is started first, once.
    resource_tracker.ensure_running()
    # Blocked, which new processes inherit, and noted, because another thread of ours may still be given the signal:
    # a Ctrl+C that comes now is neither lost nor heard in the middle of a start.
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
    if came:
        raise KeyboardInterrupt


def _start_worker() -> None:
    """One thread a process, and no worker outlives a main process that was killed."""
    from multiprocessing.connection import wait as wait_for

    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # also where a process cannot be started deaf (Windows)
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def leave_with_parent() -> None:
            with suppress(OSError):
                wait_for([sentinel])
            os._exit(1)

        threading.Thread(target=leave_with_parent, daemon=True).start()


def _sorted_into_splits(
    planned: list[_Planned], done: dict[str, Done], folder: Path, split: str | None, dev_share: float, report: Report
) -> dict[str, list[tuple[Utterance, str, Utterance]]]:  # fmt: skip
    """By split: each utterance as kept, its store, and its manifest line; the report counts them."""
    rows: dict[str, list[tuple[Utterance, str, Utterance]]] = {
        s: [] for s in (SPLITS if split is None else [split])
    }
    places: dict[Path, str] = {}
    for entry in planned:
        result = done[entry.key]
        audio = entry.task.recording.audio
        place = places.setdefault(audio, relative_audio(folder, audio))
        for kept, store in zip(result.rows, result.stores, strict=True):
            where = split or side(kept.text, dev_share)
            line = replace(kept, audio=place)
            rows[where].append((kept, store, line))
            report.take(where, line)
        # An earlier run may have named the same file from another folder.
        report.rejected += [replace(rejection, audio=str(audio)) for rejection in result.rejected]
    return rows


def _note_empty_split(report: Report, split: str | None, dev_share: float, rows: list[Utterance]) -> None:
    """Training needs both sides; with few sentences chance may leave one empty."""
    if split is not None or len(report.splits) == len(SPLITS):
        return
    lowest = min(position(row.text) for row in rows)
    empty = next(name for name in SPLITS if name not in report.splits)
    advice = (
        f"--dev-share {lowest * 1.01 + 5e-4:.3f} would give one"
        if empty == "dev"
        else "give a smaller --dev-share"
    )
    report.notes.append(
        f"{empty} is empty: none of {len(rows)} sentences falls to it at --dev-share {dev_share:g}; {advice} "
        "(nothing is prepared twice), or give a list of its own with --split dev"
    )


def recordings_of(rows: list[Recording], form: str = "list") -> Discovery:
    """Recordings that a program made up itself, as :func:`preprocess` takes them."""
    found = Discovery(recordings=list(rows))
    found.detected[form] = len(rows)
    return found
