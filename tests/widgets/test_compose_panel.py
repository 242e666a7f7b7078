"""Composing, with the keys and clicks of a person."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QLabel, QPushButton, QSlider, QToolButton

from widgets.compose_panel import ComposePanel, TextField, estimated_seconds
from widgets.speaker_picker import SpeakerPicker
from widgets.theme import DARK, LIGHT, apply_theme

SPEAKERS = [("heart", "en-US"), ("emma", "en-GB"), ("george", "en-GB"), ("omega", "hi")]


@pytest.fixture
def panel(qtbot) -> ComposePanel:
    apply_theme(QApplication.instance(), DARK)
    panel = ComposePanel()
    qtbot.addWidget(panel)
    panel.set_speakers(SPEAKERS)
    panel.set_ready(True)
    panel.resize(300, 420)
    panel.show()
    qtbot.waitExposed(panel)
    panel.activateWindow()
    return panel


def button(panel: ComposePanel, text: str) -> QPushButton:
    return next(b for b in panel.findChildren(QPushButton) if b.text() == text)


def named(panel, kind, name: str):
    return next(w for w in panel.findChildren(kind) if w.accessibleName() == name)


def visible_text(panel: ComposePanel) -> str:
    return " ".join(label.text() for label in panel.findChildren(QLabel))


def test_typing_and_ctrl_enter_speaks(qtbot, panel: ComposePanel):
    field = panel.findChild(TextField)
    with qtbot.waitSignals([panel.changed, panel.speak_requested]):
        qtbot.keyClicks(field, "Hello there")
        qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert panel.text() == "Hello there"


def test_enter_alone_begins_a_line(qtbot, panel: ComposePanel):
    field = panel.findChild(TextField)
    with qtbot.assertNotEmitted(panel.speak_requested):
        qtbot.keyClicks(field, "a")
        qtbot.keyClick(field, Qt.Key.Key_Return)
        qtbot.keyClicks(field, "b")
    assert panel.text() == "a\nb"


def test_the_button_speaks_and_then_cancels(qtbot, panel: ComposePanel):
    panel.set_text("Hello")
    with qtbot.waitSignal(panel.speak_requested):
        qtbot.mouseClick(button(panel, "Speak"), Qt.MouseButton.LeftButton)
    panel.set_busy(True)
    with qtbot.waitSignal(panel.cancel_requested), qtbot.assertNotEmitted(panel.speak_requested):
        qtbot.mouseClick(button(panel, "Cancel"), Qt.MouseButton.LeftButton)
    panel.set_busy(False)
    assert button(panel, "Speak").isEnabled()


def test_a_hasty_double_click_does_not_cancel_what_it_began(qtbot, panel: ComposePanel):
    panel.set_text("Hello")
    panel.speak_requested.connect(lambda: panel.set_busy(True))
    the_button = button(panel, "Speak")
    with qtbot.assertNotEmitted(panel.cancel_requested):
        qtbot.mouseClick(the_button, Qt.MouseButton.LeftButton)
        qtbot.mouseDClick(the_button, Qt.MouseButton.LeftButton)
        qtbot.mouseRelease(the_button, Qt.MouseButton.LeftButton)
    assert the_button.text() == "Cancel"


def test_escape_cancels_while_busy(qtbot, panel: ComposePanel):
    panel.set_text("Hello")
    panel.set_busy(True)
    with qtbot.waitSignal(panel.cancel_requested):
        qtbot.keyClick(panel.findChild(TextField), Qt.Key.Key_Escape)


def test_nothing_can_be_spoken_without_text_voice_or_while_busy(qtbot, panel: ComposePanel):
    field = panel.findChild(TextField)
    with qtbot.assertNotEmitted(panel.speak_requested):
        qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        panel.set_text("  \n ")
        qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        panel.set_text("Hello")
        panel.set_busy(True)
        qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        panel.set_busy(False)
        panel.set_ready(False, "The voice is being loaded.")
        qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert not button(panel, "Speak").isEnabled()
    assert "The voice is being loaded." in visible_text(panel)


def test_the_reason_goes_away_when_a_voice_is_there(panel: ComposePanel):
    panel.set_ready(False, "No voice is loaded.")
    panel.set_ready(True, "No voice is loaded.")
    assert "No voice" not in visible_text(panel)


def test_setters_emit_nothing(qtbot, panel: ComposePanel):
    signals = (panel.changed, panel.speak_requested, panel.cancel_requested, panel.reroll_requested)
    with ExitStack() as stack:
        for signal in signals:
            stack.enter_context(qtbot.assertNotEmitted(signal))
        panel.set_text("Hello")
        panel.set_speakers(SPEAKERS[:2])
        panel.set_speaker("emma")
        panel.set_seed(99)
        panel.set_seed_locked(True)
        panel.set_temperature(0.35)
        panel.set_temperature_range(0, 1)
        panel.set_busy(True)
        panel.set_busy(False)
        panel.set_shortcuts("Ctrl+Return", "Esc")
    assert (panel.text(), panel.speaker(), panel.seed()) == ("Hello", "emma", 99)
    assert panel.seed_locked()
    assert panel.temperature() == pytest.approx(0.35)


def test_a_set_text_can_be_undone(qtbot, panel: ComposePanel):
    field = panel.findChild(TextField)
    qtbot.keyClicks(field, "mine")
    panel.set_text("from a file")
    qtbot.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert panel.text() == "mine"


def test_length_is_counted_and_estimated_from_the_measured_rate(panel: ComposePanel):
    panel.set_text("x" * 167)
    assert "167 characters · about 10.0 s" in visible_text(panel)
    panel.set_speaker("omega")
    assert "about 13.4 s" in visible_text(panel)
    panel.set_text("")
    assert "about" not in visible_text(panel)
    assert estimated_seconds("x" * 125, "hi") == pytest.approx(10)
    assert estimated_seconds("x" * 167, "en-GB") == pytest.approx(10)


def test_slider_and_number_of_the_temperature_follow_each_other(qtbot, panel: ComposePanel):
    panel.set_temperature(0.5)
    slider = panel.findChild(QSlider)
    with qtbot.waitSignal(panel.changed):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert panel.temperature() == pytest.approx(0.55)
    spin = named(panel, QDoubleSpinBox, "Temperature")
    spin.selectAll()
    with qtbot.waitSignal(panel.changed):
        qtbot.keyClicks(spin, "1.37")
    assert slider.value() == 137


def test_lock_and_new_seed(qtbot, panel: ComposePanel):
    lock = named(panel, QToolButton, "Keep this seed")
    with qtbot.waitSignal(panel.changed):
        qtbot.mouseClick(lock, Qt.MouseButton.LeftButton)
    assert panel.seed_locked()
    assert lock.icon_name() == "lock"
    with qtbot.waitSignal(panel.reroll_requested):
        qtbot.mouseClick(named(panel, QToolButton, "New random seed"), Qt.MouseButton.LeftButton)


def test_a_seed_half_typed_counts_when_speaking(qtbot, panel: ComposePanel):
    panel.set_text("Hello")
    panel._seed.selectAll()
    qtbot.keyClicks(panel._seed, "1234")
    seeds: list[int] = []
    panel.speak_requested.connect(lambda: seeds.append(panel.seed()))
    qtbot.keyClick(panel._seed, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert seeds == [1234]


def test_tab_goes_through_all_controls_in_reading_order(qtbot, panel: ComposePanel):
    panel.set_text("Hello")
    panel.focus_text()
    names = []
    for _ in range(11):
        names.append(QApplication.focusWidget().accessibleName())
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert names == [
        "Text to speak",
        "Speaker",
        "Seed",
        "New random seed",
        "Keep this seed",
        "Temperature slider",
        "Temperature",
        "Speed slider",
        "Speed",
        "Speak",
        "Live",
    ]


def test_dropped_files_are_left_to_the_window(panel: ComposePanel):
    field = panel.findChild(TextField)
    files, words = QMimeData(), QMimeData()
    files.setUrls([QUrl.fromLocalFile("/tmp/voice.safetensors")])
    words.setText("Hello")
    assert not field.canInsertFromMimeData(files)
    assert field.canInsertFromMimeData(words)


def test_it_fits_a_narrow_dock_and_changes_theme(panel: ComposePanel):
    assert panel.minimumSizeHint().width() <= 300
    assert panel.minimumSizeHint().height() <= 400
    before = panel.grab().toImage()
    apply_theme(QApplication.instance(), LIGHT)
    after = panel.grab().toImage()
    assert before != after
    assert after.pixelColor(2, 2).lightness() > 200


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_the_placeholder_is_as_readable_as_other_muted_text(panel: ComposePanel, theme):
    apply_theme(QApplication.instance(), theme)
    placeholder = panel.findChild(TextField).palette().color(QPalette.ColorRole.PlaceholderText)
    assert placeholder == QColor(theme.text_muted)


# The speaker picker


def picker_of(panel: ComposePanel) -> SpeakerPicker:
    return panel.findChild(SpeakerPicker)


def test_the_picker_finds_by_language_and_takes_with_enter(qtbot, panel: ComposePanel):
    picker = picker_of(panel)
    qtbot.mouseClick(picker, Qt.MouseButton.LeftButton)
    popup = picker.popup()
    assert popup.isVisible()
    qtbot.keyClicks(popup.search, "hindi")
    assert popup.shown_names() == ["omega"]
    with qtbot.waitSignal(panel.changed):
        qtbot.keyClick(popup.search, Qt.Key.Key_Return)
    assert panel.speaker() == "omega"
    assert not popup.isVisible()


def test_the_picker_can_be_walked_clicked_and_left(qtbot, panel: ComposePanel):
    picker = picker_of(panel)
    picker.setFocus()
    qtbot.keyClick(picker, Qt.Key.Key_Return)
    popup = picker.popup()
    qtbot.keyClick(popup.search, Qt.Key.Key_Escape)
    assert not popup.isVisible()
    assert panel.speaker() == "heart"
    qtbot.keyClicks(picker, "g")
    assert popup.search.text() == "g"
    assert popup.shown_names() == ["george", "omega", "heart", "emma"], (
        "names come before languages (English)"
    )
    index = popup.list.model().index(0, 0)
    place = popup.list.visualRect(index).center()
    qtbot.mouseClick(popup.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert panel.speaker() == "george"


def test_arrow_keys_change_the_speaker_without_the_list(qtbot, panel: ComposePanel):
    picker = picker_of(panel)
    with qtbot.waitSignal(panel.changed):
        qtbot.keyClick(picker, Qt.Key.Key_Down)
    assert panel.speaker() == "emma"
    qtbot.keyClick(picker, Qt.Key.Key_Up)
    with qtbot.assertNotEmitted(panel.changed):
        qtbot.keyClick(picker, Qt.Key.Key_Up)
    assert panel.speaker() == "heart"


def test_a_search_without_a_match_says_so_and_takes_nothing(qtbot, panel: ComposePanel):
    picker = picker_of(panel)
    picker.open_list("zzz")
    popup = picker.popup()
    assert popup.shown_names() == []
    with qtbot.assertNotEmitted(panel.changed):
        qtbot.keyClick(popup.search, Qt.Key.Key_Return)
    popup.hide()


def test_new_speakers_keep_the_chosen_one_where_they_can(panel: ComposePanel):
    panel.set_speaker("george")
    panel.set_speakers([("emma", "en-GB"), ("george", "en-GB")])
    assert panel.speaker() == "george"
    panel.set_speakers([("alpha", "hi")])
    assert panel.speaker() == "alpha"
    panel.set_speakers([])
    assert panel.speaker() == ""


def test_the_speed_is_slid_typed_and_set_back(qtbot, panel: ComposePanel):
    slider, field = named(panel, QSlider, "Speed slider"), named(panel, QDoubleSpinBox, "Speed")
    reset = named(panel, QToolButton, "Set speed back")
    assert panel.speed() == 1.0
    assert not reset.isEnabled()
    with qtbot.waitSignal(panel.changed):
        slider.setValue(slider.maximum())
    assert panel.speed() == 2.0
    with qtbot.waitSignal(panel.changed):
        field.setValue(0.5)
    assert slider.value() == slider.minimum()
    with qtbot.waitSignal(panel.changed):
        qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert panel.speed() == 1.0
    assert slider.value() == 0, "the pace of the voice is the middle of the slider"
    with qtbot.assertNotEmitted(panel.changed):
        panel.set_speed(1.25)
    assert panel.speed() == 1.25
    panel.set_text("A sentence of some length to be spoken.")
    before = visible_text(panel)
    field.setValue(0.5)
    assert visible_text(panel) != before, "the estimate does not follow the speed"


def test_a_voice_that_cannot_change_its_pace_says_so(panel: ComposePanel):
    panel.set_speed_available(False)
    slider = named(panel, QSlider, "Speed slider")
    assert not slider.isEnabled()
    assert "durations" in slider.toolTip()
    panel.set_speed_available(True)
    assert slider.isEnabled()


def test_live_the_button_keeps_whatever_is_being_made(qtbot, panel: ComposePanel):
    panel.set_text("Hello")
    live = named(panel, QToolButton, "Live")
    with qtbot.waitSignal(panel.live_toggled) as told:
        qtbot.mouseClick(live, Qt.MouseButton.LeftButton)
    assert told.args == [True]
    panel.set_live(True)
    panel.set_busy(True)
    with qtbot.waitSignal(panel.speak_requested), qtbot.assertNotEmitted(panel.cancel_requested):
        qtbot.mouseClick(button(panel, "Keep take"), Qt.MouseButton.LeftButton)
    panel.set_remark("There is nothing to speak.")
    assert "There is nothing to speak." in visible_text(panel)
    with qtbot.assertNotEmitted(panel.live_toggled):
        panel.set_live(False)
    assert button(panel, "Cancel").isEnabled()
