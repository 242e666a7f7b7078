"""The second checkpoint: one of a run folder, or a single file, heard and seen beside the loaded voice.

What it says is rendered in the background engine and kept, so that sliding through a run shows each checkpoint at
once. The same sentence, speaker, seed and temperature go through all of them, and through the loaded voice for the
measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.cells import SECOND as OWNER
from app.cells import CellMaker, Wish
from app.common_sentence import CLIP, TAKE, TEXT, CommonSentence
from app.comparing import ComparisonController
from app.engine_messages import VoiceLoaded
from app.panes import FREE, PANE_TITLES, SECOND, TRUTH, PaneContent, PaneModel
from app.player import Sound
from app.run_watch import RunWatch, Sight
from app.session import Session
from app.settings import Settings
from app.speaker_choice import is_offered, speaker_label
from app.voice import VoiceController
from lewm_core.analysis.run_folder import (
    Curve,
    RunFolder,
    RunFolderError,
    SavedCheckpoint,
    open_checkpoint,
    run_of,
)
from lewm_core.config import LN_TO_DB
from lewm_core.sweep_cells import CellRendering, SweepCell, SweepItem

RENDERINGS = {
    "reconstruction": "Reconstruction",
    "teacher_forced": "Teacher-forced",
    "autoregressive": "Autoregressive",
}
SENTENCES = {CLIP: "The clip", TAKE: "The selected take", TEXT: "The text box"}


class SecondCheckpoint(QObject):
    """Which checkpoint stands beside the loaded voice, with what sentence, and what it makes of it."""

    changed = Signal()
    trouble = Signal(str)
    opened = Signal()
    """A person opened a run or a checkpoint."""

    def __init__(
        self,
        maker: CellMaker,
        watch: RunWatch,
        session: Session,
        settings: Settings,
        voice: VoiceController,
        comparison: ComparisonController,
        panes: PaneModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._maker = maker
        self._watch = watch
        self._session = session
        self._settings = settings
        self._voice = voice
        self._comparison = comparison
        self._panes = panes
        self.folder: Path | None = None
        """The run that is watched; None for a single file, or nothing."""
        self.run: RunFolder | None = None
        self.curves: tuple[Curve, ...] = ()
        self.checkpoints: tuple[SavedCheckpoint, ...] = ()
        self.chosen: SavedCheckpoint | None = None
        self._wanted = ""
        """Name of the checkpoint to begin with, the last time's."""
        self._loaded: SavedCheckpoint | None = None
        self.sentence = CommonSentence(session, comparison, self)
        # Text, speaker and seed change with every key; the wishes follow a moment later.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(400)
        self._soon.timeout.connect(self.update)
        watch.seen.connect(self._on_seen)
        watch.failed.connect(self.trouble)
        maker.made.connect(self._on_made)
        maker.changed.connect(self.changed)
        voice.loaded.connect(self._on_voice)
        self.sentence.changed.connect(self._soon_if_open)

    def shutdown(self) -> None:
        """Watch and wait no more."""
        self._soon.stop()
        self._watch.close()

    # ------------------------------------------------------------------ what is beside the voice
    def open_last(self) -> None:
        """Open what stood beside the voice when the studio was closed, as far as it is still there."""
        path, name = Path(self._settings.run_folder), self._settings.run_checkpoint
        if not self._settings.run_folder:
            return
        if path.is_dir():
            self._watch_folder(path)
            self._wanted = self._settings.run_checkpoint = name
        elif path.is_file():
            self._show_file(path)

    def open_folder(self, folder: Path) -> None:
        """Watch a run and show its newest checkpoint."""
        self._watch_folder(run_of(folder))
        self.opened.emit()

    def open_file(self, path: Path) -> None:
        """Show one checkpoint; one that cannot be used is named in `trouble`, and what was there stays."""
        if self._show_file(path):
            self.opened.emit()

    def _watch_folder(self, folder: Path) -> None:
        self.close()
        self.folder = folder
        self._settings.run_folder = str(folder)
        self._watch.open(folder)
        self.changed.emit()

    def _show_file(self, path: Path) -> bool:
        try:
            saved = open_checkpoint(path)
        except (ValueError, OSError) as error:
            self.trouble.emit(str(error))
            return False
        self.close()
        self.checkpoints = (saved,)
        self._settings.run_folder = str(path)
        self.choose(0)
        return True

    def close(self) -> None:
        """Put the second checkpoint away."""
        self._watch.close()
        self.folder = self.run = self.chosen = None
        self.curves, self.checkpoints = (), ()
        self._settings.run_folder = self._settings.run_checkpoint = self._wanted = ""
        self.update()

    @property
    def is_open(self) -> bool:
        """True with a run or a file."""
        return self.folder is not None or bool(self.checkpoints)

    @property
    def place(self) -> int:
        """Place of the chosen checkpoint in `checkpoints`; -1 for none."""
        return next((n for n, saved in enumerate(self.checkpoints) if saved is self.chosen), -1)

    def choose(self, place: int) -> None:
        """Show another checkpoint of the run."""
        if self.checkpoints:
            self.chosen = self.checkpoints[min(max(place, 0), len(self.checkpoints) - 1)]
            is_newest = self.chosen is self.checkpoints[-1]
            self._settings.run_checkpoint = "" if is_newest else self.chosen.name
            self.update()

    # ------------------------------------------------------------------ what it says
    @property
    def rendering(self) -> str:
        """Which mel is shown: "reconstruction", "teacher_forced" or "autoregressive"."""
        return self._settings.second_rendering if self.item_has_clip else FREE

    def set_rendering(self, key: str) -> None:
        """Show another mel."""
        self._settings.second_rendering = key
        self.update()

    @property
    def item_has_clip(self) -> bool:
        """True when the sentence has a recording, so that there are three mels of it."""
        item = self.sentence.item()
        return item is not None and item.clip is not None

    def item_for(self, saved: SavedCheckpoint) -> SweepItem | None:
        """The sentence for a checkpoint; by another speaker where it lacks the sentence's and one was chosen."""
        item = self.sentence.item()
        names = [name for name, _ in saved.speakers]
        if item is None or is_offered(item.speaker, names):
            return item
        other = self._settings.second_speaker
        return replace(item, speaker=other) if other in names else None

    @property
    def needs_speaker(self) -> list[str]:
        """Speakers of the chosen checkpoint, where it lacks that of the sentence; else none."""
        item = self.sentence.item()
        if self.chosen is None or item is None:
            return []
        names = [name for name, _ in self.chosen.speakers]
        return [] if is_offered(item.speaker, names) else names

    @property
    def speaker(self) -> str:
        """The speaker that was chosen for checkpoints which lack that of the sentence."""
        return self._settings.second_speaker

    def set_speaker(self, name: str) -> None:
        """Who speaks for checkpoints that lack the speaker of the sentence."""
        self._settings.second_speaker = name
        self.update()

    @property
    def is_alone(self) -> bool:
        """Only the truth and the mels of both checkpoints are shown."""
        return self._settings.second_alone

    def set_alone(self, alone: bool) -> None:
        """Show only the truth and the mels of both checkpoints, or all panes."""
        self._settings.second_alone = alone
        self.changed.emit()

    def hidden_panes(self) -> list[str]:
        """Panes that make room: that of the second checkpoint without one, else those that are not compared."""
        if not self.is_open:
            return [SECOND]
        if not self.is_alone:
            return []
        kept = {self.rendering, TRUTH} if self.item_has_clip else {self.rendering}
        return [key for key in PANE_TITLES if key not in kept]

    # ------------------------------------------------------------------ what was made
    def cell(self, saved: SavedCheckpoint | None) -> SweepCell | None:
        """What a checkpoint makes of the sentence, None while that is not known."""
        item = None if saved is None else self.item_for(saved)
        if saved is None or item is None:
            return None
        return self._maker.cell(Wish(saved, item, self._vocoder))

    def rendered(self, saved: SavedCheckpoint | None) -> CellRendering | None:
        """The mel shown of a checkpoint."""
        cell = self.cell(saved)
        return None if cell is None else cell.renderings.get(self.rendering)

    @property
    def loaded(self) -> SavedCheckpoint | None:
        """The loaded voice, which is A beside B."""
        return self._loaded

    @property
    def problem(self) -> str:
        """Why there is nothing to see; "" when there is, or when it is on its way."""
        if not self.is_open:
            return "Open a run folder, or compare with another checkpoint."
        if self.run is not None and not self.checkpoints:
            return "No whole checkpoint in this folder yet."
        item = self.sentence.item()
        if item is None:
            return "Type a sentence, or open a clip with its transcript."
        if self.chosen is not None and self.item_for(self.chosen) is None:
            label = speaker_label(item.speaker)
            return f"{self.chosen.name} has no speaker “{label}”. Choose one of its own as the speaker of B."
        cell = self.cell(self.chosen)
        return cell.failure if cell is not None else ""

    @property
    def left(self) -> int:
        """Renderings that are still to be made."""
        return self._maker.left(OWNER)

    @property
    def _vocoder(self) -> str | None:
        return self._settings.vocoder or None

    # ------------------------------------------------------------------ what happens
    def update(self) -> None:
        """Ask for what is missing, nearest to the chosen checkpoint first, and show what is there."""
        wishes: list[Wish] = []
        if self.chosen is not None and self._voice.is_ready:  # the voice is loaded first
            order = nearest_first(self.checkpoints, self.place)
            wanted = [order[0], *([self._loaded] if self._loaded is not None else []), *order[1:]]
            items = [(saved, self.item_for(saved)) for saved in wanted]
            wishes = [Wish(saved, item, self._vocoder) for saved, item in items if item is not None]
        self._maker.want(OWNER, wishes)
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        """Put the mels of both into their panes; while one is being made, what was there stays."""
        self._show_typed()
        if self.chosen is None or self.item_for(self.chosen) is None:
            self._panes.set_extra(SECOND, None, None)
            return
        made, cell = self.rendered(self.chosen), self.cell(self.chosen)
        if cell is None:
            return
        if made is None or not made.mel.shape[1]:
            self._panes.set_extra(SECOND, None, None)
            return
        self._panes.set_extra(SECOND, made.mel, self._content(cell, made, self.rendering))

    def _show_typed(self) -> None:
        """Beside B the loaded voice says the text box, too, which neither take nor clip does."""
        is_typed = self.chosen is not None and self.sentence.key == TEXT
        made, cell = self.rendered(self._loaded), self.cell(self._loaded)
        if not is_typed or made is None or cell is None:
            if not is_typed:
                self._panes.set_stand_in(None, None)
            return
        self._panes.set_stand_in(made.mel, self._content(cell, made, FREE))

    def _content(self, cell: SweepCell, made: CellRendering, rendering: str) -> PaneContent:
        sound = Sound(made.wave, cell.sample_rate) if len(made.wave) else None
        item = self.sentence.item()
        detail = pane_detail(cell, made, rendering)
        if item is not None and item.speaker != cell.item.speaker:
            detail += f" · {cell.speaker}"
        recipe = {"rendering": rendering, **cell.recipe, "checkpoint": cell.checkpoint, "step": cell.step}
        mel_db = made.mel * np.float32(LN_TO_DB)
        return PaneContent(mel_db, sound, detail, cell.item.text, rendering == FREE, recipe)

    def _soon_if_open(self, *_change: object) -> None:
        if self.is_open:
            self._soon.start()

    def _on_made(self, wish: Wish) -> None:
        if wish.checkpoint.path in {saved.path for saved in (self.chosen, self._loaded) if saved is not None}:
            self._show()
        self.changed.emit()

    def _on_seen(self, sight: Sight) -> None:
        was_newest = self.chosen is None or self.place == len(self.checkpoints) - 1
        path = None if self.chosen is None else self.chosen.path
        self.run, self.curves, self.checkpoints = sight.run, sight.curves, sight.run.checkpoints
        kept = [saved for saved in self.checkpoints if saved.path == path and not was_newest]
        if self._wanted and self.checkpoints:
            kept = [saved for saved in self.checkpoints if saved.name == self._wanted]
            self._wanted = ""
        newest = self.checkpoints[-1] if self.checkpoints else None
        self.chosen = kept[0] if kept else newest
        self.update()

    def _on_voice(self, voice: VoiceLoaded) -> None:
        try:
            self._loaded = open_checkpoint(Path(voice.facts.path))
        except (RunFolderError, ValueError, OSError):
            self._loaded = None
        self.update()


def nearest_first(checkpoints: Sequence[SavedCheckpoint], place: int) -> list[SavedCheckpoint]:
    """Checkpoints by their distance from a place, so that the next ones to be looked at are made first."""
    places = sorted(range(len(checkpoints)), key=lambda other: (abs(other - place), -other))
    return [checkpoints[other] for other in places]


def pane_detail(cell: SweepCell, made: CellRendering, rendering: str) -> str:
    """The remark in the header of the pane: which checkpoint and mel, and its measures."""
    parts = [f"{cell.checkpoint} · {RENDERINGS[rendering]}"]
    if "l1" in made.figures:
        parts.append(f"L1 {made.figures['l1']:.2f}")
    if "blur" in made.figures:
        parts.append(f"blur {made.figures['blur']:.2f}")
    if "l1" not in made.figures:
        parts.append(f"{made.figures.get('seconds', 0.0):.1f} s")
    return " · ".join(parts)
