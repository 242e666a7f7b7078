"""File dialogs: a name gets the suffix of what is written, once."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget

from app import dialogs
from app.binding_listening import CSV_FILTER
from app.dialogs import FIGURE_FILTER, WAV_FILTER, FileDialogs
from app.settings import Settings


class Answering:
    """A file dialog that answers at once."""

    answer = ("", "")

    @classmethod
    def getSaveFileName(cls, *_arguments: object) -> tuple[str, str]:
        return cls.answer


@pytest.mark.parametrize(
    ("typed", "file_filter", "used", "written"),
    [
        ("votes.csv", CSV_FILTER, CSV_FILTER, "votes.csv"),
        ("votes", CSV_FILTER, CSV_FILTER, "votes.csv"),
        ("take.1", WAV_FILTER, WAV_FILTER, "take.1.wav"),
        ("LOUD.WAV", WAV_FILTER, WAV_FILTER, "LOUD.WAV"),
        ("figure", FIGURE_FILTER, "SVG drawing (*.svg)", "figure.svg"),
        ("figure.png", FIGURE_FILTER, "SVG drawing (*.svg)", "figure.png"),
        ("figure", FIGURE_FILTER, "", "figure.txt"),
    ],
)
def test_a_name_gets_its_suffix_once(typed, file_filter, used, written, qtbot, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    window = QWidget()
    qtbot.addWidget(window)
    monkeypatch.setattr(dialogs, "QFileDialog", Answering)
    Answering.answer = (str(tmp_path / typed), used)
    settings = Settings()
    assert FileDialogs(window, settings).save_file("Save", "name.txt", file_filter) == tmp_path / written
    assert settings.export_folder == str(tmp_path)
    Answering.answer = ("", "")
    assert FileDialogs(window, settings).save_file("Save", "name.txt", file_filter) is None
