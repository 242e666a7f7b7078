"""The manifest: what is written is read back, older ones are understood, damaged ones refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lewm_core.manifest import DataError, MelStore, Utterance, audio_path, read_manifest, relative_audio

OLD_LINE = (
    '{"text": "Hi.", "phonemes": "haɪ.", "speaker": "a", "language": "en-US", "offset": 3, "frames": 75}'
)
seconds = st.floats(0, 1e5, allow_nan=False)


@example("a\u2028b\n\x85", "x", 0.0, 1.0, False)
@settings(deadline=None)
@given(st.text(), st.text(), seconds, seconds, st.booleans())
def test_a_line_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, text: str, speaker: str, start: float, end: float, guess: bool
) -> None:
    folder = tmp_path_factory.mktemp("data")
    row = Utterance(text, "x", speaker, "hi", 7, 9, "a/b.wav", start, end, guess, -2.5)
    (folder / "dev.jsonl").write_text(row.to_line() + "\n", encoding="utf8")
    assert read_manifest(folder, "dev") == [row]


def test_lines_of_an_older_version_and_of_a_later_one_are_understood(tmp_path: Path) -> None:
    later = OLD_LINE[:-1] + ', "mood": "gay", "start": 1.0, "end": 1.5}'
    (tmp_path / "train.jsonl").write_text(OLD_LINE + "\n\n" + later, encoding="utf8")
    old, new = read_manifest(tmp_path, "train")
    assert (old.start, old.end, old.estimated) == (0.0, 0.8, False)  # 75 frames of 93.75 a second
    assert new.seconds == 0.5


@pytest.mark.parametrize("damage", ["{", "[]", "3", '{"text": "Hi."}'])
def test_a_damaged_line_is_named(tmp_path: Path, damage: str) -> None:
    (tmp_path / "train.jsonl").write_text(OLD_LINE + "\n" + damage, encoding="utf8")
    with pytest.raises(DataError, match="line 2"):
        read_manifest(tmp_path, "train")


def test_mels_that_were_cut_off_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(OLD_LINE, encoding="utf8")
    (tmp_path / "train.f16").write_bytes(bytes(200 * 78))
    assert MelStore(tmp_path, "train").mel(0).shape == (75, 100)
    for size in (200 * 77, 200 * 80 + 1):
        (tmp_path / "train.f16").write_bytes(bytes(size))
        with pytest.raises(DataError, match="damaged"):
            MelStore(tmp_path, "train")


def test_the_recording_is_found_from_the_data_folder_wherever_both_are_moved(tmp_path: Path) -> None:
    audio, data = tmp_path / "old" / "raw" / "a.wav", tmp_path / "old" / "data"
    audio.parent.mkdir(parents=True)
    audio.touch()
    data.mkdir()
    row = Utterance("Hi.", "x", "a", "hi", 0, 1, relative_audio(data, audio))
    assert row.audio == "../raw/a.wav"
    (tmp_path / "old").rename(tmp_path / "new")
    assert audio_path(tmp_path / "new" / "data", row).is_file()


def test_a_manifest_is_read_without_torch() -> None:
    code = "import sys, lewm_core.manifest; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
