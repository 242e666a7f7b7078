"""The map of speakers tied to the studio: the session's speaker is the blend on the map."""

from __future__ import annotations

import logging

import numpy as np

from app.engine_messages import Failure
from app.messages_speakers import MapSpeakers, SpeakersMapped
from app.speaker_choice import notation, weights_by_index
from app.studio import Studio
from lewm_core.analysis.plane_layout import PlaneLayout
from widgets.speaker_panel import MapLayout, SpeakerPanel

logger = logging.getLogger(__name__)
SPEAKER_DEFINITIONS = {
    "pca": "Principal components of the speaker embeddings (text encoder and predictor, each scaled to the same "
    "spread): the plane that shows the greatest share of their variance. r: correlation of the distances on the plane "
    "with those in all dimensions, over all pairs of speakers; 1 would be a true map.\ndocs/analysis.md, speakers",
    "mds": "Multidimensional scaling (interval, SMACOF): places at which the distances on the plane follow those in "
    "all dimensions as well as they can. Only differences of distances count, so they look greater than they are. "
    "r: their correlation; stress: Kruskal's stress-1, 0 would be a true map.\ndocs/analysis.md, speakers",
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
        panel.set_layout_key(studio.settings.speaker_layout)
        panel.layout_chosen.connect(self._on_layout)
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
        speakers = found.map
        self._names = speakers.names
        layouts = {
            key: MapLayout(layout.points, layout.triangles, layout.edges, truthfulness(layout))
            for key, layout in (("pca", speakers.pca), ("mds", speakers.mds))
        }
        self._panel.set_speakers(speakers.names, speakers.languages, layouts, speakers.gram)
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

    def _on_layout(self, layout: str) -> None:
        self._studio.settings.speaker_layout = layout


def truthfulness(layout: PlaneLayout) -> str:
    """How much a layout shows of what there is, in figures."""
    figures = [] if np.isnan(layout.agreement) else [f"distances true to r\u00a0=\u00a0{layout.agreement:.2f}"]
    if layout.explained is not None:
        across, up = (f"{100 * share:.0f}" for share in layout.explained)
        figures.append(f"{across}\u00a0+\u00a0{up}\u00a0% of the variance")
    if layout.stress is not None:
        figures.append(f"stress\u00a0{layout.stress:.2f}")
    words = ", ".join(figures)
    return words[:1].upper() + words[1:]
