"""Measure how long loading takes and how fast each stage speaks on this machine.

lewm bench                 median over several runs of four sentences
lewm bench --ui            the window instead: start-up and the longest stall of its event loop
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lewm_core.commands._shared import (
    InputError,
    add_machine_arguments,
    load_synthesiser,
    positive,
    print_json,
)

if TYPE_CHECKING:
    from lewm_core.inference import Synthesiser

HELP = "measure loading and speed"

SENTENCES = {
    "en": (
        "Yes.",
        "The quick brown fox jumps over the lazy dog.",
        "When the rain finally stopped, the children ran outside and looked for a rainbow behind the hills.",
    ),
    "hi": ("नमस्ते।", "आज सुबह से बारिश हो रही है, इसलिए हम घर पर ही रहेंगे।"),
}
BATCHES = (1, 4, 16)
STAGES = ("text", "predictor", "decoder", "vocoder")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ui", action="store_true", help="measure the window; the other options do not apply"
    )
    parser.add_argument(
        "--runs", type=positive, default=5, metavar="N", help="runs of which the median counts (default 5)"
    )
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="default: the embedded voice")
    parser.add_argument("--vocoder", metavar="NAME|PATH", help="default: the checkpoint's")
    add_machine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.ui:
        return measure_window(arguments.json)
    start = time.perf_counter()
    import lewm_core.inference  # noqa: F401

    imported = time.perf_counter()
    synthesiser = load_synthesiser(arguments)
    loaded = time.perf_counter()
    answer = {
        "machine": describe_machine(arguments.threads or 1),
        "checkpoint": synthesiser.info.path.name,
        "vocoder": synthesiser.vocoder_name,
        "import_seconds": round(imported - start, 3),
        "load_seconds": round(loaded - imported, 3),
        "runs": arguments.runs,
        "sentences": measure_sentences(synthesiser, arguments.runs),
        "first_chunk_seconds": measure_first_chunk(synthesiser, arguments.runs),
        "batches": measure_batches(synthesiser),
        "peak_memory_mb": peak_memory_mb(),
    }
    if arguments.json:
        print_json(answer)
    else:
        _print_table(answer)
    return 0


def measure_window(as_json: bool) -> int:
    """Let the window measure itself in a process of its own: this package knows no Qt."""
    command = [sys.executable, "-m", "app.ui_bench", *(["--json"] if as_json else [])]
    return subprocess.run(command, check=False).returncode


def measure_sentences(synthesiser: Synthesiser, runs: int) -> list[dict[str, Any]]:
    """Median seconds by stage and real-time factor (time spent / time spoken) for each sentence."""
    measured = []
    for language, sentences in SENTENCES.items():
        names = [who.name for who in synthesiser.info.speakers if who.language.split("-")[0] == language]
        measured += [measure_sentence(synthesiser, text, names[0], runs) for text in sentences if names]
    if not measured:
        raise InputError("The checkpoint has neither an English nor a Hindi speaker to measure with.")
    return measured


def measure_sentence(synthesiser: Synthesiser, text: str, speaker: str, runs: int) -> dict[str, Any]:
    """One sentence, once to warm up, then ``runs`` times."""
    from lewm_core.inference import SynthesisRequest, finish

    request = SynthesisRequest(text=text, speaker=speaker)
    finish(synthesiser.synthesise(request))
    results = [finish(synthesiser.synthesise(request)) for _ in range(runs)]
    seconds = len(results[0].wave) / results[0].sample_rate
    stages = {stage: statistics.median(result.timings[stage] for result in results) for stage in STAGES}
    total = statistics.median(sum(result.timings.values()) for result in results)
    return {
        "text": text,
        "speaker": speaker,
        "seconds": round(seconds, 3),
        "stage_seconds": {stage: round(value, 4) for stage, value in stages.items()},
        "total_seconds": round(total, 4),
        "real_time_factor": round(total / seconds, 4) if seconds else None,
        "stop_reason": results[0].stop_reason,
    }


def measure_first_chunk(synthesiser: Synthesiser, runs: int) -> float:
    """Median seconds from a request to the first chunk that can be played, on a warm engine."""
    from lewm_core.inference import SynthesisRequest

    speaker = synthesiser.info.speakers[0]
    text = SENTENCES["hi" if speaker.language == "hi" else "en"][-1]
    waited = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        stream = synthesiser.stream(SynthesisRequest(text=text, speaker=speaker.name))
        next(stream)
        waited.append(time.perf_counter() - start)
        stream.close()
    return round(statistics.median(waited[1:]), 4)


def measure_batches(synthesiser: Synthesiser) -> dict[str, float]:
    """Processor seconds of text and predictor a second of speech, so many texts at once (one thread)."""
    from lewm_core.graph_engine import speak_all
    from lewm_core.sampling import SamplingSettings

    speaker = synthesiser.info.speakers[0]
    shares, _ = synthesiser.shares(speaker.name)
    texts = SENTENCES["hi" if speaker.language == "hi" else "en"]
    read = [synthesiser.reading(text, speaker.language) for text in texts]
    jobs = [(read[n % len(read)], shares, SamplingSettings(seed=n)) for n in range(max(BATCHES))]
    latents_per_second = synthesiser.info.mel.frame_rate / synthesiser.config.downsample_factor
    factors: dict[str, float] = {}
    for rows in (1, *BATCHES):  # the first is to warm up
        start = time.thread_time()
        steps = sum(len(run.latents) for _, run in speak_all(synthesiser.voice, jobs, rows))
        spent = time.thread_time() - start
        factors[str(rows)] = round(
            spent * latents_per_second / (steps * synthesiser.config.latents_per_step), 5
        )
    return factors


def peak_memory_mb() -> float | None:
    """The most memory that this process has held; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def describe_machine(threads: int) -> dict[str, Any]:
    """What the figures depend on."""
    from importlib.metadata import version

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _print_table(answer: dict[str, Any]) -> None:
    machine = answer["machine"]
    print(
        "{processor}, {cores} cores, {threads} threads, onnxruntime {onnxruntime}, load {load_average}".format(
            **machine
        )
    )
    print("import {import_seconds:.2f} s, load {load_seconds:.2f} s; medians of {runs} runs".format(**answer))
    print(
        "first chunk {first_chunk_seconds:.3f} s, peak memory {peak_memory_mb} MB; text and predictor, ".format(
            **answer
        )
        + ", ".join(f"{rows} at once: {factor}" for rows, factor in answer["batches"].items())
    )
    print(f"{'speech':>8} {'total':>8} {'RTF':>7}  " + " ".join(f"{stage:>9}" for stage in STAGES) + "  text")
    for line in answer["sentences"]:
        stages = " ".join(f"{line['stage_seconds'][stage] * 1000:6.0f} ms" for stage in STAGES)
        factor = "      -" if line["real_time_factor"] is None else f"{line['real_time_factor']:7.3f}"
        print(
            f"{line['seconds']:6.2f} s {line['total_seconds']:6.2f} s {factor}  {stages}  {line['text'][:40]}"
        )
