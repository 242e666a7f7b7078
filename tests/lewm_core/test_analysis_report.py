"""All numbers of a pane together, the command that prints them, and both on the voice that ships."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lewm_core.analysis.drift import measure_drift
from lewm_core.analysis.drift_verdict import drift_verdict
from lewm_core.analysis.formant_blur import formant_blur, smooth_along_frequency
from lewm_core.analysis.matched_noise import add_matched_noise
from lewm_core.analysis.pane_report import report_pane
from lewm_core.cli import main
from lewm_core.commands.analyse import attention_numbers
from lewm_core.config import LN_TO_DB
from lewm_core.predictor_trace import PredictorTrace
from lewm_core.resources_path import resource
from tests.lewm_core.analysis_signals import CLIPS, FRAME_RATE, clip_mel, stretched_mel
from tests.lewm_core.tiny import tiny_checkpoint

VOICE = resource("voice", "studio.safetensors")


@pytest.mark.parametrize("file", CLIPS)
def test_blur_is_called_structured_and_noise_of_the_same_l1_random(file: str) -> None:
    truth = clip_mel(file)
    blurred = report_pane(smooth_along_frequency(truth, 3.0), truth)
    noisy = report_pane(add_matched_noise(truth, blurred.l1), truth)
    assert (blurred.kind, noisy.kind) == ("structured", "random")
    assert noisy.l1 == pytest.approx(blurred.l1, abs=1e-6)
    assert blurred.formants.mean > 0.4 > 0.05 > abs(noisy.formants.mean)
    assert blurred.harmonics.mean > blurred.formants.mean
    assert report_pane(truth, truth).kind == "none"


def test_a_free_run_is_judged_on_the_time_axis_of_the_clip() -> None:
    truth, slow = clip_mel(CLIPS[0]), stretched_mel(CLIPS[0])
    raw, aligned = report_pane(slow, truth), report_pane(slow, truth, aligned=True)
    assert aligned.aligned
    assert aligned.l1 < 0.2 * raw.l1
    assert aligned.formants.mean < 0.1 < 0.7 < raw.formants.mean


def test_worst_place_and_classes_come_with_it() -> None:
    truth = clip_mel(CLIPS[0])
    mel = truth.copy()
    mel[10:20, 100:106] += 12.0 / LN_TO_DB
    report = report_pane(mel, truth, pitch_hz=np.full(truth.shape[1], 100.0), places=1)
    assert 100 <= report.worst[0].frame <= 105
    assert [error.name for error in report.classes] == ["loud", "quiet", "pause", "voiced", "unvoiced"]


def test_the_command_prints_the_numbers_of_every_pane(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "tiny.safetensors").path
    clip = resource("clips", "george-crumble.ogg")
    arguments = [
        "analyse", str(clip), "--text", "Rhubarb crumble with custard cures almost any heartache.",
        "--speaker", "ada", "--checkpoint", str(checkpoint), "--vocoder", "griffin-lim",
    ]  # fmt: skip
    assert main([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"reconstruction", "teacher_forced", "matched_noise"} <= set(answer["panes"])
    rebuilt, noise = answer["panes"]["reconstruction"], answer["panes"]["matched_noise"]
    assert noise["mel_l1"] == pytest.approx(rebuilt["mel_l1"], abs=1e-5)
    assert (rebuilt["error"], noise["error"]) == ("structured", "random")
    # A model that was never trained draws no formants.
    assert rebuilt["blur"] > 0.8
    assert set(rebuilt["l1_by_class"]) == {"loud", "quiet", "pause", "voiced", "unvoiced"}
    assert main(arguments) == 0
    table = capsys.readouterr().out
    assert f"{rebuilt['mel_l1']:.3f}" in table
    if answer["free_run"]:
        assert f"free run: {answer['free_run']['verdict']}" in table
    for run, said in (("teacher_forced", "teacher-forced"), ("autoregressive", "autoregressive")):
        attention = answer["attention"][run]
        assert [(head["layer"], head["head"]) for head in attention["heads"]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
        best = max(attention["heads"], key=lambda head: head["focus"])
        assert attention["sharpest"] == {"layer": best["layer"], "head": best["head"]}
        assert f"attention, {said}: mean focus {attention['mean']['focus']:.2f}, " in table
        assert f"sharpest layer {best['layer']}, head {best['head']} focus {best['focus']:.2f}" in table


def planted_trace(heads: np.ndarray, spans: np.ndarray | None) -> PredictorTrace:
    """A trace with these weights (layers, heads, k, u), a step every 0.1 s."""
    steps, units = heads.shape[2:]
    return PredictorTrace(
        np.arange(steps) * 0.1, 0.1, np.zeros(steps), heads.astype(np.float16), tuple("abcdef"[:units]), spans,
        np.ones(steps, bool),
    )  # fmt: skip


def test_attention_of_known_heads_is_told_head_by_head():
    steps = np.arange(5)
    forward, backward = np.eye(5), np.eye(5)[::-1]
    ahead = np.eye(5)[np.minimum(steps + 1, 4)]
    even = np.full((5, 5), 0.2)
    spans = np.stack((steps * 0.1, (steps + 1) * 0.1), axis=1)
    numbers = attention_numbers(planted_trace(np.array([[forward, backward], [ahead, even]]), spans))
    table = {(head.pop("layer"), head.pop("head")): head for head in numbers["heads"]}
    assert table[1, 1] == {"focus": 1.0, "monotonicity": 1.0, "offset": 0.0}
    assert table[1, 2] == {"focus": 1.0, "monotonicity": 0.0, "offset": pytest.approx(2.4)}
    assert table[2, 1] == {"focus": 1.0, "monotonicity": 1.0, "offset": pytest.approx(0.8)}
    assert table[2, 2]["focus"] == pytest.approx(0.2, abs=1e-3)
    assert numbers["sharpest"] == {"layer": 1, "head": 1}
    assert numbers["mean"]["focus"] == pytest.approx(np.mean([0.3, 0.3, 0.55, 0.3, 0.55]), abs=1e-3)
    assert json.loads(json.dumps(numbers)) == numbers


def test_attention_without_a_plan_has_no_offset():
    numbers = attention_numbers(planted_trace(np.eye(4)[None, None], None))
    assert numbers["mean"]["offset"] is None
    assert numbers["heads"][0]["offset"] is None


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["heart-sailors.ogg", "psi-madari.ogg"])
def test_on_the_voice_that_ships(clip: str) -> None:
    from lewm_core.inference import Synthesiser, finish

    entry = next(
        c
        for c in json.loads(resource("clips", "clips.json").read_text(encoding="utf-8"))
        if c["file"] == clip
    )
    synthesiser = Synthesiser.load(vocoder="griffin-lim")
    comparison = finish(synthesiser.compare(resource("clips", clip), entry["text"], entry["speaker"]))
    truth, rebuilt = comparison.panes["ground_truth"].mel, comparison.panes["reconstruction"].mel
    report = report_pane(rebuilt, truth, synthesiser.info.mel)
    noisy = add_matched_noise(truth, report.l1)
    noise = formant_blur(noisy, truth)
    assert report.l1 == pytest.approx(comparison.panes["reconstruction"].mel_l1, rel=1e-4)
    assert report.kind in ("structured", "mixed")  # never "random": a decoder smooths
    assert report_pane(noisy, truth, synthesiser.info.mel).kind == "random"
    assert 0.05 < report.formants.mean < 0.7
    assert abs(noise.mean) < report.formants.mean / 10
    assert drift_verdict(measure_drift(truth, rebuilt, FRAME_RATE, stopped=True)) == "stays on path"
