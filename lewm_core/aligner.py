"""Aligner: which stretch of latents speaks which unit of the text, learned without labels.

A small network scores every (text unit, latent) pair by distance; the forward-sum loss (a CTC whose
labels are the units in order) makes the scores a monotonic alignment, and a Viterbi pass reads the
durations off ("One TTS Alignment To Rule Them All", arXiv 2108.10447).

b batch   t mel frames   n latents   s text bytes   u text units   e channels of the aligner
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lewm_core.config import MEL_MEAN, MEL_STD, ModelConfig
from lewm_core.losses import masked_mean
from lewm_core.model.text_batch import pool_units


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
        keys = self.embed(text) * (unit_index >= 0).unsqueeze(-1)  # the convolution must not see padding
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
    device = latents.device
    n = (torch.arange(longest_latents, device=device)[None, :] + 0.5) / latents[:, None]
    u = (torch.arange(longest_units, device=device)[None, :] + 0.5) / units[:, None]
    return -0.5 * ((n.unsqueeze(2) - u.unsqueeze(1)) / 0.12).square()


def forward_sum_loss(scores: Tensor, latents: Tensor, units: Tensor, blank: float = -1.0) -> Tensor:
    """Negative log-likelihood of all monotonic alignments, nats a latent.

    Args:
        scores: (b, n, u) from the aligner (prior added).
        latents, units: (b,) true lengths.
    """
    longest = torch.arange(scores.shape[2], device=scores.device)
    padding = longest[None, :] >= units[:, None]
    scores = scores.masked_fill(padding.unsqueeze(1), -1e4)
    log_probs = F.log_softmax(F.pad(scores, (1, 0), value=blank), dim=-1).transpose(0, 1)
    targets = (longest + 1).expand(len(units), -1)
    loss = F.ctc_loss(log_probs, targets, latents, units, blank=0, reduction="none", zero_infinity=True)
    return masked_mean(loss / latents, torch.ones_like(latents, dtype=torch.bool))


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
