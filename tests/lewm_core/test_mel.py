"""Sound files in and out, and the mel that has to be the one Vocos reads, to the last bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lewm_core.config import MelConfig
from lewm_core.files import WriteError
from lewm_core.mel import LN_TO_DB, AudioError, load_audio, log_mel, log_mel_tensor, write_wav
from lewm_core.resources_path import resource

CLIPS = json.loads(resource("clips", "clips.json").read_text(encoding="utf-8"))
RATE = 24_000


@pytest.fixture
def speech() -> np.ndarray:
    return load_audio(resource("clips", CLIPS[0]["file"]))


def tone(seconds: float = 0.5, rate: int = RATE, hz: float = 440.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip["file"])
def test_mel_is_bit_identical_to_vocos_on_speech(clip: dict) -> None:
    import torch
    from vocos.feature_extractors import MelSpectrogramFeatures

    wave = load_audio(resource("clips", clip["file"]))
    with torch.inference_mode():
        theirs = MelSpectrogramFeatures()(torch.from_numpy(wave)[None])[0].numpy()
    ours = log_mel(wave)
    assert ours.shape == theirs.shape == (100, len(wave) // 256 + 1)
    assert float(np.abs(ours - theirs).max()) == 0.0


def test_batched_mel_equals_single_and_carries_gradients(speech: np.ndarray) -> None:
    import torch

    wave = torch.from_numpy(np.stack([speech[:24_000], speech[24_000:48_000]])).requires_grad_()
    mels = log_mel_tensor(wave)
    assert torch.equal(mels.detach()[1], torch.from_numpy(log_mel(speech[24_000:48_000])))
    mels.sum().backward()
    assert wave.grad is not None
    assert torch.isfinite(wave.grad).all()


def test_mel_is_float32_under_autocast(speech: np.ndarray) -> None:
    import torch

    wave = torch.from_numpy(speech)[None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(log_mel_tensor(wave), log_mel_tensor(wave.float()))
        assert log_mel_tensor(wave).dtype == torch.float32


def test_mel_floor_and_units() -> None:
    assert log_mel(np.zeros(RATE, np.float32)).max() == pytest.approx(np.log(1e-7))
    louder = log_mel(tone(level=0.5)).max() - log_mel(tone(level=0.05)).max()
    assert louder * LN_TO_DB == pytest.approx(20.0, abs=0.01)


def test_mel_of_another_config() -> None:
    config = MelConfig(sample_rate=16_000, n_fft=512, hop_length=128, n_mels=40)
    assert log_mel(tone(), config).shape == (40, 12_000 // 128 + 1)


@pytest.mark.parametrize("wave", [np.zeros((2, 5000), np.float32), np.zeros(512, np.float32)])
def test_mel_refuses_what_it_cannot_use(wave: np.ndarray) -> None:
    with pytest.raises(AudioError):
        log_mel(wave)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_any_sample_rate_is_resampled(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(1.0, rate), rate)
    wave = load_audio(path)
    assert wave.dtype == np.float32
    assert abs(len(wave) - RATE) <= 1
    middle, expected = wave[2000:-2000], tone(1.0)[2000 : len(wave) - 2000]
    assert np.abs(middle - expected).max() < 2e-3


def test_stereo_is_averaged_and_opposite_phase_survives(tmp_path: Path) -> None:
    left, right = tone(hz=300), tone(hz=500)
    soundfile.write(tmp_path / "stereo.wav", np.stack([left, right], 1), RATE, subtype="FLOAT")
    assert np.allclose(load_audio(tmp_path / "stereo.wav"), (left + right) / 2, atol=1e-6)
    soundfile.write(tmp_path / "opposite.wav", np.stack([left, -left], 1), RATE, subtype="FLOAT")
    assert np.allclose(load_audio(tmp_path / "opposite.wav"), left, atol=1e-6)


def test_what_exceeds_full_scale_is_scaled_not_clipped(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", tone(level=4.0), RATE, subtype="FLOAT")
    assert np.allclose(load_audio(tmp_path / "loud.wav"), tone(level=1.0), atol=1e-3)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_common_formats_are_read(tmp_path: Path, suffix: str) -> None:
    soundfile.write(tmp_path / f"tone.{suffix}", tone(), RATE)
    wave = load_audio(tmp_path / f"tone.{suffix}")
    assert np.abs(wave).max() == pytest.approx(0.5, abs=0.1)


def refused_files(folder: Path) -> dict[str, Path]:
    paths = {
        name: folder / f"{name}.wav"
        for name in ("missing", "folder", "zero", "text", "header", "silent", "nan")
    }
    paths["folder"].mkdir()
    paths["zero"].touch()
    paths["text"].write_text("this is not sound")
    soundfile.write(paths["header"], np.zeros(0, np.float32), RATE)
    soundfile.write(paths["silent"], np.zeros(RATE, np.float32), RATE)
    bad = tone()
    bad[7] = np.nan
    soundfile.write(paths["nan"], bad, RATE, subtype="FLOAT")
    return paths


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("missing", "no file"),
        ("folder", "is a folder"),
        ("zero", "empty"),
        ("text", "cannot be read as sound"),
        ("header", "not one sample"),
        ("silent", "silent"),
        ("nan", "not numbers"),
    ],
)
def test_bad_files_are_refused_with_a_sentence(tmp_path: Path, case: str, says: str) -> None:
    path = refused_files(tmp_path)[case]
    with pytest.raises(AudioError) as caught:
        load_audio(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_truncated_file_is_read_or_refused_but_never_crashes(tmp_path: Path) -> None:
    whole = resource("clips", CLIPS[0]["file"]).read_bytes()
    for length in range(0, len(whole), len(whole) // 23):
        path = tmp_path / "cut.ogg"
        path.write_bytes(whole[:length])
        try:
            wave = load_audio(path)
        except AudioError:
            continue
        assert np.isfinite(wave).all()


@pytest.mark.parametrize(
    ("subtype", "tolerance"), [("PCM_16", 1 / 2**15), ("PCM_24", 1 / 2**22), ("FLOAT", 0.0)]
)
def test_wav_round_trip(tmp_path: Path, speech: np.ndarray, subtype: str, tolerance: float) -> None:
    path = write_wav(tmp_path / "new folder" / "out.wav", speech, RATE, subtype)
    assert soundfile.info(path).subtype == subtype
    assert np.abs(load_audio(path) - speech).max() <= tolerance
    assert [entry.name for entry in path.parent.iterdir()] == ["out.wav"]


@pytest.mark.parametrize(
    ("wave", "subtype"),
    [(np.zeros((2, 9)), "PCM_16"), (np.array([0.0, np.inf]), "PCM_16"), (np.zeros(9), "MP3")],
)
def test_wav_refuses_bad_sound(tmp_path: Path, wave: np.ndarray, subtype: str) -> None:
    with pytest.raises(AudioError):
        write_wav(tmp_path / "out.wav", wave, RATE, subtype)
    assert list(tmp_path.iterdir()) == []


def test_failed_write_keeps_the_old_file_and_leaves_no_torso(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_wav(tmp_path / "out.wav", tone(), RATE)
    before = path.read_bytes()

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lewm_core.files.os.fsync", disk_full)
    with pytest.raises(WriteError, match="No space left on device"):
        write_wav(path, tone(hz=1000), RATE)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.wav"]


def test_writing_onto_a_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(WriteError, match="Cannot write"):
        write_wav(tmp_path / "taken", tone(), RATE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_files_are_handled_without_torch(tmp_path: Path) -> None:
    clip, copy = str(resource("clips", CLIPS[0]["file"])), str(tmp_path / "copy.wav")
    code = (
        "import sys; from lewm_core.mel import load_audio, write_wav; "
        f"write_wav({copy!r}, load_audio({clip!r}), 24000); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_shipped_clips_match_their_list() -> None:
    assert len(CLIPS) >= 4
    assert {clip["language"] for clip in CLIPS} >= {"en-US", "hi"}
    for clip in CLIPS:
        assert clip.keys() == {"file", "text", "speaker", "language", "title"}
        assert 2.0 < len(load_audio(resource("clips", clip["file"]))) / RATE < 6.0
