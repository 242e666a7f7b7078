"""The ``lewm`` command, run as people run it, on a tiny random checkpoint."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lewm_core.cli import command_names, main
from lewm_core.resources_path import resource
from tests.lewm_core.tiny import tiny_checkpoint

CLIP = str(resource("clips", "heart-sailors.ogg"))
CLIP_TEXT = "All night, the sailors bailed water and prayed for a glimpse of land."


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    tiny_checkpoint(path)
    return str(path)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def say(checkpoint: str, *arguments: str) -> int:
    return main(["say", *arguments, "--checkpoint", checkpoint, "--vocoder", "griffin-lim"])


def test_say_writes_wav_and_recipe(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(checkpoint, "Hello there.", "--out", "hello.wav", "--speaker", "carl", "--seed", "3") == 0
    info = soundfile.info("hello.wav")
    assert (info.samplerate, info.channels, info.subtype) == (24_000, 1, "PCM_16")
    assert info.frames > 0
    recipe = json.loads(Path("hello.json").read_text(encoding="utf-8"))
    assert (recipe["text"], recipe["speaker"], recipe["seed"]) == ("Hello there.", "carl", 3)
    printed = capsys.readouterr()
    assert "hello.wav" in printed.out
    assert "carl" in printed.out


def test_say_json_is_one_object_and_nothing_else(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(checkpoint, "नमस्ते।", "--json", "--format", "FLOAT") == 0
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert printed.out.count("\n") == 1
    assert answer["recipe"]["speaker"] == "bina"  # the first who speaks Hindi
    assert answer["out"] == "speech.wav"
    assert answer["seconds"] == pytest.approx(soundfile.info("speech.wav").duration, abs=1e-3)
    assert set(answer["timings"]) == {"text", "predictor", "decoder", "vocoder"}
    assert soundfile.info("speech.wav").subtype == "FLOAT"


def test_say_never_overwrites_without_being_told(checkpoint: str) -> None:
    assert say(checkpoint, "One.") == 0
    first = Path("speech.wav").read_bytes()
    assert say(checkpoint, "Something quite different.") == 0
    assert Path("speech.wav").read_bytes() == first
    assert Path("speech-2.wav").exists()


def test_same_seed_same_file(checkpoint: str) -> None:
    for name in ("a.wav", "b.wav"):
        assert say(checkpoint, "Hello.", "--seed", "5", "--temperature", "0.7", "--out", name) == 0
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


def test_say_reads_standard_input(
    checkpoint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Ein Café.".encode()), encoding="ascii"))
    assert say(checkpoint, "-", "--json") == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["text"] == "Ein Café."
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe\x00"), encoding="utf-8"))
    assert say(checkpoint, "-") == 2
    assert "UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["say", ""], "no text"),
        (["say", "Привет"], "Cyrillic"),
        (["say", "Hi", "--speaker", "nobody"], "ada, bina, carl"),
        (["say", "Hi", "--out", "hello.mp3"], ".wav"),
        (["say", "Hi", "--vocoder", "no-such-vocoder"], "no-such-vocoder"),
        (["say", "Hi", "--temperature", "-1"], "emperature"),
        (["compare", "missing.wav", "--text", "Hi", "--out", "f.png"], "missing.wav"),
        (["compare", CLIP, "--text", "Hi", "--out", "f.gif"], ".png or .svg"),
        (["compare", CLIP, "--text", "", "--out", "f.png"], "no text"),
        (["compare", CLIP, "--text", "Hi", "--out", "f.png", "--free-from", "-1"], "0 s on or later"),
        (["compare", CLIP, "--text", "Hi", "--out", "f.png", "--own-rate", "2"], "between 0"),
    ],
)
def test_bad_input_is_code_2_and_one_line(
    checkpoint: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--checkpoint", checkpoint]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert "Traceback" not in printed.err
    assert printed.err.count("\n") == 1
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["sya"], ["say"], ["say", "Hi", "--sped", "2"], ["say", "Hi", "--seed", "-1"], ["info", "--jsn"], []],
)
def test_mistyped_command_or_flag_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: lewm" in capsys.readouterr().err


def test_a_mistyped_command_is_told_what_was_probably_meant(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, near in (
        ("sya", "Did you mean 'say'?"),
        ("train-vocodr", "'train-vocoder'"),
        ("xyzzy", "--help"),
    ):
        with pytest.raises(SystemExit):
            main([wrong])
        assert near in capsys.readouterr().err


def test_no_command_at_all_shows_them_all_and_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    told = capsys.readouterr().err
    assert "speak a text into a WAV file" in told
    assert "Begin with: lewm say" in told


def test_a_full_disk_is_told_in_words_whoever_meets_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "mels.f16")

    monkeypatch.setattr("lewm_core.commands.info.run", run)
    assert main(["info"]) == 1
    told = capsys.readouterr().err
    assert "mels.f16: No space left on device. Make room" in told
    assert "OSError" not in told


def test_a_training_that_cannot_begin_leaves_no_settings(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "--data", "nodata", "--out", "run", "--stage", "autoencoder", "--steps", "1"]
    assert main(arguments) == 2
    assert "train.jsonl" in capsys.readouterr().err
    assert not Path("run").exists()


def test_a_checkpoint_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.safetensors").write_bytes(b"not a checkpoint at all")
    for arguments in (["info", "broken.safetensors"], ["say", "Hi", "--checkpoint", "broken.safetensors"]):
        assert main(arguments) == 2
        assert "broken.safetensors" in capsys.readouterr().err
    assert main(["info", "missing.safetensors"]) == 2


def test_a_failure_to_write_is_code_1(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    assert say(checkpoint, "Hi.", "--out", "file/hello.wav") == 1
    assert "Cannot write" in capsys.readouterr().err


def test_info_of_a_checkpoint(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", checkpoint]) == 0
    assert "ada (en-US), bina (hi), carl (en-GB)" in capsys.readouterr().out
    assert main(["info", checkpoint, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [speaker["name"] for speaker in answer["speakers"]] == ["ada", "bina", "carl"]
    assert answer["step"] == 7


@pytest.mark.parametrize(("name", "millions"), [("v3", 24.0), ("v3b", 24.0), ("v3c", 21.1)])
def test_presets_have_their_published_size(
    name: str, millions: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", "--preset", name, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["parameters"] == sum(answer["parts"].values())
    assert answer["parameters"] == pytest.approx(millions * 1e6, rel=0.01)


def test_info_refuses_unknown_presets_and_both_at_once(
    checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", "--preset", "v9"]) == 2
    assert "v3c" in capsys.readouterr().err
    assert main(["info", checkpoint, "--preset", "v3"]) == 2


def test_compare_draws_and_measures(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--text", CLIP_TEXT, "--checkpoint", checkpoint, "--vocoder", "griffin-lim"]
    assert main(["compare", CLIP, *options, "--out", "figure.png", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert Path("figure.png").read_bytes().startswith(b"\x89PNG")
    assert answer["mel_l1"]["ground_truth"] is None
    assert all(answer["mel_l1"][name] > 0 for name in ("reconstruction", "teacher_forced", "autoregressive"))
    assert main(["compare", CLIP, *options, "--out", "figure.svg", "--speaker", "carl"]) == 0
    printed = capsys.readouterr().out
    assert "Reconstruction" in printed
    assert f"mel L1 {answer['mel_l1']['reconstruction']:.3f}" in printed  # the speaker has no part in it


def test_compare_adds_a_mixed_run(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--text", CLIP_TEXT, "--checkpoint", checkpoint, "--vocoder", "griffin-lim", "--out", "f.png"]
    assert main(["compare", CLIP, *options, "--free-from", "99", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["mel_l1"]["mixed"] == pytest.approx(answer["mel_l1"]["teacher_forced"], rel=0.1)
    assert answer["mixed"]["verdict"] == "stays on path"
    assert answer["mixed"]["recipe"]["free_from_s"] == 99.0


def test_bench_measures_every_stage(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["bench", "--checkpoint", checkpoint, "--vocoder", "griffin-lim", "--runs", "1", "--json"]) == 0
    )
    answer = json.loads(capsys.readouterr().out)
    assert {line["speaker"] for line in answer["sentences"]} == {"ada", "bina"}
    for line in answer["sentences"]:
        assert line["total_seconds"] > 0
        assert line["total_seconds"] == pytest.approx(sum(line["stage_seconds"].values()), abs=1e-3)
    assert main(["bench", "--checkpoint", checkpoint, "--vocoder", "griffin-lim", "--runs", "1"]) == 0
    assert "RTF" in capsys.readouterr().out


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"say", "info", "compare", "bench"} <= set(command_names())
    for name in command_names():
        with pytest.raises(SystemExit) as caught:
            main([name.replace("_", "-"), "--help"])
        assert caught.value.code == 0
        assert "usage: lewm" in capsys.readouterr().out


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from lewm_core.cli import build_parser; build_parser(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, env=_environment()).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="signals of this kind do not exist on Windows")
def test_ctrl_c_ends_cleanly(checkpoint: str) -> None:
    """Interrupted in the middle of speaking: exit code 130, one line, no file, no traceback."""
    speaking = (
        # A shell starts what runs in the background with Ctrl+C ignored, and that is inherited.
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from lewm_core.cli import main; from lewm_core.streaming import GrowingMel; add = GrowingMel.add\n"
        "def told(*a): sys.stderr.write('speaking\\n'); sys.stderr.flush(); return add(*a)\n"
        "GrowingMel.add = told; sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", speaking, "say", "-", "--checkpoint", checkpoint, "--vocoder", "griffin-lim"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"One more sentence of a very long story. " * 500)
    process.stdin.close()
    assert process.stderr is not None
    while (line := process.stderr.readline()) != b"speaking\n":
        assert line, "it ended before it spoke"
    process.send_signal(signal.SIGINT)
    code = process.wait(60)
    assert process.stdout is not None
    output, errors = process.stdout.read().decode(), process.stderr.read().decode()
    process.stdout.close()
    process.stderr.close()
    assert (code, output) == (130, "")
    assert "Traceback" not in errors
    assert list(Path().iterdir()) == []


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": root}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are counted in Linux's /proc")
def test_ctrl_c_while_workers_are_starting_is_quiet_and_quick() -> None:
    """It goes to the whole group of processes, as from a terminal."""
    Path("recordings").mkdir()
    for number in range(6):
        soundfile.write(f"recordings/{number}.wav", 0.1 * np.sin(np.arange(48_000) / 20), 24_000)
        Path(f"recordings/{number}.txt").write_text("some words that are said", encoding="utf8")
    hearing = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from lewm_core.cli import main\nif __name__ == '__main__': sys.exit(main())"
    )
    Path("start.py").write_text(hearing, encoding="utf8")
    process = subprocess.Popen(
        [sys.executable, "start.py", "preprocess", "recordings", "data", "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(), start_new_session=True,
    )  # fmt: skip
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while (
        len(children.read_text().split()) < 3
    ):  # two workers, which import now, and multiprocessing's tracker
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    assert "Traceback" not in errors
