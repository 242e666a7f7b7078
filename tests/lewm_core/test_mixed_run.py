"""Laws of mixed runs: at their ends they are teacher forcing and the free run; between, they begin as the one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.inference import Synthesiser, finish
from lewm_core.mixed_run import MixedRun, MixedRunError, MixedSettings, mixed_run, own_steps, render_mixed
from lewm_core.model.lewm import LeWM
from lewm_core.model.text_batch import TextBatch
from tests.lewm_core.tiny import tiny_checkpoint, tiny_model

TEXT = TextBatch.of(["ə lˈɒŋɡə wˈʌn hˈɪə."])
WHO = torch.tensor([1])
END = 10.0
ATTENTION = {"alignment": "attention", "text_frontend": "bytes", "latents_per_step": 1}


def clip(frames: int = 150) -> torch.Tensor:
    return torch.randn(1, 100, frames, generator=torch.Generator().manual_seed(3)) - 4.0


def run(model: LeWM, **changes: object) -> MixedRun:
    return finish(mixed_run(model, TEXT, WHO, clip(), MixedSettings(**changes)))  # type: ignore[arg-type]


def endless(**changes: object) -> LeWM:
    model = tiny_model(**changes)
    with torch.no_grad():
        model.predictor.stop.bias.fill_(-20.0)
    return model


@pytest.mark.parametrize("changes", [{}, ATTENTION])
@pytest.mark.parametrize("forced", [{"free_from_s": END}, {"own_rate": 0.0}])
def test_never_free_is_teacher_forcing(changes: dict[str, object], forced: dict[str, object]) -> None:
    model = tiny_model(**changes)
    attention: list[torch.Tensor] = []
    latents, stop = model.teacher_forced(TEXT, WHO, clip(), attention)
    made = run(model, **forced, temperature=0.7)
    assert made.generated.stop_reason == "clip_end"
    assert not made.own_history.any()
    assert torch.allclose(made.generated.latents, latents[0], atol=1e-4)
    assert torch.allclose(made.generated.stop_probability, stop[0], atol=1e-4)
    assert made.generated.attention is not None
    assert torch.allclose(made.generated.attention, torch.stack(attention)[:, 0], atol=1e-4)


@pytest.mark.parametrize("changes", [{}, ATTENTION])
def test_free_from_the_start_is_the_free_run_along_the_same_plan(changes: dict[str, object]) -> None:
    model = endless(**changes)
    made = run(model, free_from_s=0.0, own_rate=1.0)
    steps = len(made.own_history)
    forcing = model.force(TEXT, WHO, clip())
    with torch.no_grad():
        plan = model.plan(forcing.memory, forcing.mask, forcing.durations, steps)
        free = model.denormalise(model.free_run(plan, WHO, steps))
    assert made.own_history.all()
    assert made.generated.stop_reason == "max_length"
    assert len(made.generated.latents) > forcing.length
    assert torch.allclose(made.generated.latents, free[0], atol=1e-4)


def test_it_begins_as_teacher_forcing_and_then_leaves_it() -> None:
    model = endless()
    forced = run(model, own_rate=0.0).generated.latents
    step_s = 4 * 2 * 256 / 24_000
    made = run(model, free_from_s=8.2 * step_s)
    free_steps = np.flatnonzero(made.own_history)
    assert free_steps[0] == 9
    same = 9 * 4
    assert torch.allclose(made.generated.latents[:same], forced[:same], atol=1e-4)
    assert not torch.allclose(made.generated.latents[same : same + 4], forced[same : same + 4], atol=1e-3)


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    model = endless()
    first, again, other = (run(model, own_rate=0.5, seed=seed, temperature=0.5) for seed in (4, 4, 5))
    assert torch.equal(first.generated.latents, again.generated.latents)
    assert not np.array_equal(first.own_history, other.own_history)
    assert first.generated.stop_reason == "clip_end", "the clip's latents were followed to their end"


@given(st.integers(0, 99), st.floats(0, 1), st.floats(0, 1), st.floats(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_higher_rate_adds_own_steps_and_none_before_the_moment(
    seed: int, one: float, other: float, free_from_s: float
) -> None:
    low, high = sorted((one, other))
    few, many = (own_steps(MixedSettings(free_from_s, rate, seed), 40, 0.085) for rate in (low, high))
    assert not (few & ~many).any()
    assert not many[: int(free_from_s / 0.085)].any()
    assert own_steps(MixedSettings(0.0, 1.0, seed), 40, 0.085).all()
    assert not own_steps(MixedSettings(0.0, 0.0, seed), 40, 0.085).any()


def test_it_stops_by_itself_only_where_it_is_free() -> None:
    model = tiny_model()
    with torch.no_grad():
        model.predictor.stop.bias.fill_(20.0)
    made = run(model, free_from_s=0.8)
    assert made.generated.stop_reason == "stop_head"
    assert made.own_history.sum() == 1, "at its first step of its own"
    assert len(made.own_history) * 4 * 2 * 256 / 24_000 == pytest.approx(0.8, abs=0.2)


def test_cancelled_it_keeps_what_was_made() -> None:
    asked = iter([False, False, True])
    made = run(endless(), cancelled=lambda: next(asked))
    assert made.generated.stop_reason == "cancelled"
    assert len(made.generated.latents) == 8


@pytest.mark.parametrize("bad", [{"free_from_s": -0.1}, {"free_from_s": float("nan")}, {"own_rate": 1.1}])
def test_what_cannot_be_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(MixedRunError):
        MixedSettings(**bad)


def test_rendered_at_its_end_it_is_the_comparison_s_teacher_forced_pane(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "tiny.safetensors")
    voice = Synthesiser.load(tmp_path / "tiny.safetensors")
    wave = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    panes = finish(voice.compare(wave, "A short one.", "ada")).panes
    forced = panes["teacher_forced"]
    made = finish(render_mixed(voice, wave, "A short one.", "ada", MixedSettings(free_from_s=END)))
    np.testing.assert_allclose(made.rendering.mel, forced.mel, atol=1e-3)
    assert made.rendering.wave.shape == forced.wave.shape
    assert made.recipe["free_from_s"] == END
    for pane, own in ((forced, False), (made.rendering, False), (panes["autoregressive"], True)):
        trace = pane.trace
        assert trace is not None
        layers, heads, steps, units = trace.attention.shape
        assert (layers, heads, steps) == (2, 2, len(trace.stop_probability))
        assert "".join(trace.units) == "ɐʃˈɔːɹtwˌʌn."
        assert units == len(trace.units) == len(trace.spans)
        np.testing.assert_allclose(trace.attention.astype(np.float32).sum(-1), 1.0, atol=5e-3)
        assert (trace.own_history == own).all()
        planned = trace.planned_units()
        there = planned[np.isfinite(planned)]
        assert (np.diff(there) >= 0).all()
        assert there.max() < units
    assert panes["ground_truth"].trace is panes["reconstruction"].trace is None
    free = finish(render_mixed(voice, wave, "A short one.", "ada", MixedSettings(free_from_s=0.5)))
    assert free.rendering.trace is not None
    assert free.rendering.trace.own_history.any()
    assert free.remark == "free from 0.50 s"
