"""What ends a free run of 1 to 40 words, for every speaker: python -m benchmarks.voice_stops [CHECKPOINT]

Printed: how many were ended by the stop head, those with the quietest ending, and how long the quiet after the last
loud frame (30 dB below the loudest) is.
"""

# ruff: noqa: T201
from __future__ import annotations

import sys

import numpy as np

from lewm_core.inference import Synthesiser, SynthesisRequest, finish

ENGLISH = (
    "the quick train from the north arrives at seven every morning and carries fresh bread apples letters and books "
    "for the small shops along the river while people wait on the cold platform with their bags and talk quietly"
)
HINDI = (
    "आज सुबह मौसम बहुत अच्छा है और हम सब लोग नदी के किनारे टहलने जा रहे हैं जहाँ बच्चे खेलते हैं और बूढ़े लोग पुरानी "
    "कहानियाँ सुनाते हैं फिर शाम को हम घर लौट कर गरम चाय पीते हैं और बातें करते हैं"
)
LENGTHS = (1, 2, 3, 5, 8, 12, 20, 30, 40)


def levels(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """Level of 20 ms frames, dB under the loudest."""
    size = sample_rate // 50
    frames = np.sqrt(np.mean(wave[: len(wave) // size * size].reshape(-1, size) ** 2, axis=1) + 1e-12)
    return 20 * np.log10(frames / frames.max())


def main() -> None:
    voice = Synthesiser.load(sys.argv[1] if len(sys.argv) > 1 else None)
    runs = []
    for speaker in voice.info.speakers:
        words = (HINDI if speaker.language == "hi" else ENGLISH).split()
        for count in LENGTHS:
            text = " ".join(words[:count]).capitalize() + "."
            spoken = finish(voice.synthesise(SynthesisRequest(text, speaker.name)))
            level = levels(spoken.wave, spoken.sample_rate)
            third = max(1, len(level) // 3)
            quiet = 0.02 * (len(level) - 1 - np.flatnonzero(level > -30)[-1])
            runs.append(
                (spoken.stop_reason, level[-third:].max() - level[:third].max(), quiet, speaker.name, count)
            )
    print(f"{sum(run[0] == 'stop_head' for run in runs)} of {len(runs)} ended by the stop head")
    print(
        f"quiet at the end: median {np.median([run[2] for run in runs]):.2f} s, most {max(r[2] for r in runs):.2f} s"
    )
    print("loudest frame of the last third against that of the first, lowest:")
    for run in sorted(runs, key=lambda run: run[1])[:12]:
        print(f"  {run[1]:6.1f} dB  {run[3]}, {run[4]} words, {run[2]:.2f} s of quiet at the end")


if __name__ == "__main__":
    main()
