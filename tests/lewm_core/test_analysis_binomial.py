"""Binomial statistics without scipy, held to scipy's and to a published case."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from lewm_core.analysis.binomial import at_least, exact_interval, two_sided


@given(st.integers(0, 300), st.data())
@settings(max_examples=60, deadline=None)
def test_all_three_are_those_of_scipy(votes: int, data: st.DataObject) -> None:
    if not votes:
        assert (at_least(0, 0), two_sided(0, 0), exact_interval(0, 0)) == (1.0, 1.0, (0.0, 1.0))
        return
    wins = data.draw(st.integers(0, votes))
    confidence = data.draw(st.sampled_from([0.5, 0.9, 0.95, 0.99]))
    reference = binomtest(wins, votes).proportion_ci(confidence, method="exact")
    assert exact_interval(wins, votes, confidence) == pytest.approx((reference.low, reference.high), abs=1e-9)
    greater = binomtest(wins, votes, 0.5, "greater").pvalue
    assert at_least(wins, votes) == pytest.approx(greater, rel=1e-9, abs=1e-12)
    assert two_sided(wins, votes) == pytest.approx(binomtest(wins, votes).pvalue, rel=1e-9, abs=1e-12)


def test_a_known_case() -> None:
    # Clopper and Pearson's own kind of table: 10 of 10 give a lower bound of 0.025^(1/10).
    assert exact_interval(10, 10) == pytest.approx((0.025**0.1, 1.0), abs=1e-9)
    assert at_least(12, 16) == pytest.approx(2517 / 65536)  # 12 of 16 in ABX: p = 0.038
