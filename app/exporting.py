"""What can be exported, and the jobs that write it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.engine_messages import DrawFigure, Failure, Step
from app.export import ExportItem, export_items, file_stem, free_path
from app.messages_report import WriteReport
from app.panes import MIXED, NOISE, SOURCE_TITLES
from app.reporting import report_extras
from app.takes import Take
from widgets.colour_maps import lookup_table

if TYPE_CHECKING:
    from app.studio import Studio


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportChoice:
    """What the export dialog asked for: source keys, "take" for the selected take, or "figure"."""

    what: tuple[str, ...]
    subtype: str = "PCM_16"
    with_mels: bool = False


class ExportController(QObject):
    """Writes takes, panes and figures; says in a sentence what was written or why not."""

    done = Signal(str)
    trouble = Signal(str)
    job_started = Signal(object)
    written = Signal(list)
    """Paths of the files of one export."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._studio = studio

    # ------------------------------------------------------------------ what there is
    def sources(self) -> list[str]:
        """Keys of all panes and the clip that hold a sound."""
        sounds = self._studio.panes.sounds()
        return [key for key in SOURCE_TITLES if key in sounds and not sounds[key].is_growing]

    @property
    def can_draw(self) -> bool:
        """True when there is a comparison to draw."""
        return self._studio.comparison.result is not None

    def suggested_stem(self, key: str) -> str:
        """File name without extension for a source or for the figure."""
        session = self._studio.session
        take = session.take(session.current_take)
        if key == "take" and take is not None:
            return file_stem(take.title)
        clip = session.clip
        subject = file_stem(clip.text or clip.name) if clip else file_stem(take.title if take else "")
        return f"{subject}-{key.replace('_', '-')}"

    def take_stem(self, take: Take) -> str:
        """File name without extension for a take."""
        return file_stem(take.title)

    # ------------------------------------------------------------------ write
    def export_take(self, take: Take, path: Path, subtype: str, with_mel: bool = False) -> None:
        """One take to `path`."""
        try:
            item = self._take_item(take)
        except (OSError, ValueError) as error:
            self.trouble.emit(f"The take “{take.title}” cannot be exported: {error}")
            return
        self._write([(item, path)], subtype, with_mel)

    def export_takes(self, takes: list[Take], folder: Path, subtype: str, with_mels: bool = False) -> None:
        """Several takes into a folder; nothing that is there is overwritten."""
        taken: set[Path] = set()
        items = []
        for take in takes:
            try:
                item = self._take_item(take)
            except (OSError, ValueError) as error:
                self.trouble.emit(f"The take “{take.title}” cannot be exported: {error}")
                return
            items.append((item, free_path(folder, item.name, ".wav", taken)))
        self._write(items, subtype, with_mels)

    def export_source(self, key: str, path: Path, subtype: str, with_mel: bool = False) -> None:
        """The sound of one pane, or the original clip, to `path`."""
        self._write([(self._source_item(key), path)], subtype, with_mel)

    def export_all(self, folder: Path, subtype: str, with_mels: bool = False) -> None:
        """All panes into a folder; nothing that is there is overwritten."""
        taken: set[Path] = set()
        items = [
            (self._source_item(key), free_path(folder, self.suggested_stem(key), ".wav", taken))
            for key in self.sources()
        ]
        self._write(items, subtype, with_mels)

    def export_figure(self, path: Path) -> None:
        """The comparison as PNG or SVG, drawn in the engine process."""
        result = self._studio.comparison.result
        if result is None:
            self.trouble.emit("There is no comparison to draw yet. Open a clip and wait for its panes.")
            return
        timeline, result = self._studio.timeline, self._studio.mixing.added_to(result)
        request = DrawFigure(result, str(path), lookup_table(timeline.colour_map), timeline.levels)
        job = self._studio.engine.submit(request, f"Drawing {path.name}", "figure")
        job.finished.connect(lambda _drawn: self._on_written([path]))
        job.failed.connect(self._on_failed)
        self.job_started.emit(job)

    def export_report(self, path: Path) -> None:
        """The comparison as one HTML page, measured and written in the engine process."""
        studio, result = self._studio, self._studio.comparison.result
        if result is None:
            self.trouble.emit("There is no comparison to report yet. Open a clip and wait for its panes.")
            return
        clip, voice, timeline = studio.session.clip, studio.voice.voice, studio.timeline
        request = WriteReport(
            studio.mixing.added_to(result),
            str(path),
            Path(clip.path).name if clip is not None else "",
            voice.facts.rows if voice is not None else (),
            lookup_table(timeline.colour_map),
            timeline.levels,
            report_extras(studio, result),
        )
        job = studio.engine.submit(request, f"Writing {path.name}", "report")
        job.finished.connect(lambda written: self._on_written([path] if written is not None else []))
        job.failed.connect(self._on_failed)
        self.job_started.emit(job)

    # ------------------------------------------------------------------ inside
    def _take_item(self, take: Take) -> ExportItem:
        mel, wave = self._studio.store.load(take)
        recipe = {key: value for key, value in take.to_json().items() if key != "recipe"} | take.recipe
        return ExportItem(file_stem(take.title), wave, take.sample_rate, mel, recipe)

    def _source_item(self, key: str) -> ExportItem:
        """The item of a pane; one that shows a take, or what a second checkpoint made, brings that recipe."""
        studio = self._studio
        sound, content = studio.panes.sounds()[key], studio.panes.content(key)
        if content.recipe is not None:
            recipe = {"pane": key, **content.recipe}
            return ExportItem(key, sound.samples, sound.sample_rate, studio.panes.mel(key), recipe)
        take = studio.session.take(studio.session.current_take)
        if key == "autoregressive" and take is not None:
            return self._take_item(take)
        result, clip = studio.comparison.result, studio.comparison.clip
        recipe = {"pane": key, **(result.recipe if result else {})}
        if studio.session.clip is not None:
            recipe["clip"] = studio.session.clip.to_json()
        mel = None
        if result is not None and key in result.panes:
            mel = result.panes[key].mel
            recipe["mel_l1"] = result.panes[key].mel_l1
        elif key == "original" and clip is not None:
            mel = clip.mel
        elif key == NOISE:
            mel = studio.panes.mel(NOISE)
            recipe["noise_of"] = studio.settings.noise_of
        elif key == MIXED and studio.mixing.made is not None:
            made = studio.mixing.made.pane
            mel = made.mel
            recipe |= {**studio.mixing.made.recipe, "mel_l1": made.mel_l1}
        return ExportItem(key, sound.samples, sound.sample_rate, mel, recipe)

    def _write(self, items: list[tuple[ExportItem, Path]], subtype: str, with_mels: bool) -> None:
        def work(cancelled: Callable[[], bool]) -> Generator[Step, None, list[Path]]:
            return export_items(items, subtype, with_mels, cancelled)

        job = self._studio.jobs.start("Exporting", work, "export")
        job.finished.connect(self._on_written)
        job.failed.connect(self._on_failed)
        self.job_started.emit(job)

    def _on_written(self, paths: list[Path]) -> None:
        if not paths:
            return
        logger.info("exported: %s", ", ".join(str(path) for path in paths))
        sounds = [path for path in paths if path.suffix == ".wav"] or paths
        name = sounds[0].name if len(sounds) == 1 else f"{len(sounds)} sounds"
        self.done.emit(f"Exported {name} to {paths[0].parent}.")
        self.written.emit(paths)

    def _on_failed(self, failure: Failure) -> None:
        self.trouble.emit(failure.message)
