"""From a list of recordings to a data folder: mels as written, bad recordings reported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lewm_core.dataset import DataError, MelStore
from lewm_core.mel import load_audio, log_mel
from lewm_core.preprocess import preprocess, read_list
from lewm_core.resources_path import resource


def listed(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "list.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf8")
    return path


def test_good_recordings_are_kept_and_bad_ones_named(tmp_path: Path) -> None:
    clips = json.loads(resource("clips", "clips.json").read_text(encoding="utf8"))[:2]
    rows = [
        {"audio": clip["file"], "text": clip["text"], "speaker": clip["speaker"], "language": clip["language"]}
        for clip in clips
    ]
    rows += [{**rows[0], "audio": "missing.wav"}, {**rows[1], "text": "?!"}]
    recordings = read_list(listed(tmp_path, rows), resource("clips"), {})
    seen: list[int] = []
    report = preprocess(recordings, tmp_path / "data", "train", 1, lambda done, total: seen.append(done))
    assert report.utterances == 2
    assert report.rejected[0][0].endswith("missing.wav")
    assert len(report.rejected) == 2
    assert seen == [1, 2, 3, 4]
    store = MelStore(tmp_path / "data", "train")
    for index, row in enumerate(rows[:2]):
        expected = log_mel(load_audio(resource("clips", row["audio"]))).T
        assert np.abs(store.mel(index) - expected).max() < 0.01  # kept as float16
        assert store.utterances[index].phonemes


def test_a_speakers_language_can_be_told(tmp_path: Path) -> None:
    path = listed(tmp_path, [{"audio": "a.wav", "text": "Hi.", "speaker": "emma", "language": "en"}])
    assert read_list(path, None, {})[0].language == "en-US"
    assert read_list(path, None, {"emma": "en-GB"})[0].language == "en-GB"


def test_lists_that_cannot_be_used_are_refused_with_the_line(tmp_path: Path) -> None:
    path = listed(tmp_path, [{"audio": "a.wav", "text": "Hi.", "speaker": "emma"}])
    with pytest.raises(DataError, match="line 1"):
        read_list(path, None, {})
    with pytest.raises(DataError, match="does not exist"):
        read_list(tmp_path / "none.jsonl", None, {})
    path.write_text("\n", encoding="utf8")
    with pytest.raises(DataError, match="no recordings"):
        read_list(path, None, {})
    path = listed(tmp_path, [{"audio": "a.wav", "text": "Hi.", "speaker": "x", "language": "en"}])
    with pytest.raises(DataError, match="none of 1"):
        preprocess(read_list(path, None, {}), tmp_path / "data", "train", 1)
    assert not list((tmp_path / "data").iterdir())
