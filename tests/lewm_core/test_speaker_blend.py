"""Blends of speakers: their notation, and the laws of the speech that they make."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lewm_core.config import Speaker
from lewm_core.inference import Synthesiser, SynthesisRequest, finish
from lewm_core.inference_engine import run_all
from lewm_core.model.lewm import SamplingSettings
from lewm_core.model.text_batch import TextBatch
from lewm_core.speaker_blend import UNITS, BlendError, SpeakerBlend, UnknownSpeakerError, language_of
from tests.lewm_core.tiny import SPEAKERS, tiny_checkpoint, tiny_model

NAMES = st.sampled_from(["ada", "bina", "carl", "δήμος", "a b"])
WEIGHTS = st.dictionaries(NAMES, st.floats(1e-3, 1e6), min_size=1, max_size=5)


@given(WEIGHTS)
def test_what_is_written_is_what_was_read(weights: dict[str, float]) -> None:
    blend = SpeakerBlend.of(weights)
    assert SpeakerBlend.parse(str(blend)) == blend
    assert SpeakerBlend.of(blend.shares()) == blend
    assert sum(units for _, units in blend.parts) == UNITS


@given(WEIGHTS, st.randoms())
def test_the_order_of_the_parts_and_the_scale_of_the_weights_do_not_matter(weights, random) -> None:  # type: ignore[no-untyped-def]
    parts = list(weights.items())
    random.shuffle(parts)
    text = "+".join(f"{name}:{weight!r}" for name, weight in parts)
    assert SpeakerBlend.parse(text) == SpeakerBlend.of(weights)
    assert SpeakerBlend.of({name: weight * 4.0 for name, weight in parts}) == SpeakerBlend.of(weights)


@given(WEIGHTS)
def test_shares_are_the_weights_divided_by_their_sum(weights: dict[str, float]) -> None:
    total = math.fsum(weights.values())
    shares = SpeakerBlend.of(weights).shares()
    for name, weight in weights.items():
        assert shares.get(name, 0.0) == pytest.approx(weight / total, abs=1.0 / UNITS)


@given(st.text(max_size=40))
def test_any_text_is_a_blend_or_a_clear_error(text: str) -> None:
    try:
        blend = SpeakerBlend.parse(text)
    except BlendError as error:
        assert str(error)
    else:
        assert blend.parts


def test_notations() -> None:
    assert str(SpeakerBlend.parse("emma : 1 + heart:3")) == "heart:0.75+emma:0.25"
    assert str(SpeakerBlend.parse("b+a")) == "a:0.5+b:0.5"
    assert str(SpeakerBlend.parse("a+a:2")) == "a"
    assert str(SpeakerBlend.parse("a:1+b:0")) == "a"
    assert str(SpeakerBlend.parse("a:1+b+c")) == "a:0.3334+b:0.3333+c:0.3333"
    assert SpeakerBlend.parse("odd:name+x", ["odd:name+x"]).parts == (("odd:name+x", UNITS),)
    assert SpeakerBlend.parse("odd:name+ada:1", ["odd:name", "ada"]).shares() == {"odd:name": 0.5, "ada": 0.5}


@pytest.mark.parametrize(
    "text", ["", " ", "+", "a+", ":1", "a:x", "a:nan", "a:inf", "a:-1+b", "a:0", "a:0+b:0", "a:1e308+a:1e308"]
)
def test_what_is_no_blend_is_refused(text: str) -> None:
    with pytest.raises(BlendError):
        SpeakerBlend.parse(text)


def test_the_row_of_a_blend_is_in_the_order_of_the_speakers() -> None:
    assert SpeakerBlend.parse("carl:3+ada:1").row(SPEAKERS) == [0.25, 0.0, 0.75]
    with pytest.raises(UnknownSpeakerError, match=r"'dora'.*ada, bina, carl"):
        SpeakerBlend.parse("ada+dora").row(SPEAKERS)


def test_the_language_is_that_of_the_heaviest_part() -> None:
    languages = {speaker.name: speaker.language for speaker in SPEAKERS}
    assert language_of("carl:0.4+bina:0.6", languages) == "hi"
    assert language_of("carl:0.5+bina:0.5", languages) == "hi"  # among equals the first by name
    assert language_of("ada", languages) == "en-US"
    assert language_of("dora", languages) == language_of("ada:x", languages) == ""


# ---------------------------------------------------------------------- speech
@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    path = tmp_path_factory.mktemp("voice") / "tiny.safetensors"
    tiny_checkpoint(path)
    voice = Synthesiser.load(path, "griffin-lim")
    with torch.no_grad():
        voice.model.duration.project_out.bias.fill_(1.2)  # type: ignore[union-attr]
        voice.model.predictor.stop.bias.fill_(-20.0)
    return Synthesiser(voice.model, voice.info, voice.vocoder)  # its graphs are made of the changed model


def latents(voice: Synthesiser, speaker: str) -> np.ndarray:
    return finish(
        voice.synthesise(SynthesisRequest("Hello there.", speaker, seed=1, temperature=0.5))
    ).latents


def test_a_blend_of_one_is_that_speaker(voice: Synthesiser) -> None:
    for blend in ("carl:0.3", "carl:1+ada:0", "carl+carl"):
        assert np.array_equal(latents(voice, blend), latents(voice, "carl"))
    shares = torch.tensor([[0.0, 0.0, 1.0]])
    text = TextBatch.of(["həlˈəʊ"])
    plain, mixed = (voice.model.encode_text(text, who)[0] for who in (torch.tensor([2]), shares))
    assert torch.equal(plain, mixed)


def test_the_order_of_parts_does_not_change_the_speech(voice: Synthesiser) -> None:
    first, second = latents(voice, "ada:0.3+carl:0.7"), latents(voice, "carl:7+ada:3")
    assert np.array_equal(first, second)
    assert not np.array_equal(first, latents(voice, "carl"))
    assert not np.array_equal(first, latents(voice, "ada"))


def test_blending_is_mixing_the_embeddings(voice: Synthesiser) -> None:
    """Half of ada and half of carl is the speaker whose embeddings lie in the middle of theirs."""
    model = tiny_model()
    text = TextBatch.of(["həlˈəʊ"])
    blended = model.generate(text, torch.tensor([[0.5, 0.0, 0.5]]), SamplingSettings(max_seconds=0.5))
    wanted = _run(blended)
    with torch.no_grad():
        for embedding in (model.text_encoder.speaker, model.predictor.speaker):
            embedding.weight[1] = (embedding.weight[0] + embedding.weight[2]) / 2
    made = _run(model.generate(text, torch.tensor([1]), SamplingSettings(max_seconds=0.5)))
    assert torch.allclose(wanted, made, atol=1e-5)


def test_rows_of_a_batch_have_blends_of_their_own() -> None:
    model = tiny_model(seed=2)
    who = [torch.tensor([1]), torch.tensor([[0.2, 0.3, 0.5]]), torch.tensor([[0.9, 0.0, 0.1]])]
    text = TextBatch.of(["wˈʌn tˈuː"])
    jobs = [(text, speaker, SamplingSettings(seed=4, temperature=0.4, max_seconds=0.8)) for speaker in who]
    together = dict(run_all(model, jobs, max_rows=3))
    for number, job in enumerate(jobs):
        assert torch.allclose(together[number].latents, _run(model.generate(*job)), atol=1e-4)
    length = min(len(made.latents) for made in together.values())
    assert not torch.allclose(together[1].latents[:length], together[2].latents[:length], atol=1e-4)


def test_the_recipe_holds_the_blend_and_speaks_it_again(voice: Synthesiser) -> None:
    result = finish(voice.synthesise(SynthesisRequest("Hello there.", "ada:3+carl:1", seed=2)))
    assert result.recipe["speaker"] == "ada:0.75+carl:0.25"
    again = finish(voice.synthesise(SynthesisRequest("Hello there.", result.recipe["speaker"], seed=2)))
    assert np.array_equal(result.mel, again.mel)


def test_a_blend_reads_the_text_in_the_language_of_its_heaviest_part(voice: Synthesiser) -> None:
    assert voice.who("ada:0.6+bina:0.4")[1] == Speaker("ada:0.6+bina:0.4", "en-US")
    assert voice.who("ada:0.4+bina:0.6")[1].language == "hi"


def test_a_blend_of_nobody_is_refused(voice: Synthesiser) -> None:
    with pytest.raises(UnknownSpeakerError, match="dora"):
        finish(voice.synthesise(SynthesisRequest("Hello.", "ada:0.5+dora:0.5")))
    with pytest.raises(BlendError, match="nan"):
        finish(voice.synthesise(SynthesisRequest("Hello.", "ada:nan+bina:1")))


def test_say_takes_a_blend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from lewm_core.cli import main

    tiny_checkpoint(tmp_path / "tiny.safetensors")
    common = ["--checkpoint", str(tmp_path / "tiny.safetensors"), "--vocoder", "griffin-lim", "--json"]
    out = ["--out", str(tmp_path / "a.wav")]
    assert main(["say", "Hello.", "--speaker", "carl:1+ada:3", *out, *common]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["speaker"] == "ada:0.75+carl:0.25"
    assert main(["say", "Hello.", "--speaker", "carl:loud", *out, *common]) == 2
    assert "not a number" in capsys.readouterr().err


def _run(run) -> torch.Tensor:  # type: ignore[no-untyped-def]
    while True:
        try:
            next(run)
        except StopIteration as end:
            made: torch.Tensor = end.value.latents
            return made
