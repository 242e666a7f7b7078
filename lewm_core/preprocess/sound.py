"""Sound for preparation: the whole of a short recording, a stretch of a long one, and its level.

Long recordings are read and resampled block by block, so that hours need no more memory than their 24 kHz mono.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from lewm_core.analysis.listening import PEAK_CEILING_DB, loudness
from lewm_core.mel import SILENCE_PEAK, AudioError

SAMPLE_RATE = 24_000
_BLOCK_S = 30.0
_LOUDEST_GAIN_DB = 40.0


def seconds_of(audio: Path) -> float:
    """Length of a sound file by its header; 0 where it cannot be read (reading it will say why)."""
    try:
        info = soundfile.info(str(audio)) if audio.is_file() else None
    except (soundfile.SoundFileError, OSError, RuntimeError):
        return 0.0
    return info.frames / info.samplerate if info and info.samplerate else 0.0


def read_stretch(audio: Path, start: float, end: float) -> np.ndarray:
    """Samples of [start, end] (seconds) as mono at 24 kHz, float32, (samples,).

    Channels are averaged; if that cancels them, the first is taken. What exceeds full scale is scaled.

    Raises:
        AudioError: the file cannot be read, or is silent there.
    """
    try:
        with soundfile.SoundFile(audio) as file:
            first = max(0, round(start * file.samplerate))
            count = min(file.frames, round(end * file.samplerate)) - first
            wave = _resampled(_mono(file, first, count, first_channel_only=False), file.samplerate)
            if np.abs(wave).max(initial=0.0) < SILENCE_PEAK and file.channels > 1:
                wave = _resampled(_mono(file, first, count, first_channel_only=True), file.samplerate)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise AudioError(f"{audio} cannot be read as sound ({str(error).strip()}).") from error
    peak = float(np.abs(wave).max(initial=0.0))
    if not np.isfinite(peak):
        raise AudioError(f"{audio} holds values that are not numbers (NaN or infinity). Export it again.")
    if peak < SILENCE_PEAK:
        raise AudioError(f"{audio} is silent from {start:.1f} to {end:.1f} s: nothing is louder than -80 dB.")
    return wave / peak if peak > 1.0 else wave


def _mono(
    file: soundfile.SoundFile, first: int, count: int, first_channel_only: bool
) -> Iterator[np.ndarray]:
    file.seek(first)
    block = round(_BLOCK_S * file.samplerate)
    while count > 0:
        samples = file.read(min(block, count), dtype="float32", always_2d=True)
        if len(samples) == 0:
            return
        count -= len(samples)
        yield np.ascontiguousarray(samples[:, 0] if first_channel_only else samples.mean(axis=1))


def _resampled(blocks: Iterator[np.ndarray], rate: int) -> np.ndarray:
    if rate == SAMPLE_RATE:
        parts = list(blocks)
    else:
        stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="VHQ")
        parts = [stream.resample_chunk(block) for block in blocks]
        parts.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def gain_db(pieces: list[np.ndarray], target_lufs: float) -> float:
    """The gain in dB that brings pieces of speech by one speaker to ``target_lufs`` together.

    Loudness is BS.1770's, of each piece and averaged by energy and length; pieces shorter than its block of 0.4 s
    are measured as one block, those below 0.1 s do not count. Limited so that no sample exceeds -1 dB of full
    scale, and to +40 dB. Rounded to 0.01 dB. 0 if nothing can be measured.
    """
    measured = [(len(p), loudness(p, SAMPLE_RATE)) for p in pieces if len(p) >= 0.1 * SAMPLE_RATE]
    measured = [(length, level) for length, level in measured if np.isfinite(level)]
    if not measured:
        return 0.0
    lengths, values = np.array(measured).T
    level = 10 * np.log10(np.average(10 ** (values / 10), weights=lengths))
    peak_db = 20 * np.log10(max(float(np.abs(piece).max(initial=0.0)) for piece in pieces))
    return round(float(min(target_lufs - level, PEAK_CEILING_DB - peak_db, _LOUDEST_GAIN_DB)), 2)
