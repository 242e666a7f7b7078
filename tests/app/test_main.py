"""`lewm-studio` from the command line, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from app.display import why_no_window
from tests.lewm_core.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, home, **environment):
    unset = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    base = {key: value for key, value in os.environ.items() if key not in unset}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**base, "LEWM_STUDIO_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "tiny.safetensors"
    tiny_checkpoint(path)
    return path


def test_the_window_never_imports_torch(tmp_path):
    code = (
        "import sys, app.main_window, app.robot, app.headless, app.export, lewm_core.mel\n"
        "print([name for name in ('torch', 'torchaudio', 'vocos', 'matplotlib') if name in sys.modules])"
    )
    ran = run("-c", code, home=tmp_path, QT_QPA_PLATFORM="offscreen")
    assert ran.stdout.strip() == "[]", ran.stderr


def test_the_command_line_imports_nothing_heavy(tmp_path):
    """The engine process imports the main module again; it must not pull Qt into that process."""
    code = "import sys, app.main, app.engine_worker, app.engine_backend\nprint('PySide6' in sys.modules)"
    assert run("-c", code, home=tmp_path).stdout.strip() == "False"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display")
def test_without_a_display_the_main_job_is_done_and_the_files_are_named(tmp_path, checkpoint):
    out = tmp_path / "out"
    ran = run("-m", "app", "--checkpoint", str(checkpoint), "--text", "Yes.", "--out", str(out), home=tmp_path / "home")
    assert ran.returncode == 0, ran.stderr
    assert "There is no display here" in ran.stderr
    files = [Path(line) for line in ran.stdout.splitlines()]
    assert {path.name for path in files} == {"yes.wav", "yes.json", "comparison.png", "window.png"}
    assert soundfile.info(out / "yes.wav").duration > 0.05
    assert json.loads((out / "yes.json").read_text(encoding="utf-8"))["text"] == "Yes."
    for name in ("comparison.png", "window.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
        assert (out / name).stat().st_size > 10_000
    assert not (tmp_path / "home").exists(), "a run without a person touched the saved session"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display")
def test_a_run_that_cannot_load_its_voice_fails_and_says_why(tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"not a checkpoint")
    ran = run("-m", "app", "--checkpoint", str(bad), "--out", str(tmp_path / "out"), home=tmp_path / "home")
    assert "bad.safetensors" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_missing_file_is_refused_at_once(tmp_path):
    ran = run("-m", "app", "--clip", "/nowhere/clip.wav", home=tmp_path)
    assert ran.returncode == 2
    assert "/nowhere/clip.wav" in ran.stderr
    assert ran.stdout == ""


def test_the_bench_measures_every_phase(tmp_path, checkpoint):
    ran = run("-m", "app.ui_bench", "--json", "--checkpoint", str(checkpoint), home=tmp_path)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert set(result["stalls_ms"]) >= {"load", "compare", "speak"}
    assert 0 < result["window_s"] < result["voice_s"]
    assert result["longest_stall_ms"] == max(result["stalls_ms"].values())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks for X11 and Wayland")
def test_no_display_has_a_reason(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert "no display" in why_no_window()
    monkeypatch.setenv("DISPLAY", ":987")
    assert ":987 does not answer" in why_no_window()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert why_no_window() == ""
