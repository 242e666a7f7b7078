"""Equal loudness and blind tests in the studio, with a fake engine and without a sound device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit

from app.main_window import MainWindow
from app.player import Player, Sound
from app.session import Clip
from app.studio import Studio
from tests.app.conftest import PATIENCE
from widgets.listening_page import ListeningPage


def db(wave: np.ndarray) -> float:
    return 10 * np.log10(float(np.mean(wave**2)))


@pytest.fixture
def compared(studio: Studio, clip: Path, qtbot) -> Studio:  # type: ignore[no-untyped-def]
    """A studio whose clip is compared, so that all five sources can be heard."""
    studio.open_clip(Clip(str(clip), text="What is said in it.", speaker="heart"))
    qtbot.waitUntil(lambda: len(studio.panes.sounds()) == 5, timeout=PATIENCE)
    return studio


def vote_through(studio: Studio) -> None:
    blind = studio.blind
    while blind.is_running:
        assert blind.test is not None
        for button in ("a", "b", "x"):
            blind.play(button)
        blind.vote("a" if blind.test.side_of("a") == blind.test.side_of("x") else "b")


def test_gains_make_all_sources_equally_loud(compared: Studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    player, levels = compared.player, compared.levels
    before = player._wave("reconstruction")
    levels.set_on(True)
    qtbot.waitUntil(lambda: len(levels.levels.gains_db) == 5, timeout=PATIENCE)
    loudness = [db(player._wave(source)) for source in compared.panes.sounds()]
    np.testing.assert_allclose(loudness, -23.0, atol=0.1)
    levels.set_on(False)
    assert player._wave("reconstruction") is before
    assert not compared.settings.match_levels


def test_loudness_is_asked_for_once_at_a_time(compared: Studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    # A superseded request is cancelled, and an engine in a long step that does not answer is killed.
    compared.levels.set_on(True)
    qtbot.waitUntil(lambda: compared.engine.lanes.get("levels") is not None, timeout=PATIENCE)
    first = compared.engine.lanes.get("levels")
    compared.listening.set_extras("x", {"x": Sound(np.full(2400, 0.1, np.float32), 24_000)})
    compared.levels._measure()
    assert compared.engine.lanes.get("levels") is first
    assert first is not None
    assert not first.is_cancelled
    qtbot.waitUntil(lambda: "x" in compared.levels.levels.gains_db, timeout=PATIENCE)


def test_a_gain_is_heard_at_once_without_a_click(qtbot) -> None:  # type: ignore[no-untyped-def]
    player = Player()
    player.set_sounds({"a": Sound(np.full(24_000, 0.5, np.float32), 24_000)})
    player.set_source("a")
    player._start_at(0.0)
    player._playing = True
    out = np.zeros(2000, np.float32)
    player._render(out)
    player.set_gains({"a": -6.0206})
    more = np.zeros(2000, np.float32)
    player._render(more)
    assert more[-1] == pytest.approx(0.25, abs=1e-4)
    assert np.abs(np.diff(np.concatenate([out[500:], more]))).max() < 0.01
    player.shutdown()


def test_switching_between_sources_keeps_the_loop_and_makes_no_click(qtbot) -> None:  # type: ignore[no-untyped-def]
    time = np.arange(48_000) / 24_000
    quiet, loud = (np.asarray(a * np.sin(2 * np.pi * 200 * time), np.float32) for a in (0.2, 0.8))
    player = Player()
    player.set_sounds({"a": Sound(quiet, 24_000), "b": Sound(loud, 24_000)})
    player.set_source("a")
    player.set_region((0.5, 0.75))
    player.set_loop(True)
    player._start_at(0.5)
    player._playing = True
    rendered = []
    for block in range(100):  # 1 s: four rounds of the loop
        if block in (30, 61):
            player.set_source("b" if player.source == "a" else "a")
        out = np.zeros(240, np.float32)
        player._render(out)
        assert 12_000 <= player._mixer.position <= 18_000
        rendered.append(out)
    steps = np.abs(np.diff(np.concatenate(rendered)))
    assert steps[200:].max() < 1.3 * np.abs(np.diff(loud)).max()
    player.shutdown()


def test_a_test_keeps_its_order_hidden_and_its_votes(compared: Studio, make_studio: Callable[[], Studio]) -> None:
    blind = compared.blind
    compared.listening.choose("teacher_forced")
    assert blind.start("abx", "original", "reconstruction", 4, True, seed=7)
    assert not blind.can_vote
    blind.play("a")
    blind.vote("a")
    assert len(blind.votes) == 0  # B and X were not heard yet
    sounds = compared.listening.sounds()
    assert blind.test is not None
    sides = [compared.panes.sounds()[key].wave for key in ("original", "reconstruction")]
    assert all(sounds[f"blind:{button}"].wave is sides[blind.test.side_of(button)] for button in "abx")
    assert compared.player.source == "blind:a"
    vote_through(compared)
    assert blind.test.result().wins == 4
    assert not [key for key in compared.listening.sounds() if key.startswith("blind:")]
    assert compared.player.source == "teacher_forced"  # as before the test
    later = make_studio()
    later.blind.load()
    assert [vote.is_right for vote in later.blind.votes] == [True] * 4
    assert later.blind.votes[0].first.facts["text"] == "What is said in it."


def test_two_different_sounds_are_needed(compared: Studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    for first, second in (("original", "original"), ("original", "nothing"), ("take:gone", "original")):
        with qtbot.waitSignal(compared.blind.trouble, timeout=PATIENCE):
            assert not compared.blind.start("abx", first, second, 4, True)
    assert compared.blind.test is None


def test_two_sounds_are_chosen_as_soon_as_there_are_two(qtbot) -> None:  # type: ignore[no-untyped-def]
    page = ListeningPage({})
    qtbot.addWidget(page)
    page.set_choices([("original", "Original")])
    assert not page._start.isEnabled()
    page.set_choices([("original", "Original"), ("vocoded", "Vocoded"), ("noise", "Noise")])
    assert (page._first.currentData(), page._second.currentData()) == ("original", "vocoded")
    assert page._start.isEnabled()
    page._second.setCurrentIndex(2)
    page.set_choices([("original", "Original"), ("vocoded", "Vocoded"), ("noise", "Noise"), ("take:1", "Take")])
    assert page._second.currentData() == "noise"


def test_keys_play_and_vote_while_a_test_runs_but_never_from_a_text_field(compared: Studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(compared)
    qtbot.addWidget(window)
    window.show()
    blind = compared.blind
    qtbot.keyClick(window.mels, Qt.Key.Key_A)
    assert blind.playing == ""  # no test runs
    assert blind.start("abx", "original", "reconstruction", 2, True, seed=1)
    for key in (Qt.Key.Key_A, Qt.Key.Key_B, Qt.Key.Key_X):
        qtbot.keyClick(window.mels, key)
    assert (blind.playing, blind.can_vote) == ("x", True)
    qtbot.keyClick(window.mels, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert blind.votes == []  # ABX knows no tie
    qtbot.keyClick(window.mels, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    assert [vote.answer for vote in blind.votes] == ["b"]
    editor = window.compose.findChild(QPlainTextEdit)
    qtbot.keyClick(editor, Qt.Key.Key_X)
    assert "x" in editor.toPlainText()
    assert not blind.can_vote
    window.close()


def test_the_page_shows_trial_result_and_history(compared: Studio, qtbot, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(compared)
    qtbot.addWidget(window)
    page = window.listening_page
    window.show_tab("listening")
    qtbot.waitUntil(lambda: page._first.count() == 5, timeout=PATIENCE)
    page.start_requested.emit("abx", "original", "teacher_forced", 5)
    assert page.verdict() == ""
    vote_through(compared)
    assert "5 of 5 right" in page.verdict()
    assert "The difference is heard" in page.verdict()
    assert len(page._history_rows) == 1
    window._bindings[-1].export_to(tmp_path / "votes.csv")  # type: ignore[attr-defined]
    assert (tmp_path / "votes.csv").read_text(encoding="utf-8-sig").count("\n") == 6
    compared.levels.set_on(True)
    qtbot.waitUntil(lambda: len(page.levels()) == 15, timeout=PATIENCE)
    assert "Reconstruction" in page.levels()
    window.close()


def test_no_other_button_gets_the_keyboard_when_a_test_begins_or_goes_on(compared: Studio, qtbot) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(compared)
    qtbot.addWidget(window)
    window.show()
    window.show_tab("listening")
    page = window.listening_page
    qtbot.waitUntil(lambda: page._first.count() == 5, timeout=PATIENCE)
    page._start.setFocus()
    qtbot.waitUntil(page._start.hasFocus, timeout=PATIENCE)
    qtbot.keyClick(page._start, Qt.Key.Key_Space)
    assert compared.blind.is_running
    assert page._trial.hasFocus()
    for button in "abx":
        compared.blind.play(button)
    page._answers["a"].setFocus()
    qtbot.keyClick(page._answers["a"], Qt.Key.Key_Space)
    assert len(compared.blind.votes) == 1
    assert page._trial.hasFocus()
    vote_through(compared)
    assert page._result.hasFocus()
    window.close()
