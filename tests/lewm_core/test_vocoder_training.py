"""Training a vocoder: it learns, it resumes exactly, it refuses what it cannot train on."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from lewm_core import cli
from lewm_core.config import MelConfig
from lewm_core.mel import AudioError, load_audio, log_mel, write_wav
from lewm_core.train_vocoder import VocoderTrainer, export_vocoder, read_state, roughen, train
from lewm_core.vocoder import load_vocoder
from lewm_core.vocoder_data import PackedAudio, pack_audio, pair_mels
from lewm_core.vocoder_discriminators import Discriminators
from lewm_core.vocoder_losses import ModulationLoss, SpectralLoss, WaveShapeLoss
from lewm_core.vocoder_training_config import DiscriminatorConfig, VocoderTrainingConfig, VocoderTrainingError

TINY = VocoderTrainingConfig(
    dim=24,
    intermediate_dim=32,
    num_layers=2,
    steps=60,
    adversarial_from=10**6,
    batch=2,
    crop=5120,
    judged=2304,
    lead=1,
    warmup=10,
    learning_rate=3e-3,
    bfloat16=False,
    discriminators=DiscriminatorConfig(
        periods=(2, 3), period_channels=(4, 8), fft_sizes=(512,), spectrum_channels=4
    ),
)


@pytest.fixture(autouse=True)
def _one_thread() -> object:
    """Sums in the same order every time, and no fight for cores among test workers."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def voice(seconds: float = 1.5) -> np.ndarray:
    """A buzz with a moving pitch, (t,) float32 at 24 kHz."""
    t = np.arange(int(seconds * 24000)) / 24000
    phase = 2 * np.pi * (150 * t + 8 * np.sin(2 * np.pi * 2 * t))
    return (0.1 * sum(np.sin(k * phase) / k for k in range(1, 40))).astype(np.float32)


def packed() -> PackedAudio:
    samples = np.round(np.concatenate([voice(1.5), voice(0.1), 0.5 * voice(0.8)]) * 32767).astype(np.int16)
    return PackedAudio(samples, np.array([0, 36000, 38400, 57600]))


def mean_mel(trainer: VocoderTrainer, steps: int) -> float:
    return float(np.mean([trainer.train_step()["mel"] for _ in range(steps)]))


def same(one: dict[str, object], other: dict[str, object]) -> bool:
    """Whether two nested states are equal to the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_it_learns_with_spectral_losses() -> None:
    trainer = VocoderTrainer(TINY, packed())
    first, _, last = mean_mel(trainer, 3), mean_mel(trainer, 30), mean_mel(trainer, 3)
    assert last < 0.85 * first


def test_discriminators_learn_to_tell_and_the_generator_listens() -> None:
    """With its own rate at next to nothing, the generator stays as bad as it is, and is found out."""
    config = replace(TINY, adversarial_from=0, learning_rate=1e-9, discriminator_rate=3e-3)
    trainer = VocoderTrainer(config, packed())
    verdicts = [trainer.train_step() for _ in range(35)]
    for kind in ("period", "spectrum"):
        assert verdicts[0][f"{kind}_judging"] == pytest.approx(2, abs=0.2)
    assert verdicts[-1]["spectrum_judging"] < 1.5
    # What the discriminators say reaches the generator.
    real = torch.from_numpy(packed().crops(0, 0, 2, TINY.crop))
    pushes, _ = trainer._adversarial(0.1 * torch.randn_like(real), real, 0)
    assert all(float(push.abs().max()) > 0 for push in pushes)
    assert all(int((push != 0).any(0).sum()) <= TINY.judged for push in pushes)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path: Path, bfloat16: bool) -> None:
    config = replace(TINY, steps=6, adversarial_from=2, blurred=0.5, bfloat16=bfloat16)
    whole = VocoderTrainer(config, packed())
    list(train(whole, tmp_path / "whole", []))
    broken = VocoderTrainer(config, packed())
    stop = iter([False, False, False, True])
    list(train(broken, tmp_path / "broken", [], cancelled=lambda: next(stop)))
    assert broken.step == 3
    resumed = VocoderTrainer(config, packed())
    resumed.load(tmp_path / "broken" / "state.pt")
    assert resumed.step == 3
    list(train(resumed, tmp_path / "broken", []))
    one, other = (read_state(tmp_path / name / "state.pt") for name in ("whole", "broken"))
    assert one["step"] == 6
    assert same(one, other)
    fresh = VocoderTrainer(config, packed())
    assert not same(one["generator"], fresh.generator.state_dict())


def test_reports_and_saves(tmp_path: Path) -> None:
    trainer = VocoderTrainer(replace(TINY, steps=7), packed())
    reports = list(train(trainer, tmp_path, [voice(0.5)], report_every=3, save_seconds=0))
    assert [report.step for report in reports] == [3, 6, 7]
    assert "dev_mel" in reports[-1].losses
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 7]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.jsonl", "state.pt"]


def test_the_exported_vocoder_is_the_averaged_generator(tmp_path: Path) -> None:
    trainer = VocoderTrainer(replace(TINY, steps=5), packed())
    list(train(trainer, tmp_path, []))
    export_vocoder(tmp_path / "state.pt", tmp_path / "vocoder")
    vocoder = load_vocoder(tmp_path / "vocoder", MelConfig())
    mel = log_mel(voice(0.5))
    with torch.inference_mode():
        wave = trainer.average(torch.from_numpy(mel)[None])[0].numpy()
    decoded = vocoder.decode(mel)
    assert np.abs(decoded - wave).max() < 0.02 * np.abs(wave).max()  # float16 weights
    assert not same(trainer.average.state_dict(), trainer.generator.state_dict())


def test_a_start_from_other_weights(tmp_path: Path) -> None:
    first = VocoderTrainer(replace(TINY, steps=2), packed())
    list(train(first, tmp_path, []))
    second = VocoderTrainer(replace(TINY, seed=5), packed())
    second.restart(tmp_path / "state.pt")
    assert second.step == 0
    assert same(second.generator.state_dict(), first.average.state_dict())


def test_a_start_from_an_exported_vocoder(tmp_path: Path) -> None:
    first = VocoderTrainer(replace(TINY, steps=2), packed())
    list(train(first, tmp_path, []))
    export_vocoder(tmp_path / "state.pt", tmp_path / "vocoder")
    second = VocoderTrainer(replace(TINY, seed=5), packed())
    second.restart(tmp_path / "vocoder")
    expected = first.average.state_dict()
    for name, value in second.generator.state_dict().items():
        torch.testing.assert_close(value, expected[name].half().float() if "window" not in name else expected[name])
    for other in (replace(TINY, dim=32), replace(TINY, num_layers=TINY.num_layers + 1)):
        with pytest.raises(VocoderTrainingError, match="holds"):
            VocoderTrainer(other, packed()).restart(tmp_path / "vocoder")
    with pytest.raises(VocoderTrainingError, match="holds no vocoder"):
        second.restart(tmp_path)


def test_predicted_mels_lie_beside_their_waves() -> None:
    hop = MelConfig().hop_length
    rng = np.random.default_rng(0)
    samples = rng.integers(-9000, 9000, 40 * hop).astype(np.int16)
    audio = PackedAudio(samples, np.array([0, 25 * hop, 40 * hop]))
    truth = [log_mel(samples[a:b] / np.float32(32768)).T for a, b in pairwise(audio.offsets)]
    mels = np.concatenate([truth[1], truth[0]]).astype(np.float16)  # in another order than the waves
    places = {"one.wav": (len(truth[1]), len(truth[0])), "two.wav": (0, len(truth[1]))}
    paired = pair_mels(audio, ["a/one.wav", "b/none.wav", "b/two.wav"][::2], mels, places)
    waves, crops = paired.crops(3, 0, 16, 8 * hop, hop)
    again = paired.crops(3, 0, 16, 8 * hop, hop)
    np.testing.assert_array_equal(waves, again[0])
    np.testing.assert_array_equal(crops, again[1])
    assert crops.shape == (16, 100, 9)
    for wave, crop in zip(waves, crops, strict=True):
        # the frames at either end also hear what lies beyond the crop
        np.testing.assert_allclose(log_mel(wave)[:, 2:-2], crop[:, 2:-2], atol=0.02)
    with pytest.raises(VocoderTrainingError, match="file name"):
        pair_mels(audio, ["other.wav"], mels, places)


def test_a_step_on_predicted_mels(tmp_path: Path) -> None:
    audio = packed()
    hop = MelConfig().hop_length
    frames = (np.diff(audio.offsets) // hop + 1).astype(int)
    names = [f"{number}.wav" for number in range(len(frames))]
    starts = np.concatenate(([0], frames.cumsum()[:-1]))
    places = {name: (int(a), int(b)) for name, a, b in zip(names, starts, frames, strict=True)}
    mels = np.full((int(frames.sum()), 100), -6, np.float16)
    paired = pair_mels(audio, names, mels, places)
    for share in (0.0, 0.5, 1.0):
        trainer = VocoderTrainer(replace(TINY, predicted=share), audio, paired=paired)
        real, mel = trainer._batch(0)
        assert len(real) == len(mel) == TINY.batch
        count = round(share * TINY.batch)
        assert bool(((mel > -7) & (mel < -4.9)).flatten(1)[:, :4].all(1)[:count].all())
        assert np.isfinite(trainer.train_step()["mel"])


def test_crops_follow_from_seed_and_step() -> None:
    audio = packed()
    one = audio.crops(3, 7, 64, 4096)
    np.testing.assert_array_equal(one, audio.crops(3, 7, 64, 4096))
    assert not np.array_equal(one, audio.crops(4, 7, 64, 4096))
    assert not np.array_equal(one, audio.crops(3, 8, 64, 4096))
    assert one.shape == (64, 4096)
    assert one.dtype == np.float32
    # The utterance of 2,400 samples is padded; no crop runs into the next one.
    short = one[(one[:, -1600:] == 0).all(1)]
    assert len(short) < 32
    np.testing.assert_array_equal(short[:, 2400:], 0)


def test_roughened_mels_are_smoother_and_reproducible() -> None:
    mel = torch.randn(4, 100, 50, generator=torch.Generator().manual_seed(0))
    rough = roughen(mel, torch.Generator().manual_seed(1))
    assert torch.equal(rough, roughen(mel, torch.Generator().manual_seed(1)))
    assert rough.shape == mel.shape
    assert float(rough.diff(dim=2).abs().mean()) < float(mel.diff(dim=2).abs().mean())


def test_discriminators_see_all_periods_and_resolutions() -> None:
    judges = Discriminators(TINY.discriminators)
    scores, maps = judges(torch.randn(2, 2304))
    assert len(scores) == len(maps) == 3
    assert [tuple(s.shape[:2]) for s in scores] == [(4, 1), (6, 1), (2, 1)]


# Bad input


@pytest.mark.parametrize(
    "change",
    [{"batch": 0}, {"judged": 9999}, {"crop": 5121}, {"blurred": 2.0}, {"learning_rate": 0.0}, {"steps": -1},
     {"crop": 512, "judged": 512}],
)  # fmt: skip
def test_settings_that_cannot_work(change: dict[str, float]) -> None:
    with pytest.raises(VocoderTrainingError, match=next(iter(change)).split("_")[0]):
        VocoderTrainer(replace(TINY, **change), packed())


def test_states_that_do_not_fit(tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    VocoderTrainer(TINY, packed()).save(state)
    other = VocoderTrainer(replace(TINY, dim=32), packed())
    for start in (other.load, other.restart):
        with pytest.raises(VocoderTrainingError, match="dim 24, not 32"):
            start(state)
    state.write_bytes(state.read_bytes()[:1000])
    torch.save({"version": 99}, tmp_path / "later.pt")
    for name in ("state.pt", "later.pt", "none.pt"):
        with pytest.raises(VocoderTrainingError, match=name):
            read_state(tmp_path / name)


def test_indexes_that_cannot_be_read(tmp_path: Path) -> None:
    index = tmp_path / "train.jsonl"
    for text, words in (("", "no audio file"), ("{}", "line 1"), ("[1]", "line 1"), ("\n{", "line 2")):
        index.write_text(text)
        with pytest.raises(VocoderTrainingError, match=words):
            pack_audio(tmp_path, index, tmp_path / "packed", load_audio)
    with pytest.raises(VocoderTrainingError, match="cannot be read"):
        pack_audio(tmp_path, tmp_path / "none.jsonl", tmp_path / "packed", load_audio)


def corpus(folder: Path) -> Path:
    """Three short recordings and their index."""
    names = []
    for number in range(3):
        names.append(f"a/{number}.wav")
        write_wav(folder / names[-1], voice(0.3 + 0.2 * number), 24000)
    (folder / "train.jsonl").write_text("\n".join(json.dumps({"audio": name}) for name in names))
    return folder


def test_packing_reuses_what_is_there_and_notices_what_changed(tmp_path: Path) -> None:
    folder, calls = corpus(tmp_path), []

    def load(path: Path) -> np.ndarray:
        calls.append(path)
        return load_audio(path)

    audio = pack_audio(folder, folder / "train.jsonl", tmp_path / "packed", load)
    assert len(audio.samples) == audio.offsets[-1] == sum(int(24000 * s) for s in (0.3, 0.5, 0.7))
    np.testing.assert_allclose(audio.samples[:7200] / 32767, voice(0.3), atol=1e-4)
    pack_audio(folder, folder / "train.jsonl", tmp_path / "packed", load)
    assert len(calls) == 3
    (folder / "train.jsonl").write_text('{"audio": "a/0.wav"}')
    assert len(pack_audio(folder, folder / "train.jsonl", tmp_path / "packed", load).offsets) == 2


def test_a_missing_recording_leaves_no_half_pack(tmp_path: Path) -> None:
    folder = corpus(tmp_path)
    (folder / "a" / "2.wav").unlink()
    with pytest.raises(AudioError, match=r"2\.wav"):
        pack_audio(folder, folder / "train.jsonl", tmp_path / "packed", load_audio)
    write_wav(folder / "a" / "2.wav", voice(0.4), 24000)
    assert len(pack_audio(folder, folder / "train.jsonl", tmp_path / "packed", load_audio).offsets) == 4


# The command


def command(folder: Path, *more: str) -> int:
    index = str(folder / "train.jsonl")
    shape = "--dim 16 --intermediate-dim 16 --num-layers 1 --batch 1 --crop 2304 --judged 2304 --threads 1"
    where = ["--data", str(folder), "--train", index, "--dev", index, "--out", str(folder / "run")]
    return cli.main(["train-vocoder", *where, *shape.split(), *more])


def test_the_command_trains_continues_and_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus(tmp_path)
    assert command(folder, "--steps", "3", "--adversarial-from", "2", "--no-bfloat16") == 0
    assert capsys.readouterr().out.strip() == str(folder / "run" / "vocoder")
    assert load_vocoder(folder / "run" / "vocoder").decode(np.zeros((100, 20), np.float32)).shape == (
        19 * 256,
    )
    assert command(folder, "--steps", "4", "--adversarial-from", "2", "--no-bfloat16") == 0
    assert "at step 3" in capsys.readouterr().err
    assert read_state(folder / "run" / "state.pt")["step"] == 4


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus(tmp_path)
    assert command(folder, "--steps", "0") == 2
    assert "steps is 0" in capsys.readouterr().err
    (folder / "a" / "1.wav").write_bytes(b"no sound")
    assert command(folder, "--steps", "1") == 2
    assert "1.wav" in capsys.readouterr().err


# Losses


def buzz(phases: str, shift: int = 0) -> torch.Tensor:
    """A 125-Hz tone of 60 equal harmonics, (1, t): all in phase ("together") or not ("scattered")."""
    t = (torch.arange(12288) + shift) / 24000
    number = torch.arange(1, 61)[:, None]
    offsets = torch.zeros(60, 1)
    if phases == "scattered":
        offsets = 6.28 * torch.rand((60, 1), generator=torch.Generator().manual_seed(0))
    return 0.02 * torch.cos(2 * np.pi * 125 * number * t + offsets).sum(0, keepdim=True)


def test_the_shape_losses_forgive_a_shift_and_hear_scattered_phases() -> None:
    """The mel loss hardly sees what makes a buzz; the other two do."""
    real, shifted, scattered = buzz("together"), buzz("together", 70), buzz("scattered")
    shape, modulation = WaveShapeLoss(), ModulationLoss()
    assert float(shape(real, real)) < 0.01
    assert float(shape(shifted, real)) < 0.1
    assert float(shape(scattered, real)) > 0.5
    for small, large in zip(modulation(shifted, real), modulation(scattered, real), strict=True):
        assert float(large) > 4 * float(small)
    assert all(float(value) == 0 for value in modulation(real, real))


def test_spectral_losses_are_zero_for_equal_waves_and_grow_with_the_error() -> None:
    real = torch.from_numpy(voice(0.5))[None]
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    loss = SpectralLoss()
    assert [float(value) for value in loss(real, real)] == [0, 0]
    near, far = loss(real + 0.001 * noise, real), loss(real + 0.05 * noise, real)
    assert all(0 < a < b for a, b in zip(near, far, strict=True))


def test_losses_have_finite_gradients_in_digital_silence() -> None:
    silence, wave = torch.zeros(2, 5120), torch.zeros(2, 5120, requires_grad=True)
    for loss in (SpectralLoss(), ModulationLoss(), WaveShapeLoss()):
        value = loss(wave, silence)
        (gradient,) = torch.autograd.grad(sum(value) if isinstance(value, tuple) else value, wave)
        assert torch.isfinite(gradient).all()
