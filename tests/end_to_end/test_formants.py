"""Formant tracks by hand: drawn, read at the playhead, measured with a ceiling that is kept for its speaker."""

from __future__ import annotations

import json

import numpy as np

from lewm_core.analysis.formants import FormantSettings, track_formants
from lewm_core.mel import load_audio
from lewm_core.resources_path import resource
from tests.end_to_end.desktop import Desktop, wait_for
from tests.end_to_end.running_studio import MARKS, voice_arguments
from tests.end_to_end.test_differences import mel_of, position

pytestmark = MARKS
FRAME_RATE = 24_000 / 256
PANES = ["Ground truth", "Reconstruction", "Teacher-forced", "Autoregressive"]


def table(desktop: Desktop) -> list[list[str]]:
    """The rows of the table on the page "Slice", as they are read: name, F1 to F4; a heading is a name alone."""
    found = desktop.screen.wait_for("Formants at this moment")
    lines: dict[int, list[tuple[int, str]]] = {}
    for label in desktop.screen.elements(role="label", inside=found):
        middle = label.centre[1]
        line = next((near for near in lines if abs(near - middle) < 6), middle)
        lines.setdefault(line, []).append((label.box[0], label.name))
    rows = [[name for _, name in sorted(line)] for _, line in sorted(lines.items())]
    return [row for row in rows if row[0] in (*PANES, "Median deviation, %")]


def values(desktop: Desktop) -> dict[str, list[str]]:
    """Formants of every pane at the moment of the slice, in Hz."""
    return {row[0]: row[1:] for row in table(desktop)[: len(PANES)]}


def measured(ceiling: float, seconds: float) -> list[float]:
    """What Praat says of the clip itself at that moment, asked here and not by the studio."""
    wave = load_audio(resource("clips", "heart-sailors.ogg"))
    settings = FormantSettings(ceiling)
    tracks = track_formants(wave, 24_000, len(wave) // 256 + 1, FRAME_RATE, settings)
    return tracks.frequency[:, round(seconds * FRAME_RATE)].tolist()


def wait_for_formants(desktop: Desktop, ceiling: float) -> None:
    expected = [f"{hz:.0f}" for hz in measured(ceiling, position(desktop))]
    wait_for(lambda: values(desktop).get("Ground truth") == expected, f"the formants {expected}", 60)


def set_ceiling(desktop: Desktop, hertz: int) -> None:
    desktop.click_on("Formant ceiling", "spin box", times=2)
    desktop.keys("ctrl+a")
    desktop.type(str(hertz))
    desktop.keys("Return")
    desktop.screen.wait_for("Ceiling chosen for heart", "label")


def test_formants_are_drawn_read_and_measured_with_a_ceiling_of_the_speaker(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    screen = desktop.screen
    truth = mel_of(desktop, "Ground truth")
    x, y, width, height = truth.box
    desktop.click(x + width // 4, y + height // 2)
    desktop.run("xdotool", "mousemove", "10", "300")  # the slice shows the playhead, not the pointer
    plain = desktop.picture(truth.box)
    desktop.keys("t")
    studio.wait_for_log("formants tracked")
    wait_for(lambda: np.abs(desktop.picture(truth.box) - plain).mean() > 2, "tracks over the mel", 20)

    # The values are those of the playhead, and move with it.
    studio.page("Slice")
    wait_for_formants(desktop, 5500.0)
    before = values(desktop)
    desktop.click(x + width * 2 // 3, y + height // 2)
    desktop.run("xdotool", "mousemove", "10", "300")
    wait_for(
        lambda: values(desktop).get("Ground truth") not in (None, before["Ground truth"]), "other values", 20
    )
    wait_for_formants(desktop, 5500.0)
    shown = values(desktop)
    assert set(shown) == set(PANES)
    first = [float(row[0]) for row in shown.values()]
    assert max(first) < 1.6 * min(first), "all panes are read at the same sound"

    # How far the models' formants lie from the truth's: of the free run, too, along the warp path.
    studio.wait_for_log("aligned")
    wait_for(lambda: len(table(desktop)) == 8, "four formants of three models", 20)
    heading, *deviations = table(desktop)[len(PANES) :]
    assert heading == ["Median deviation, %"]
    assert [row[0] for row in deviations] == PANES[1:]
    for _, *deviation in deviations:
        assert len(deviation) == 4
        assert 0.0 < float(deviation[0]) < 20.0, "the same words: no other vowels"

    # Another ceiling, another measurement; it is kept for this speaker, at the next start, too.
    set_ceiling(desktop, 4000)
    assert measured(4000.0, position(desktop)) != measured(5500.0, position(desktop)), "or nothing is tested"
    wait_for_formants(desktop, 4000.0)
    studio.quit()
    settings = json.loads((studio.home / "settings.json").read_text(encoding="utf-8"))
    assert settings["formant_ceilings"] == {"heart": 4000.0}
    again = start(*voice_arguments(tmp_path))
    again.ready()
    ceiling = screen.wait_for("Formant ceiling", "spin box")
    wait_for(lambda: screen.value(ceiling) == 4000.0, "the ceiling of last time", 20)
    desktop.click(x + width // 4, y + height // 2)
    desktop.run("xdotool", "mousemove", "10", "300")
    wait_for_formants(desktop, 4000.0)

    # Another speaker has another ceiling; this one's is taken back by the arrow.
    desktop.click_on("Speaker of the comparison", "push button")
    desktop.type("fenrir")
    desktop.keys("Return")
    screen.wait_for("Ceiling for fenrir by pitch", "label")
    wait_for(lambda: screen.value(ceiling) == 5500.0, "the ceiling by pitch", 60)
    desktop.click_on("Speaker of the comparison", "push button")
    desktop.type("heart")
    desktop.keys("Return")
    wait_for(lambda: screen.value(ceiling) == 4000.0, "the ceiling of the first speaker", 60)
    desktop.click_on("Use the ceiling that the pitch suggests", "push button")
    screen.wait_for("Ceiling for heart by pitch", "label")
    wait_for_formants(desktop, 5500.0)
    desktop.keys("t")
    screen.wait_until_gone("Formants at this moment")
    again.quit()
