"""Speakers, blends and voice prompts as a person uses them: chosen on the map, heard, and there again at a restart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from tests.end_to_end.desktop import RATE, Desktop, likeness, wait_for
from tests.end_to_end.running_studio import MARKS, ROOT, RunningStudio, voice_arguments

pytestmark = MARKS

TEXT = "Good evening."
ALIKE = 0.95
MAP = "Map of the speakers"
WHEEL_DOWN = 5
"""The button of the mouse that a turn of its wheel is to X."""


def shares(studio: RunningStudio) -> dict[str, float]:
    """Shares by name of the speaker that the session keeps."""
    speaker = studio.session().get("speaker", "")
    parts = (part.partition(":") for part in speaker.split("+"))
    return {name: float(share or 1.0) for name, _, share in parts}


def wave_of(studio: RunningStudio, take: dict) -> np.ndarray:
    path = studio.home / "takes" / f"{take['id']}.wav"
    wait_for(path.exists, "the sound of the take")
    return soundfile.read(path, dtype="float32")[0]


def speak(studio: RunningStudio) -> dict:
    """Speak the text once more; the new take."""
    before = len(studio.session()["takes"])
    studio.desktop.keys("ctrl+Return")
    wait_for(lambda: len(studio.session()["takes"]) > before, "one more take")
    return studio.session()["takes"][0]


def place(desktop: Desktop, across: float, down: float) -> tuple[int, int]:
    """A point of the map, by shares of its width and height."""
    x, y, width, height = desktop.screen.wait_for(MAP).box
    return x + round(across * width), y + round(down * height)


def shares_shown(desktop: Desktop, words: str) -> None:
    desktop.screen.wait_for("Shares of the blend", where=lambda bars: bars.description == words)


def test_speakers_are_chosen_and_blended_on_the_map(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    studio.write(TEXT)
    first = speak(studio)
    studio.page("Speakers")
    desktop.screen.wait_for("Any two speakers lie [0-9.]+ to [0-9.]+ apart.", "label")
    assert desktop.screen.find("Laying out.*", shown=False) is None
    desktop.click_on("MDS", "check box")
    desktop.screen.wait_for(r"Distances true to r\s=\s0.[0-9]+, stress\s0.[0-9]+", "label")

    # A click chooses; compose panel and shares say so.
    desktop.click(*place(desktop, 0.95, 0.95))
    wait_for(lambda: studio.session().get("speaker") not in ("", first["speaker"]), "another speaker")
    (chosen,) = shares(studio)
    shares_shown(desktop, f"{chosen} 100 per cent")
    desktop.screen.wait_for(
        "Speaker", "push button", where=lambda button: button.description.startswith(chosen)
    )

    # A drag in live mode is heard, and is a take once it is kept.
    desktop.click_on("Live", "check box")
    desktop.screen.wait_for("Keep take", "push button")
    with desktop.recording() as heard:
        desktop.drag(place(desktop, 0.95, 0.95), place(desktop, 0.9, 0.5))
        wait_for(lambda: len(shares(studio)) > 1, "a blend")
        desktop.keys("ctrl+Return")
        wait_for(lambda: "+" in studio.session()["takes"][0]["speaker"], "a take of the blend")
        kept = studio.session()["takes"][0]
        wait_for(lambda: likeness(heard(), wave_of(studio, kept)) > ALIKE, "the blend in the loudspeaker")
    assert likeness(wave_of(studio, kept), wave_of(studio, first)[: RATE // 2]) < ALIKE
    assert kept["text"] == TEXT
    desktop.click_on("Live", "check box")
    blend = shares(studio)
    words = ", ".join(f"{name} {100 * share:.0f} per cent" for name, share in blend.items())
    shares_shown(desktop, words)

    # All distances can be taken away.
    desktop.click(*place(desktop, 0.5, 0.95), button=WHEEL_DOWN, times=20)
    desktop.click_on("Copy all distances", "push button")
    desktop.click_on("Text to speak", "text")
    desktop.keys("ctrl+a", "ctrl+v")
    box = desktop.screen.wait_for("Text to speak", "text")
    wait_for(lambda: "Cosine" in desktop.screen.text(box), "the distances")
    rows = [line.split("\t") for line in desktop.screen.text(box).splitlines()]
    assert rows[0][0] == "Distance"
    names = rows[0][1:]
    assert {*blend, chosen} <= set(names)
    assert all(float(rows[1 + number][1 + number]) == 0.0 for number in range(len(names)))
    studio.write(TEXT)
    studio.quit()

    # The blend and the layout are there again; Enter in the table chooses a speaker alone.
    again = start()
    again.ready()
    again.page("Speakers")
    shares_shown(desktop, words)
    desktop.screen.wait_for(r"Distances true to r\s=\s.*, stress\s0.[0-9]+", "label")
    nearest = next(iter(blend))
    desktop.click_on(nearest, "cell")
    desktop.keys("Return")
    wait_for(lambda: shares(again) == {nearest: 1.0}, "the speaker of the table")
    shares_shown(desktop, f"{nearest} 100 per cent")
    again.quit()


def test_the_voice_goes_on_from_a_prompt(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    studio.write(TEXT)
    plain = speak(studio)
    desktop.keys("ctrl+shift+p")
    desktop.screen.wait_for("Voice prompt", where=lambda chip: chip.description.startswith("Goes on from"))
    desktop.screen.wait_for("It hardly changes who speaks.", "label")
    desktop.screen.wait_for("Play", "push button")  # the first take has come to its end
    with desktop.recording() as heard:
        prompted = speak(studio)
        assert prompted["recipe"]["prompt"]["text"]
        wait_for(lambda: likeness(heard(), wave_of(studio, prompted)) > ALIKE, "what goes on from the clip")
    assert not np.array_equal(wave_of(studio, prompted), wave_of(studio, plain))

    desktop.click_on("Speak without the voice prompt", "push button")
    desktop.screen.wait_until_gone("Voice prompt")
    assert speak(studio)["recipe"]["prompt"] is None

    # A prompt from a file, which is there again at the next start.
    file = made_prompt(studio, tmp_path)
    desktop.keys("ctrl+o")
    studio.answer_file_dialog("Open checkpoint", file)
    desktop.screen.wait_for("Goes on from said.safetensors", "label")
    desktop.keys("ctrl+Return")
    wait_for(lambda: len(studio.session()["takes"]) == 4, "the fourth take")
    assert studio.session()["takes"][0]["recipe"]["prompt"]["text"] == TEXT
    studio.quit()
    again = start()
    again.ready()
    desktop.screen.wait_for("Goes on from said.safetensors", "label")
    again.quit()


def made_prompt(studio: RunningStudio, folder: Path) -> Path:
    """What `lewm prompt` makes of the first take."""
    first = studio.session()["takes"][-1]
    clip, file = studio.home / "takes" / f"{first['id']}.wav", folder / "said.safetensors"
    command = [
        sys.executable,
        "-m",
        "lewm_core.cli",
        "prompt",
        str(clip),
        TEXT,
        str(file),
        *voice_arguments(folder),
    ]
    subprocess.run(command, check=True, cwd=ROOT)
    return file
