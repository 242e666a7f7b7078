"""Voice prompts in the studio: chosen, shown, taken away, kept with session and takes, prepared in the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.binding_panels import MANY_SPEAKERS
from app.engine_prompt import prepared
from app.main_window import MainWindow
from app.prompt_choice import RECIPE_KEY, PromptChoice, prompt_from_json, prompt_of_recipe
from app.session import Clip, Session
from app.studio import Studio
from lewm_core.inference import Synthesiser
from lewm_core.mel import write_wav
from lewm_core.voice_prompt import PromptError, prepare_prompt
from tests.app.conftest import PATIENCE
from tests.lewm_core.tiny import tiny_checkpoint
from widgets.prompt_chip import PromptChip

CHOICE = PromptChoice("/clips/a.wav", "What is said.", "A clip")


def test_a_choice_survives_its_json() -> None:
    assert prompt_from_json(CHOICE.to_json()) == CHOICE
    assert prompt_from_json(None) is None
    assert prompt_of_recipe({RECIPE_KEY: CHOICE.to_json()}) == CHOICE
    assert prompt_of_recipe({}) is prompt_of_recipe({RECIPE_KEY: 7}) is None
    with pytest.raises(ValueError, match="voice prompt"):
        prompt_from_json({"path": 1})
    session = Session(voice_prompt=CHOICE)
    assert Session.from_json(session.to_json()).voice_prompt == CHOICE


@pytest.fixture
def window(studio: Studio, qtbot) -> MainWindow:  # type: ignore[no-untyped-def]
    window = MainWindow(studio)
    qtbot.addWidget(window)
    return window


def speak(studio: Studio, qtbot) -> dict[str, object]:  # type: ignore[no-untyped-def]
    with qtbot.waitSignal(studio.speaking.spoken, timeout=PATIENCE):
        studio.speaking.speak()
    qtbot.waitUntil(lambda: not studio.speaking.is_busy, timeout=PATIENCE)
    return studio.session.takes[0].recipe


def test_the_clip_becomes_the_prompt_until_it_is_taken_away(window: MainWindow, clip: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    studio = window.studio
    action = window.registry.action("use_prompt")
    assert not studio.can_prompt
    assert window.compose.prompt_text() == ""
    assert "prompt" not in speak(studio, qtbot)
    with qtbot.waitSignal(studio.comparison.clip_opened, timeout=PATIENCE):
        studio.open_clip(Clip(str(clip)))
    qtbot.waitUntil(action.isEnabled, timeout=PATIENCE)
    action.trigger()
    assert studio.session.voice_prompt == PromptChoice(str(clip), "What is said in it.", "clip.wav")
    assert window.compose.prompt_text() == "Goes on from clip.wav"
    assert window.compose.findChild(PromptChip).note() == MANY_SPEAKERS
    recipe = speak(studio, qtbot)
    assert recipe["prompt"] == {"clip": "clip.wav", "text": "What is said in it."}
    window.compose.prompt_removed.emit()
    assert studio.session.voice_prompt is None
    assert window.compose.prompt_text() == ""
    assert "prompt" not in speak(studio, qtbot)
    with qtbot.waitSignal(studio.speaking.spoken, timeout=PATIENCE):
        studio.speaking.run_again(studio.session.takes[1])  # the take's own prompt comes back with it
    assert studio.session.takes[0].recipe["prompt"] == recipe["prompt"]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    path = tmp_path_factory.mktemp("voice") / "tiny.safetensors"
    tiny_checkpoint(path)
    return Synthesiser.load(path, "griffin-lim")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    noise = (0.1 * np.random.default_rng(0).normal(size=28_000)).astype(np.float32)
    return write_wav(tmp_path / "clip.wav", noise, 24_000, "FLOAT")


def test_a_prompt_is_prepared_once(voice: Synthesiser, recording: Path) -> None:
    choice = PromptChoice(str(recording), "Hello there.", "clip")
    first = prepared(voice, choice)
    assert first is not None
    assert prepared(voice, choice) is first
    assert prepared(voice, PromptChoice(str(recording), "Good bye.", "clip")) is not first
    assert prepared(voice, None) is None


def test_a_prompt_file_is_the_same_prompt(voice: Synthesiser, recording: Path, window: MainWindow) -> None:
    made = prepare_prompt(voice, recording, "Hello there.")
    file = made.save(recording.with_suffix(".safetensors"))
    found = prepared(voice, PromptChoice(str(file), "", file.name))
    assert found is not None
    assert found.sha256 == made.sha256
    window.files.open_checkpoint(file)  # a dropped prompt is no checkpoint to look into
    assert window.studio.session.voice_prompt == PromptChoice(str(file), "", file.name)
    assert window.compose.prompt_text() == f"Goes on from {file.name}"


def test_a_row_without_its_recording_is_no_prompt(voice: Synthesiser, tmp_path: Path) -> None:
    from tests.app.test_data_browsing import write_data

    manifest = write_data(tmp_path / "data", 3)
    with pytest.raises(PromptError, match="is not there"):
        prepared(voice, PromptChoice(f"{manifest}#1", "Hello.", "row"))
