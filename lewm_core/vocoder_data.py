"""Training audio of the vocoder: decoded once into one memory-mapped int16 file, cropped from there.

The crops of step k depend on the seed and k alone, so a resumed training sees what an uninterrupted one sees.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lewm_core.untrusted import parse_json
from lewm_core.vocoder_training_config import VocoderTrainingError

GAIN_DB = (-9.0, 0.0)  # loudness of a crop relative to the recording
MEL_FLOOR = math.log(1e-7)  # of a log-mel


@dataclass(frozen=True)
class PackedAudio:
    """All utterances end to end: `samples` (total,) int16; utterance i is samples[offsets[i]:offsets[i + 1]]."""

    samples: np.ndarray
    offsets: np.ndarray

    def crops(self, step: int, seed: int, batch: int, length: int) -> np.ndarray:
        """Crops for training step `step`: (batch, length) float32 in [-1, 1], shorter utterances padded."""
        rng = np.random.default_rng((seed, step))
        # Long utterances come in proportion to their length.
        starts = rng.integers(0, len(self.samples), batch)
        crops = np.zeros((batch, length), np.float32)
        for row, at in enumerate(starts):
            utterance = int(np.searchsorted(self.offsets, at, side="right")) - 1
            begin, end = int(self.offsets[utterance]), int(self.offsets[utterance + 1])
            first = begin + int(rng.integers(0, max(1, end - begin - length + 1)))
            piece = self.samples[first : min(first + length, end)]
            gain = 10 ** (rng.uniform(*GAIN_DB) / 20)
            crops[row, : len(piece)] = piece.astype(np.float32) * (gain / 32768)
        return crops


@dataclass(frozen=True)
class PairedMels:
    """Predicted mels (all frames, m) float16 beside the waves that they belong to.

    ``places[k]`` is (utterance of `audio`, first frame, frames), for every utterance that has a mel.
    """

    audio: PackedAudio
    mels: np.ndarray
    places: np.ndarray

    def crops(
        self, step: int, seed: int, batch: int, length: int, hop: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Crops for training step `step`, long utterances in proportion to their length.

        Returns waves (batch, length) float32 in [-1, 1] and their log-mels (batch, m, length // hop + 1), both at
        the same random loudness. What lies beyond an utterance's end is silence.
        """
        rng = np.random.default_rng((seed, step, 2))
        frames = length // hop + 1
        sizes = self.places[:, 2].astype(np.float64)
        waves = np.zeros((batch, length), np.float32)
        mels = np.full((batch, self.mels.shape[1], frames), MEL_FLOOR, np.float32)
        for row, place in enumerate(rng.choice(len(sizes), batch, p=sizes / sizes.sum())):
            utterance, first, count = (int(value) for value in self.places[place])
            start = int(rng.integers(0, max(1, count - frames + 1)))
            at = int(self.audio.offsets[utterance]) + start * hop
            piece = self.audio.samples[at : min(at + length, int(self.audio.offsets[utterance + 1]))]
            gain = 10 ** (rng.uniform(*GAIN_DB) / 20)
            waves[row, : len(piece)] = piece.astype(np.float32) * (gain / 32768)
            mel = self.mels[first + start : first + min(start + frames, count)].astype(np.float32)
            mels[row, :, : len(mel)] = np.maximum(mel.T + math.log(gain), MEL_FLOOR)
        return waves, mels


def pair_mels(
    audio: PackedAudio, names: list[str], mels: np.ndarray, places: dict[str, tuple[int, int]]
) -> PairedMels:
    """Put predicted mels beside the recordings `names` of `audio`, in order; `places` goes by file name.

    Raises VocoderTrainingError if no recording has a mel.
    """
    rows = [
        (number, *places[Path(name).name]) for number, name in enumerate(names) if Path(name).name in places
    ]
    if not rows:
        raise VocoderTrainingError("None of the recordings of --train has a predicted mel; they go by file name.")
    return PairedMels(audio, mels, np.array(rows))


def read_index(path: Path) -> list[str]:
    """Relative audio paths named by a jsonl file (one object with "audio" a line).

    Raises VocoderTrainingError with the file and line if one cannot be read.
    """
    names = []
    try:
        lines = path.read_text(encoding="utf8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise VocoderTrainingError(f"{path} cannot be read as an index of sound files: {error}.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            names.append(_audio_of(parse_json(line)))
        except ValueError as error:
            raise VocoderTrainingError(
                f'{path}, line {number}: expected a JSON object with "audio", the path of a sound file.'
            ) from error
    if not names:
        raise VocoderTrainingError(f"{path} names no audio file; it needs one JSON object a line.")
    return names


def _audio_of(row: Any) -> str:
    if not isinstance(row, dict) or not isinstance(row.get("audio"), str):
        raise ValueError("no audio")
    return str(row["audio"])


def pack_audio(
    folder: Path,
    index: Path,
    target: Path,
    load: Callable[[Path], np.ndarray],
    progress: Callable[[float, str], None] = lambda fraction, message: None,
) -> PackedAudio:
    """Decode what `index` names under `folder` into `target`, or reuse what lies there for the same index.

    `load` gives (samples,) float32 of a file at the vocoder's sample rate. `progress` gets a fraction and a
    message. Raises VocoderTrainingError for a bad index and what `load` raises for a bad sound file.
    """
    names = read_index(index)
    key = hashlib.sha256("\n".join([str(folder.resolve()), *names]).encode()).hexdigest()
    marker, samples_file, offsets_file = (
        target / n for n in ("index.sha256", "samples.int16", "offsets.npy")
    )
    if not (marker.is_file() and marker.read_text().strip() == key):
        target.mkdir(parents=True, exist_ok=True)
        marker.unlink(missing_ok=True)
        offsets = [0]
        with samples_file.open("wb") as samples:
            for number, name in enumerate(names):
                wave = load(folder / name)
                samples.write(np.round(np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes())
                offsets.append(offsets[-1] + len(wave))
                if number % 50 == 0:
                    progress(number / len(names), f"decoding {name}")
        np.save(offsets_file, np.array(offsets))
        marker.write_text(key)  # last: without it, what lies there counts as unfinished
    return PackedAudio(np.memmap(samples_file, "<i2", "r"), np.load(offsets_file))
