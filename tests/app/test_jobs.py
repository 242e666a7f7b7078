"""Jobs in threads: result, failure, cancel, superseding, and an end without a leftover."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from app.engine_messages import Step
from app.jobs import ThreadJobs
from tests.app.conftest import PATIENCE


@pytest.fixture
def jobs(qtbot) -> Iterator[ThreadJobs]:
    jobs = ThreadJobs()
    yield jobs
    jobs.shutdown()


def counting(limit, pause=0.005):
    def work(cancelled):
        for number in range(limit):
            yield Step(number / limit, str(number))
            if cancelled():
                return f"stopped at {number}"
            time.sleep(pause)
        return "all"

    return work


def test_result_and_progress_arrive_in_the_thread_of_the_window(jobs, qtbot):
    threads, steps = set(), []
    job = jobs.start("Counting", counting(5), "count")
    job.stepped.connect(lambda step: (steps.append(step.fraction), threads.add(threading.current_thread())))
    with qtbot.waitSignal(job.finished, timeout=PATIENCE) as told:
        pass
    assert told.args == ["all"]
    assert steps == sorted(steps)
    assert threads == {threading.main_thread()}


def test_cancel_returns_what_there_is(jobs, qtbot):
    job = jobs.start("Counting", counting(100_000), "count")
    with qtbot.waitSignal(job.stepped, timeout=PATIENCE):
        pass
    with qtbot.waitSignal(job.finished, timeout=PATIENCE) as told:
        job.cancel()
    assert told.args[0].startswith("stopped at")


def test_a_failure_is_told_with_its_details(jobs, qtbot):
    def work(_cancelled):
        yield Step(0.0, "")
        raise RuntimeError("a fault")

    job = jobs.start("Failing", work, "fail")
    with qtbot.waitSignal(job.failed, timeout=PATIENCE) as told:
        pass
    assert "a fault" in told.args[0].message
    assert not told.args[0].expected
    assert not job.is_running


def test_superseded_jobs_end_without_a_word(jobs, qtbot):
    heard = []
    old = jobs.start("Old", counting(100_000), "lane")
    old.finished.connect(heard.append)
    new = jobs.start("New", counting(2), "lane")
    with qtbot.waitSignal(new.finished, timeout=PATIENCE):
        pass
    qtbot.waitUntil(lambda: not old.is_running, timeout=PATIENCE)
    assert heard == []
    assert jobs.lanes.all() == []


def test_lanes_do_not_disturb_each_other(jobs, qtbot):
    one, two = jobs.start("One", counting(3), "one"), jobs.start("Two", counting(3), "two")
    with qtbot.waitSignals([one.finished, two.finished], timeout=PATIENCE):
        pass


def test_shutdown_stops_the_threads(jobs, qtbot):
    jobs.start("Endless", counting(10**9), "lane")
    qtbot.wait(20)
    jobs.shutdown()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("job-")]
