"""The window with a grid of checkpoints by sentences, filled in the background."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.cells import GRID, Wish
from app.dialogs import FileDialogs
from app.engine_messages import Step
from app.player import Sound
from app.studio import Studio
from app.takes import new_take
from lewm_core.analysis.run_folder import SavedCheckpoint
from lewm_core.config import LN_TO_DB
from lewm_core.sweep_cells import CellRendering, SweepCell, SweepItem, write_cells
from widgets.cell_grid import CellGrid, GridCell, thumbnail
from widgets.colour_maps import lookup_table
from widgets.grid_panel import GridPanel

SOUND = "cell"
FREE = "autoregressive"


class GridWindow(QWidget):
    """Sentences by checkpoints: filled on request, cancelled at any time, played and opened by click."""

    def __init__(self, window: QWidget, studio: Studio, dialogs: FileDialogs) -> None:
        super().__init__(window, Qt.WindowType.Window)
        self.setWindowTitle("Checkpoints, sentences, speakers — LeWM Studio")
        self.resize(1180, 720)
        self._studio = studio
        self._dialogs = dialogs
        self._names: list[str] = []
        self._rows: list[SweepItem] = []
        self._columns: list[SavedCheckpoint] = []
        self._is_filling = False
        self._look: object = None
        self._pictures: dict[int, tuple[CellRendering, np.ndarray]] = {}
        self._playing: tuple[int, int] | None = None
        self.panel = GridPanel(self)
        self.grid = CellGrid(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.panel)
        layout.addWidget(self.grid, 1)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.show_all)
        settings = studio.settings
        self.panel.set_texts(settings.grid_texts.splitlines() or [" ".join(studio.session.text.split())])
        self.panel.set_choices(settings.grid_checkpoints, settings.grid_rendering, settings.grid_clip)
        self._fill_panel()
        self._bind()
        self.show_all()

    def _bind(self) -> None:
        studio, panel = self._studio, self.panel
        panel.changed.connect(self._remember)
        panel.changed.connect(self._later)
        panel.fill_requested.connect(self.fill)
        panel.cancel_requested.connect(self.cancel)
        panel.export_requested.connect(self._ask_export)
        panel.open_requested.connect(self._ask_run)
        self.grid.play_requested.connect(self.play)
        self.grid.open_requested.connect(self.open_as_take)
        studio.second.changed.connect(self._later)
        studio.second.changed.connect(self._fill_panel)
        studio.timeline.levels_changed.connect(lambda *_levels: self._later())
        studio.timeline.colour_map_changed.connect(lambda _name: self._later())
        studio.cells.made.connect(self._on_made)
        studio.cells.changed.connect(self._show_progress)
        studio.voice.loaded.connect(lambda _voice: self._fill_panel())
        studio.session.events.clip.connect(lambda _clip: self._later())
        studio.player.playing_changed.connect(lambda _playing: self._show_playing())
        studio.player.source_changed.connect(lambda _source: self._show_playing())

    def _later(self) -> None:
        """Show everything after a burst of changes; a hidden window waits until it is shown."""
        if self.isVisible():
            self._soon.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while the window was hidden."""
        self.show_all()
        super().showEvent(event)

    def _fill_panel(self) -> None:
        """The speakers: those of the voice, and whoever a checkpoint of the run knows."""
        studio, session = self._studio, self._studio.session
        known = [studio.voice.speakers, *(saved.speakers for saved in studio.second.checkpoints)]
        names = list(dict.fromkeys(name for speakers in known for name, _ in speakers))
        chosen = self.panel.speakers() or studio.settings.grid_speakers.splitlines() or [session.speaker]
        if names != self._names:
            self._names = names
            self.panel.set_speakers(names, chosen)

    def _remember(self) -> None:
        panel, settings = self.panel, self._studio.settings
        settings.grid_texts, settings.grid_speakers = "\n".join(panel.texts()), "\n".join(panel.speakers())
        settings.grid_checkpoints, settings.grid_rendering = panel.checkpoints(), panel.rendering()
        self._studio.set_setting("grid_clip", panel.with_clip())

    # ------------------------------------------------------------------ rows and columns
    def items(self) -> list[SweepItem]:
        """The rows: the clip, then every sentence by every speaker."""
        session, clip = self._studio.session, self._studio.session.clip
        rows = []
        if clip is not None and clip.text and self.panel.with_clip():
            speaker = self._studio.comparison.speaker
            rows.append(SweepItem(clip.text, speaker, session.seed, session.temperature, Path(clip.path)))
        for text in self.panel.texts():
            rows += [SweepItem(text, name, session.seed, session.temperature) for name in self.panel.speakers()]
        return rows

    def checkpoints(self) -> list[SavedCheckpoint]:
        """The columns: those of the run that were chosen, then the loaded voice unless it is one of them."""
        found = chosen_of(self._studio.second.checkpoints, self.panel.checkpoints())
        loaded = self._studio.second.loaded
        if loaded is not None and all(saved.path != loaded.path for saved in found):
            found.append(loaded)
        return found

    def show_all(self) -> None:
        """Build the grid anew, with what is rendered already."""
        second, clip = self._studio.second, self._studio.session.clip
        run = second.folder.name if second.folder is not None else "No run is open: the loaded voice alone."
        self.panel.set_run(run, second.folder is None)
        self.panel.set_clip(clip.name if clip is not None and clip.text else "")
        rows, columns = self.items(), self.checkpoints()
        if (rows, columns) != (self._rows, self._columns):
            self._rows, self._columns = rows, columns
            self._pictures.clear()
            titles = [column_title(saved, self._studio.second.loaded) for saved in columns]
            self.grid.set_shape([row_title(item) for item in rows], titles)
            if self._is_filling:
                self.fill()
        for row in range(len(rows)):
            for column in range(len(columns)):
                self._show_cell(row, column)
        self._show_progress()

    def _wish(self, row: int, column: int) -> Wish:
        return Wish(self._columns[column], self._rows[row], self._studio.settings.vocoder or None)

    def _cell(self, row: int, column: int) -> SweepCell | None:
        return self._studio.cells.cell(self._wish(row, column))

    def _rendering(self, cell: SweepCell) -> CellRendering | None:
        key = self.panel.rendering() if cell.item.clip is not None else FREE
        return cell.renderings.get(key)

    def _show_cell(self, row: int, column: int) -> None:
        wish, cell = self._wish(row, column), self._cell(row, column)
        running = self._studio.cells.running
        if cell is None:
            is_running = running is not None and running.key == wish.key
            state = "running" if is_running else "waiting" if self._is_filling else "empty"
            shown = GridCell(state)
        else:
            made = self._rendering(cell)
            if cell.failure or made is None or not made.mel.shape[1]:
                shown = GridCell("failed", None, cell.failure or "Nothing was spoken.", cell.failure)
            else:
                tip = f"{cell.item.text}\n{caption_of(made)}"
                shown = GridCell("done", self._picture(made), caption_of(made), tip)
        before = self.grid.cell(row, column)
        if shown.picture is not before.picture or (shown.state, shown.caption) != (before.state, before.caption):
            self.grid.set_cell(row, column, shown)

    def _picture(self, made: CellRendering) -> np.ndarray:
        """The thumbnail of a mel in the present levels and colours; made once."""
        timeline = self._studio.timeline
        look = timeline.levels, timeline.colour_map
        if look != self._look:
            self._look = look
            self._pictures.clear()
        if id(made) not in self._pictures:
            picture = thumbnail(made.mel * LN_TO_DB, timeline.levels, lookup_table(timeline.colour_map))
            self._pictures[id(made)] = made, picture  # held, so that no other mel can get its identity
        return self._pictures[id(made)][1]

    def _show_progress(self) -> None:
        cells = [self._cell(row, column) for row in range(len(self._rows)) for column in range(len(self._columns))]
        done = [cell for cell in cells if cell is not None]
        if self._is_filling and not self._studio.cells.left(GRID):
            self._is_filling = False
        failed = sum(bool(cell.failure) for cell in done)
        self.panel.set_progress(len(done), len(cells), self._is_filling, failed)
        running = self._studio.cells.running
        if running is not None and (place := self._place_of(running)) is not None:
            self._show_cell(*place)

    def _place_of(self, wish: Wish) -> tuple[int, int] | None:
        for row in range(len(self._rows)):
            for column in range(len(self._columns)):
                if self._wish(row, column).key == wish.key:
                    return row, column
        return None

    # ------------------------------------------------------------------ work
    def fill(self) -> None:
        """Render what is missing, one checkpoint after the other (loading one takes longest)."""
        self._is_filling = True
        self._studio.cells.forget_failures()
        places = [(row, column) for column in range(len(self._columns)) for row in range(len(self._rows))]
        self._studio.cells.want(GRID, [self._wish(*place) for place in places])
        for place in places:
            self._show_cell(*place)
        self._show_progress()

    def cancel(self) -> None:
        """Stop; what is rendered stays."""
        self._is_filling = False
        self._studio.cells.want(GRID, [])
        self.show_all()

    def _on_made(self, wish: Wish) -> None:
        place = self._place_of(wish)
        if place is not None:
            self._show_cell(*place)
            self._show_progress()

    # ------------------------------------------------------------------ a cell
    def play(self, row: int, column: int) -> None:
        """Hear a cell from its start; the same one again stops it."""
        cell, player, listening = self._cell(row, column), self._studio.player, self._studio.listening
        made = None if cell is None else self._rendering(cell)
        if cell is None or made is None or not len(made.wave):
            return
        if player.is_playing and self._playing == (row, column) and player.source == SOUND:
            player.pause()
            return
        self._playing = row, column
        self._studio.timeline.set_selection(None)
        listening.set_extras(SOUND, {SOUND: Sound(made.wave, cell.sample_rate)})
        listening.play_extra(SOUND, 0.0)
        self._show_playing()

    def open_as_take(self, row: int, column: int) -> None:
        """Put a cell among the takes and show it."""
        cell = self._cell(row, column)
        made = None if cell is None else self._rendering(cell)
        if cell is None or made is None or not len(made.wave):
            return
        studio, item = self._studio, cell.item
        take = new_take(
            text=item.text, speaker=cell.speaker, seed=item.seed, temperature=item.temperature,
            seconds=len(made.wave) / cell.sample_rate, sample_rate=cell.sample_rate, stop_reason=cell.stop_reason,
            recipe={**cell.recipe, "checkpoint": cell.checkpoint, "step": cell.step},
        )  # fmt: skip
        take = take.renamed(f"{cell.checkpoint}: {take.title}")
        studio.store.keep(take.id, made.mel, made.wave)

        def work(_cancelled: Callable[[], bool]) -> Generator[Step, None, None]:
            yield Step(0.5, "Keeping the take")
            studio.store.save(take, made.mel, made.wave)

        job = studio.jobs.start("Keeping the take", work, f"keep-{take.id}")
        job.failed.connect(lambda failure: studio.notice.emit(f"The take is not on disk: {failure.message}", "error"))
        studio.session.add_take(take)

    def _show_playing(self) -> None:
        player = self._studio.player
        self.grid.set_playing(self._playing if player.is_playing and player.source == SOUND else None)

    # ------------------------------------------------------------------ files
    def _ask_run(self) -> None:
        folder = self._dialogs.open_folder("Run: a folder that training saves checkpoints into")
        if folder is not None:
            self._studio.second.open_folder(folder)

    def _ask_export(self) -> None:
        folder = self._dialogs.choose_folder("Export sounds and table to")
        if folder is not None:
            self.export_to(folder)

    def export_to(self, folder: Path) -> None:
        """Write every rendered cell as wavs, and all figures as a table."""
        places = [(row, column) for column in range(len(self._columns)) for row in range(len(self._rows))]
        cells = [cell for place in places if (cell := self._cell(*place)) is not None]
        subtype = self._studio.settings.wav_subtype

        def work(cancelled: Callable[[], bool]) -> Generator[Step, None, int]:
            count = 0
            for path in write_cells(cells, folder, subtype):
                count += path.suffix == ".wav"
                yield Step(0.5, f"Writing {path.name}")
                if cancelled():
                    break
            return count

        job = self._studio.jobs.start("Exporting the grid", work, "export")
        notice = self._studio.notice
        job.finished.connect(lambda n: notice.emit(f"Exported {n} sounds and cells.csv to {folder}.", "info"))
        job.failed.connect(lambda failure: notice.emit(failure.message, "error"))
        self._studio.job_started.emit(job)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop filling; what is rendered is there when the window opens again."""
        if self._is_filling:
            self.cancel()
        self._soon.stop()
        super().closeEvent(event)


def chosen_of(checkpoints: Sequence[SavedCheckpoint], choice: str) -> list[SavedCheckpoint]:
    """Checkpoints of a choice: "all", "half" (every other one, with the last), "last" (five), "ends"."""
    if choice == "half":
        return list(checkpoints[::-1][::2][::-1])
    if choice == "last":
        return list(checkpoints[-5:])
    if choice == "ends":
        return list(checkpoints[:1]) + (list(checkpoints[-1:]) if len(checkpoints) > 1 else [])
    return list(checkpoints)


def column_title(saved: SavedCheckpoint, loaded: SavedCheckpoint | None) -> str:
    """Name of a checkpoint, its step, and whether it is the loaded voice."""
    mark = " · loaded" if loaded is not None and saved.path == loaded.path else ""
    return f"{saved.name}\nstep {saved.step:,}{mark}"


def row_title(item: SweepItem) -> str:
    """Speaker and text of a row."""
    return f"{item.speaker}{' · clip' if item.clip is not None else ''}\n{item.text}"


def caption_of(made: CellRendering) -> str:
    """The figures of a cell in one line."""
    figures = made.figures
    if "l1" in figures:
        blur = f" · blur {figures['blur']:.2f}" if "blur" in figures else ""
        return f"L1 {figures['l1']:.2f}{blur}"
    contrast = f" · contrast {figures['contrast_db']:.1f} dB" if "contrast_db" in figures else ""
    return f"{figures.get('seconds', 0.0):.1f} s{contrast}"
