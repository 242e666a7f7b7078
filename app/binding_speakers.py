"""The map of speakers tied to the studio: the session's speaker is the blend on the map."""

from __future__ import annotations

import logging

from app.engine_messages import Failure
from app.messages_speakers import MapSpeakers, SpeakersMapped
from app.speaker_choice import notation, weights_by_index
from app.studio import Studio
from widgets.speaker_panel import SpeakerPanel

logger = logging.getLogger(__name__)
SPEAKER_DEFINITIONS = {
    "map": "Principal components of the speaker embeddings (text encoder and predictor, each scaled to the same "
    "spread). The shares say how much of the differences between speakers the two axes show: what is near on the map "
    "need not be near in all dimensions; the table below counts them all.\ndocs/analysis.md, speakers",
    "distance": "Euclidean distance between embeddings in all dimensions; 1 is the typical distance of a speaker from "
    "the mean of all.\ndocs/analysis.md, speakers",
    "cosine": "1 − the cosine of the angle between embeddings, seen from the mean of all speakers: 0 the same "
    "direction, 1 at right angles, 2 opposite.\ndocs/analysis.md, speakers",
}
NO_VOICE = "No voice is loaded."
LAYING_OUT = "Laying out the speakers…"


class SpeakersBinding:
    """Asks for the map of each voice that is loaded; shows the session's speaker, and sets it."""

    def __init__(self, panel: SpeakerPanel, studio: Studio) -> None:
        self._panel = panel
        self._studio = studio
        self._names: tuple[str, ...] = ()
        panel.weights_changed.connect(self._on_weights)
        studio.session.events.speaker.connect(self._show)
        studio.voice.loaded.connect(lambda _voice: self._ask())
        panel.set_empty(NO_VOICE)
        if studio.voice.voice is not None:
            self._ask()

    def _ask(self) -> None:
        self._names = ()
        self._panel.set_empty(LAYING_OUT)
        job = self._studio.engine.submit(MapSpeakers(), LAYING_OUT, "speakers")
        job.finished.connect(self._on_map)
        job.failed.connect(self._on_failed)

    def _on_map(self, found: SpeakersMapped) -> None:
        self._names = found.names
        points = (found.points, found.triangles, found.edges)
        self._panel.set_speakers(found.names, found.languages, points, found.gram, found.explained)
        self._show(self._studio.session.speaker)

    def _on_failed(self, failure: Failure) -> None:
        if not failure.expected:
            logger.error("map of the speakers failed\n%s", failure.details)
        self._panel.set_empty(failure.message)

    def _show(self, speaker: str) -> None:
        if self._names:
            self._panel.set_weights(weights_by_index(speaker, self._names))

    def _on_weights(self, weights: dict[int, float]) -> None:
        self._studio.session.speaker = notation(weights, self._names)
