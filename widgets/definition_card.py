"""A card that says what a number means: the short definition, and below it the chapter of the manual."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QFrame, QLabel, QTextBrowser, QVBoxLayout, QWidget
from shiboken6 import isValid

from widgets.style_sheet import set_role
from widgets.theme import current_theme, interface_font, mix

SIZE = (600, 440)
GAP = 6
"""Pixels between the card and what it explains."""
LINE_HEIGHT = 130.0
"""Per cent."""
MARK_STRENGTH = 0.4
"""Share of the accent behind the term that was asked for."""


class DefinitionCard(QFrame):
    """Lies over a window, beside what it explains. Esc closes it. Links lead to other chapters.

    It is a part of the window and no window of its own: so it can be placed on every desktop, and screen readers
    find it (Qt hides popups from them).
    """

    link_followed = Signal(str)
    """Target of a link in the chapter, as it is written there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hide()
        self.setAutoFillBackground(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName("Definition")
        self._before: QWidget | None = None
        self._title = QLabel(self)
        self._title.setWordWrap(True)
        set_role(self._title, "title")
        self._short = QLabel(self)
        self._short.setWordWrap(True)
        self._short.setTextFormat(Qt.TextFormat.PlainText)
        self._chapter = QTextBrowser(self)
        self._chapter.setAccessibleName("Chapter of the manual")
        self._chapter.setFrameShape(QFrame.Shape.NoFrame)
        self._chapter.setOpenLinks(False)
        self._chapter.anchorClicked.connect(self._on_link)
        self._source = QLabel(self)
        set_role(self._source, "small")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(16, 12, 16, 12)
        self._layout.setSpacing(8)
        for part in (self._title, self._short, self._chapter, self._source):
            self._layout.addWidget(part)
        self._layout.setStretchFactor(self._chapter, 1)

    def explain(self, title: str, short: str, chapter: str, source: str, term: str = "") -> None:
        """Fill the card.

        short: the definition in a sentence or two. chapter: Markdown, "" where there is none. source: where the
        chapter stands. term: what was asked for; it is marked in the chapter and scrolled to.
        """
        self._title.setText(title)
        self._short.setText(short)
        self._short.setVisible(bool(short))
        self._chapter.setVisible(bool(chapter))
        self._chapter.setMarkdown(chapter)
        _dress(self._chapter.document())
        self._source.setText(source)
        self._chapter.moveCursor(QTextCursor.MoveOperation.Start)
        if term:
            self._mark(term)
        self._fit()

    def open_over(self, window: QWidget, place: QRect) -> None:
        """Show the card in `window`, below `place` (in its coordinates), or above or beside it where it ends."""
        if self.parentWidget() is not window:
            self.setParent(window)
        self._before = window.focusWidget()
        self.setFixedHeight(min(self.height(), window.height()))
        self.move(beside(place, self.width(), self.height(), window.rect()))
        self.show()
        self.raise_()
        self._chapter.setFocus()

    def shut(self) -> None:
        """Put the card away and the keyboard where it was."""
        if self.isVisible():
            self.hide()
            if self._before is not None and isValid(self._before):
                self._before.setFocus()

    def event(self, event: QEvent) -> bool:
        """Esc closes the card, whatever it means in the window."""
        kinds = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)
        if event.type() in kinds and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            if event.type() == QEvent.Type.KeyPress:
                self.shut()
            return True
        return super().event(event)

    def text(self) -> str:
        """All that the card says."""
        parts = (self._title.text(), self._short.text(), self._chapter.toPlainText(), self._source.text())
        return "\n".join(part for part in parts if part)

    def marked(self) -> str:
        """The term that is marked in the chapter, "" if none."""
        marks = self._chapter.extraSelections()
        return marks[0].cursor.selectedText() if marks else ""

    def _fit(self) -> None:
        """As high as the text needs, up to a limit from which on the chapter scrolls."""
        width, highest = SIZE
        self.setFixedWidth(width)
        margins = self._layout.contentsMargins()
        inner = width - margins.left() - margins.right()
        self._chapter.document().setTextWidth(inner)
        rest = self._title.heightForWidth(inner) + self._source.sizeHint().height() + 40
        if not self._short.isHidden():
            rest += self._short.heightForWidth(inner) + 8
        chapter = 0 if self._chapter.isHidden() else round(self._chapter.document().size().height()) + 12
        self.setFixedHeight(min(highest, rest + chapter))

    def _mark(self, term: str) -> None:
        found = self._chapter.document().find(term)
        if found.isNull():
            return
        theme = current_theme()
        mark = QTextBrowser.ExtraSelection()
        mark.cursor = found
        mark.format.setBackground(QColor(mix(theme.surface, theme.accent, MARK_STRENGTH)))
        self._chapter.setExtraSelections([mark])
        start = QTextCursor(found)
        start.setPosition(found.selectionStart())
        self._chapter.setTextCursor(start)
        self._chapter.ensureCursorVisible()

    def _on_link(self, url: QUrl) -> None:
        self.link_followed.emit(url.toString())


def beside(place: QRect, width: int, height: int, room: QRect) -> QPoint:
    """Where a card of that size goes: below `place` if there is room, else above, else to its left or right."""
    x = max(room.left(), min(place.left(), room.right() - width))
    below, above = place.bottom() + GAP, place.top() - GAP - height
    if below + height <= room.bottom():
        return QPoint(x, below)
    if above >= room.top():
        return QPoint(x, above)
    y = max(room.top(), room.bottom() - height)
    left, right = place.left() - GAP - width, place.right() + GAP
    return QPoint(left if left >= room.left() else min(right, room.right() - width), y)


def _dress(document: QTextDocument) -> None:
    """Give a chapter the type, the colours and the tables of the studio; Markdown has no style of its own."""
    theme = current_theme()
    document.setDefaultFont(interface_font(theme))
    document.setDocumentMargin(0)
    cursor = QTextCursor(document)
    cursor.select(QTextCursor.SelectionType.Document)
    lines = QTextBlockFormat()
    lines.setLineHeight(LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    cursor.mergeBlockFormat(lines)
    block = document.begin()
    while block.isValid():
        _dress_block(QTextCursor(block), block.blockFormat().headingLevel())
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            style = frame.format()
            style.setBorder(0)
            style.setCellPadding(5)
            style.setCellSpacing(0)
            style.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
            style.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_None)
            frame.setFormat(style)
            for column in range(frame.columns()):
                head = frame.cellAt(0, column)
                shade = head.format()
                shade.setBackground(QColor(theme.surface_raised))
                head.setFormat(shade)


def _dress_block(cursor: QTextCursor, level: int) -> None:
    theme = current_theme()
    cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
    if level:
        heading = QTextCharFormat()
        heading.setFontPointSize(theme.font_size_large)
        heading.setFontWeight(QFont.Weight.DemiBold)
        cursor.mergeCharFormat(heading)
