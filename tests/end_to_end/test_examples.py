"""With nothing but the embedded voice, the run page and the data window have something to show."""

from __future__ import annotations

import pytest

from lewm_core.resources_path import resource
from tests.end_to_end.desktop import PATIENCE
from tests.end_to_end.running_studio import MARKS

pytestmark = [
    *MARKS,
    pytest.mark.skipif(not resource("voice", "studio.safetensors").exists(), reason="the embedded voice is missing"),
]


def test_an_example_run_and_example_data(desktop, start):
    studio = start()
    studio.ready()
    screen = desktop.screen
    studio.page("Checkpoints over time")
    desktop.click_on("Show an example run", "push button")
    screen.wait_for("example-010000", "label")
    slider = screen.wait_for("Checkpoint of the run", "slider")
    desktop.click_on("Earlier checkpoint", "push button")
    screen.wait_for("example-008000", "label")
    assert screen.value(slider) == 3

    desktop.keys("ctrl+d")
    desktop.focus("Data — LeWM Studio")
    desktop.click_on("Show example data", "push button")
    screen.wait_for("4 utterances.*", "label")
    screen.wait_for("Rhubarb crumble with custard.*")
    desktop.keys("ctrl+q")  # also from the data window
    assert studio.process.wait(PATIENCE) == 0
