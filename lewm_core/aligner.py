"""Aligner: which stretch of latents speaks which unit of the text, learned without labels.

A small network scores every (text unit, latent) pair by distance; the forward-sum loss (a CTC whose
labels are the units in order) makes the scores a monotonic alignment, and a Viterbi pass reads the
durations off ("One TTS Alignment To Rule Them All", arXiv 2108.10447).

b batch   t mel frames   n latents   s text bytes   u text units   e channels of the aligner
"""

from __future__ import annotations

import unicodedata

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lewm_core.config import ModelConfig
from lewm_core.model.audio_encoder import MEL_MEAN, MEL_STD

_STRESS = "ˈˌ"


def unit_starts(text: str) -> list[bool]:
    """Say for each character whether it begins a unit, the smallest thing that gets a duration.

    Letters begin units; stress marks join the letter behind them; length marks, combining signs and
    spaces join the letter before them; punctuation that ends a phrase is a unit of its own (a pause).
    """
    starts: list[bool] = []
    for index, character in enumerate(text):
        before = text[index - 1] if index else ""
        after = text[index + 1] if index + 1 < len(text) else " "
        category = unicodedata.category(character)
        if character in _STRESS:
            start = before not in _STRESS
        elif category.startswith("L") and category != "Lm":
            start = not before or before not in _STRESS
        elif category.startswith("N"):
            start = True
        elif category.startswith("P"):
            start = not after.isalnum() and not (before and unicodedata.category(before).startswith("P"))
        else:
            start = False
        starts.append(start)
    if starts:
        starts[0] = True
    return starts


def unit_of_byte(text: str) -> list[int]:
    """Return, for each UTF-8 byte of ``text``, the index of the unit it belongs to."""
    units: list[int] = []
    current = -1
    for character, start in zip(text, unit_starts(text), strict=True):
        current += int(start)
        units.extend([current] * len(character.encode("utf8")))
    return units


def pool_units(features: Tensor, unit_index: Tensor, units: int) -> Tensor:
    """Average byte features (b, s, e) over the bytes of each unit.

    Args:
        unit_index: (b, s) unit of each byte, -1 at padding.
        units: number of units in the longest row.

    Returns:
        (b, units, e)
    """
    b, s, e = features.shape
    index = torch.where(unit_index < 0, units, unit_index)
    total = features.new_zeros(b, units + 1, e).scatter_add_(1, index.unsqueeze(-1).expand(b, s, e), features)
    count = features.new_zeros(b, units + 1).scatter_add_(
        1, index, torch.ones_like(index, dtype=features.dtype)
    )
    return total[:, :units] / count[:, :units].clamp_min(1.0).unsqueeze(-1)


class Aligner(nn.Module):
    """Scores of text units against latents' stretches of mel."""

    def __init__(self, config: ModelConfig, channels: int = 128) -> None:
        super().__init__()
        self.stride = config.downsample_factor
        self.embed = nn.Embedding(256, channels)
        self.text_conv = nn.Conv1d(channels, channels, 5, padding=2)
        self.text_out = nn.Linear(channels, channels)
        self.mel_conv = nn.Conv1d(config.n_mels, channels, 5, padding=2)
        self.mel_down = nn.Conv1d(
            channels, channels, 2 * self.stride, stride=self.stride, padding=self.stride // 2
        )
        self.mel_out = nn.Conv1d(channels, channels, 1)
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, text: Tensor, unit_index: Tensor, units: int, mel: Tensor) -> Tensor:
        """Return log-scores (b, n, u), normalised over units by the losses, not here.

        Args:
            text: (b, s) bytes, 0 at padding.  unit_index: (b, s), -1 at padding.
            mel: (b, m, t) log-mel, t a multiple of the downsample factor.
        """
        keys = self.embed(text)
        keys = keys + F.relu(self.text_conv(keys.transpose(1, 2))).transpose(1, 2)
        keys = self.text_out(pool_units(keys, unit_index, units))
        query = F.relu(self.mel_conv((mel - MEL_MEAN) / MEL_STD))
        query = self.mel_out(F.relu(self.mel_down(query))).transpose(1, 2)
        distance = (
            query.square().sum(-1, keepdim=True)
            - 2 * query @ keys.transpose(1, 2)
            + keys.square().sum(-1).unsqueeze(1)
        )
        return -F.softplus(self.scale) * distance / keys.shape[-1] ** 0.5


def diagonal_prior(latents: Tensor, units: Tensor, longest_latents: int, longest_units: int) -> Tensor:
    """Log-prior (b, n, u): a wide band around the diagonal, which starts the alignment off.

    Args:
        latents, units: (b,) true lengths.
    """
    n = (torch.arange(longest_latents)[None, :] + 0.5) / latents[:, None]
    u = (torch.arange(longest_units)[None, :] + 0.5) / units[:, None]
    return -0.5 * ((n.unsqueeze(2) - u.unsqueeze(1)) / 0.12).square()


def forward_sum_loss(scores: Tensor, latents: Tensor, units: Tensor, blank: float = -1.0) -> Tensor:
    """Negative log-likelihood of all monotonic alignments, nats a latent.

    Args:
        scores: (b, n, u) from the aligner (prior added).
        latents, units: (b,) true lengths.
    """
    padding = torch.arange(scores.shape[2])[None, :] >= units[:, None]
    scores = scores.masked_fill(padding.unsqueeze(1), -1e4)
    log_probs = F.log_softmax(F.pad(scores, (1, 0), value=blank), dim=-1).transpose(0, 1)
    targets = torch.arange(1, scores.shape[2] + 1).expand(len(units), -1)
    loss = F.ctc_loss(log_probs, targets, latents, units, blank=0, reduction="none", zero_infinity=True)
    return (loss / latents).mean()


def viterbi_durations(scores: np.ndarray) -> np.ndarray:
    """Read durations off the best monotonic path, each unit at least one latent long.

    Args:
        scores: (n, u) log-scores of one utterance, n >= u.

    Returns:
        (u,) latents a unit; their sum is n.

    Raises:
        ValueError: there are fewer latents than units.
    """
    n, u = scores.shape
    if n < u:
        raise ValueError(f"{u} text units do not fit into {n} latents: the clip is too short for its text")
    best = np.full((n, u), -np.inf)
    best[0, 0] = scores[0, 0]
    advanced = np.zeros((n, u), dtype=bool)
    for row in range(1, n):
        stay = best[row - 1]
        advance = np.concatenate(([-np.inf], best[row - 1, :-1]))
        advanced[row] = advance > stay
        best[row] = np.maximum(stay, advance) + scores[row]
    durations = np.zeros(u, dtype=np.int64)
    unit = u - 1
    for row in range(n - 1, -1, -1):
        durations[unit] += 1
        if advanced[row, unit]:
            unit -= 1
    return durations
