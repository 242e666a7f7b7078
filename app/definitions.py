"""What a number means, one click away: every text that ends in "docs/FILE, CHAPTER" opens that chapter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDesktopServices, QHelpEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QHeaderView,
    QLabel,
    QLineEdit,
    QToolTip,
    QWhatsThis,
    QWidget,
)

from lewm_core.resources_path import resource
from widgets.definition_card import DefinitionCard

REFERENCE = re.compile(r"(?:\A|\n)docs/(?P<file>[\w-]+\.md), (?P<chapter>[^\n]+)\Z")
DETAILS = re.compile(r"<details>.*?</details>\n*", re.DOTALL)
LONGEST_TERM = 40
"""Characters of a label that may be a term of the manual; longer ones are sentences."""


@dataclass(frozen=True)
class Definition:
    """The short definition of a number, and the file and chapter of the manual that hold the long one."""

    short: str
    file: str
    chapter: str


def definition_in(tip: str) -> Definition | None:
    """The definition that a tool tip holds; None if it names no chapter."""
    found = REFERENCE.search(tip)
    return Definition(tip[: found.start()], found["file"], found["chapter"]) if found else None


def manual_folder() -> Path:
    """The docs of the source tree that the studio runs from; an installation without them has no chapters."""
    return resource().parent / "docs"


def chapter_text(definition: Definition, folder: Path | None = None) -> tuple[str, str]:
    """Heading and Markdown of the chapter; ("", "") where the manual or the chapter is missing.

    The chapter is the one whose heading holds the words, else the first whose text does.
    """
    path = (folder or manual_folder()) / definition.file
    if not path.is_file():
        return "", ""
    chapters = split_chapters(path.read_text(encoding="utf-8"))
    wanted = re.compile(rf"(?<!\w){re.escape(definition.chapter)}(?!\w)", re.IGNORECASE)
    for part in (0, 1):
        for chapter in chapters:
            if wanted.search(chapter[part]):
                return chapter
    return "", ""


def split_chapters(text: str) -> list[tuple[str, str]]:
    """(heading, Markdown) of each "## " chapter; scripts folded into <details> are for readers of the file."""
    parts = re.split(r"^## +(.+)$", DETAILS.sub("", text), flags=re.MULTILINE)
    return [(heading.strip(), body.strip()) for heading, body in zip(parts[1::2], parts[2::2], strict=True)]


class DefinitionGuide(QObject):
    """Opens the card: by a click on a label, by a right click on anything else, by What's This (Shift+F1)."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.card = DefinitionCard(window)
        self.card.link_followed.connect(self._follow)
        self._file = ""
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch for pointers that rest on, or click, what has a definition."""
        handler = _HANDLERS.get(event.type())
        if (
            handler is None
            or not isinstance(watched, QWidget)
            or watched is self.card
            or self.card.isAncestorOf(watched)
        ):
            return False
        return handler(self, watched, event)

    def _on_enter(self, widget: QWidget, _event: QEvent) -> bool:
        if _answers_a_click(widget):
            widget.setCursor(Qt.CursorShape.PointingHandCursor)
        elif isinstance(widget, QLabel) and widget.cursor().shape() == Qt.CursorShape.PointingHandCursor:
            widget.unsetCursor()  # the label has lost its definition since
        return False

    def _on_press(self, widget: QWidget, event: QMouseEvent) -> bool:
        self.card.shut()
        if event.button() != Qt.MouseButton.LeftButton or not _answers_a_click(widget):
            return False
        return self._open(widget, event.position().toPoint())

    def _on_context_menu(self, widget: QWidget, event: QContextMenuEvent) -> bool:
        if isinstance(widget, QLineEdit | QAbstractSpinBox):
            return False
        if widget.contextMenuPolicy() != Qt.ContextMenuPolicy.DefaultContextMenu:
            return False
        return self._open(widget, event.pos())

    def _on_whats_this(self, widget: QWidget, event: QHelpEvent) -> bool:
        QWhatsThis.leaveWhatsThisMode()
        return self._open(widget, event.pos())

    def _on_query_whats_this(self, widget: QWidget, event: QHelpEvent) -> bool:
        known = definition_in(tip_at(widget, event.pos())) is not None
        event.setAccepted(known)
        return known

    def _on_tool_tip(self, widget: QWidget, event: QHelpEvent) -> bool:
        definition = definition_in(tip_at(widget, event.pos()))
        if definition is None:
            return False
        how = "Click" if _answers_a_click(widget) else "Right-click"
        QToolTip.showText(event.globalPos(), f"{definition.short}\n{how} for the whole definition.", widget)
        return True

    def _open(self, widget: QWidget, at: QPoint) -> bool:
        definition = definition_in(tip_at(widget, at))
        if definition is None:
            return False
        window = widget.window()
        place = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
        if place.height() > 2 * widget.fontMetrics().height() + 16:  # a curve or table: open at the pointer
            place = QRect(widget.mapTo(window, at), QSize(1, 1))
        self.show_definition(definition, term_of(widget))
        self.card.open_over(window, place)
        return True

    def show_definition(self, definition: Definition, term: str = "") -> None:
        """Fill the card with a definition; `term` is marked in the chapter."""
        heading, chapter = chapter_text(definition)
        self._file = definition.file
        title = re.sub(r"\s*\(`.*`\)\s*$", "", heading) or term or definition.chapter
        self.card.explain(
            title, definition.short, chapter, f"docs/{definition.file}, {definition.chapter}", term
        )

    def _follow(self, target: str) -> None:
        if "://" in target:
            QDesktopServices.openUrl(QUrl(target))
            return
        file = target.split("#")[0] or self._file
        path = manual_folder() / file
        if path.suffix == ".md" and path.is_file():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.resolve())))


def tip_at(widget: QWidget, at: QPoint) -> str:
    """The tool tip at a point of a widget, of an item of a view or of a header too; a parent's where it has none."""
    view = widget.parentWidget()
    if isinstance(view, QHeaderView) and widget is view.viewport():
        model = view.model()
        tip = model.headerData(view.logicalIndexAt(at), view.orientation(), Qt.ItemDataRole.ToolTipRole)
        return str(tip or "")
    if isinstance(view, QAbstractItemView) and widget is view.viewport():
        return str(view.indexAt(at).data(Qt.ItemDataRole.ToolTipRole) or "")
    above: QWidget | None = widget
    while above is not None and not above.isWindow():
        if above.toolTip():
            return above.toolTip()
        above = above.parentWidget()
    return ""


def term_of(widget: QWidget) -> str:
    """What a label calls the number, without its value: "L1 0.24" asks for "L1"; "" where it is a sentence."""
    text = widget.text() if isinstance(widget, QLabel) else widget.accessibleName()
    words = re.split(r"\s*(?:\b[-−+±]?\d|[,:(–·]| over time)", text, maxsplit=1)[0].strip()
    return words if 1 < len(words) <= LONGEST_TERM else ""


def _answers_a_click(widget: QWidget) -> bool:
    """Labels do nothing else when they are clicked; curves, sliders and boxes do, so they take the right button."""
    return isinstance(widget, QLabel) and definition_in(widget.toolTip()) is not None


_HANDLERS: dict[QEvent.Type, Callable[[DefinitionGuide, QWidget, Any], bool]] = {
    QEvent.Type.Enter: DefinitionGuide._on_enter,
    QEvent.Type.MouseButtonPress: DefinitionGuide._on_press,
    QEvent.Type.ContextMenu: DefinitionGuide._on_context_menu,
    QEvent.Type.WhatsThis: DefinitionGuide._on_whats_this,
    QEvent.Type.QueryWhatsThis: DefinitionGuide._on_query_whats_this,
    QEvent.Type.ToolTip: DefinitionGuide._on_tool_tip,
}
