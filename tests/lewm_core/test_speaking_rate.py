"""Speed changes how long the embedded voice speaks, and not how high."""

from __future__ import annotations

import pytest

from benchmarks.speaking_rate import measure
from lewm_core.inference import Synthesiser


@pytest.fixture(scope="module")
def voice() -> Synthesiser:
    return Synthesiser.load()


@pytest.mark.parametrize("speaker", ["heart", "george"])
def test_the_length_follows_and_the_pitch_stays(voice: Synthesiser, speaker: str) -> None:
    for row in measure(voice, speaker, (0.6, 1.6)):
        assert row["length"] == pytest.approx(1.0, abs=0.10)
        assert row["pitch"] == pytest.approx(1.0, abs=0.02)
