"""Loudness by BS.1770 for the window, in the engine process (pyloudnorm brings scipy)."""

from __future__ import annotations

from collections.abc import Generator

from app.engine_messages import Step
from app.messages_listening import LevelsMatched, MatchLevels


def match_levels(request: MatchLevels) -> Generator[Step, None, LevelsMatched]:
    """The gains at which all waves of a request are equally loud and none is clipped."""
    yield Step(0.0, "Measuring loudness")
    from lewm_core.analysis.listening import SHORTEST_S, level_gains

    measurable = {
        key: (wave, rate) for key, (wave, rate) in request.waves.items() if len(wave) >= SHORTEST_S * rate
    }
    found = level_gains(measurable)
    return LevelsMatched(
        {key: level.gain_db for key, level in found.items()},
        {key: level.loudness for key, level in found.items()},
    )
