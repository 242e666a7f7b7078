"""Buttons that carry an icon of the theme, or a shortcut beside their text, and change with the theme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QToolButton, QWidget

from widgets.icons import icon
from widgets.style_sheet import set_role
from widgets.theme import current_theme, interface_font


def shortcut_label(shortcut: str) -> str:
    """A shortcut ("Ctrl+Return") as this platform writes it ("Ctrl+Return", on a Mac "⌘↩")."""
    text = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    return text.replace("Return", "Enter")


class IconButton(QToolButton):
    """A square button with an icon alone. Its name is spoken by screen readers and shown as a tooltip."""

    def __init__(self, icon_name: str, name: str, shortcut: str = "", parent: QWidget | None = None) -> None:
        icon(icon_name, current_theme(), current_theme().text)  # an unknown one is refused before there is a button
        super().__init__(parent)
        self._icon_name = icon_name
        self._shortcut = shortcut
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setIconSize(QSize(16, 16))
        self.setProperty("role", "flat")
        self.set_name(name)
        self._restyle()

    def set_name(self, name: str, hint: str = "") -> None:
        """Set the accessible name; the tooltip is `hint`, or else the name and the shortcut."""
        self.setAccessibleName(name)
        suffix = f" ({shortcut_label(self._shortcut)})" if self._shortcut else ""
        self.setToolTip((hint or name) + suffix)

    def set_icon_name(self, icon_name: str) -> None:
        """Show another icon."""
        self._icon_name = icon_name
        self._restyle()

    def icon_name(self) -> str:
        """The name of the icon shown."""
        return self._icon_name

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_icon_name"):
            self._restyle()

    def nextCheckState(self) -> None:
        super().nextCheckState()
        self._restyle()

    def checkStateSet(self) -> None:
        super().checkStateSet()
        self._restyle()

    def _restyle(self) -> None:
        theme = current_theme()
        self.setIcon(icon(self._icon_name, theme, theme.accent if self.isChecked() else theme.text))


class ToggleButton(IconButton):
    """An icon with a word beside it, which stays pressed."""

    def __init__(
        self, icon_name: str, text: str, hint: str, shortcut: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(icon_name, text, shortcut, parent)
        self.setCheckable(True)
        self.setText(text)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setProperty("wide", True)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.set_name(text, hint)


class ActionButton(QPushButton):
    """A wide button: text in the middle, its shortcut at the right. The second half of a double click is
    ignored, so that a hasty double click on "Speak" does not also press the "Cancel" that takes its place.
    """

    _MARGIN, _GAP = 12, 8

    def __init__(
        self, text: str, shortcut: str = "", role: str = "primary", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._hint = ""
        self.show_action(text, shortcut, role)

    def show_action(self, text: str, shortcut: str, role: str) -> None:
        """Change what the button says, which shortcut it names, and its role in the style sheet."""
        self._hint = shortcut_label(shortcut) if shortcut else ""
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(f"{text} ({self._hint})" if self._hint else text)
        set_role(self, role)
        self._arrange()
        self.update()

    def hint(self) -> str:
        """The shortcut shown beside the text, as this platform writes it."""
        return self._hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Where the shortcut has no room beside a text in the middle, the text moves to the left."""
        middle = (self.width() + self._text_width()) // 2
        narrow = bool(self._hint) and self.width() - self._MARGIN - middle - self._GAP < self._hint_width()
        if narrow != bool(self.property("narrow")):
            self.setProperty("narrow", narrow)
            self.style().unpolish(self)
            self.style().polish(self)

    def _text_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self.text())

    def _hint_width(self) -> int:
        theme = current_theme()
        return QFontMetrics(interface_font(theme, theme.font_size_small)).horizontalAdvance(self._hint)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._hint:
            return
        painter = QPainter(self)
        theme = current_theme()
        painter.setFont(interface_font(theme, theme.font_size_small))
        text_end = (self.width() + self._text_width()) // 2
        if self.property("narrow"):
            text_end = self._MARGIN + self._text_width()
        room = QRect(text_end + self._GAP, 0, self.width() - self._MARGIN - text_end - self._GAP, self.height())
        if painter.fontMetrics().horizontalAdvance(self._hint) <= room.width():
            painter.setPen(self._hint_colour())
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._hint)
        painter.end()

    def _hint_colour(self) -> QColor:
        theme = current_theme()
        if not self.isEnabled():
            return self.palette().buttonText().color()
        return QColor(theme.accent_text if self.property("role") == "primary" else theme.text_muted)
