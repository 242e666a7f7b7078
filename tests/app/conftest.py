"""What the tests of the app share: a studio with a fake engine, and a check that nothing is left behind."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer
from shiboken6 import isValid

from app.paths import Places
from app.session import Session
from app.session_store import save_session
from app.studio import Studio

FAKE = "tests.app.fakes:FakeBackend"
PATIENCE = 30_000
"""Milliseconds: a watchdog for things that take a fraction of a second on a machine that does nothing else."""


def objects_of(kind: type) -> list:
    # Asked of the type: isinstance would wake lazy objects of torch, which then warn.
    return [thing for thing in gc.get_objects() if issubclass(type(thing), kind) and isValid(thing)]


def running_timers() -> set[int]:
    gc.collect()
    return {id(timer) for timer in objects_of(QTimer) if timer.isActive()}


def running_qthreads() -> set[int]:
    return {id(thread) for thread in objects_of(QThread) if thread.isRunning()}


@pytest.fixture(scope="module", autouse=True)
def _only_objects_of_this_module() -> None:
    """Leave out of the looks below what was there before: libraries and earlier modules, a million objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, a process or a running timer."""
    uses_qt = "qtbot" in request.fixturenames
    if uses_qt:
        request.getfixturevalue("qtbot")  # its clean-up (closing widgets) comes before the check
    threads = set(threading.enumerate())
    timers, qthreads = (running_timers(), running_qthreads()) if uses_qt else (set(), set())
    yield
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and set(threading.enumerate()) - threads:
        time.sleep(0.01)
    assert not (set(threading.enumerate()) - threads), "a thread was left running"
    assert not multiprocessing.active_children(), "a process was left running"
    if uses_qt:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        assert not (running_qthreads() - qthreads), "a QThread was left running"
        left = running_timers() - timers
        names = [repr(timer) for timer in objects_of(QTimer) if id(timer) in left]
        assert not left, f"a timer was left running: {names}"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "home")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A file that the fake engine takes for a recording, with its transcript beside it."""
    path = tmp_path / "clip.wav"
    path.write_bytes(b"a recording")
    path.with_suffix(".txt").write_text("What is said in it.", encoding="utf-8")
    return path


@pytest.fixture
def make_studio(qtbot: object, places: Places) -> Iterator[Callable[[], Studio]]:
    """Makes studios with the fake engine that read and write one home; all are shut down afterwards."""
    studios: list[Studio] = []

    def make() -> Studio:
        if not places.session.exists():
            save_session(places, Session(text="Hello there.", speaker="heart"))
        studio = Studio(places, backend=FAKE)
        studio.player.is_silent = True
        studios.append(studio)
        return studio

    yield make
    for studio in studios:
        studio.shutdown()


@pytest.fixture
def studio(make_studio: Callable[[], Studio], qtbot) -> Studio:  # type: ignore[no-untyped-def]
    """A started studio whose (fake) voice is loaded."""
    studio = make_studio()
    with qtbot.waitSignal(studio.voice.loaded, timeout=PATIENCE):
        studio.start()
    return studio
