"""The window with real clicks and keys, and a real engine process whose voice is a fake."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSlider,
)

from app.main_window import MainWindow
from app.session import SOURCES, Clip
from app.window_actions import MOUSE_HELP
from tests.app.conftest import PATIENCE
from widgets.shortcut_sheet import ShortcutSheet


@pytest.fixture
def window(studio, qtbot) -> MainWindow:
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    return window


def text_box(window) -> QPlainTextEdit:
    return window.compose.findChild(QPlainTextEdit)


def press_speak(window, qtbot):
    qtbot.waitUntil(window.registry.action("speak").isEnabled, timeout=PATIENCE)
    QTest.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def speak(window, qtbot, text=None):
    studio = window.studio
    if text is not None:
        studio.session.text = text
    with qtbot.waitSignal(studio.speaking.spoken, timeout=PATIENCE):
        press_speak(window, qtbot)
    qtbot.waitUntil(lambda: not studio.speaking.is_busy, timeout=PATIENCE)


def compare(window, qtbot, clip):
    window.studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(lambda: window.studio.comparison.result is not None, timeout=PATIENCE)


def test_typed_text_becomes_a_take(window, qtbot):
    box = text_box(window)
    box.setFocus()
    box.clear()
    QTest.keyClicks(box, "Good morning 123.")
    assert window.studio.session.text == "Good morning 123."
    with qtbot.waitSignal(window.studio.speaking.spoken, timeout=PATIENCE):
        QTest.keyClick(box, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    take = window.studio.session.takes[0]
    assert (take.text, take.speaker) == ("Good morning 123.", "heart")
    assert window.take_list.current() == take.id
    assert window.studio.panes.content("autoregressive").mel_db is not None
    assert "take" in window.studio.panes.content("autoregressive").detail


def test_plain_keys_belong_to_the_text_box_while_typing(window, qtbot):
    box = text_box(window)
    box.setFocus()
    box.clear()
    before = window.studio.player.source, window.studio.timeline.loop, window.studio.timeline.range
    QTest.keyClicks(box, "Fizz 12345 LZ fzl ")
    assert box.toPlainText() == "Fizz 12345 LZ fzl "
    assert (window.studio.player.source, window.studio.timeline.loop, window.studio.timeline.range) == before


def test_the_number_keys_switch_the_source(window, qtbot, clip):
    compare(window, qtbot, clip)
    window.mels.setFocus()
    for number, source in enumerate(SOURCES, start=1):
        QTest.keyClick(window, str(number))
        assert window.studio.player.source == source
        assert window.studio.session.source == source


def test_space_presses_a_focused_button_and_plays_elsewhere(window, qtbot, clip):
    compare(window, qtbot, clip)
    played = []
    window.registry.action("play").triggered.connect(lambda: played.append(True))
    button = QPushButton("Test", window)
    button.show()
    pressed = []
    button.clicked.connect(lambda: pressed.append(True))
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert (len(pressed), len(played)) == (1, 0)
    button.clearFocus()
    qtbot.waitUntil(window.registry.action("play").isEnabled, timeout=PATIENCE)
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert (len(pressed), len(played)) == (1, 1)


def test_a_clip_fills_the_four_panes(window, qtbot, clip):
    compare(window, qtbot, clip)
    panes = window.studio.panes
    assert window.studio.session.clip.text == "What is said in it."
    for key in ("ground_truth", "reconstruction", "teacher_forced", "autoregressive"):
        assert panes.content(key).mel_db.shape[0] == 100
    assert panes.content("reconstruction").detail == "L1 0.22"
    assert set(panes.sounds()) == set(SOURCES)
    assert window.studio.timeline.duration == pytest.approx(199 * 256 / 24_000)


def test_selecting_a_take_shows_it_again_and_comparing_puts_it_away(window, qtbot, clip):
    compare(window, qtbot, clip)
    speak(window, qtbot, "First")
    speak(window, qtbot, "Second")
    first = window.studio.session.takes[1]
    window.take_list.selected.emit(first.id)
    assert window.studio.session.current_take == first.id
    wave = window.studio.panes.sounds()["autoregressive"].wave
    np.testing.assert_array_equal(wave, window.studio.store.load(first)[1])
    window.studio.compare_again()
    assert window.studio.session.current_take is None
    qtbot.waitUntil(lambda: not window.studio.comparison.is_busy, timeout=PATIENCE)
    assert window.studio.panes.content("autoregressive").detail == "L1 0.90 along DTW"


def test_cancel_keeps_a_partial_take(window, qtbot):
    window.studio.session.text = "!slow"
    press_speak(window, qtbot)
    qtbot.waitUntil(lambda: window.studio.speaking.partial_mel is not None, timeout=PATIENCE)
    assert window.studio.panes.content("autoregressive").detail == "speaking…"
    with qtbot.waitSignal(window.studio.speaking.spoken, timeout=PATIENCE):
        QTest.keyClick(window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    assert window.studio.session.takes[0].stop_reason == "cancelled"


def test_text_that_cannot_be_spoken_is_said_and_nothing_is_lost(window, qtbot):
    window.studio.session.text = "!fail"
    with qtbot.waitSignal(window.studio.notice, timeout=PATIENCE) as told:
        press_speak(window, qtbot)
    assert told.args == ["That cannot be spoken. Type letters.", "error"]
    assert window.studio.session.text == "!fail"
    qtbot.waitUntil(lambda: not window.studio.speaking.is_busy, timeout=PATIENCE)
    assert window.studio.session.takes == ()
    speak(window, qtbot, "Better")


def test_a_seed_is_rerolled_unless_locked_or_typed(window, qtbot):
    session = window.studio.session
    session.seed = 7
    speak(window, qtbot, "One")
    assert session.seed == 7
    speak(window, qtbot, "Two")
    assert session.seed != 7
    assert session.takes[0].seed == session.seed, "the seed on the screen is the one just heard"
    session.seed_locked, kept = True, session.seed
    speak(window, qtbot, "Three")
    assert session.takes[0].seed == kept
    session.seed_locked, session.seed = False, 99
    speak(window, qtbot, "Four")
    assert session.takes[0].seed == 99


def test_a_checkpoint_is_inspected_before_it_is_loaded(window, qtbot):
    voice = window.studio.voice
    window.files.open_checkpoint(Path("/somewhere/other.safetensors"))
    qtbot.waitUntil(lambda: window.checkpoint.state() == "candidate", timeout=PATIENCE)
    assert window.studio.session.checkpoint is None
    with qtbot.waitSignal(voice.loaded, timeout=PATIENCE):
        window.checkpoint.load_requested.emit()
    qtbot.waitUntil(lambda: window.checkpoint.state() == "loaded", timeout=PATIENCE)
    assert window.studio.session.checkpoint == "/somewhere/other.safetensors"
    assert window.studio.session.recent_checkpoints == ("/somewhere/other.safetensors",)


def test_a_refused_checkpoint_leaves_the_loaded_one(window, qtbot):
    window.files.open_checkpoint(Path("/somewhere/bad.safetensors"))
    qtbot.waitUntil(lambda: window.checkpoint.state() == "refused", timeout=PATIENCE)
    assert window.studio.voice.is_ready
    speak(window, qtbot, "Still speaking")
    window.checkpoint.dismiss_requested.emit()
    qtbot.waitUntil(lambda: window.checkpoint.state() == "loaded", timeout=PATIENCE)


def test_a_clip_that_cannot_be_read_leaves_the_open_one(window, qtbot, clip):
    compare(window, qtbot, clip)
    with qtbot.waitSignal(window.studio.notice, timeout=PATIENCE) as told:
        window.studio.open_clip(Clip("/nowhere/at-all.wav"))
    assert told.args[1] == "error"
    assert window.studio.session.clip.path == str(clip)
    assert window.studio.panes.content("ground_truth").mel_db is not None


def test_the_transcript_and_speaker_of_the_clip_compare_again(window, qtbot, clip):
    compare(window, qtbot, clip)
    for change in (lambda: window.clip_bar.transcript_entered.emit("Something else"),
                   lambda: window.clip_bar.speaker_chosen.emit("george")):  # fmt: skip
        before = window.studio.comparison.result
        change()
        qtbot.waitUntil(lambda before=before: window.studio.comparison.result is not before, timeout=PATIENCE)
    assert window.studio.comparison.result.text == "Something else"
    assert window.studio.comparison.result.speaker == "george"


def test_dropped_files_find_their_way(window, qtbot, clip, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("Dropped text", encoding="utf-8")
    other = tmp_path / "picture.png"
    other.touch()
    with qtbot.waitSignal(window.studio.comparison.clip_opened, timeout=PATIENCE), qtbot.waitSignal(
        window.studio.notice, timeout=PATIENCE
    ) as told:
        drop(window, [text, clip, other])
    assert window.studio.session.text == "Dropped text"
    assert "picture.png cannot be opened here" in told.args[0]
    qtbot.waitUntil(lambda: not window.studio.comparison.is_busy, timeout=PATIENCE)


def drop(window, paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, no_keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 300), copy, data, left, no_keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), copy, data, left, no_keys))


def test_f1_lists_every_shortcut(window, qtbot):
    QTest.keyClick(window, Qt.Key.Key_F1)
    sheet = window.findChild(ShortcutSheet)
    assert sheet.isVisible()
    shown = " ".join(sheet.shown())
    for action_id in window.registry.ids():
        spec = window.registry.spec(action_id)
        if spec.shortcut:
            assert spec.title.replace("&", "").rstrip("…") in shown
    assert MOUSE_HELP[1][0][0] in shown
    sheet.close()


def test_every_action_is_in_a_menu(window):
    in_menus = set()
    for menu_action in window.menuBar().actions():
        for action in menu_action.menu().actions():
            in_menus.add(action.objectName())
            if action.menu() is not None:
                in_menus.update(inner.objectName() for inner in action.menu().actions())
    assert set(window.registry.ids()) <= in_menus


def test_themes_change_the_whole_window(window):
    window.registry.action("theme_light").trigger()
    light = window.grab().toImage().pixelColor(5, 400).lightness()
    window.registry.action("theme_dark").trigger()
    dark = window.grab().toImage().pixelColor(5, 400).lightness()
    assert light > 200 > 60 > dark


@pytest.mark.parametrize("name", ["rows", "columns", "grid"])
def test_arrangements_are_kept(window, name):
    window.registry.action(f"arrange_{name}").trigger()
    assert window.studio.settings.arrangement == name


def test_selection_loops_and_escape_clears_it(window, qtbot, clip):
    compare(window, qtbot, clip)
    timeline = window.studio.timeline
    window.mels.selection_requested.emit((0.5, 1.0))
    assert timeline.selection == (0.5, 1.0)
    assert timeline.loop
    assert timeline.playhead == 0.5
    qtbot.waitUntil(window.registry.action("zoom_selection").isEnabled, timeout=PATIENCE)
    QTest.keyClick(window, Qt.Key.Key_Z)
    assert timeline.range == (0.5, 1.0)
    QTest.keyClick(window, Qt.Key.Key_F)
    assert timeline.is_fitted
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert timeline.selection is None
    assert not timeline.loop


def test_takes_can_be_renamed_and_deleted_and_brought_back(window, qtbot):
    speak(window, qtbot, "A take")
    take = window.studio.session.takes[0]
    window.take_list.renamed.emit(take.id, "Better title")
    assert window.studio.session.takes[0].title == "Better title"
    window.take_list.delete_requested.emit([take.id])
    assert window.studio.session.takes == ()
    qtbot.waitUntil(window.registry.action("undo").isEnabled, timeout=PATIENCE)
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.studio.session.takes[0].title == "Better title"


def test_all_panes_are_exported(window, qtbot, clip, tmp_path):
    compare(window, qtbot, clip)
    folder = tmp_path / "out"
    folder.mkdir()
    window.files.dialogs.choose_folder = lambda _title: folder
    with qtbot.waitSignal(window.studio.exporting.written, timeout=PATIENCE):
        window.files.ask_export_all(with_mels=True)
    assert len(list(folder.glob("*.wav"))) == len(list(folder.glob("*.json"))) == len(list(folder.glob("*.npy"))) == 5
    wave, _ = soundfile.read(next(folder.glob("*-reconstruction.wav")), dtype="float32")
    np.testing.assert_allclose(wave, window.studio.panes.sounds()["reconstruction"].wave, atol=2**-15)
    recipe = json.loads(next(folder.glob("*-reconstruction.json")).read_text(encoding="utf-8"))
    assert recipe["mel_l1"] == 0.22
    assert recipe["clip"]["path"] == str(clip)


def test_an_export_that_fails_is_said(window, qtbot, tmp_path):
    speak(window, qtbot, "A take")
    (tmp_path / "file").touch()
    take = window.studio.session.takes[0]
    with qtbot.waitSignal(window.studio.notice, timeout=PATIENCE) as told:
        window.studio.exporting.export_take(take, tmp_path / "file" / "x.wav", "PCM_16")
    assert told.args[1] == "error"
    assert str(tmp_path / "file") in told.args[0]


def test_everything_comes_back_at_the_next_start(make_studio, window, qtbot, clip):
    compare(window, qtbot, clip)
    speak(window, qtbot, "Kept take")
    studio = window.studio
    window.set_arrangement("grid")
    window.set_theme_choice("light")
    studio.timeline.set_levels(-70, 10)
    studio.session.seed_locked = True
    window.show_panel("show_inspector", False)
    window.resize(1000, 650)
    sizes = window._columns.sizes()
    take = studio.session.takes[0]
    wave = studio.store.load(take)[1]
    window.close()

    again = make_studio()
    second = MainWindow(again)
    qtbot.addWidget(second)
    second.show()
    with qtbot.waitSignal(again.comparison.clip_opened, timeout=PATIENCE):
        again.start()
    assert again.session.takes == (take,)
    np.testing.assert_array_equal(again.store.load(take)[1], wave)
    assert second.height() == 650  # the width is that of the small offscreen screen
    assert second._columns.sizes()[0] == sizes[0]
    assert not second.checkpoint.isVisible()
    assert again.settings.theme == "light"
    assert again.settings.arrangement == "grid"
    assert again.timeline.levels == (-70, 10)
    assert again.session.seed_locked
    assert again.session.clip.path == str(clip)
    assert again.panes.content("autoregressive").detail.startswith("take")
    second.close()


def test_a_damaged_session_is_told_and_the_studio_starts(places, make_studio, qtbot):
    places.folder.mkdir(parents=True, exist_ok=True)
    places.session.write_text("{ damaged")
    studio = make_studio()
    told = []
    studio.notice.connect(lambda sentence, level: told.append(level))
    with qtbot.waitSignal(studio.voice.loaded, timeout=PATIENCE):
        studio.start()
    assert told == ["warning"]
    assert (places.folder / "session.json.bak").exists()


def test_the_engine_dying_costs_nothing_but_the_job(window, qtbot):
    speak(window, qtbot, "Before")
    told = []
    window.studio.notice.connect(lambda sentence, _level: told.append(sentence))
    window.studio.session.text = "!die"
    with qtbot.waitSignal(window.studio.voice.loaded, timeout=PATIENCE):
        press_speak(window, qtbot)
    assert any("started again" in sentence for sentence in told)
    speak(window, qtbot, "After")
    assert [take.text for take in window.studio.session.takes] == ["After", "Before"]


def test_controls_have_accessible_names(window):
    nameless = [
        widget
        for kind in (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QSlider, QPlainTextEdit)
        for widget in window.findChildren(kind)
        if widget.isVisible()
        and widget.objectName() != "qt_spinbox_lineedit"  # speaks through its spin box
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not spoken_name(widget)
    ]
    assert nameless == []


def spoken_name(widget) -> str:
    own_text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return widget.accessibleName() or own_text


def test_tab_goes_from_the_text_to_the_transport(window):
    order, widget = [], text_box(window)
    panels = (window.compose, window.take_list, window.clip_bar, window.mels, window.checkpoint, window.transport)
    for _ in range(400):
        panel = next((panel for panel in panels if panel.isAncestorOf(widget)), None)
        if panel is not None and widget.focusPolicy() & Qt.FocusPolicy.TabFocus and panel not in order:
            order.append(panel)
        widget = widget.nextInFocusChain()
    assert order == [panel for panel in panels if panel in order]
    assert len(order) >= 5


def test_a_fault_is_told_and_the_window_runs_on(window, qtbot, capsys):
    try:
        raise RuntimeError("a fault")
    except RuntimeError as fault:
        with qtbot.waitSignal(window.studio.notice, timeout=PATIENCE) as told:
            window.studio.report_fault(type(fault), fault, fault.__traceback__)
    assert "a fault" in told.args[0]
    assert told.args[1] == "error"
    assert "a fault" in capsys.readouterr().err
    speak(window, qtbot, "Still here")
