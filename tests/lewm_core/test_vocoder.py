"""Loading vocoders, refusing what must not be loaded, decoding long mels, Griffin-Lim."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from lewm_core.config import MelConfig
from lewm_core.graph_vocoder import GraphVocoder
from lewm_core.mel import load_audio, log_mel
from lewm_core.resources_path import resource
from lewm_core.vocoder import GriffinLimVocoder, VocosVocoder, available_vocoders, load_network, load_vocoder
from lewm_core.vocoder_config import CONVNEXT, RESNET, VocoderError, VocosConfig, read_config
from lewm_core.vocoder_losses import WaveShapeLoss

MELS = MelConfig()
TINY = VocosConfig(MELS, CONVNEXT, dim=16, intermediate_dim=24, num_layers=2, n_fft=1024, hop_length=256)


def chirps(seconds: float = 1.0) -> np.ndarray:
    """A sound with moving harmonics and a pause, (t,) float32 at 24 kHz."""
    t = np.arange(int(seconds * 24000) // 256 * 256) / 24000
    phase = 2 * np.pi * (140 * t + 25 * np.sin(2 * np.pi * 1.5 * t) / 3)
    wave = sum(np.sin(k * phase) / k for k in range(1, 12))
    envelope = 0.5 - 0.5 * np.cos(2 * np.pi * 2 * t)
    return (0.2 * wave * envelope).astype(np.float32)


def write_vocos(folder: Path, config: VocosConfig = TINY, weights: str = "model.safetensors") -> Path:
    """A Vocos folder with random weights."""
    torch.manual_seed(3)
    folder.mkdir(parents=True, exist_ok=True)
    text = config.to_yaml()
    if config.backbone == RESNET:
        data = yaml.safe_load(text)
        data["backbone"] = {
            "class_path": RESNET,
            "init_args": {"input_channels": 100, "dim": config.dim, "num_blocks": config.num_layers},
        }
        text = yaml.safe_dump(data)
    (folder / "config.yaml").write_text(text)
    network = config.build()
    with torch.no_grad():  # as loud as speech, so that tolerances mean something
        network.head.out.weight.mul_(5)
    if weights.endswith(".safetensors"):
        save_file(network.state_dict(), folder / weights)
    else:
        torch.save(network.state_dict(), folder / weights)
    return folder


def edit(folder: Path, section: str, **changes: object) -> Path:
    """Change entries of the init_args (or the class_path) of a section of the config in `folder`."""
    data = yaml.safe_load((folder / "config.yaml").read_text())
    for name, value in changes.items():
        if name == "class_path":
            data[section]["class_path"] = value
        else:
            data[section]["init_args"][name] = value
    (folder / "config.yaml").write_text(yaml.safe_dump(data))
    return folder


# What comes out


@pytest.mark.parametrize("clip", ["heart-sailors.ogg", "alpha-arunachal.ogg"])
def test_embedded_vocoder_gives_back_the_speech_it_was_shown(clip: str) -> None:
    wave = load_audio(resource("clips", clip))
    vocoder = load_vocoder()
    mel = log_mel(wave, MELS)
    heard = vocoder.decode(mel)
    assert heard.shape == (len(wave) // 256 * 256,)
    assert heard.dtype == np.float32
    assert np.abs(heard).max() <= 1.0
    again = log_mel(heard, MELS)
    loud = mel > -5
    assert np.abs(again - mel)[loud].mean() < 0.35  # natural-log units
    # Its harmonics belong together better than those of phases that were only made consistent.
    shape = WaveShapeLoss()
    unlikeness = [
        float(shape(torch.from_numpy(sound)[None], torch.from_numpy(wave[: len(heard)])[None]))
        for sound in (heard, load_vocoder("griffin-lim").decode(mel))
    ]
    assert unlikeness[0] < unlikeness[1] - 0.1


def test_decoding_is_deterministic() -> None:
    mel = log_mel(chirps(0.5), MELS)
    for name in ("embedded", "griffin-lim"):
        state = torch.random.get_rng_state()
        first = load_vocoder(name).decode(mel)
        assert torch.equal(state, torch.random.get_rng_state())
        torch.rand(5)
        np.testing.assert_array_equal(first, load_vocoder(name).decode(mel))


def in_torch(folder: Path, config: VocosConfig) -> VocosVocoder:
    """A tiny Vocos as torch decodes it."""
    write_vocos(folder, config)
    return VocosVocoder("tiny", config, MELS, load_network(config, folder / "model.safetensors"))


@pytest.mark.parametrize("name", ["tiny", "embedded"])
def test_the_graph_decodes_as_torch_does(tmp_path: Path, name: str) -> None:
    folder = write_vocos(tmp_path) if name == "tiny" else resource("vocoder", "config.yaml").parent
    config = read_config(folder / "config.yaml")
    expected = VocosVocoder(name, config, MELS, load_network(config, folder / "model.safetensors"))
    vocoder = load_vocoder(folder, MELS)
    assert isinstance(vocoder, GraphVocoder)
    for seconds in (0.05, 0.4, 7.0):
        mel = log_mel(chirps(7.0), MELS)[:, : int(seconds * 93.75)]
        whole = expected.decode(mel)
        np.testing.assert_allclose(vocoder.decode(mel), whole, rtol=0, atol=1e-4 * max(1.0, np.abs(whole).max()))


@given(st.lists(st.integers(0, 90), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wave_in_pieces_is_the_whole_to_the_last_bits(tmp_path: Path, sizes: list[int]) -> None:
    vocoder = load_vocoder(write_vocos(tmp_path), MELS)
    assert isinstance(vocoder, GraphVocoder)
    frames = 1 + sum(sizes)
    mel = np.random.default_rng(3).normal(-3, 2, (100, frames)).astype(np.float32)
    stream, parts, at = vocoder.begin(), [], 0
    for size in sizes:
        parts.append(stream.add(mel[:, at : at + size]))
        at += size
        assert sum(map(len, parts)) == 256 * max(0, at - vocoder.delay)
    parts.append(stream.add(mel[:, at:], is_last=True))
    np.testing.assert_allclose(np.concatenate(parts), vocoder.decode(mel), rtol=0, atol=1e-6)


@pytest.mark.parametrize("backbone", [CONVNEXT, RESNET])
def test_chunks_equal_the_whole(tmp_path: Path, backbone: str) -> None:
    vocoder = in_torch(tmp_path, replace(TINY, backbone=backbone))
    mel = log_mel(chirps(3.3), MELS)
    vocoder.chunk_frames = 10**6
    whole = vocoder.decode(mel)
    loudest = np.abs(whole).max()
    assert loudest > 0.01
    for frames in (7, 64, 200, mel.shape[1] - 1):
        vocoder.chunk_frames = frames
        np.testing.assert_allclose(vocoder.decode(mel), whole, rtol=0, atol=1e-4 * loudest)
    vocoder.chunk_frames, vocoder.context = 64, 1
    assert np.abs(vocoder.decode(mel) - whole).max() > 1e-2 * loudest


def test_the_context_is_needed_and_enough(tmp_path: Path) -> None:
    """A change beyond the context does not reach a sample; one just inside the receptive field does."""
    vocoder = in_torch(tmp_path, TINY)
    vocoder.chunk_frames = 10**6
    mel = np.random.default_rng(1).normal(-3, 2, (100, 200)).astype(np.float32)
    changed = mel.copy()
    changed[:, 100] += 1
    moved = np.flatnonzero(np.abs(vocoder.decode(mel) - vocoder.decode(changed)) > 1e-7)
    reach = 3 * (1 + TINY.num_layers) + 2
    assert moved.min() >= (100 - reach) * 256
    assert moved.max() <= (100 + reach) * 256
    assert reach < vocoder.context <= reach + 2
    assert moved.min() < (100 - 2) * 256


@pytest.mark.parametrize("name", ["embedded", "griffin-lim"])
@pytest.mark.parametrize("frames", [1, 2, 3, 9])
def test_the_shortest_mels(name: str, frames: int) -> None:
    mel = np.full((100, frames), -5, np.float32)
    wave = load_vocoder(name).decode(mel)
    assert wave.shape == ((frames - 1) * 256,)
    assert np.isfinite(wave).all()


def test_griffin_lim_keeps_pitch_and_loudness() -> None:
    t = np.arange(24000 // 256 * 256) / 24000
    wave = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    vocoder = load_vocoder("griffin-lim", MELS)
    assert isinstance(vocoder, GriffinLimVocoder)
    heard = vocoder.decode(log_mel(wave, MELS))
    middle = slice(4096, -4096)
    spectrum = np.abs(np.fft.rfft(heard[middle] * np.hanning(len(heard[middle]))))
    peak = np.argmax(spectrum) * 24000 / len(heard[middle])
    assert abs(peak - 440) < 15
    assert 0.5 < np.std(heard[middle]) / np.std(wave[middle]) < 2


@pytest.mark.parametrize("name", ["embedded", "griffin-lim"])
@pytest.mark.parametrize(
    ("mel", "words"),
    [
        (np.zeros((80, 50), np.float32), "shape"),
        (np.zeros(100, np.float32), "shape"),
        (np.zeros((100, 0), np.float32), "shape"),
        (np.full((100, 5), np.nan, np.float32), "not numbers"),
    ],
)
def test_mels_it_cannot_read(name: str, mel: np.ndarray, words: str) -> None:
    with pytest.raises(VocoderError, match=words):
        load_vocoder(name).decode(mel)


# What is loaded


def test_the_embedded_files_are_small_and_agree_with_the_vocos_package(tmp_path: Path) -> None:
    """The embedded vocoder, read by the `vocos` package itself, gives the same sound."""
    from safetensors.torch import load_file
    from vocos import Vocos

    weight_file = resource("vocoder", "model.safetensors")
    assert weight_file.stat().st_size < 12e6
    package = Vocos.from_hparams(str(resource("vocoder", "config.yaml")))
    missing, extra = package.load_state_dict(
        {k: v.float() for k, v in load_file(weight_file).items()}, strict=False
    )
    assert not extra
    assert all(k.startswith("feature_extractor.") or k == "head.istft.window" for k in missing)
    wave = chirps(1.0)
    with torch.inference_mode():
        theirs = package.eval()(torch.from_numpy(wave)[None])[0].numpy()
    ours = load_vocoder().decode(log_mel(wave, MELS))
    np.testing.assert_allclose(ours, np.clip(theirs, -1, 1), atol=1e-5)


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_a_folder(tmp_path: Path, weights: str) -> None:
    folder = write_vocos(tmp_path / "mine", weights=weights)
    vocoder = load_vocoder(str(folder), MELS)
    assert vocoder.name == str(folder)
    assert vocoder.sample_rate == 24000
    mel = log_mel(chirps(0.5), MELS)
    np.testing.assert_array_equal(vocoder.decode(mel), load_vocoder(folder / weights, MELS).decode(mel))


def test_weights_that_carry_their_feature_extractor(tmp_path: Path) -> None:
    folder = write_vocos(tmp_path, weights="pytorch_model.bin")
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    state["feature_extractor.mel_spec.spectrogram.window"] = torch.hann_window(1024)
    torch.save(state, folder / "pytorch_model.bin")
    load_vocoder(folder, MELS)


def test_the_hub_vocoder_from_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_vocos(tmp_path, weights="pytorch_model.bin")
    asked = []

    def cached(repository: str, name: str, local_files_only: bool = False) -> str:
        asked.append((repository, local_files_only))
        return str(folder / name)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", cached)
    vocoder = load_vocoder("charactr/vocos-mel-24khz", MELS)
    assert vocoder.name == "charactr/vocos-mel-24khz"
    assert asked == [("charactr/vocos-mel-24khz", True)] * 2


def test_the_hub_vocoder_without_a_network(tmp_path: Path) -> None:
    """A real offline try in a fresh process with an empty cache."""
    script = (
        "from lewm_core.vocoder import load_vocoder, VocoderError\n"
        "try: load_vocoder('charactr/vocos-mel-24khz')\n"
        "except VocoderError as e: print(e)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert "embedded" in result.stdout
    assert "folder" in result.stdout


def test_a_hub_that_does_not_answer_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The download itself would try again and again for half a minute."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    def download(_repository: str, name: str, local_files_only: bool = False) -> str:
        assert local_files_only, "the slow download was begun"
        raise LocalEntryNotFoundError(name)

    def unreachable(_url: str, timeout: float) -> None:
        assert timeout <= 10
        raise ConnectionError("no route")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", unreachable)
    with pytest.raises(VocoderError, match=r"no route.*embedded"):
        load_vocoder("charactr/vocos-mel-24khz", MELS)


def test_names() -> None:
    assert available_vocoders() == ["embedded", "charactr/vocos-mel-24khz", "griffin-lim"]


def test_the_errors_import_without_torch() -> None:
    script = (
        "import sys; from lewm_core.vocoder import VocoderError, available_vocoders; "
        "import lewm_core.commands.train_vocoder; sys.exit('torch' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], timeout=300).returncode
        == 0
    )


# What is refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hop_length": 300}, "hop length"),
        ({"n_mels": 80}, "number of mel bands"),
        ({"sample_rate": 22050}, "sample rate"),
        ({"n_fft": 2048}, "FFT size"),
        ({"log_clip": 1e-5}, "log clip"),
    ],
)
def test_other_mels_are_refused(change: dict[str, int], words: str) -> None:
    with pytest.raises(
        VocoderError, match=f"its {words} is .* the checkpoint's is {next(iter(change.values()))}"
    ):
        load_vocoder("embedded", replace(MELS, **change))


def test_a_name_or_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VocoderError, match=r"no vocoder .*embedded, charactr.*griffin-lim"):
        load_vocoder("hifigan")
    with pytest.raises(VocoderError, match=r"no config\.yaml"):
        load_vocoder(tmp_path)


def test_missing_weights(tmp_path: Path) -> None:
    folder = write_vocos(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(VocoderError, match=r"model\.safetensors or pytorch_model\.bin"):
        load_vocoder(folder)


class Evil:
    """Pickled, it would write a file when loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("archive", [True, False])
def test_a_pickle_runs_nothing(tmp_path: Path, archive: bool) -> None:
    folder, trace = write_vocos(tmp_path / "v"), tmp_path / "ran"
    (folder / "model.safetensors").unlink()
    if archive:
        torch.save({"backbone.embed.weight": Evil(trace)}, folder / "pytorch_model.bin")
    else:
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(trace)))
    with pytest.raises(VocoderError, match="refused"):
        load_vocoder(folder)
    assert not trace.exists()


@pytest.mark.parametrize("section", ["feature_extractor", "backbone", "head"])
def test_a_class_path_is_never_imported(tmp_path: Path, section: str) -> None:
    folder = write_vocos(tmp_path / "v")
    (tmp_path / "evil_module.py").write_text("raise SystemExit('imported')")
    sys.path.insert(0, str(tmp_path))
    try:
        edit(folder, section, class_path="evil_module.Thing")
        with pytest.raises(VocoderError, match=r"evil_module\.Thing.*nothing else is ever imported"):
            load_vocoder(folder)
        edit(folder, section, class_path="os.system")
        with pytest.raises(VocoderError, match=r"os\.system"):
            load_vocoder(folder)
    finally:
        sys.path.remove(str(tmp_path))
    assert "evil_module" not in sys.modules


def test_a_yaml_tag_runs_nothing(tmp_path: Path) -> None:
    folder, trace = write_vocos(tmp_path / "v"), tmp_path / "ran"
    (folder / "config.yaml").write_text(f'!!python/object/apply:os.system ["touch {trace}"]')
    with pytest.raises(VocoderError, match="plain YAML"):
        load_vocoder(folder)
    assert not trace.exists()


@pytest.mark.parametrize("text", ["", "3", "[1, 2]", "backbone: 7", "\x00", "{", "a: &a [*a]"])
def test_configs_that_are_none(tmp_path: Path, text: str) -> None:
    folder = write_vocos(tmp_path)
    (folder / "config.yaml").write_text(text)
    with pytest.raises(VocoderError):
        load_vocoder(folder)


@pytest.mark.parametrize(
    ("section", "changes", "words"),
    [
        ("feature_extractor", {"padding": "same"}, "padding"),
        ("head", {"padding": "same"}, "padding"),
        ("head", {"class_path": "vocos.heads.IMDCTCosHead"}, "IMDCTCosHead"),
        ("head", {"dim": 17}, "contradicts itself"),
        ("head", {"hop_length": 128}, "contradicts itself"),
        ("head", {"n_fft": 300}, "overlap"),
        ("backbone", {"input_channels": 80}, "contradicts itself"),
        ("backbone", {"adanorm_num_embeddings": 4}, "bandwidth"),
        ("backbone", {"dim": 10**9}, "whole number"),
        ("backbone", {"dim": "16"}, "whole number"),
        ("backbone", {"num_layers": True}, "whole number"),
        ("backbone", {"num_layers": 0}, "whole number"),
        ("backbone", {"num_layers": 3}, r"lacks backbone\.convnext\.2"),
        ("backbone", {"num_layers": 1}, r"holds backbone\.convnext\.1"),
        ("backbone", {"intermediate_dim": 25}, "has shape"),
    ],
)
def test_configs_that_do_not_fit(
    tmp_path: Path, section: str, changes: dict[str, object], words: str
) -> None:
    folder = edit(write_vocos(tmp_path), section, **changes)
    with pytest.raises(VocoderError, match=words):
        load_vocoder(folder)


def test_damaged_weights(tmp_path: Path) -> None:
    folder = write_vocos(tmp_path)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"\xff" * 64):
        weights.write_bytes(damaged)
        with pytest.raises(VocoderError, match="damaged"):
            load_vocoder(folder)
    state = TINY.build().state_dict()
    state["head.out.bias"][3] = float("nan")
    save_file(state, weights)
    with pytest.raises(VocoderError, match=r"head\.out\.bias holds values that are not numbers"):
        load_vocoder(folder)


def test_a_config_survives_writing_and_reading(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(TINY.to_yaml())
    assert read_config(tmp_path / "config.yaml") == TINY
