"""TextEncoder: UTF-8 bytes to vectors of bytes or of text units; DurationPredictor: how long each unit lasts.

b batch   s text bytes   u text units   d text width
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lewm_core.config import ModelConfig
from lewm_core.model.layers import EncoderBlock, length_mask, speaker_vector
from lewm_core.model.text_batch import TextBatch, pool_units

BYTE_VALUES = 256


class TextEncoder(nn.Module):
    """Byte-level transformer, aware of the speaker, so that accent and pace can depend on who speaks.

    Where alignment is by durations, the bytes of a text unit are averaged before the transformer: half
    the positions, and attention between sounds instead of between the bytes of their spelling.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.text_dim
        self.by_units = config.alignment == "durations"
        self.embed = nn.Embedding(BYTE_VALUES, dim)
        self.speaker = nn.Embedding(config.n_speakers, dim)
        self.conv = nn.Conv1d(dim, dim, 5, padding=2)  # joins the bytes of a character before attention does
        self.blocks = nn.ModuleList(
            EncoderBlock(dim, config.text_heads, config.dropout) for _ in range(config.text_layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, text: TextBatch, speaker: Tensor) -> tuple[Tensor, Tensor]:
        """Encode texts, spoken by ``speaker`` (b,) or blends of speakers (b, n_speakers).

        Returns:
            encoded units (b, u, d), or bytes (b, s, d) under "attention", and their mask.
        """
        voice = speaker_vector(self.speaker, speaker)
        real = length_mask(text.lengths, text.bytes.shape[1])
        x = self.embed(text.bytes) * real.unsqueeze(-1)  # the convolution must not see padding
        x = x + F.gelu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        if self.by_units:
            longest = int(text.units.max())
            x, real = pool_units(x, text.unit_index, longest), length_mask(text.units, longest)
        x = x + voice.unsqueeze(1)
        ragged = None if bool(real.all()) else real
        for block in self.blocks:
            x = block(x, ragged)
        return self.norm(x), real


class DurationPredictor(nn.Module):
    """Log of the latents that each text unit lasts, from two convolutions over the units."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(dim, dim, 3, padding=1)
        self.norm_first = nn.LayerNorm(dim)
        self.second = nn.Conv1d(dim, dim, 3, padding=1)
        self.norm_second = nn.LayerNorm(dim)
        self.drop = nn.Dropout(dropout)
        self.project_out = nn.Linear(dim, 1)

    def forward(self, units: Tensor, mask: Tensor) -> Tensor:
        """Predict log-durations (b, u) of ``units`` (b, u, d); ``mask`` (b, u) is true at real units."""
        real = mask.unsqueeze(-1)
        x = units * real
        x = self.norm_first(F.gelu(self.first(x.transpose(1, 2))).transpose(1, 2))
        x = self.drop(x) * real
        x = self.norm_second(F.gelu(self.second(x.transpose(1, 2))).transpose(1, 2))
        return self.project_out(self.drop(x)).squeeze(-1)


def whole_durations(log_durations: Tensor, mask: Tensor, speed: float = 1.0) -> Tensor:
    """Round predicted log-durations to whole latents without losing the total length.

    Ends of units are rounded, not lengths, so that errors do not add up.

    Args:
        log_durations: (b, u).  mask: (b, u).  speed: 2.0 speaks twice as fast.

    Returns:
        (b, u) latents a unit, 0 at padding.
    """
    lengths = (log_durations.exp() / speed).clamp(0.5, 150.0) * mask
    ends = lengths.double().cumsum(1).round()
    return (ends - torch.nn.functional.pad(ends, (1, 0))[:, :-1]).long() * mask
