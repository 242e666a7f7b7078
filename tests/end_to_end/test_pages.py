"""The inspector's pages by click and by key: each comes up, with something measured on it."""

from __future__ import annotations

from tests.end_to_end.running_studio import MARKS, voice_arguments

pytestmark = MARKS

PAGES = ("Slice", "Differences", "TF / AR", "Listening", "Checkpoints over time", "Speakers", "Checkpoint")


def test_every_page_by_click_and_by_key(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    studio.ready()
    for page in PAGES:
        studio.page(page)
    for number, page in enumerate(PAGES, 1):
        desktop.keys(f"alt+{number}")
        desktop.screen.wait_for(page, "check box", where=lambda button: "checked" in button.states)
        desktop.screen.wait_for(page, "label")
    studio.quit()
