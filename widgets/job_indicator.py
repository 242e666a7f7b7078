"""What is being done, how far it is, and the button that stops it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from widgets.buttons import IconButton
from widgets.theme import current_theme, mix

_FRAME_MS = 40
_SWEEP_FRAMES = 36


class ThinProgress(QWidget):
    """A progress line 4 px high; a part of it wanders while the share done is not known.

    Not a `QProgressBar`: its `setValue` repaints at once, in the middle of whatever is going on.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(4)
        self._fraction: float | None = 0.0
        self._frame = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._next_frame)

    def fraction(self) -> float | None:
        """The share shown, 0 to 1; None while it is not known."""
        return self._fraction

    def set_fraction(self, fraction: float | None) -> None:
        """Show a share of 0 to 1, or None while it is not known."""
        fraction = None if fraction is None else min(max(fraction, 0.0), 1.0)
        if fraction == self._fraction:
            return
        self._fraction = fraction
        if fraction is None:
            self._wander()
        else:
            self._timer.stop()
        self.setAccessibleDescription("" if fraction is None else f"{fraction:.0%}")
        self.update()

    def rest(self) -> None:
        """Stop wandering."""
        self.set_fraction(0.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect())
        painter.setBrush(QColor(mix(theme.border, theme.text, 0.18)))
        painter.drawRoundedRect(whole, 2, 2)
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(self._filled(whole), 2, 2)
        painter.end()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._wander()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _filled(self, whole: QRectF) -> QRectF:
        if self._fraction is not None:
            return QRectF(whole.x(), whole.y(), whole.width() * self._fraction, whole.height())
        length = whole.width() * 0.3
        start = (whole.width() + length) * (self._frame / _SWEEP_FRAMES) - length
        return QRectF(start, whole.y(), length, whole.height()).intersected(whole)

    def _wander(self) -> None:
        """Move, where there is something to see and no share to show."""
        if self._fraction is None and self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _next_frame(self) -> None:
        self._frame = (self._frame + 1) % _SWEEP_FRAMES
        self.update()


class JobIndicator(QWidget):
    """One running job; empty, but of the same size, while nothing runs. `cancel_requested` comes from its
    button.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._label = QLabel(self)
        self._label.setProperty("role", "small")
        self._label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._progress = ThinProgress(self)
        self._progress.setFixedWidth(96)
        self._percent = QLabel(self)
        self._percent.setProperty("role", "small")
        self._percent.setFixedWidth(36)
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._cancel = IconButton("x", "Cancel the running job")
        self._cancel.setProperty("compact", True)
        self._cancel.clicked.connect(self.cancel_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._label, 1)
        for widget in (self._progress, self._percent, self._cancel):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(policy)
            layout.addWidget(widget)
        self.set_job(None, None)

    def set_job(self, text: str | None, fraction: float | None) -> None:
        """Show a job by what it does and the share done (0 to 1, None: not known); None: nothing runs."""
        running = text is not None
        self._text = text or ""
        for widget in (self._progress, self._percent, self._cancel):
            widget.setVisible(running)
        if running:
            self._progress.set_fraction(fraction)
        else:
            self._progress.rest()
        share = "" if fraction is None else f"{min(max(fraction, 0.0), 1.0):.0%}"
        self._percent.setText(share)
        self._label.setToolTip(self._text)
        self._progress.setAccessibleName(self._text or "No job is running")
        self._show_text()

    def sizeHint(self) -> QSize:
        return QSize(360, 24)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._show_text()

    def _show_text(self) -> None:
        room = max(0, self._label.width())
        self._label.setText(
            self._label.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, room)
        )
