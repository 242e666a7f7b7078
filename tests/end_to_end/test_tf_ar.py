"""The page TF / AR as a person uses it: verdict, curves, attention, definitions; mixed runs seen, dragged and heard."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors import safe_open
from safetensors.numpy import save_file

from lewm_core.resources_path import resource
from tests.end_to_end.desktop import LEFT, RATE, RIGHT, Desktop, likeness, wait_for
from tests.end_to_end.running_studio import MARKS, RunningStudio, voice_arguments

pytestmark = MARKS
PAGE = "TF / AR"
VOICE = resource("voice", "studio.safetensors")
VERDICT = r"(Stays on path|Leaves at|Collapses|Silent|Ends early|Is cut off|Does not stop).*"
MIXED_PANE = "Mixed run: mel spectrogram"
ALIKE = 0.95
TITLE_LINE = 46
"""Height in px of the inspector's title, above the page that scrolls."""
WHEEL_UP, WHEEL_DOWN = 4, 5


def open_page(studio: RunningStudio) -> None:
    studio.ready()
    studio.page(PAGE)


def position(desktop: Desktop) -> float:
    """Where the playhead is, s, as the transport bar says it."""
    name = desktop.screen.wait_for(r"Position .*").name
    minutes, seconds = re.match(r"Position (\d+):([\d.]+)", name).groups()
    return 60 * int(minutes) + float(seconds)


def into_view(desktop: Desktop, name: str) -> tuple[int, int, int, int]:
    """Turn the wheel over the page until all of a part of it is in sight; where it is then."""
    page = desktop.screen.wait_for("Inspector")
    top, bottom = page.box[1] + TITLE_LINE, page.box[1] + page.box[3]
    for _ in range(40):
        place = desktop.screen.wait_for(name).box
        if top <= place[1] and place[1] + place[3] <= bottom:
            return place
        desktop.click(page.box[0] + 40, page.centre[1], button=WHEEL_UP if place[1] < top else WHEEL_DOWN)
    raise AssertionError(f"{name} does not come into view: {place}")


def drag_flag(desktop: Desktop, share: float) -> None:
    """Drag the flag over the ground truth to a place of its pane (0 left, 1 right)."""
    pane = desktop.screen.wait_for("Ground truth: mel spectrogram")
    flag = desktop.screen.wait_for("Free from", inside=pane)
    start = flag.box[0] + 12, flag.box[1] + 8  # into the flag at its top, beside the line
    line = flag.box[0] + 5
    end = pane.box[0] + round(share * pane.box[2]) + start[0] - line
    desktop.drag(start, (end, start[1] + 10))


def remark(desktop: Desktop, words: str) -> float:
    """Wait until the header of the mixed pane says these words; the second from which the run is free."""
    said = desktop.screen.wait_for(rf"free from [\d.]+ s{words} · L1 .*", "label").name
    return float(re.match(r"free from ([\d.]+) s", said).group(1))


def is_over(recording: np.ndarray) -> bool:
    """Whether something was heard, and a second of silence after it."""
    sounding = np.flatnonzero(np.abs(recording) > 0.01)
    return len(sounding) > 0 and len(recording) - sounding[-1] > RATE


def exported(desktop: Desktop, studio: RunningStudio, folder: Path) -> dict[str, np.ndarray]:
    """The sounds of the mixed and of the teacher-forced run, from the files of "Export all panes"."""
    folder.mkdir()
    desktop.keys("ctrl+shift+e")
    studio.answer_file_dialog("Export all panes to", folder)
    wait_for(lambda: list(folder.glob("*-mixed.json")), "the exported panes")
    return {
        key: soundfile.read(next(folder.glob(f"*-{key}.wav")), dtype="float32")[0]
        for key in ("mixed", "teacher-forced")
    }


def test_the_page_says_what_became_of_the_free_run_and_leads_there(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    open_page(studio)
    screen = desktop.screen
    screen.wait_for(VERDICT, "label")

    # Every number has its definition one click away: the right button on a plot, which goes somewhere by the left one.
    for name, button, words in (
        (VERDICT, LEFT, "collapses to silence from"),
        (r"Own history \d+ %", LEFT, "scheduled sampling"),
        ("Latent-std ratio over time", RIGHT, "spread of the latents over 0.5 s"),
        (r"Mean of all heads: focus .*", LEFT, "1 looks at one unit at a time"),
        ("Ended by", LEFT, "the length limit"),
    ):
        left, top, width, height = into_view(desktop, name)
        desktop.click(left + min(width // 2, 40), top + height // 2, button=button)
        assert words in screen.text(screen.wait_for("Chapter of the manual"))
        desktop.keys("Escape")
        screen.wait_until_gone("Chapter of the manual")

    # A click in a curve goes there.
    left, top, width, height = into_view(desktop, "Divergence over time")
    desktop.click(left + width // 2, top + height // 2)
    wait_for(lambda: 1.0 < position(desktop) < 2.5, "the playhead in the middle")
    desktop.click(left + width // 4 * 3, top + height // 2)
    wait_for(lambda: position(desktop) > 2.5, "the playhead further on")

    # A head of the attention is chosen by a click, and read at the playhead.
    left, top, width, height = into_view(desktop, "Attention head")
    screen.wait_for(r"Mean of all heads: focus .*", "label")
    desktop.click(left + width - 8, top + height - 6)
    said = screen.wait_for(r"Layer \d, head \d.*: focus 0\.\d\d, monotonic in \d+ % of steps, .*", "label").name
    assert said != "Layer 1, head 1"
    screen.wait_for(r"At [\d.]+ s: looks at “.*” \(.*\).*", "label")
    desktop.click(left + 5, top + height // 2)
    screen.wait_for(r"Mean of all heads: focus .*", "label")
    studio.quit()


def test_a_mixed_run_is_dragged_seen_beside_both_and_heard(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    open_page(studio)
    screen = desktop.screen
    assert screen.find(MIXED_PANE) is None

    # Drag the flag over the mel: the run is made, has a pane of its own and is heard from just before the moment.
    with desktop.recording() as heard:
        drag_flag(desktop, 0.4)
        moment = remark(desktop, "")
        assert 1.2 < moment < 1.8
        screen.wait_for(MIXED_PANE)
        screen.wait_for("Autoregressive: mel spectrogram")
        screen.wait_for(r"Mixed run, free from .* against the teacher-forced prediction", "label")
        wait_for(lambda: is_over(heard()), "the end of the sound")
        recording = heard()
    sounds = exported(desktop, studio, tmp_path / "first")
    first, forced = sounds["mixed"], sounds["teacher-forced"]
    begin, free = round((moment - 0.5) * RATE), round(moment * RATE)
    assert likeness(recording, first[begin : free + RATE]) > ALIKE
    alike = [likeness(recording, wave[free : free + RATE]) for wave in (first, forced)]
    assert alike[0] > alike[1] + 0.01, "it is that run, and not the teacher-forced one"

    # Less of its own history: another run from the same moment.
    slider = screen.wait_for("Own history in per cent", "slider")
    assert screen.value(slider) == 100
    x, y, width, height = slider.box
    desktop.drag((x + width - 7, y + height // 2), (x + width // 2, y + height // 2))
    assert remark(desktop, r", \d\d % own history") == pytest.approx(moment, abs=0.011)
    assert 40 <= screen.value(slider) <= 60
    second = exported(desktop, studio, tmp_path / "second")["mixed"]
    before = round((moment - 0.2) * RATE)
    np.testing.assert_allclose(second[:before], first[:before], atol=2e-3, err_msg="one path up to the moment")
    common = min(len(first), len(second))
    assert np.abs(second[free:common] - first[free:common]).max() > 0.02, "and another one after it"

    # The page shows either run; the other one stays where it was.
    desktop.click_on("Free run")
    screen.wait_for("The free run against the teacher-forced prediction", "label")
    screen.wait_for(MIXED_PANE)

    # Put away, nothing of it is left.
    desktop.click_on("Put the mixed run away", "push button")
    screen.wait_until_gone(MIXED_PANE)
    screen.wait_for("Free from 0.00 s", "label")
    studio.quit()


def engine_of(studio: RunningStudio) -> int:
    """The engine process: the child of the studio that runs Python."""
    children = subprocess.run(
        ["ps", "--ppid", str(studio.process.pid), "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    (engine,) = [int(line.split()[0]) for line in children if "spawn_main" in line]
    return engine


def test_a_mixed_run_is_cancelled_while_it_is_made(desktop, start, tmp_path):
    studio = start(*voice_arguments(tmp_path))
    open_page(studio)
    screen = desktop.screen
    screen.wait_for(VERDICT, "label")  # nothing is measured any more
    engine = engine_of(studio)
    os.kill(engine, signal.SIGSTOP)  # an engine that takes its time
    try:
        drag_flag(desktop, 0.5)
        screen.wait_for("Running…", "label")
        desktop.keys("ctrl+period")
        screen.wait_for("Cancelling….*")
    finally:
        os.kill(engine, signal.SIGCONT)
    screen.wait_for("Free from 0.00 s", "label")
    screen.wait_until_gone("Running…", "label")
    assert screen.find(MIXED_PANE) is None
    drag_flag(desktop, 0.3)  # and the next one is made
    remark(desktop, "")
    studio.quit()


@pytest.mark.skipif(not VOICE.exists(), reason="the embedded voice is not there")
def test_a_planted_collapse_is_told_with_its_time(desktop, start, tmp_path):
    """A checkpoint whose sampling noise is ten times too strong: what goes on from its own output is lost at once."""
    with safe_open(VOICE, "np") as file:
        header, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    tensors["residual_std"] = 10 * tensors["residual_std"]
    wild = tmp_path / "wild.safetensors"
    save_file(tensors, wild, metadata=header)
    studio = start("--checkpoint", str(wild))
    open_page(studio)
    screen = desktop.screen
    screen.wait_for("Stays on path", "label")  # at temperature 0 there is no noise
    desktop.click_on("Temperature", "spin box")
    desktop.keys("ctrl+a")
    desktop.type("1")
    desktop.keys("Return", "ctrl+r")
    screen.wait_for(r"Silent from the start.*", "label")
    drag_flag(desktop, 0.4)
    moment = remark(desktop, "")
    said = screen.wait_for(r"Collapses to silence from [\d.]+\ss.*", "label").name
    assert float(re.search(r"from ([\d.]+)", said).group(1)) == pytest.approx(moment, abs=0.25)
    studio.quit()


def test_a_checkpoint_that_never_stops_is_told(desktop, start, tmp_path):
    from lewm_core.checkpoint import save_checkpoint
    from lewm_core.config import MelConfig
    from tests.lewm_core.tiny import SPEAKERS, tiny_model

    model = tiny_model()
    model.predictor.stop.bias.data.fill_(-20.0)
    path = tmp_path / "endless.safetensors"
    save_checkpoint(path, model, preset="tiny", mel=MelConfig(), speakers=SPEAKERS, step=1, losses={},
                    vocoder="griffin-lim", half=False)  # fmt: skip
    studio = start("--checkpoint", str(path))
    open_page(studio)
    desktop.screen.wait_for(r".*([Dd]oes not stop|is cut off).*", "label")
    into_view(desktop, "the length limit")
    studio.quit()
