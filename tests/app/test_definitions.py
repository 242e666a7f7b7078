"""Every number leads to its chapter of the manual: by click, right click, What's This."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.definitions import DefinitionGuide, chapter_text, definition_in, split_chapters, term_of, tip_at
from widgets.data_table import DataTable

ROOT = Path(__file__).resolve().parents[2]
TIP = "How far it is.\ndocs/analysis.md, mel_error"


def references() -> list[tuple[str, str]]:
    """(file, text) of every text in the source that refers to a chapter."""
    found = []
    for path in sorted([*ROOT.glob("app/*.py"), *ROOT.glob("widgets/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and definition_in(node.value):
                found.append((path.name, node.value))
    return found


def texts_of_definitions() -> list[tuple[str, str]]:
    """(file, text) of what stands in the tables named ...DEFINITIONS."""
    found = []
    for path in sorted(ROOT.glob("app/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [getattr(target, "id", "") for target in node.targets] if isinstance(node, ast.Assign) else []
            if any("DEFINITIONS" in name for name in names):
                found += [(path.name, ast.literal_eval(text)) for text in node.value.values]
    return found


@pytest.mark.parametrize(("file", "text"), texts_of_definitions(), ids=lambda value: value[:40])
def test_every_definition_names_its_chapter(file, text):
    assert definition_in(text), f"{file}: {text!r} leads nowhere"


def test_there_are_references_to_check():
    assert len(references()) > 20


@pytest.mark.parametrize(("file", "text"), references(), ids=lambda value: value[-40:].strip())
def test_every_reference_leads_to_a_chapter(file, text):
    definition = definition_in(text)
    heading, chapter = chapter_text(definition)
    assert heading, f"{file}: {definition.chapter!r} is no chapter of docs/{definition.file}"
    assert len(chapter) > 100
    assert len(definition.short) > 10


def test_a_text_without_a_reference_is_no_definition():
    assert definition_in("Play or pause (Space)") is None
    assert definition_in("see docs/analysis.md, drift, for more") is None


def test_chapters_are_found_by_whole_words_of_their_headings(tmp_path):
    (tmp_path / "a.md").write_text(
        "# A\n\n## Drifting (`drifts`)\nno\n## Run (`drift`)\nyes\n## Last\n`inside`\n"
    )
    chapter = lambda name: chapter_text(definition_in(f"Short.\ndocs/a.md, {name}"), tmp_path)  # noqa: E731
    assert chapter("drift") == ("Run (`drift`)", "yes")
    assert chapter("inside") == ("Last", "`inside`")
    assert chapter("nowhere") == ("", "")
    assert chapter_text(definition_in("Short.\ndocs/missing.md, x"), tmp_path) == ("", "")


def test_scripts_are_left_out_of_chapters():
    script = "<details><summary>s</summary>\n\n```\n## no heading\n```\n\n</details>"
    text = f"## One\nbefore\n\n{script}\n\nafter\n## Two\nx\n"
    assert split_chapters(text) == [("One", "before\n\nafter"), ("Two", "x")]


@pytest.mark.parametrize(
    ("label", "term"),
    [
        ("L1 0.24 along DTW", "L1"),
        ("Energy ratio", "Energy ratio"),
        ("−0.6 dB, end −0.8 dB", ""),
        ("Mean of all heads: focus 0.17", "Mean of all heads"),
        ("Mean distance and everything else that can be said about it at length", ""),
    ],
)
def test_the_term_is_what_a_label_calls_its_number(qtbot, label, term):
    widget = QLabel(label)
    qtbot.addWidget(widget)
    assert term_of(widget) == term


@pytest.fixture
def window(qtbot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    for name, widget in {
        "number": QLabel("L1 0.24"),
        "plain": QLabel("Text"),
        "box": QCheckBox("Formant tracks"),
        "field": QLineEdit(),
    }.items():
        widget.setObjectName(name)
        widget.setToolTip("" if name == "plain" else TIP)
        layout.addWidget(widget)
    window.guide = DefinitionGuide(window)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window.guide.card.shut()


def right_click(widget: QWidget) -> None:
    at = widget.rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, widget.mapToGlobal(at))
    QApplication.sendEvent(widget, event)


def test_a_click_on_a_number_opens_its_chapter(window):
    QTest.mouseClick(window.findChild(QLabel, "number"), Qt.MouseButton.LeftButton)
    card = window.guide.card
    assert card.isVisible()
    assert "How far it is." in card.text()
    assert "mean of |mel − truth|" in card.text()
    assert "docs/analysis.md, mel_error" in card.text()
    assert card.marked().lower() == "l1"
    QTest.keyClick(card, Qt.Key.Key_Escape)
    assert not card.isVisible()


def test_a_control_keeps_its_click_and_explains_itself_by_the_right_button(window):
    box = window.findChild(QCheckBox, "box")
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert box.isChecked()
    assert not window.guide.card.isVisible()
    right_click(box)
    assert window.guide.card.isVisible()


@pytest.mark.parametrize("name", ["plain", "field"])
def test_what_has_no_definition_or_a_menu_of_its_own_opens_nothing(window, name):
    widget = window.findChild(QWidget, name)
    if name == "plain":
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
        right_click(widget)
    else:
        # The line edit's own menu would block the test; it must be asked, not the guide.
        assert not window.guide._on_context_menu(widget, None)
    assert not window.guide.card.isVisible()


def test_whats_this_explains_what_has_a_definition(window):
    for name, known in (("box", True), ("plain", False)):
        widget = window.findChild(QWidget, name)
        at = widget.rect().center()
        question = QHelpEvent(QEvent.Type.QueryWhatsThis, at, widget.mapToGlobal(at))
        QApplication.sendEvent(widget, question)
        assert question.isAccepted() == known
    box = window.findChild(QCheckBox, "box")
    at = box.rect().center()
    QApplication.sendEvent(box, QHelpEvent(QEvent.Type.WhatsThis, at, box.mapToGlobal(at)))
    assert window.guide.card.isVisible()


def test_the_head_of_a_column_has_its_definition(qtbot):
    table = DataTable({3: TIP})
    qtbot.addWidget(table)
    table.show()
    header = table.horizontalHeader()
    at = QPoint(header.sectionPosition(3) + 4, header.height() // 2)
    assert tip_at(header.viewport(), at) == TIP


def test_without_the_manual_the_card_has_the_short_definition(window, monkeypatch, tmp_path):
    monkeypatch.setattr("app.definitions.manual_folder", lambda: tmp_path)
    QTest.mouseClick(window.findChild(QLabel, "number"), Qt.MouseButton.LeftButton)
    assert window.guide.card.text().startswith("L1\nHow far it is.")
