"""Buttons that carry an icon of the theme, or a shortcut beside their text, and change with the theme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeySequence, QMouseEvent, QPainter, QPaintEvent
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
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.set_name(text, hint)


class ActionButton(QPushButton):
    """A wide button: text in the middle, its shortcut at the right. The second half of a double click is
    ignored, so that a hasty double click on "Speak" does not also press the "Cancel" that takes its place.
    """

    _MARGIN = 12

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
        self.update()

    def hint(self) -> str:
        """The shortcut shown beside the text, as this platform writes it."""
        return self._hint

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._hint:
            return
        painter = QPainter(self)
        theme = current_theme()
        painter.setFont(interface_font(theme, theme.font_size_small))
        text_end = (self.width() + self.fontMetrics().horizontalAdvance(self.text())) // 2
        room = QRect(text_end + 8, 0, self.width() - self._MARGIN - text_end - 8, self.height())
        if painter.fontMetrics().horizontalAdvance(self._hint) <= room.width():
            painter.setPen(self._hint_colour())
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._hint)
        painter.end()

    def _hint_colour(self) -> QColor:
        theme = current_theme()
        if not self.isEnabled():
            return self.palette().buttonText().color()
        return QColor(theme.accent_text if self.property("role") == "primary" else theme.text_muted)
