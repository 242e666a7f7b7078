"""A desktop for each test, and a way to start the studio on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.desktop import Desktop
from tests.end_to_end.running_studio import RunningStudio, tiny


@pytest.fixture
def desktop(tmp_path) -> Iterator[Desktop]:
    desktop = Desktop(tmp_path)
    yield desktop
    desktop.close()


@pytest.fixture
def start(desktop, tmp_path) -> Iterator[Callable[..., RunningStudio]]:
    running: list[RunningStudio] = []

    def make(*arguments: str) -> RunningStudio:
        running.append(RunningStudio(desktop, tmp_path / "home", *arguments))
        return running[-1]

    yield make
    for studio in running:
        studio.kill()


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    return tiny(tmp_path)
