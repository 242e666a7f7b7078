"""The table of utterances: what is found, in which order, and that many thousand rows stay fluent."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QPushButton

from widgets.data_browser import DataBrowser
from widgets.data_rows import ERROR, LANGUAGE, LENGTH, ROW, SPEAKER, TEXT, DataFilter, DataRows
from widgets.data_table import DataModel
from widgets.theme import DARK, apply_theme

UP, DOWN = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
WORDS = ("Rain", "sun", "café", "नदी", "Ship", "ships")


def rows(count: int, seed: int = 0) -> DataRows:
    rng = np.random.default_rng(seed)
    texts = tuple(" ".join(rng.choice(WORDS, 3)) for _ in range(count))
    speakers = tuple(rng.choice(("ada", "bina", "carl"), count))
    languages = tuple("hi" if speaker == "bina" else "en-US" for speaker in speakers)
    return DataRows(texts, speakers, languages, rng.uniform(0.5, 9, count), rng.random(count) < 0.2)


FILTERS = st.builds(
    DataFilter,
    words=st.sampled_from(["", "ship", "CAFÉ sun", "नदी", "bina", "nothing"]),
    speaker=st.sampled_from(["", "ada", "bina"]),
    language=st.sampled_from(["", "hi"]),
    shortest=st.sampled_from([0.0, 2.0]),
    longest=st.sampled_from([float("inf"), 6.0]),
)


@given(FILTERS, st.sampled_from([ROW, TEXT, SPEAKER, LANGUAGE, LENGTH, ERROR]), st.sampled_from([UP, DOWN]))
def test_what_is_shown_is_what_fits_in_order(wanted: DataFilter, column: int, order: Qt.SortOrder) -> None:
    data, errors = rows(60), np.random.default_rng(1).uniform(0, 1, 60).astype(np.float32)
    errors[::3] = np.nan
    model = DataModel({})
    model.set_rows(data)
    model.set_errors(errors)
    model.set_filter(wanted)
    model.sort(column, order)
    found = list(model.found())
    fits = [
        n for n in range(60)
        if all(word in f"{data.texts[n]} {data.speakers[n]}".casefold() for word in wanted.words.casefold().split())
        and wanted.speaker in ("", data.speakers[n])
        and wanted.language in ("", data.languages[n])
        and wanted.shortest <= data.seconds[n] <= wanted.longest
    ]  # fmt: skip
    assert sorted(found) == fits
    keys = {
        ROW: list(range(60)), TEXT: [text.casefold() for text in data.texts], SPEAKER: list(data.speakers),
        LANGUAGE: list(data.languages), LENGTH: list(data.seconds), ERROR: list(errors),
    }[column]  # fmt: skip
    shown = [keys[n] for n in found]
    if column == ERROR:
        unknown = [bool(np.isnan(value)) for value in shown]
        assert unknown == sorted(unknown)  # what is not known comes last, whatever the order
        shown = [value for value in shown if not np.isnan(value)]
    assert shown == sorted(shown, reverse=order == DOWN)


def test_the_model_keeps_the_rules_of_models(qapp) -> None:  # type: ignore[no-untyped-def]
    model = DataModel({ERROR: "tip"})
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_rows(rows(40))
    model.set_filter(DataFilter("ship"))
    model.sort(LENGTH, DOWN)
    model.set_errors(np.linspace(0, 1, 40, dtype=np.float32))
    model.set_rows(rows(3))


def test_the_selection_stays_on_its_row(browser: DataBrowser) -> None:
    browser.table.setCurrentIndex(browser.table.data_model.index(5, TEXT))
    chosen = browser.table.current_row()
    browser.table.sortByColumn(LENGTH, DOWN)
    assert browser.table.current_row() == chosen


@pytest.fixture
def browser(qtbot, qapp) -> DataBrowser:  # type: ignore[no-untyped-def]
    apply_theme(qapp, DARK)
    browser = DataBrowser("what the error is")
    qtbot.addWidget(browser)
    browser.resize(900, 500)
    browser.set_rows("data/train.jsonl", rows(60))
    browser.show()
    qtbot.waitExposed(browser)
    return browser


def test_typing_filters_and_counts(browser: DataBrowser, qtbot) -> None:  # type: ignore[no-untyped-def]
    assert browser.count_text().startswith("60 utterances")
    QTest.keyClicks(browser.search, "ship")
    qtbot.waitUntil(lambda: " of 60 utterances" in browser.count_text())
    browser.speaker.setCurrentIndex(browser.speaker.findData("bina"))
    browser.shortest.setValue(2.0)
    assert browser.filter() == DataFilter("ship", "bina", "", 2.0, float("inf"))
    browser.set_rows("data/dev.jsonl", rows(10, 3))
    assert browser.filter().speaker == "bina"  # what was asked for stays with another manifest


def test_enter_opens_a_row_and_the_button_too(browser: DataBrowser, qtbot) -> None:  # type: ignore[no-untyped-def]
    browser.table.sortByColumn(LENGTH, DOWN)
    browser.table.setCurrentIndex(browser.table.data_model.index(0, TEXT))
    longest = int(np.argmax(rows(60).seconds))
    with qtbot.waitSignal(browser.row_opened) as told:
        qtbot.keyClick(browser.table, Qt.Key.Key_Return)
    assert told.args == [longest]


def press(qtbot, widget, *keys: Qt.Key) -> None:  # type: ignore[no-untyped-def]
    for key in keys:
        qtbot.keyClick(widget, key)


def test_the_keys_of_the_search_go_on_into_the_table(browser: DataBrowser, qtbot) -> None:  # type: ignore[no-untyped-def]
    browser.search.setFocus()
    QTest.keyClicks(browser.search, "ship")
    with qtbot.waitSignal(browser.row_opened) as told:
        press(qtbot, browser.search, Qt.Key.Key_Return)  # also before the pause after typing is over
    found = list(browser.table.data_model.found())
    assert " of 60 utterances" in browser.count_text()
    assert told.args == [found[0]]
    press(qtbot, browser.search, Qt.Key.Key_Down)
    assert browser.table.hasFocus()
    press(qtbot, browser.table, Qt.Key.Key_Down, Qt.Key.Key_Down)
    assert browser.table.current_row() == found[2]
    press(qtbot, browser.table, Qt.Key.Key_End)
    assert browser.table.current_row() == found[-1]
    press(qtbot, browser.table, Qt.Key.Key_Home, Qt.Key.Key_Up)
    assert browser.search.hasFocus()
    with qtbot.waitSignal(browser.row_opened) as told:
        press(qtbot, browser.search, Qt.Key.Key_Return)
    assert told.args == [found[0]]
    press(qtbot, browser.search, Qt.Key.Key_Escape)
    assert browser.search.text() == ""


def test_letters_typed_into_the_table_are_a_new_search(browser: DataBrowser, qtbot) -> None:  # type: ignore[no-untyped-def]
    browser.search.setText("sun")
    browser.table.go_in()
    QTest.keyClick(browser.table, "s")
    assert browser.search.hasFocus()
    QTest.keyClicks(browser.search, "hip")
    assert browser.search.text() == "ship"
    browser.table.go_in()
    press(qtbot, browser.table, Qt.Key.Key_Escape)
    assert browser.search.hasFocus()
    assert browser.search.text() == ""


def test_space_plays_and_copy_copies_the_row(browser: DataBrowser, qtbot, qapp) -> None:  # type: ignore[no-untyped-def]
    browser.table.go_in()
    with qtbot.waitSignal(browser.play_requested) as told:
        press(qtbot, browser.table, Qt.Key.Key_Space)
    assert told.args == [0]
    browser.set_playing(True)
    stop = next(button for button in browser.findChildren(QPushButton) if button.text() == "Stop")
    with qtbot.waitSignal(browser.play_requested):
        qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    qtbot.keyClick(browser.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    cells = qapp.clipboard().text().split("\t")
    assert cells[:3] == ["0", rows(60).texts[0], rows(60).speakers[0]]
    assert len(cells) == 6


def test_when_nothing_fits_it_says_so_and_all_comes_back_at_once(browser: DataBrowser, qtbot) -> None:  # type: ignore[no-untyped-def]
    browser.speaker.setCurrentIndex(1)
    browser.longest.setValue(0.1)
    qtbot.waitUntil(lambda: browser.count_text().startswith("0 of 60"))
    assert "No utterance fits" in browser.message()
    everything = next(button for button in browser.findChildren(QPushButton) if button.text() == "Show all")
    qtbot.mouseClick(everything, Qt.MouseButton.LeftButton)
    assert browser.count_text().startswith("60 utterances")
    assert browser.filter() == DataFilter()
    assert browser.message() == ""
    assert not everything.isVisible()


def test_the_ground_truth_is_marked(browser: DataBrowser) -> None:
    model = browser.table.data_model
    browser.set_truth(4)
    marked = [row for row in range(60) if model.data(model.index(row, TEXT), Qt.ItemDataRole.ForegroundRole)]
    assert marked == [4]
    browser.set_rows("other", rows(10))
    assert not any(model.data(model.index(row, TEXT), Qt.ItemDataRole.ForegroundRole) for row in range(10))


def test_measuring_can_be_asked_for_and_cancelled(browser: DataBrowser, qtbot) -> None:  # type: ignore[no-untyped-def]
    button = next(b for b in browser.findChildren(type(browser._measure)) if "Measure" in b.text())
    assert not button.isEnabled()
    browser.set_can_measure(True)
    with qtbot.waitSignal(browser.measure_requested):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    browser.set_measuring(0.4, "24 of 60 measured")
    assert button.text() == "Cancel"
    with qtbot.waitSignal(browser.cancel_requested):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    browser.set_measuring(None)
    errors = np.full(60, np.nan, np.float32)
    errors[7] = 0.123
    browser.set_errors(errors)
    assert browser.table.data_model.index(7, ERROR).data() == "0.123"
    assert browser.table.data_model.index(8, ERROR).data() == "–"


def test_an_empty_browser_says_what_to_do(browser: DataBrowser) -> None:
    browser.set_empty("Open a manifest.")
    assert browser.message() == "Open a manifest."
    browser.grab()


def test_an_example_is_offered_while_there_is_nothing(browser: DataBrowser, qtbot) -> None:  # type: ignore[no-untyped-def]
    example = next(button for button in browser.findChildren(QPushButton) if "example" in button.text())
    assert not example.isVisible()
    browser.set_empty("Open a manifest.")
    with qtbot.waitSignal(browser.example_requested):
        qtbot.mouseClick(example, Qt.MouseButton.LeftButton)


def test_fifty_thousand_rows_are_searched_and_sorted(qapp, benchmark) -> None:  # type: ignore[no-untyped-def]
    model = DataModel({})
    start = time.perf_counter()
    model.set_rows(rows(50_000))
    assert time.perf_counter() - start < 20  # a watchdog, not a goal
    words = iter(["ship", "sun", "café", "rain", "नदी"] * 1000)

    def search() -> None:
        model.set_filter(DataFilter(next(words)))
        model.sort(TEXT, DOWN)

    benchmark(search)
    assert 0 < model.rowCount() < 50_000
