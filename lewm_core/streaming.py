"""Speech in pieces that join without a seam: latents to mel to wave while later latents are still being made.

Decoder and vocoder have finite receptive fields. Each convolution keeps what its next windows begin with, so that
frames and samples are those of the whole and nothing is calculated twice; what lies nearer to the end than the
fields reach waits.

n latents   m mel bands   t mel frames
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lewm_core.config import MelConfig, ModelConfig
from lewm_core.graph_vocoder import GraphVocoder, WaveStream
from lewm_core.graph_voice import GraphVoice
from lewm_core.vocoder import Vocoder

FIRST_FRAMES = 8
"""Mel frames that are worth a first chunk (85 ms); each later one waits for twice as many."""
LARGEST_FRAMES = 128
"""No chunk waits for more (1.4 s), so that a listener who cancels is obeyed soon."""
NO_STREAMING = 2**31
"""As first size: a chunk is a whole sentence."""


@dataclass(frozen=True)
class AudioChunk:
    """A piece of speech, ready to be played and drawn.

    Attributes:
        wave: (samples,) float32 in [-1, 1].
        mel: (m, t) natural log; the frames of ``wave``, hop_length samples each. The very last frame of all has
            no samples, as in ``SynthesisResult``.
        start: samples before this chunk.
        sample_rate: Hz.
        sentence, sentences: which sentence it belongs to, counted from 0, of how many.
        fraction: share of the whole text done, in [0, 1].
        is_last: nothing follows.
        predicted: seconds of speech of this request whose latents exist by now; ``wave`` lags behind them.
    """

    wave: np.ndarray
    mel: np.ndarray
    start: int
    sample_rate: int
    sentence: int
    sentences: int
    fraction: float
    is_last: bool
    predicted: float = 0.0


def decoder_reach(config: ModelConfig) -> int:
    """Latents on either side of a latent that can change the mel frames of that latent."""
    frames = config.decoder_refine_width // 2 + 1  # refinement and output convolutions
    for _ in range({2: 1, 4: 2}[config.downsample_factor]):
        frames += 2  # the residual block behind each doubling
        frames = frames // 2 + 1  # 4-wide transposed convolution of stride 2
    return frames


def vocoder_reach(vocoder: Vocoder) -> int | None:
    """Mel frames behind a frame that its samples wait for; None where it is all of them."""
    if isinstance(vocoder, GraphVocoder):
        return vocoder.delay
    reach = getattr(vocoder, "context", None)
    return None if reach is None else int(reach) + 1


class GrowingMel:
    """Decodes latents as they come, each of them once."""

    def __init__(self, voice: GraphVoice) -> None:
        self._decoder = voice.decoder
        self._factor = voice.config.downsample_factor
        self._reach = decoder_reach(voice.config)
        self._state = voice.decoder.begin()
        self._new: list[np.ndarray] = []
        self._count = 0
        self._mels: list[np.ndarray] = [np.zeros((0, voice.config.n_mels), np.float32)]

    def add(self, latents: np.ndarray) -> None:
        """Append latents (n, d)."""
        self._new.append(latents)
        self._count += len(latents)

    @property
    def frames(self) -> int:
        """Frames so far, settled or not."""
        return self._count * self._factor

    @property
    def settled_frames(self) -> int:
        """Frames that no later latent can change."""
        return max(0, self._count - self._reach) * self._factor

    def settled(self) -> np.ndarray:
        """Those frames (m, t)."""
        if self._new:
            mel, self._state = self._decoder.run(self._state, np.concatenate(self._new))
            self._mels, self._new = [*self._mels, mel], []
        if len(self._mels) > 1:
            self._mels = [np.concatenate(self._mels)]
        return self._mels[0].T

    def mel(self) -> np.ndarray:
        """Return everything so far (m, t); frames from ``settled_frames`` on may still change."""
        settled = self.settled()
        if not self._count:
            return settled
        nothing = np.zeros((0, self._decoder.channels), np.float32)
        rest, _ = self._decoder.run(self._state, nothing, is_last=True)
        return np.concatenate((settled, rest.T), axis=1)


class GrowingWave:
    """Vocodes a mel as it grows. A vocoder without a finite reach (Griffin-Lim) waits for the end."""

    def __init__(self, vocoder: Vocoder, mel_config: MelConfig) -> None:
        self._reach = vocoder_reach(vocoder)
        self._stream: WaveStream | _Redecoded
        if isinstance(vocoder, GraphVocoder):
            self._stream = vocoder.begin()
        else:
            self._stream = _Redecoded(vocoder, mel_config.hop_length, self._reach)
        self._given = 0
        self.frames = 0
        """Frames whose samples were given out."""

    @property
    def can_grow(self) -> bool:
        """Whether there is sound before the sentence has ended."""
        return self._reach is not None

    def ready(self, settled_frames: int) -> int:
        """How many more frames could be given out, were so many frames of the mel final."""
        if self._reach is None:
            return 0
        return max(0, settled_frames - self._reach - self.frames)

    def samples(self, mel: np.ndarray, until: int) -> np.ndarray:
        """Samples of the frames from ``frames`` to ``until``, ((until - frames) * hop_length,).

        Args:
            mel: (m, t) from the very first frame on; at least as many beyond ``until`` as the vocoder reaches.
        """
        assert self._reach is not None
        fresh = mel[:, self._given : until + self._reach]
        self._given, self.frames = until + self._reach, until
        return self._stream.add(fresh)

    def rest(self, mel: np.ndarray) -> np.ndarray:
        """All samples that are left of the finished ``mel`` (m, t); its last frame is held for one hop."""
        self.frames = mel.shape[1]
        return self._stream.add(np.concatenate((mel[:, self._given :], mel[:, -1:]), axis=1), is_last=True)


class _Redecoded:
    """As ``WaveStream``, with a vocoder that keeps nothing: each piece is decoded with what surrounds it."""

    def __init__(self, vocoder: Vocoder, hop: int, reach: int | None) -> None:
        self._vocoder, self._hop, self._reach = vocoder, hop, reach
        self._mel: np.ndarray | None = None
        self._frames = 0

    def add(self, mel: np.ndarray, is_last: bool = False) -> np.ndarray:
        """Samples that no later frame changes; all that are left with the last frames."""
        whole = mel if self._mel is None else np.concatenate((self._mel, mel), axis=1)
        self._mel = whole
        count = whole.shape[1]
        reach = count if self._reach is None else self._reach
        until = count - 1 if is_last else max(self._frames, count - reach)
        begin = max(0, self._frames - reach)
        wave = self._vocoder.decode(whole[:, begin:])
        piece = wave[(self._frames - begin) * self._hop : (until - begin) * self._hop]
        self._frames = until
        return piece
