"""The report of a comparison, written with `lewm_core.report`; runs in the engine process only."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from app.engine_messages import Compared, Step
from app.messages_report import ReportWritten, WriteReport

if TYPE_CHECKING:
    from lewm_core.inference import Comparison, Synthesiser


def write_report(
    request: WriteReport, voice: Synthesiser, cancelled: Callable[[], bool]
) -> Generator[Step, None, ReportWritten | None]:
    """Measure and write; None when it was cancelled before there was a page."""
    yield Step(0.0, "Measuring for the report")
    from lewm_core import report

    settings = report.ReportSettings(
        clip_name=request.clip_name,
        facts=list(request.facts),
        colours=request.colours,
        levels_db=request.levels,
        vocode=voice.vocoder.decode,
        extras=request.extras,
    )
    job = report.make_report(core_comparison(request.comparison), voice.info.mel, settings)
    while not cancelled():
        try:
            fraction, message = next(job)
        except StopIteration as end:
            report.write_report(end.value, request.path)
            return ReportWritten(request.path)
        yield Step(fraction, message)
    return None


def core_comparison(source: Compared) -> Comparison:
    """A comparison in the types of the core."""
    from lewm_core.inference import Comparison, Rendering

    return Comparison(
        text=source.text,
        speaker=source.speaker,
        original=source.original,
        sample_rate=source.sample_rate,
        panes={
            key: Rendering(pane.mel, pane.wave, pane.mel_l1, title=pane.title)
            for key, pane in source.panes.items()
        },
        stop_reason=source.stop_reason,
        recipe=source.recipe,
    )
