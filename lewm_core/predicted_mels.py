"""Free-running mels of a whole data folder, laid out along the true durations: what a vocoder will really hear.

A vocoder trained on true mels alone has never met a predicted one, which is smoother. These mels keep the
recording's time axis (the aligner's durations instead of predicted ones), so each has its true wave beside it,
as in the fine-tuning of HiFi-GAN (arXiv 2010.05646, section 3.4).

b batch   t mel frames   m mel bands
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lewm_core.checkpoint import load_checkpoint
from lewm_core.dataset import DataError, MelStore, length_buckets
from lewm_core.files import write_atomically
from lewm_core.train_predictor import PredictorSettings, PredictorStage
from lewm_core.untrusted import is_like, read_json

FRAMES_A_BATCH = 8000


@dataclass(frozen=True)
class PredictedMels:
    """Log-mels one after another, (frames, m) float16; ``places`` is (first frame, frames) by audio file name."""

    mels: np.ndarray
    places: dict[str, tuple[int, int]]

    @classmethod
    def open(cls, folder: Path, n_mels: int = 100) -> PredictedMels:
        """Map what `predict_mels` wrote.

        Raises:
            DataError: it is missing or damaged.
        """
        try:
            places = read_json(folder / "predicted.json", 2**30)
            mels = np.memmap(folder / "predicted.f16", np.float16, "r").reshape(-1, n_mels)
            if not isinstance(places, dict) or not all(_is_place(place, len(mels)) for place in places.values()):
                raise ValueError("predicted.json is damaged, or of other mels")
        except (OSError, ValueError) as error:
            raise DataError(f"{folder} holds no predicted mels: {error}. Make them again.") from error
        return cls(mels, {name: (first, frames) for name, (first, frames) in places.items()})


def _is_place(value: Any, frames: int) -> bool:
    """Whether a value is (first frame, frames) within so many frames."""
    if not isinstance(value, list) or len(value) != 2 or not all(is_like(number, 0) for number in value):
        return False
    return value[0] >= 0 and value[1] >= 0 and value[0] + value[1] <= frames


def predict_mels(checkpoint: Path, data: Path, folder: Path) -> Iterator[float]:
    """Write ``folder``/predicted.f16 and predicted.json for the training split of ``data``; yields the share done.

    Utterances whose text does not fit their clip are left out.

    Raises:
        DataError: ``data`` is no data folder, or its speakers are not those of the checkpoint.
        CheckpointError: the checkpoint cannot be read.
    """
    model, info = load_checkpoint(checkpoint)
    store = MelStore(data, "train")
    if store.speakers() != info.speakers:
        raise DataError(f"{data} has other speakers than {checkpoint}; predict with a voice that was trained on it")
    stage = PredictorStage(model, data, folder / "aligned", PredictorSettings())
    factor, r = model.config.downsample_factor, model.config.latents_per_step
    sizes = [store.utterances[i].frames for i in stage.usable]
    batches = length_buckets(sizes, FRAMES_A_BATCH, np.random.default_rng(0))
    places: dict[str, tuple[int, int]] = {}
    first = 0
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "predicted.f16").open("wb") as file, torch.inference_mode():
        for number, rows in enumerate(batches):
            indices = [stage.usable[row] for row in rows]
            batch = stage.training_batch(indices)
            memory, mask = model.encode_text(batch.text, batch.speaker)
            steps = batch.latents.shape[1] // r
            plan = model.plan(memory, mask, batch.durations, steps)
            latents = model.free_run(plan, batch.speaker, steps)
            for row, index in enumerate(indices):
                utterance = store.utterances[index]
                count = -(-utterance.frames // factor)
                mel = model.mel_decoder(model.denormalise(latents[row : row + 1, :count]))[0, :, : utterance.frames]
                file.write(mel.T.contiguous().to(torch.float16).numpy().tobytes())
                places[Path(utterance.audio).name] = (first, utterance.frames)
                first += utterance.frames
            yield (number + 1) / len(batches)
    write_atomically(folder / "predicted.json", json.dumps(places).encode())
