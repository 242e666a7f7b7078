"""Messages that do not stop the work: one line with an action, queued so that none is lost."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from widgets.buttons import IconButton
from widgets.icons import pixmap
from widgets.style_sheet import set_role
from widgets.theme import Theme, current_theme

INFO_SECONDS = 8.0
"""How long (s) a message of level "info" stays; warnings and errors stay until they are dismissed."""

_ICONS = {"info": "info", "warning": "triangle-alert", "error": "circle-alert"}


@dataclass(frozen=True)
class Notice:
    """One message. number: counts up from 1; action: the text of its button, or None."""

    number: int
    text: str
    level: str
    action: str | None


class NoticeBar(QFrame):
    """Shows the oldest message that was not dismissed yet, and how many wait behind it.

    `action_triggered(number)` carries the number that `show_notice` returned; the message goes away with it.
    In a layout it takes its place only while there is a message; `float_over` lays it over another widget
    instead, so that nothing below it moves.
    """

    action_triggered = Signal(int)
    dismissed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue: list[Notice] = []
        self._last_number = 0
        self._ground: QWidget | None = None
        self._edge = "top"
        self.setProperty("role", "notice_info")
        self._icon = QLabel(self)
        self._icon.setFixedWidth(20)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._waiting = QLabel(self)
        self._waiting.setProperty("role", "small")
        self._action = QPushButton(self)
        self._dismiss = IconButton("x", "Dismiss this message")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 8, 6)
        layout.setSpacing(8)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._waiting)
        layout.addWidget(self._action)
        layout.addWidget(self._dismiss)
        self._action.clicked.connect(self._act)
        self._dismiss.clicked.connect(self.dismiss)
        self._expiry = QTimer(self)
        self._expiry.setSingleShot(True)
        self._expiry.timeout.connect(self._expired)
        self.hide()

    def show_notice(self, text: str, level: str = "info", action: str | None = None) -> int:
        """Show a message ("info", "warning" or "error"), or queue it behind those that wait; return its
        number.

        A message that says the same as one that waits already is not shown twice. Raises ValueError for
        another level.
        """
        if level not in _ICONS:
            raise ValueError(f"A notice has the level info, warning or error, not {level!r}.")
        for waiting in self._queue:
            if (waiting.text, waiting.level, waiting.action) == (text, level, action):
                return waiting.number
        self._last_number += 1
        self._queue.append(Notice(self._last_number, text, level, action))
        self._show_first()
        return self._last_number

    def current(self) -> Notice | None:
        """The message shown, or None."""
        return self._queue[0] if self._queue else None

    def waiting(self) -> int:
        """How many messages wait behind the one shown."""
        return max(0, len(self._queue) - 1)

    def dismiss(self) -> None:
        """Take the shown message away and show the next."""
        if self._queue:
            number = self._queue.pop(0).number
            self._expiry.stop()
            self._show_first()
            self.dismissed.emit(number)

    def clear(self) -> None:
        """Forget all messages."""
        self._queue.clear()
        self._expiry.stop()
        self._show_first()

    def float_over(self, ground: QWidget, edge: str = "top") -> None:
        """Lie over the top (or the "bottom") of `ground`, centred, and follow its size."""
        if self._ground is not None:
            self._ground.removeEventFilter(self)
        self._ground, self._edge = ground, edge
        self.setParent(ground)
        ground.installEventFilter(self)
        self._show_first()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._ground and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and getattr(self, "_queue", None):
            self._show_icon(current_theme())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(420, super().sizeHint().height())

    def _show_first(self) -> None:
        notice = self.current()
        if notice is None:
            self.hide()
            return
        self._text.setText(notice.text)
        self._waiting.setText(f"1 of {len(self._queue)}" if self.waiting() else "")
        self._action.setVisible(notice.action is not None)
        self._action.setText(notice.action or "")
        set_role(self, f"notice_{notice.level}")
        self.setAccessibleName(f"{notice.level.capitalize()}: {notice.text}")
        self._show_icon(current_theme())
        if notice.level == "info" and not self._expiry.isActive():
            self._expiry.start(round(INFO_SECONDS * 1000))
        self.show()
        self._place()
        self.raise_()

    def _show_icon(self, theme: Theme) -> None:
        notice = self._queue[0]
        colour = {"info": theme.accent, "warning": theme.warning, "error": theme.error}[notice.level]
        self._icon.setPixmap(pixmap(_ICONS[notice.level], 18, colour, self.devicePixelRatioF()))

    def _place(self) -> None:
        if self._ground is None or not self._queue:
            return
        width = min(self._ground.width() - 24, 720)
        height = max(self.heightForWidth(width), self.minimumSizeHint().height())
        top = 12 if self._edge == "top" else self._ground.height() - height - 12
        self.setGeometry((self._ground.width() - width) // 2, top, width, height)

    def _expired(self) -> None:
        # Whoever points at a message or stands on its button is still reading it.
        if self.underMouse() or self._action.hasFocus() or self._dismiss.hasFocus():
            self._expiry.start(round(INFO_SECONDS * 1000))
        else:
            self.dismiss()

    def _act(self) -> None:
        notice = self.current()
        if notice is not None:
            self.dismiss()
            self.action_triggered.emit(notice.number)
