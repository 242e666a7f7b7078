"""MelDecoder: latents back to a log-mel spectrogram.

b batch   n latents   t mel frames (n * upsample_factor)   m mel bands   d latent dimensions   c channels
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lewm_core.config import MEL_MEAN, MEL_STD, ModelConfig


class ResConvBlock(nn.Module):
    """Residual pair of 3-wide convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, channels, 3, padding=1)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, c, t) to (b, c, t)."""
        return x + self.second(F.gelu(self.first(F.gelu(x))))


class UpsampleStage(nn.Module):
    """Doubles the frame rate: transposed convolution, then a residual block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose1d(channels, channels, 4, stride=2, padding=1)
        self.residual = ResConvBlock(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, c, t) to (b, c, 2 t)."""
        return self.residual(self.upsample(x))


class MelDecoder(nn.Module):
    """Linear to the decoder width, one stage a doubling, a refinement convolution, mel bands out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels = config.decoder_dim
        self.upsample_factor = config.downsample_factor
        doublings = {2: 1, 4: 2}[config.downsample_factor]
        self.project_in = nn.Linear(config.latent_dim, channels)
        self.stages = nn.ModuleList(UpsampleStage(channels) for _ in range(doublings))
        width = config.decoder_refine_width
        self.refine = nn.Conv1d(channels, channels, width, padding=width // 2)
        self.project_out = nn.Conv1d(channels, config.n_mels, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """Decode latents (b, n, d) to log-mel (b, m, t)."""
        x = self.project_in(latents).transpose(1, 2)
        for stage in self.stages:
            x = stage(x)
        x = x + self.refine(F.gelu(x))
        return self.project_out(F.gelu(x)) * MEL_STD + MEL_MEAN
