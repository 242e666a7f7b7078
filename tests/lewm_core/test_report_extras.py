"""What a report shows besides the comparison: checkpoint B, formants, a difference of two panes, votes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lewm_core.cli import main
from lewm_core.config import LN_TO_DB, MelConfig
from lewm_core.mel import write_wav
from lewm_core.report_extras import (
    FREE,
    NOISE,
    REBUILT,
    SECOND,
    TRUTH,
    DifferenceWish,
    FormantWish,
    ReportExtras,
    SecondRun,
)
from lewm_core.report_measures import Measures, measure_difference, measure_formants
from tests.lewm_core.analysis_signals import vowel
from tests.lewm_core.test_analysis_formants import VOWELS
from tests.lewm_core.test_report import Elements, comparison, page_of, speech
from tests.lewm_core.tiny import tiny_checkpoint

CONFIG = MelConfig()


def second_run() -> SecondRun:
    wave = (0.1 * np.random.default_rng(1).normal(size=159 * 256)).astype(np.float32)
    panes = {REBUILT: (speech(160) + 0.5, wave), FREE: (speech(170, 2), wave)}
    return SecondRun("<b>epoch-90</b>", panes, (("Step", "90"),))


def test_a_second_checkpoint_has_its_panes_its_numbers_and_a_sentence() -> None:
    page = page_of(comparison(), extras=ReportExtras(second=second_run()))
    elements = Elements(page)
    assert "B: Reconstruction" in elements.text
    assert "B: <b>epoch-90</b>" in elements.text  # a name stays a text
    assert "Mel L1 of the reconstruction 0.50 against" in elements.text
    places = {attributes["id"] for _, attributes in elements.tags if "id" in attributes}
    assert {SECOND + REBUILT, SECOND + FREE} <= places
    # The order of the screen: A, the noise, then B.
    order = [attributes["id"] for tag, attributes in elements.tags if tag == "figure"]
    assert order[:7] == [
        TRUTH, REBUILT, "teacher_forced", FREE, "matched_noise", SECOND + REBUILT, SECOND + FREE
    ]  # fmt: skip
    assert page.count("<audio") == 7


def test_noise_is_of_the_pane_that_was_chosen() -> None:
    source = comparison()
    measured = Measures(source, CONFIG, ReportExtras(noise_of="teacher_forced"), None)
    for _ in measured.measure():
        pass
    assert measured.reports[NOISE].l1 == pytest.approx(measured.reports["teacher_forced"].l1, rel=1e-3)
    assert measured.reports[NOISE].l1 != pytest.approx(measured.reports[REBUILT].l1, rel=0.1)
    page = page_of(source, extras=ReportExtras(noise_of="teacher_forced"))
    assert "same mel L1 as the error of: teacher-forced prediction" in page


def test_formants_of_known_vowels_are_measured_alike() -> None:
    """A pane whose resonances lie 5 % lower: its tracks lie 5 % from the truth's."""
    low = VOWELS["schwa"]
    waves = {TRUTH: vowel(low), REBUILT: vowel(tuple(0.95 * hz for hz in low))}
    frames = round(len(waves[TRUTH]) / CONFIG.sample_rate * CONFIG.frame_rate)
    mels = dict.fromkeys(waves, np.zeros((100, frames), np.float32))
    found = measure_formants(mels, waves, None, CONFIG, FormantWish(ceiling_hz=5000.0))
    assert found is not None
    assert found.settings.ceiling_hz == 5000.0
    assert np.nanmedian(found.frequency[TRUTH], axis=1) == pytest.approx(low[:4], rel=0.05)
    # F1 is drawn to the harmonics beside it, which do not move.
    assert found.deviation[REBUILT][1:] == pytest.approx([5.0] * 3, abs=1.0)
    assert measure_formants(mels, {REBUILT: waves[REBUILT]}, None, CONFIG, FormantWish()) is None


def test_a_difference_has_its_sign_and_the_free_run_is_put_on_the_axis_of_the_clip() -> None:
    truth = speech(160)
    mels = {TRUTH: truth, REBUILT: truth + 0.5, FREE: np.repeat(truth, 2, axis=1)}
    louder = measure_difference(mels, CONFIG, DifferenceWish(REBUILT, TRUTH))
    assert louder is not None
    assert (louder.l1, louder.bias_db) == (pytest.approx(0.5), pytest.approx(0.5 * LN_TO_DB))
    assert not louder.aligned
    slow = measure_difference(mels, CONFIG, DifferenceWish(FREE, TRUTH))
    assert slow is not None
    assert slow.aligned
    assert slow.mel.shape == truth.shape
    assert slow.l1 < 0.2  # the same speech at half the speed; frame by frame it would be far apart
    assert measure_difference(mels, CONFIG, DifferenceWish(SECOND + REBUILT, TRUTH)) is None


def test_the_page_shows_the_difference_and_the_votes() -> None:
    extras = ReportExtras(
        difference=DifferenceWish(REBUILT, TRUTH), votes=(("ABX: B, <i>Original</i>", "9 of 10 right"),)
    )
    elements = Elements(page_of(comparison(), extras=extras))
    assert "Reconstruction minus ground truth" in elements.text
    assert "ABX: B, <i>Original</i>" in elements.text
    assert "9 of 10 right" in elements.text
    assert sum(tag == "img" for tag, _ in elements.tags) == 6
    assert not any(tag == "i" and not attributes for tag, attributes in elements.tags)


def test_the_command_line_takes_a_second_checkpoint_and_a_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        tiny_checkpoint(tmp_path / f"{name}.safetensors")
    wave = vowel(VOWELS["a"])
    write_wav(tmp_path / "clip.wav", wave, 24_000, "PCM_16")
    a, b, clip, out = (
        str(tmp_path / name) for name in ("a.safetensors", "b.safetensors", "clip.wav", "page.html")
    )
    asked = ["report", a, clip, "--text", "Hello there.", "--out", out, "--vocoder", "griffin-lim", "--json"]
    assert main([*asked, "--against", b, "--difference", SECOND + FREE, TRUTH, "--formants"]) == 0
    json.loads(capsys.readouterr().out)
    elements = Elements(Path(out).read_text(encoding="utf-8"))
    assert "B: b.safetensors" in elements.text
    assert "B: Autoregressive prediction minus ground truth" in elements.text
    assert any(
        attributes.get("id") == "show-tracks" and "checked" in attributes for _, attributes in elements.tags
    )
    assert main([*asked, "--difference", "mud", TRUTH]) == 2
    assert "no pane 'mud'" in capsys.readouterr().err
