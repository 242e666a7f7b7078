"""The speakers of a checkpoint as points: their embeddings on a plane, and how far apart they are.

s speakers   e embedding dimensions
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.plane_layout import PlaneLayout, principal_plane, scaled_plane

if TYPE_CHECKING:
    from lewm_core.config import Speaker
    from lewm_core.model.lewm import LeWM


@dataclass(frozen=True)
class SpeakerMap:
    """Where the speakers of a checkpoint lie.

    Attributes:
        names, languages: of the speakers.
        pca, mds: two layouts on a plane; the unit of `pca` is the typical distance of a speaker from the mean of all.
        gram: (s, s) inner products of the rows, seen from their mean: all distances of blends follow from it.
        euclidean: (s, s) distance in the whole table, in the unit of `pca`.
        cosine: (s, s) one minus the cosine of the angle seen from the mean of all speakers: 0 the same
            direction, 1 at right angles, 2 opposite.
    """

    names: tuple[str, ...]
    languages: tuple[str, ...]
    pca: PlaneLayout
    mds: PlaneLayout
    gram: np.ndarray
    euclidean: np.ndarray
    cosine: np.ndarray


def embedding_table(model: LeWM) -> np.ndarray:
    """Return what a checkpoint knows of its speakers, (s, e).

    Two modules have embeddings: the text encoder (accent, pace) and the predictor (the voice). Each table is
    centred and divided by the root mean square of its rows' lengths, so that both count the same; then they
    stand side by side, divided by the square root of two. A blend of speakers is the same blend of rows.
    """
    tables = [model.text_encoder.speaker.weight, model.predictor.speaker.weight]
    return np.concatenate([_scaled(t.detach().double().cpu().numpy()) for t in tables], axis=1) / np.sqrt(2.0)


def map_speakers(table: np.ndarray, speakers: Sequence[Speaker]) -> SpeakerMap:
    """Lay speakers out on a plane, by PCA and by multidimensional scaling.

    Args:
        table: (s, e) a row a speaker.

    Raises:
        AnalysisError: rows and speakers differ in number, or a value is not finite.
    """
    table = np.asarray(table, dtype=np.float64)
    if table.ndim != 2 or len(table) != len(speakers) or not len(table):
        raise AnalysisError(f"A table of shape {table.shape} does not describe {len(speakers)} speakers.")
    if not np.isfinite(table).all():
        raise AnalysisError("The speaker embeddings hold values that are not numbers. Train the voice again.")
    centred = table - table.mean(axis=0)
    return SpeakerMap(
        names=tuple(speaker.name for speaker in speakers),
        languages=tuple(speaker.language for speaker in speakers),
        pca=principal_plane(table),
        mds=scaled_plane(table),
        gram=centred @ centred.T,
        euclidean=euclidean_distances(table),
        cosine=cosine_distances(centred),
    )


def euclidean_distances(rows: np.ndarray) -> np.ndarray:
    """Return the distance of each row (s, e) from each other, (s, s)."""
    return np.linalg.norm(rows[:, None, :] - rows[None, :, :], axis=-1)


def cosine_distances(rows: np.ndarray) -> np.ndarray:
    """Return one minus the cosine between rows (s, e), (s, s) in [0, 2]; 1 where a row has no length."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12)
    distances = np.clip(1.0 - directions @ directions.T, 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def _scaled(table: np.ndarray) -> np.ndarray:
    centred = table - table.mean(axis=0)
    size = np.sqrt(np.square(centred).sum(axis=1).mean())
    return centred / size if size > 1e-12 else centred
