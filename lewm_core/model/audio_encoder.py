"""AudioEncoder: log-mel spectrogram to the mean and log-variance of latents.

b batch   t mel frames   n latents (t / downsample_factor)   m mel bands   d latent dimensions
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lewm_core.config import MEL_MEAN, MEL_STD, ModelConfig
from lewm_core.model.layers import EncoderBlock


class AudioEncoder(nn.Module):
    """1-D CNN with one strided convolution a halving, then a transformer, to mu and logvar."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.encoder_dim
        self.downsample_factor = config.downsample_factor
        halvings = {2: 1, 4: 2}[config.downsample_factor]
        self.conv_in = nn.Conv1d(config.n_mels, dim, 3, padding=1)
        self.conv_mid = nn.Conv1d(dim, dim, 3, padding=1)
        self.downsample = nn.ModuleList(nn.Conv1d(dim, dim, 4, stride=2, padding=1) for _ in range(halvings))
        self.blocks = nn.ModuleList(
            EncoderBlock(dim, config.encoder_heads, config.dropout) for _ in range(config.encoder_layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.to_stats = nn.Linear(dim, 2 * config.latent_dim)

    def forward(self, mel: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode ``mel`` (b, m, t), t a multiple of the downsample factor.

        Args:
            mask: (b, n) true at real latents, for padded batches.

        Returns:
            mu and logvar, each (b, n, d).
        """
        x = torch.nn.functional.gelu(self.conv_in((mel - MEL_MEAN) / MEL_STD))
        x = x + torch.nn.functional.gelu(self.conv_mid(x))
        for convolution in self.downsample:
            x = torch.nn.functional.gelu(convolution(x))
        x = x.transpose(1, 2)
        for block in self.blocks:
            x = block(x, mask)
        mu, logvar = self.to_stats(self.norm(x)).chunk(2, dim=-1)
        return mu, logvar.clamp(-10.0, 4.0)
