"""The benchmark beside other voices: one that is not there is named, figures and ratios are what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.chart import chart
from benchmarks.peers import WORKER, summary


@pytest.mark.parametrize("name", ["hibari", "piper", "kokoro", "pocket-tts"])
def test_a_voice_that_is_not_installed_is_named(name: str) -> None:
    nothing_installed = [sys.executable, "-S", "-E", str(WORKER), name, "1"]
    ended = subprocess.run(nothing_installed, input="", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["missing"].startswith("not installed")


def test_factors_are_seconds_spent_over_seconds_spoken() -> None:
    rounds = [
        {"processor": spent, "clock": 2 * spent, "seconds": 4.0, "peak_memory_mb": 100.0}
        for spent in (0.4, 0.8, 2.0)
    ]
    figures = summary(rounds)
    assert (figures["processor_least"], figures["processor_median"]) == (0.1, 0.2)
    assert (figures["clock_least"], figures["clock_median"]) == (0.2, 0.4)


def test_the_chart_shows_every_voice(tmp_path: Path) -> None:
    answer = {
        "machine": {"processor": "a processor", "threads": 1},
        "rounds": 3,
        "voices": {"lewm": {"processor_median": 0.01}, "hibari": {"processor_median": 0.005}},
    }
    figure = chart(answer)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["LeWM", "hibari"]
    figure.savefig(tmp_path / "chart.svg")
    assert (tmp_path / "chart.svg").stat().st_size > 0
