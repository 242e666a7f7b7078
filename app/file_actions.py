"""Opening and exporting with dialogs, and what a dropped file becomes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.data_window import DataWindow
from app.dialogs import (
    CHECKPOINT_FILTER,
    CLIP_FILTER,
    FIGURE_FILTER,
    MANIFEST_FILTER,
    REPORT_FILTER,
    TEXT_FILTER,
    WAV_FILTER,
    FileDialogs,
)
from app.drops import kind_of
from app.export_dialog import ExportDialog
from app.panes import SOURCE_TITLES
from app.session import Clip
from app.studio import Studio
from app.takes import Take
from lewm_core.voice_prompt import is_prompt_file

LARGEST_TEXT = 200_000
"""Characters that are read from a text file."""


class FileActions:
    """What the File menu, the recent files and drag and drop do."""

    def __init__(self, window: QWidget, studio: Studio) -> None:
        self._window = window
        self._studio = studio
        self.dialogs = FileDialogs(window, studio.settings)
        self._data_window: DataWindow | None = None

    # ------------------------------------------------------------------ open
    def ask_checkpoint(self) -> None:
        """Ask for a checkpoint and look into it."""
        path = self.dialogs.open_file("Open checkpoint", CHECKPOINT_FILTER)
        if path is not None:
            self.open_checkpoint(path)

    def open_checkpoint(self, path: Path) -> None:
        """Look into a checkpoint; the panel offers to load it. A voice prompt is used at once."""
        if is_prompt_file(path):
            self._studio.use_prompt_file(path)
            return
        self._studio.set_setting("show_inspector", True)
        self._studio.voice.inspect(str(path))

    def ask_run(self) -> None:
        """Ask for the folder of a training run and put its checkpoints beside the loaded voice."""
        folder = self.dialogs.open_folder("Run: a folder that training saves checkpoints into")
        if folder is not None:
            self._studio.second.open_folder(folder)

    def ask_second(self) -> None:
        """Ask for a checkpoint and put it beside the loaded voice."""
        path = self.dialogs.open_file("Compare with checkpoint", CHECKPOINT_FILTER)
        if path is not None:
            self._studio.second.open_file(path)

    def ask_vocoder(self) -> None:
        """Ask for a folder with a Vocos and load the voice with it."""
        folder = self.dialogs.open_folder("Vocoder: a folder with config.yaml and weights")
        if folder is not None:
            self._studio.voice.choose_vocoder(str(folder))
        else:
            self._studio.changed.emit()  # the mark in the menu goes back to where it was

    def ask_clip(self) -> None:
        """Ask for a recording and open it."""
        path = self.dialogs.open_file("Open clip", CLIP_FILTER)
        if path is not None:
            self._studio.open_clip(Clip(str(path)))

    def ask_text(self) -> None:
        """Ask for a text file and read it into the text box."""
        path = self.dialogs.open_file("Open text", TEXT_FILTER)
        if path is not None:
            self.open_text(path)

    def open_text(self, path: Path) -> None:
        """Read a UTF-8 text file into the text box."""
        try:
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(LARGEST_TEXT)
        except OSError as error:
            self._studio.notice.emit(f"{path.name} cannot be read: {error.strerror or error}.", "error")
        except UnicodeDecodeError:
            self._studio.notice.emit(f"{path.name} is not UTF-8 text. Save it as UTF-8 and try again.", "error")
        else:
            self._studio.session.text = text.strip()

    def open_dropped(self, paths: list[Path]) -> None:
        """Open the first file of each kind; say which files are of no kind."""
        seen: set[str] = set()
        for path in paths:
            kind = kind_of(path)
            if not kind:
                kinds = "a run folder, a checkpoint, a recording, a manifest or a text file"
                sentence = f"{path.name} cannot be opened here: drop {kinds}."
                if path.is_dir():
                    sentence = f"{path.name} is no run: it holds neither checkpoints nor the log of a training."
                self._studio.notice.emit(sentence, "warning")
            elif kind not in seen:
                seen.add(kind)
                self._open_kind(kind, path)

    def _open_kind(self, kind: str, path: Path) -> None:
        if kind == "checkpoint":
            self.open_checkpoint(path)
        elif kind == "run":
            self._studio.second.open_folder(path)
        elif kind == "clip":
            self._studio.open_clip(Clip(str(path)))
        elif kind == "data":
            self._studio.data.open(path)
            self.data_window().bring_up()
        else:
            self.open_text(path)

    # ------------------------------------------------------------------ data
    def data_window(self) -> DataWindow:
        """The window of data folders, made when it is first wanted."""
        if self._data_window is None:
            self._data_window = DataWindow(self._studio, self.dialogs, self._window)
        return self._data_window

    def ask_data(self) -> None:
        """Ask for a manifest and show it."""
        path = self.dialogs.open_file("Open data", MANIFEST_FILTER)
        if path is not None:
            self._open_kind("data", path)

    def show_data(self) -> None:
        """Show the data window."""
        self.data_window().bring_up()

    def show_example_data(self) -> None:
        """Show the data window with the example clips."""
        self.show_data()
        self._studio.examples.make_data()

    # ------------------------------------------------------------------ export
    def ask_export(self) -> None:
        """Ask what, in which format and where to."""
        exporting, session = self._studio.exporting, self._studio.session
        take = session.take(session.current_take)
        offers = [("take", f"Selected take: {take.title}")] if take is not None else []
        offers += [(key, SOURCE_TITLES[key]) for key in exporting.sources()]
        offers.append(("all", "All panes, into a folder"))
        if exporting.can_draw:
            offers.append(("figure", "Figure of the four mels"))
        dialog = ExportDialog(offers, self._studio.settings.wav_subtype, "", self._window)
        if not dialog.exec():
            return
        choice = dialog.choice()
        self._studio.set_setting("wav_subtype", choice.subtype)
        what = choice.what[0]
        if what == "figure":
            self.ask_export_figure()
        elif what == "all":
            self.ask_export_all(choice.with_mels)
        else:
            self._ask_export_one(what, choice.with_mels)

    def _ask_export_one(self, what: str, with_mel: bool) -> None:
        exporting, session = self._studio.exporting, self._studio.session
        subtype = self._studio.settings.wav_subtype
        path = self.dialogs.save_file("Export sound", exporting.suggested_stem(what) + ".wav", WAV_FILTER)
        if path is None:
            return
        take = session.take(session.current_take)
        if what == "take" and take is not None:
            exporting.export_take(take, path, subtype, with_mel)
        else:
            exporting.export_source(what, path, subtype, with_mel)

    def ask_export_all(self, with_mels: bool = False) -> None:
        """Ask for a folder and write all panes into it."""
        folder = self.dialogs.choose_folder("Export all panes to")
        if folder is not None:
            self._studio.exporting.export_all(folder, self._studio.settings.wav_subtype, with_mels)

    def ask_export_figure(self) -> None:
        """Ask for a file and draw the comparison."""
        name = self._studio.exporting.suggested_stem("figure") + ".png"
        path = self.dialogs.save_file("Export figure", name, FIGURE_FILTER)
        if path is not None:
            self._studio.exporting.export_figure(path)

    def ask_export_report(self) -> None:
        """Ask for a file and write the comparison as a page."""
        name = self._studio.exporting.suggested_stem("report") + ".html"
        path = self.dialogs.save_file("Export report", name, REPORT_FILTER)
        if path is not None:
            self._studio.exporting.export_report(path)

    def ask_export_takes(self, ids: list[str]) -> None:
        """Ask where to and write takes."""
        takes: list[Take] = [take for take in self._studio.session.takes if take.id in ids]
        subtype = self._studio.settings.wav_subtype
        if len(takes) == 1:
            name = self._studio.exporting.take_stem(takes[0]) + ".wav"
            path = self.dialogs.save_file("Export take", name, WAV_FILTER)
            if path is not None:
                self._studio.exporting.export_take(takes[0], path, subtype)
        elif takes:
            folder = self.dialogs.choose_folder("Export takes to")
            if folder is not None:
                self._studio.exporting.export_takes(takes, folder, subtype)
