"""The wavs that the table of docs/voice/card.md is about: python -m benchmarks.voice_wavs LIST.jsonl AUDIO_ROOT OUT

For each kind (recordings, vocoded, reconstruction, teacher_forced, free_run) a folder with wavs and a manifest.jsonl
(wav, text, lang, speaker) that a scorer of speech reads; printed are mel L1 (nats) and what ended the free runs.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lewm_core.inference import Synthesiser, SynthesisRequest, finish
from lewm_core.mel import load_audio, log_mel, write_wav

KINDS = ("recordings", "vocoded", "reconstruction", "teacher_forced", "free_run")


def rows_of(path: Path, language: str, count: int) -> list[dict[str, str]]:
    """An even choice of `count` rows in `language` ("en", "hi") from a list with audio, text, speaker, language."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines() if line.strip()]
    rows = [row for row in rows if row["language"] == language]
    return rows[:: max(1, len(rows) // count)][:count]


def render(
    voice: Synthesiser, wave: np.ndarray, row: dict[str, str], kinds: list[str]
) -> Iterator[tuple[str, np.ndarray, float | None, str]]:
    """(kind, wave, mel L1, stop reason) of each wanted kind for one recording."""
    if "recordings" in kinds:
        yield "recordings", wave, None, ""
    if "vocoded" in kinds:
        yield "vocoded", voice.vocoder.decode(log_mel(wave)), None, ""
    if {"reconstruction", "teacher_forced"} & set(kinds):
        panes = finish(voice.compare(wave, row["text"], row["speaker"])).panes
        for kind in ("reconstruction", "teacher_forced"):
            if kind in kinds:
                yield kind, panes[kind].wave, panes[kind].mel_l1, ""
    if "free_run" in kinds:
        spoken = finish(voice.synthesise(SynthesisRequest(row["text"], row["speaker"])))
        yield "free_run", spoken.wave, None, spoken.stop_reason


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("list", type=Path)
    parser.add_argument("audio_root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--vocoder")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--language", default="en")
    parser.add_argument("--count", type=int, default=24)
    arguments = parser.parse_args()
    voice = Synthesiser.load(arguments.checkpoint, arguments.vocoder)
    manifests: dict[str, list[str]] = defaultdict(list)
    errors: dict[str, list[float]] = defaultdict(list)
    stops: Counter[str] = Counter()
    for row in rows_of(arguments.list, arguments.language, arguments.count):
        wave = load_audio(arguments.audio_root / row["audio"])
        name = Path(row["audio"]).stem + ".wav"
        for kind, sound, l1, stop in render(voice, wave, row, arguments.kinds.split(",")):
            (arguments.out / kind).mkdir(parents=True, exist_ok=True)
            write_wav(arguments.out / kind / name, sound, 24_000)
            line = {"wav": name, "text": row["text"], "lang": arguments.language, "speaker": row["speaker"]}
            manifests[kind].append(json.dumps(line, ensure_ascii=False))
            if l1 is not None:
                errors[kind].append(l1)
            if stop:
                stops[stop] += 1
    for kind, lines in manifests.items():
        (arguments.out / kind / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    for kind, values in errors.items():
        print(f"{kind}: mel L1 {np.mean(values):.3f} over {len(values)}")
    print(f"free runs ended by {dict(stops)}")


if __name__ == "__main__":
    main()
