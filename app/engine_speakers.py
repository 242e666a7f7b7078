"""The map of the loaded voice's speakers; runs in the engine process only."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from app.engine_messages import Step
from app.messages_speakers import SpeakersMapped

if TYPE_CHECKING:
    from lewm_core.inference import Synthesiser


def map_speakers(voice: Synthesiser) -> Generator[Step, None, SpeakersMapped]:
    """Lay out the speakers."""
    yield Step(0.0, "Laying out the speakers")
    from lewm_core.analysis import speakers

    table = speakers.embedding_table(voice.model)
    return SpeakersMapped(speakers.map_speakers(table, voice.info.speakers))
