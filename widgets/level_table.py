"""The gain of each sound and how loud it was before, as a small table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from widgets.style_sheet import set_role
from widgets.text_format import MINUS, NOTHING

HEADINGS = ("", "Gain", "Before")


class LevelTable(QWidget):
    """Rows of (name, gain in dB, loudness before it in LUFS)."""

    def __init__(self, definition: str, parent: QWidget | None = None) -> None:
        """definition: tool tip of every cell."""
        super().__init__(parent)
        self.setToolTip(definition)
        self._cells: list[QLabel] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)

    def set_rows(self, rows: Sequence[tuple[str, float, float]]) -> None:
        """Show these; none hides the headings as well."""
        texts = [(name, _figure(gain, "dB", sign=True), _figure(lufs, "LUFS")) for name, gain, lufs in rows]
        cells = [text for row in ([HEADINGS, *texts] if texts else []) for text in row]
        while len(self._cells) > len(cells):
            self._cells.pop().deleteLater()
        while len(self._cells) < len(cells):
            self._add_cell()
        for label, text in zip(self._cells, cells, strict=True):
            label.setText(text)
        self.setVisible(bool(cells))

    def texts(self) -> list[str]:
        """What is shown, cell by cell, without the headings."""
        return [label.text() for label in self._cells[len(HEADINGS) :]]

    def _add_cell(self) -> None:
        row, column = divmod(len(self._cells), len(HEADINGS))
        label = QLabel(self)
        set_role(label, "heading" if row == 0 else "small")
        if column:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(label, row, column)
        self._cells.append(label)


def _figure(value: float, unit: str, sign: bool = False) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return NOTHING
    rounded = round(value, 1) + 0.0
    text = f"{rounded:+.1f}" if sign and rounded else f"{rounded:.1f}"
    return f"{text.replace('-', MINUS)} {unit}"
