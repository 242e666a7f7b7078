"""Measures how long the event loop of the window was ever kept from running."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Qt, QTimer

INTERVAL = 4
"""Milliseconds between two beats while nothing else happens."""


class Heartbeat(QObject):
    """Longest gap between two beats, by phase, in milliseconds.

    `stalls` is the gap by the clock on the wall, less the interval: what a person would notice. `work` is
    the processor time that the window's own thread used in one gap: what is left of a stall when no other
    program wants the processor.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stalls: dict[str, float] = {}
        self.work: dict[str, float] = {}
        self._phase = ""
        self._last = self._last_work = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._beat)

    def begin(self, phase: str) -> None:
        """Count from now on for `phase`."""
        if self._timer.isActive():
            self._beat()
        self._phase = phase
        self.stalls.setdefault(phase, 0.0)
        self.work.setdefault(phase, 0.0)
        self._last, self._last_work = time.perf_counter(), time.thread_time()
        self._timer.start()

    def stop(self) -> None:
        """Stop counting."""
        if self._timer.isActive():
            self._beat()
            self._timer.stop()

    def _beat(self) -> None:
        now, work = time.perf_counter(), time.thread_time()
        self.stalls[self._phase] = max(self.stalls[self._phase], (now - self._last) * 1000 - INTERVAL)
        self.work[self._phase] = max(self.work[self._phase], (work - self._last_work) * 1000)
        self._last, self._last_work = now, work
