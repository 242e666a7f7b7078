"""The truth with random noise of the same mel L1 as a model's error: a pane to see and hear, and numbers beside it."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.engine_messages import Compared
from app.measuring import Measured, Measurer
from app.messages_panes import ErrorStudied, StudyError
from app.panes import NOISE, PaneContent
from app.player import Sound
from lewm_core.config import LN_TO_DB


class NoiseController(Measurer):
    """Studies the error of the chosen pane while anybody looks: the pane is on, or the page is in front."""

    def __init__(self, measured: Measured, parent: QObject | None = None) -> None:
        super().__init__(measured, parent)
        self._is_looked_at = False
        self._of: tuple[Compared, str] | None = None
        self.study: ErrorStudied | None = None
        measured.comparison.changed.connect(self.update)

    def set_looked_at(self, looked_at: bool) -> None:
        """Somebody looks at the numbers (or no longer)."""
        self._is_looked_at = looked_at
        self.update()

    def set_shown(self, shown: bool) -> None:
        """Show the noise as a pane, or take it away."""
        self._settings.show_noise = shown
        self.update()
        self._show()
        self.changed.emit()

    def choose(self, key: str) -> None:
        """Match the error of another pane."""
        self._settings.noise_of = key
        self.update()
        self.changed.emit()

    def update(self) -> None:
        """Study again what is shown now, if somebody looks and it is another error than the last one."""
        result, key = self._comparison.result, self._settings.noise_of
        there = result is not None and key in result.panes and "ground_truth" in result.panes
        if self._of is not None and not (there and self._is_of(result, key)):
            self._forget()
        is_wanted = self._is_looked_at or self._settings.show_noise
        if result is not None and there and is_wanted and self._of is None:
            self._start(result, key)

    def _is_of(self, result: Compared | None, key: str) -> bool:
        """True while what was (or is being) studied is this pane of this comparison."""
        return self._of is not None and self._of[0] is result and self._of[1] == key

    def _forget(self) -> None:
        self._cancel()
        self._of, self.study, self.problem = None, None, ""
        self._show()
        self.changed.emit()

    def _start(self, result: Compared, key: str) -> None:
        self._of = result, key
        truth, pane = result.panes["ground_truth"].mel, result.panes[key].mel
        hop, aligned = self._panes.mel_config.hop_length, key == "autoregressive"
        request = StudyError(truth, pane, result.original, result.sample_rate, hop, aligned)
        self._measure(
            request,
            "Matching noise",
            "noise",
            "noise matched",
            lambda: self._is_of(result, key),
            self._on_studied,
        )
        self.changed.emit()

    def _on_studied(self, study: ErrorStudied | None) -> None:
        self.study = study
        if study is None:  # cancelled: it is done when it is asked for again
            self._of = None
        self._show()

    def _show(self) -> None:
        study = self.study
        if study is None or not self._settings.show_noise:
            self._panes.set_extra(NOISE, None, None)
            return
        title = self._settings.noise_of.replace("_", "-")
        content = PaneContent(
            study.mel * LN_TO_DB, Sound(study.wave, study.sample_rate), f"L1 {study.l1:.2f}, as the {title}"
        )
        self._panes.set_extra(NOISE, study.mel, content)
