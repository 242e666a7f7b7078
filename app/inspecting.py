"""Measures what the panes show, in the engine process, whenever there is a new comparison."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.engine_messages import Analyse, Analysed, Compared
from app.measuring import Measured, Measurer


class InspectionController(Measurer):
    """Holds the measures of the comparison on the screen; None while there are none."""

    def __init__(self, measured: Measured, parent: QObject | None = None) -> None:
        super().__init__(measured, parent)
        self._of: Compared | None = None
        self.analysis: Analysed | None = None
        measured.comparison.changed.connect(self.update)

    def update(self) -> None:
        """Measure, if the comparison is another one than that which was measured last."""
        result = self._comparison.result
        if result is self._of:
            return
        self._of, self.analysis, self.problem = result, None, ""
        self._cancel()
        request = self._request(result) if result is not None else None
        if request is not None:
            self._measure(
                request, "Measuring", "analyse", "measured", lambda: result is self._of, self._on_analysed
            )
        self.changed.emit()

    def _request(self, result: Compared) -> Analyse | None:
        """What is to be measured; None without a ground truth and something to hold against it."""
        mels = {key: pane.mel for key, pane in result.panes.items() if pane.mel.shape[1] > 1}
        if len(result.panes) < 2 or "ground_truth" not in mels:
            return None
        latents = {key: pane.latents for key, pane in result.panes.items() if pane.latents is not None}
        traces = {key: pane.trace for key, pane in result.panes.items() if pane.trace is not None}
        hop = self._panes.mel_config.hop_length
        return Analyse(mels, result.stop_reason, result.sample_rate, hop, latents, traces)

    def _on_analysed(self, analysis: Analysed) -> None:
        self.analysis = analysis
