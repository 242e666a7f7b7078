"""The aligner's units and paths, against alignments known beforehand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.aligner import (
    Aligner,
    diagonal_prior,
    forward_sum_loss,
    viterbi_durations,
)
from lewm_core.text_units import unit_of_byte, unit_starts
from tests.lewm_core.tiny import tiny_config


def test_units_of_ipa() -> None:
    text = "ˈaɪ hɛ̃ː, jˈɛs."
    starts = [c for c, s in zip(text, unit_starts(text), strict=True) if s]
    assert starts == ["ˈ", "ɪ", "h", "ɛ", ",", "j", "ˈ", "s", "."]


def test_bytes_of_one_character_share_a_unit() -> None:
    assert unit_of_byte("aɪ") == [0, 1, 1]


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_units_cover_every_byte_in_order(text: str) -> None:
    units = unit_of_byte(text)
    assert len(units) == len(text.encode("utf8", "surrogatepass"))
    assert units[0] == 0
    assert all(b - a in (0, 1) for a, b in itertools.pairwise(units))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_viterbi_finds_planted_durations(durations: list[int], seed: int) -> None:
    n, u = sum(durations), len(durations)
    scores = np.random.default_rng(seed).normal(0, 0.1, (n, u))
    scores[np.arange(n), np.repeat(np.arange(u), durations)] += 5.0
    assert viterbi_durations(scores).tolist() == durations


def test_viterbi_refuses_a_clip_too_short() -> None:
    with pytest.raises(ValueError, match="too short"):
        viterbi_durations(np.zeros((3, 4)))


def test_aligner_learns_a_planted_alignment() -> None:
    """Three sounds, each with its own band: training on the loss alone finds where each begins."""
    torch.manual_seed(0)
    aligner = Aligner(tiny_config(), channels=16)
    text = torch.tensor([list(b"abc")])
    index = torch.tensor([[0, 1, 2]])
    mel = torch.full((1, 100, 40), -8.0)
    for unit, (start, end) in enumerate([(0, 8), (8, 28), (28, 40)]):
        mel[:, 30 * unit : 30 * unit + 20, start:end] = 0.0
    optimiser = torch.optim.Adam(aligner.parameters(), 5e-3)
    n, u = torch.tensor([20]), torch.tensor([3])
    for _ in range(150):
        loss = forward_sum_loss(aligner(text, index, 3, mel) + diagonal_prior(n, u, 20, 3), n, u)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        found = viterbi_durations(aligner(text, index, 3, mel)[0].log_softmax(-1).numpy())
    assert np.abs(found - [4, 10, 6]).max() <= 1


def test_a_text_scores_the_same_beside_a_longer_one() -> None:
    """Padding must not reach the convolution over the text."""
    from lewm_core.model.text_batch import TextBatch

    torch.manual_seed(0)
    aligner, mel = Aligner(tiny_config()).eval(), torch.randn(2, 100, 24) - 6
    pair = TextBatch.of(["jˈɛs", "həlˈəʊ ðˈɛə."])
    alone = TextBatch.of(["jˈɛs"])
    units = int(alone.units[0])
    beside = aligner(pair.bytes, pair.unit_index, int(pair.units.max()), mel)[:1, :, :units]
    single = aligner(alone.bytes, alone.unit_index, units, mel[:1])
    torch.testing.assert_close(beside, single)
