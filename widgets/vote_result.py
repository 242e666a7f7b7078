"""What votes prove: a headline, the share with its interval, and the figures."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from widgets.interval_bar import IntervalBar
from widgets.style_sheet import set_role


@dataclass(frozen=True)
class Judgement:
    """What votes on a pair prove.

    Attributes:
        pair: what was compared, and how.
        share: of right answers or of votes for the first, 0 to 1; None without votes; `interval` that of the true one.
        proven: chance alone does not give this.
        headline, details: the same in words; all figures are in the details.
    """

    pair: str
    share: float | None
    interval: tuple[float, float]
    proven: bool
    headline: str
    details: str


class VoteResult(QWidget):
    """A judgement; `large` for the test that has just ended, otherwise headed by the pair."""

    def __init__(self, definition: str, large: bool, parent: QWidget | None = None) -> None:
        """definition: tool tip of the bar and of the figures."""
        super().__init__(parent)
        self._large = large
        self._title, self._details = QLabel(self), QLabel(self)
        self._bar = IntervalBar(self)
        set_role(self._title, "title" if large else "")
        set_role(self._details, "muted" if large else "small")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6 if large else 2)
        for label in (self._title, self._details):
            label.setWordWrap(True)
        for part in (self._title, self._bar, self._details):
            column.addWidget(part)
        self._bar.setToolTip(definition)
        self._details.setToolTip(definition)

    def show_judgement(self, judgement: Judgement) -> None:
        """Show another judgement."""
        self._title.setText(judgement.headline if self._large else judgement.pair)
        self._bar.set_result(judgement.share, judgement.interval, judgement.proven)
        words = judgement.details if self._large else f"{judgement.headline}. {judgement.details}"
        self._details.setText(words.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0"))  # figures stay whole

    def text(self) -> str:
        """All that is said."""
        return f"{self._title.text()}. {self._details.text()}"
