"""What a listener would say, from models in files: which words are heard (ASR), and how clean it sounds (DNSMOS).

They need the extra ``[eval]``: faster-whisper reads a Whisper in CTranslate2's format, onnxruntime the DNSMOS network
(``sig_bak_ovr.onnx`` of Microsoft's DNS challenge, arXiv 2110.01763). Neither kind of file can run code. Nothing is
downloaded.

t samples
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ASR_RATE = DNSMOS_RATE = 16_000
_DNSMOS_SAMPLES = 144_160  # what the network hears at a time: 9.01 s
_DNSMOS_CURVES = {
    "signal": (-0.08397278, 1.22083953, 0.0052439),
    "background": (-0.13166888, 1.60915514, -0.39604546),
    "overall": (-0.06766283, 1.11546468, 0.04602535),
}
"""From the network's outputs, in this order, to mean opinion scores: polynomials that were published with it."""


class JudgeError(ValueError):
    """A judge cannot be used; the message says what is missing."""


@dataclass(frozen=True)
class Heard:
    """What was understood of one sentence, counted.

    Attributes:
        text: what the ASR wrote.
        word_edits, words, character_edits, characters: insertions, deletions and substitutions, and how many there
            are in the text that was to be said.
    """

    text: str
    word_edits: int
    words: int
    character_edits: int
    characters: int


def word_error(heard: Sequence[Heard]) -> float | None:
    """Edits over words of the reference, all sentences together; None without a word."""
    words = sum(item.words for item in heard)
    return sum(item.word_edits for item in heard) / words if words else None


def character_error(heard: Sequence[Heard]) -> float | None:
    """The same of characters (spaces counted)."""
    characters = sum(item.characters for item in heard)
    return sum(item.character_edits for item in heard) / characters if characters else None


class WordJudge:
    """A Whisper in a local folder, on the processor."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        """Load the model.

        Args:
            folder: with model.bin, config.json, tokenizer.json and vocabulary.

        Raises:
            JudgeError: the library or a file is missing.
        """
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise JudgeError("--asr needs faster-whisper: pip install 'lewm-studio[eval]'") from error
        missing = [
            name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()
        ]
        if missing:
            raise JudgeError(
                f"{folder} lacks {', '.join(missing)}: it is no Whisper in CTranslate2's format. Name a folder such as "
                "Systran/faster-whisper-small, or convert one with ct2-transformers-converter."
            )
        try:
            self._model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise JudgeError(f"{folder} cannot be loaded as a Whisper: {error}") from error

    def understands(self, language: str) -> bool:
        """Whether it knows "en-US", "hi" and so on; a model with ".en" in its name knows English alone."""
        return language.startswith("en") or bool(self._model.model.is_multilingual)

    def hear(self, wave: np.ndarray, sample_rate: int, text: str, language: str) -> Heard:
        """Write down ``wave`` (t,) and compare it with ``text``."""
        segments, _ = self._model.transcribe(
            _resampled(wave, sample_rate, ASR_RATE), language=language.split("-")[0], beam_size=5,
            condition_on_previous_text=False,
        )  # fmt: skip
        return compare_words(text, " ".join(segment.text.strip() for segment in segments), language)


def compare_words(text: str, heard: str, language: str) -> Heard:
    """Count what differs when both are written alike: numbers spelt out, no case, no punctuation."""
    wanted, got = (bare_words(item, language) for item in (text, heard))
    return Heard(
        text=heard.strip(),
        word_edits=edits(wanted, got),
        words=len(wanted),
        character_edits=edits(" ".join(wanted), " ".join(got)),
        characters=len(" ".join(wanted)),
    )


def bare_words(text: str, language: str) -> list[str]:
    """The words of a text in small letters, numbers spelt out, marks that are not heard removed."""
    from lewm_core.text import TextError, normalise

    with contextlib.suppress(TextError):  # an ASR may write anything, also nothing
        text = normalise(text, language)
    text = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    kept = (c if unicodedata.category(c)[0] in "LMN" or c == "'" else " " for c in text)
    return [word.strip("'") for word in re.split(r"\s+", "".join(kept)) if word.strip("'")]


def edits(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Least number of insertions, deletions and substitutions (Levenshtein) from ``wanted`` to ``got``."""
    row = list(range(len(got) + 1))
    for i, item in enumerate(wanted, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (item != other))
    return row[-1]


class CleannessJudge:
    """DNSMOS: mean opinion scores from 1 to 5 of signal, background and overall, as a network predicts them."""

    def __init__(self, file: Path, threads: int = 0) -> None:
        """Load ``sig_bak_ovr.onnx``.

        Raises:
            JudgeError: the library or the file is missing, or it is another network.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise JudgeError("--dnsmos needs onnxruntime: pip install 'lewm-studio[eval]'") from error
        if not file.is_file():
            raise JudgeError(
                f"{file} does not exist. Name the file sig_bak_ovr.onnx of Microsoft's DNS challenge."
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        # onnxruntime raises errors of its own that share no base class.
        except Exception as error:
            raise JudgeError(
                f"{file} cannot be loaded as an ONNX network: {str(error).splitlines()[0]}"
            ) from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 2:
            raise JudgeError(f"{file} is not DNSMOS's sig_bak_ovr.onnx: it does not take one wave.")
        self._input = inputs[0].name

    def rate(self, wave: np.ndarray, sample_rate: int) -> dict[str, float]:
        """Scores of ``wave`` (t,) by name, mean over windows of 9 s (a shorter one is repeated).

        The level is set to a peak of 0.8 first, so that only the sound is judged.
        """
        wave = _resampled(wave, sample_rate, DNSMOS_RATE)
        wave = 0.8 * wave / max(float(np.abs(wave).max(initial=0.0)), 1e-6)
        if not len(wave):
            return dict.fromkeys(_DNSMOS_CURVES, 1.0)
        if len(wave) < _DNSMOS_SAMPLES:
            wave = np.tile(wave, -(-_DNSMOS_SAMPLES // len(wave)))[:_DNSMOS_SAMPLES]
        starts = range(0, len(wave) - _DNSMOS_SAMPLES + 1, DNSMOS_RATE)
        windows = [wave[None, start : start + _DNSMOS_SAMPLES].astype(np.float32) for start in starts]
        raw = np.array([self._session.run(None, {self._input: window})[0][0] for window in windows])
        return {
            name: float(np.polyval(curve, raw[:, column]).mean())
            for column, (name, curve) in enumerate(_DNSMOS_CURVES.items())
        }


def _resampled(wave: np.ndarray, sample_rate: int, wanted: int) -> np.ndarray:
    import soxr

    return np.asarray(soxr.resample(wave.astype(np.float32), sample_rate, wanted), np.float32)
