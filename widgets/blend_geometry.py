"""From a place on a map of speakers to the blend that lies there, and back.

Where a place lies inside a triangle of neighbours, the blend's weights are its barycentric coordinates: the only
weights of these three that put the blend at that very place. Outside, the nearest place on an edge is taken.
"""

from __future__ import annotations

import numpy as np

_INSIDE = -1e-9


def weights_at(
    place: np.ndarray, points: np.ndarray, triangles: np.ndarray, edges: np.ndarray
) -> dict[int, float]:
    """Return the weights, by index of the speaker, of the blend at (or nearest to) `place`.

    Args:
        place: (2,).  points: (s, 2).  triangles: (k, 3) and edges: (j, 2) indices of neighbours.

    Returns:
        at most three weights above 0 that sum to 1; {} where there are no points.
    """
    place = np.asarray(place, dtype=np.float64)
    if not len(points):
        return {}
    inside = _in_triangle(place, points, triangles)
    if inside is not None:
        return inside
    if not len(edges):
        return {0: 1.0}
    return _on_edge(place, points, edges)


def place_of(weights: dict[int, float], points: np.ndarray) -> np.ndarray:
    """Return the place (2,) of a blend: the weighted mean of its speakers' places."""
    total = sum(weights.values())
    return sum(
        (points[index] * (weight / total) for index, weight in weights.items()),
        start=np.zeros(2, dtype=np.float64),
    )


def blend_distances(weights: dict[int, float], gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each speaker is from a blend: Euclidean distances (s,), and one minus the cosine (s,).

    Args:
        weights: sum to 1.  gram: (s, s) inner products of the speakers' embeddings, seen from their mean.
    """
    row = np.zeros(len(gram))
    for index, weight in weights.items():
        row[index] = weight
    dots, own, size = gram @ row, np.diagonal(gram), float(row @ gram @ row)
    euclidean = np.sqrt(np.maximum(own - 2.0 * dots + size, 0.0))
    lengths = np.sqrt(np.maximum(own * size, 0.0))
    cosine = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 1e-12)
    return euclidean, np.clip(1.0 - cosine, 0.0, 2.0)


def nearest(place: np.ndarray, points: np.ndarray) -> int:
    """Return the index of the speaker nearest to `place` (2,)."""
    return int(np.argmin(np.square(points - np.asarray(place)).sum(axis=1)))


def _in_triangle(place: np.ndarray, points: np.ndarray, triangles: np.ndarray) -> dict[int, float] | None:
    if not len(triangles):
        return None
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    area = _cross(b - a, c - a)
    solid = np.abs(area) > 1e-12
    area = np.where(solid, area, 1.0)
    second = _cross(place - a, c - a) / area
    third = _cross(b - a, place - a) / area
    weights = np.stack((1.0 - second - third, second, third), axis=1)
    fits = np.where(solid, weights.min(axis=1), -np.inf)
    best = int(np.argmax(fits))
    if fits[best] < _INSIDE:
        return None
    clipped = np.clip(weights[best], 0.0, 1.0)
    return _kept(triangles[best], clipped / clipped.sum())


def _on_edge(place: np.ndarray, points: np.ndarray, edges: np.ndarray) -> dict[int, float]:
    start, end = points[edges[:, 0]], points[edges[:, 1]]
    along = end - start
    length = np.square(along).sum(axis=1)
    share = ((place - start) * along).sum(axis=1) / np.where(length > 1e-12, length, 1.0)
    share = np.clip(share, 0.0, 1.0)
    gap = np.square(start + share[:, None] * along - place).sum(axis=1)
    best = int(np.argmin(gap))
    return _kept(edges[best], np.array([1.0 - share[best], share[best]]))


def _kept(indices: np.ndarray, weights: np.ndarray) -> dict[int, float]:
    return {int(index): float(weight) for index, weight in zip(indices, weights, strict=True) if weight > 0}


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])
