"""The speakers of a checkpoint as points: their embeddings on a plane, and how far apart they are.

s speakers   e embedding dimensions   k triangles
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lewm_core.analysis.checks import AnalysisError

if TYPE_CHECKING:
    from lewm_core.config import Speaker
    from lewm_core.model.lewm import LeWM


@dataclass(frozen=True)
class SpeakerMap:
    """Where the speakers of a checkpoint lie.

    Attributes:
        names, languages: of the speakers.
        points: (s, 2) the two principal components of the table; its unit is the typical distance of a speaker
            from the mean of all.
        explained: shares of the table's variance along the two components.
        gram: (s, s) inner products of the rows, seen from their mean: all distances of blends follow from it.
        euclidean: (s, s) distance in the whole table, in the unit of ``points``.
        cosine: (s, s) one minus the cosine of the angle seen from the mean of all speakers: 0 the same
            direction, 1 at right angles, 2 opposite.
        triangles: (k, 3) Delaunay triangles of the points; a blend of three corners lies inside.
        edges: (j, 2) pairs of neighbours: the triangles' sides, or a chain where the points form no triangle.
    """

    names: tuple[str, ...]
    languages: tuple[str, ...]
    points: np.ndarray
    explained: tuple[float, float]
    gram: np.ndarray
    euclidean: np.ndarray
    cosine: np.ndarray
    triangles: np.ndarray
    edges: np.ndarray


def embedding_table(model: LeWM) -> np.ndarray:
    """Return what a checkpoint knows of its speakers, (s, e).

    Two modules have embeddings: the text encoder (accent, pace) and the predictor (the voice). Each table is
    centred and divided by the root mean square of its rows' lengths, so that both count the same; then they
    stand side by side, divided by the square root of two. A blend of speakers is the same blend of rows.
    """
    tables = [model.text_encoder.speaker.weight, model.predictor.speaker.weight]
    return np.concatenate([_scaled(t.detach().double().cpu().numpy()) for t in tables], axis=1) / np.sqrt(2.0)


def map_speakers(table: np.ndarray, speakers: Sequence[Speaker]) -> SpeakerMap:
    """Lay speakers out on the plane of their two principal components (PCA by singular values).

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
    points, explained = _principal_plane(centred)
    triangles, edges = _neighbours(points)
    return SpeakerMap(
        names=tuple(speaker.name for speaker in speakers),
        languages=tuple(speaker.language for speaker in speakers),
        points=points,
        explained=explained,
        gram=centred @ centred.T,
        euclidean=euclidean_distances(table),
        cosine=cosine_distances(centred),
        triangles=triangles,
        edges=edges,
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


def _principal_plane(centred: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Points (s, 2) and the shares of variance; signs are fixed so that the same table gives the same map."""
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    scores = left * sizes
    total = float(np.square(sizes).sum())
    points, explained = np.zeros((len(centred), 2)), [0.0, 0.0]
    for axis in range(min(2, scores.shape[1])):
        column = scores[:, axis]
        points[:, axis] = column if column[np.argmax(np.abs(column))] >= 0 else -column
        explained[axis] = float(sizes[axis] ** 2 / total) if total > 0 else 0.0
    return points, (explained[0], explained[1])


def _neighbours(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Delaunay triangles (k, 3) and their sides (j, 2); no triangles and a chain where the points lie in line."""
    from scipy.spatial import Delaunay, QhullError

    order = np.lexsort((points[:, 1], points[:, 0]))
    chain = np.stack((order[:-1], order[1:]), axis=1)
    if len(points) < 3:
        return np.zeros((0, 3), dtype=np.int64), chain
    try:
        triangles = np.asarray(Delaunay(points).simplices, dtype=np.int64)
    except QhullError:
        return np.zeros((0, 3), dtype=np.int64), chain
    sides = np.sort(
        np.concatenate((triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]])), axis=1
    )
    return triangles, np.unique(sides, axis=0)
