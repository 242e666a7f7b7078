"""Predicted mels of a data folder: complete, as long as the recordings, independent of their batch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lewm_core import predicted_mels
from lewm_core.dataset import DataError
from lewm_core.predicted_mels import PredictedMels, predict_mels
from tests.lewm_core.tiny import SPEAKERS, tiny_checkpoint

PHONEMES = ("jˈɛs.", "nəmˈʌsteː", "həlˈəʊ ðˈɛə.")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six utterances of smooth random mels by three speakers."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split in ("train", "dev"):
        lines, mels, offset = [], [], 0
        for number in range(6):
            speaker, frames = SPEAKERS[number % 3], 61 + 7 * number
            mels.append((rng.normal(0, 1, (frames, 100)).cumsum(0) / 4 - 6).astype(np.float16))
            lines.append(json.dumps({
                "text": "a", "phonemes": PHONEMES[number % 3], "speaker": speaker.name, "language": speaker.language,
                "offset": offset, "frames": frames, "audio": f"{speaker.name}/{number}.wav",
            }))  # fmt: skip
            offset += frames
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf8")
        np.concatenate(mels).tofile(folder / f"{split}.f16")
    return folder


def test_every_recording_gets_its_mel_whatever_its_batch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tmp_path / "voice.safetensors"
    tiny_checkpoint(checkpoint)
    *_, together = predict_mels(checkpoint, data, tmp_path / "together")
    assert together == 1.0
    monkeypatch.setattr(predicted_mels, "FRAMES_A_BATCH", 1)
    list(predict_mels(checkpoint, data, tmp_path / "single"))
    first, second = (PredictedMels.open(tmp_path / name) for name in ("together", "single"))
    assert set(first.places) == set(second.places) == {f"{number}.wav" for number in range(6)}
    for number in range(6):
        name = f"{number}.wav"
        (a, frames), (b, other) = first.places[name], second.places[name]
        assert frames == other == 61 + 7 * number
        np.testing.assert_allclose(
            first.mels[a : a + frames].astype(np.float32), second.mels[b : b + frames].astype(np.float32), atol=0.02
        )
    assert len(first.mels) == sum(frames for _, frames in first.places.values())


def test_other_speakers_and_missing_mels_are_named(data: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "voice.safetensors"
    tiny_checkpoint(checkpoint)
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    lines = (data / "train.jsonl").read_text(encoding="utf8").splitlines()
    (fewer / "train.jsonl").write_text("\n".join(lines[:2]), encoding="utf8")
    (fewer / "train.f16").write_bytes((data / "train.f16").read_bytes())
    with pytest.raises(DataError, match="other speakers"):
        list(predict_mels(checkpoint, fewer, tmp_path / "out"))
    with pytest.raises(DataError, match="no predicted mels"):
        PredictedMels.open(tmp_path / "out")
