"""Messages about the speakers of a voice: where they lie."""

from __future__ import annotations

from dataclasses import dataclass

from lewm_core.analysis.speakers import SpeakerMap


@dataclass(frozen=True)
class MapSpeakers:
    """Lay out the speakers of the loaded voice."""


@dataclass(frozen=True)
class SpeakersMapped:
    """Where they lie."""

    map: SpeakerMap
