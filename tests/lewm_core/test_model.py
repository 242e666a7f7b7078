"""Laws of the model: shapes, presets, cache equals full pass, same seed same speech, limits and stops."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.config import PRESETS, ConfigError, ModelConfig, from_dict, preset, to_dict
from lewm_core.model.lewm import LeWM, SamplingSettings
from lewm_core.model.text_batch import TextBatch
from lewm_core.model.text_encoder import whole_durations
from tests.lewm_core.tiny import tiny_config, tiny_model


def run(model: LeWM, text: str, **settings_: object) -> object:
    job = model.generate(TextBatch.of([text]), torch.tensor([1]), SamplingSettings(**settings_))  # type: ignore[arg-type]
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize(("name", "millions"), [("v3", 24.0), ("v3b", 24.0), ("v3c", 21.1)])
def test_presets_have_their_published_size(name: str, millions: float) -> None:
    with torch.device("meta"):
        model = LeWM(preset(name).model)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.01)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("frames", [8, 61, 100])
def test_autoencoder_keeps_time(factor: int, frames: int) -> None:
    model = tiny_model(downsample_factor=factor)
    with torch.no_grad():
        latents = model.encode(torch.randn(2, 100, frames))
        mel = model.mel_decoder(latents)
    assert latents.shape == (2, -(-frames // factor), 8)
    assert mel.shape == (2, 100, latents.shape[1] * factor)


@pytest.mark.parametrize(
    "changes", [{}, {"alignment": "attention", "text_frontend": "bytes", "latents_per_step": 1}]
)
def test_cached_steps_equal_the_full_pass(changes: dict[str, object]) -> None:
    model = tiny_model(**changes)
    speaker = torch.tensor([0, 2])
    text = TextBatch.of(["həlˈəʊ.", "ə lˈɒŋɡə wˈʌn hˈɪə."])
    with torch.no_grad():
        memory, mask = model.encode_text(text, speaker)
        durations = None
        if model.duration is not None:
            durations = whole_durations(model.duration(memory, mask), mask) + 2 * mask
        plan = model.plan(memory, mask, durations, 20)
        free = model.free_run(plan, speaker, 20)
        full, _ = model.predictor(model.predictor.shift(free), plan, speaker)
    assert free.std() > 0
    assert torch.allclose(free, full, atol=1e-4)


def test_padding_of_a_batch_changes_nothing() -> None:
    model = tiny_model()
    texts = ["jˈɛs.", "ə mˌʌtʃ lˈɒŋɡə sˈɛntəns, ˈɪndiːd."]
    with torch.no_grad():
        together, mask = model.encode_text(TextBatch.of(texts), torch.tensor([1, 1]))
        for row, text in enumerate(texts):
            alone, _ = model.encode_text(TextBatch.of([text]), torch.tensor([1]))
            assert torch.allclose(together[row][mask[row]], alone[0], atol=1e-5)


def test_same_seed_same_speech_other_seed_other_speech() -> None:
    model = tiny_model()
    first, again = (run(model, "wˈʌn", seed=3, temperature=0.8) for _ in range(2))
    other = run(model, "wˈʌn", seed=4, temperature=0.8)
    assert torch.equal(first.latents, again.latents)
    assert not torch.equal(first.latents, other.latents[: len(first.latents)])


def test_without_temperature_the_seed_does_not_matter() -> None:
    model = tiny_model()
    assert torch.equal(run(model, "tˈuː", seed=1).latents, run(model, "tˈuː", seed=2).latents)


def test_stop_head_ends_the_run_and_says_so() -> None:
    model = tiny_model()
    with torch.no_grad():
        model.predictor.stop.bias.fill_(20.0)
        model.duration.project_out.bias.fill_(3.0)
    made = run(model, "θɹˈiː", min_seconds=0.5)
    assert made.stop_reason == "stop_head"
    assert len(made.latents) * 2 / 93.75 == pytest.approx(0.5, abs=0.1)


def test_a_run_that_never_stops_is_bounded_and_says_so() -> None:
    model = tiny_model(alignment="attention")
    with torch.no_grad():
        model.predictor.stop.bias.fill_(-20.0)
    made = run(model, "fˈɔː", max_seconds=2.0)
    assert made.stop_reason == "max_length"
    assert len(made.latents) * 2 / 93.75 <= 2.0


def test_cancel_takes_effect_at_the_next_step_and_keeps_what_was_made() -> None:
    model = tiny_model()
    with torch.no_grad():
        model.predictor.stop.bias.fill_(-20.0)
    asked = iter([False, False, True])
    made = run(model, "ə lˈɒŋ lˈɒŋ sˈɛntəns", cancelled=lambda: next(asked))
    assert made.stop_reason == "cancelled"
    assert len(made.latents) == 8


def test_attention_is_a_distribution_for_every_layer_and_head() -> None:
    model = tiny_model()
    made = run(model, "fˈaɪv", need_attention=True)
    layers, heads, steps, units = made.attention.shape
    assert (layers, heads, units) == (2, 2, 4)
    assert steps * 4 == len(made.latents)
    assert torch.allclose(made.attention.sum(-1), torch.ones(layers, heads, steps), atol=1e-4)


@pytest.mark.parametrize(
    "changes", [{}, {"alignment": "attention", "text_frontend": "bytes", "latents_per_step": 1}]
)
def test_attention_of_teacher_forcing_is_that_of_the_steps(changes: dict[str, object]) -> None:
    model = tiny_model(**changes)
    speaker, steps = torch.tensor([0, 2]), 12
    with torch.no_grad():
        memory, mask = model.encode_text(TextBatch.of(["jˈɛs.", "ə lˈɒŋɡə wˈʌn hˈɪə."]), speaker)
        plan = model.plan(memory, mask, None if model.duration is None else 2 * mask, steps)
        state = model.predictor.start_state(plan, speaker, steps)
        made = []
        for _ in range(steps):
            latents, _, weights = model.predictor.step(state, need_weights=True)
            state.last = latents.flatten(1)
            made.append((latents, weights))
        history = model.predictor.shift(torch.cat([latents for latents, _ in made], dim=1))
        attention: list[torch.Tensor] = []
        with_weights = model.predictor(history, plan, speaker, attention)
        without = model.predictor(history, plan, speaker)
    layers = torch.stack(attention)
    assert layers.shape == (2, 2, 2, steps, mask.shape[1])
    assert torch.allclose(layers.sum(-1), torch.ones(layers.shape[:-1]), atol=1e-5)
    assert not layers[:, 0, ..., ~mask[0]].any()
    assert torch.allclose(layers, torch.stack([weights for _, weights in made], dim=3), atol=1e-5)
    assert all(torch.equal(a, b) for a, b in zip(with_weights, without, strict=True))


def test_speed_scales_the_planned_length() -> None:
    model = tiny_model()
    with torch.no_grad():
        model.predictor.stop.bias.fill_(-20.0)
        model.duration.project_out.bias.fill_(2.5)
    slow, fast = run(model, "ə tˈɛst", speed=1.0), run(model, "ə tˈɛst", speed=2.0)
    assert len(fast.latents) < 0.75 * len(slow.latents)


@given(st.lists(st.floats(-1.0, 3.0), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_rounded_durations_keep_the_total(values: list[float]) -> None:
    logs = torch.tensor([values])
    mask = torch.ones_like(logs, dtype=torch.bool)
    whole = whole_durations(logs, mask)
    assert (whole >= 0).all()
    assert abs(float(whole.sum()) - float(logs.exp().clamp(0.5, 150).sum())) <= 0.51


def test_config_survives_json_and_refuses_what_it_does_not_know() -> None:
    for item in PRESETS.values():
        assert from_dict(ModelConfig, to_dict(item.model)) == item.model
    with pytest.raises(ConfigError, match="no wings"):
        from_dict(ModelConfig, {"wings": 2})
    with pytest.raises(ConfigError, match="latent_dim"):
        from_dict(ModelConfig, {"latent_dim": "many"})
    with pytest.raises(ConfigError, match="2 or 4"):
        tiny_config(downsample_factor=3)
    with pytest.raises(ConfigError, match="v3c"):
        preset("v9")


def test_a_plan_is_the_same_beside_a_longer_text() -> None:
    """The last, partly filled step is centred on the row's own last unit, not on the padding."""
    from lewm_core.model.text_plan import LengthRegulator

    torch.manual_seed(0)
    regulator, memory = LengthRegulator(tiny_config()), torch.randn(2, 9, 16)
    durations = torch.tensor([[3, 2, 0, 0, 0, 0, 0, 0, 0], [2, 1, 1, 1, 1, 1, 1, 1, 1]])
    pair = regulator(memory, durations > 0, durations, steps=3)
    alone = regulator(memory[:1, :2], durations[:1, :2] > 0, durations[:1, :2], steps=3)
    torch.testing.assert_close(pair.centre[:1], alone.centre)
    torch.testing.assert_close(pair.frames[:1], alone.frames)
