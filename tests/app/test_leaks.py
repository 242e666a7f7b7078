"""The check that nothing is left behind does find what is left behind."""

from __future__ import annotations

from PySide6.QtCore import QThread, QTimer

from tests.app.conftest import running_qthreads, running_timers


def test_a_running_timer_is_found(qtbot):
    before = running_timers()
    timer = QTimer()
    timer.start(10_000)
    assert running_timers() - before == {id(timer)}
    timer.stop()
    assert running_timers() == before


def test_a_running_thread_is_found(qtbot):
    before = running_qthreads()
    thread = QThread()
    thread.start()
    assert running_qthreads() - before == {id(thread)}
    thread.quit()
    assert thread.wait(10_000)
    assert running_qthreads() == before
