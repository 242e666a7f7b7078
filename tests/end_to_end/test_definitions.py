"""What a number means is one click away, on every kind of thing that has a number."""

from __future__ import annotations

from tests.end_to_end.desktop import RIGHT
from tests.end_to_end.running_studio import MARKS, voice_arguments

pytestmark = MARKS


def test_numbers_curves_and_controls_explain_themselves(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    screen = desktop.screen

    def explained(words: str) -> None:
        chapter = screen.wait_for("Chapter of the manual")
        assert words in screen.text(chapter)
        desktop.keys("Escape")
        screen.wait_until_gone("Chapter of the manual")

    # Move the mouse away first, so that the click below is what brings the pointer in.
    desktop.click_on("Ground truth: mel spectrogram")
    desktop.click_on(r"L1 \d\.\d\d", "label")
    explained("over all bands and frames")
    studio.page("TF / AR")
    desktop.click_on("Divergence over time", button=RIGHT)
    explained("distance along the warp path")
    studio.page("Slice")
    desktop.keys("shift+F1")
    desktop.click_on("Formant tracks", "check box", inside=screen.wait_for("Inspector"))
    explained("Praat")
    studio.quit()
