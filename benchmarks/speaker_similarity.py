"""Do the speakers tell apart? python -m benchmarks.speaker_similarity TRAIN.jsonl AUDIO_ROOT FOLDER...

Each FOLDER is one of `benchmarks.voice_wavs` (free_run). An utterance counts for a speaker if the mean embedding of
sixteen recordings of that speaker is the nearest of all (cosine). Needs `pip install resemblyzer` (GE2E,
arXiv 1710.10467) in an environment of its own.
"""

# ruff: noqa: T201
from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
import soxr

RECORDINGS = 16


def main() -> None:
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)

    def embed(path: Path) -> np.ndarray:
        wave, rate = soundfile.read(path, dtype="float32")
        return encoder.embed_utterance(preprocess_wav(soxr.resample(wave, rate, 16_000), source_sr=16_000))

    train, root, folders = Path(sys.argv[1]), Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]]
    recordings: dict[str, list[np.ndarray]] = defaultdict(list)
    for line in train.read_text(encoding="utf8").splitlines():
        row = json.loads(line)
        if len(recordings[row["speaker"]]) < RECORDINGS:
            recordings[row["speaker"]].append(embed(root / row["audio"]))
    names = sorted(recordings)
    teachers = np.stack([np.mean(recordings[name], axis=0) for name in names])
    teachers /= np.linalg.norm(teachers, axis=1, keepdims=True)
    spoken: dict[str, list[np.ndarray]] = defaultdict(list)
    for folder in folders:
        for line in (folder / "manifest.jsonl").read_text(encoding="utf8").splitlines():
            row = json.loads(line)
            spoken[row["speaker"]].append(teachers @ embed(folder / row["wav"]))
    right = 0
    for name in sorted(spoken):
        own = names.index(name)
        mean = np.mean(spoken[name], axis=0)
        right += sum(int(row.argmax()) == own for row in spoken[name])
        next_best = max(value for index, value in enumerate(mean) if index != own)
        print(
            f"{name:10} own {mean[own]:.3f}  next {next_best:.3f}  {'ok' if mean.argmax() == own else 'NO'}"
        )
    print(f"{right} of {sum(map(len, spoken.values()))} utterances are nearest to their own speaker")


if __name__ == "__main__":
    main()
