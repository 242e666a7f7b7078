"""The page for checkpoints over time tied to the second checkpoint."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QTimer

from app.panes import SECOND
from app.second_checkpoint import RENDERINGS, SENTENCES, SecondCheckpoint
from app.speaker_choice import speaker_label
from app.studio import Studio
from lewm_core.analysis.run_folder import Curve, SavedCheckpoint
from lewm_core.sweep_cells import CellRendering
from widgets.run_page import RunPage
from widgets.step_curves import StepCurve
from widgets.text_format import NOTHING

FIGURES = {"l1": "Mel L1", "blur": "Formant blur", "contrast_db": "Contrast", "seconds": "Length"}
UNITS = {"l1": "nats", "blur": "", "contrast_db": "dB", "seconds": "s"}
RUN_DEFINITIONS = {
    "Mel L1": "Mean absolute difference of the log-mels to the clip's, nats. Autoregressive: along the DTW path.\n"
    "docs/analysis.md, mel_error",
    "Formant blur": "1 − the regression slope of the mel's spectral detail on the clip's: 0 as sharp, 1 nothing left.\n"
    "docs/analysis.md, formant_blur",
    "Contrast": "Strength of the mel's own detail along frequency at the scale of formants, dB, noise left out: "
    "sharpness where there is no recording. Blur lowers it.\ndocs/analysis.md, spectral contrast",
    "Length": "Length of the mel shown, s.\n"
    "docs/analysis.md, Checkpoints of a run",
    "figures": "The chosen measure of every checkpoint that has been rendered so far. Click: go to that checkpoint.\n"
    "docs/analysis.md, Checkpoints of a run",
    "losses": "As training wrote them: means since the line before (train), on held-out speech (validation). The "
    "highest hundredth is cut off. Click: go to the nearest checkpoint.\n"
    "docs/training.md, The run folder",
}
NOTHING_OPEN = (
    "Open the folder of a training run to slide through its checkpoints, or compare the loaded voice with one other "
    "checkpoint."
)
HIDDEN_LOSSES = ("audio_seconds_per_second", "steps_per_second", "learning_rate")
FIRST_LOSSES = ("total", "tf_mel_l1", "reconstruction")


class RunBinding(QObject):
    """Shows the second checkpoint; asked once after a burst of changes."""

    def __init__(self, page: RunPage, studio: Studio) -> None:
        super().__init__(page)
        self._page = page
        self._studio = studio
        self._second: SecondCheckpoint = studio.second
        self._figure = "l1"
        self._loss = ""
        page.place_chosen.connect(self._second.choose)
        page.close_requested.connect(self._second.close)
        page.sentence_chosen.connect(self._second.sentence.choose)
        page.speaker_chosen.connect(self._second.set_speaker)
        page.rendering_chosen.connect(self._second.set_rendering)
        page.alone_toggled.connect(self._second.set_alone)
        page.figure_chosen.connect(self._choose_figure)
        page.loss_chosen.connect(self._choose_loss)
        page.play_requested.connect(lambda: studio.listening.play_pane(SECOND))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.show)
        self._second.changed.connect(self._soon.start)
        studio.changed.connect(self._show_pair_view)
        studio.player.playing_changed.connect(lambda _playing: self._show_playing())
        studio.player.source_changed.connect(lambda _source: self._show_playing())
        self.show()

    def show(self) -> None:
        """Show the present state."""
        second, page = self._second, self._page
        if not second.is_open:
            page.set_nothing(NOTHING_OPEN)
            return
        names = [saved.name for saved in second.checkpoints]
        page.set_run(self._title(), self._status(), str(second.folder or ""))
        page.set_checkpoints(names, [saved.step for saved in second.checkpoints], second.place)
        item = second.sentence.item()
        page.set_sentences(
            [(key, SENTENCES[key]) for key in second.sentence.offers()], second.sentence.key,
            "" if item is None else f"“{item.text}” · {speaker_label(item.speaker)} · seed {item.seed}",
        )  # fmt: skip
        page.set_speakers(second.needs_speaker, second.speaker)
        keys = list(RENDERINGS) if second.item_has_clip else ["autoregressive"]
        short = {"reconstruction": "Reconstr.", "teacher_forced": "TF", "autoregressive": "AR"}
        page.set_renderings([(key, short[key]) for key in keys], second.rendering)
        page.set_alone(second.is_alone)
        page.set_step_range(step_range(second.checkpoints, second.curves))
        self._show_measures()
        self._show_losses()
        self._show_playing()
        self._show_pair_view()

    def _title(self) -> str:
        folder = self._second.folder
        return folder.name if folder is not None else self._second.checkpoints[0].name

    def _status(self) -> str:
        second = self._second
        problem = second.problem
        if problem:
            return problem
        parts = []
        if second.run is not None:
            parts.append("Watching")
            if second.run.unfinished:
                parts.append(f"{len(second.run.unfinished)} being written")
        if second.left:
            parts.append(f"{second.left} to render")
        return " · ".join(parts)

    def _show_measures(self) -> None:
        second = self._second
        ours, theirs = second.rendered(second.loaded), second.rendered(second.chosen)
        keys = list(FIGURES) if second.item_has_clip else ["contrast_db", "seconds"]
        rows = [(FIGURES[key], _figure(ours, key), _figure(theirs, key)) for key in keys]
        self._page.set_measures(rows, ("A: loaded", "B"))
        figure = self._figure if self._figure in keys else keys[0]
        curve = self._curve(second.checkpoints, figure)
        self._page.set_figures(
            [(key, FIGURES[key]) for key in keys], figure, curve, "Renderings are being made in the background."
        )

    def _curve(self, checkpoints: tuple[SavedCheckpoint, ...], figure: str) -> StepCurve | None:
        points = [
            (saved.step, made.figures[figure])
            for saved in checkpoints
            if (made := self._second.rendered(saved)) is not None and figure in made.figures
        ]
        if not points:
            return None
        steps, values = zip(*points, strict=True)
        return StepCurve(FIGURES[figure], np.array(steps), np.array(values), dots=True)

    def _show_losses(self) -> None:
        offers = loss_names(self._second.curves)
        if self._loss not in offers:
            self._loss = next((name for name in offers if name.split(": ")[1] in FIRST_LOSSES), next(iter(offers), ""))
        shown = [curve for curve in self._second.curves if _loss_name(curve) == self._loss]
        shown.sort(key=lambda curve: curve.kind)
        self._page.set_losses(
            offers, self._loss, [StepCurve(curve.kind, curve.steps, curve.values) for curve in shown]
        )

    def _show_playing(self) -> None:
        player = self._studio.player
        self._page.set_playable(player.has(SECOND), player.is_playing and player.source == SECOND)

    def _show_pair_view(self) -> None:
        settings = self._studio.settings
        is_theirs = (settings.pair_first, settings.pair_second) == (self._second.rendering, SECOND)
        self._page.set_pair_view(settings.pair_view if is_theirs else "off")

    def _choose_figure(self, key: str) -> None:
        self._figure = key
        self.show()

    def _choose_loss(self, name: str) -> None:
        self._loss = name
        self.show()


def step_range(checkpoints: tuple[SavedCheckpoint, ...], curves: tuple[Curve, ...]) -> tuple[float, float] | None:
    """First and last step of a run: of its logs and its checkpoints; None without either."""
    steps = [saved.step for saved in checkpoints]
    steps += [int(end) for curve in curves if len(curve.steps) for end in (curve.steps[0], curve.steps[-1])]
    return (float(min(steps)), float(max(steps))) if steps else None


def loss_names(curves: tuple[Curve, ...]) -> list[str]:
    """What can be drawn, "stage: name"; what says nothing about quality is left out."""
    return list(dict.fromkeys(_loss_name(curve) for curve in curves if curve.name not in HIDDEN_LOSSES))


def _loss_name(curve: Curve) -> str:
    return f"{curve.stage}: {curve.name}"


def _figure(made: CellRendering | None, key: str) -> str:
    if made is None or key not in made.figures:
        return NOTHING
    return f"{made.figures[key]:.2f} {UNITS[key]}".strip()
