"""Draw what benchmarks/peers.py measured: python -m benchmarks.chart PEERS.json OUT.svg

The median real-time factor in processor time, on a logarithmic axis: further left is faster. The colours are
read on white and on black; the background is left open.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

OWN, OTHERS, INK = "#e8762d", "#7f8fa6", "#808080"
NAMES = {"lewm": "LeWM", "kokoro": "Kokoro 82M, int8", "piper": "Piper medium", "pocket-tts": "pocket-tts"}


def chart(answer: dict[str, Any]) -> Figure:
    """The figure; the fastest voice on top."""
    voices = sorted(answer["voices"].items(), key=lambda item: -item[1]["processor_median"])
    factors = [figures["processor_median"] for _, figures in voices]
    figure = Figure(figsize=(7.2, 0.55 * len(voices) + 1.1), layout="constrained")
    axes = figure.add_subplot()
    # Dots, not bars: a logarithmic axis has no zero for a bar to stand on.
    colours = [OWN if name == "lewm" else OTHERS for name, _ in voices]
    axes.scatter(factors, [NAMES.get(name, name) for name, _ in voices], s=110, c=colours, zorder=3)
    axes.set_facecolor("none")
    axes.set_xscale("log")
    axes.set_xlim(min(factors) / 2.5, max(factors) * 2.2)
    for row, factor in enumerate(factors):
        axes.text(factor, row + 0.16, f"{factor:.3g}", ha="center", color=INK, fontsize=10)
    machine = answer["machine"]
    axes.set_xlabel("processor seconds a second of speech (logarithmic)", color=INK)
    axes.set_title(
        f"{machine['processor']}, threads a voice: {machine['threads']}, median of {answer['rounds']} sentences",
        loc="left", fontsize=9, color=INK,
    )  # fmt: skip
    axes.tick_params(colors=INK, which="both", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    axes.grid(color=INK, alpha=0.25)
    axes.set_ylim(-0.5, len(voices) - 0.5)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measured", type=Path, metavar="PEERS.json")
    parser.add_argument("out", type=Path, metavar="OUT.svg")
    arguments = parser.parse_args()
    mpl.rcParams["svg.hashsalt"] = "lewm"  # the same figures give the same file
    answer = json.loads(arguments.measured.read_text(encoding="utf-8"))
    chart(answer).savefig(arguments.out, transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    main()
