"""Checkpoint panel, notices, shortcut sheet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets import notice_bar
from widgets.checkpoint_panel import CheckpointPanel
from widgets.gallery import ROWS, SHORTCUTS, Gallery
from widgets.job_indicator import ThinProgress
from widgets.notice_bar import NoticeBar
from widgets.shortcut_sheet import ShortcutSheet
from widgets.theme import DARK, LIGHT, apply_theme


@pytest.fixture(autouse=True)
def dark(qapp):
    apply_theme(qapp, DARK)


@pytest.fixture
def checkpoint(qtbot) -> CheckpointPanel:
    panel = CheckpointPanel()
    qtbot.addWidget(panel)
    panel.resize(300, 480)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def shown_buttons(widget: QWidget) -> set[str]:
    return {b.text() for b in widget.findChildren(QPushButton) if b.isVisible() and b.isEnabled()}


def press(qtbot, widget: QWidget, text: str) -> None:
    button = next(b for b in widget.findChildren(QPushButton) if b.text() == text)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget)]


# Checkpoint panel


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        ("loaded", {"Open…"}),
        ("candidate", {"Open…", "Load this checkpoint", "Dismiss"}),
        ("refused", {"Open…", "Dismiss"}),
        ("loading", set()),
    ],
)
def test_each_state_offers_its_own_buttons(checkpoint: CheckpointPanel, state: str, buttons: set[str]):
    checkpoint.set_info("studio.safetensors", ROWS, state)
    assert shown_buttons(checkpoint) == buttons
    assert checkpoint.findChild(ThinProgress).isVisible() == (state == "loading")
    assert checkpoint.state() == state


def test_buttons_ask(qtbot, checkpoint: CheckpointPanel):
    checkpoint.set_info("studio.safetensors", ROWS, "candidate")
    for text, signal in (
        ("Open…", checkpoint.open_requested),
        ("Load this checkpoint", checkpoint.load_requested),
        ("Dismiss", checkpoint.dismiss_requested),
    ):
        with qtbot.waitSignal(signal):
            press(qtbot, checkpoint, text)


def test_rows_and_message_are_shown_and_go_away(checkpoint: CheckpointPanel):
    checkpoint.set_info("studio.safetensors", ROWS, "refused", "The file ends too early.")
    shown = texts(checkpoint)
    assert {"Parameters", "21,103,717", "The file ends too early.", "9f3a61c07be24d18"} <= set(shown)
    checkpoint.set_info("other.safetensors", [("Parameters", "3")], "loaded")
    shown = texts(checkpoint)
    assert "The file ends too early." not in shown
    assert "21,103,717" not in shown
    assert "3" in shown
    checkpoint.set_empty()
    assert "No checkpoint" in texts(checkpoint)
    assert shown_buttons(checkpoint) == {"Open…"}


def test_rows_are_made_once(checkpoint: CheckpointPanel):
    checkpoint.set_info("a", ROWS, "loaded")
    labels = set(checkpoint.findChildren(QLabel))
    checkpoint.set_info("a", [], "loading")
    checkpoint.set_info("b", ROWS[::-1], "candidate")
    assert set(checkpoint.findChildren(QLabel)) == labels


def test_a_long_path_is_cut_but_not_lost(checkpoint: CheckpointPanel):
    path = "/home/someone/" + "deep/" * 30 + "voice.safetensors"
    checkpoint.set_info("voice.safetensors", [("File", path)], "loaded")
    value = next(label for label in checkpoint.findChildren(QLabel) if label.toolTip() == path)
    assert "…" in value.text()
    assert value.text().endswith("safetensors")
    assert checkpoint.minimumSizeHint().width() < 300


@pytest.mark.parametrize("width", [200, 300, 420])
def test_values_stay_readable_in_a_narrow_panel(qtbot, checkpoint: CheckpointPanel, width: int):
    checkpoint.set_info("studio.safetensors", ROWS, "loaded")
    checkpoint.resize(width, 480)
    value = next(label for label in checkpoint.findChildren(QLabel) if label.text() == "embedded Vocos")
    qtbot.waitUntil(lambda: value.width() >= 110, timeout=5000)
    assert value.mapTo(checkpoint, value.rect().topRight()).x() < width


def test_a_hash_is_monospaced(checkpoint: CheckpointPanel):
    checkpoint.set_info("x", [("SHA-256", "9f3a"), ("Step", "9f3a")], "loaded")
    first, second = (label for label in checkpoint.findChildren(QLabel) if label.text() == "9f3a")
    assert first.fontMetrics().horizontalAdvance("i") == first.fontMetrics().horizontalAdvance("W")
    assert second.fontMetrics().horizontalAdvance("i") != second.fontMetrics().horizontalAdvance("W")


def test_an_unknown_state_is_refused(checkpoint: CheckpointPanel):
    with pytest.raises(ValueError, match="half-loaded"):
        checkpoint.set_info("x", [], "half-loaded")


def test_rows_that_do_not_fit_can_be_reached_by_keys(qtbot, checkpoint: CheckpointPanel):
    checkpoint.resize(300, 260)
    checkpoint.set_info("studio.safetensors", ROWS, "loaded")
    area = checkpoint.findChild(QScrollArea)
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 0, timeout=5000)
    area.setFocus()
    qtbot.keyClick(area, Qt.Key.Key_Down)
    assert area.verticalScrollBar().value() > 0


# Notices


@pytest.fixture
def notices(qtbot) -> Iterator[NoticeBar]:
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    # What the person works with has the focus, not the message.
    layout.addWidget(QLineEdit())
    bar = NoticeBar()
    layout.addWidget(bar)
    window.resize(600, 120)
    window.show()
    qtbot.waitExposed(window)
    yield bar
    bar.clear()


def dismiss(qtbot, bar: NoticeBar) -> None:
    qtbot.mouseClick(bar.findChild(QToolButton), Qt.MouseButton.LeftButton)


def test_notices_wait_for_each_other(qtbot, notices: NoticeBar):
    assert not notices.isVisible()
    for text in ("first", "second", "third"):
        notices.show_notice(text, "error")
    seen = []
    while notices.isVisible():
        seen.append(notices.current().text)
        dismiss(qtbot, notices)
    assert seen == ["first", "second", "third"]


def test_the_number_of_waiting_notices_is_shown(notices: NoticeBar):
    notices.show_notice("first", "warning")
    notices.show_notice("second", "warning")
    assert "1 of 2" in texts(notices)
    notices.dismiss()
    assert "1 of 2" not in texts(notices)


def test_an_action_belongs_to_its_notice(qtbot, notices: NoticeBar):
    first = notices.show_notice("No sound device", "warning", "Look again")
    notices.show_notice("Saved", "info")
    with qtbot.waitSignal(notices.action_triggered) as done:
        press(qtbot, notices, "Look again")
    assert done.args == [first]
    assert notices.current().text == "Saved"
    assert shown_buttons(notices) == set()


def test_the_same_message_does_not_queue_twice(notices: NoticeBar):
    assert notices.show_notice("Same", "error") == notices.show_notice("Same", "error")
    assert notices.waiting() == 0


def test_only_information_goes_away_by_itself(qtbot, notices: NoticeBar, monkeypatch):
    monkeypatch.setattr(notice_bar, "INFO_SECONDS", 0.05)
    notices.show_notice("Saved", "info")
    notices.show_notice("Failed", "error")
    qtbot.waitUntil(lambda: notices.current().text == "Failed", timeout=5000)
    qtbot.wait(200)
    assert notices.isVisible()


def test_escape_dismisses(qtbot, notices: NoticeBar):
    notices.show_notice("Failed", "error")
    qtbot.keyClick(notices.findChild(QToolButton), Qt.Key.Key_Escape)
    assert not notices.isVisible()


def test_floating_follows_its_ground(qtbot, notices: NoticeBar):
    ground = QWidget()
    qtbot.addWidget(ground)
    ground.resize(500, 300)
    ground.show()
    notices.float_over(ground)
    notices.show_notice("word " * 60, "error")
    assert notices.geometry().left() == 12
    assert notices.width() == 476
    assert notices.height() > 60, "a long message takes more lines"
    ground.resize(1400, 300)
    assert notices.width() == 720
    assert abs(notices.geometry().center().x() - 700) <= 1


def test_an_unknown_level_is_refused(notices: NoticeBar):
    with pytest.raises(ValueError, match="fatal"):
        notices.show_notice("x", "fatal")


# Shortcut sheet


def test_the_sheet_shows_every_shortcut_and_finds_some(qtbot):
    sheet = ShortcutSheet(SHORTCUTS)
    qtbot.addWidget(sheet)
    sheet.show()
    everything = {title for _, rows in SHORTCUTS for title, _ in rows}
    assert set(sheet.shown()) == everything
    search = sheet.findChild(QLineEdit)
    qtbot.keyClicks(search, "zoom")
    assert sheet.shown() == ["Zoom in", "Zoom out", "Zoom to selection"]
    search.clear()
    qtbot.keyClicks(search, "f2")
    assert sheet.shown() == ["Rename"]
    search.clear()
    qtbot.keyClicks(search, "no such thing")
    assert sheet.shown() == []
    assert "No shortcut matches" in texts(sheet)


def test_escape_closes_the_sheet(qtbot):
    sheet = ShortcutSheet(SHORTCUTS)
    qtbot.addWidget(sheet)
    sheet.show()
    qtbot.keyClick(sheet.findChild(QLineEdit), Qt.Key.Key_Escape)
    assert not sheet.isVisible()


# All together


def test_the_gallery_changes_theme_while_it_is_shown(qtbot, qapp: QApplication):
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.resize(1280, 860)
    gallery.show()
    qtbot.waitExposed(gallery)
    dark_picture = gallery.grab().toImage()
    apply_theme(qapp, LIGHT)
    light_picture = gallery.grab().toImage()

    def mean_lightness(image) -> float:
        points = [(x, y) for x in range(0, image.width(), 40) for y in range(0, image.height(), 40)]
        return sum(image.pixelColor(x, y).lightness() for x, y in points) / len(points)

    assert mean_lightness(dark_picture) < 70
    assert mean_lightness(light_picture) > 200
