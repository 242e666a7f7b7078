"""How well a checkpoint speaks held-out sentences, in numbers: where it loses quality, and whether it drifts.

Every figure is defined in docs/training.md, "What evaluate measures".

m mel bands   t mel frames   n latents   d latent dimensions   k steps   u text units
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lewm_core.analysis.attention import attention_figures
from lewm_core.dataset import DataError, MelStore, Utterance
from lewm_core.inference import mel_l1
from lewm_core.model.lewm import Generated, LeWM, SamplingSettings
from lewm_core.model.text_batch import TextBatch
from lewm_core.progress import Progress, never
from lewm_core.speech_judges import Heard, character_error, word_error

if TYPE_CHECKING:
    from lewm_core.speech_judges import CleannessJudge, WordJudge
    from lewm_core.vocoder import Vocoder

POSITIONS = 10
"""Parts of a sentence, from its beginning to its end, for which drift is told apart."""
LENGTH_TOLERANCE = 0.25
"""A free run that is this share shorter or longer than the recording stopped too early or too late."""
PANES = ("vocoded", "reconstruction", "teacher_forced", "autoregressive")


@dataclass(frozen=True)
class Judges:
    """Who listens, besides the mels' own figures.

    Attributes:
        vocoder: makes mels audible.  words, cleanness: None where nobody judges that.
    """

    vocoder: Vocoder
    words: WordJudge | None = None
    cleanness: CleannessJudge | None = None


@dataclass(frozen=True)
class SentenceScore:
    """Figures of one held-out sentence.

    Attributes:
        reconstruction_l1, teacher_forced_l1: mel L1 to the recording, nats.
        length_ratio: free-running length over the recording's.
        stop_reason: why the free run ended.
        energy_gap: mean log-mel of the free run minus the recording's, nats (one value a part).
        energy_to_teacher_forced: mean amplitude of the free run's mel over that of the teacher-forced one.
        latent_std_ratio: latent spread of the free run over the recording's (one value a part).
        attention_focus: mean over steps of the largest cross-attention weight of the sharpest head, 0 to 1.
        attention_monotonic: share of steps in which that head's centre does not move back.
        heard: what an ASR understood, by pane.  clean: DNSMOS by pane.
    """

    speaker: str
    text: str
    reconstruction_l1: float
    teacher_forced_l1: float | None
    length_ratio: float
    stop_reason: str
    energy_gap: tuple[float, ...]
    energy_to_teacher_forced: float | None
    latent_std_ratio: tuple[float, ...]
    attention_focus: float
    attention_monotonic: float
    heard: dict[str, Heard] = field(default_factory=dict)
    clean: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def stop(self) -> str:
        """ "never" without the stop head, else "early", "late" or "in time" by the length ratio."""
        if self.stop_reason != "stop_head":
            return "never"
        if self.length_ratio < 1 - LENGTH_TOLERANCE:
            return "early"
        return "late" if self.length_ratio > 1 + LENGTH_TOLERANCE else "in time"


@dataclass(frozen=True)
class LatentSpread:
    """The recordings' latents: ``mean`` and ``std`` over time of each dimension, (d,), in the decoder's space.

    ``active`` counts the dimensions that the predictor uses.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    active: int


@dataclass(frozen=True)
class Evaluation:
    """All sentences, and their means."""

    sentences: tuple[SentenceScore, ...]
    latents: LatentSpread

    def summary(self) -> dict[str, Any]:
        """Means over sentences; shares of sentences for the stops; ratios of sums for word and character errors."""
        scores = self.sentences
        forced = [s.teacher_forced_l1 for s in scores if s.teacher_forced_l1 is not None]
        to_forced = [s.energy_to_teacher_forced for s in scores if s.energy_to_teacher_forced is not None]
        stops = [s.stop for s in scores]
        spread = np.array(self.latents.std)
        return {
            "sentences": len(scores),
            "reconstruction_l1": float(np.mean([s.reconstruction_l1 for s in scores])),
            "teacher_forced_l1": float(np.mean(forced)) if forced else None,
            "length_ratio": float(np.mean([s.length_ratio for s in scores])),
            "stopped": float(np.mean([stop != "never" for stop in stops])),
            "stopped_early": float(np.mean([stop == "early" for stop in stops])),
            "stopped_late": float(np.mean([stop == "late" for stop in stops])),
            "stopped_never": float(np.mean([stop == "never" for stop in stops])),
            "energy_gap": np.mean([s.energy_gap for s in scores], axis=0).round(4).tolist(),
            "energy_gap_to_teacher_forced": float(np.mean(to_forced)) - 1 if to_forced else None,
            "latent_std_ratio": np.mean([s.latent_std_ratio for s in scores], axis=0).round(4).tolist(),
            "latents_active": self.latents.active,
            "latent_mean_largest": float(np.abs(self.latents.mean).max()),
            "latent_std_mean": float(spread.mean()),
            "latent_std_range": [float(spread.min()), float(spread.max())],
            "attention_focus": float(np.mean([s.attention_focus for s in scores])),
            "attention_monotonic": float(np.mean([s.attention_monotonic for s in scores])),
            **self._judged(),
        }

    def _judged(self) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        for pane in PANES:
            heard = [s.heard[pane] for s in self.sentences if pane in s.heard]
            if heard:
                figures[f"word_error_{pane}"] = word_error(heard)
                figures[f"character_error_{pane}"] = character_error(heard)
            clean = [s.clean[pane] for s in self.sentences if pane in s.clean]
            for name in clean[0] if clean else ():
                figures[f"dnsmos_{name}_{pane}"] = float(np.mean([scores[name] for scores in clean]))
        return figures

    def as_json(self) -> dict[str, Any]:
        """Summary and sentences as JSON-able data."""
        return {
            "summary": self.summary(),
            "latents": asdict(self.latents),
            "sentences": [{**asdict(score), "stop": score.stop} for score in self.sentences],
        }


def evaluate(
    model: LeWM, speakers: list[str], data: Path, split: str = "dev", limit: int | None = None,
    judges: Judges | None = None, cancelled: Callable[[], bool] = never,
) -> Generator[Progress, None, Evaluation]:  # fmt: skip
    """Score a model on a data folder made by ``lewm preprocess``.

    Args:
        speakers: names in the order of the checkpoint.
        limit: at most so many sentences, evenly chosen.
        judges: who listens; None: nobody.

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
    scores, latents = [], []
    for number, index in enumerate(known):
        if cancelled():
            break
        row = store.utterances[index]
        yield Progress(number / len(known), f"{row.speaker}, sentence {number + 1} of {len(known)}")
        mel = np.ascontiguousarray(store.mel(index).T)
        score, encoded = score_sentence(model, row, mel, speakers.index(row.speaker), judges)
        scores.append(score)
        latents.append(encoded)
    yield Progress(1.0, "Done")
    return Evaluation(tuple(scores), latent_spread(model, latents))


def latent_spread(model: LeWM, latents: Iterable[np.ndarray]) -> LatentSpread:
    """Describe encoded clips, (n, d) each."""
    everything = np.concatenate([*latents, np.zeros((0, model.config.latent_dim), np.float32)])
    active = int(model.predictor.active.sum())
    if not len(everything):
        return LatentSpread((), (), active)
    return LatentSpread(tuple(everything.mean(0).tolist()), tuple(everything.std(0).tolist()), active)


@torch.inference_mode()
def score_sentence(
    model: LeWM, row: Utterance, mel: np.ndarray, speaker: int, judges: Judges | None = None
) -> tuple[SentenceScore, np.ndarray]:
    """Score one sentence against its recording's log-mel (m, t); also return the recording's latents (n, d)."""
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
    mels = {"vocoded": mel, "reconstruction": rebuilt, "teacher_forced": forced, "autoregressive": spoken}
    heard, clean = _judge(row, mels, judges)
    score = SentenceScore(
        speaker=row.speaker,
        text=row.text,
        reconstruction_l1=mel_l1(rebuilt, mel) or 0.0,
        teacher_forced_l1=None if forced is None else mel_l1(forced, mel),
        length_ratio=spoken.shape[1] / mel.shape[1],
        stop_reason=free.stop_reason,
        energy_gap=tuple(a - b for a, b in zip(by_position(spoken.T), by_position(mel.T), strict=True)),
        energy_to_teacher_forced=None
        if forced is None
        else float(np.exp(spoken).mean() / np.exp(forced).mean()),
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
        heard=heard,
        clean=clean,
    )
    return score, latents[0].numpy()


def _judge(
    row: Utterance, mels: dict[str, np.ndarray | None], judges: Judges | None
) -> tuple[dict[str, Heard], dict[str, dict[str, float]]]:
    """Let every pane be heard."""
    heard: dict[str, Heard] = {}
    clean: dict[str, dict[str, float]] = {}
    for pane, mel in mels.items():
        if judges is None or mel is None:
            continue
        wave, rate = judges.vocoder.decode(mel), judges.vocoder.sample_rate
        if judges.words is not None and judges.words.understands(row.language):
            heard[pane] = judges.words.hear(wave, rate, row.text, row.language)
        if judges.cleanness is not None:
            clean[pane] = judges.cleanness.rate(wave, rate)
    return heard, clean


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
