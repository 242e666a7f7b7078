"""Traces: the plan on the time axis, sentences joined, labels of units."""

from __future__ import annotations

import numpy as np
import pytest

from lewm_core.model.text_batch import TextBatch
from lewm_core.predictor_trace import PredictorTrace, join_traces


def trace(steps: int, units: str, step_s: float = 0.1) -> PredictorTrace:
    edges = np.linspace(0, steps * step_s, len(units) + 1)
    attention = np.full((2, 3, steps, len(units)), 1 / len(units), np.float16)
    return PredictorTrace(
        np.arange(steps) * step_s, step_s, np.linspace(0, 1, steps), attention, tuple(units),
        np.stack((edges[:-1], edges[1:]), 1), np.ones(steps, bool),
    )  # fmt: skip


def test_the_plan_at_each_step() -> None:
    assert trace(6, "abc").planned_units().tolist() == [0, 0, 1, 1, 2, 2]


def test_sentences_are_joined_with_a_pause_between() -> None:
    joined = join_traces([trace(4, "ab"), trace(6, "xyz")], [0.0, 0.75])
    assert joined is not None
    assert joined.units == tuple("abxyz")
    assert joined.attention.shape == (2, 3, 10, 5)
    assert not joined.attention[:, :, :4, 2:].any()
    assert not joined.attention[:, :, 4:, :2].any()
    assert joined.starts[4] == pytest.approx(0.75)
    assert joined.planned_units().tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert joined.spans[2, 0] == pytest.approx(0.75)
    assert join_traces([], []) is None


@pytest.mark.parametrize("text", ["həlˈəʊ, wˈɜːld.", "नमस्ते दुनिया।", "a"])
def test_labels_are_the_text_again(text: str) -> None:
    batch = TextBatch.of(["ignored, and longer than the others by far.", text])
    labels = batch.labels(1)
    assert len(labels) == int(batch.units[1])
    assert "".join(labels) == text.replace(" ", "")
    letters = batch.labels(1, of_bytes=True)
    assert len(letters) == int(batch.lengths[1])
    assert "".join(letters) == text
