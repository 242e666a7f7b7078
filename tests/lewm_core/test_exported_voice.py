"""A voice written as graphs says what the checkpoint says; a damaged one is refused with a sentence."""

from __future__ import annotations

import subprocess
import sys
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


SPEAK_WITHOUT = """
import sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnx"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refused())
from lewm_core.cli import main
sys.exit(main(["say", "Hello there.", "--speaker", "ada", "--checkpoint", sys.argv[1], "--out", sys.argv[2]]))
"""


def test_an_exported_voice_speaks_where_neither_torch_nor_onnx_can_be_imported(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "tiny.safetensors")
    export_voice(tmp_path / "tiny.safetensors", tmp_path / "out", str(write_vocos(tmp_path / "vocos")))
    wav = tmp_path / "spoken.wav"
    command = [sys.executable, "-c", SPEAK_WITHOUT, str(tmp_path / "out"), str(wav)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert wav.stat().st_size > 44
