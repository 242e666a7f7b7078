"""Live mode with the real engine: the last text is what is heard, and there is one live take until it is kept."""

from __future__ import annotations

import numpy as np
import soundfile

from tests.end_to_end.desktop import likeness, wait_for
from tests.end_to_end.running_studio import MARKS, RunningStudio, voice_arguments

pytestmark = MARKS

TYPED = "Letters are typed quickly"
ALIKE = 0.95
PIECE = 6000
"""Samples: a quarter of a second."""


def listed(studio: RunningStudio) -> list[str]:
    """The takes of the list as they are read out, from the top."""
    takes = studio.desktop.screen.wait_for("Takes", "list")
    return [element.name for element in studio.desktop.screen.elements("", "list item", inside=takes)]


def wave_of(studio: RunningStudio, take: dict) -> np.ndarray:
    path = studio.home / "takes" / f"{take['id']}.wav"
    wait_for(path.exists, "the sound of the take")
    return soundfile.read(path, dtype="float32")[0]


def share_heard(recording: np.ndarray, wave: np.ndarray) -> float:
    """Share of the quarter seconds of a sound that were heard, so that a gap of a busy machine costs only itself."""
    pieces = [wave[at : at + PIECE] for at in range(0, len(wave) - PIECE, PIECE)]
    return float(np.mean([likeness(recording, piece) > ALIKE for piece in pieces]))


def test_what_is_typed_last_is_heard_and_one_live_take_is_listed(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    desktop.click_on("Text to speak", "text")
    desktop.keys("ctrl+a", "Delete", "ctrl+shift+l")
    desktop.screen.wait_for("Keep take", "push button")
    with desktop.recording() as heard:
        for word in TYPED.split(" "):
            desktop.type(word if TYPED.endswith(word) else f"{word} ")
            wait_for(lambda: len(listed(studio)) == 1, "a live take")
        wait_for(lambda: listed(studio)[0].startswith(f"{TYPED}, live"), "the last text in the list")
        assert len(listed(studio)) == 1
        assert studio.session()["takes"] == []
        desktop.screen.wait_for("Play", "push button")  # it has come to its end
        recording = heard()
    desktop.click_on("Keep take", "push button")
    take = studio.take_of(TYPED)
    wait_for(lambda: len(listed(studio)) == 1 and "live" not in listed(studio)[0], "an ordinary take")
    wave = wave_of(studio, take)
    assert share_heard(recording, wave) > 0.7
    end = int(np.flatnonzero(np.abs(recording) > 0.01)[-1])
    spoken_until = int(np.flatnonzero(np.abs(wave) > 0.01)[-1])
    assert likeness(recording[end - 2 * PIECE : end + 100], wave[spoken_until - PIECE : spoken_until]) > ALIKE
    studio.quit()
