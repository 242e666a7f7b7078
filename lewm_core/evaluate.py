"""How well a checkpoint speaks held-out sentences, in numbers: where it loses quality, and whether it drifts.

m mel bands   t mel frames   n latents   k steps   u text units
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lewm_core.analysis.attention import attention_figures
from lewm_core.dataset import DataError, MelStore, Utterance
from lewm_core.inference import Progress, mel_l1, never
from lewm_core.model.lewm import Generated, LeWM, SamplingSettings
from lewm_core.model.text_batch import TextBatch

POSITIONS = 10
"""Parts of a sentence, from its beginning to its end, for which drift is told apart."""


@dataclass(frozen=True)
class SentenceScore:
    """Figures of one held-out sentence.

    Attributes:
        reconstruction_l1, teacher_forced_l1: mel L1 to the recording, nats.
        length_ratio: free-running length over the recording's.
        stop_reason: why the free run ended.
        energy_gap: mean log-mel of the free run minus the recording's, nats (one value a part).
        latent_std_ratio: latent spread of the free run over the recording's (one value a part).
        attention_focus: mean over steps of the largest cross-attention weight of the sharpest head, 0 to 1.
        attention_monotonic: share of steps in which that head's centre does not move back.
    """

    speaker: str
    text: str
    reconstruction_l1: float
    teacher_forced_l1: float | None
    length_ratio: float
    stop_reason: str
    energy_gap: tuple[float, ...]
    latent_std_ratio: tuple[float, ...]
    attention_focus: float
    attention_monotonic: float


@dataclass(frozen=True)
class Evaluation:
    """All sentences, and their means."""

    sentences: tuple[SentenceScore, ...]

    def summary(self) -> dict[str, Any]:
        """Means over sentences; "stopped" is the share that the stop head ended."""
        forced = [s.teacher_forced_l1 for s in self.sentences if s.teacher_forced_l1 is not None]
        return {
            "sentences": len(self.sentences),
            "reconstruction_l1": float(np.mean([s.reconstruction_l1 for s in self.sentences])),
            "teacher_forced_l1": float(np.mean(forced)) if forced else None,
            "length_ratio": float(np.mean([s.length_ratio for s in self.sentences])),
            "stopped": float(np.mean([s.stop_reason == "stop_head" for s in self.sentences])),
            "energy_gap": np.mean([s.energy_gap for s in self.sentences], axis=0).round(4).tolist(),
            "latent_std_ratio": np.mean([s.latent_std_ratio for s in self.sentences], axis=0)
            .round(4)
            .tolist(),
            "attention_focus": float(np.mean([s.attention_focus for s in self.sentences])),
            "attention_monotonic": float(np.mean([s.attention_monotonic for s in self.sentences])),
        }

    def as_json(self) -> dict[str, Any]:
        """Summary and sentences as JSON-able data."""
        return {"summary": self.summary(), "sentences": [asdict(s) for s in self.sentences]}


def evaluate(
    model: LeWM, speakers: list[str], data: Path, split: str = "dev", limit: int | None = None,
    cancelled: Callable[[], bool] = never,
) -> Generator[Progress, None, Evaluation]:  # fmt: skip
    """Score a model on a data folder made by ``lewm preprocess``.

    Args:
        speakers: names in the order of the checkpoint.
        limit: at most so many sentences, evenly chosen.

    Raises:
        DataError: the folder is unusable, or holds no sentence of a speaker of the checkpoint.
    """
    store = MelStore(data, split)
    known = [i for i, row in enumerate(store.utterances) if row.speaker in speakers]
    if not known:
        raise DataError(
            f"{data} holds no {split} sentence of the checkpoint's speakers ({', '.join(speakers)})"
        )
    if limit is not None and limit < len(known):
        known = [known[i] for i in np.linspace(0, len(known) - 1, limit).round().astype(int)]
    scores = []
    for number, index in enumerate(known):
        if cancelled():
            break
        row = store.utterances[index]
        yield Progress(number / len(known), f"{row.speaker}, sentence {number + 1} of {len(known)}")
        scores.append(score_sentence(model, row, store.mel(index).T.copy(), speakers.index(row.speaker)))
    yield Progress(1.0, "Done")
    return Evaluation(tuple(scores))


@torch.inference_mode()
def score_sentence(model: LeWM, row: Utterance, mel: np.ndarray, speaker: int) -> SentenceScore:
    """Score one sentence against its recording's log-mel (m, t)."""
    truth = torch.from_numpy(mel).unsqueeze(0)
    text, who = TextBatch.of([model.reads(row.text, row.phonemes)]), torch.tensor([speaker])
    latents = model.encode(truth)
    rebuilt = model.mel_decoder(latents)[0].numpy()[:, : mel.shape[1]]
    try:
        forced = model.mel_decoder(model.teacher_forced(text, who, truth)[0])[0].numpy()[:, : mel.shape[1]]
    except ValueError:  # the transcript does not fit the clip
        forced = None
    free = _free_run(model, text, who)
    spoken = model.mel_decoder(free.latents.unsqueeze(0))[0].numpy()
    focus, monotonic = attention_path(free.attention)
    return SentenceScore(
        speaker=row.speaker,
        text=row.text,
        reconstruction_l1=mel_l1(rebuilt, mel) or 0.0,
        teacher_forced_l1=None if forced is None else mel_l1(forced, mel),
        length_ratio=spoken.shape[1] / mel.shape[1],
        stop_reason=free.stop_reason,
        energy_gap=tuple(a - b for a, b in zip(by_position(spoken.T), by_position(mel.T), strict=True)),
        latent_std_ratio=tuple(
            a / max(b, 1e-6)
            for a, b in zip(
                by_position(free.latents.numpy(), np.std),
                by_position(latents[0].numpy(), np.std),
                strict=True,
            )
        ),
        attention_focus=focus,
        attention_monotonic=monotonic,
    )


def _free_run(model: LeWM, text: TextBatch, speaker: torch.Tensor) -> Generated:
    run = model.generate(text, speaker, SamplingSettings(need_attention=True))
    while True:
        try:
            next(run)
        except StopIteration as end:
            made: Generated = end.value
            return made


def by_position(values: np.ndarray, figure: Callable[[np.ndarray], Any] = np.mean) -> list[float]:
    """Apply ``figure`` to each of ``POSITIONS`` equal parts of ``values`` (t, …) along time."""
    edges = np.linspace(0, len(values), POSITIONS + 1)
    parts = [values[int(a) : max(int(b), int(a) + 1)] for a, b in itertools.pairwise(edges)]
    return [float(figure(part)) for part in parts]


def attention_path(attention: torch.Tensor | None) -> tuple[float, float]:
    """Focus and monotonicity of the sharpest head of ``attention`` (layers, h, k, u); see ``analysis.attention``."""
    if attention is None or not attention.shape[2]:
        return 0.0, 1.0
    figures = attention_figures(attention.numpy())
    return float(figures.focus[figures.sharpest]), float(figures.monotonicity[figures.sharpest])
