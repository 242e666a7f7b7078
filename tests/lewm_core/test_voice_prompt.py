"""Voice prompts: prepared once, reused, saved; and what the engine makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from lewm_core.cli import main
from lewm_core.inference import Synthesiser, SynthesisRequest, finish
from lewm_core.inference_engine import Engine
from lewm_core.mel import write_wav
from lewm_core.model.lewm import SamplingSettings
from lewm_core.model.text_batch import TextBatch, unit_of_byte
from lewm_core.text import TextError
from lewm_core.voice_prompt import (
    HEADER_KEY,
    PromptError,
    VoicePrompt,
    is_prompt_file,
    load_prompt,
    prepare_prompt,
)
from tests.lewm_core.tiny import tiny_checkpoint

WORDS = "Hello there."


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.normal(size=int(24_000 * seconds))).astype(np.float32)


def make_voice(folder: Path, **changes: object) -> Synthesiser:
    tiny_checkpoint(folder / "tiny.safetensors", **changes)
    voice = Synthesiser.load(folder / "tiny.safetensors", "griffin-lim")
    with torch.no_grad():
        if voice.model.duration is not None:
            voice.model.duration.project_out.bias.fill_(1.2)
        voice.model.predictor.stop.bias.fill_(-20.0)
    return Synthesiser(voice.model, voice.info, voice.vocoder)  # its graphs are made of the changed model


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    return make_voice(tmp_path_factory.mktemp("voice"))


@pytest.fixture(scope="module")
def prompt(voice: Synthesiser) -> VoicePrompt:
    return prepare_prompt(voice, noise(1.3), WORDS)


def speak(
    voice: Synthesiser, prompt: VoicePrompt | None, text: str = "Good bye.", **more: object
) -> np.ndarray:
    request = SynthesisRequest(text, "ada", prompt=prompt, **more)  # type: ignore[arg-type]
    return finish(voice.synthesise(request)).latents


def test_a_prompt_fills_whole_steps_and_its_durations_fit(voice: Synthesiser, prompt: VoicePrompt) -> None:
    assert prompt.latents.shape == (60, 8)  # 122 frames, of which the first 2 do not fill a step of 8
    assert prompt.durations.sum() == 60
    assert len(prompt.durations) == unit_of_byte(prompt.read)[-1] + 1
    assert prompt.text == WORDS
    assert prompt.language == "en-US"
    assert prompt.seconds == pytest.approx(1.28)
    assert prompt.checkpoint_sha256 == voice.info.sha256


def test_a_prompt_changes_the_speech_and_stays_out_of_the_result(
    voice: Synthesiser, prompt: VoicePrompt
) -> None:
    plain, prompted = speak(voice, None), speak(voice, prompt)
    assert 0 < len(prompted) < len(plain) + 30
    length = min(len(plain), len(prompted))
    assert not np.allclose(plain[:length], prompted[:length], atol=1e-3)
    other = speak(voice, prepare_prompt(voice, noise(1.3, seed=1), WORDS))
    length = min(len(other), len(prompted))
    assert not np.array_equal(other[:length], prompted[:length])


def test_the_same_prompt_used_again_says_the_same(voice: Synthesiser, prompt: VoicePrompt) -> None:
    first = speak(voice, prompt, seed=3, temperature=0.6)
    assert np.array_equal(first, speak(voice, prompt, seed=3, temperature=0.6))
    again = prepare_prompt(voice, noise(1.3), WORDS)
    assert again.sha256 == prompt.sha256
    assert np.array_equal(first, speak(voice, again, seed=3, temperature=0.6))


def test_a_prompt_from_a_file_is_the_prompt(voice: Synthesiser, prompt: VoicePrompt, tmp_path: Path) -> None:
    file = prompt.save(tmp_path / "p.safetensors")
    assert is_prompt_file(file)
    assert not is_prompt_file(voice.info.path)
    loaded = load_prompt(file, voice.info)
    assert loaded.facts() == prompt.facts()
    assert np.array_equal(speak(voice, loaded, temperature=0.5), speak(voice, prompt, temperature=0.5))


@pytest.mark.parametrize("alignment", ["durations", "attention"])
def test_a_filled_row_is_as_if_the_voice_had_said_the_prompt(tmp_path: Path, alignment: str) -> None:
    """The pass over the prompt leaves the same memory as its steps made one by one."""
    voice = make_voice(tmp_path, alignment=alignment)
    model = voice.model
    prompt = prepare_prompt(voice, noise(1.0), WORDS)
    said = prompt.steps(model)
    assert (said.durations is None) == (alignment == "attention")
    text = TextBatch.of([f"{prompt.read} ɡˈʊd bˈaɪ."])
    engine = Engine(model, max_rows=1)
    run = engine.join(text, torch.tensor([1]), SamplingSettings(max_seconds=1.0), said)
    state = engine._state
    assert state is not None
    steps = said.steps
    assert state.steps == [steps]
    filled, last = state.keys[:, 0, :, :steps].clone(), state.last[0].clone()
    with torch.inference_mode():
        state.steps, state.last[0] = [0], model.predictor.start
        for history in said.history:
            model.predictor.step(state)
            state.last[0] = history
    assert torch.allclose(filled, state.keys[:, 0, :, :steps], atol=1e-5)
    assert torch.equal(last, state.last[0])
    while run.stop_reason is None:
        engine.step()
    assert len(run.result().latents) <= 4 * run.length.max_steps


def test_prompted_rows_do_not_depend_on_the_batch(voice: Synthesiser, prompt: VoicePrompt) -> None:
    model = voice.model
    short = prepare_prompt(voice, noise(0.8, seed=4), "Yes.")

    def job(place: int, chosen: VoicePrompt | None) -> tuple:  # type: ignore[type-arg]
        read = "wˈʌn tˈuː." if chosen is None else f"{chosen.read} wˈʌn tˈuː."
        asked = SamplingSettings(seed=place, temperature=0.5, max_seconds=1.0)
        return TextBatch.of([read]), torch.tensor([place % 3]), asked, chosen and chosen.steps(model)

    jobs = [job(place, chosen) for place, chosen in enumerate((prompt, None, short, prompt))]
    alone = []
    for one in jobs:
        engine = Engine(model, max_rows=1)
        run = engine.join(*one)
        while run.stop_reason is None:
            engine.step()
        alone.append(run.result())
    engine = Engine(model, max_rows=4)
    runs = []
    for one in jobs:  # each joins a step later than the one before it
        runs.append(engine.join(*one))
        engine.step()
    while engine.runs:
        engine.step()
    for run, expected in zip(runs, alone, strict=True):
        made = run.result()
        assert made.stop_reason == expected.stop_reason
        assert torch.allclose(made.latents, expected.latents, atol=1e-4)


@given(st.integers(12, 40), st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_clips_of_any_length_become_prompts(voice: Synthesiser, tenths: int, samples: int) -> None:
    prompt = prepare_prompt(voice, noise(tenths / 10)[: -1 - samples], WORDS)
    assert len(prompt.latents) % 4 == 0
    assert prompt.durations.sum() == len(prompt.latents)


def test_several_sentences_each_go_on_from_the_prompt(voice: Synthesiser, prompt: VoicePrompt) -> None:
    both = speak(voice, prompt, "Good bye. Once more.")
    assert np.allclose(both[: len(speak(voice, prompt))], speak(voice, prompt), atol=1e-5)
    assert np.allclose(
        both[-len(speak(voice, prompt, "Once more.", seed=1)) :],
        speak(voice, prompt, "Once more."),
        atol=1e-5,
    )


def test_streamed_is_offline_with_a_prompt(voice: Synthesiser, prompt: VoicePrompt) -> None:
    request = SynthesisRequest("Good bye, my dear friend.", "ada", prompt=prompt)
    stream, waves = voice.stream(request, first_frames=8), []
    while True:
        try:
            waves.append(next(stream).wave)
        except StopIteration as end:
            result = end.value
            break
    assert np.array_equal(np.concatenate(waves), result.wave)
    assert np.allclose(result.mel, finish(voice.synthesise(request)).mel, atol=1e-4)


def test_the_recipe_names_the_prompt(voice: Synthesiser, prompt: VoicePrompt) -> None:
    recipe = finish(voice.synthesise(SynthesisRequest("Hi.", "ada", prompt=prompt))).recipe
    assert json.loads(json.dumps(recipe))["prompt"] == prompt.facts()
    assert finish(voice.synthesise(SynthesisRequest("Hi.", "ada"))).recipe["prompt"] is None


# ---------------------------------------------------------------------- what is refused
def test_clips_and_texts_that_make_no_prompt(voice: Synthesiser) -> None:
    with pytest.raises(PromptError, match=r"lasts 0\.2 s"):
        prepare_prompt(voice, noise(0.2), WORDS)
    with pytest.raises(PromptError, match=r"lasts 21\.0 s"):
        prepare_prompt(voice, noise(21), WORDS)
    with pytest.raises(PromptError, match="does not fit the clip"):
        prepare_prompt(voice, noise(0.6), "A far longer sentence than fits into half a second of speech.")
    with pytest.raises(TextError):
        prepare_prompt(voice, noise(1.0), "?!")


def test_a_prompt_of_another_checkpoint_is_refused(
    voice: Synthesiser, prompt: VoicePrompt, tmp_path: Path
) -> None:
    other = make_voice(tmp_path, predictor_layers=1)
    file = prompt.save(tmp_path / "p.safetensors")
    with pytest.raises(PromptError, match="another checkpoint"):
        load_prompt(file, other.info)
    with pytest.raises(PromptError, match="another checkpoint"):
        finish(other.synthesise(SynthesisRequest("Hi.", "ada", prompt=prompt)))


def damaged(file: Path, header: object = None, **tensors: np.ndarray) -> Path:
    """The prompt of ``file`` with another header or other tensors."""
    from lewm_core.voice_prompt import _header

    text = json.dumps(_header(file) if header is None else header)
    out = file.with_name("damaged.safetensors")
    save_file({**load_file(file), **tensors}, out, {HEADER_KEY: text})
    return out


def test_damaged_files_are_refused(voice: Synthesiser, prompt: VoicePrompt, tmp_path: Path) -> None:
    file = prompt.save(tmp_path / "p.safetensors")
    good = load_file(file)
    from lewm_core.voice_prompt import _header

    header = _header(file)
    changes: list[dict[str, object]] = [
        {"header": {**header, "format_version": 2}}, {"header": {**header, "read": 7}},
        {"header": {**header, "read": ""}}, {"header": {**header, "seconds": "long"}}, {"header": [1]},
        {"latents": good["latents"][:-1]}, {"latents": good["latents"][:, :5].copy()},
        {"latents": np.full_like(good["latents"], np.nan)}, {"latents": good["latents"].astype(np.float64)},
        {"durations": good["durations"][:-1]}, {"durations": -good["durations"]},
        {"durations": good["durations"] * 2},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(PromptError, match=r"lewm prompt|version"):
            load_prompt(damaged(file, **change), voice.info)  # type: ignore[arg-type]
    for content in (b"", b"\x02\0\0\0\0\0\0\0[]", file.read_bytes()[:300], b"\xff" * 99):
        (tmp_path / "x.safetensors").write_bytes(content)
        with pytest.raises(PromptError):
            load_prompt(tmp_path / "x.safetensors", voice.info)
        assert isinstance(is_prompt_file(tmp_path / "x.safetensors"), bool)
    with pytest.raises(PromptError, match="cannot be read"):
        load_prompt(tmp_path / "none.safetensors", voice.info)


# ---------------------------------------------------------------------- the command line
def test_prompt_and_say_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_checkpoint(tmp_path / "tiny.safetensors")
    write_wav(tmp_path / "clip.wav", noise(1.0), 24_000, "PCM_16")
    common = ["--checkpoint", str(tmp_path / "tiny.safetensors"), "--json"]
    clip, file = str(tmp_path / "clip.wav"), str(tmp_path / "p.safetensors")
    assert main(["prompt", clip, WORDS, file, *common]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["out"] == file
    assert made["text"] == WORDS
    say = ["say", "Good bye.", "--vocoder", "griffin-lim", "--out", str(tmp_path / "a.wav"), *common]
    assert main([*say, "--prompt", file]) == 0
    from_file = json.loads(capsys.readouterr().out)["recipe"]["prompt"]
    assert main([*say, "--prompt", clip, "--prompt-text", WORDS]) == 0
    from_clip = json.loads(capsys.readouterr().out)["recipe"]["prompt"]
    assert from_file == from_clip
    for wrong, message in (
        (["--prompt", clip], "--prompt-text"),
        (["--prompt-text", WORDS], "--prompt"),
        (["--prompt", file, "--prompt-text", WORDS], "its own words"),
        (["--prompt", str(tmp_path / "tiny.safetensors")], "no voice prompt"),
    ):
        assert main([*say, *wrong]) == 2
        assert message in capsys.readouterr().err
