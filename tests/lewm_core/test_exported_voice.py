"""A voice written as graphs says what the checkpoint says; a damaged one is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lewm_core.checkpoint import CheckpointError
from lewm_core.exported_voice import export_voice, is_exported
from lewm_core.inference import Synthesiser, SynthesisRequest, finish
from tests.lewm_core.test_vocoder import write_vocos
from tests.lewm_core.tiny import tiny_checkpoint


@pytest.mark.parametrize("alignment", ["durations", "attention"])
def test_an_exported_voice_says_the_same(tmp_path: Path, alignment: str) -> None:
    tiny_checkpoint(tmp_path / "tiny.safetensors", alignment=alignment)
    vocoder = str(write_vocos(tmp_path / "vocos"))
    files = export_voice(tmp_path / "tiny.safetensors", tmp_path / "out", vocoder)
    assert {path.suffix for path in files} == {".onnx", ".safetensors"}
    assert is_exported(tmp_path / "out")
    assert not is_exported(tmp_path)
    request = SynthesisRequest("Hello there.", "ada", seed=3, temperature=0.5)
    expected = finish(Synthesiser.load(tmp_path / "tiny.safetensors", vocoder).synthesise(request))
    made = finish(Synthesiser.load(tmp_path / "out").synthesise(request))
    np.testing.assert_array_equal(made.wave, expected.wave)
    assert made.recipe["checkpoint_sha256"] == expected.recipe["checkpoint_sha256"]


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "tiny.safetensors")
    files = export_voice(tmp_path / "tiny.safetensors", tmp_path / "out", str(write_vocos(tmp_path / "vocos")))
    for path in files:
        kept = path.read_bytes()
        path.write_bytes(kept[: len(kept) // 2])
        with pytest.raises(CheckpointError, match="damaged"):
            Synthesiser.load(tmp_path / "out")
        path.write_bytes(kept)
    Synthesiser.load(tmp_path / "out")
