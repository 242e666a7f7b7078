"""Sound as bytes on a wire: piece by piece where the format allows it, else whole at the end."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np

MEDIA_TYPES = {
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "mp3": "audio/mpeg",
}
_SOUNDFILE = {"flac": ("FLAC", "PCM_16"), "opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III")}
_UNKNOWN = 0xFFFFFFFF


def available_formats() -> tuple[str, ...]:
    """Names of the formats that can be written here; mp3 and opus need a libsndfile that knows them."""
    import soundfile

    def is_there(name: str) -> bool:
        if name not in _SOUNDFILE:
            return True
        kind, subtype = _SOUNDFILE[name]
        return kind in soundfile.available_formats() and subtype in soundfile.available_subtypes(kind)

    return tuple(name for name in MEDIA_TYPES if is_there(name))


def wav_header(sample_rate: int) -> bytes:
    """The header of a 16-bit mono WAV of unknown length (both sizes at their largest, as for streams)."""
    layout = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", _UNKNOWN, b"WAVE") + layout + struct.pack("<4sI", b"data", _UNKNOWN)


def to_pcm(wave: np.ndarray) -> bytes:
    """Samples (t,) in [-1, 1] as 16-bit little-endian integers."""
    return np.round(np.clip(wave, -1.0, 1.0) * 32767).astype("<i2").tobytes()


class AudioEncoder:
    """Turns pieces of speech into bytes that follow each other.

    WAV, raw PCM and Opus go out as they come (Opus a page of about a second at a time). FLAC and MP3 hold the
    length in their first bytes, so they go out whole at the end.
    """

    def __init__(self, format_: str, sample_rate: int) -> None:
        """Begin a sound in one of ``available_formats`` at ``sample_rate`` Hz."""
        self.format, self.media_type = format_, MEDIA_TYPES[format_]
        self._header = wav_header(sample_rate) if format_ == "wav" else b""
        self._file: Any = None
        if format_ in _SOUNDFILE:
            import soundfile

            kind, subtype = _SOUNDFILE[format_]
            self._bytes = io.BytesIO()
            self._file = soundfile.SoundFile(
                self._bytes, "w", sample_rate, 1, format=kind, subtype=subtype
            )
        self._sent = 0

    def add(self, wave: np.ndarray) -> bytes:
        """The bytes that are ready once these samples (t,) are added."""
        if self._file is None:
            header, self._header = self._header, b""
            return header + to_pcm(wave)
        self._file.write(np.clip(wave, -1.0, 1.0))
        return self._rest() if self.format == "opus" else b""

    def finish(self) -> bytes:
        """The last bytes."""
        if self._file is None:
            header, self._header = self._header, b""
            return header
        self._file.close()
        return self._rest()

    def _rest(self) -> bytes:
        data = self._bytes.getvalue()[self._sent :]
        self._sent += len(data)
        return data
