"""Where the panes and their axes stand: in rows, in columns or in a grid, always aligned.

Every arrangement is one grid: frequency axes of a fixed width in its first column, panes of equal size, time
axes of a fixed height in its last row, the colour bar in its last column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from widgets.colour_bar import ColourBar
from widgets.mel_axes import FREQUENCY_AXIS_WIDTH, FrequencyAxis, TimeAxis
from widgets.mel_header import header_height
from widgets.mel_pane import MelPane

ARRANGEMENTS = ("rows", "columns", "grid")
_GAP = 6
"""Between panes that stand beside each other; below each other, their headers part them."""


def grid_shape(panes: int, arrangement: str) -> tuple[int, int]:
    """Rows and columns that hold that many panes."""
    if panes == 0:
        return 0, 0
    if arrangement == "rows":
        return panes, 1
    if arrangement == "columns":
        return 1, panes
    columns = math.ceil(math.sqrt(panes))
    return math.ceil(panes / columns), columns


class MelLayout:
    """Owns the grid and the axes; the panes and the colour bar are only placed."""

    def __init__(self, host: QWidget, colour_bar: ColourBar) -> None:
        self._host = host
        self._colour_bar = colour_bar
        self._grid = QGridLayout(host)
        self._grid.setContentsMargins(0, 0, 4, 0)
        self._grid.setSpacing(0)
        self._axis_cells: list[QWidget] = []
        self._places: dict[MelPane, tuple[int, int]] = {}
        self._shape = (0, 0)
        self._lines = 1
        self.frequency_axes: list[FrequencyAxis] = []
        self.time_axes: list[TimeAxis] = []

    def arrange(self, panes: Sequence[MelPane], arrangement: str) -> None:
        """Place the panes anew, with fresh axes."""
        self._clear()
        rows, columns = grid_shape(len(panes), arrangement)
        self._shape = rows, columns
        lines = self._lines = self._lines_that_fit(panes)
        for index, pane in enumerate(panes):
            row, column = divmod(index, columns)
            self._places[pane] = row, column
            pane.header.set_lines(lines)
            self._grid.addWidget(pane, row, _grid_column(column))
            pane.show()
        for row in range(rows):
            self._grid.addWidget(self._frequency_cell(), row, 0)
            self._grid.setRowStretch(row, 1)
        for column in range(columns):
            axis = TimeAxis(self._host)
            self.time_axes.append(axis)
            self._grid.addWidget(axis, rows, _grid_column(column))
            self._grid.setColumnStretch(_grid_column(column), 1)
            self._grid.setColumnMinimumWidth(_grid_column(column) + 1, _GAP if column + 1 < columns else 0)
            axis.show()
        if rows:
            self._grid.addWidget(self._colour_bar, 0, _grid_column(columns), rows, 1)
        self._show_lines()
        self._order_tabs(panes)

    def fit_headers(self) -> None:
        """Headers of one line where title and details fit beside each other, else of two, in all panes alike."""
        lines = self._lines_that_fit(list(self._places))
        if lines != self._lines:
            self._lines = lines
            for pane in self._places:
                pane.header.set_lines(lines)
            self._show_lines()

    def _lines_that_fit(self, panes: Sequence[MelPane]) -> int:
        columns = self._shape[1]
        if columns < 2:
            return 1
        around = FREQUENCY_AXIS_WIDTH + self._colour_bar.sizeHint().width() + _GAP * (columns - 1)
        room = (self._host.width() - around) / columns
        return 1 if all(pane.header.one_line_width() <= room for pane in panes) else 2

    def _show_lines(self) -> None:
        """Axes and colour bar begin where the mels begin."""
        height = header_height(self._lines)
        self._colour_bar.set_top_margin(height)
        for cell in self._axis_cells:
            layout = cell.layout()
            assert layout is not None
            layout.setContentsMargins(0, height, 0, 0)

    def show_pointer(self, place: tuple[float, float] | None, pane: MelPane | None) -> None:
        """Show a time in s and a band edge on the two axes that belong to the pane under the pointer."""
        row, column = self._places.get(pane, (-1, -1)) if pane else (-1, -1)
        for index, time_axis in enumerate(self.time_axes):
            time_axis.set_pointer(place[0] if place and index == column else None)
        for index, frequency_axis in enumerate(self.frequency_axes):
            frequency_axis.set_pointer(place[1] if place and index == row else None)

    def _frequency_cell(self) -> QWidget:
        """A frequency axis that begins below its pane's header."""
        cell = QWidget(self._host)
        cell.setFixedWidth(FREQUENCY_AXIS_WIDTH)
        axis = FrequencyAxis(cell)
        column = QVBoxLayout(cell)
        column.setSpacing(0)
        column.addWidget(axis, 1)
        self.frequency_axes.append(axis)
        axis.set_rows(self.frequency_axes)
        self._axis_cells.append(cell)
        cell.show()
        return cell

    def _order_tabs(self, panes: Sequence[MelPane]) -> None:
        stops: list[QWidget] = []
        for pane in panes:
            header = pane.header
            stops += [
                stop for stop in (header.play_button, header.original_button, header.vocoded_button) if stop
            ]
        stops.append(self._colour_bar)
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)

    def _clear(self) -> None:
        while self._grid.count():
            self._grid.takeAt(0)
        for index in range(self._grid.rowCount()):
            self._grid.setRowStretch(index, 0)
        for index in range(self._grid.columnCount()):
            self._grid.setColumnStretch(index, 0)
            self._grid.setColumnMinimumWidth(index, 0)
        for widget in [*self._axis_cells, *self.time_axes]:
            widget.setParent(None)
            widget.deleteLater()
        self._places = {}
        self._axis_cells, self.frequency_axes, self.time_axes = [], [], []


def _grid_column(column: int) -> int:
    """The grid's column for a column of panes: a gap follows each."""
    return 1 + 2 * column
