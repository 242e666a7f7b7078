"""The map of speakers: PCA, distances and neighbours of embeddings whose places are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.speakers import cosine_distances, embedding_table, euclidean_distances, map_speakers
from lewm_core.config import Speaker
from tests.lewm_core.tiny import SPEAKERS, tiny_model


def speakers(count: int) -> list[Speaker]:
    return [Speaker(f"s{number}", "en-US") for number in range(count)]


@given(st.integers(1, 12), st.integers(2, 20), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_what_lies_on_a_plane_is_drawn_as_it_lies(count: int, dims: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flat = rng.normal(size=(count, 2))
    plane = np.linalg.qr(rng.normal(size=(dims, 2)))[0].T
    found = map_speakers(flat @ plane + rng.normal(size=dims), speakers(count))
    assert np.allclose(euclidean_distances(found.pca.points), euclidean_distances(flat), atol=1e-9)
    assert np.allclose(found.euclidean, euclidean_distances(flat), atol=1e-9)
    if count > 1:
        assert sum(found.pca.explained) == pytest.approx(1.0)
        assert found.pca.explained[0] >= found.pca.explained[1]


def test_the_explained_share_is_that_of_the_variance() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(200, 3)) * [3.0, 2.0, 1.0]
    table -= table.mean(axis=0)
    found = map_speakers(table, speakers(200))
    assert sum(found.pca.explained) == pytest.approx(found.pca.points.var(axis=0).sum() / table.var(axis=0).sum())
    assert 0.8 < sum(found.pca.explained) < 0.98


def test_a_map_does_not_turn_over_by_chance() -> None:
    table = np.random.default_rng(1).normal(size=(6, 5))
    assert np.array_equal(
        map_speakers(table, speakers(6)).pca.points, map_speakers(table.copy(), speakers(6)).pca.points
    )


def test_cosine_distance_of_known_directions() -> None:
    rows = np.array([[2.0, 0.0], [5.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
    found = cosine_distances(rows)
    assert found[0] == pytest.approx([0.0, 0.0, 1.0, 2.0, 1.0])
    assert np.array_equal(found, found.T)
    assert not found.diagonal().any()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_speakers_in_a_line_are_a_chain(count: int) -> None:
    table = np.outer(np.array([3.0, 0.0, 1.0, 2.0, 4.0])[:count], np.ones(4))
    found = map_speakers(table, speakers(count))
    assert len(found.pca.triangles) == 0
    assert len(found.pca.edges) == count - 1
    lengths = np.abs(table[found.pca.edges[:, 0], 0] - table[found.pca.edges[:, 1], 0])
    assert (lengths == (3.0 if count == 2 else lengths)).all()
    assert np.allclose(found.euclidean.max(), 2.0 * np.ptp(table[:, 0]))


def test_triangles_cover_the_hull_and_edges_are_their_sides() -> None:
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.1], [0.0, 1.0], [0.5, 0.5]])
    found = map_speakers(square, speakers(5))
    assert len(found.pca.triangles) == 4
    assert len(found.pca.edges) == 8
    assert all((4 in triangle) for triangle in found.pca.triangles)


def test_the_table_weighs_both_embeddings_the_same_and_blends_as_they_do() -> None:
    model = tiny_model()
    model.predictor.speaker.weight.data *= 100.0
    table = embedding_table(model)
    width = model.config.text_dim
    assert table.shape == (3, width + model.config.predictor_dim)
    assert np.square(table[:, :width]).sum() == pytest.approx(np.square(table[:, width:]).sum())
    assert np.sqrt(np.square(table).sum(axis=1).mean()) == pytest.approx(1.0)
    model.text_encoder.speaker.weight.data[2] = model.text_encoder.speaker.weight.data[:2].mean(0)
    model.predictor.speaker.weight.data[2] = model.predictor.speaker.weight.data[:2].mean(0)
    found = map_speakers(embedding_table(model), SPEAKERS)
    assert found.pca.points[2] == pytest.approx(found.pca.points[:2].mean(axis=0), abs=1e-6)
    assert found.names == ("ada", "bina", "carl")
    assert found.languages == ("en-US", "hi", "en-GB")


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(AnalysisError, match="2 speakers"):
        map_speakers(np.zeros((3, 4)), speakers(2))
    with pytest.raises(AnalysisError, match="not numbers"):
        map_speakers(np.full((2, 4), np.nan), speakers(2))
    with pytest.raises(AnalysisError):
        map_speakers(np.zeros((0, 4)), [])
    same = map_speakers(np.ones((4, 3)), speakers(4))
    assert same.pca.explained == (0.0, 0.0)
    assert not same.pca.points.any()
