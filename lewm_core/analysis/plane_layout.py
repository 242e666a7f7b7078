"""Points in many dimensions laid out on a plane, two ways, each with figures that say how truthful it is.

PCA is a projection: what lies between two points lies between them on the plane, but what differs along other
axes is not seen. Multidimensional scaling puts the points where distances on the plane follow the true ones as
well as they can (interval MDS by SMACOF: I. Borg and P. Groenen, "Modern Multidimensional Scaling", 2nd ed.,
Springer 2005, chapters 8 and 9): only differences of distances count, so points that all lie about equally far
from each other are pulled apart.

s points   e dimensions   k triangles   j edges   p pairs of points
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEPS = 2000
_TOLERANCE = 1e-5
"""The largest move of a point in a step at which the layout stands; the layout has size 1."""


@dataclass(frozen=True)
class PlaneLayout:
    """Where points lie on the plane.

    Attributes:
        points: (s, 2), centred.
        triangles: (k, 3) Delaunay triangles; a blend of three corners lies inside.
        edges: (j, 2) pairs of neighbours: the triangles' sides, or a chain where the points form no triangle.
        agreement: correlation (Pearson) of the distances on the plane with the true ones over all pairs; nan where
            there are fewer than three pairs or one of the two does not vary.
        explained: PCA only: shares of the variance along both axes.
        stress: MDS only: Kruskal's stress-1 between the distances on the plane and the straight line through the
            true ones that fits them best; 0 is perfect.
    """

    points: np.ndarray
    triangles: np.ndarray
    edges: np.ndarray
    agreement: float
    explained: tuple[float, float] | None = None
    stress: float | None = None


def principal_plane(rows: np.ndarray) -> PlaneLayout:
    """Project rows (s, e) to their two principal components (singular values of the centred rows)."""
    left, sizes, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    scores = left * sizes
    total = float(np.square(sizes).sum())
    points, explained = np.zeros((len(rows), 2)), [0.0, 0.0]
    for axis in range(min(2, scores.shape[1])):
        column = scores[:, axis]
        # The sign is fixed, so that the same rows give the same plane.
        points[:, axis] = column if column[np.argmax(np.abs(column))] >= 0 else -column
        explained[axis] = float(sizes[axis] ** 2 / total) if total > 0 else 0.0
    agreement = agreement_of(points, pair_distances(rows))
    return PlaneLayout(points, *neighbours(points), agreement, explained=(explained[0], explained[1]))


def scaled_plane(rows: np.ndarray) -> PlaneLayout:
    """Lay rows (s, e) out by interval MDS, from the principal plane on; the typical distance from the mean is 1."""
    wanted = pair_distances(rows)
    points = _unit_size(principal_plane(rows).points)
    if len(rows) > 2 and wanted.any():
        # Points that PCA puts on top of each other would never part.
        points = points + 1e-4 * np.random.default_rng(0).normal(size=points.shape)
        for _ in range(_STEPS):
            moved = _unit_size(_guttman(points, _disparities(pair_distances(points), wanted)))
            step, points = float(np.abs(moved - points).max()), moved
            if step < _TOLERANCE:
                break
    found = pair_distances(points)
    stress = _stress(found, _disparities(found, wanted)) if found.any() else 0.0
    return PlaneLayout(points, *neighbours(points), agreement_of(points, wanted), stress=stress)


def pair_distances(rows: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each pair of rows (s, e), (p,)."""
    first, second = np.triu_indices(len(rows), 1)
    return np.linalg.norm(rows[first] - rows[second], axis=1)


def agreement_of(points: np.ndarray, distances: np.ndarray) -> float:
    """Correlation of the distances between points (s, 2) with the true ones (p,); nan where there is none."""
    found = pair_distances(points)
    if len(found) < 3 or np.ptp(found) < 1e-12 or np.ptp(distances) < 1e-12:
        return float("nan")
    return float(np.corrcoef(found, distances)[0, 1])


def neighbours(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _disparities(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The distances (p,) of the form a + b x wanted, b from 0 up, that are nearest to those found on the plane."""
    spread = wanted - wanted.mean()
    variance = float(spread @ spread)
    slope = max(0.0, float(spread @ found) / variance) if variance > 1e-12 else 0.0
    return np.maximum(found.mean() + slope * spread, 0.0)


def _guttman(points: np.ndarray, disparities: np.ndarray) -> np.ndarray:
    """One step of SMACOF: points (s, 2) whose distances fit the disparities (p,) at least as well."""
    first, second = np.triu_indices(len(points), 1)
    found = pair_distances(points)
    ratio = np.divide(disparities, found, out=np.zeros_like(found), where=found > 1e-12)
    pull = np.zeros((len(points), len(points)))
    pull[first, second] = pull[second, first] = -ratio
    np.fill_diagonal(pull, -pull.sum(axis=1))
    return np.asarray(pull @ points / len(points))


def _stress(found: np.ndarray, disparities: np.ndarray) -> float:
    return float(np.sqrt(np.square(found - disparities).sum() / np.square(found).sum()))


def _unit_size(points: np.ndarray) -> np.ndarray:
    centred = points - points.mean(axis=0)
    size = np.sqrt(np.square(centred).sum(axis=1).mean())
    return np.asarray(centred / size if size > 1e-12 else centred)
