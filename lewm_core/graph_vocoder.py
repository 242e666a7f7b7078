"""A Vocos as a graph: mel to wave, whole or in pieces, without torch. The inverse STFT stays in float32.

m mel bands   t mel frames
"""

from __future__ import annotations

import numpy as np

from lewm_core.config import MelConfig
from lewm_core.graph_session import FlowSession
from lewm_core.graphs.builder import FlowRows
from lewm_core.graphs.sound_graphs import vocoder_graph
from lewm_core.overlap_add import InverseSTFT
from lewm_core.vocoder_config import VocosConfig

LOUDEST = np.float32(100.0)
"""Magnitudes end here, as in Vocos' own head."""
PIECE = 512
"""Mel frames worked on at a time (5.5 s); bounds the memory."""


def written(config: VocosConfig, weights: dict[str, np.ndarray]) -> tuple[bytes, FlowRows]:
    """The graph of a Vocos and what it keeps between pieces."""
    return vocoder_graph(weights, config.features.n_mels, config.dim, config.num_layers, config.n_fft)


class GraphVocoder:
    """A Vocos with a ConvNeXt backbone (see ``lewm_core.vocoder.Vocoder``); ``graph`` as ``written`` gives it."""

    def __init__(
        self, name: str, config: VocosConfig, mel_config: MelConfig, graph: tuple[bytes, FlowRows],
        threads: int = 1,
    ) -> None:  # fmt: skip
        self.name, self.mel_config, self.sample_rate = name, mel_config, mel_config.sample_rate
        self.config = config
        self.session = FlowSession(*graph, "mel", "spectrum", threads)
        self.delay = config.backbone_radius + InverseSTFT(config.n_fft, config.hop_length).delay
        """Mel frames behind a frame that its samples wait for."""

    def begin(self) -> WaveStream:
        """Start a wave whose mel comes in pieces."""
        return WaveStream(self)

    def decode(self, log_mel: np.ndarray) -> np.ndarray:
        """See ``lewm_core.vocoder.Vocoder.decode``. Memory does not grow with the length, but for the wave."""
        from lewm_core.vocoder import checked

        log_mel = checked(log_mel, self.mel_config)
        stream, frames = self.begin(), log_mel.shape[1]
        starts = range(0, frames, PIECE)
        return np.concatenate(
            [stream.add(log_mel[:, at : at + PIECE], is_last=at + PIECE >= frames) for at in starts]
        )


class WaveStream:
    """The wave of one mel that comes in pieces; each frame is worked on once."""

    def __init__(self, vocoder: GraphVocoder) -> None:
        self._session = vocoder.session
        self._state = vocoder.session.begin()
        self._inverse = InverseSTFT(vocoder.config.n_fft, vocoder.config.hop_length)
        self._first = vocoder.config.backbone_radius + 1  # below it the last convolution would have no window
        self._waiting: list[np.ndarray] = []
        self._waits = 0
        self._began = False

    def add(self, mel: np.ndarray, is_last: bool = False) -> np.ndarray:
        """Samples in [-1, 1] that no later frame changes.

        Args:
            mel: (m, t), the next frames.  is_last: nothing follows; the wave ends with the middle of the last frame.
        """
        self._waiting.append(mel)
        self._waits += mel.shape[1]
        if not (is_last or self._waits >= (1 if self._began else self._first)):
            return np.zeros(0, np.float32)
        rows = np.ascontiguousarray(np.concatenate(self._waiting, axis=1).T)
        self._waiting, self._waits, self._began = [], 0, True
        spectrum, self._state = self._session.run(self._state, rows, is_last=is_last)
        magnitude, phase = np.split(spectrum, 2, axis=1)
        wave = self._inverse.add(np.minimum(np.exp(magnitude), LOUDEST), phase, is_last)
        return np.clip(wave, -1.0, 1.0, out=wave)
