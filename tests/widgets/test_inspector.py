"""The inspector: pages by id, a rail that mouse and keyboard reach, and room that only the page shown asks for."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from widgets.icons import UnknownIconError
from widgets.inspector import Inspector
from widgets.theme import DARK, LIGHT, apply_theme


@pytest.fixture
def inspector(qtbot) -> Inspector:
    inspector = Inspector()
    qtbot.addWidget(inspector)
    for page_id, icon_name in (("slice", "chart-spline"), ("drift", "split"), ("checkpoint", "box")):
        inspector.add_page(page_id, page_id.capitalize(), icon_name, QLabel(f"This is {page_id}"))
    inspector.resize(300, 400)
    inspector.show()
    return inspector


def test_the_first_page_is_shown_and_pages_stand_in_order(inspector):
    assert inspector.pages() == ["slice", "drift", "checkpoint"]
    assert inspector.current == "slice"
    assert inspector.button("slice").isChecked()


def test_a_click_in_the_rail_changes_the_page_and_its_title(inspector, qtbot):
    with qtbot.waitSignal(inspector.page_changed) as changed:
        qtbot.mouseClick(inspector.button("checkpoint"), Qt.MouseButton.LeftButton)
    assert changed.args == ["checkpoint"]
    shown = [label.text() for label in inspector.findChildren(QLabel) if label.isVisible()]
    assert shown == ["Checkpoint", "This is checkpoint"]
    assert [page for page in inspector.pages() if inspector.button(page).isChecked()] == ["checkpoint"]


def test_the_current_page_is_not_announced_again(inspector, qtbot):
    with qtbot.assertNotEmitted(inspector.page_changed):
        inspector.set_current("slice")
        qtbot.mouseClick(inspector.button("slice"), Qt.MouseButton.LeftButton)
    assert inspector.button("slice").isChecked()


def test_the_rail_is_walked_with_the_keyboard(inspector, qtbot):
    inspector.button("slice").setFocus()
    qtbot.keyClick(inspector.button("slice"), Qt.Key.Key_Down)
    assert inspector.current == "drift"
    qtbot.keyClick(inspector.button("drift"), Qt.Key.Key_Up)
    assert inspector.current == "slice"


def test_every_button_says_what_it_is(inspector):
    inspector.set_hint("drift", "Alt+2")
    assert inspector.button("drift").accessibleName() == "Drift"
    assert "Drift" in inspector.button("drift").toolTip()
    assert "Alt+2" in inspector.button("drift").toolTip()


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_the_current_page_is_marked_with_the_accent(inspector, theme):
    apply_theme(QApplication.instance(), theme)
    inspector.set_current("drift")
    picture = inspector.grab().toImage()

    def marked(page: str) -> bool:
        button = inspector.button(page)
        y = button.mapTo(inspector, button.rect().center()).y()
        return picture.pixelColor(inspector.width() - 1, y) == QColor(theme.accent)

    assert [page for page in inspector.pages() if marked(page)] == ["drift"]
    apply_theme(QApplication.instance(), DARK)


def test_a_large_page_scrolls_instead_of_forcing_the_window(inspector):
    large = QWidget()
    large.setMinimumSize(200, 5000)
    inspector.add_page("large", "Large", "layers", large)
    assert inspector.minimumSizeHint().height() < 500
    inspector.set_current("large")
    assert inspector.minimumSizeHint().height() < 500


def test_a_page_twice_or_without_its_icon_is_refused(inspector):
    with pytest.raises(ValueError, match="slice"):
        inspector.add_page("slice", "Slice", "box", QWidget())
    with pytest.raises(UnknownIconError):
        inspector.add_page("other", "Other", "no-such-icon", QWidget())
    with pytest.raises(KeyError):
        inspector.set_current("other")


def test_width_is_asked_for_and_shown(inspector, qtbot):
    with qtbot.waitSignal(inspector.wide_requested) as asked:
        inspector._widen.click()
    assert asked.args == [True]
    inspector.set_wide(True)
    assert "slim" in inspector._widen.accessibleName()
    with qtbot.waitSignal(inspector.wide_requested) as asked:
        inspector._widen.click()
    assert asked.args == [False]
