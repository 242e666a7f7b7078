"""The examples are made when they are asked for, opened, and made only once."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import example_making
from app.studio import Studio
from tests.app.conftest import PATIENCE
from tests.lewm_core.tiny import tiny_checkpoint


@pytest.fixture
def small_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "voice.safetensors"
    tiny_checkpoint(path)
    monkeypatch.setattr(example_making, "resource", lambda *_parts: path)
    return path


def test_the_example_run_is_opened_as_a_time_line(studio: Studio, small_voice: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    studio.examples.make_run()
    qtbot.waitUntil(lambda: len(studio.second.checkpoints) == 5, timeout=PATIENCE)
    assert studio.second.folder == studio.places.examples / "example run"


def test_a_cancelled_example_opens_nothing(studio: Studio, small_voice: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    with qtbot.waitSignal(studio.examples.job_started, timeout=PATIENCE) as started:
        studio.examples.make_run()
    started.args[0].cancel()
    with qtbot.waitSignal(started.args[0].ended, timeout=PATIENCE):
        pass
    assert studio.second.folder is None


def test_the_example_data_are_the_example_clips(studio: Studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    with qtbot.waitSignal(studio.data.opened, timeout=PATIENCE):
        studio.examples.make_data()
    rows = studio.data.rows
    assert set(rows.speakers) == {"heart", "george", "alpha", "psi"}
    assert set(rows.languages) == {"en-US", "en-GB", "hi"}
    assert ((rows.seconds > 1.0) & (rows.seconds < 8.0)).all()


def test_example_data_that_are_there_are_only_opened(studio: Studio, monkeypatch, qtbot) -> None:  # type: ignore[no-untyped-def]
    with qtbot.waitSignal(studio.data.opened, timeout=PATIENCE):
        studio.examples.make_data()
    monkeypatch.setattr(example_making, "_preprocess", lambda *_: pytest.fail("made a second time"))
    with qtbot.waitSignal(studio.data.opened, timeout=PATIENCE):
        studio.examples.make_data()


def test_a_failure_is_told_in_words(studio: Studio, monkeypatch, qtbot) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(example_making, "example_rows", lambda: [])
    with qtbot.waitSignal(studio.examples.trouble, timeout=PATIENCE) as trouble:
        studio.examples.make_data()
    assert "could not be made" in trouble.args[0]
