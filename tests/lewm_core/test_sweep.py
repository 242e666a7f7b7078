"""Sentences through several checkpoints: cells with figures, failures that stay in their cell, files."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lewm_core.analysis.formant_blur import smooth_along_frequency, spectral_contrast
from lewm_core.analysis.matched_noise import add_matched_noise
from lewm_core.analysis.run_folder import open_run
from lewm_core.cli import main
from lewm_core.data_rows import row_name
from lewm_core.mel import log_mel
from lewm_core.resources_path import resource
from lewm_core.sweep import VoiceShelf, sweep
from lewm_core.sweep_cells import SweepCell, SweepItem, write_cells
from tests.lewm_core.analysis_signals import CLIPS, clip_wave
from tests.lewm_core.tiny import tiny_run
from tests.lewm_core.training import write_data

TEXT = "All night, the sailors bailed water and prayed for a glimpse of land."
CLIP = resource("clips", "heart-sailors.ogg")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("run"), steps=(500, 1000))


def cells_of(run: Path, *items: SweepItem) -> list[SweepCell]:
    return [event for event in sweep(open_run(run).checkpoints, items) if isinstance(event, SweepCell)]


def test_every_sentence_goes_through_every_checkpoint_with_its_figures(run: Path) -> None:
    cells = cells_of(run, SweepItem(TEXT, "ada", clip=CLIP), SweepItem("Hello.", seed=3))
    assert [(cell.step, cell.speaker, set(cell.renderings)) for cell in cells] == [
        (step, "ada", keys)
        for step in (500, 1000)
        for keys in ({"reconstruction", "teacher_forced", "autoregressive"}, {"autoregressive"})
    ]
    for cell in cells:
        for made in cell.renderings.values():
            assert made.figures["seconds"] == pytest.approx((made.mel.shape[1] - 1) * 256 / 24_000)
            assert ("l1" in made.figures) == (cell.item.clip is not None)
    first, second = cells[0].renderings, cells[2].renderings
    assert not np.array_equal(first["reconstruction"].mel, second["reconstruction"].mel)


def test_the_same_sentence_and_seed_give_the_same_sound(run: Path) -> None:
    item = SweepItem("Hello there.", "carl", seed=5, temperature=0.7)
    first, again = (cells_of(run, item)[0].renderings["autoregressive"].wave for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_what_one_cell_cannot_do_is_told_in_it_and_the_others_go_on(run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    checkpoints = open_run(folder).checkpoints
    checkpoints[0].path.write_bytes(b"cut short")  # after it was listed
    items = [SweepItem("Hello.", "ada"), SweepItem("Hello.", "nobody")]
    cells = [event for event in sweep(checkpoints, items) if isinstance(event, SweepCell)]
    assert ["step-000500" in cell.failure for cell in cells] == [True, True, False, False]
    assert "nobody" in cells[3].failure
    assert cells[2].failure == ""
    assert cells[2].renderings


def test_a_cancelled_sweep_stops(run: Path) -> None:
    job = sweep(open_run(run).checkpoints, [SweepItem("Hello.")] * 10, cancelled=lambda: True)
    assert not [event for event in job if isinstance(event, SweepCell)]


def test_the_shelf_holds_no_more_than_it_says_and_sees_a_file_written_anew(run: Path, tmp_path: Path) -> None:
    paths = [saved.path for saved in open_run(run).checkpoints]
    copy = tmp_path / "copy.safetensors"
    shutil.copy(paths[0], copy)
    shelf = VoiceShelf(capacity=2)
    first = shelf.get(copy)
    assert shelf.get(copy) is first
    shelf.get(paths[0])
    shelf.get(paths[1])
    assert len(shelf) == 2
    shutil.copy(paths[1], copy)
    assert shelf.get(copy).info.step == 1000
    assert shelf.get(copy).vocoder is shelf.get(paths[1]).vocoder


def test_files_and_table(run: Path, tmp_path: Path) -> None:
    cells = cells_of(run, SweepItem("Hello, you.", "ada"))
    written = list(write_cells(cells, tmp_path)) + list(write_cells(cells, tmp_path))
    assert len(set(written)) == 5  # two wavs twice, one table
    wave, rate = soundfile.read(tmp_path / "step-000500_ada_hello-you_autoregressive.wav")
    assert (len(wave), rate) == (len(cells[0].renderings["autoregressive"].wave), 24_000)
    rows = list(csv.DictReader((tmp_path / "cells.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["step"], row["speaker"], row["rendering"]) for row in rows] == [
        ("500", "ada", "autoregressive"), ("1000", "ada", "autoregressive"),
    ]  # fmt: skip
    assert (tmp_path / rows[0]["file"]).is_file()


def test_the_command(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(run), "--text", "Hello.", "--last", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(cell["step"], cell["failure"]) for cell in answer["cells"]] == [(1000, "")]
    assert main(["sweep", str(tmp_path), "--text", "Hello."]) == 2
    assert "no checkpoint" in capsys.readouterr().err
    assert main(["sweep", str(tmp_path / "nothing"), "--text", "Hello."]) == 2


@pytest.mark.parametrize("file", CLIPS[:2])
def test_contrast_falls_with_smoothing_and_hardly_with_noise(file: str) -> None:
    truth = log_mel(clip_wave(file))
    own = spectral_contrast(truth)
    assert own is not None
    smooth = [spectral_contrast(smooth_along_frequency(truth, sigma)) or 0.0 for sigma in (0.5, 1.0, 2.0, 4.0)]
    assert [own, *smooth] == sorted([own, *smooth], reverse=True)
    assert smooth[-1] < 0.5 * own
    noisy = spectral_contrast(add_matched_noise(truth, 0.34)) or 0.0
    assert abs(noisy - own) < 0.1 * (own - smooth[2])


def test_a_row_of_data_goes_through_the_checkpoints_as_a_recording_does(run: Path, tmp_path: Path) -> None:
    manifest = write_data(tmp_path) / "dev.jsonl"
    frames = json.loads(manifest.read_text().splitlines()[1])["frames"]
    cells = cells_of(run, SweepItem("Hello there.", "ada", clip=Path(row_name(manifest, 1))))
    assert [cell.failure for cell in cells] == ["", ""]
    for cell in cells:
        assert cell.renderings["reconstruction"].mel.shape == (100, frames)
        assert "l1" in cell.renderings["autoregressive"].figures
