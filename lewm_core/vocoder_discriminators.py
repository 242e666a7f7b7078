"""Narrow discriminators for adversarial training of a small vocoder on a CPU.

Two views of the waveform, as in HiFi-GAN (arXiv 2010.05646) and Vocos (arXiv 2306.00814), but with few channels:

- `PeriodDiscriminator` sees every p-th sample in a column, which shows periodic structure and phase;
- `SpectrumDiscriminator` sees the complex spectrum with its magnitude compressed, so that the weak high bands
  count too, and halves the frequency axis in every layer, which keeps the layers cheap.

Dimension letters: `b` batch, `t` samples, `f` frequency bins, `n` frames, `p` period, `c` channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from lewm_core.vocoder_training_config import DiscriminatorConfig

SLOPE = 0.1  # of the leaky rectifiers
COMPRESSION = 0.5  # the magnitude's exponent
POWER_FLOOR = 1e-6  # -60 dB of full scale; keeps the compression's slope finite in silence


class PeriodDiscriminator(nn.Module):
    """Judges a waveform folded at one period, by strided convolutions along each of the period's columns.

    The columns are put into the batch: the same arithmetic as a (5, 1) convolution over the folded picture, and
    measured 1.0 to 1.5 times as fast in bfloat16.
    """

    def __init__(self, period: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.period = period
        widths = (1, *channels)
        last = len(channels) - 1
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv1d(widths[i], widths[i + 1], 5, stride=1 if i == last else 3, padding=2))
            for i in range(len(channels))
        )
        self.score = weight_norm(nn.Conv1d(channels[-1], 1, 3, padding=1))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Score `wave` (b, t); returns the scores (b * p, 1, n) and the feature maps of the inner layers."""
        b, t = wave.shape
        wave = functional.pad(wave, (0, -t % self.period))
        x = wave.view(b, -1, self.period).transpose(1, 2).reshape(b * self.period, 1, -1)
        maps = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), SLOPE)
            maps.append(x)
        return self.score(x), maps[1:]


class SpectrumDiscriminator(nn.Module):
    """Judges the compressed complex spectrum at one resolution by 2-D convolutions over (frames, frequency)."""

    window: Tensor

    def __init__(self, n_fft: int, channels: int) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        # The third input channel tells the shared kernels where on the frequency axis they are.
        widths = (3, channels, channels, channels, channels)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(widths[i], widths[i + 1], (3, 9), stride=(1, 2), padding=(1, 4)))
            for i in range(4)
        )
        self.layers.append(weight_norm(nn.Conv2d(channels, channels, 3, padding=1)))
        self.score = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def spectrum(self, wave: Tensor) -> Tensor:
        """Compressed spectrum of `wave` (b, t): (b, 3, n, f) with f = n_fft / 2 (without the Nyquist bin)."""
        spec = torch.stft(
            wave.float(), self.n_fft, self.n_fft // 2, window=self.window, center=True, return_complex=True
        )[:, :-1]
        parts = torch.view_as_real(spec) / self.window.square().sum().sqrt()  # (b, f, n, 2)
        power = parts.square().sum(-1, keepdim=True) + POWER_FLOOR
        parts = (parts * power.pow((COMPRESSION - 1) / 2)).permute(0, 3, 2, 1)  # (b, 2, n, f)
        b, _, n, f = parts.shape
        position = torch.linspace(-1, 1, f).expand(b, 1, n, f)
        return torch.cat((parts, position), 1).contiguous(memory_format=torch.channels_last)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Score `wave` (b, t); returns the scores (b, 1, n, f / 16) and the feature maps of the inner layers."""
        with torch.autocast("cpu", enabled=False):
            x = self.spectrum(wave)
        maps = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), SLOPE)
            maps.append(x)
        return self.score(x), maps[1:]


class Discriminators(nn.Module):
    """All discriminators together."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.members = nn.ModuleList(PeriodDiscriminator(p, config.period_channels) for p in config.periods)
        self.members.extend(SpectrumDiscriminator(n, config.spectrum_channels) for n in config.fft_sizes)
        self.to(memory_format=torch.channels_last)

    def forward(self, wave: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Scores and feature maps of each member for `wave` (b, t), in float32."""
        scores, maps = [], []
        for member in self.members:
            score, inner = member(wave)
            scores.append(score.float())
            maps.append([m.float() for m in inner])
        return scores, maps
