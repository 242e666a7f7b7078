"""Export: what is written is what was heard, with its recipe; a failure leaves no torso."""

from __future__ import annotations

import contextlib
import json
import signal
import sys

import numpy as np
import pytest
import soundfile

from app.export import ExportError, ExportItem, export_items, file_stem, free_path, write_item

RNG = np.random.default_rng(1)
WAVE = RNG.uniform(-0.9, 0.9, 24_000).astype(np.float32)
MEL = RNG.normal(size=(100, 94)).astype(np.float32)
ITEM = ExportItem("take", WAVE, 24_000, MEL, {"text": "नमस्ते", "seed": 3})


@pytest.mark.parametrize(("subtype", "precision"), [("PCM_16", 2**-15), ("PCM_24", 2**-23), ("FLOAT", 0.0)])
def test_the_wav_holds_the_samples(tmp_path, subtype, precision):
    path = tmp_path / "sound.wav"
    assert write_item(ITEM, path, subtype) == [path, tmp_path / "sound.json"]
    wave, rate = soundfile.read(path, dtype="float32")
    assert rate == 24_000
    assert soundfile.info(path).subtype == subtype
    np.testing.assert_allclose(wave, WAVE, atol=precision, rtol=0)


def test_the_recipe_lies_beside_it(tmp_path):
    write_item(ITEM, tmp_path / "sound.wav", "PCM_24")
    recipe = json.loads((tmp_path / "sound.json").read_text(encoding="utf-8"))
    assert recipe["text"] == "नमस्ते"
    assert recipe["seed"] == 3
    assert recipe["subtype"] == "PCM_24"
    assert recipe["file"] == "sound.wav"


def test_the_mel_is_written_as_npy(tmp_path):
    paths = write_item(ITEM, tmp_path / "sound.wav", "PCM_16", with_mel=True)
    np.testing.assert_array_equal(np.load(paths[2], allow_pickle=False), MEL)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "folder").write_text("a file, not a folder")
    with pytest.raises(ExportError, match="folder"):
        write_item(ITEM, tmp_path / "folder" / "sound.wav", "PCM_16")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files like a full disk does")
@pytest.mark.parametrize("room", [0, 1_000, 48_100])
def test_a_full_disk_leaves_no_torso(tmp_path, room):
    """48,100 bytes hold the wav (48,044) but not the mel: all files of the item have to go."""
    with files_no_larger_than(room), pytest.raises(ExportError, match="sound"):
        write_item(ExportItem("take", WAVE, 24_000, np.tile(MEL, 4)), tmp_path / "sound.wav", "PCM_16", True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files like a full disk does")
def test_a_full_disk_leaves_the_old_file(tmp_path):
    write_item(ITEM, tmp_path / "sound.wav", "PCM_16")
    before = (tmp_path / "sound.wav").read_bytes()
    with files_no_larger_than(1_000), pytest.raises(ExportError):
        write_item(ITEM, tmp_path / "sound.wav", "FLOAT")
    assert (tmp_path / "sound.wav").read_bytes() == before


@contextlib.contextmanager
def files_no_larger_than(size):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_several_items_report_progress_and_stop_when_cancelled(tmp_path):
    items = [(ITEM, tmp_path / f"{number}.wav") for number in range(4)]
    job = export_items(items, "PCM_16", False, lambda: len(list(tmp_path.glob("*.wav"))) >= 2)
    fractions = []
    while True:
        try:
            fractions.append(next(job).fraction)
        except StopIteration as stop:
            paths = stop.value
            break
    assert fractions == [0.0, 0.25, 0.5]
    assert sorted(path.name for path in paths) == ["0.json", "0.wav", "1.json", "1.wav"]


def test_nothing_is_overwritten_in_a_folder(tmp_path):
    (tmp_path / "a.wav").touch()
    taken = set()
    names = [free_path(tmp_path, "a", ".wav", taken).name for _ in range(3)]
    assert names == ["a-2.wav", "a-3.wav", "a-4.wav"]


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("Hello, world!", "hello-world"),
        ("../../x", "x"),
        ("", "speech"),
        ("???", "speech"),
        ("नमस्ते, दुनिया।", "नमस्ते-दुनिया"),
    ],
)
def test_file_stems_are_safe(text, stem):
    made = file_stem(text)
    assert not set(made) & set('/\\:*?"<>|.')
    assert made == stem
