"""A second checkpoint beside the loaded voice, and a run as a time line, with a fake engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.main_window import MainWindow
from app.panes import SECOND
from app.second_checkpoint import nearest_first
from app.session import Clip
from app.studio import Studio
from lewm_core.analysis.run_folder import open_checkpoint
from tests.app.conftest import PATIENCE
from tests.app.fakes import fake_mel
from tests.lewm_core.test_run_folder import checkpoint_bytes


def save(folder: Path, step: int, name: str = "", speakers: tuple[str, ...] = ("heart", "george")) -> Path:
    """A checkpoint of a run, moved into its place as training does."""
    path = folder / "checkpoints" / f"{name or f'step-{step:06d}'}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_bytes(checkpoint_bytes(step, names=speakers))
    return partial.replace(path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for step in (500, 1000, 1500):
        save(tmp_path / "run", step)
    lines = [{"step": step, "kind": "train", "total": 100 / step} for step in range(50, 1501, 50)]
    log = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "run" / "predictor.log.jsonl").write_text(log)
    return tmp_path / "run"


def shown(studio: Studio) -> np.ndarray | None:
    """The mel of the second pane in natural-log amplitude."""
    mel = studio.panes.content(SECOND).mel_db
    return None if mel is None else mel / 8.685889638


def wait_for(qtbot, studio: Studio, step: int) -> None:  # type: ignore[no-untyped-def]
    frames = 100 + step // 100  # the fake's mels grow with the step
    qtbot.waitUntil(lambda: (mel := shown(studio)) is not None and mel.shape[1] == frames, timeout=PATIENCE)


def test_sliding_through_a_run_shows_each_checkpoint(studio: Studio, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    second = studio.second
    second.open_folder(run)
    wait_for(qtbot, studio, 1500)  # the newest one first
    assert [saved.step for saved in second.checkpoints] == [500, 1000, 1500]
    qtbot.waitUntil(lambda: second.left == 0, timeout=PATIENCE)
    for place, step in ((0, 500), (1, 1000), (2, 1500)):
        second.choose(place)
        mel = shown(studio)  # at once: everything is rendered
        assert mel is not None
        np.testing.assert_allclose(mel, fake_mel(100 + step // 100, step), atol=1e-4)
    assert studio.player.has(SECOND)


def test_a_new_checkpoint_comes_up_by_itself_but_only_when_it_is_whole(
    studio: Studio, run: Path, qtbot
) -> None:  # type: ignore[no-untyped-def]
    second = studio.second
    second.open_folder(run)
    wait_for(qtbot, studio, 1500)
    half = run / "checkpoints" / "step-002500.safetensors"
    half.write_bytes(checkpoint_bytes(2500, names=("heart",))[:700])
    save(run, 2000)
    studio.second._watch.look()
    wait_for(qtbot, studio, 2000)  # the newest one was looked at: its successor follows
    assert [saved.step for saved in second.checkpoints] == [500, 1000, 1500, 2000]
    second.choose(0)
    half.write_bytes(checkpoint_bytes(2500, names=("heart",)))
    studio.second._watch.look()
    qtbot.waitUntil(lambda: len(second.checkpoints) == 5, timeout=PATIENCE)
    assert second.place == 0  # an older one that is looked at stays


def test_another_sentence_is_rendered_anew(studio: Studio, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    studio.second.open_folder(run)
    wait_for(qtbot, studio, 1500)
    before = studio.second.sentence.item()
    studio.session.text = "Another one."
    qtbot.waitUntil(lambda: studio.second.rendered(studio.second.chosen) is None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: studio.second.rendered(studio.second.chosen) is not None, timeout=PATIENCE)
    assert studio.second.sentence.item() != before


def test_speech_is_not_held_up_by_rendering(studio: Studio, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    studio.session.text = "!slow run"
    studio.second.open_folder(run)
    qtbot.waitUntil(lambda: studio.cells.running is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: studio.background.process_id is not None, timeout=PATIENCE)
    assert studio.background.process_id != studio.engine.process_id
    running = studio.cells.running
    studio.session.text = "Quick."
    with qtbot.waitSignal(studio.speaking.spoken, timeout=PATIENCE):
        studio.speaking.speak()
    assert running is not None
    assert studio.cells.cell(running) is None  # it was never finished
    studio.second.close()
    qtbot.waitUntil(lambda: studio.cells.running is None, timeout=PATIENCE)
    studio.background.rest()
    qtbot.waitUntil(lambda: studio.background.process_id is None, timeout=PATIENCE)


def test_one_checkpoint_beside_the_voice_with_the_mels_of_a_clip(
    studio: Studio, clip: Path, run: Path, qtbot
) -> None:  # type: ignore[no-untyped-def]
    studio.open_clip(Clip(str(clip), text="What is said in it.", speaker="heart"))
    qtbot.waitUntil(lambda: len(studio.panes.sounds()) == 5, timeout=PATIENCE)
    studio.second.open_file(run / "checkpoints" / "step-000500.safetensors")
    wait_for(qtbot, studio, 500)
    for number, key in enumerate(("reconstruction", "teacher_forced", "autoregressive")):
        studio.second.set_rendering(key)
        mel = shown(studio)
        assert mel is not None
        np.testing.assert_allclose(mel, fake_mel(105, 500 + number), atol=1e-4)
        assert studio.second.hidden_panes() == [
            other for other in ("reconstruction", "teacher_forced", "autoregressive") if other != key
        ]
    assert "L1 0.50" in studio.panes.content(SECOND).detail
    studio.second.close()
    assert shown(studio) is None
    assert studio.second.hidden_panes() == [SECOND]


def test_what_cannot_be_used_is_said_and_changes_nothing(
    studio: Studio, tmp_path: Path, run: Path, qtbot
) -> None:  # type: ignore[no-untyped-def]
    studio.second.open_file(run / "checkpoints" / "step-000500.safetensors")
    (tmp_path / "half.safetensors").write_bytes(checkpoint_bytes(1)[:-1])
    for path in (tmp_path / "half.safetensors", tmp_path / "nothing.safetensors"):
        with qtbot.waitSignal(studio.second.trouble, timeout=PATIENCE):
            studio.second.open_file(path)
    assert [saved.step for saved in studio.second.checkpoints] == [500]
    with qtbot.waitSignal(studio.second.trouble, timeout=PATIENCE):
        studio.second.open_folder(tmp_path / "nothing")


def test_a_checkpoint_that_fails_says_so_and_the_others_go_on(studio: Studio, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    save(run, 3000, "bad")
    studio.second.open_folder(run)
    qtbot.waitUntil(lambda: "damaged" in studio.second.problem, timeout=PATIENCE)
    assert shown(studio) is None
    studio.second.choose(0)
    wait_for(qtbot, studio, 500)
    assert studio.second.problem == ""


def test_the_page_and_the_next_start(
    studio: Studio, run: Path, qtbot, make_studio: Callable[[], Studio]
) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.show_tab("run")
    page = window.run_page
    studio.second.open_folder(run)
    wait_for(qtbot, studio, 1500)
    qtbot.waitUntil(lambda: len(page._figures.curves()) == 1 and studio.second.left == 0, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page._figures.curves()[0].steps.tolist() == [500, 1000, 1500], timeout=PATIENCE)
    (loss,) = page._losses.curves()
    assert (loss.name, len(loss.steps)) == ("train", 30)
    page._losses.step_requested.emit(900.0)
    assert studio.second.place == 1
    assert window.mels.shown_panes() == ["autoregressive", SECOND]
    window.close()
    assert make_studio().settings.run_folder == str(run)


def test_arrows_move_the_slider_that_has_the_keyboard_and_comma_and_full_stop_work_anywhere(
    studio: Studio, run: Path, qtbot
) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.show()
    window.show_tab("run")
    studio.second.open_folder(run)
    qtbot.waitUntil(lambda: studio.second.place == 2, timeout=PATIENCE)
    slider = window.run_page._slider
    qtbot.waitUntil(lambda: slider.value() == 2, timeout=PATIENCE)
    slider.setFocus()
    for key, place in (
        (Qt.Key.Key_Left, 1),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_End, 2),
    ):
        QTest.keyClick(slider, key)
        assert studio.second.place == place
    assert not studio.timeline.playhead
    window.mels.setFocus()
    qtbot.waitUntil(window.registry.action("earlier_checkpoint").isEnabled, timeout=PATIENCE)
    QTest.keyClick(window, Qt.Key.Key_Comma)
    assert studio.second.place == 1
    qtbot.waitUntil(window.registry.action("later_checkpoint").isEnabled, timeout=PATIENCE)
    QTest.keyClick(window, Qt.Key.Key_Period)
    assert studio.second.place == 2


def test_a_click_on_the_groove_goes_there(studio: Studio, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.show()
    window.show_tab("run")
    studio.second.open_folder(run)
    slider = window.run_page._slider
    qtbot.waitUntil(lambda: slider.value() == 2, timeout=PATIENCE)
    for x, place in ((4, 0), (slider.width() - 4, 2), (slider.width() // 2, 1)):
        QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(x, slider.height() // 2))
        assert studio.second.place == place


def test_the_nearest_are_made_first() -> None:
    names = ["a", "b", "c", "d", "e"]
    assert nearest_first(names, 1) == ["b", "c", "a", "d", "e"]  # type: ignore[arg-type, comparison-overlap]


def beside_the_clip(studio: Studio, clip: Path, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    """A clip with its comparison, and the free run of the run's newest checkpoint, 115 frames, beside it."""
    studio.open_clip(Clip(str(clip), text="What is said in it.", speaker="heart"))
    qtbot.waitUntil(lambda: studio.alignment.map is not None, timeout=PATIENCE)
    studio.second.open_folder(run)
    wait_for(qtbot, studio, 1500)
    qtbot.waitUntil(lambda: studio.alignment.second.map is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not studio.alignment.is_busy, timeout=PATIENCE)


def test_b_is_linked_with_a_and_through_it_with_the_clip(
    studio: Studio, clip: Path, run: Path, qtbot
) -> None:  # type: ignore[no-untyped-def]
    beside_the_clip(studio, clip, run, qtbot)
    alignment = studio.alignment
    assert alignment.second.ends == ("autoregressive", SECOND)
    there = alignment.moved(1.0, "autoregressive", SECOND)
    assert there == pytest.approx(115 / 180, abs=0.02)  # the fake stretches everything evenly
    assert alignment.moved(1.0, "original", SECOND) == pytest.approx(115 / 200, abs=0.02)
    assert alignment.moved(there, SECOND, "autoregressive") == pytest.approx(1.0, abs=1e-6)
    studio.listening.choose("original")
    studio.listening.seek(1.0)
    studio.listening.choose(SECOND)  # key 7
    assert studio.timeline.playhead == pytest.approx(115 / 200, abs=0.02)
    studio.listening.choose("autoregressive")
    assert studio.timeline.playhead == pytest.approx(0.9, abs=0.02)
    alignment.set_linked(False)
    assert alignment.moved(1.0, "original", SECOND) == 1.0


def test_pairs_with_b_are_made_along_the_path(studio: Studio, clip: Path, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.show()
    beside_the_clip(studio, clip, run, qtbot)
    for other, frames in (("autoregressive", 180), ("ground_truth", 200)):
        window.pair.choose(SECOND, other)
        window.pair.set_view("difference")
        pair = window.pair.pair
        assert pair is not None
        assert pair.aligned
        assert pair.first.shape == (100, frames)
        assert "along the warp path" in window.pair.numbers()
    window.pair.choose(SECOND, "autoregressive")
    studio.listening.choose("autoregressive")
    studio.listening.seek(1.0)
    playheads = [window.mels.pane(key).canvas._playhead for key in ("pair", "ground_truth", SECOND)]
    assert playheads == pytest.approx([1.0, 200 / 180, 115 / 180], abs=0.03)
    assert window.differences.path._titles == ("Autoregressive", "B")
    studio.second.set_rendering("reconstruction")  # it has the timing of the clip
    qtbot.waitUntil(lambda: studio.alignment.axis(SECOND) == "ground_truth", timeout=PATIENCE)
    assert studio.alignment.moved(1.0, "original", SECOND) == 1.0


def test_a_typed_text_is_said_by_both_and_aligned_without_a_clip(studio: Studio, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    loaded = save(run, 100, "loaded")  # the fake names no file: stand in for the loaded voice
    studio.second._loaded = open_checkpoint(loaded)
    studio.second.open_folder(run)
    wait_for(qtbot, studio, 1500)
    qtbot.waitUntil(lambda: studio.panes.content("autoregressive").text == "Hello there.", timeout=PATIENCE)
    assert studio.panes.content("autoregressive").mel_db.shape[1] == 101
    qtbot.waitUntil(lambda: studio.alignment.parts("autoregressive", SECOND), timeout=PATIENCE)
    assert studio.alignment.moved(1.0, "autoregressive", SECOND) == pytest.approx(115 / 101, abs=0.02)
    with qtbot.waitSignal(studio.speaking.spoken, timeout=PATIENCE):
        studio.speaking.speak()
    assert studio.second.sentence.key == "take"  # B follows what is shown
    qtbot.waitUntil(lambda: studio.panes.content("autoregressive").mel_db.shape[1] == 200, timeout=PATIENCE)
    studio.second.sentence.choose("text")
    qtbot.waitUntil(lambda: studio.panes.content("autoregressive").mel_db.shape[1] == 101, timeout=PATIENCE)
    studio.second.close()
    assert studio.panes.content("autoregressive").mel_db.shape[1] == 200


def test_a_clip_whose_speaker_the_voice_lacks_is_spoken_by_the_same_one_in_a_and_b(
    studio: Studio, clip: Path, run: Path, qtbot
) -> None:  # type: ignore[no-untyped-def]
    studio.session.speaker = "george"
    studio.open_clip(Clip(str(clip), text="What is said in it.", speaker="nobody"))
    qtbot.waitUntil(lambda: studio.comparison.result is not None, timeout=PATIENCE)
    item = studio.second.sentence.item()
    assert item is not None
    assert item.speaker == studio.comparison.result.speaker == "george"


def test_a_checkpoint_without_the_speaker_says_what_to_do_and_speaks_with_another(
    studio: Studio, run: Path, qtbot
) -> None:  # type: ignore[no-untyped-def]
    save(run, 2000, speakers=("ada", "bina"))
    window = MainWindow(studio)
    qtbot.addWidget(window)
    studio.second.open_folder(run)
    qtbot.waitUntil(lambda: "no speaker “heart”" in studio.second.problem, timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.run_page.speakers() == ["ada", "bina"], timeout=PATIENCE)
    assert "no speaker “heart”" in window.mels.pane(SECOND).canvas._empty_message
    assert studio.session.speaker == "heart"
    window.run_page.speaker_chosen.emit("bina")
    wait_for(qtbot, studio, 2000)
    assert studio.second.problem == ""
    cell = studio.second.cell(studio.second.chosen)
    assert cell is not None
    assert cell.speaker == "bina"
    studio.second.choose(0)  # one that has heart is not touched by it
    wait_for(qtbot, studio, 500)
    assert studio.second.cell(studio.second.chosen).speaker == "heart"
    qtbot.waitUntil(lambda: window.run_page.speakers() == [], timeout=PATIENCE)


def test_a_dropped_run_folder_is_opened_as_a_run_and_any_other_folder_is_refused(
    studio: Studio, run: Path, tmp_path: Path, qtbot
) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(studio)
    qtbot.addWidget(window)
    (tmp_path / "pictures").mkdir()
    with qtbot.waitSignal(studio.notice, timeout=PATIENCE) as notice:
        window.files.open_dropped([tmp_path / "pictures"])
    assert "no run" in notice.args[0]
    assert not studio.second.is_open
    window.files.open_dropped([run / "checkpoints"])  # the folder around it has the log
    wait_for(qtbot, studio, 1500)
    assert studio.second.folder == run
    assert studio.second.curves
    assert studio.settings.inspector_tab == "run"


def test_file_and_place_are_there_at_the_next_start(
    studio: Studio, run: Path, qtbot, make_studio: Callable[[], Studio]
) -> None:  # type: ignore[no-untyped-def]
    studio.second.open_folder(run)
    qtbot.waitUntil(lambda: studio.second.place == 2, timeout=PATIENCE)
    studio.second.choose(1)
    studio.shutdown()
    again = make_studio()
    again.start()
    qtbot.waitUntil(lambda: again.second.place == 1, timeout=PATIENCE)
    again.second.open_file(run / "checkpoints" / "step-000500.safetensors")
    again.shutdown()
    last = make_studio()
    last.start()
    assert [saved.step for saved in last.second.checkpoints] == [500]


def test_a_and_b_in_one_picture_by_a_click(studio: Studio, clip: Path, run: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    window = MainWindow(studio)
    qtbot.addWidget(window)
    window.show()
    beside_the_clip(studio, clip, run, qtbot)
    window.run_page.pair_view_chosen.emit("difference")
    assert (studio.settings.pair_first, studio.settings.pair_second) == ("autoregressive", SECOND)
    assert "pair" in window.mels.shown_panes()
    assert window.pair.pair is not None
    assert window.run_page._pair.key() == "difference"
    studio.second.set_rendering("reconstruction")  # the pair goes along
    assert studio.settings.pair_first == "reconstruction"
    qtbot.waitUntil(lambda: window.run_page._pair.key() == "difference", timeout=PATIENCE)
    studio.second.close()  # and goes away with B
    assert "pair" not in window.mels.shown_panes()
