"""Measure the engine: first chunk, streaming against offline, batches against single requests, threads.

    python benchmarks/engine.py [--repeats 5] [--checkpoint FILE]

Variants take turns in one process, so that a busy machine slows all of them alike; look at the ratios. Speech is
made up to the mel's latents for the batches, and up to the wave for the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from lewm_core.commands.bench import describe_machine
from lewm_core.inference import Synthesiser, SynthesisRequest, finish
from lewm_core.inference_engine import run_all
from lewm_core.model.lewm import SamplingSettings

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
        start = time.perf_counter()
        stream = voice.stream(request)
        next(stream)
        spent = time.perf_counter() - start
        stream.close()
        return spent

    def factor(make: Callable[[SynthesisRequest], object]) -> float:
        start = time.perf_counter()
        result = finish(make(request))  # type: ignore[arg-type]
        return (time.perf_counter() - start) * result.sample_rate / len(result.wave)

    return {
        "first_chunk_seconds": first_chunk,
        "streamed_real_time_factor": lambda: factor(voice.stream),
        "offline_real_time_factor": lambda: factor(voice.synthesise),
    }


def batch_variant(voice: Synthesiser, speaker: str, rows: int) -> Callable[[], float]:
    """Real-time factor of text and predictor over 16 texts, ``rows`` at once, in processor time (one thread)."""
    index, who = voice.speaker(speaker)
    jobs = [
        (voice.read(TEXTS[n % len(TEXTS)], who), torch.tensor([index]), SamplingSettings(seed=n))
        for n in range(max(BATCHES))
    ]
    latents_per_second = voice.info.mel.frame_rate / voice.info.config.downsample_factor

    def run() -> float:
        start = time.thread_time()
        made = sum(len(item.latents) for _, item in run_all(voice.model, jobs, rows))
        return (time.thread_time() - start) * latents_per_second / made

    return run


def with_threads(threads: int, variant: Callable[[], float]) -> Callable[[], float]:
    """The variant with so many threads for torch."""

    def run() -> float:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return variant()
        finally:
            torch.set_num_threads(before)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--checkpoint", type=Path)
    arguments = parser.parse_args()
    voice = Synthesiser.load(arguments.checkpoint)
    speaker = next(who.name for who in voice.info.speakers if who.language.startswith("en"))
    speech = {
        f"{name}, {threads} threads": with_threads(threads, variant)
        for name, variant in speech_variants(voice, speaker).items()
        for threads in (1, 2)
    }
    batches = {
        f"predictor_real_time_factor, {rows} at once": batch_variant(voice, speaker, rows) for rows in BATCHES
    }
    answer = {
        "machine": describe_machine(torch.get_num_threads(), torch.__version__),
        "load_average": os.getloadavg(),
        "speech": take_turns(speech, arguments.repeats),
        "batches": take_turns(batches, max(1, arguments.repeats // 2)),
    }
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")


if __name__ == "__main__":
    main()
