"""The window: panels around the mels, menus above, the transport below. It decides nothing itself."""

from __future__ import annotations

import base64
import binascii
import logging
from itertools import pairwise

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QMainWindow,
    QMenu,
    QMessageBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app import blind_keys
from app.binding_differences import DEFINITIONS as DIFFERENCE_DEFINITIONS
from app.binding_differences import DifferencesBinding, PairBinding
from app.binding_drift import DRIFT_DEFINITIONS, DriftBinding
from app.binding_formants import DEFINITIONS as FORMANT_DEFINITIONS
from app.binding_formants import FormantBinding
from app.binding_inspector import (
    MEASURES,
    ErrorStripBinding,
    SliceBinding,
)
from app.binding_listening import LISTENING_DEFINITIONS, ListeningPageBinding
from app.binding_panels import CheckpointBinding, ComposeBinding, TakesBinding
from app.binding_run import RUN_DEFINITIONS, RunBinding
from app.binding_speakers import SPEAKER_DEFINITIONS, SpeakersBinding
from app.binding_views import ClipBinding, MelsBinding, TransportBinding
from app.clip_bar import ClipBar
from app.definitions import DefinitionGuide
from app.drops import DropTarget
from app.examples import example_clips
from app.file_actions import FileActions
from app.grid_window import GridWindow
from app.jobs import Job
from app.key_guard import KeyGuard
from app.menus import build_tool_bar, clips_menu, fill_menu_bar, recent_checkpoints_menu
from app.panes import SECOND
from app.settings import INSPECTOR_TABS
from app.studio import Studio
from app.version import version
from app.window_actions import MOUSE_HELP, register_actions
from widgets.checkpoint_panel import CheckpointPanel
from widgets.compose_panel import ComposePanel
from widgets.differences_panel import DifferencesPanel
from widgets.drift_panel import DriftPanel
from widgets.error_strip import ErrorStrip
from widgets.formant_panel import FormantPanel
from widgets.icons import application_icon, icon
from widgets.inspector import Inspector
from widgets.listening_page import ListeningPage
from widgets.mel_comparison import MelComparison
from widgets.notice_bar import NoticeBar
from widgets.run_page import RunPage
from widgets.shortcut_sheet import ShortcutSheet
from widgets.speaker_panel import SpeakerPanel
from widgets.spectrum_slice import SpectrumSlice
from widgets.take_list import TakeList
from widgets.theme import DARK, LIGHT, Theme, apply_theme
from widgets.transport_bar import TransportBar
from widgets.two_columns import TwoColumns

logger = logging.getLogger(__name__)
SMALLEST = QSize(960, 600)
USUAL = QSize(1280, 800)
LEFT_WIDTH, RIGHT_WIDTH = 290, 350
WIDE_SHARE, MIDDLE_LEAST = 0.5, 460
"""A wide inspector takes this share of the window, but leaves this width (px) to the mels."""


class MainWindow(QMainWindow):
    """Panels, menus and bars; closing it ends the studio."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self.setWindowTitle("LeWM Studio")
        self.setWindowIcon(application_icon())
        self.setMinimumSize(SMALLEST)
        self._is_shut = False
        self._grid: GridWindow | None = None
        # Before there are widgets: to give a look to those that are there, Qt goes through all of them again.
        apply_theme(_application(), self._theme())
        self.compose = ComposePanel(self)
        self.take_list = TakeList(self)
        self.mels = MelComparison(self)
        self.errors = ErrorStrip(MEASURES, self)
        self.slice = SpectrumSlice(self)
        self.formants = FormantPanel(FORMANT_DEFINITIONS, self)
        self.differences = DifferencesPanel(DIFFERENCE_DEFINITIONS, self)
        self.drift = DriftPanel(DRIFT_DEFINITIONS, self)
        self.speakers = SpeakerPanel(SPEAKER_DEFINITIONS, self)
        self.checkpoint = CheckpointPanel(self)
        self.run_page = RunPage(RUN_DEFINITIONS, self)
        self.listening_page = ListeningPage(LISTENING_DEFINITIONS, self)
        self.inspector = Inspector(self)
        self.transport = TransportBar(self)
        self.notices = NoticeBar(self)
        self.files = FileActions(self, studio)
        self.registry = register_actions(self)
        self._build()
        self._bind()
        self._give_keyboard_order()
        self._restore_layout()
        self._dress()
        self._refresh()
        # At last: Qt asks them about every event.
        KeyGuard(self)
        DefinitionGuide(self)
        blind_keys.BlindKeys(self, studio.blind)

    # ------------------------------------------------------------------ building
    def _build(self) -> None:
        session = self.studio.session
        checkpoints = recent_checkpoints_menu(self, self.registry, session, self.files.open_checkpoint)
        clips = clips_menu(self, self.registry, session, example_clips(), self.studio.open_clip)
        fill_menu_bar(self.menuBar(), self.registry)
        self._add_recent_menus(checkpoints, clips)
        self.addToolBar(build_tool_bar(self.registry, checkpoints, clips))
        self.addActions([self.registry.action(action_id) for action_id in self.registry.ids()])
        self.clip_bar = ClipBar(clips, self)

        self._middle = QWidget(self)
        middle = QVBoxLayout(self._middle)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.clip_bar)
        middle.addWidget(self.mels, 1)
        middle.addWidget(self.errors)
        self._fill_inspector()

        self._left = QSplitter(Qt.Orientation.Vertical, self)
        self._left.addWidget(self.compose)
        self._left.addWidget(self.take_list)
        self._left.setStretchFactor(1, 1)
        self._columns = QSplitter(Qt.Orientation.Horizontal, self)
        for widget in (self._left, self._middle, self.inspector):
            self._columns.addWidget(widget)
        self._columns.setStretchFactor(1, 1)
        for splitter in (self._left, self._columns):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(1)
        self._left.setMinimumWidth(240)
        self.inspector.setMinimumWidth(280)
        self._middle.setMinimumWidth(420)

        ground = QWidget(self)
        layout = QVBoxLayout(ground)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._columns, 1)
        layout.addWidget(self.transport)
        self.setCentralWidget(ground)
        self.notices.float_over(self.mels, "bottom")
        self.compose.set_shortcuts("Ctrl+Return", "Ctrl+.")

    def _fill_inspector(self) -> None:
        pages: dict[str, tuple[str, QWidget]] = {
            "slice": ("chart-spline", self._slice_page()),
            "differences": ("contrast", self.differences),
            "drift": ("split", self.drift),
            "speakers": ("users", self.speakers),
            "checkpoint": ("box", self.checkpoint),
            "run": ("history", self.run_page),
            "listening": ("ear", self.listening_page),
        }
        for page_id, title in INSPECTOR_TABS.items():
            self.inspector.add_page(page_id, title, *pages[page_id])
            shortcut = self.registry.action(f"inspect_{page_id}").shortcut()
            self.inspector.set_hint(page_id, shortcut.toString(shortcut.SequenceFormat.NativeText))

    def _slice_page(self) -> QWidget:
        """The slice above the formants, or beside them where the inspector is wide."""
        page = QWidget()
        page.setProperty("role", "panel")
        columns = TwoColumns(page, self.slice, self.formants)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(0)
        return page

    def _add_recent_menus(self, checkpoints: QMenu, clips: QMenu) -> None:
        """The menus of the tool bar, also in the File menu, where a person looks for recent files."""
        file_menu = self.menuBar().actions()[0].menu()
        assert isinstance(file_menu, QMenu)
        for title, menu in (("&Recent checkpoints", checkpoints), ("Recent and example c&lips", clips)):
            menu.setTitle(title)
            file_menu.insertMenu(self.registry.action("export"), menu)

    def _give_keyboard_order(self) -> None:
        """Tab goes through the panels from left to right, then down; a click on a button or choice keeps the keyboard.

        (Else Space would press the button that was clicked last, instead of playing, and 5 would look for an
        item that begins with it.)
        """
        for widget in [*self.findChildren(QAbstractButton), *self.findChildren(QComboBox)]:
            if widget.focusPolicy() in (Qt.FocusPolicy.StrongFocus, Qt.FocusPolicy.WheelFocus):
                widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        parts = (self.compose, self.take_list, self.clip_bar, self.mels, self.errors, self.inspector, self.transport)
        stops = [stop for part in parts for stop in tab_stops(part)]
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)

    def _bind(self) -> None:
        studio, timeline = self.studio, self.studio.timeline
        self._bindings = (
            ComposeBinding(self.compose, studio),
            CheckpointBinding(self.checkpoint, studio),
            SpeakersBinding(self.speakers, studio),
            MelsBinding(self.mels, studio),
            ClipBinding(self.clip_bar, studio),
            SliceBinding(self.slice, self.mels, studio),
            ErrorStripBinding(self.errors, self.mels, studio),
            DriftBinding(self.drift, self.mels, studio),
            RunBinding(self.run_page, studio),
            ListeningPageBinding(self.listening_page, studio, self.files.dialogs),
        )
        self._formants = FormantBinding(self.formants, self.slice, self.mels, studio)
        self.pair = pair = PairBinding(self.mels, studio)
        self.run_page.pair_view_chosen.connect(lambda view: pair.compare(studio.second.rendering, SECOND, view))
        self._differences = DifferencesBinding(self.differences, self.pair, studio)
        self._takes = TakesBinding(self.take_list, studio)
        self._transport = TransportBinding(self.transport, self.mels, studio)
        self.checkpoint.open_requested.connect(self.files.ask_checkpoint)
        self.run_page.folder_requested.connect(self.files.ask_run)
        self.run_page.example_requested.connect(self.studio.examples.make_run)
        self.run_page.file_requested.connect(self.files.ask_second)
        self.run_page.grid_requested.connect(self.show_grid)
        self.inspector.page_changed.connect(lambda page: self.studio.set_setting("inspector_tab", page))
        self.inspector.wide_requested.connect(self.widen_inspector)
        self._columns.splitterMoved.connect(lambda _at, _which: self.inspector.set_wide(self._is_inspector_wide()))
        studio.voice.changed.connect(self._show_what_was_opened)
        studio.second.opened.connect(lambda: self.show_tab("run"))
        self.take_list.export_requested.connect(self.files.ask_export_takes)
        drops = DropTarget(self)
        drops.dropped.connect(self.files.open_dropped)
        # Many things change at once; the actions are asked once, after all of them.
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.timeout.connect(self._refresh)
        studio.changed.connect(self._refresh_soon)
        studio.job_started.connect(self._on_job)
        for signal in (timeline.loop_changed, timeline.colour_map_changed, timeline.follow_changed):
            signal.connect(self._refresh_soon)
        studio.undo.indexChanged.connect(self._refresh_soon)
        studio.player.source_changed.connect(self._refresh_soon)
        studio.notice.connect(self.notices.show_notice)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_colour_scheme)

    def _on_job(self, job: Job) -> None:
        job.ended.connect(self._refresh_soon)

    def _refresh_soon(self, *_change: object) -> None:
        if not self._is_shut:
            self._refresh_timer.start()

    def _refresh(self) -> None:
        self.registry.refresh()
        self._transport.show_job()
        self._show_panels()
        session = self.studio.session
        self.setWindowTitle(f"{session.clip.name} — LeWM Studio" if session.clip else "LeWM Studio")

    # ------------------------------------------------------------------ look
    def set_theme_choice(self, name: str) -> None:
        """ "dark", "light" or "system"."""
        self.studio.set_setting("theme", name)
        self._apply_theme()

    def _apply_theme(self) -> None:
        apply_theme(_application(), self._theme())
        self._dress()

    def _dress(self) -> None:
        """Give the theme to what paints itself and to icons, which the style sheet does not reach."""
        theme = self._theme()
        self.mels.set_theme(theme)
        self.registry.set_icons(lambda name: icon(name, theme))

    def _on_colour_scheme(self, _scheme: Qt.ColorScheme) -> None:
        if self.studio.settings.theme == "system":
            self._apply_theme()

    def _theme(self) -> Theme:
        choice = self.studio.settings.theme
        if choice == "system":
            scheme = QGuiApplication.styleHints().colorScheme()
            return LIGHT if scheme == Qt.ColorScheme.Light else DARK
        return LIGHT if choice == "light" else DARK

    def set_arrangement(self, name: str) -> None:
        """Arrange the mels in rows, columns or a grid."""
        self.mels.set_arrangement(name)
        self.studio.set_setting("arrangement", name)

    def show_panel(self, setting: str, shown: bool) -> None:
        """Show or hide a side panel."""
        self.studio.set_setting(setting, shown)
        self._show_panels()

    def _show_panels(self) -> None:
        self._left.setVisible(self.studio.settings.show_compose)
        self.inspector.setVisible(self.studio.settings.show_inspector)
        self.errors.setVisible(self.studio.settings.show_errors)

    def show_tab(self, name: str) -> None:
        """Show a page of the inspector by its id in `INSPECTOR_TABS`."""
        self.studio.set_setting("show_inspector", True)
        self.inspector.set_current(name)

    def widen_inspector(self, wide: bool) -> None:
        """Give the inspector half of the window, or its usual width."""
        self.studio.set_setting("show_inspector", True)
        left, middle, right = self._columns.sizes()
        room = middle + right
        wanted = min(round(WIDE_SHARE * (left + room)), room - MIDDLE_LEAST) if wide else RIGHT_WIDTH
        self._columns.setSizes([left, room - wanted, wanted])
        self.inspector.set_wide(self._is_inspector_wide())

    def _is_inspector_wide(self) -> bool:
        return self._columns.sizes()[-1] > 1.25 * RIGHT_WIDTH

    def _show_what_was_opened(self) -> None:
        """A checkpoint that is looked into, or refused, comes to the front."""
        voice = self.studio.voice
        if voice.inspecting is not None:
            self.show_tab("checkpoint")

    def toggle_full_screen(self) -> None:
        """Full screen and back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # ------------------------------------------------------------------ small actions
    def delete_current_take(self) -> None:
        """Delete the selected takes."""
        self._takes.delete(self.take_list.selected_ids() or [self.studio.session.current_take or ""])

    def show_grid(self) -> None:
        """The window with checkpoints, texts and speakers in a grid; made when it is first wanted."""
        if self._grid is None:
            self._grid = GridWindow(self, self.studio, self.files.dialogs)
        self._grid.show()
        self._grid.raise_()
        self._grid.activateWindow()

    def show_shortcuts(self) -> None:
        """The shortcut sheet."""
        sheet = ShortcutSheet(self.registry.shortcut_groups([blind_keys.HELP, MOUSE_HELP]), self)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.open()

    def show_about(self) -> None:
        """Version and purpose."""
        QMessageBox.about(
            self,
            "About LeWM Studio",
            f"<h3>LeWM Studio {version()}</h3><p>Type text, hear it spoken by a LeWM-TTS checkpoint, and see "
            "side by side where the model loses quality.</p>",
        )

    # ------------------------------------------------------------------ layout and end
    def _restore_layout(self) -> None:
        settings = self.studio.settings
        self.resize(USUAL)
        self.inspector.set_current(settings.inspector_tab)
        self._columns.setSizes([LEFT_WIDTH, USUAL.width() - LEFT_WIDTH - RIGHT_WIDTH, RIGHT_WIDTH])
        self._left.setSizes([360, 300])
        if settings.geometry:
            self.restoreGeometry(_bytes(settings.geometry))
        if settings.columns:
            self._columns.restoreState(_bytes(settings.columns))
        if settings.left_rows:
            self._left.restoreState(_bytes(settings.left_rows))
        self.inspector.set_wide(self._is_inspector_wide())

    def _remember_layout(self) -> None:
        settings = self.studio.settings
        settings.geometry = _text(self.saveGeometry())
        settings.columns = _text(self._columns.saveState())
        settings.left_rows = _text(self._left.saveState())

    def changeEvent(self, event: QEvent) -> None:
        """Keep the full-screen mark of the menu right."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and hasattr(self, "_refresh_timer"):
            self._refresh_soon()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout, save, and end every thread and process."""
        if not self._is_shut:
            self._is_shut = True
            self._refresh_timer.stop()
            self._remember_layout()
            if self._grid is not None:
                self._grid.close()
            self.studio.shutdown()
        event.accept()


def tab_stops(panel: QWidget) -> list[QWidget]:
    """Widgets of a panel that Tab stops at, in the order in which Qt would visit them."""
    stops = []
    widget = panel.nextInFocusChain()
    while widget is not None and widget is not panel:
        if panel.isAncestorOf(widget) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            stops.append(widget)
        widget = widget.nextInFocusChain()
    return stops


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application


def _text(data: QByteArray) -> str:
    return base64.b64encode(data.data()).decode("ascii")


def _bytes(text: str) -> QByteArray:
    try:
        return QByteArray(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return QByteArray()
