"""Spectral losses of the vocoder, in float32, at several resolutions.

The log-mel L1 at 1024/256 is the one that Vocos trains on; the shorter and longer windows keep transients and
harmonics sharp, as in multi-scale mel losses (DAC, arXiv 2306.06546). The linear-frequency term is the
multi-resolution STFT loss of Parallel WaveGAN (arXiv 1910.11480).
"""

from __future__ import annotations

import torch
import torchaudio
from torch import Tensor, nn

RESOLUTIONS = ((512, 128, 64), (1024, 256, 100), (2048, 512, 160))  # n_fft, hop_length, n_mels
LOG_CLIP = 1e-5  # above the features' own 1e-7, so that inaudible bins do not rule the loss


class SpectralLoss(nn.Module):
    """Mean log-mel L1 and log-magnitude L1 over `RESOLUTIONS` (natural log)."""

    def __init__(self, sample_rate: int = 24000) -> None:
        super().__init__()
        for index, (n_fft, _, n_mels) in enumerate(RESOLUTIONS):
            self.register_buffer(f"window{index}", torch.hann_window(n_fft), persistent=False)
            bank = torchaudio.functional.melscale_fbanks(
                n_fft // 2 + 1, 0.0, sample_rate / 2, n_mels, sample_rate
            )
            self.register_buffer(f"bank{index}", bank, persistent=False)

    def forward(self, generated: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Losses between `generated` and `real`, both (b, t): (log-mel L1, log-magnitude L1), scalars."""
        mel_losses, magnitude_losses = [], []
        for index, (n_fft, hop, _) in enumerate(RESOLUTIONS):
            window, bank = getattr(self, f"window{index}"), getattr(self, f"bank{index}")
            magnitudes = [self._magnitude(wave, n_fft, hop, window) for wave in (generated, real)]
            mels = [torch.log((m @ bank).clamp(min=LOG_CLIP)) for m in magnitudes]
            mel_losses.append((mels[0] - mels[1]).abs().mean())
            # Single bins are noisy: the floor is higher for them.
            logs = [torch.log(m + 1e-3) for m in magnitudes]
            magnitude_losses.append((logs[0] - logs[1]).abs().mean())
        return torch.stack(mel_losses).mean(), torch.stack(magnitude_losses).mean()

    @staticmethod
    def _magnitude(wave: Tensor, n_fft: int, hop: int, window: Tensor) -> Tensor:
        """Magnitude of the spectrum of `wave` (b, t): (b, n, f)."""
        spec = torch.stft(wave, n_fft, hop, window=window, center=True, return_complex=True)
        return spec.abs().transpose(1, 2)
