"""Four linked mels of four seconds, and the hands that zoom, point and drag in them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from widgets.mel_canvas import MelCanvas
from widgets.mel_comparison import MelComparison, PaneSpec

FRAME_RATE = 93.75
FRAMES = 376
DURATION = (FRAMES - 1) / FRAME_RATE  # 4 s
SPECS = [
    PaneSpec("ground_truth", "Ground truth", "1", "2"),
    PaneSpec("reconstruction", "Reconstruction", "3"),
    PaneSpec("teacher_forced", "Teacher-forced", "4"),
    PaneSpec("autoregressive", "Autoregressive", "5"),
]
KEYS = [spec.key for spec in SPECS]
NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def mel(level: float = -20.0, frames: int = FRAMES) -> np.ndarray:
    """A level in dB that rises by 0.1 dB a band, with a mark every 50 frames."""
    result = np.full((100, frames), level, dtype=np.float32) + np.arange(100, dtype=np.float32)[:, None] * 0.1
    result[:, ::50] += 30.0
    return result


def canvas(view: MelComparison, key: str = "reconstruction") -> MelCanvas:
    return view.pane(key).canvas


def ranges(view: MelComparison) -> list[tuple[float, float]]:
    states = [canvas(view, key).viewport_state for key in KEYS]
    return [(state.start, state.stop) for state in states]


def wheel(
    target: MelCanvas,
    x: float,
    y: float,
    notches: float,
    modifiers: Qt.KeyboardModifier,
    sideways: bool = False,
) -> None:
    delta = QPoint(round(notches * 120), 0) if sideways else QPoint(0, round(notches * 120))
    event = QWheelEvent(
        QPointF(x, y),
        QPointF(target.mapToGlobal(QPoint(round(x), round(y)))),
        QPoint(),
        delta,
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(target, event)


def point_at(target: MelCanvas, x: float, y: float) -> None:
    position = QPointF(x, y)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        position,
        QPointF(target.mapToGlobal(position.toPoint())),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(target, event)


def drag(
    target: MelCanvas, start: QPoint, stop: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton
) -> None:
    QTest.mousePress(target, button, pos=start)
    for share in (0.3, 0.7, 1.0):
        position = QPointF(start) + (QPointF(stop) - QPointF(start)) * share
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            position,
            QPointF(target.mapToGlobal(position.toPoint())),
            Qt.MouseButton.NoButton,
            button,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(target, event)
    QTest.mouseRelease(target, button, pos=stop)


def picture(target: MelCanvas) -> QImage:
    return target.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
