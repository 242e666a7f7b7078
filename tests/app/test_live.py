"""Live mode: the latest of many changes is heard, and the list of takes does not grow by it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QListView

from app.live import PAUSE
from app.main_window import MainWindow
from app.studio import Studio
from tests.app.conftest import PATIENCE
from tests.app.test_speaking import card, library, loud_studio, wait_while_it_turns  # noqa: F401


@pytest.fixture
def live(studio: Studio) -> Studio:
    studio.live.set_on(True)
    return studio


def live_text(studio: Studio) -> str | None:
    take = studio.session.live_take
    return take.text if take is not None else None


def test_typing_is_spoken_after_a_pause_and_the_last_text_wins(live, qtbot):
    made = []
    live.speaking.job_started.connect(lambda job: made.append(job))
    for end in range(1, 8):
        live.session.text = "Good day"[: end + 1]
        qtbot.wait(PAUSE // 10)
    qtbot.waitUntil(lambda: live_text(live) == "Good day", timeout=PATIENCE)
    assert len(made) < 4, "it began with every key"
    assert live.session.takes == ()
    assert live.session.current_take == live.session.live_take.id


def test_a_change_replaces_what_is_being_made(live, qtbot):
    live.session.text = "!slow"
    qtbot.waitUntil(lambda: live.speaking.partial_mel is not None, timeout=PATIENCE)
    live.session.text = "Now this"
    qtbot.waitUntil(lambda: live_text(live) == "Now this", timeout=PATIENCE)
    assert not live.speaking.is_busy
    first = live.session.live_take.id
    live.session.temperature = 0.5
    qtbot.waitUntil(lambda: live.session.live_take.temperature == 0.5, timeout=PATIENCE)
    assert not live.store._cache.keys() & {first}, "the replaced take stays in memory"
    live.session.speaker = "george"
    qtbot.waitUntil(lambda: live.session.live_take.speaker == "george", timeout=PATIENCE)
    live.session.speed = 2.0
    qtbot.waitUntil(lambda: live.session.live_take.speed == 2.0, timeout=PATIENCE)
    assert live.session.takes == ()


def test_what_was_heard_goes_on_until_there_is_something_new(loud_studio, library, qtbot):  # noqa: F811
    studio = loud_studio
    studio.live.set_on(True)
    studio.session.text = "!slow one"
    stream = card(qtbot, library)
    wait_while_it_turns(qtbot, stream, lambda: studio.player.is_playing and studio.speaking.sound is not None)
    first = studio.speaking.sound
    stream.turn(480)
    studio.session.text = "!slow two"
    seen = []
    studio.panes.pane_changed.connect(
        lambda key: seen.append(studio.panes.content(key).mel_db is not None) if key == "autoregressive" else None
    )
    wait_while_it_turns(qtbot, stream, lambda: studio.speaking.sound is not first)
    assert all(seen), "the pane was empty for a moment"
    assert studio.player.is_playing
    assert first.is_complete
    assert len(library.streams) == 1, "the device was opened anew"
    studio.speaking.cancel()
    assert not studio.player.is_playing
    wait_while_it_turns(qtbot, stream, lambda: not studio.speaking.is_busy)
    assert studio.session.live_take is None


def test_half_typed_text_is_no_reason_for_a_notice(live, qtbot):
    notices = []
    live.notice.connect(lambda sentence, level: notices.append(sentence))
    live.session.text = "!fail"
    qtbot.waitUntil(lambda: bool(live.speaking.live_problem), timeout=PATIENCE)
    assert live.speaking.live_problem == "That cannot be spoken. Type letters."
    live.session.text = ""
    qtbot.waitUntil(lambda: live.speaking.live_problem == "", timeout=PATIENCE)
    live.session.text = "Well then"
    qtbot.waitUntil(lambda: live_text(live) == "Well then", timeout=PATIENCE)
    assert not notices
    assert live.speaking.live_problem == ""


def test_ctrl_enter_keeps_what_is_heard(live, qtbot):
    live.session.text = "Keep me"
    qtbot.waitUntil(lambda: live_text(live) == "Keep me", timeout=PATIENCE)
    live.speak()
    assert [take.text for take in live.session.takes] == ["Keep me"]
    assert live.session.live_take is None
    take = live.session.takes[0]
    qtbot.waitUntil(live.store.wave_path(take.id).exists, timeout=PATIENCE)
    live.session.text = "Keep me too"
    live.speak()  # before it was made, or even begun
    qtbot.waitUntil(lambda: len(live.session.takes) == 2, timeout=PATIENCE)
    assert live.session.takes[0].text == "Keep me too"


def test_switching_off_keeps_the_last_and_a_restart_begins_silent(make_studio, live, qtbot):
    live.session.text = "The last"
    qtbot.waitUntil(lambda: live_text(live) == "The last", timeout=PATIENCE)
    live.live.set_on(False)
    assert [take.text for take in live.session.takes] == ["The last"]
    live.live.set_on(True)
    live.save()
    again = make_studio()
    assert again.live.is_on
    assert again.session.live_take is None
    with qtbot.waitSignal(again.voice.loaded, timeout=PATIENCE):
        again.start()
    qtbot.wait(2 * PAUSE)
    assert not again.speaking.is_busy


def test_a_live_take_that_is_renamed_or_deleted_is_an_ordinary_one(live, qtbot):
    window = MainWindow(live)
    qtbot.addWidget(window)
    live.session.text = "Name me"
    qtbot.waitUntil(lambda: live_text(live) == "Name me", timeout=PATIENCE)
    view = window.take_list.findChild(QListView)
    assert view.model().rowCount() == 1
    window._takes._on_renamed(live.session.live_take.id, "A name")
    assert [take.title for take in live.session.takes] == ["A name"]
    live.session.text = "Delete me"
    qtbot.waitUntil(lambda: live_text(live) == "Delete me", timeout=PATIENCE)
    assert view.model().rowCount() == 2
    window._takes.delete([live.session.live_take.id])
    assert [take.title for take in live.session.takes] == ["A name"]
    live.undo.undo()
    assert [take.title for take in live.session.takes] == ["Delete me", "A name"]
