"""Measures how long the event loop of the window was ever kept from running."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Qt, QTimer

INTERVAL = 4
"""Milliseconds between two beats while nothing else happens."""


class Heartbeat(QObject):
    """Longest gap between two beats, by phase. A gap counts as a stall by what it exceeds the interval."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stalls: dict[str, float] = {}
        self._phase = ""
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._beat)

    def begin(self, phase: str) -> None:
        """Count from now on for `phase`."""
        self._beat_until_now()
        self._phase = phase
        self.stalls.setdefault(phase, 0.0)
        self._timer.start()

    def stop(self) -> dict[str, float]:
        """Stop, and return the longest stall of each phase in milliseconds."""
        self._beat_until_now()
        self._timer.stop()
        return dict(self.stalls)

    def _beat_until_now(self) -> None:
        if self._timer.isActive():
            self._beat()
        self._last = time.perf_counter()

    def _beat(self) -> None:
        now = time.perf_counter()
        stall = (now - self._last) * 1000 - INTERVAL
        self.stalls[self._phase] = max(self.stalls[self._phase], stall)
        self._last = now
