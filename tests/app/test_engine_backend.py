"""What the engine process does with the real core, here in the process of the test."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from app.engine_backend import CoreBackend, NoVoiceError
from app.engine_messages import Compare, DrawFigure, Inspect, LoadVoice, OpenClip, Speak
from app.messages_panes import AlignPanes
from lewm_core.checkpoint import CheckpointError
from lewm_core.resources_path import resource
from lewm_core.time_map import mean_by
from tests.lewm_core.test_vocoder import write_vocos
from tests.lewm_core.tiny import tiny_checkpoint
from widgets.colour_maps import COLOUR_MAPS, lookup_table

CLIP = str(resource("clips", "heart-sailors.ogg"))


def never() -> bool:
    return False


def finish(backend, request, cancelled=never):
    steps, job = [], backend.run(request, cancelled)
    while True:
        try:
            steps.append(next(job))
        except StopIteration as stop:
            return stop.value, steps


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "tiny.safetensors"
    tiny_checkpoint(path)
    return path


@pytest.fixture(scope="module")
def backend(checkpoint) -> CoreBackend:
    backend = CoreBackend()
    finish(backend, LoadVoice(str(checkpoint)))
    return backend


@pytest.fixture(scope="module")
def comparison(backend):
    clip, _ = finish(backend, OpenClip(CLIP))
    return finish(backend, Compare(clip.wave, "All night.", "ada", 0, 0.0))[0]


def test_no_voice_no_speech():
    with pytest.raises(NoVoiceError, match="No voice"):
        finish(CoreBackend(), Speak("Hello", "ada", 0, 0.0))


def test_a_refused_checkpoint_leaves_the_voice(backend, tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"bad\.safetensors"):
        finish(backend, LoadVoice(str(bad)))
    spoken, _ = finish(backend, Speak("Yes.", "ada", 0, 0.0))
    assert len(spoken.wave) > 0


def test_inspecting_loads_nothing(checkpoint):
    facts, _ = finish(CoreBackend(), Inspect(str(checkpoint)))
    assert facts.speakers[0] == ("ada", "en-US")
    assert dict(facts.rows)["Preset"] == "tiny"


def test_the_same_seed_is_the_same_speech(backend):
    one, steps = finish(backend, Speak("Hello there.", "ada", 5, 0.5))
    two, _ = finish(backend, Speak("Hello there.", "ada", 5, 0.5))
    np.testing.assert_array_equal(one.wave, two.wave)
    assert one.recipe["seed"] == 5
    assert any(step.partial_mel is not None or step.chunk is not None for step in steps)


def test_the_chunks_of_a_speech_are_the_offline_speech(checkpoint, tmp_path):
    from lewm_core.inference import SynthesisRequest
    from lewm_core.inference import finish as run

    backend = CoreBackend()
    finish(backend, LoadVoice(str(checkpoint), str(write_vocos(tmp_path / "vocos"))))
    text = "Hello there, all of you. And good bye."
    spoken, steps = finish(backend, Speak(text, "ada", 5, 0.5, 0.7))
    offline = run(backend._voice.synthesise(SynthesisRequest(text, "ada", 5, 0.5, 0.7)))
    chunks = [step.chunk for step in steps if step.chunk is not None]
    np.testing.assert_allclose(np.concatenate([chunk.wave for chunk in chunks]), offline.wave, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(np.concatenate([chunk.wave for chunk in chunks]), spoken.wave)
    np.testing.assert_array_equal(np.concatenate([chunk.mel for chunk in chunks], axis=1), spoken.mel)
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert spoken.recipe["speed"] == 0.7
    spent = [chunk.spent for chunk in chunks]
    assert spent == sorted(spent)
    for chunk, end in zip(chunks, np.cumsum([len(chunk.wave) for chunk in chunks]), strict=True):
        assert chunk.predicted * chunk.sample_rate >= end - 1


def test_a_voice_without_durations_is_known_as_one(tmp_path):
    tiny_checkpoint(tmp_path / "attention.safetensors", alignment="attention")
    facts, _ = finish(CoreBackend(), Inspect(str(tmp_path / "attention.safetensors")))
    assert not facts.can_change_speed


def test_a_cancelled_speech_keeps_what_was_made(backend):
    asked = iter([False] * 4 + [True] * 10_000)
    spoken, _ = finish(backend, Speak("A sentence. " * 5, "ada", 0, 0.0), lambda: next(asked))
    assert spoken.stop_reason == "cancelled"


def test_a_comparison_has_four_panes_of_sound(comparison):
    assert list(comparison.panes) == ["ground_truth", "reconstruction", "teacher_forced", "autoregressive"]
    for key, pane in comparison.panes.items():
        assert pane.mel.shape[0] == 100
        assert len(pane.wave) == (pane.mel.shape[1] - 1) * 256
        assert (pane.mel_l1 is None) == (key == "ground_truth")


def test_messages_can_be_read_without_torch(comparison):
    """What crosses the pipe must not bring a type of torch, whose import would freeze the window."""
    assert b"torch" not in pickle.dumps(comparison)


@pytest.mark.parametrize("name", COLOUR_MAPS)
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_figure_is_drawn_in_every_colour_map(backend, comparison, tmp_path, name, suffix):
    path = tmp_path / f"figure{suffix}"
    finish(backend, DrawFigure(comparison, str(path), lookup_table(name), (-50.0, 35.0)))
    assert path.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


def test_two_readings_are_aligned():
    truth = np.random.default_rng(0).normal(-4.0, 2.0, (100, 60)).astype(np.float32)
    free = np.repeat(truth, 2, axis=1)
    aligned, _ = finish(CoreBackend(), AlignPanes(truth, free, 93.75))
    np.testing.assert_allclose(mean_by(free[:, aligned.other], aligned.reference), truth, atol=1e-5)
    assert aligned.cost_db == pytest.approx(0.0, abs=1e-3)
    assert (aligned.reference[-1], aligned.other[-1]) == (59, 119)
