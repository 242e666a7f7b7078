"""Inverse short-time Fourier transform of frames that come in pieces, in float32 (numpy alone).

t frames   n_fft samples a window
"""

from __future__ import annotations

import numpy as np


class InverseSTFT:
    """Joins windows that overlap, as ``torch.istft`` with a Hann window and centred frames does.

    Args:
        n_fft, hop: samples of a window and between two.
    """

    def __init__(self, n_fft: int, hop: int) -> None:
        self.n_fft, self.hop = n_fft, hop
        self._blocks = -(-n_fft // hop)  # pieces of ``hop`` samples that a window reaches into
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        self._window = self._in_blocks(window.astype(np.float32)[None])
        self._sum = np.zeros((self._blocks - 1, hop), np.float32)
        self._weight = np.zeros((self._blocks - 1, hop), np.float32)
        self._cut = n_fft // 2  # samples before the middle of the first frame, still to be thrown away

    @property
    def delay(self) -> int:
        """Frames behind a frame that its samples wait for."""
        return -(-self.n_fft // 2 // self.hop)

    def add(self, magnitude: np.ndarray, phase: np.ndarray, is_last: bool = False) -> np.ndarray:
        """Samples that no later frame changes.

        Args:
            magnitude, phase: (t, n_fft / 2 + 1), phase in radians.
            is_last: nothing follows; the samples end with the middle of the last frame.
        """
        spectrum = np.empty(magnitude.shape, np.complex64)
        np.multiply(magnitude, np.cos(phase), out=spectrum.real)
        np.multiply(magnitude, np.sin(phase), out=spectrum.imag)
        frames = np.fft.irfft(spectrum, self.n_fft, axis=1).astype(np.float32, copy=False)
        t = len(frames)
        windows = self._in_blocks(frames) * self._window
        total, weight = (
            np.concatenate((kept, np.zeros((t, self.hop), np.float32))) for kept in (self._sum, self._weight)
        )
        for block in range(self._blocks):
            total[block : block + t] += windows[:, block]
            weight[block : block + t] += self._window[0, block] ** 2
        self._sum, self._weight = total[t:], weight[t:]
        if is_last:
            wave, weights = total.reshape(-1), weight.reshape(-1)
            wave, weights = wave[: t * self.hop + self._tail], weights[: t * self.hop + self._tail]
        else:
            wave, weights = total[:t].reshape(-1), weight[:t].reshape(-1)
        cut = min(self._cut, len(wave))
        self._cut -= cut
        return wave[cut:] / np.maximum(weights[cut:], np.float32(1e-11))

    @property
    def _tail(self) -> int:
        """Samples from the end of the last frame's hop to its middle: n_fft / 2 - hop."""
        return self.n_fft // 2 - self.hop

    def _in_blocks(self, frames: np.ndarray) -> np.ndarray:
        """(t, n_fft) as (t, blocks, hop), filled up with zeros."""
        missing = self._blocks * self.hop - self.n_fft
        if missing:
            frames = np.pad(frames, ((0, 0), (0, missing)))
        return frames.reshape(len(frames), self._blocks, self.hop)
