"""Streamed speech is offline speech: receptive fields measured, chunks of any size joined, cancel, pauses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lewm_core.config import MelConfig, preset
from lewm_core.graph_voice import GraphVoice
from lewm_core.inference import Synthesiser, SynthesisRequest, SynthesisResult, finish, speaking
from lewm_core.streaming import (
    FIRST_FRAMES,
    LARGEST_FRAMES,
    AudioChunk,
    GrowingMel,
    GrowingWave,
    decoder_reach,
    vocoder_reach,
)
from lewm_core.vocoder import load_vocoder
from lewm_core.vocoder_config import RESNET
from tests.lewm_core.test_vocoder import TINY, write_vocos
from tests.lewm_core.tiny import tiny_checkpoint, tiny_config, tiny_model

STORY = "Hello there, all of you. This is a second, rather longer sentence. And that was all."


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    """A tiny random voice with a tiny random Vocos, as loud as speech; sentences last a second or two."""
    folder = tmp_path_factory.mktemp("voice")
    tiny_checkpoint(folder / "tiny.safetensors")
    voice = Synthesiser.load(folder / "tiny.safetensors", str(write_vocos(folder / "vocos")))
    with torch.no_grad():
        voice.model.duration.project_out.bias.fill_(1.6)  # type: ignore[union-attr]
        voice.model.predictor.stop.bias.fill_(-20.0)
    return Synthesiser(voice.model, voice.info, voice.vocoder)


def collect(
    voice: Synthesiser, request: SynthesisRequest, **arguments: object
) -> tuple[list[AudioChunk], SynthesisResult]:
    chunks: list[AudioChunk] = []
    result = finish(voice.stream(request, **arguments), chunks.append)  # type: ignore[arg-type]
    return chunks, result


def joined(chunks: list[AudioChunk]) -> np.ndarray:
    return np.concatenate([chunk.wave for chunk in chunks])


# Receptive fields


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("width", [3, 5])
def test_the_reach_of_the_decoder_is_as_measured(factor: int, width: int) -> None:
    """A change of one latent moves frames as far away as the formula says, and none further."""
    config = tiny_config(downsample_factor=factor, decoder_refine_width=width)
    decoder = tiny_model(downsample_factor=factor, decoder_refine_width=width).double().mel_decoder
    latents = torch.randn(1, 41, 8, dtype=torch.float64)
    changed = latents.clone()
    changed[:, 20] += 1
    with torch.inference_mode():
        moved = (decoder(latents) - decoder(changed)).abs().amax(1)[0] > 0
    first, last = int(moved.nonzero().min()) // factor, int(moved.nonzero().max()) // factor
    assert (20 - first, last - 20) == (decoder_reach(config), decoder_reach(config))


def test_the_embedded_vocoder_reaches_no_further_than_it_says() -> None:
    vocoder = load_vocoder("embedded")
    reach = vocoder_reach(vocoder)
    assert reach is not None
    mel = np.random.default_rng(1).normal(-4, 2, (100, 160)).astype(np.float32)
    changed = mel.copy()
    changed[:, 80] += 1
    moved = np.flatnonzero(np.abs(vocoder.decode(mel) - vocoder.decode(changed)) > 1e-6)
    assert moved.min() >= (80 - reach) * 256
    assert moved.max() < (80 + reach) * 256
    assert reach * 256 < 0.4 * 24_000  # or streaming would not be worth its name


# Pieces of one sentence


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.sampled_from([2, 4]))
@settings(max_examples=30, deadline=None)
def test_a_growing_mel_never_takes_back_a_settled_frame(sizes: list[int], factor: int) -> None:
    model = tiny_model(downsample_factor=factor)
    latents = torch.randn(sum(sizes), 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        whole = model.mel_decoder(latents.unsqueeze(0))[0].numpy()
    growing = GrowingMel(GraphVoice.of(model))
    for part in latents.split(sizes):
        growing.add(part.numpy())
        settled = growing.mel()[:, : growing.settled_frames]
        np.testing.assert_allclose(settled, whole[:, : settled.shape[1]], rtol=0, atol=1e-4)
    np.testing.assert_allclose(growing.mel(), whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["embedded", "resnet", "griffin-lim"])
def test_a_growing_wave_joins_to_the_whole(kind: str, tmp_path: Path) -> None:
    source = str(write_vocos(tmp_path, replace(TINY, backbone=RESNET))) if kind == "resnet" else kind
    vocoder = load_vocoder(source)
    mel = np.random.default_rng(2).normal(-4, 1.5, (100, 230)).astype(np.float32)
    mel = (mel + np.roll(mel, 1, 1) + np.roll(mel, 2, 1)) / 3
    whole = vocoder.decode(np.concatenate((mel, mel[:, -1:]), axis=1))
    for chunk in (1, 7, 50, 1000):
        growing = GrowingWave(vocoder, MelConfig())
        parts = []
        for settled in range(0, 230, 5):
            if growing.ready(settled) >= chunk:
                parts.append(growing.samples(mel[:, :settled], growing.frames + growing.ready(settled)))
        assert (len(parts) > 0) == (kind != "griffin-lim" and chunk < 150)
        parts.append(growing.rest(mel))
        np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=1e-4)


# Whole requests


@pytest.mark.parametrize("text", ["Hello.", "Hello there, all of you.", STORY])
@pytest.mark.parametrize("first_frames", [1, 8, 37, 10_000])
def test_chunks_joined_are_the_offline_speech(voice: Synthesiser, text: str, first_frames: int) -> None:
    request = SynthesisRequest(text, "ada", seed=7, temperature=0.6, speed=0.8)
    offline: SynthesisResult = finish(voice.synthesise(request))
    chunks, result = collect(voice, request, first_frames=first_frames)
    assert np.abs(offline.wave).max() > 0.01
    np.testing.assert_allclose(joined(chunks), offline.wave, rtol=0, atol=1e-4)
    np.testing.assert_allclose(
        np.concatenate([c.mel for c in chunks], axis=1), offline.mel, rtol=0, atol=1e-4
    )
    np.testing.assert_array_equal(result.wave, joined(chunks))
    assert (result.stop_reason, result.recipe) == (offline.stop_reason, offline.recipe)
    assert [c.is_last for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert [c.start for c in chunks] == [0, *np.cumsum([len(c.wave) for c in chunks])[:-1]]
    for chunk in chunks[:-1]:
        assert len(chunk.wave) == 256 * chunk.mel.shape[1]
    fractions = [c.fraction for c in chunks]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_the_sentence_and_not_a_constant_decides_about_pauses(voice: Synthesiser) -> None:
    chunks, result = collect(voice, SynthesisRequest(STORY, "ada"))
    assert {c.sentence for c in chunks} == {0, 1, 2}
    last_of_first = [c for c in chunks if c.sentence == 0][-1]
    assert not last_of_first.wave[-2560:].any()
    assert result.latents.shape[0] * 2 < result.mel.shape[1]


def test_chunks_come_early_and_grow(voice: Synthesiser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first comes as soon as the contexts allow; no chunk is large."""
    request = SynthesisRequest(
        "A sentence of many words, which takes its time to be spoken to the end.", "ada", speed=0.5
    )
    steps: list[int] = []
    made = speaking.speak

    def counted(*arguments: object) -> object:
        run = made(*arguments)  # type: ignore[arg-type]
        while True:
            try:
                item = next(run)
            except StopIteration as end:
                return end.value
            steps.append(1)
            yield item

    monkeypatch.setattr(speaking, "speak", counted)
    stream = voice.stream(request)
    first = next(stream)
    reach = vocoder_reach(voice.vocoder)
    assert reach is not None
    needed = decoder_reach(voice.config) + (8 + reach) / 2  # latents
    assert len(steps) == -(-needed // 4)
    sizes = [first.mel.shape[1], *(chunk.mel.shape[1] for chunk in stream)]
    assert len(sizes) > 4
    assert sizes[0] < 24
    assert max(sizes[:-1]) <= 128 + 8
    assert all(size >= min(8 * 2**number, 128) for number, size in enumerate(sizes[:-1]))


@given(st.integers(0, 60))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cancel_ends_the_stream_within_one_chunk(voice: Synthesiser, asked_before: int) -> None:
    request = SynthesisRequest(STORY, "carl")
    asked: list[int] = []
    after: list[AudioChunk] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > asked_before

    chunks: list[AudioChunk] = []

    def keep(chunk: AudioChunk) -> None:
        chunks.append(chunk)
        if len(asked) > asked_before:
            after.append(chunk)

    result: SynthesisResult = finish(voice.stream(request, cancelled), keep)
    if result.stop_reason == "cancelled":
        assert len(after) <= 1
    whole = finish(voice.synthesise(request)).wave
    spoken = joined(chunks) if chunks else np.zeros(0, np.float32)
    settled = max(0, len(spoken) - 40 * 256)  # the end is cut, and a cut end sounds different
    np.testing.assert_allclose(spoken[:settled], whole[:settled], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(result.wave, spoken[: len(result.wave)])
    assert 0 <= len(spoken) - len(result.wave) <= 256


def test_a_stream_that_is_dropped_leaves_nothing_behind(voice: Synthesiser) -> None:
    request = SynthesisRequest(STORY, "ada")
    stream = voice.stream(request)
    next(stream)
    stream.close()
    assert not torch.is_inference_mode_enabled()
    np.testing.assert_array_equal(joined(collect(voice, request)[0]), joined(collect(voice, request)[0]))


def test_warming_up_changes_nothing_that_is_heard(voice: Synthesiser) -> None:
    request = SynthesisRequest("Hello.", "ada", temperature=0.5)
    before = finish(voice.synthesise(request)).wave
    voice.warm_up()
    np.testing.assert_array_equal(finish(voice.synthesise(request)).wave, before)


@pytest.mark.parametrize("frames", [30, 100, 470, 1500])
def test_no_chunk_is_late_while_speech_is_made_twice_as_fast_as_it_is_spoken(frames: int) -> None:
    """By arithmetic, so that no busy machine can spoil it: the schedule of the embedded voice, at RTF 0.5.

    One frame is the unit of time; each takes half of it to make, and playing begins with the first chunk.
    """
    real_time_factor, step = 0.5, 8
    vocoder = load_vocoder("embedded")
    reach = vocoder_reach(vocoder)
    assert reach is not None
    settled_behind = 2 * decoder_reach(preset("studio").model)
    sound = GrowingWave(vocoder, MelConfig())
    wanted, begun = FIRST_FRAMES, None
    for made in range(step, frames + step, step):
        ready = sound.frames + sound.ready(made - settled_behind)
        if made >= frames:
            ready = frames
        elif ready - sound.frames < wanted:
            continue
        now = real_time_factor * made
        begun = now if begun is None else begun
        assert now - begun <= sound.frames, "the listener has heard all that came before"
        sound.frames, wanted = ready, min(2 * wanted, LARGEST_FRAMES)
    assert sound.frames == frames
