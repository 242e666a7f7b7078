"""The engine process: progress, cancel, failure, death and end, with a real process and a fake voice."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.engine import Engine
from app.engine_messages import Analyse, Compare, Inspect, LoadVoice, Speak
from tests.app.conftest import FAKE, PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def engine(qtbot) -> Iterator[Engine]:
    engine = Engine(FAKE)
    yield engine
    engine.shutdown()


def outcome(qtbot, job):
    """("done", result) or ("failed", failure), and the steps on the way."""
    steps, end = [], []
    job.stepped.connect(steps.append)
    job.finished.connect(lambda result: end.append(("done", result)))
    job.failed.connect(lambda failure: end.append(("failed", failure)))
    with qtbot.waitSignal(job.ended, timeout=PATIENCE):
        pass
    return *(end[0] if end else ("dropped", None)), steps


def speak(engine, text, lane="speak"):
    return engine.submit(Speak(text, "heart", 3, 0.0), "Speaking", lane)


def test_loads_and_speaks_with_progress(engine, qtbot):
    kind, voice, _ = outcome(qtbot, engine.submit(LoadVoice(), "Loading", "load"))
    assert kind == "done"
    assert voice.facts.speakers[0] == ("heart", "en-US")
    kind, spoken, steps = outcome(qtbot, speak(engine, "Hello !slow" * 0 + "Hello"))
    assert kind == "done"
    assert spoken.stop_reason == "stop_head"
    assert spoken.recipe["seed"] == 3
    assert len(spoken.wave) == (spoken.mel.shape[1] - 1) * 256
    assert steps
    assert all(0 <= step.fraction <= 1 for step in steps)


def test_cancel_keeps_what_was_made(engine, qtbot):
    job = speak(engine, "!slow")
    with qtbot.waitSignal(job.stepped, timeout=PATIENCE):
        pass
    began = time.perf_counter()
    job.cancel()
    kind, spoken, steps = outcome(qtbot, job)
    assert kind == "done"
    assert spoken.stop_reason == "cancelled"
    assert 0 < spoken.mel.shape[1] < 200 * 40
    assert not steps, "progress was shown after the cancel"
    assert time.perf_counter() - began < 5  # a watchdog; `lewm bench --ui` measures it


def test_a_cancelled_job_does_not_wait_for_a_more_urgent_one(engine, qtbot):
    """The window ends an engine that does not answer a cancel; a long speech was reason enough for that."""
    speech = speak(engine, "!slow")
    with qtbot.waitSignal(speech.stepped, timeout=PATIENCE):
        pass
    waiting = engine.submit(Analyse({}, "stop_head", 24_000, 256), "Measuring", "analyse")
    ended_while_speaking = []
    waiting.ended.connect(lambda: ended_while_speaking.append(speech.is_running))
    waiting.cancel()
    qtbot.waitUntil(lambda: bool(ended_while_speaking), timeout=PATIENCE)
    assert ended_while_speaking == [True]
    speech.cancel()
    outcome(qtbot, speech)


def test_no_piece_of_speech_is_lost(engine, qtbot):
    """Progress may be thinned out; speech may not, and it comes in the thread that reads the pipe."""
    tapped, threads, stepped = [], set(), []

    def tap(chunk):
        tapped.append(chunk)
        threads.add(threading.current_thread())

    job = engine.submit(Speak("Hello", "heart", 3, 0.0), "Speaking", "speak", tap)
    job.stepped.connect(lambda step: stepped.append(step.chunk))
    kind, spoken, _ = outcome(qtbot, job)
    assert kind == "done"
    for chunks in (tapped, stepped):
        np.testing.assert_array_equal(np.concatenate([chunk.wave for chunk in chunks]), spoken.wave)
        np.testing.assert_array_equal(np.concatenate([chunk.mel for chunk in chunks], axis=1), spoken.mel)
    assert threading.main_thread() not in threads


def test_bad_input_is_a_sentence_and_a_bug_has_details(engine, qtbot):
    kind, failure, _ = outcome(qtbot, speak(engine, "!fail"))
    assert (kind, failure.expected) == ("failed", True)
    assert failure.message == "That cannot be spoken. Type letters."
    kind, failure, _ = outcome(qtbot, speak(engine, "!bug"))
    assert (kind, failure.expected) == ("failed", False)
    assert "KeyError" in failure.message
    assert "fakes.py" in failure.details


def test_a_new_job_supersedes_the_old_one_of_its_lane(engine, qtbot):
    old = engine.submit(Inspect("one.safetensors"), "Reading", "inspect")
    seen = []
    old.finished.connect(seen.append)
    kind, facts, _ = outcome(qtbot, engine.submit(Inspect("two.safetensors"), "Reading", "inspect"))
    assert kind == "done"
    assert facts.path == "two.safetensors"
    qtbot.waitUntil(lambda: not old.is_running, timeout=PATIENCE)
    assert seen == []


def test_speech_does_not_wait_for_a_comparison(engine, qtbot):
    order = []
    wave = np.zeros(24_000, dtype=np.float32)
    slow = speak(engine, "!slow")
    with qtbot.waitSignal(slow.stepped, timeout=PATIENCE):
        pass
    compare = engine.submit(Compare(wave, "text", "heart", 0, 0.0), "Comparing", "compare")
    quick = speak(engine, "Hello", lane="other")
    compare.ended.connect(lambda: order.append("compare"))
    quick.ended.connect(lambda: order.append("quick"))
    slow.cancel()
    qtbot.waitUntil(lambda: len(order) == 2, timeout=PATIENCE)
    assert order == ["quick", "compare"]


def test_death_is_told_and_a_new_process_works(engine, qtbot):
    outcome(qtbot, engine.submit(LoadVoice(), "Loading", "load"))
    first = engine.process_id
    job = speak(engine, "!die")
    with qtbot.waitSignal(engine.restarted, timeout=PATIENCE) as told:
        kind, failure, _ = outcome(qtbot, job)
    assert kind == "failed"
    assert "Try it again" in failure.message
    assert "safe" in told.args[0]
    kind, _, _ = outcome(qtbot, speak(engine, "Hello"))
    assert kind == "done"
    assert engine.process_id not in (None, first)


def test_gives_up_when_it_dies_again_and_again(engine, qtbot):
    with qtbot.waitSignal(engine.given_up, timeout=4 * PATIENCE):
        engine.restarted.connect(lambda _sentence: speak(engine, "!die"))
        speak(engine, "!die")
    assert engine.process_id is None


def test_an_engine_that_ignores_a_cancel_is_replaced(engine, qtbot, monkeypatch):
    monkeypatch.setattr("app.engine.CANCEL_PATIENCE", 0.5)
    outcome(qtbot, engine.submit(LoadVoice(), "Loading", "load"))
    job = speak(engine, "!hang")
    qtbot.wait(300)
    with qtbot.waitSignal(engine.restarted, timeout=PATIENCE):
        job.cancel()
    assert not job.is_running


def test_shutdown_ends_the_process_even_in_the_middle_of_work(engine, qtbot):
    job = speak(engine, "!hang")
    qtbot.waitUntil(lambda: engine.process_id is not None, timeout=PATIENCE)
    qtbot.wait(200)
    pid = engine.process_id
    engine.shutdown()
    assert not is_alive(pid)
    assert job.is_running, "nobody is told of the end of a studio that is gone"


@pytest.mark.skipif(os.name != "posix", reason="looks for the process by its number")
def test_a_killed_window_leaves_no_orphan(tmp_path):
    code = textwrap.dedent(
        """
        import os, signal, sys
        from PySide6.QtCore import QCoreApplication, QTimer
        from app.engine import Engine
        from app.engine_messages import LoadVoice
        def main():
            application = QCoreApplication([])
            engine = Engine("tests.app.fakes:FakeBackend")
            job = engine.submit(LoadVoice(), "Loading", "load")
            def die():
                print(engine.process_id, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            job.ended.connect(die)
            application.exec()
        if __name__ == "__main__":
            main()
        """
    )
    script = tmp_path / "window.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=60)
    pid = int(run.stdout)
    deadline = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    return status != "Z"
