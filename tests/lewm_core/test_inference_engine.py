"""Laws of the batched engine: nothing in a batch changes what else is in it; runs join, end and leave."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lewm_core.inference_engine import Engine, Run, lay_out_for_steps, one_thread, run_all
from lewm_core.model.lewm import Generated, LeWM, SamplingSettings
from lewm_core.model.text_batch import TextBatch
from tests.lewm_core.tiny import tiny_model

TEXTS = ("ə", "jˈɛs.", "wˈʌn tˈuː", "həlˈəʊ, wˈɜːld.", "ə mˌʌtʃ lˈɒŋɡə sˈɛntəns, ˈɪndiːd, ðæn ˈɛni ˈʌðə.")
PLANNED: dict[str, object] = {}
BY_ATTENTION: dict[str, object] = {"alignment": "attention", "text_frontend": "bytes", "latents_per_step": 1}


def chatty_model(**changes: object) -> LeWM:
    """A tiny model whose runs last from a few to a few dozen steps, some ended by the stop head."""
    model = tiny_model(seed=2, **changes)
    with torch.no_grad():
        if model.duration is not None:
            model.duration.project_out.bias.fill_(1.6)
        # A stop probability that wanders about the threshold, so that runs end at different steps.
        model.predictor.stop.weight.mul_(5.0)
        model.predictor.stop.bias.fill_(-3.0)
    return model


@dataclass(frozen=True)
class Job:
    text: str
    speaker: int
    seed: int
    temperature: float
    speed: float
    join_at: int
    leave_after: int | None

    def settings(self) -> SamplingSettings:
        return SamplingSettings(
            seed=self.seed, temperature=self.temperature, speed=self.speed, max_seconds=1.5
        )

    def join(self, engine: Engine) -> Run:
        return engine.join(TextBatch.of([self.text]), torch.tensor([self.speaker]), self.settings())


JOBS = st.builds(
    Job,
    text=st.sampled_from(TEXTS),
    speaker=st.integers(0, 2),
    seed=st.integers(0, 2**63 - 1),
    temperature=st.sampled_from([0.0, 0.5, 1.0]),
    speed=st.sampled_from([0.5, 1.0, 1.7]),
    join_at=st.integers(0, 12),
    leave_after=st.one_of(st.none(), st.integers(0, 8)),
)


def alone(model: LeWM, job: Job) -> Generated:
    """The job in a batch of one, through the public ``generate``."""
    run = model.generate(TextBatch.of([job.text]), torch.tensor([job.speaker]), job.settings())
    while True:
        try:
            next(run)
        except StopIteration as end:
            made: Generated = end.value
            return made


def together(model: LeWM, jobs: list[Job], max_rows: int) -> list[Generated]:
    """All jobs in one engine, joining when they say (or when there is room) and leaving when they say."""
    engine = Engine(model, max_rows)
    waiting = sorted(range(len(jobs)), key=lambda i: jobs[i].join_at)
    runs: dict[int, Run] = {}
    for time in range(2_000):
        while waiting and engine.has_room and jobs[waiting[0]].join_at <= time:
            number = waiting.pop(0)
            runs[number] = jobs[number].join(engine)
        for number, run in runs.items():
            if run.stop_reason is None and len(run.latents) == jobs[number].leave_after:
                engine.leave(run)
        if not waiting and not engine.runs:
            break
        engine.step()
    return [runs[number].result() for number in range(len(jobs))]


@pytest.mark.parametrize("changes", [PLANNED, BY_ATTENTION], ids=["planned", "attention"])
def test_a_run_does_not_depend_on_what_else_is_in_the_batch(changes: dict[str, object]) -> None:
    model = chatty_model(**changes)

    @given(st.lists(JOBS, min_size=1, max_size=6), st.integers(1, 4))
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def law(jobs: list[Job], max_rows: int) -> None:
        for job, made in zip(jobs, together(model, jobs, max_rows), strict=True):
            expected = alone(model, job)
            length = len(expected.latents)
            if job.leave_after is not None:
                length = min(length, job.leave_after * model.config.latents_per_step)
            assert len(made.latents) == length
            assert torch.allclose(made.latents, expected.latents[:length], atol=1e-4)
            if made.stop_reason != "cancelled":
                assert made.stop_reason == expected.stop_reason
                assert torch.allclose(made.stop_probability, expected.stop_probability, atol=1e-4)

    law()


def test_the_model_of_the_law_above_ends_runs_in_different_ways() -> None:
    """Otherwise the law would say little."""
    model = chatty_model()
    made = [alone(model, Job(text, 0, seed, 1.0, 1.0, 0, None)) for text in TEXTS[1:] for seed in range(4)]
    assert {run.stop_reason for run in made} == {"stop_head", "max_length"}
    assert len({len(run.latents) for run in made}) > 4
    assert all(torch.isfinite(run.latents).all() for run in made)


def test_neighbours_do_change_the_row_when_its_mask_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law notices a cache that is read beyond a row's own length."""
    model = chatty_model()
    jobs = [Job(TEXTS[4], 0, 1, 0.0, 0.5, 0, None), Job(TEXTS[3], 1, 2, 0.0, 0.5, 6, None)]
    expected = alone(model, jobs[1]).latents
    assert torch.allclose(together(model, jobs, 2)[1].latents, expected, atol=1e-4)
    from lewm_core.model import predictor_state

    kept = predictor_state.StepPlace
    monkeypatch.setattr(
        predictor_state,
        "StepPlace",
        lambda steps, rows, at, cos, sin, bias: kept(
            steps, rows, at, cos, sin, None if bias is None else bias * 0 + 0
        ),
    )
    wrong = together(model, jobs, 2)[1].latents
    length = min(len(wrong), len(expected))
    assert not torch.allclose(wrong[:length], expected[:length], atol=1e-4)


def test_a_full_batch_refuses_and_one_that_left_makes_room() -> None:
    engine = Engine(chatty_model(), max_rows=2)
    first, _ = (Job(TEXTS[4], 0, n, 0.0, 1.0, 0, None).join(engine) for n in range(2))
    assert not engine.has_room
    with pytest.raises(IndexError, match="full"):
        Job("ə", 0, 0, 0.0, 1.0, 0, None).join(engine)
    engine.step()
    engine.leave(first)
    assert engine.has_room
    assert first.stop_reason == "cancelled"
    assert len(first.result().latents) == 4
    assert first not in engine.runs


def test_an_empty_batch_makes_no_step() -> None:
    assert Engine(chatty_model()).step() == []


def test_memory_grows_only_when_a_run_joins() -> None:
    engine = Engine(chatty_model(), max_rows=3)
    for _ in range(3):
        Job(TEXTS[4], 0, 0, 0.0, 0.2, 0, None).join(engine)
    keys = engine._state.keys  # type: ignore[union-attr]
    while engine.runs:
        engine.step()
        assert engine._state.keys is keys  # type: ignore[union-attr]


def test_attention_is_kept_for_those_who_asked() -> None:
    model = chatty_model()
    engine = Engine(model)
    wants = [True, False, True]
    runs = [
        engine.join(
            TextBatch.of([text]), torch.tensor([0]), SamplingSettings(need_attention=want, max_seconds=1.0)
        )
        for text, want in zip(TEXTS[2:], wants, strict=True)
    ]
    while engine.runs:
        engine.step()
    for run, text, want in zip(runs, TEXTS[2:], wants, strict=True):
        attention = run.result().attention
        assert (attention is not None) == want
        if attention is not None:
            assert attention.shape[3] == int(TextBatch.of([text]).units[0])
            assert torch.allclose(attention.sum(-1), torch.ones(attention.shape[:3]), atol=1e-4)


def test_run_all_keeps_the_batch_full_and_numbers_the_results() -> None:
    model = chatty_model()
    jobs = [Job(TEXTS[n % 5], n % 3, n, 0.7, 1.0, 0, None) for n in range(9)]
    items = [(TextBatch.of([job.text]), torch.tensor([job.speaker]), job.settings()) for job in jobs]
    made = dict(run_all(model, items, max_rows=4))
    assert sorted(made) == list(range(9))
    for number, job in enumerate(jobs):
        assert torch.allclose(made[number].latents, alone(model, job).latents, atol=1e-4)


def test_the_number_of_threads_is_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyError), one_thread():
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_layout_of_the_weights_changes_neither_speech_nor_checkpoint() -> None:
    model, job = chatty_model(), Job(TEXTS[4], 1, 3, 0.5, 1.0, 0, None)
    before = alone(model, job)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    lay_out_for_steps(model)
    after = alone(model, job)
    assert torch.allclose(after.latents, before.latents, atol=1e-5)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
