"""Parts of a page turn from below each other to side by side with the width they are given."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QLabel, QWidget

from widgets.two_columns import WIDE_FROM, TwoColumns


def test_parts_stand_side_by_side_as_soon_as_there_is_room(qtbot):
    page = QWidget()
    qtbot.addWidget(page)
    first, second = QLabel("first"), QLabel("second")
    columns = TwoColumns(page, first, second)
    page.resize(WIDE_FROM - 1, 400)
    page.show()
    assert not columns.is_wide
    assert first.geometry().bottom() < second.geometry().top()
    assert first.height() > second.height(), "the first takes the room that is left"
    page.resize(WIDE_FROM + 40, 400)
    qtbot.waitUntil(lambda: columns.is_wide)
    qtbot.waitUntil(lambda: first.geometry().right() < second.geometry().left())
    assert abs(first.width() - second.width()) <= 1
    line = next(frame for frame in page.findChildren(QFrame) if frame.property("role") == "divider")
    qtbot.waitUntil(lambda: line.width() == 1 and line.height() > 300)
    page.resize(WIDE_FROM - 1, 400)
    qtbot.waitUntil(lambda: not columns.is_wide and line.height() == 1)
