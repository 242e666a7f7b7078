"""The data window: manifests are read, measured, remembered, and their rows opened as ground truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.data_window import DataWindow
from app.drops import kind_of
from app.engine_data import measure_rows, open_row
from app.engine_messages import Failure
from app.main_window import MainWindow
from app.messages_data import MeasureRows
from app.row_listening import SOUND
from app.session import Clip
from app.studio import Studio
from lewm_core.data_rows import parse_row_name, row_name
from lewm_core.mel import log_mel, write_wav
from tests.app.conftest import PATIENCE


def write_data(folder: Path, count: int = 60, split: str = "train", **changes: object) -> Path:
    """A data folder of small random mels, without recordings."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    lines, offset = [], 0
    with (folder / f"{split}.f16").open("wb") as file:
        for row in range(count):
            frames = 20 + row % 7
            file.write(rng.normal(-6, 2, (frames, 100)).astype(np.float16).tobytes())
            line = {
                "text": f"Sentence {row}.", "phonemes": "s", "speaker": ("heart", "alpha")[row % 2],
                "language": ("en-US", "hi")[row % 2], "offset": offset, "frames": frames, "audio": f"a/{row}.wav",
                "start": 0.0, "end": frames / 93.75, "estimated": row % 5 == 0, **changes,
            }  # fmt: skip
            lines.append(json.dumps(line))
            offset += frames
    manifest = folder / f"{split}.jsonl"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest


@pytest.fixture
def window(studio: Studio, qtbot) -> DataWindow:  # type: ignore[no-untyped-def]
    main = MainWindow(studio)
    qtbot.addWidget(main)
    return main.files.data_window()


def open_data(studio: Studio, manifest: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    with qtbot.waitSignal(studio.data.opened, timeout=PATIENCE):
        studio.data.open(manifest)


def test_a_manifest_is_shown_and_a_row_becomes_the_ground_truth(
    window: DataWindow, studio: Studio, tmp_path: Path, qtbot  # type: ignore[no-untyped-def]
) -> None:
    open_data(studio, write_data(tmp_path / "data"), qtbot)
    assert window.browser.count_text().startswith("60 utterances")
    (tmp_path / "data" / "train.jsonl#3").write_bytes(b"the fake engine asks for a file of this name")
    with qtbot.waitSignal(studio.comparison.clip_opened, timeout=PATIENCE):
        window.browser.row_opened.emit(3)
    clip = studio.session.clip
    assert clip is not None
    assert parse_row_name(clip.path) == (tmp_path / "data" / "train.jsonl", 3)
    assert (clip.text, clip.speaker) == ("Sentence 3.", "alpha")
    assert "train 3" in clip.name


def test_a_row_is_heard_without_being_opened(window: DataWindow, studio: Studio, tmp_path: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    open_data(studio, write_data(tmp_path / "data"), qtbot)
    (tmp_path / "data" / "train.jsonl#3").write_bytes(b"the fake engine asks for a file of this name")
    clip = studio.session.clip
    window.browser.play_requested.emit(3)
    qtbot.waitUntil(lambda: studio.player.source == SOUND, timeout=PATIENCE)
    assert len(studio.listening.sounds()[SOUND].samples)
    assert studio.session.clip is clip
    with qtbot.waitSignal(studio.notice, timeout=PATIENCE) as told:
        window.browser.play_requested.emit(4)  # its recording is nowhere
    assert told.args[1] == "error"


def test_the_row_that_is_the_ground_truth_is_marked(
    window: DataWindow, studio: Studio, clip: Path, tmp_path: Path, qtbot  # type: ignore[no-untyped-def]
) -> None:
    manifest = write_data(tmp_path / "data")
    (tmp_path / "data" / "train.jsonl#3").write_bytes(b"the fake engine asks for a file of this name")
    studio.open_clip(Clip(row_name(manifest, 3)))
    qtbot.waitUntil(lambda: studio.comparison.clip is not None, timeout=PATIENCE)
    open_data(studio, manifest, qtbot)
    model = window.browser.table.data_model
    assert "ground truth" in str(model.data(model.index_of(3), Qt.ItemDataRole.ToolTipRole))
    with qtbot.waitSignal(studio.comparison.clip_opened, timeout=PATIENCE):
        studio.open_clip(Clip(str(clip)))
    assert "ground truth" not in str(model.data(model.index_of(3), Qt.ItemDataRole.ToolTipRole))


def test_measuring_goes_in_chunks_sorts_and_is_kept(
    window: DataWindow, studio: Studio, make_studio: Callable[[], Studio], tmp_path: Path, qtbot  # type: ignore[no-untyped-def]
) -> None:
    manifest = write_data(tmp_path / "data")
    open_data(studio, manifest, qtbot)
    window.browser.measure_requested.emit()
    assert studio.data.is_measuring
    qtbot.waitUntil(lambda: not studio.data.is_measuring, timeout=PATIENCE)
    assert studio.data.errors == pytest.approx(1.0 / (1 + np.arange(60)))
    window.browser.table.sortByColumn(5, Qt.SortOrder.AscendingOrder)
    assert list(window.browser.table.data_model.found()[:2]) == [59, 58]
    qtbot.waitUntil(lambda: kept_measures(studio) == 60, timeout=PATIENCE)
    again = make_studio()
    with qtbot.waitSignal(again.voice.loaded, timeout=PATIENCE):
        again.start()
    open_data(again, manifest, qtbot)
    assert np.isfinite(again.data.errors).all()
    other = write_data(tmp_path / "other", count=59)
    open_data(again, other, qtbot)
    assert np.isnan(again.data.errors).all()


def kept_measures(studio: Studio) -> int:
    """How many measures lie on disk."""
    files = list((studio.places.folder / "errors").glob("*.npy"))
    return sum(int(np.isfinite(np.load(file)).sum()) for file in files)


def test_measuring_can_be_cancelled_and_keeps_what_it_has(studio: Studio, tmp_path: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    open_data(studio, write_data(tmp_path / "slow"), qtbot)
    studio.data.measure(range(60))
    qtbot.waitUntil(lambda: bool(np.isfinite(studio.data.errors).any()), timeout=PATIENCE)
    assert 0 < studio.data.fraction < 1
    studio.data.cancel()
    qtbot.waitUntil(lambda: not studio.data.is_measuring, timeout=PATIENCE)
    assert 0 < np.isfinite(studio.data.errors).sum() < 60


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]\n", b'{"text": "a"}\n', b"\xff\xfe\n", b'{"text": 1, "phonemes": "", "speaker": "", '
     b'"language": "", "offset": 0, "frames": "x"}\n'],
)  # fmt: skip
def test_a_damaged_manifest_is_a_clear_notice(studio: Studio, tmp_path: Path, content: bytes, qtbot) -> None:  # type: ignore[no-untyped-def]
    manifest = write_data(tmp_path / "data", 5)
    open_data(studio, manifest, qtbot)
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(content)
    with qtbot.waitSignal(studio.notice, timeout=PATIENCE) as told:
        studio.data.open(bad)
    sentence, level = told.args
    assert level == "error"
    assert "bad.jsonl" in sentence
    assert "preprocess" in sentence
    assert studio.data.manifest == manifest  # the present one stays
    assert isinstance(Failure(sentence), Failure)


def test_the_manifest_is_there_again_next_time(window: DataWindow, studio: Studio, tmp_path: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    manifest = write_data(tmp_path / "data", 5)
    open_data(studio, manifest, qtbot)
    assert studio.settings.data_manifest == str(manifest)
    studio.data.manifest = None
    with qtbot.waitSignal(studio.data.opened, timeout=PATIENCE):
        window.bring_up()
    assert kind_of(manifest) == "data"


# ---------------------------------------------------------------------- what the engine does
class Identity:
    """As much of a voice as rows ask for: its autoencoder doubles every mel, its vocoder hums."""

    class model:
        encode = staticmethod(lambda mel: mel)
        mel_decoder = staticmethod(lambda latents: latents + 0.5)

    class vocoder:
        decode = staticmethod(lambda mel: np.zeros((mel.shape[1] - 1) * 256, np.float32))


def run(job) -> object:  # type: ignore[no-untyped-def]
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_the_error_of_a_row_is_its_mel_l1(tmp_path: Path) -> None:
    manifest = write_data(tmp_path / "data", 4)
    found = run(measure_rows(MeasureRows(str(manifest), (2, 0)), Identity, lambda: False))  # type: ignore[arg-type]
    assert found.rows == (2, 0)  # type: ignore[attr-defined]
    assert found.l1 == pytest.approx([0.5, 0.5], abs=1e-6)  # type: ignore[attr-defined]


def test_a_row_brings_the_mel_of_the_folder_and_the_recorded_sound(tmp_path: Path) -> None:
    manifest = write_data(tmp_path / "data", 3)
    missing = run(open_row("x", manifest, 1, Identity))  # type: ignore[arg-type]
    assert "vocoded" in missing.remark  # type: ignore[attr-defined]
    assert "a/1.wav is not there" in missing.remark  # type: ignore[attr-defined]
    assert missing.mel.shape == (100, 21)  # type: ignore[attr-defined]
    noise = (0.1 * np.random.default_rng(0).normal(size=24_000)).astype(np.float32)
    write_wav(tmp_path / "data" / "a" / "1.wav", noise, 24_000, "FLOAT")
    line = json.loads(manifest.read_text(encoding="utf-8").splitlines()[1])
    line |= {"start": 0.5, "end": 0.5 + 21 / 93.75, "gain_db": -6.0}
    lines = manifest.read_text(encoding="utf-8").splitlines()
    manifest.write_text("\n".join([lines[0], json.dumps(line), lines[2]]), encoding="utf-8")
    there = run(open_row("x", manifest, 1, Identity))  # type: ignore[arg-type]
    assert "vocoded" not in there.remark  # type: ignore[attr-defined]
    cut = noise[12_000 : 12_000 + len(there.wave)] * 10 ** (-6 / 20)  # type: ignore[attr-defined]
    assert there.wave == pytest.approx(cut, abs=1e-6)  # type: ignore[attr-defined]
    assert there.is_stored  # type: ignore[attr-defined]
    assert log_mel(there.wave).shape[1] == pytest.approx(21, abs=1)  # type: ignore[attr-defined]


def test_row_names() -> None:
    assert parse_row_name(row_name("/a b/train.jsonl", 12)) == (Path("/a b/train.jsonl"), 12)
    for name in ("clip.wav", "a#1.wav", "train.jsonl#", "train.jsonl#-1", "train.jsonl#1e3", "x.txt#3"):
        assert parse_row_name(name) is None
