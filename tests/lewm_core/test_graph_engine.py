"""Laws of the engine that speaks: it says what the model in torch says, alone or in any company, and eight bits
change nothing that is heard."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lewm_core.checkpoint import load_arrays
from lewm_core.checkpoint_shapes import checkpoint_shapes
from lewm_core.config import PRESETS, ModelConfig
from lewm_core.graph_engine import GraphEngine, GraphRun, Known, speak, speak_all
from lewm_core.graph_voice import GraphVoice
from lewm_core.graphs.builder import Graph, in_blocks
from lewm_core.inference import embedded_checkpoint
from lewm_core.model.lewm import LeWM
from lewm_core.model.prompt_fill import PromptSteps
from lewm_core.model.text_batch import TextBatch
from lewm_core.phonemes import phonemise
from lewm_core.sampling import SamplingSettings
from lewm_core.step_memory import StepMemory
from tests.lewm_core.test_inference_engine import BY_ATTENTION, JOBS, PLANNED, TEXTS, Job, chatty_model
from tests.lewm_core.tiny import tiny_config

KINDS = pytest.mark.parametrize(
    "changes",
    [PLANNED, BY_ATTENTION, {"downsample_factor": 4, "predictor_heads": 4}],
    ids=["planned", "attention", "4x, heads of 4"],
)


def shares(index: int, speakers: int = 3) -> np.ndarray:
    row = np.zeros((1, speakers), np.float32)
    row[0, index] = 1
    return row


def finished(run: object) -> object:
    while True:
        try:
            next(run)  # type: ignore[call-overload]
        except StopIteration as end:
            return end.value


def alone(voice: GraphVoice, job: Job, known: Known | None = None) -> GraphRun:
    made = finished(speak(voice, job.text, shares(job.speaker), job.settings(), known))
    assert isinstance(made, GraphRun)
    return made


def latents(run: GraphRun) -> np.ndarray:
    return np.concatenate(run.latents)


# The graphs and the model


@KINDS
def test_it_says_what_the_model_in_torch_says(changes: dict[str, object]) -> None:
    model = chatty_model(**changes)
    voice = GraphVoice.of(model, "float32")
    for number, text in enumerate(TEXTS):
        for temperature, speed in ((0.0, 1.0), (1.0, 0.6)):
            job = Job(text, number % 3, number, temperature, speed, 0, None)
            run = model.generate(TextBatch.of([text]), torch.tensor([number % 3]), job.settings())
            expected, made = finished(run), alone(voice, job)
            assert made.stop_reason == expected.stop_reason  # type: ignore[attr-defined]
            np.testing.assert_allclose(latents(made), expected.latents.numpy(), atol=1e-4)  # type: ignore[attr-defined]
            np.testing.assert_allclose(made.stop_probabilities, expected.stop_probability.numpy(), atol=1e-4)  # type: ignore[attr-defined]
            mel, _ = voice.decoder.run(voice.decoder.begin(), latents(made), is_last=True)
            with torch.inference_mode():
                whole = model.mel_decoder(expected.latents[None])[0].numpy()  # type: ignore[attr-defined]
            np.testing.assert_allclose(mel.T, whole, atol=1e-4)


@KINDS
def test_it_goes_on_from_known_speech_as_the_model_in_torch_does(changes: dict[str, object]) -> None:
    model = chatty_model(**changes)
    voice = GraphVoice.of(model, "float32")
    config = model.config
    r, d = config.latents_per_step, config.latent_dim
    said = "jˈɛs."
    units = int(TextBatch.of([said]).units[0])
    history = np.random.default_rng(4).standard_normal((units, r * d), dtype=np.float32)
    durations = np.full(units, r) if config.alignment == "durations" else None
    job = Job(f"{said} {TEXTS[3]}", 1, 5, 0.7, 1.0, 0, None)
    steps = PromptSteps(
        torch.from_numpy(history),
        None if durations is None else torch.from_numpy(durations)[None],
        len(said.encode()),
    )
    expected = finished(model.generate(TextBatch.of([job.text]), torch.tensor([1]), job.settings(), steps))
    made = alone(voice, job, Known(history, durations, len(said.encode())))
    assert made.stop_reason == expected.stop_reason  # type: ignore[attr-defined]
    np.testing.assert_allclose(latents(made), expected.latents.numpy(), atol=1e-4)  # type: ignore[attr-defined]
    assert not np.allclose(latents(made)[:r], latents(alone(voice, job))[:r], atol=1e-3)


def test_attention_and_blends_are_those_of_the_model_in_torch() -> None:
    model = chatty_model()
    voice = GraphVoice.of(model, "float32")
    blend = np.array([[0.5, 0.2, 0.3]], np.float32)
    wanted = SamplingSettings(need_attention=True, max_seconds=1.0)
    expected = finished(model.generate(TextBatch.of([TEXTS[3]]), torch.from_numpy(blend), wanted))
    made = finished(speak(voice, TEXTS[3], blend, wanted))
    assert isinstance(made, GraphRun)
    np.testing.assert_allclose(latents(made), expected.latents.numpy(), atol=1e-4)  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.stack(made.attention, 2), expected.attention.numpy(), atol=1e-4)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(made.durations, expected.durations.numpy())  # type: ignore[attr-defined,arg-type]
    mixed = np.stack([latents(alone(voice, Job(TEXTS[3], n, 0, 0.0, 1.0, 0, None)))[:4] for n in range(3)])
    assert np.abs(mixed[0] - latents(made)[:4]).max() > 1e-4


CONFIGS = [
    *(item.model for item in PRESETS.values()), tiny_config(), tiny_config(downsample_factor=4),
    tiny_config(alignment="attention", text_frontend="bytes"),
]  # fmt: skip


@pytest.mark.parametrize("config", CONFIGS)
def test_the_shapes_are_those_of_the_model(config: ModelConfig) -> None:
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in LeWM(config).state_dict().items()}
    assert checkpoint_shapes(config) == expected


# Company


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("changes", [PLANNED, BY_ATTENTION], ids=["planned", "attention"])
def test_a_run_does_not_depend_on_what_else_is_in_the_batch(
    changes: dict[str, object], precision: str
) -> None:
    voice = GraphVoice.of(chatty_model(**changes), precision)

    @given(st.lists(JOBS, min_size=1, max_size=6), st.integers(1, 4))
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def law(jobs: list[Job], max_rows: int) -> None:
        for job, made in zip(jobs, together(voice, jobs, max_rows), strict=True):
            expected = alone(voice, job)
            steps = len(expected.latents)
            if job.leave_after is not None:
                steps = min(steps, job.leave_after)
            assert len(made.latents) == steps
            if steps:
                np.testing.assert_allclose(
                    latents(made), np.concatenate(expected.latents[:steps]), atol=1e-4, rtol=0
                )
            if made.stop_reason != "cancelled":
                assert made.stop_reason == expected.stop_reason

    law()


def together(voice: GraphVoice, jobs: list[Job], max_rows: int) -> list[GraphRun]:
    """All jobs in one engine, joining when they say (or when there is room) and leaving when they say."""
    engine = GraphEngine(voice, max_rows)
    waiting = sorted(range(len(jobs)), key=lambda i: jobs[i].join_at)
    runs: dict[int, GraphRun] = {}
    for time in range(2_000):
        while waiting and engine.has_room and jobs[waiting[0]].join_at <= time:
            number = waiting.pop(0)
            runs[number] = engine.join(
                jobs[number].text, shares(jobs[number].speaker), jobs[number].settings()
            )
        for number, run in runs.items():
            if run.stop_reason is None and len(run.latents) == jobs[number].leave_after:
                engine.leave(run)
        if not waiting and not engine.runs:
            break
        engine.step()
    return [runs[number] for number in range(len(jobs))]


def test_the_law_notices_a_cache_that_is_read_beyond_a_row_s_own_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    voice = GraphVoice.of(chatty_model(), "float32")
    jobs = [Job(TEXTS[4], 0, 1, 0.0, 0.5, 0, None), Job(TEXTS[3], 1, 2, 0.0, 0.5, 6, None)]
    expected = latents(alone(voice, jobs[1]))
    np.testing.assert_allclose(latents(together(voice, jobs, 2)[1]), expected, atol=1e-4)
    advance = StepMemory.advance

    def level(memory: StepMemory, *arguments: object) -> object:
        memory._steps = [max(memory._steps)] * memory.rows
        return advance(memory, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(StepMemory, "advance", level)
    wrong = latents(together(voice, jobs, 2)[1])
    length = min(len(wrong), len(expected))
    assert np.abs(wrong[:length] - expected[:length]).max() > 1e-4


def test_a_full_batch_refuses_and_one_that_left_makes_room() -> None:
    engine = GraphEngine(GraphVoice.of(chatty_model()), max_rows=2)
    first, _ = (engine.join(TEXTS[4], shares(0), SamplingSettings(max_seconds=1.5)) for _ in range(2))
    with pytest.raises(IndexError, match="full"):
        engine.join("ə", shares(0), SamplingSettings())
    engine.step()
    engine.leave(first)
    assert engine.has_room
    assert first.stop_reason == "cancelled"
    assert len(first.latents) == 1
    assert first not in engine.runs
    assert GraphEngine(engine.voice).step() == []


def test_memory_grows_only_when_a_run_joins() -> None:
    engine = GraphEngine(GraphVoice.of(chatty_model()), max_rows=3)
    for _ in range(3):
        engine.join(TEXTS[4], shares(0), SamplingSettings(speed=0.2, max_seconds=3.0))
    arrays = dict(engine._memory._arrays)
    while engine.runs:
        engine.step()
        assert all(engine._memory._arrays[name] is array for name, array in arrays.items())


def test_speak_all_keeps_the_batch_full_and_numbers_the_results() -> None:
    voice = GraphVoice.of(chatty_model())
    jobs = [Job(TEXTS[n % 5], n % 3, n, 0.7, 1.0, 0, None) for n in range(9)]
    made = dict(speak_all(voice, [(job.text, shares(job.speaker), job.settings()) for job in jobs], 4))
    assert sorted(made) == list(range(9))
    for number, job in enumerate(jobs):
        np.testing.assert_allclose(latents(made[number]), latents(alone(voice, job)), atol=1e-4)


# Eight bits


@lru_cache(maxsize=2)
def embedded(precision: str) -> GraphVoice:
    arrays, info = load_arrays(embedded_checkpoint())
    return GraphVoice(info.config, arrays, precision)


SENTENCES = (
    ("Yes.", "en-US", 3),
    ("When the rain finally stopped, the children ran outside and looked for a rainbow.", "en-GB", 9),
    ("What time does the train to the city leave tomorrow?", "en-US", 5),
    ("आज सुबह से बारिश हो रही है, इसलिए हम घर पर ही रहेंगे।", "hi", 0),
)


@pytest.mark.parametrize(("text", "language", "speaker"), SENTENCES)
def test_eight_bits_stay_near_float32_with_the_embedded_voice(text: str, language: str, speaker: int) -> None:
    """The distances that docs/engine.md states."""
    exact, rounded = embedded("float32"), embedded("int8")
    wanted = (phonemise(text, language), shares(speaker, exact.config.n_speakers), SamplingSettings())
    expected, made = finished(speak(exact, *wanted)), finished(speak(rounded, *wanted))
    assert isinstance(expected, GraphRun)
    assert isinstance(made, GraphRun)
    assert made.stop_reason == expected.stop_reason == "stop_head"
    assert len(made.latents) == len(expected.latents)
    distance = np.abs(latents(made) - latents(expected)) / exact.latent_std
    assert 0 < distance.mean() < 0.01
    mels = [
        exact.decoder.run(exact.decoder.begin(), latents(run), is_last=True)[0] for run in (made, expected)
    ]
    assert np.abs(mels[0] - mels[1]).mean() < 0.03


@given(st.integers(1, 9), st.integers(1, 200), st.floats(-4, 4))
@settings(max_examples=40, deadline=None)
def test_rounding_to_bytes_is_off_by_half_a_step_at_most(rows: int, columns: int, power: float) -> None:
    weight = np.random.default_rng(rows).normal(0, 10.0**power, (rows, columns)).astype(np.float32)
    packed, scales = in_blocks(weight)
    again = ((packed.astype(np.float32) - 128) * scales[:, :, None]).reshape(rows, -1)
    step = np.repeat(scales, packed.shape[2], axis=1)
    assert (np.abs(again[:, :columns] - weight) <= 0.501 * step[:, :columns]).all()
    assert not again[:, columns:].any()


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="int8"):
        Graph("g", "int3")
