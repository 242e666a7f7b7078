"""The linked panes, driven by real mouse and key events; a small timeline answers their requests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

import widgets.mel_backing as mel_backing
from widgets.colour_maps import lookup_table
from widgets.frequency_scale import MelScale
from widgets.mel_canvas import MelCanvas
from widgets.mel_comparison import HoverReadout, MelComparison, PaneSpec
from widgets.theme import DARK, LIGHT

FRAME_RATE = 93.75
FRAMES = 376
DURATION = (FRAMES - 1) / FRAME_RATE  # 4 s
SPECS = [
    PaneSpec("ground_truth", "Ground truth", "1", "2"),
    PaneSpec("reconstruction", "Reconstruction", "3"),
    PaneSpec("teacher_forced", "Teacher-forced", "4"),
    PaneSpec("autoregressive", "Autoregressive", "5"),
]
KEYS = [spec.key for spec in SPECS]


def mel(level: float = -20.0, frames: int = FRAMES) -> np.ndarray:
    """A level in dB that rises by 0.1 dB a band, with a mark every 50 frames."""
    result = np.full((100, frames), level, dtype=np.float32) + np.arange(100, dtype=np.float32)[:, None] * 0.1
    result[:, ::50] += 30.0
    return result


@pytest.fixture
def view(qtbot: QtBot) -> MelComparison:
    """Four mels of four seconds that get what they ask for, as from the app's timeline."""
    widget = MelComparison()
    widget.set_panes(SPECS)
    for index, key in enumerate(KEYS):
        widget.set_mel(key, mel(-20.0 - 10.0 * index), FRAME_RATE, f"L1 0.{index}")
    widget.set_duration(DURATION)
    widget.set_time_range(0.0, DURATION)
    widget.set_levels(-60.0, 20.0)
    widget.time_range_requested.connect(widget.set_time_range)
    widget.selection_requested.connect(widget.set_selection)
    widget.seek_requested.connect(widget.set_playhead)
    widget.levels_requested.connect(widget.set_levels)
    widget.colour_map_requested.connect(widget.set_colour_map)
    widget.resize(900, 640)
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    QApplication.processEvents()
    return widget


def canvas(view: MelComparison, key: str = "reconstruction") -> MelCanvas:
    return view.pane(key).canvas


def ranges(view: MelComparison) -> list[tuple[float, float]]:
    states = [canvas(view, key).viewport_state for key in KEYS]
    return [(state.start, state.stop) for state in states]


def wheel(
    target: MelCanvas,
    x: float,
    y: float,
    notches: float,
    modifiers: Qt.KeyboardModifier,
    sideways: bool = False,
) -> None:
    delta = QPoint(round(notches * 120), 0) if sideways else QPoint(0, round(notches * 120))
    event = QWheelEvent(
        QPointF(x, y),
        QPointF(target.mapToGlobal(QPoint(round(x), round(y)))),
        QPoint(),
        delta,
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(target, event)


def point_at(target: MelCanvas, x: float, y: float) -> None:
    position = QPointF(x, y)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        position,
        QPointF(target.mapToGlobal(position.toPoint())),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(target, event)


def drag(
    target: MelCanvas, start: QPoint, stop: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton
) -> None:
    QTest.mousePress(target, button, pos=start)
    for share in (0.3, 0.7, 1.0):
        position = QPointF(start) + (QPointF(stop) - QPointF(start)) * share
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            position,
            QPointF(target.mapToGlobal(position.toPoint())),
            Qt.MouseButton.NoButton,
            button,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(target, event)
    QTest.mouseRelease(target, button, pos=stop)


def picture(target: MelCanvas) -> QImage:
    return target.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


# Zooming and panning


def test_wheel_zooms_all_panes_at_the_pointer(view: MelComparison) -> None:
    target = canvas(view)
    x = target.width() * 0.25
    under_pointer = target.viewport_state.time_at(x)
    wheel(target, x, 20, 2, NONE)
    start, stop = ranges(view)[0]
    assert stop - start == pytest.approx(DURATION * 0.64)
    assert target.viewport_state.time_at(x) == pytest.approx(under_pointer)
    assert len(set(ranges(view))) == 1, "every pane shows the same time"


def test_wheel_out_never_shows_more_than_there_is(view: MelComparison) -> None:
    wheel(canvas(view), 100, 20, -5, NONE)
    assert ranges(view)[0] == (0.0, DURATION)


def test_shift_wheel_and_sideways_wheel_pan(view: MelComparison) -> None:
    view.set_time_range(1.0, 2.0)
    wheel(canvas(view), 100, 20, -1, SHIFT)
    assert ranges(view)[0] == pytest.approx((1.12, 2.12))
    wheel(canvas(view), 100, 20, 1, NONE, sideways=True)
    assert ranges(view)[0] == pytest.approx((1.0, 2.0))


def test_middle_button_drags_the_picture(view: MelComparison) -> None:
    view.set_time_range(1.0, 2.0)
    target = canvas(view)
    drag(target, QPoint(300, 20), QPoint(200, 20), Qt.MouseButton.MiddleButton)
    shift = 100 / target.width()
    assert ranges(view)[0] == pytest.approx((1.0 + shift, 2.0 + shift))
    point_at(target, 250, 20)
    assert ranges(view)[0] == pytest.approx((1.0 + shift, 2.0 + shift)), "released means released"


def test_control_wheel_zooms_frequency_at_the_pointer_in_all_panes(view: MelComparison, qtbot: QtBot) -> None:
    target = canvas(view)
    before = target.viewport_state.edge_at(40)
    with qtbot.waitSignal(view.frequency_range_changed) as caught:
        wheel(target, 100, 40, 3, CONTROL)
    assert target.viewport_state.edge_at(40) == pytest.approx(before)
    states = [canvas(view, key).viewport_state for key in KEYS]
    assert len({(state.low, state.high) for state in states}) == 1
    assert caught.args == pytest.approx(list(view.frequency_range()))
    assert ranges(view)[0] == (0.0, DURATION)
    view.reset_frequency_range()
    assert target.viewport_state.high == 100.0


def test_frequency_range_is_set_in_hz(view: MelComparison) -> None:
    view.set_frequency_range(300.0, 3400.0)
    assert view.frequency_range() == pytest.approx((300.0, 3400.0))


def test_double_click_asks_for_the_whole(view: MelComparison) -> None:
    view.set_time_range(1.0, 1.5)
    QTest.mouseDClick(canvas(view), Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    assert ranges(view)[0] == (0.0, DURATION)


def test_it_never_decides_itself(qtbot: QtBot) -> None:
    widget = MelComparison()
    qtbot.addWidget(widget)
    widget.set_panes(SPECS)
    widget.resize(900, 640)
    widget.set_mel("reconstruction", mel(), FRAME_RATE)
    widget.set_time_range(0.0, 2.0)
    widget.show()
    target = canvas(widget)
    with qtbot.waitSignals(
        [widget.time_range_requested, widget.seek_requested, widget.selection_requested], timeout=2000
    ):
        wheel(target, 100, 20, 1, NONE)
        QTest.mouseClick(target, Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
        drag(target, QPoint(100, 20), QPoint(200, 20))
    assert (target.viewport_state.start, target.viewport_state.stop) == (0.0, 2.0)


# Seeking and selecting


def test_click_seeks(view: MelComparison, qtbot: QtBot) -> None:
    target = canvas(view)
    with qtbot.waitSignal(view.seek_requested) as caught:
        QTest.mouseClick(target, Qt.MouseButton.LeftButton, pos=QPoint(target.width() // 2, 20))
    assert caught.args[0] == pytest.approx(DURATION / 2, abs=DURATION / target.width())


def test_without_any_sound_there_is_nothing_to_seek_or_select(qtbot: QtBot) -> None:
    widget = MelComparison()
    qtbot.addWidget(widget)
    widget.set_panes(SPECS)
    widget.resize(900, 640)
    widget.show()
    asked: list[object] = []
    for signal in (widget.seek_requested, widget.selection_requested, widget.time_range_requested):
        signal.connect(lambda *arguments: asked.append(arguments))
    QTest.mouseClick(canvas(widget), Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    drag(canvas(widget), QPoint(100, 20), QPoint(200, 20))
    wheel(canvas(widget), 100, 20, 1, NONE)
    QTest.mouseDClick(canvas(widget), Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    assert asked == []


def test_drag_selects_in_either_direction_and_does_not_seek(view: MelComparison, qtbot: QtBot) -> None:
    target = canvas(view)
    seconds = DURATION / target.width()
    chosen: list[tuple[float, float]] = []
    view.selection_requested.connect(chosen.append)
    with qtbot.assertNotEmitted(view.seek_requested):
        drag(target, QPoint(300, 20), QPoint(100, 40))
    assert chosen[-1] == pytest.approx((100 * seconds, 300 * seconds))
    assert len(chosen) == 3, "the region is seen while it is drawn"


def test_a_trembling_click_is_still_a_click(view: MelComparison, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(view.selection_requested), qtbot.waitSignal(view.seek_requested):
        drag(canvas(view), QPoint(200, 20), QPoint(203, 22))


def test_an_edge_of_the_selection_can_be_dragged_from_any_pane(view: MelComparison) -> None:
    drag(canvas(view, "ground_truth"), QPoint(100, 20), QPoint(300, 20))
    target = canvas(view, "autoregressive")
    seconds = DURATION / target.width()
    point_at(target, 302, 10)
    assert target.cursor().shape() == Qt.CursorShape.SizeHorCursor
    chosen: list[tuple[float, float]] = []
    view.selection_requested.connect(chosen.append)
    drag(target, QPoint(302, 10), QPoint(400, 10))
    assert chosen[-1] == pytest.approx((100 * seconds, 400 * seconds), abs=3 * seconds)
    drag(target, QPoint(101, 10), QPoint(500, 10))
    assert chosen[-1] == pytest.approx((400 * seconds, 500 * seconds), abs=3 * seconds), "edges may cross"


def test_a_selection_dragged_past_the_edge_pulls_the_picture_along(view: MelComparison) -> None:
    view.set_time_range(1.0, 2.0)
    target = canvas(view)
    drag(target, QPoint(200, 20), QPoint(target.width() + 60, 20))
    assert ranges(view)[0][1] > 2.0


def test_selection_dims_what_lies_outside_and_leaves_the_inside_as_it_is(view: MelComparison) -> None:
    before = picture(canvas(view))
    view.set_selection((1.0, 2.0))
    for key in KEYS:
        after = picture(canvas(view, key))
        scale = after.width() / DURATION
        inside, outside = round(1.3 * scale), round(3.3 * scale)
        assert (
            after.pixelColor(outside, 50).lightness()
            < picture(canvas(view, key)).pixelColor(inside, 50).lightness()
        )
    assert picture(canvas(view)).pixelColor(inside, 50) == before.pixelColor(inside, 50)


# The crosshair


def test_crosshair_reads_time_hz_and_every_pane(view: MelComparison) -> None:
    readouts: list[HoverReadout | None] = []
    view.hovered.connect(readouts.append)
    target = canvas(view, "teacher_forced")
    x, y = target.width() * 0.4 + 3, target.height() * 0.5
    point_at(target, x, y)
    readout = readouts[-1]
    assert readout is not None
    assert readout.time_s == pytest.approx(DURATION * x / target.width())
    assert readout.hz == pytest.approx(MelScale().edge_to_hz(50.0))
    assert readout.pane == "teacher_forced"
    frame = math.floor(readout.time_s * FRAME_RATE + 0.5)
    for index, key in enumerate(KEYS):
        expected = float(mel(-20.0 - 10.0 * index)[50, frame])
        assert readout.levels_db[key] == pytest.approx(expected)
        shown = view.pane(key).header.level_label.text()
        assert shown == f"{expected:.1f} dB".replace("-", "\u2212")


def test_leaving_removes_the_crosshair_and_the_numbers(view: MelComparison) -> None:
    point_at(canvas(view), 100, 20)
    readouts: list[HoverReadout | None] = []
    view.hovered.connect(readouts.append)
    QApplication.sendEvent(canvas(view), QEvent(QEvent.Type.Leave))
    assert readouts == [None]
    assert {view.pane(key).header.level_label.text() for key in KEYS} == {""}


def test_a_pane_without_anything_there_says_so(view: MelComparison) -> None:
    half = mel()
    half[:, FRAMES // 2 :] = np.nan
    view.set_mel("autoregressive", half, FRAME_RATE)
    view.set_mel("teacher_forced", None, FRAME_RATE)
    readouts: list[HoverReadout] = []
    view.hovered.connect(readouts.append)
    point_at(canvas(view), canvas(view).width() * 0.75, 20)
    assert set(readouts[-1].levels_db) == {"ground_truth", "reconstruction"}
    assert view.pane("autoregressive").header.level_label.text() == "\u2013"
    assert view.pane("teacher_forced").header.level_label.text() == ""


def test_the_crosshair_follows_the_picture_under_a_resting_pointer(view: MelComparison) -> None:
    point_at(canvas(view), 0, 20)
    readouts: list[HoverReadout] = []
    view.hovered.connect(readouts.append)
    view.set_time_range(1.0, 2.0)
    assert readouts[-1].time_s == pytest.approx(1.0)


# Drawing


def column_of(image: QImage, colour: str) -> list[int]:
    wanted = QColor(colour).rgb()
    return [x for x in range(image.width()) if image.pixel(x, image.height() // 2) == wanted]


def test_the_playhead_stands_at_the_same_pixel_in_every_pane(view: MelComparison) -> None:
    view.set_playhead(DURATION / 2)
    columns = [column_of(picture(canvas(view, key)), DARK.playhead) for key in KEYS]
    assert columns[0]
    assert columns[0][0] == pytest.approx(canvas(view).width() / 2, abs=1)
    assert all(column == columns[0] for column in columns)
    view.set_playhead(None)
    assert column_of(picture(canvas(view)), DARK.playhead) == []


def test_moving_lines_draw_no_mel(view: MelComparison, monkeypatch: pytest.MonkeyPatch) -> None:
    QApplication.processEvents()
    drawn = count_renders(monkeypatch)
    for step in range(20):
        view.set_playhead(step * 0.05)
        view.set_selection((0.5, 1.0 + step * 0.05))
        point_at(canvas(view), 50 + step, 30)
        QApplication.processEvents()
    assert drawn == []


def test_panning_draws_only_the_new_columns_and_equals_drawing_anew(
    view: MelComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    view.set_mel("reconstruction", rng.uniform(-60, 20, (100, FRAMES)).astype(np.float32), FRAME_RATE)
    target = canvas(view)
    view.set_time_range(1.0, 2.0)
    QApplication.processEvents()
    drawn = count_renders(monkeypatch)
    # Whole pixels, as the picture can only lie on them.
    pixel = 1.0 / target.width()
    position = 0
    for step in (3, 40, -25, 0, 200, -300):
        position += step
        view.set_time_range(1.0 + position * pixel, 2.0 + position * pixel)
        scrolled = pixels(picture(target))
        assert sum(drawn) <= 4 * abs(step) + 4
        target._backing.invalidate()
        # Sums begin elsewhere, so a level may fall on the neighbouring entry of the palette.
        assert np.abs(pixels(picture(target)) - scrolled).max() <= 6
        QApplication.processEvents()
        drawn.clear()


def pixels(image: QImage) -> np.ndarray:
    """The picture as (height, width, 4) whole numbers."""
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width()].astype(int)


def count_renders(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The widths, in device pixels, of all pictures drawn from now on."""
    widths: list[int] = []
    real = mel_backing.render

    def counted(pyramid: object, request: mel_backing.ImageRequest) -> np.ndarray:
        widths.append(request.width)
        return real(pyramid, request)  # type: ignore[arg-type]

    monkeypatch.setattr(mel_backing, "render", counted)
    return widths


def test_one_level_has_one_colour_in_all_panes_whatever_else_they_hold(view: MelComparison) -> None:
    for index, key in enumerate(KEYS):
        flat = np.full((100, FRAMES), -20.0, dtype=np.float32)
        flat[:, : 20 * index] = 90.0 * (-1) ** index
        view.set_mel(key, flat, FRAME_RATE)
    colours = {picture(canvas(view, key)).pixelColor(700, 50).name() for key in KEYS}
    assert colours == {QColor(*(int(c) for c in lookup_table("magma", 255)[127])).name()}


def test_levels_and_colour_map_reach_every_pane(view: MelComparison) -> None:
    view.set_levels(-120.0, -100.0)
    view.set_colour_map("viridis")
    top = QColor(*(int(c) for c in lookup_table("viridis")[-1]))
    assert {picture(canvas(view, key)).pixelColor(700, 50).name() for key in KEYS} == {top.name()}


def test_beyond_the_mel_is_the_background_of_the_theme(view: MelComparison) -> None:
    view.set_mel("autoregressive", mel(frames=100), FRAME_RATE)
    for theme in (DARK, LIGHT):
        view.set_theme(theme)
        image = picture(canvas(view, "autoregressive"))
        assert image.pixelColor(image.width() - 20, 50).name() == theme.plot_background


def test_a_growing_mel_shows_what_has_come(view: MelComparison) -> None:
    whole = mel()
    target = canvas(view, "autoregressive")
    for frames in range(20, FRAMES, 40):
        view.set_mel("autoregressive", whole[:, :frames], FRAME_RATE)
        QApplication.processEvents()
        assert target.mel_duration == pytest.approx((frames - 1) / FRAME_RATE)
        image = picture(target)
        edge = round((frames - 1) / FRAME_RATE / DURATION * image.width())
        assert image.pixelColor(edge + 6, 50).name() == DARK.plot_background
        assert image.pixelColor(edge - 6, 50).name() != DARK.plot_background


def test_twice_the_pixels_on_a_screen_of_twice_the_scale(view: MelComparison) -> None:
    target = canvas(view)
    pyramid = target._pyramid
    assert pyramid is not None
    sharp = mel_backing.MelBacking().pixmap(pyramid, FRAME_RATE, target.viewport_state, 2.0)
    assert (sharp.width(), sharp.height()) == (2 * target.width(), 2 * target.height())
    assert sharp.devicePixelRatio() == 2.0


# Layout


@pytest.mark.parametrize(
    ("arrangement", "time_axes", "frequency_axes"), [("rows", 1, 4), ("columns", 4, 1), ("grid", 2, 2)]
)
def test_arrangements_keep_panes_equal_and_axes_aligned(
    view: MelComparison, arrangement: str, time_axes: int, frequency_axes: int
) -> None:
    view.set_arrangement(arrangement)
    QApplication.processEvents()
    canvases = [canvas(view, key) for key in KEYS]
    sizes = {(c.width(), c.height()) for c in canvases}
    assert max(w for w, _ in sizes) - min(w for w, _ in sizes) <= 1
    assert max(h for _, h in sizes) - min(h for _, h in sizes) <= 1
    assert len(view.time_axes) == time_axes
    assert len(view.frequency_axes) == frequency_axes
    lefts = {c.mapTo(view, QPoint()).x(): c.width() for c in canvases}
    assert {a.mapTo(view, QPoint()).x(): a.width() for a in view.time_axes} == lefts
    tops = {c.mapTo(view, QPoint()).y(): c.height() for c in canvases}
    assert {a.mapTo(view, QPoint()).y(): a.height() for a in view.frequency_axes} == tops


def test_contents_never_move_the_layout(view: MelComparison) -> None:
    before = [(pane.geometry(), pane.canvas.geometry()) for pane in map(view.pane, KEYS)]
    view.set_empty_message("autoregressive", "Type a sentence and press Ctrl+Enter. " * 20)
    view.set_mel("autoregressive", None, FRAME_RATE, "a very long detail " * 30)
    view.set_mel("ground_truth", None, FRAME_RATE)
    view.set_active_source("autoregressive")
    point_at(canvas(view), 100, 20)
    QApplication.processEvents()
    assert [(pane.geometry(), pane.canvas.geometry()) for pane in map(view.pane, KEYS)] == before


def test_an_unknown_arrangement_is_refused(view: MelComparison) -> None:
    with pytest.raises(ValueError, match="rows, columns, grid"):
        view.set_arrangement("stack")


def test_bands_that_do_not_fit_the_scale_are_refused_and_nothing_is_lost(view: MelComparison) -> None:
    with pytest.raises(ValueError, match="80 bands"):
        view.set_mel("reconstruction", np.zeros((80, 50), np.float32), FRAME_RATE)
    assert canvas(view).has_mel


def test_another_scale_shows_all_of_itself(view: MelComparison) -> None:
    view.set_frequency_scale(MelScale(22050, 80, 0.0, 8000.0))
    view.set_mel("reconstruction", np.zeros((80, 50), np.float32), FRAME_RATE)
    assert canvas(view).viewport_state.high == 80.0


def test_the_same_scale_again_keeps_the_zoom(view: MelComparison) -> None:
    view.set_frequency_range(300.0, 3400.0)
    view.set_frequency_scale(MelScale(24000, 100))
    assert view.frequency_range() == pytest.approx((300.0, 3400.0))


def test_panes_can_be_replaced(view: MelComparison) -> None:
    point_at(canvas(view), 100, 20)
    view.set_panes(SPECS[:2])
    assert not canvas(view).has_mel
    with pytest.raises(KeyError):
        view.pane("autoregressive")


# Headers and keyboard


def test_play_asks_for_the_source_of_the_pane(view: MelComparison) -> None:
    asked: list[str] = []
    view.play_requested.connect(asked.append)
    for key in KEYS:
        QTest.mouseClick(view.pane(key).header.play_button, Qt.MouseButton.LeftButton)
    vocoded = view.pane("ground_truth").header.vocoded_button
    assert vocoded is not None
    QTest.mouseClick(vocoded, Qt.MouseButton.LeftButton)
    QTest.mouseClick(view.pane("ground_truth").header.play_button, Qt.MouseButton.LeftButton)
    assert asked == ["original", *KEYS[1:], "ground_truth"]


def test_the_toggle_speaks_only_when_a_person_turns_it(view: MelComparison) -> None:
    turned: list[bool] = []
    view.vocoded_toggled.connect(turned.append)
    header = view.pane("ground_truth").header
    assert header.original_button is not None
    view.set_active_source("ground_truth")
    assert header.vocoded
    assert header.key_label.text() == "2"
    assert turned == []
    QTest.mouseClick(header.original_button, Qt.MouseButton.LeftButton)
    assert turned == [False]
    assert header.key_label.text() == "1"


def test_only_the_source_that_is_heard_is_marked(view: MelComparison) -> None:
    for source, marked in [
        ("original", "ground_truth"),
        ("ground_truth", "ground_truth"),
        ("teacher_forced", "teacher_forced"),
    ]:
        view.set_active_source(source)
        assert [key for key in KEYS if view.pane(key).is_active] == [marked]
    view.set_playing(True)
    names = [view.pane(key).header.play_button.accessibleName() for key in KEYS]
    assert names == [
        "Play Ground truth",
        "Play Reconstruction",
        "Pause Teacher-forced",
        "Play Autoregressive",
    ]


def test_every_control_has_a_name_and_the_tab_key_visits_them_in_order(
    view: MelComparison, qtbot: QtBot
) -> None:
    view.activateWindow()
    stops = [
        button
        for button in view.findChildren(QAbstractButton)
        if button.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert all(stop.accessibleName() for stop in [*stops, view.colour_bar])
    view.pane("ground_truth").header.play_button.setFocus()
    visited = []
    for _ in range(len(stops)):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        visited.append(QApplication.focusWidget().accessibleName())
    # The two halves of the toggle are one group: Tab stops at the chosen one.
    assert visited[:4] == [
        "Ground truth: original",
        "Play Reconstruction",
        "Play Teacher-forced",
        "Play Autoregressive",
    ]
    assert visited[4] == "Colour scale in dB"


def test_a_click_on_a_mel_takes_the_keyboard(view: MelComparison) -> None:
    view.pane("ground_truth").header.play_button.setFocus()
    QTest.mouseClick(canvas(view), Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    assert canvas(view).hasFocus()


def test_an_empty_pane_says_what_to_do_next(qtbot: QtBot) -> None:
    widget = MelComparison()
    qtbot.addWidget(widget)
    widget.set_panes(SPECS)
    widget.resize(900, 640)
    widget.show()
    blank = picture(canvas(widget))
    widget.set_empty_message("reconstruction", "Open a clip (Ctrl+O)")
    assert picture(canvas(widget)) != blank
    assert canvas(widget).accessibleDescription() == "Open a clip (Ctrl+O)"


@pytest.mark.parametrize("arrangement", ["columns", "grid"])
def test_headers_take_a_second_line_where_panes_are_narrow(qtbot, view: MelComparison, arrangement: str) -> None:
    view.set_arrangement(arrangement)
    heights = {}
    for width in (960, 2600):
        view.resize(width, 600)
        panes = [view.pane(key) for key in view._panes]
        assert len({pane.header.height() for pane in panes}) == 1, "mels side by side begin at the same height"
        heights[width] = panes[0].header.height()
        for pane in panes:
            label = pane.header.title_label
            qtbot.waitUntil(lambda label=label: label.width() >= label.sizeHint().width(), timeout=5000)
    assert heights[960] == 2 * heights[2600]
