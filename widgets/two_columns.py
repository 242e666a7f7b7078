"""Two parts of a page: below each other while it is slim, side by side as soon as there is room for both."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QBoxLayout, QFrame, QLayout, QWidget

WIDE_FROM = 620
"""Width in px from which the parts stand beside each other."""
_UNLIMITED = 16_777_215
"""QWIDGETSIZE_MAX"""


class TwoColumns(QBoxLayout):
    """A layout of a first and a second part with a thin line between them, set on `page`.

    `fills`: below each other the first takes what room the second leaves; otherwise both stand at the top.
    """

    def __init__(
        self, page: QWidget, first: QLayout | QWidget, second: QLayout | QWidget, fills: bool = True
    ) -> None:
        super().__init__(QBoxLayout.Direction.TopToBottom, page)
        self._fills = fills
        self._line = QFrame(page)
        self._line.setProperty("role", "divider")
        for part in (first, self._line, second):
            if isinstance(part, QLayout):
                self.addLayout(part)
            else:
                self.addWidget(part)
        self._lay_out(wide=False)

    @property
    def is_wide(self) -> bool:
        """True while the parts stand side by side."""
        return self.direction() == QBoxLayout.Direction.LeftToRight

    def setGeometry(self, rect: QRect) -> None:
        """Turn the parts before they are given their places."""
        wide = rect.width() >= WIDE_FROM
        if wide != self.is_wide:
            self._lay_out(wide)
        super().setGeometry(rect)

    def _lay_out(self, wide: bool) -> None:
        self.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self.setStretch(0, 1 if wide or self._fills else 0)
        self.setStretch(2, 1 if wide or not self._fills else 0)
        self._line.setMaximumSize(*((1, _UNLIMITED) if wide else (_UNLIMITED, 1)))
        self._line.setMinimumSize(1, 1)
