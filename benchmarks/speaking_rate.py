"""What another speaking rate does to length and pitch: python -m benchmarks.speaking_rate [--json]

For each speaker and speed: length times speed over the length at speed 1 (1 is exact), and the median ratio of the
pitch to that of the same sound at speed 1 (1: the pitch stays).
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import json
import math

import numpy as np

from lewm_core.analysis.alignment import align
from lewm_core.analysis.pitch import pitch_track
from lewm_core.inference import Synthesiser, SynthesisRequest, SynthesisResult, finish

SPEEDS = (0.5, 0.7, 0.85, 1.2, 1.5, 2.0)
TEXTS = {
    "en": "The old man told us a long story about the lonely island, and we listened until the morning.",
    "hi": "आज सुबह से बारिश हो रही है, इसलिए हम घर पर ही रहेंगे।",
}


def pitch_ratio(spoken: SynthesisResult, usual: SynthesisResult) -> float:
    """Median ratio of the pitches of both in the same sound: along the warp path, where both are voiced.

    Medians of all voiced frames would not do: slow speech has more frames of some sounds than of others.
    """
    rate = usual.sample_rate / 256
    path = align(usual.mel, spoken.mel, rate)
    ours, theirs = (pitch_track(one.wave, one.sample_rate, one.mel.shape[1], rate) for one in (spoken, usual))
    return float(np.nanmedian(ours[path.other] / theirs[path.reference]))


def measure(voice: Synthesiser, speaker: str, speeds: tuple[float, ...] = SPEEDS) -> list[dict[str, float | str]]:
    """Length and pitch at each speed, against speed 1."""
    language = voice.speaker(speaker)[1].language.partition("-")[0]
    results = {
        speed: finish(voice.synthesise(SynthesisRequest(TEXTS[language], speaker, speed=speed)))
        for speed in (1.0, *speeds)
    }
    usual = results[1.0]
    return [
        {
            "speaker": speaker,
            "speed": speed,
            "length": round(speed * len(results[speed].wave) / len(usual.wave), 3),
            "pitch": round(pitch_ratio(results[speed], usual), 4),
        }
        for speed in speeds
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--speakers", nargs="*", help="default: all")
    options = parser.parse_args()
    voice = Synthesiser.load()
    rows = []
    for speaker in options.speakers or [speaker.name for speaker in voice.info.speakers]:
        for row in measure(voice, speaker):
            rows.append(row)
            if not options.json:
                print("{speaker:10} speed {speed:4.2f}   length x {length:5.3f}   pitch x {pitch:6.4f}".format(**row))
    worst = {
        "length": max(abs(float(row["length"]) - 1) for row in rows),
        "pitch": math.exp(max(abs(math.log(float(row["pitch"]))) for row in rows)) - 1,
    }
    print(json.dumps({"rows": rows, "worst": worst}) if options.json else f"worst: {worst}")


if __name__ == "__main__":
    main()
