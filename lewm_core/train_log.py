"""What a training says while it runs: RUN/STAGE.log.jsonl, TensorBoard, and a line on the console.

The JSONL is for machines (the studio watches it), one object a line: {"step", "kind": "train" | "validation",
"time": seconds since 1970, and figures by name}. "train" lines are means over the steps since the line before.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from lewm_core.config import LN_TO_DB, MelConfig
from lewm_core.files import write_atomically
from lewm_core.untrusted import parse_json

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from lewm_core.vocoder import Vocoder


@dataclass(frozen=True)
class Example:
    """One held-out sentence: its name, and log-mels (m, t) by title, the truth first."""

    name: str
    mels: dict[str, np.ndarray]


class TrainLog:
    """Log of one stage of a run, going on behind ``start`` steps."""

    def __init__(self, folder: Path, stage: str, start: int, steps: int, *, show: bool | None = None) -> None:
        """Open the log; lines of steps that a kill has undone are removed.

        Args:
            show: a progress bar (true) or none (false); None: a bar on a terminal, else a line now and then.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._stage, self._steps, self._start = stage, steps, start
        self._began = self._since = time.monotonic()
        path = folder / f"{stage}.log.jsonl"
        forget_after(path, start)
        self._file = path.open("a", encoding="utf8")
        self._sums: dict[str, float] = {}
        self._count = 0
        self._board = _board(folder / "tensorboard" / stage, start)
        self._vocoder: Vocoder | None = None
        self._lines = show is None and not sys.stderr.isatty()
        self._bar = tqdm(
            total=steps, initial=start, desc=stage, unit="step", dynamic_ncols=True, file=sys.stderr,
            disable=not (sys.stderr.isatty() if show is None else show),
        )  # fmt: skip

    def add(self, step: int, losses: dict[str, float], every: int) -> None:
        """Count the losses of a step; all ``every`` steps their means are written."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        self._bar.update(1)
        if step % every and step != self._steps:
            return
        elapsed = max(time.monotonic() - self._since, 1e-9)
        means = {name: value / self._count for name, value in self._sums.items() if name != "audio_seconds"}
        means["audio_seconds_per_second"] = self._sums.get("audio_seconds", 0.0) / elapsed
        means["steps_per_second"] = self._count / elapsed
        self._write(step, "train", means)
        losses_shown = " ".join(
            f"{name} {value:.3g}"
            for name, value in means.items()
            if name in self._sums and name != "learning_rate"
        )
        speed = f"{means['audio_seconds_per_second']:.0f} audio-s/s"
        self._bar.set_postfix_str(f"{losses_shown}, {speed}")
        if self._lines:
            left = (self._steps - step) / means["steps_per_second"]
            self.say(f"{self._stage} {step:,}/{self._steps:,}  {losses_shown}  {speed}  {_spoken(left)} left")
        self._sums, self._count, self._since = {}, 0, time.monotonic()

    def validation(self, step: int, figures: dict[str, float], *, best: str = "") -> None:
        """Write the figures of a validation.

        Args:
            best: name of the figure that is better than ever before, if it is.
        """
        self._write(step, "validation", figures)
        mark = f"  (best {best} so far)" if best else ""
        shown = " ".join(f"{name} {value:.3g}" for name, value in figures.items())
        self.say(f"{self._stage} {step:,}: held-out {shown}{mark}")

    def resume_clock(self) -> None:
        """Begin to measure speed anew: what lies before (a validation, a save) is not training."""
        self._since += time.monotonic() - self._paused

    def pause_clock(self) -> None:
        """Stop measuring speed until ``resume_clock``."""
        self._paused = time.monotonic()

    def examples(self, step: int, examples: Sequence[Example]) -> None:
        """Show the mels of held-out sentences in TensorBoard, and let them be heard."""
        if self._board is None or not examples:
            return
        vocoder = self._load_vocoder()
        for example in examples:
            self._board.add_image(
                f"{self._stage}/{example.name}", draw_mels(example.mels), step, dataformats="HWC"
            )
            for title, mel in example.mels.items():
                if not np.isfinite(mel).all():
                    continue  # the picture shows it; a sample that cannot be heard must not end the training
                self._board.add_audio(
                    f"{self._stage}/{example.name}/{title}",
                    vocoder.decode(mel)[None],
                    step,
                    vocoder.sample_rate,
                )
        self._board.flush()

    def say(self, line: str) -> None:
        """Print a line on standard error, above the progress bar; nothing where neither is wanted."""
        if self._lines or not self._bar.disable:
            self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Close the files."""
        self._bar.close()
        self._file.close()
        if self._board is not None:
            self._board.close()

    def _write(self, step: int, kind: str, figures: dict[str, float]) -> None:
        rounded = {name: _rounded(name, value) for name, value in figures.items()}
        line = {"step": step, "kind": kind, "time": round(time.time()), **rounded}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def _load_vocoder(self) -> Vocoder:
        from lewm_core.vocoder import EMBEDDED, GRIFFIN_LIM, VocoderError, load_vocoder

        if self._vocoder is None:
            try:
                self._vocoder = load_vocoder(EMBEDDED)
            except VocoderError as error:
                self.say(
                    f"Samples are made by Griffin-Lim, since the embedded vocoder cannot be used: {error}"
                )
                self._vocoder = load_vocoder(GRIFFIN_LIM)
        return self._vocoder


def forget_after(path: Path, step: int) -> None:
    """Remove the lines of later steps from a log, and a line that was cut short by a kill."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf8", errors="replace")
    kept = "".join(line + "\n" for line in text.splitlines() if _step_of(line) <= step)
    if kept != text:
        write_atomically(path, kept.encode())


def _rounded(name: str, value: float) -> float | None:
    """JSON knows no NaN, and five decimals are plenty but for a learning rate."""
    if not math.isfinite(value):
        return None
    return value if name == "learning_rate" else round(value, 5)


def _step_of(line: str) -> float:
    try:
        return float(parse_json(line)["step"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return float("inf")


def _board(folder: Path, start: int) -> SummaryWriter | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None  # the log file alone is kept
    return SummaryWriter(str(folder), purge_step=start + 1 if start else None)


def _spoken(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def draw_mels(mels: dict[str, np.ndarray], config: MelConfig | None = None) -> np.ndarray:
    """Draw log-mels (m, t) below each other on one scale, 80 dB below the first one's peak: (h, w, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    config = config or MelConfig()
    peak = float(next(iter(mels.values())).max()) * LN_TO_DB
    figure = Figure(figsize=(9.0, 1.6 * len(mels) + 0.3), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes: Any = figure.subplots(len(mels), 1, sharex=True, squeeze=False)
    for axis, (title, mel) in zip(axes[:, 0], mels.items(), strict=True):
        seconds = mel.shape[1] / config.frame_rate
        axis.imshow(
            mel * LN_TO_DB, origin="lower", aspect="auto", cmap="magma", vmin=peak - 80, vmax=peak,
            extent=(0, seconds, 0, mel.shape[0]), interpolation="nearest",
        )  # fmt: skip
        axis.set_ylabel("mel band", fontsize=8)
        axis.set_title(title, fontsize=9, loc="left")
        axis.tick_params(labelsize=7)
    axes[-1, 0].set_xlabel("seconds", fontsize=8)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
