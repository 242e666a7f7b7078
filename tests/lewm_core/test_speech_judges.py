"""Judges of speech: errors are counted as by hand, and a missing library or a wrong file is named."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.speech_judges import (
    CleannessJudge,
    JudgeError,
    WordJudge,
    bare_words,
    character_error,
    compare_words,
    edits,
    word_error,
)

WORDS = st.lists(st.sampled_from("abc"), max_size=7)


@given(WORDS, WORDS, WORDS)
@settings(deadline=None)
def test_edits_are_a_distance(a: list[str], b: list[str], c: list[str]) -> None:
    assert edits(a, a) == 0
    assert edits(a, b) == edits(b, a)
    assert edits(a, c) <= edits(a, b) + edits(b, c)
    assert abs(len(a) - len(b)) <= edits(a, b) <= max(len(a), len(b))
    assert (edits(a, b) == 0) == (a == b)


def test_edits_of_known_pairs() -> None:
    assert edits("kitten", "sitting") == 3
    assert edits("the cat sat".split(), "the cat sat down".split()) == 1
    assert edits([], "ab") == 2


def test_what_is_not_heard_does_not_count() -> None:
    heard = compare_words("Dr. Smith paid $3.", "doctor smith paid three dollars", "en-US")
    assert heard.word_edits == 0
    assert bare_words("Nice – isn’t it?", "en-GB") == ["nice", "isn't", "it"]
    assert bare_words("नमस्ते, दुनिया।", "hi") == ["नमस्ते", "दुनिया"]


def test_errors_weigh_sentences_by_their_length() -> None:
    nine = "one two three four five six seven eight nine"
    right = compare_words(nine, nine, "en-US")
    wrong = compare_words("ten", "", "en-US")
    assert word_error([right, wrong]) == pytest.approx(0.1)
    assert character_error([wrong]) == 1.0
    assert word_error([]) is None


@pytest.mark.parametrize(
    ("judge", "library"), [(WordJudge, "faster_whisper"), (CleannessJudge, "onnxruntime")]
)
def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judge: Any, library: str
) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == library:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(JudgeError, match=r"lewm-studio\[eval\]"):
        judge(tmp_path / "model")


def test_a_folder_that_is_no_whisper_is_named(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    with pytest.raises(JudgeError, match=r"lacks model\.bin"):
        WordJudge(tmp_path)
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(JudgeError, match="cannot be loaded"):
        WordJudge(tmp_path)


def test_a_file_that_is_no_dnsmos_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(JudgeError, match="does not exist"):
        CleannessJudge(tmp_path / "sig_bak_ovr.onnx")
    (tmp_path / "other.onnx").write_bytes(b"no network")
    with pytest.raises(JudgeError, match="cannot be loaded"):
        CleannessJudge(tmp_path / "other.onnx")


class _Network:
    """Stands in for the ONNX session: its three outputs are the mean, the first sample and 2."""

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []

    def run(self, _: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        (window,) = inputs.values()
        self.heard.append(window)
        return [np.array([[window.max(), 3.0, 2.0]])]


@pytest.mark.parametrize(("seconds", "windows"), [(0.5, 1), (9.01, 1), (12.5, 4)])
def test_dnsmos_hears_windows_of_nine_seconds_at_one_level(seconds: float, windows: int) -> None:
    judge = CleannessJudge.__new__(CleannessJudge)
    judge._session, judge._input = _Network(), "wave"
    wave = 0.01 * np.sin(np.arange(int(seconds * 24_000)) * 0.05)
    scores = judge.rate(wave, 24_000)
    assert len(judge._session.heard) == windows
    assert {window.shape for window in judge._session.heard} == {(1, 144_160)}
    assert scores["signal"] == pytest.approx(
        np.polyval((-0.08397278, 1.22083953, 0.0052439), 0.8), abs=0.05
    )  # resampling overshoots
    assert scores["overall"] == pytest.approx(-0.06766283 * 4 + 1.11546468 * 2 + 0.04602535)
    assert judge.rate(np.zeros(0), 24_000)["overall"] == 1.0
