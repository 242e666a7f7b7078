"""The vocoder network: Vocos' own backbone and inverse-STFT head (the `vocos` package, arXiv 2306.00814).

Dimension letters: `b` batch, `m` mel bands, `n` mel frames, `t` samples.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from vocos.heads import ISTFTHead
from vocos.models import VocosBackbone


class VocosGenerator(nn.Module):
    """Backbone and head under the names of `vocos.Vocos`, so that their weights are interchangeable."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, mel: Tensor) -> Tensor:
        """Wave (b, t) of `mel` (b, m, n); t = (n - 1) * hop with a centred head.

        The head runs in float32 whatever autocast says: the phase is read from a product of hundreds of terms,
        and an FFT knows no bfloat16.
        """
        hidden = self.backbone(mel)
        with torch.autocast(mel.device.type, enabled=False):
            return self.head(hidden.float())


def small_vocos(
    dim: int,
    intermediate_dim: int,
    num_layers: int,
    n_mels: int = 100,
    n_fft: int = 1024,
    hop_length: int = 256,
) -> VocosGenerator:
    """A fresh Vocos of the given width and depth."""
    backbone = VocosBackbone(n_mels, dim, intermediate_dim, num_layers)
    return VocosGenerator(backbone, ISTFTHead(dim, n_fft, hop_length, padding="center"))
