"""Losses of the vocoder that compare spectra and envelopes, in float32.

The log-mel L1 at 1024/256 is the one that Vocos trains on; the shorter and longer windows keep transients and
harmonics sharp, as in multi-scale mel losses (DAC, arXiv 2306.06546). The linear-frequency term is a
multi-resolution STFT loss in the manner of Parallel WaveGAN (arXiv 1910.11480).

Neither says where within a frame the glottal pulses lie, nor should it: mels do not say it either. But they also
leave open whether all harmonics and bands pulse together, and speech in which they do not sounds buzzy. That is
usually left to discriminators, which a CPU cannot train in hours. Here two losses ask for it directly, and forgive
a shift in time: `WaveShapeLoss` and `ModulationLoss`.
"""

from __future__ import annotations

import torch
import torchaudio
from torch import Tensor, nn

RESOLUTIONS = ((512, 128, 64), (1024, 256, 100), (2048, 512, 160))  # n_fft, hop_length, n_mels
MAGNITUDE_FLOOR = 1e-4
PULSE_WINDOW, PULSE_HOP, PULSE_BANDS = 128, 32, 20  # samples (5.3 ms, 1.3 ms), bands
MODULATION_WINDOW, MODULATION_HOP = 32, 8  # in hops: 43 ms, 11 ms
BAND_DISTANCES = (1, 3, 7)
SHAPE_WINDOW, SHAPE_HOP = 1024, 512  # samples: 43 ms, a few periods of a voice
LARGEST_SHIFT = 160  # samples, 6.7 ms either way: one period at 75 Hz or more
PRE_EMPHASIS = 0.9
LOG_CLIP = 1e-5  # above the features' own 1e-7, so that inaudible bins do not rule the loss


class SpectralLoss(nn.Module):
    """Mean log-mel L1 (natural log) and relative L1 of root magnitudes over `RESOLUTIONS`."""

    def __init__(self, sample_rate: int = 24000) -> None:
        super().__init__()
        for index, (n_fft, _, n_mels) in enumerate(RESOLUTIONS):
            self.register_buffer(f"window{index}", torch.hann_window(n_fft), persistent=False)
            bank = torchaudio.functional.melscale_fbanks(
                n_fft // 2 + 1, 0.0, sample_rate / 2, n_mels, sample_rate
            )
            self.register_buffer(f"bank{index}", bank, persistent=False)

    def forward(self, generated: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Losses between `generated` and `real`, both (b, t): (log-mel L1, root-magnitude L1), scalars."""
        mel_losses, magnitude_losses = [], []
        for index, (n_fft, hop, _) in enumerate(RESOLUTIONS):
            window, bank = getattr(self, f"window{index}"), getattr(self, f"bank{index}")
            magnitudes = [self._magnitude(wave, n_fft, hop, window) for wave in (generated, real)]
            mels = [torch.log((m @ bank).clamp(min=LOG_CLIP)) for m in magnitudes]
            mel_losses.append((mels[0] - mels[1]).abs().mean())
            # Roots, not logarithms: single bins of noise are chance, loud harmonics are not.
            roots = [(m + MAGNITUDE_FLOOR).sqrt() for m in magnitudes]
            magnitude_losses.append((roots[0] - roots[1]).abs().mean() / roots[1].mean())
        return torch.stack(mel_losses).mean(), torch.stack(magnitude_losses).mean()

    @staticmethod
    def _magnitude(wave: Tensor, n_fft: int, hop: int, window: Tensor) -> Tensor:
        """Magnitude of the spectrum of `wave` (b, t): (b, n, f)."""
        spec = torch.stft(wave, n_fft, hop, window=window, center=True, return_complex=True)
        return spec.abs().transpose(1, 2)


class ModulationLoss(nn.Module):
    """How deep, how fast and how much together the bands of a sound pulse; blind to a small shift in time.

    Band envelopes from 5-ms windows are fine enough in time to resolve voice pitch. A second, longer STFT along each
    envelope gives its modulation spectrum (a scattering transform of second order, arXiv 1304.6763). Compared are
    its magnitudes, and the products of one band's spectrum with the conjugate of another's: their phase is the lag
    between the two bands, as in the cross-band statistics of McDermott and Simoncelli (Neuron 71, 2011). A common
    shift of all bands drops out of both.
    """

    window: Tensor
    bank: Tensor
    modulation_window: Tensor

    def __init__(self, sample_rate: int = 24000) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(PULSE_WINDOW), persistent=False)
        # Zero-padding the window by 4 gives the filters enough bins in the low bands.
        bank = torchaudio.functional.melscale_fbanks(
            PULSE_WINDOW * 2 + 1, 60.0, sample_rate / 2, PULSE_BANDS, sample_rate
        )
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("modulation_window", torch.hann_window(MODULATION_WINDOW), persistent=False)

    def forward(self, generated: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Losses between `generated` and `real`, both (b, t): (modulation depth, lags between bands), scalars."""
        ours, theirs = self._modulation(generated), self._modulation(real)
        depth = (torch.log(ours.abs() + 1e-3) - torch.log(theirs.abs() + 1e-3)).abs().mean()
        ours, theirs = ours[:, :, 1:], theirs[:, :, 1:]  # a constant has no lag
        lags = torch.stack([self._lag_loss(ours, theirs, distance) for distance in BAND_DISTANCES])
        return depth, lags.mean()

    def _modulation(self, wave: Tensor) -> Tensor:
        """Modulation spectra of `wave` (b, t): complex (b, bands, modulation frequencies, windows)."""
        spec = torch.stft(
            wave, 4 * PULSE_WINDOW, PULSE_HOP, win_length=PULSE_WINDOW, window=self.window, center=True,
            return_complex=True,
        )  # fmt: skip
        power = torch.view_as_real(spec).square().sum(-1) / self.window.square().sum()
        # The fourth root: between the ear's compression and a scale that lets loud pulses count.
        envelopes = (power.transpose(1, 2) @ self.bank + 1e-7).pow(0.25).transpose(1, 2)
        b, bands, n = envelopes.shape
        modulation = torch.stft(
            envelopes.reshape(b * bands, n), MODULATION_WINDOW, MODULATION_HOP, window=self.modulation_window,
            center=False, return_complex=True,
        ) / self.modulation_window.sum()  # fmt: skip
        return modulation.view(b, bands, *modulation.shape[1:])

    @staticmethod
    def _lag_loss(ours: Tensor, theirs: Tensor, distance: int) -> Tensor:
        """Relative L1 of the products of bands `distance` apart, brought back to the scale of one factor."""
        products = []
        for spectrum in (ours, theirs):
            product = spectrum[:, distance:] * spectrum[:, :-distance].conj()
            products.append(product / (product.abs() + 1e-5).sqrt())
        return (products[0] - products[1]).abs().mean() / (products[1].abs().mean() + 1e-6)


class WaveShapeLoss(nn.Module):
    """Whether short pieces of two waves have the same shape, wherever they lie within `LARGEST_SHIFT`.

    Each piece of the one is cross-correlated with the same piece of the other, both pre-emphasised and with the
    roots of their magnitudes, half way to the phase transform (Knapp and Carter 1976), so that weak harmonics count.
    The loss is what the highest correlation lacks to 1, louder pieces weighing more. A mel leaves the absolute time
    of the pulses open, and so does this; the phases of the harmonics relative to each other it does not.
    """

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(SHAPE_WINDOW), persistent=False)

    def forward(self, generated: Tensor, real: Tensor) -> Tensor:
        """Loss between `generated` and `real`, both (b, t), from 0 (same shape) to about 1 (unrelated), a scalar."""
        ours, theirs = self._spectrum(generated), self._spectrum(real)
        powers = [spec.abs().square().sum(1) + 1e-6 for spec in (ours, theirs)]  # (b, n)
        # Twice the window long, so that nothing wraps around; half of the inverse transform's scale is its mirror.
        lags = torch.fft.irfft(ours * theirs.conj(), dim=1) * SHAPE_WINDOW
        near = torch.cat((lags[:, -LARGEST_SHIFT:], lags[:, :LARGEST_SHIFT]), 1)
        best = (near / (powers[0] * powers[1]).sqrt()[:, None]).amax(1)
        return ((1 - best) * powers[1]).sum() / powers[1].sum()

    def _spectrum(self, wave: Tensor) -> Tensor:
        """Spectra of the pieces of `wave` (b, t) with root magnitudes: complex (b, f, n)."""
        wave = wave[:, 1:] - PRE_EMPHASIS * wave[:, :-1]
        spec = torch.stft(
            wave, 2 * SHAPE_WINDOW, SHAPE_HOP, win_length=SHAPE_WINDOW, window=self.window, center=False,
            return_complex=True,
        )  # fmt: skip
        return spec / (spec.abs() + 1e-4).sqrt()
