"""A request from text to wave and a comparison of four mels, on a tiny random checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lewm_core.graph_voice import GraphVoice
from lewm_core.inference import (
    PANES,
    Progress,
    SamplingError,
    Synthesiser,
    SynthesisRequest,
    SynthesisResult,
    aligned_mel_l1,
    finish,
    mel_l1,
)
from lewm_core.mel import AudioError
from lewm_core.speaker_blend import UnknownSpeakerError
from lewm_core.streaming import GrowingMel
from lewm_core.text import TextError
from tests.lewm_core.tiny import tiny_checkpoint, tiny_model


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    path = tmp_path_factory.mktemp("voice") / "tiny.safetensors"
    tiny_checkpoint(path)
    voice = Synthesiser.load(path, "griffin-lim")
    with torch.no_grad():  # about half a second a sentence instead of almost nothing
        voice.model.duration.project_out.bias.fill_(1.2)  # type: ignore[union-attr]
        voice.model.predictor.stop.bias.fill_(-20.0)
    return Synthesiser(voice.model, voice.info, voice.vocoder)  # its graphs are made of the changed model


def noise(seconds: float) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(int(24_000 * seconds))).astype(np.float32)


def test_one_sentence(voice: Synthesiser) -> None:
    seen: list[Progress] = []
    result: SynthesisResult = finish(voice.synthesise(SynthesisRequest("Hello there.", "ada")), seen.append)
    assert result.mel.shape[0] == 100
    assert result.wave.shape == ((result.mel.shape[1] - 1) * 256,)
    assert result.latents.shape == (result.mel.shape[1] // 2, 8)
    assert np.isfinite(result.wave).all()
    assert set(result.timings) == {"text", "predictor", "decoder", "vocoder"}
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    partials = [p.partial_mel for p in seen if p.partial_mel is not None]
    assert partials
    assert all(p.shape[1] <= result.mel.shape[1] for p in partials)
    recipe = json.loads(json.dumps(result.recipe))
    assert recipe["checkpoint_sha256"] == voice.info.sha256
    assert recipe["text"] == "Hello there."


def test_several_sentences_are_joined_with_pauses(voice: Synthesiser) -> None:
    first, second = (
        finish(voice.synthesise(SynthesisRequest(t, "ada"))) for t in ("Hello there.", "Good bye.")
    )
    both = finish(voice.synthesise(SynthesisRequest("Hello there. Good bye.", "ada")))
    frames = both.mel.shape[1] - first.mel.shape[1] - second.mel.shape[1]
    assert frames > 0
    assert np.allclose(both.mel[:, : first.mel.shape[1]], first.mel, atol=1e-5)
    assert np.allclose(both.mel[:, -second.mel.shape[1] :], second.mel, atol=1e-5)
    pause = both.wave[first.mel.shape[1] * 256 : (first.mel.shape[1] + frames) * 256]
    assert np.abs(pause).max() == 0.0


def test_the_same_recipe_speaks_the_same(voice: Synthesiser) -> None:
    request = SynthesisRequest("Once more.", "carl", seed=5, temperature=0.7)
    assert np.array_equal(finish(voice.synthesise(request)).mel, finish(voice.synthesise(request)).mel)
    other = SynthesisRequest("Once more.", "carl", seed=6, temperature=0.7)
    assert not np.array_equal(finish(voice.synthesise(request)).mel, finish(voice.synthesise(other)).mel)


def test_cancelled_work_keeps_what_was_made(voice: Synthesiser) -> None:
    asked = iter([False] * 4 + [True] * 100)
    request = SynthesisRequest("A sentence that is long enough. And another one.", "ada")
    result = finish(voice.synthesise(request, cancelled=lambda: next(asked)))
    whole = finish(voice.synthesise(request))
    assert result.stop_reason == "cancelled"
    assert 0 < result.mel.shape[1] < whole.mel.shape[1]
    assert result.wave.shape == ((result.mel.shape[1] - 1) * 256,)
    nothing = finish(voice.synthesise(request, cancelled=lambda: True))
    assert nothing.mel.shape == (100, 0)
    assert nothing.stop_reason == "cancelled"


def test_bad_requests_are_refused_before_anything_is_made(voice: Synthesiser) -> None:
    with pytest.raises(UnknownSpeakerError, match="ada, bina, carl"):
        finish(voice.synthesise(SynthesisRequest("Hello.", "dora")))
    for text in ("", "   ", "?!", "…"):
        with pytest.raises(TextError):
            finish(voice.synthesise(SynthesisRequest(text, "ada")))
    for speed in (2.5, 0.4, float("nan")):
        with pytest.raises(SamplingError, match="speed must lie between"):
            finish(voice.synthesise(SynthesisRequest("Hello.", "ada", speed=speed)))
    with pytest.raises(SamplingError, match="temperature"):
        finish(voice.synthesise(SynthesisRequest("Hello.", "ada", temperature=-0.1)))


def test_a_voice_without_durations_says_that_its_pace_cannot_be_changed(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "tiny.safetensors", alignment="attention")
    voice = Synthesiser.load(tmp_path / "tiny.safetensors")
    assert not voice.can_change_speed
    with pytest.raises(SamplingError, match="attention alone"):
        finish(voice.synthesise(SynthesisRequest("Hello.", "ada", speed=1.5)))


def test_comparison_has_four_panes_of_one_length(voice: Synthesiser) -> None:
    result = finish(voice.compare(noise(1.5), "Hello there.", "ada"))
    assert tuple(result.panes) == PANES
    frames = result.panes["ground_truth"].mel.shape[1]
    assert frames == len(noise(1.5)) // 256 + 1
    for name in PANES[:3]:
        assert result.panes[name].mel.shape == (100, frames)
        assert result.panes[name].wave.shape == ((frames - 1) * 256,)
        assert (result.panes[name].latents is None) == (name == "ground_truth")
    assert result.panes["reconstruction"].latents.shape == (-(-frames // 2), 8)
    assert result.panes["teacher_forced"].latents.shape == (-(-frames // 2), 8)
    assert result.panes["autoregressive"].latents.shape[1] == 8
    assert result.panes["ground_truth"].mel_l1 is None
    rebuilt, truth = result.panes["reconstruction"], result.panes["ground_truth"]
    assert rebuilt.mel_l1 == pytest.approx(np.abs(rebuilt.mel - truth.mel).mean())


def test_the_free_run_is_measured_along_its_own_timing() -> None:
    """The same mel, held back by a pause and stretched, is far off frame by frame and near when aligned."""
    rng = np.random.default_rng(1)
    walk = rng.normal(0, 1, (12, 100)).repeat(10, axis=0)
    truth = (np.cumsum(walk, axis=0) * 0.3 - 5.0).T.astype(np.float32)
    late = np.concatenate((np.repeat(truth[:, :1], 20, axis=1), truth), axis=1)
    plain, aligned = mel_l1(late, truth), aligned_mel_l1(late, truth)
    assert plain is not None
    assert aligned is not None
    assert aligned < 0.2 * plain
    assert aligned_mel_l1(truth, truth) == pytest.approx(0.0, abs=1e-6)


def test_comparison_refuses_what_cannot_be_compared(voice: Synthesiser) -> None:
    with pytest.raises(TextError, match="does not fit the clip"):
        finish(voice.compare(noise(0.2), "A far longer sentence than fits into a fifth of a second.", "ada"))
    with pytest.raises(AudioError, match="60 s"):
        finish(voice.compare(noise(61.0), "Hello.", "ada"))
    with pytest.raises(AudioError, match=r"0\.1 s"):
        finish(voice.compare(noise(0.05), "Hello.", "ada"))
    with pytest.raises(AudioError):
        finish(voice.compare(Path("nothing.wav"), "Hello.", "ada"))


def test_cancelled_comparison_keeps_the_panes_it_has(voice: Synthesiser) -> None:
    asked = iter([False, True] + [True] * 100)
    result = finish(voice.compare(noise(1.0), "Hello there.", "ada", cancelled=lambda: next(asked)))
    assert tuple(result.panes) == PANES[:2]
    assert result.stop_reason == "cancelled"


@pytest.mark.parametrize("factor", [2, 4])
def test_growing_mel_ends_as_the_whole_decode(factor: int) -> None:
    model = tiny_model(downsample_factor=factor)
    growing = GrowingMel(GraphVoice.of(model))
    parts = []
    for _ in range(9):
        parts.append(torch.randn(4, 8))
        growing.add(parts[-1].numpy())
        with torch.inference_mode():
            whole = model.mel_decoder(torch.cat(parts).unsqueeze(0))[0].numpy()
        assert np.allclose(growing.mel(), whole, atol=1e-4)
