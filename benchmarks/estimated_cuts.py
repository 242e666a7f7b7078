"""Measure how many cuts are right where a long recording has a transcript but no time stamps.

    python benchmarks/estimated_cuts.py LIST.jsonl --audio-root DIR [--speakers 5] [--sentences 60] [--json]

Recordings of a list are strung together with pauses of random length, the transcript is their text in one piece, and
what `lewm preprocess` would cut is held against where each recording was put. A cut is right if its text is exactly
what is said there and its edges lie within the recordings at its ends, to 0.35 s at the start and 0.45 s at the end
(recordings have silence of their own there). In some conditions sentences lack in the transcript, or are in it but
were never read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lewm_core.mel import load_audio
from lewm_core.phonemes import phonemise
from lewm_core.preprocess import Defaults, Recording, read_list
from lewm_core.preprocess.fit import fit_sentences
from lewm_core.preprocess.segments import count_sounds, implausible
from lewm_core.preprocess.silence import find_speech
from lewm_core.preprocess.sound import SAMPLE_RATE
from lewm_core.text import normalise, split_sentences

LONGEST_S = 30.0
Placed = list[tuple[float, float, str]]


@dataclass(frozen=True)
class Condition:
    """Pauses in seconds, noise as standard deviation of full scale, sentences left out of the text and added."""

    name: str
    pauses: tuple[float, float]
    noise: float = 0.0
    unwritten: int = 0
    unread: int = 0


CONDITIONS = (
    Condition("pauses of 0.4 to 0.9 s", (0.4, 0.9)),
    Condition("pauses of 0.15 to 0.5 s", (0.15, 0.5)),
    Condition("pauses of 0.05 to 0.3 s", (0.05, 0.3)),
    Condition("noise at -40 dB", (0.3, 0.8), noise=0.01),
    Condition("5 read sentences not in the text", (0.3, 0.8), unwritten=5),
    Condition("5 sentences of the text not read", (0.3, 0.8), unread=5),
    Condition("3 not in the text, 3 not read", (0.3, 0.8), unwritten=3, unread=3),
)


def strung(own: list[Recording], condition: Condition, rng: np.random.Generator) -> tuple[np.ndarray, Placed]:
    """One long wave at 24 kHz and where (s) each text is in it."""
    parts, places, at = [np.zeros(SAMPLE_RATE // 2, np.float32)], [], 0.5
    for row in own:
        wave = load_audio(row.audio)
        pause = np.zeros(round(rng.uniform(*condition.pauses) * SAMPLE_RATE), np.float32)
        places.append((at, at + len(wave) / SAMPLE_RATE, normalise(row.text, row.language)))
        parts += [wave, pause]
        at += (len(wave) + len(pause)) / SAMPLE_RATE
    long = np.concatenate(parts)
    return long + condition.noise * rng.standard_normal(len(long)).astype(np.float32), places


def measure(own: list[Recording], strange: list[str], condition: Condition, seed: int) -> Counter[str]:
    """Count sentences, and segments that were kept and are right, kept and wrong, rejected."""
    rng = np.random.default_rng(seed)
    language = own[0].language
    wave, places = strung(own, condition, rng)
    written = [text for _, _, text in places]
    for _ in range(condition.unwritten):
        written.pop(int(rng.integers(len(written))))
    for text in strange[: condition.unread]:
        written.insert(int(rng.integers(len(written))), normalise(text, language))
    sentences = [sentence.text for sentence in split_sentences(" ".join(written), language)]
    sounds = [max(1, count_sounds(phonemise(text, language))) for text in sentences]
    fits = fit_sentences(find_speech(wave, SAMPLE_RATE), sounds, LONGEST_S)
    median = float(np.median([fit.pace for fit in fits])) if fits else 0.0
    counts = Counter(sentences=len(sentences))
    for fit in fits:
        text = " ".join(sentences[fit.first : fit.last])
        inside = [place for place in places if place[2] in text]
        right = (
            " ".join(place[2] for place in inside) == text
            and abs(inside[0][0] - fit.begin) < 0.35
            and abs(inside[-1][1] - fit.end) < 0.45
        )
        kept = implausible(fit, median) is None
        counts["right" if kept and right else "wrong" if kept else "rejected"] += 1
        counts["sentences_right"] += len(inside) * (kept and right)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("list", type=Path)
    parser.add_argument("--audio-root", type=Path)
    parser.add_argument("--speakers", type=int, default=5)
    parser.add_argument("--sentences", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    by_speaker: dict[str, list[Recording]] = {}
    for row in read_list(arguments.list, Defaults(audio_root=arguments.audio_root)):
        by_speaker.setdefault(row.speaker, []).append(row)
    enough = [rows for rows in by_speaker.values() if len(rows) >= arguments.sentences + 10]
    chosen = [enough[i] for i in np.linspace(0, len(enough) - 1, arguments.speakers).round().astype(int)]
    for condition in CONDITIONS:
        total: Counter[str] = Counter()
        for seed, rows in enumerate(chosen):
            strange = [row.text for row in rows[arguments.sentences :]]
            total += measure(rows[: arguments.sentences], strange, condition, seed)
        text = (
            f"{condition.name}: {total['right']} kept cuts right, {total['wrong']} wrong, "
            f"{total['rejected']} rejected; {total['sentences_right']} of {total['sentences']} sentences"
        )
        sys.stdout.write((json.dumps({"condition": condition.name, **total}) if arguments.json else text) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
