"""The made-up run: its checkpoints blur by known amounts, and can be opened as any run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lewm_core.analysis.formant_blur import smooth_along_frequency
from lewm_core.analysis.run_folder import open_run
from lewm_core.checkpoint import CheckpointError, load_checkpoint
from lewm_core.example_run import BLUR, write_example_run
from lewm_core.progress import finish
from tests.lewm_core.tiny import tiny_checkpoint


@pytest.fixture
def voice(tmp_path):
    path = tmp_path / "voice.safetensors"
    tiny_checkpoint(path)
    return path


def decoded(path) -> np.ndarray:
    model, _ = load_checkpoint(path)
    latents = torch.randn(1, 12, model.config.latent_dim, generator=torch.Generator().manual_seed(0))
    return model.mel_decoder(latents)[0].numpy()


def test_each_checkpoint_makes_the_voices_mels_smoothed_by_so_many_bands(voice, tmp_path):
    run = open_run(finish(write_example_run(tmp_path / "run", voice)))
    assert len(run.checkpoints) == len(BLUR)
    truth = decoded(voice)
    for saved, sigma in zip(run.checkpoints, BLUR, strict=True):
        # The weights are float16: a part in a thousand of what is summed.
        np.testing.assert_allclose(decoded(saved.path), smooth_along_frequency(truth, sigma), atol=0.01)
    assert not np.allclose(decoded(run.checkpoints[0].path), truth, atol=0.1)


def test_the_run_ends_at_the_voice_and_its_step(voice, tmp_path):
    run = open_run(finish(write_example_run(tmp_path / "run", voice)))
    steps = [saved.step for saved in run.checkpoints]
    _, info = load_checkpoint(voice)
    assert steps == sorted(set(steps))
    assert steps[-1] == info.step
    assert "Made up" in load_checkpoint(run.checkpoints[0].path)[1].description


def test_what_is_there_is_kept_and_a_cancelled_run_goes_on(voice, tmp_path):
    asked = iter([False, False, True])
    finish(write_example_run(tmp_path / "run", voice, lambda: next(asked)))
    some = open_run(tmp_path / "run").checkpoints
    assert len(some) == 2
    finish(write_example_run(tmp_path / "run", voice))
    all_of_them = open_run(tmp_path / "run").checkpoints
    assert len(all_of_them) == len(BLUR)
    assert [saved.stamp for saved in all_of_them[:2]] == [saved.stamp for saved in some]


def test_half_a_checkpoint_is_written_anew(voice, tmp_path):
    run = open_run(finish(write_example_run(tmp_path / "run", voice)))
    broken = run.checkpoints[1].path
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    finish(write_example_run(tmp_path / "run", voice))
    assert broken.read_bytes() == whole


def test_another_file_is_refused(tmp_path):
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError):
        finish(write_example_run(tmp_path / "run", tmp_path / "no.safetensors"))
