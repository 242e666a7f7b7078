"""Mixed runs and what is measured of them, with the real core on a tiny model, through the engine's backend."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from app.binding_drift import attention_map
from app.engine_backend import CoreBackend
from app.engine_messages import Analyse, Analysed, Compare, Compared, DrawFigure, LoadVoice, OpenClip
from app.engine_report import core_comparison
from app.messages_mixed import MixedMade, RunMixed
from app.messages_report import WriteReport
from lewm_core.mixed_run import MixedRunError
from lewm_core.resources_path import resource
from tests.lewm_core.tiny import tiny_checkpoint

TEXT, FORCED, FREE, MIXED = "All night.", "teacher_forced", "autoregressive", "mixed"


def finish(backend: CoreBackend, request, cancelled=lambda: False):
    job = backend.run(request, cancelled)
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value


@pytest.fixture(scope="module")
def backend(tmp_path_factory) -> CoreBackend:
    path = tmp_path_factory.mktemp("voice") / "tiny.safetensors"
    tiny_checkpoint(path)
    backend = CoreBackend()
    finish(backend, LoadVoice(str(path), "griffin-lim"))
    return backend


@pytest.fixture(scope="module")
def compared(backend) -> Compared:
    wave = finish(backend, OpenClip(str(resource("clips", "heart-sailors.ogg")))).wave[:36_000]
    return finish(backend, Compare(wave, TEXT, "ada", 0, 0.0))


def mixed(backend, compared: Compared, free_from_s: float, own_rate: float, cancelled=lambda: False) -> MixedMade:
    request = RunMixed(compared.original, TEXT, "ada", 0, 0.0, free_from_s, own_rate)
    return finish(backend, request, cancelled)


def analysed(backend, compared: Compared, free, stop_reason: str = "clip_end") -> Analysed:
    panes = {**compared.panes, MIXED: free}
    request = Analyse(
        {key: pane.mel for key, pane in panes.items()}, stop_reason, 24_000, 256,
        {key: pane.latents for key, pane in panes.items() if pane.latents is not None},
        {key: pane.trace for key, pane in panes.items() if pane.trace is not None},
        free=MIXED, errors=False,
    )  # fmt: skip
    return finish(backend, pickle.loads(pickle.dumps(request)))  # noqa: S301 (as the pipe does)


def test_a_run_that_is_never_free_is_the_teacher_forced_pane_and_stays_on_its_path(backend, compared):
    made = mixed(backend, compared, 99.0, 1.0)
    np.testing.assert_allclose(made.pane.mel, compared.panes[FORCED].mel, atol=1e-3)
    assert made.stop_reason == "clip_end"
    analysis = analysed(backend, compared, made.pane)
    assert analysis.drift.verdict == "stays on path"
    assert np.nanmax(np.abs(analysis.drift.energy_ratio_db)) < 0.1
    maps = analysis.latent_maps
    np.testing.assert_allclose(maps.forced, maps.free, atol=0.02)
    assert maps.latent_s == pytest.approx(2 * 256 / 24_000, rel=0.02)


def test_attention_of_both_runs_is_measured_and_can_be_drawn(backend, compared):
    made = mixed(backend, compared, 0.4, 0.5)
    assert made.remark == "free from 0.40 s, 50 % own history"
    analysis = analysed(backend, compared, made.pane)
    assert set(analysis.attention) == {FORCED, FREE, MIXED}
    assert analysis.panes == {}, "errors are not measured again"
    for key, trace in ((FORCED, compared.panes[FORCED].trace), (MIXED, made.pane.trace)):
        view = attention_map(trace, analysis.attention[key])
        layers, heads, steps, units = view.weights.shape
        assert view.paths.shape == (layers, heads, steps)
        assert view.mean.shape == (steps, units)
        assert len(view.labels) == units
        assert set(view.tips) == {None, *((layer, head) for layer in range(layers) for head in range(heads))}
        assert "units off the plan" in view.tips[None]


def test_figure_and_report_name_the_mixed_run(backend, compared, tmp_path):
    made = mixed(backend, compared, 0.4, 1.0)
    shown = replace(compared, panes={**compared.panes, MIXED: made.pane})
    panes = core_comparison(shown).panes
    assert panes[MIXED].title == "Mixed run: free from 0.40 s"
    assert panes[FREE].title == ""
    picture = tmp_path / "figure.svg"
    finish(backend, DrawFigure(shown, str(picture), np.zeros((256, 3), np.uint8), (-60.0, 20.0)))
    assert picture.stat().st_size > 0
    page = tmp_path / "report.html"
    colours = np.zeros((256, 3), np.uint8)
    finish(backend, WriteReport(shown, str(page), "clip.ogg", (), colours, (-60.0, 20.0)))
    written = page.read_text(encoding="utf-8")
    assert "Mixed run: free from 0.40 s" in written
    assert "Autoregressive" in written, "beside the free run, not in its place"


def test_a_planted_failure_to_stop_is_named(backend, compared):
    model = backend._voice.model
    kept = model.predictor.stop.bias.detach().clone()
    try:
        model.predictor.stop.bias.data.fill_(-20.0)
        made = mixed(backend, compared, 0.0, 1.0)
    finally:
        model.predictor.stop.bias.data.copy_(kept)
    assert made.stop_reason == "max_length"
    assert made.pane.trace.stop_probability.max() < 0.01
    analysis = analysed(backend, compared, made.pane, made.stop_reason)
    assert analysis.drift.verdict.endswith("does not stop")


def test_a_cancelled_run_ends_and_an_impossible_one_is_refused(backend, compared):
    assert mixed(backend, compared, 0.4, 1.0, lambda: True).stop_reason == "cancelled"
    with pytest.raises(MixedRunError):
        mixed(backend, compared, 0.0, 1.5)
