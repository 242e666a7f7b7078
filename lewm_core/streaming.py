"""Speech in pieces that join without a seam: latents to mel to wave while later latents are still being made.

Decoder and vocoder have finite receptive fields. A piece is computed with so much context on both sides that
its frames and samples are those of the whole; what lies nearer to the end than the context reaches waits.

n latents   m mel bands   t mel frames
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from lewm_core.config import MelConfig, ModelConfig
from lewm_core.inference_engine import one_thread
from lewm_core.model.lewm import LeWM
from lewm_core.vocoder import Vocoder

FIRST_FRAMES = 8
"""Mel frames that are worth a first chunk (85 ms); each later one waits for twice as many."""
LARGEST_FRAMES = 128
"""No chunk waits for more (1.4 s), so that a listener who cancels is obeyed soon."""
WORTH_SHARING = 256
"""Mel frames from which decoding gains by more than one thread, even if they must wait for each other."""
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
    """Mel frames on either side that can change the samples of a frame; None where it is all of them."""
    reach = getattr(vocoder, "context", None)
    return None if reach is None else int(reach)


@contextmanager
def _threads_for(frames: int) -> Iterator[None]:
    """One thread for a small piece, as many as torch has for a large one."""
    if frames >= WORTH_SHARING:
        yield
    else:
        with one_thread():
            yield


class GrowingMel:
    """Decodes latents as they come; each frame that cannot change any more is decoded only once."""

    def __init__(self, model: LeWM) -> None:
        self._model = model
        self._factor = model.config.downsample_factor
        self._reach = decoder_reach(model.config)
        self._latents: list[torch.Tensor] = []
        self._count = 0
        self._settled = 0  # latents whose frames are in _mel for good
        self._mel = np.zeros((model.config.n_mels, 0), np.float32)

    def add(self, latents: torch.Tensor) -> None:
        """Append latents (n, d)."""
        self._latents.append(latents)
        self._count += len(latents)

    @property
    def frames(self) -> int:
        """Frames so far, settled or not."""
        return self._count * self._factor

    @property
    def settled_frames(self) -> int:
        """Frames that no later latent can change."""
        return max(0, self._count - self._reach) * self._factor

    def mel(self) -> np.ndarray:
        """Return everything so far (m, t); frames from ``settled_frames`` on may still change."""
        if not self._latents:
            return self._mel
        start = max(0, self._settled - self._reach)
        latents = torch.cat(self._latents)[start:]
        with torch.inference_mode(), _threads_for(len(latents) * self._factor):
            window = self._model.mel_decoder(latents.unsqueeze(0))[0].numpy()
        fresh = window[:, (self._settled - start) * self._factor :]
        whole = np.concatenate((self._mel, fresh), axis=1)
        self._settled = max(0, self._count - self._reach)
        self._mel = whole[:, : self.settled_frames]
        return whole


class GrowingWave:
    """Vocodes a mel as it grows. A vocoder without a finite reach (Griffin-Lim) waits for the end."""

    def __init__(self, vocoder: Vocoder, mel_config: MelConfig) -> None:
        self._vocoder, self._hop = vocoder, mel_config.hop_length
        self._reach = vocoder_reach(vocoder)
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
        return max(0, settled_frames - 1 - self._reach - self.frames)

    def samples(self, mel: np.ndarray, until: int) -> np.ndarray:
        """Samples of the frames from ``frames`` to ``until``, ((until - frames) * hop_length,).

        Args:
            mel: (m, t) from the very first frame on, at least ``until`` + 1 frames; those beyond tell
                how the sound goes on.
        """
        reach = mel.shape[1] if self._reach is None else self._reach
        begin, end = max(0, self.frames - reach), min(mel.shape[1], until + 1 + reach)
        with _threads_for(end - begin):
            wave = self._vocoder.decode(mel[:, begin:end])
        piece = wave[(self.frames - begin) * self._hop : (until - begin) * self._hop]
        self.frames = until
        return piece

    def rest(self, mel: np.ndarray) -> np.ndarray:
        """All samples that are left of the finished ``mel`` (m, t); its last frame is held for one hop."""
        return self.samples(np.concatenate((mel, mel[:, -1:]), axis=1), mel.shape[1])
