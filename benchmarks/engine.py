"""Measure the engine: first chunk, streaming against offline, batches against single requests, threads.

    python benchmarks/engine.py [--repeats 5] [--checkpoint FILE]

All figures are processor time, so that what else runs does not count (much: it shares the caches), and variants take
turns in one process. Speech is made up to the mel's latents for the batches, and up to the wave for the rest.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lewm_core.checkpoint import load_arrays
from lewm_core.commands.bench import describe_machine
from lewm_core.graph_engine import speak_all
from lewm_core.graph_voice import GraphVoice
from lewm_core.inference import Synthesiser, SynthesisRequest, finish
from lewm_core.sampling import SamplingSettings

TEXTS = (
    "When the rain finally stopped, the children ran outside and looked for a rainbow behind the hills.",
    "The quick brown fox jumps over the lazy dog.",
    "All night, the sailors bailed water and prayed for a glimpse of land.",
    "Good morning, and welcome.",
)
BATCHES = (1, 4, 16)


def take_turns(variants: dict[str, Callable[[], float]], repeats: int) -> dict[str, dict[str, float]]:
    """Run every variant once to warm up, then ``repeats`` rounds of all; least and median of what they return."""
    for variant in variants.values():
        variant()
    seen: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(repeats):
        for name, variant in variants.items():
            seen[name].append(variant())
    return {
        name: {"least": round(min(values), 5), "median": round(statistics.median(values), 5)}
        for name, values in seen.items()
    }


def speech_variants(voice: Synthesiser, speaker: str) -> dict[str, Callable[[], float]]:
    """First chunk (s) and real-time factor, streamed and offline."""
    request = SynthesisRequest(TEXTS[0], speaker)

    def first_chunk() -> float:
        start = time.process_time()
        stream = voice.stream(request)
        next(stream)
        spent = time.process_time() - start
        stream.close()
        return spent

    def factor(make: Callable[[SynthesisRequest], object]) -> float:
        start = time.process_time()
        result = finish(make(request))  # type: ignore[arg-type]
        return (time.process_time() - start) * result.sample_rate / len(result.wave)

    return {
        "first_chunk_seconds": first_chunk,
        "streamed_real_time_factor": lambda: factor(voice.stream),
        "offline_real_time_factor": lambda: factor(voice.synthesise),
    }


def batch_variant(voice: Synthesiser, graphs: GraphVoice, speaker: str, rows: int) -> Callable[[], float]:
    """Real-time factor of text and predictor over 16 texts, ``rows`` at once, in processor time (one thread)."""
    shares, who = voice.shares(speaker)
    jobs = [
        (voice.reading(TEXTS[n % len(TEXTS)], who.language), shares, SamplingSettings(seed=n))
        for n in range(max(BATCHES))
    ]
    latents_per_second = voice.info.mel.frame_rate / voice.config.downsample_factor

    def run() -> float:
        start = time.thread_time()
        made = sum(len(item.latents) for _, item in speak_all(graphs, jobs, rows))
        spent = time.thread_time() - start
        return spent * latents_per_second / (made * voice.config.latents_per_step)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--checkpoint", type=Path)
    arguments = parser.parse_args()
    voices = {threads: Synthesiser.load(arguments.checkpoint, threads=threads) for threads in (1, 2)}
    voice = voices[1]
    speaker = next(who.name for who in voice.info.speakers if who.language.startswith("en"))
    speech = {
        f"{name}, {threads} threads": variant
        for threads, synthesiser in voices.items()
        for name, variant in speech_variants(synthesiser, speaker).items()
    }
    arrays, info = load_arrays(voice.info.path)
    graphs = {"int8": voice.voice, "float32": GraphVoice(info.config, arrays, "float32")}
    batches = {
        f"predictor_real_time_factor, {precision}, {rows} at once": batch_variant(voice, made, speaker, rows)
        for precision, made in graphs.items()
        for rows in BATCHES
    }
    answer = {
        "machine": describe_machine(1),
        "speech": take_turns(speech, arguments.repeats),
        "batches": take_turns(batches, max(1, arguments.repeats // 2)),
    }
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")


if __name__ == "__main__":
    main()
