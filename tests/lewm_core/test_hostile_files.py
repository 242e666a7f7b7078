"""Files that a person may open, damaged or made to harm: each is read, or refused by an error of its own that names
the file; nothing else is raised, nothing is run, no memory is filled, nothing hangs."""

from __future__ import annotations

import copy
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from lewm_core.analysis.run_folder import LogReader, open_checkpoint, open_run
from lewm_core.checkpoint import (
    HEADER_KEY,
    CheckpointError,
    inspect_checkpoint,
    is_whole,
    load_arrays,
    read_header,
)
from lewm_core.exported_voice import export_voice, load_exported
from lewm_core.manifest import DataError, MelStore
from lewm_core.mel import AudioError, load_audio
from lewm_core.predicted_mels import PredictedMels
from lewm_core.preprocess import discover, preprocess
from lewm_core.preprocess.lists import read_list
from lewm_core.preprocess.recordings import Span
from lewm_core.preprocess.timestamps import read_spans
from lewm_core.train_latents import known_alignments, latent_store
from lewm_core.train_save import read_save
from lewm_core.train_settings import SettingsError, load_run, settle
from lewm_core.vocoder import load_vocoder
from lewm_core.vocoder_config import VocoderError, read_config
from lewm_core.vocoder_data import VocoderTrainingError, read_index
from lewm_core.voice_prompt import PromptError, load_prompt
from tests.lewm_core.test_vocoder import write_vocos
from tests.lewm_core.tiny import tiny_checkpoint, tiny_model
from tests.lewm_core.training import write_data

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DEEP = "[" * 100_000
JUNK: list[Any] = [
    None, True, -1, 0, 10**400, 2**70, -(2**63), 1e308, float("inf"), float("nan"), "", "x", "\0", "\ud800", [], [[]],
    {}, {"": None}, [None, 3], "9" * 5000, 0.5,
]  # fmt: skip
"""What stands where something else is expected."""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be replaced in JSON data."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


def with_junk(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """The same data with ``junk`` at a place."""
    if not path:
        return junk
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return value


def spoilt(data: st.DataObject, good: Any) -> str:
    """Good JSON data, spoilt at one place, missing one, or as text cut short."""
    how = data.draw(st.sampled_from(["junk", "junk", "junk", "missing", "cut", "deep"]))
    spots = places(good)
    path = data.draw(st.sampled_from(spots))
    if how == "deep":
        return DEEP
    if how == "missing" and path and isinstance(path[-1], str):
        bad = copy.deepcopy(good)
        inner = bad
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
    else:
        bad = with_junk(good, path, data.draw(st.sampled_from(JUNK)))
    text = json.dumps(bad)
    return text[: data.draw(st.integers(0, len(text)))] if how == "cut" else text


def is_refused_well(read: Callable[[], Any], error: type[Exception]) -> None:
    """Either it can be read, or it is refused in words."""
    try:
        read()
    except error as refusal:
        assert len(str(refusal)) > 20


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    tiny_checkpoint(path)
    return path


# Checkpoints, prompts, exported voices


@FUZZ
@given(st.data())
def test_checkpoint_headers(good: Path, tmp_path: Path, data: st.DataObject) -> None:
    arrays, _ = load_arrays(good)
    path = tmp_path / "bad.safetensors"
    path.write_bytes(save(arrays, {HEADER_KEY: spoilt(data, read_header(good))}))
    for read in (inspect_checkpoint, open_checkpoint, read_header):
        is_refused_well(lambda read=read: read(path), CheckpointError)
    open_run(tmp_path)


@FUZZ
@given(st.data())
def test_safetensors_indexes(good: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = good.read_bytes()
    size = int.from_bytes(content[:8], "little")
    index = {
        name: entry for name, entry in json.loads(content[8 : 8 + size]).items()
        if name in ("__metadata__", "latent_mean", "predictor.stop.weight")
    }  # fmt: skip
    text = spoilt(data, index).encode("utf8", "surrogatepass")
    path = tmp_path / "bad.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
    info = inspect_checkpoint(good)
    for read in (inspect_checkpoint, is_whole, open_checkpoint):
        is_refused_well(lambda read=read: read(path), CheckpointError)
    is_refused_well(lambda: load_prompt(path, info), PromptError)
    open_run(tmp_path)


@FUZZ
@given(st.data())
def test_prompt_headers(good: Path, tmp_path: Path, data: st.DataObject) -> None:
    header = {"format_version": 1, "seconds": 1.0, "text": "a", "read": "a", "language": "hi", "clip": "",
              "checkpoint_sha256": ""}  # fmt: skip
    path = tmp_path / "prompt.safetensors"
    from lewm_core import voice_prompt

    arrays = {"latents": np.zeros((4, 8), np.float32), "durations": np.array([4])}
    save_file(arrays, path, {voice_prompt.HEADER_KEY: spoilt(data, header)})
    info = inspect_checkpoint(good)
    is_refused_well(lambda: load_prompt(path, info), PromptError)


@settings(FUZZ, max_examples=25)
@given(st.data())
def test_exported_voices(good: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("exported")
    export_voice(good, folder, str(write_vocos(folder / "vocos")))
    name = data.draw(st.sampled_from(sorted(p.name for p in folder.iterdir() if p.is_file())))
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content), 3000) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, 3000)))])
    is_refused_well(lambda: load_exported(folder), CheckpointError)


# PyTorch files


def torch_file(path: Path, header: dict[str, Any], **model: torch.Tensor) -> Path:
    torch.save({"lewm": json.dumps(header), "model": {**tiny_model().state_dict(), **model}}, path)
    return path


def test_tensors_of_every_kind_in_pytorch_files(good: Path, tmp_path: Path) -> None:
    header = read_header(good)
    kinds = {
        "sparse": torch.zeros(8).to_sparse(), "complex": torch.zeros(8, dtype=torch.complex64),
        "float8": torch.zeros(8, dtype=torch.float8_e4m3fn), "bool": torch.zeros(8, dtype=torch.bool),
        "meta": torch.zeros(8, device="meta"),
    }  # fmt: skip
    for name, value in kinds.items():
        path = torch_file(tmp_path / f"{name}.pt", header, latent_mean=value)
        with pytest.raises(CheckpointError, match=name):
            inspect_checkpoint(path)


def test_a_pytorch_file_whose_tensors_are_larger_than_it_is_refused_before_they_are_made(
    good: Path, tmp_path: Path
) -> None:
    """A stride of 0 makes a matrix of any size out of one number; a zip can hold a gigabyte of zeros in a megabyte."""
    header = read_header(good)
    header["model"]["text_dim"] = 200_000
    huge = torch.zeros(1).expand(200_000, 200_000)
    path = torch_file(
        tmp_path / "huge.pt", header, **{"text_encoder.blocks.0.attention.project_out.weight": huge}
    )
    with pytest.raises(CheckpointError, match=r"huge\.pt"):
        inspect_checkpoint(path)
    plain = torch_file(tmp_path / "plain.pt", read_header(good))
    bomb = tmp_path / "bomb.pt"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        target.writestr("plain/data/999", bytes(200_000_000))
    assert bomb.stat().st_size < 5_000_000
    for read, error in (
        (inspect_checkpoint, CheckpointError),
        (read_save, SettingsError),
    ):
        with pytest.raises(error, match="unpacked"):
            read(bomb)


@FUZZ
@given(st.data())
def test_damaged_pytorch_files(good: Path, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "weights.pt"
    if not path.exists():
        torch_file(path, read_header(good))
        path.with_suffix(".good").write_bytes(path.read_bytes())
    content = bytearray(path.with_suffix(".good").read_bytes())
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])
    is_refused_well(lambda: inspect_checkpoint(path), CheckpointError)
    is_refused_well(lambda: read_save(path), SettingsError)


# Vocoders

YAML_JUNK = [
    "2001-99-99", "!!int ''", "!!timestamp x", "!!python/object/apply:os.system [x]", "1" * 5000, "*nothing", "&a [*a]",
    "!!set {a, b}", "? {a: b}", "!!binary x", "0x", ".inf", "-.inf", ".nan", "~", "1:99:99", "!!float 'x'", "<<: 3",
    "1e999999999", "0b2", "!!omap x", "!!bool x", "=",
]  # fmt: skip


@FUZZ
@example("dim: 16", "2001-99-99")
@given(st.sampled_from(["dim: 16", "class_path: vocos.heads.ISTFTHead", "n_fft: 1024", "init_args:", "backbone:"]),
       st.sampled_from(YAML_JUNK) | st.text(max_size=12))  # fmt: skip
def test_vocoder_configurations(tmp_path: Path, place: str, junk: str) -> None:
    folder = tmp_path / "vocos"
    config = folder / "config.yaml"
    if not config.exists():
        write_vocos(folder)
        config.with_suffix(".good").write_bytes(config.read_bytes())
    text = config.with_suffix(".good").read_text(encoding="utf8")
    spoilt_text = text.replace(place, place.split(":")[0] + ": " + junk, 1)
    config.write_text(spoilt_text, encoding="utf8", errors="replace")
    is_refused_well(lambda: read_config(config), VocoderError)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "a: " * 5000,
        "x" * 3_000_000,
        "- " * 5000,
        "&a [" + "*a, " * 9 + "]",
        "\0",
        "\ufeff",
        "{" * 3000,
    ],
    ids=["brackets", "colons", "long", "dashes", "itself", "zero", "mark", "braces"],
)
def test_vocoder_configurations_that_would_take_long(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf8")
    with pytest.raises(VocoderError, match=r"config\.yaml"):
        read_config(path)


def test_nested_aliases_are_not_unrolled(tmp_path: Path) -> None:
    """A billion laughs, in a place that an error message would print."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    write_vocos(tmp_path / "vocos")
    config = tmp_path / "vocos" / "config.yaml"
    good = config.read_text(encoding="utf8")
    config.write_text("\n".join(lines) + "\n" + good.replace("dim: 16", "dim: *a9", 1), encoding="utf8")
    with pytest.raises(VocoderError) as caught:
        load_vocoder(str(tmp_path / "vocos"))
    assert len(str(caught.value)) < 2000


# Data folders and runs


@FUZZ
@given(st.data())
def test_manifests(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = write_data(tmp_path_factory.mktemp("data"))
    manifest = folder / "train.jsonl"
    first, *rest = manifest.read_text(encoding="utf8").split("\n")
    line = {**json.loads(first), "start": 0.0, "end": 1.0, "estimated": False, "gain_db": 0.0}
    bad = spoilt(data, line).encode("utf8", "surrogatepass")
    manifest.write_bytes(b"\n".join([bad, *(other.encode() for other in rest)]))

    def read() -> None:
        store = MelStore(folder, "train")
        for index in range(len(store)):
            assert store.mel(index).shape[0] == store.utterances[index].frames
        assert store.speakers()
        for row in store.utterances:
            assert row.to_line()
            assert np.isfinite(row.seconds)

    is_refused_well(read, DataError)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80", DEEP.encode()])
def test_manifests_that_are_no_text(tmp_path: Path, content: bytes) -> None:
    write_data(tmp_path)
    (tmp_path / "train.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=r"train\.jsonl"):
        MelStore(tmp_path, "train")


@FUZZ
@given(st.data())
def test_settings_of_a_run(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "settings.json"
    path.unlink(missing_ok=True)
    settle(tmp_path, "predictor", {}, {"steps": 5})
    good = json.loads(path.read_text(encoding="utf8"))
    path.write_text(spoilt(data, good), encoding="utf8")
    is_refused_well(lambda: load_run(tmp_path), SettingsError)


@pytest.mark.parametrize(
    "content", ["", "{", DEEP, "[1, 2]", "[[1], [2]]", '{"a": 1}', '[["x"]]', "[[1e999]]", "[3]"]
)
def test_durations_of_a_run(tmp_path: Path, content: str) -> None:
    data = write_data(tmp_path)
    model, store = tiny_model(), MelStore(data, "dev")
    known_alignments(model, store, tmp_path, "dev")
    (tmp_path / "dev.durations.json").write_text(content, encoding="utf8")
    with pytest.raises(SettingsError, match=r"dev\.durations\.json"):
        known_alignments(model, store, tmp_path, "dev")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"x" * 200])
def test_latents_of_a_run(tmp_path: Path, content: bytes) -> None:
    data = write_data(tmp_path)
    model, store = tiny_model(), MelStore(data, "dev")
    latent_store(model, store, tmp_path, "dev")
    (tmp_path / "dev.latents.npy").write_bytes(content)
    with pytest.raises(SettingsError, match=r"dev\.latents\.npy"):
        latent_store(model, store, tmp_path, "dev")


@FUZZ
@given(st.data())
def test_predicted_mels(tmp_path: Path, data: st.DataObject) -> None:
    (tmp_path / "predicted.f16").write_bytes(bytes(2 * 100 * 8))
    (tmp_path / "predicted.json").write_text(
        spoilt(data, {"a.wav": [0, 4], "b.wav": [4, 4]}), encoding="utf8"
    )
    is_refused_well(lambda: PredictedMels.open(tmp_path), DataError)


@FUZZ
@given(st.data())
def test_indexes_of_sounds(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "index.jsonl"
    path.write_text(spoilt(data, {"audio": "a.wav"}) + "\n", encoding="utf8")
    is_refused_well(lambda: read_index(path), VocoderTrainingError)


@FUZZ
@given(st.data())
def test_logs_of_a_run(tmp_path: Path, data: st.DataObject) -> None:
    lines = [{"step": 1, "kind": "train", "loss": 0.5}, {"step": 2, "kind": "validation", "loss": 0.25}]
    path = tmp_path / "predictor.log.jsonl"
    path.write_text("\n".join(spoilt(data, line) for line in lines) + "\n", encoding="utf8")
    for curve in LogReader().read([path]):
        assert len(curve.steps) == len(curve.values)


def test_a_log_with_an_endless_line_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "predictor.log.jsonl"
    path.write_bytes(b'{"step": 1, "loss": 0.5}\n' + b"x" * 3_000_000 + b'\n{"step": 2, "loss": 0.25}\n')
    (curve,) = LogReader().read([path])
    assert curve.steps.tolist() == [1, 2]


def test_a_plan_of_moves_from_elsewhere_touches_nothing_outside(tmp_path: Path) -> None:
    """What `lewm preprocess` finds in its own work folder may have come with a data folder of somebody else."""
    recordings, data, victim = tmp_path / "recordings", tmp_path / "data", tmp_path / "victim.txt"
    recordings.mkdir()
    soundfile.write(recordings / "a.wav", 0.1 * np.sin(np.arange(24_000) / 20), 24_000)
    (recordings / "a.txt").write_text("one", encoding="utf8")
    work = data / ".work"
    work.mkdir(parents=True)
    for plan in ({"../victim.txt": False}, {str(victim): False}, ["../victim.txt"], DEEP):
        victim.write_text("dear", encoding="utf8")
        (work / "moves.json").write_text(plan if isinstance(plan, str) else json.dumps(plan), encoding="utf8")
        with pytest.raises(DataError, match=r"moves\.json"):
            preprocess(discover(recordings), data, workers=1)
        assert victim.read_text(encoding="utf8") == "dear"


# Recordings and their transcripts


def test_text_grids_are_read_as_praat_writes_them(tmp_path: Path) -> None:
    """Long, short and binary."""
    from parselmouth.praat import call

    grid = call("Create TextGrid", 0, 2.5, "words sentences marks", "marks")
    call(grid, "Insert boundary", 2, 1.25)
    call(grid, "Set interval text", 2, 1, 'He said "no" ! and 3 more = 4 <exists>')
    call(grid, "Set interval text", 2, 2, "नमस्ते, dünya")
    call(grid, "Set interval text", 1, 1, "word")
    call(grid, "Insert point", 3, 0.5, "ü")
    expected = [Span('He said "no" ! and 3 more = 4 <exists>', 0.0, 1.25), Span("नमस्ते, dünya", 1.25, 2.5)]
    for form in ("text", "short text", "binary"):
        path = tmp_path / f"{form}.TextGrid"
        call(grid, f"Save as {form} file", str(path))
        assert read_spans(path) == (expected, "")
        path.write_bytes(path.read_bytes()[:-30])
        with pytest.raises(DataError, match="damaged"):
            read_spans(path)


@FUZZ
@given(st.data())
def test_whisper_transcripts(tmp_path: Path, data: st.DataObject) -> None:
    segments = [{"start": 0.0, "end": 1.5, "text": "one"}, {"start": 2, "end": 3, "text": "two"}]
    good = {"language": "en", "segments": segments}
    path = tmp_path / "a.json"
    path.write_text(spoilt(data, good), encoding="utf8")
    is_refused_well(lambda: read_spans(path), DataError)
    (tmp_path / "a.wav").touch()
    is_refused_well(lambda: discover(tmp_path), DataError)


@FUZZ
@given(st.data())
def test_lists_of_recordings(tmp_path: Path, data: st.DataObject) -> None:
    row = {"audio": "a.wav", "text": "one", "speaker": "ada", "language": "en", "start": 0.0, "end": 1.0}
    path = tmp_path / "list.jsonl"
    path.write_text(spoilt(data, row), encoding="utf8")
    is_refused_well(lambda: read_list(path), DataError)


@pytest.mark.parametrize("name", ["9" * 5000 + ".wav", "a\0.wav", "\ud800.wav", "/dev/null/a.wav"])
def test_file_names_that_no_system_allows(tmp_path: Path, name: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(json.dumps({"audio": name, "text": "one"}), encoding="utf8")
    is_refused_well(lambda: read_list(path), DataError)


@FUZZ
@given(st.sampled_from([".csv", ".tsv", ".srt", ".vtt"]), st.binary(max_size=60), st.booleans())
def test_lists_and_subtitles_of_any_bytes(tmp_path: Path, ending: str, junk: bytes, has_head: bool) -> None:
    heads = {
        ".csv": b"audio,text\na.wav,one\n", ".tsv": b"path\tsentence\na.wav\tone\n",
        ".srt": b"1\n00:00:00,000 --> 00:00:01,000\none\n\n", ".vtt": b"WEBVTT\n\n00:00.000 --> 00:01.000\none\n\n",
    }  # fmt: skip
    path = tmp_path / f"a{ending}"
    path.write_bytes((heads[ending] if has_head else b"") + junk)
    read = read_list if ending in (".csv", ".tsv") else read_spans
    is_refused_well(lambda: read(path), DataError)  # type: ignore[operator]


GRID = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 2\ntiers? <exists>\nsize = 1\nitem []:\n'
    '    item [1]:\n        class = "IntervalTier"\n        name = "sentences"\n        xmin = 0\n        xmax = 2\n'
    '        intervals: size = 1\n        intervals [1]:\n            xmin = 0\n            xmax = 2\n'
    '            text = "one"\n'
)  # fmt: skip


@FUZZ
@example("xmax = 2", "xmax = 1e308", 10_000)
@example("intervals: size = 1", "intervals: size = 2000000000", 10_000)
@example("size = 1\nitem", "size = 2000000000\nitem", 10_000)
@example('class = "IntervalTier"', 'class = "Sound"', 10_000)
@example('Object class = "TextGrid"', 'Object class = "Collection"\n# TextGrid', 10_000)
@given(st.sampled_from(GRID.splitlines()[:-1]), st.text(max_size=20), st.integers(0, len(GRID)))
def test_text_grids(tmp_path: Path, place: str, junk: str, cut: int) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(GRID.replace(place, junk, 1)[:cut], encoding="utf8", errors="replace")
    is_refused_well(lambda: read_spans(path), DataError)


@dataclass
class Flac:
    """A FLAC whose header lies about its length."""

    @staticmethod
    def write(path: Path, samples: int) -> None:
        soundfile.write(path, 0.1 * np.sin(np.arange(24_000) / 20), 24_000)
        content = bytearray(path.read_bytes())
        at = content.index(b"fLaC") + 4 + 4 + 13  # STREAMINFO: the lower 4 bits of this byte and 4 more
        content[at] = (content[at] & 0xF0) | (samples >> 32)
        content[at + 1 : at + 5] = struct.pack(">I", samples & 0xFFFFFFFF)
        path.write_bytes(content)


def test_a_sound_that_claims_to_last_for_days_is_refused_before_it_is_read(tmp_path: Path) -> None:
    Flac.write(tmp_path / "long.flac", 2**36 - 1)
    with pytest.raises(AudioError, match=r"long\.flac"):
        load_audio(tmp_path / "long.flac")


@FUZZ
@given(st.sampled_from(["WAV", "FLAC", "OGG", "AIFF"]), st.data())
def test_sounds_with_damaged_headers(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    soundfile.write(path, 0.1 * np.sin(np.arange(2400) / 20), 24_000, format=kind)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 99))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])
    is_refused_well(lambda: load_audio(path), AudioError)
