"""A made-up training run, so that checkpoints can be compared over time before anyone has trained one.

Each checkpoint is the given voice with formants that are blurred by a known amount, less from one to the next; the
last is the voice itself. Blurring needs no training: the mel decoder ends in a linear layer whose rows are the bands
of the mel, so that smoothing its rows smooths every mel that it makes. The run shows what the studio shows of a run;
it says nothing about how training goes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np

from lewm_core.analysis.formant_blur import smooth_along_frequency
from lewm_core.analysis.run_folder import CHECKPOINTS
from lewm_core.checkpoint import HEADER_KEY, CheckpointError, is_whole, read_header
from lewm_core.files import write_atomically
from lewm_core.progress import Progress, never

BLUR = (8.0, 4.0, 2.0, 1.0, 0.0)
"""Gaussian sigma of the smoothing along frequency, in mel bands, checkpoint by checkpoint."""
LAST_LAYER = ("mel_decoder.project_out.weight", "mel_decoder.project_out.bias")
DESCRIPTION = "Made up: the embedded voice, its mels smoothed along frequency by {sigma:g} bands."


def write_example_run(
    folder: Path | str, checkpoint: Path | str, cancelled: Callable[[], bool] = never
) -> Generator[Progress, None, Path]:
    """Write the checkpoints of a made-up run into ``folder``/checkpoints; those that are there already are kept.

    Args:
        checkpoint: a safetensors voice; the run ends with its weights and at its step.

    Returns:
        ``folder``, complete unless it was cancelled.

    Raises:
        CheckpointError: ``checkpoint`` is none of ours.
        WriteError: a file cannot be written.
    """
    from safetensors.numpy import load_file, save

    folder, checkpoint = Path(folder), Path(checkpoint)
    header = read_header(checkpoint)
    last = int(header["step"])
    weights: dict[str, np.ndarray] = {}
    for number, sigma in enumerate(BLUR):
        step = round(last * (number + 1) / len(BLUR))
        path = folder / CHECKPOINTS / f"example-{step:06d}.safetensors"
        yield Progress(number / len(BLUR), f"Writing {path.name}")
        if cancelled():
            break
        if _is_there(path):
            continue
        weights = weights or load_file(checkpoint)
        described = header | {"step": step, "losses": {}, "description": DESCRIPTION.format(sigma=sigma)}
        tensors = weights | smoothed_last_layer(weights, sigma)
        write_atomically(path, save(tensors, {HEADER_KEY: json.dumps(described, ensure_ascii=False)}))
    return folder


def smoothed_last_layer(weights: dict[str, np.ndarray], sigma: float) -> dict[str, np.ndarray]:
    """The decoder's last layer, (bands, ...) each, smoothed over its bands by a Gaussian of ``sigma`` bands.

    What the decoder then makes is what ``smooth_along_frequency`` makes of its mels.
    """
    smoothed = {}
    for name in LAST_LAYER:
        value = weights[name]
        rows = smooth_along_frequency(value.reshape(len(value), -1).astype(np.float32), sigma)
        smoothed[name] = np.ascontiguousarray(rows.reshape(value.shape).astype(value.dtype))
    return smoothed


def _is_there(path: Path) -> bool:
    try:
        return path.exists() and is_whole(path)
    except CheckpointError:
        return False
