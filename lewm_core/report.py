"""A comparison as one HTML page that needs nothing else: pictures, players, numbers with their definitions, recipe.

Whatever comes from a person or a file (texts, names, recipe) is escaped by the template engine; the page forbids
scripts and anything from outside by its own content-security policy.

m mel bands   t, u mel frames
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lewm_core.analysis.alignment import align, warped_to_reference
from lewm_core.analysis.drift import Drift
from lewm_core.analysis.drift_verdict import drift_verdict
from lewm_core.analysis.formant_blur import formant_blur
from lewm_core.analysis.mel_error import frame_l1
from lewm_core.analysis.pane_report import PaneReport
from lewm_core.config import MelConfig
from lewm_core.figure import TITLES, default_levels
from lewm_core.files import write_atomically
from lewm_core.report_extras import (
    FORCED,
    FREE,
    OWN_TIMING,
    REBUILT,
    SECOND,
    TRUTH,
    ReportExtras,
    SecondRun,
)
from lewm_core.report_measures import Measures
from lewm_core.report_parts import (
    AUDIO_FORMATS,
    Curve,
    curve,
    frequency_ticks,
    gradient,
    mel_picture,
    sound,
    time_ticks,
    tracks,
)
from lewm_core.resources_path import resource

if TYPE_CHECKING:
    from lewm_core.inference import Comparison


class ReportError(ValueError):
    """A report cannot be made; the message says what to change."""


@dataclass(frozen=True)
class ReportSettings:
    """How a report looks and what it says besides its measures.

    Attributes:
        clip_name: of the recording.  note: a person's own words.  facts: (label, value) of the checkpoint.
        colours: (n, 3) uint8, or the name of a matplotlib colour map.  levels_db: darkest and brightest level; by
            default the recording's peak and 80 dB below.
        audio: "wav" or "ogg".  vocode: makes the matched noise audible.  made: when.  extras: what is shown besides.
    """

    clip_name: str = ""
    note: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    colours: np.ndarray | str = "magma"
    levels_db: tuple[float, float] | None = None
    audio: str = "wav"
    vocode: Callable[[np.ndarray], np.ndarray] | None = None
    made: datetime | None = None
    extras: ReportExtras = field(default_factory=ReportExtras)


@dataclass(frozen=True)
class PaneSection:
    """A pane of the page; ``width`` is its share of the longest one in per cent."""

    key: str
    title: str
    about: str
    picture: str
    sounds: list[tuple[str, str]]
    seconds: float
    width: float
    l1_curve: Curve | None = None
    blur_curve: Curve | None = None
    tracks: list[str] = field(default_factory=list)
    worst: list[tuple[float, str]] = field(default_factory=list)


def make_report(
    comparison: Comparison, config: MelConfig, settings: ReportSettings
) -> Generator[tuple[float, str], None, str]:
    """Measure a comparison and write it as a page.

    Yields:
        share done in [0, 1], and what is being done.

    Returns:
        the page.

    Raises:
        ReportError: there is nothing to report, or the settings are unusable.
    """
    if settings.audio not in AUDIO_FORMATS:
        raise ReportError(f"Sound is embedded as {' or '.join(AUDIO_FORMATS)}, not as {settings.audio!r}.")
    panes = {name: pane for name, pane in comparison.panes.items() if pane.mel.shape[1] > 1}
    if TRUTH not in panes:
        raise ReportError("There is nothing to report: the comparison was cancelled before its first pane.")
    measured = Measures(comparison, config, settings.extras, settings.vocode)
    yield from measured.measure()
    yield 0.9, "Writing the page"
    return render(_context(measured, settings))


def _context(measured: Measures, settings: ReportSettings) -> dict[str, Any]:
    """What the template is filled with."""
    comparison, config = measured.comparison, measured.config
    mels, drift, extras = measured.mels, measured.drift, settings.extras
    levels = settings.levels_db or default_levels(mels[TRUTH])
    longest = max(mel.shape[1] for mel in mels.values())
    strips = {name: _strips(mels[name], mels[TRUTH], name in OWN_TIMING, config) for name in measured.reports}
    peak = max([1.0, *(1.2 * float(np.percentile(l1, 97)) for l1, _ in strips.values())])
    return {
        "comparison": comparison, "settings": settings, "reports": measured.reports, "titles": measured.titles,
        "sections": [_section(measured, settings, name, strips, peak, levels, longest) for name in mels],
        "findings": findings(measured.reports, drift, extras.second), "drift": drift, "formants": measured.formants,
        "verdict": drift_verdict(drift) if drift is not None else "", "free": _free_run(drift, config),
        "difference": _difference_section(measured, longest), "second": extras.second, "votes": extras.votes,
        "levels": levels, "gradient": gradient(settings.colours), "hz": frequency_ticks(config), "peak": peak,
        "seconds": time_ticks(longest / config.frame_rate), "noise_of": measured.titles.get(extras.noise_of, ""),
        "recipe": json.dumps(comparison.recipe, ensure_ascii=False, indent=2, default=str),
        "made": (settings.made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M %Z").strip(),
    }  # fmt: skip


def _section(
    measured: Measures, settings: ReportSettings, name: str, strips: dict[str, tuple[np.ndarray, np.ndarray]],
    peak: float, levels: tuple[float, float], longest: int,
) -> PaneSection:  # fmt: skip
    comparison, config = measured.comparison, measured.config
    mel, rate, own_timing = measured.mels[name], comparison.sample_rate, name in OWN_TIMING
    sounds = [("Vocoded" if name == TRUTH else "Listen", measured.waves.get(name, np.zeros(0)))]
    if name == TRUTH:
        sounds.insert(0, ("Recording", comparison.original))
    players = [(label, sound(wave, rate, settings.audio)) for label, wave in sounds]
    found = measured.formants.frequency.get(name) if measured.formants is not None else None
    return PaneSection(
        key=name, title=measured.titles[name], about=measured.about[name],
        picture=mel_picture(mel, settings.colours, levels), sounds=[player for player in players if player[1]],
        seconds=(mel.shape[1] - 1) / config.frame_rate, width=100.0 * mel.shape[1] / longest,
        tracks=[] if found is None else tracks(found, config),
        **_curves(strips.get(name), peak, measured.reports.get(name), own_timing, config),
    )  # fmt: skip


def _difference_section(measured: Measures, longest: int) -> dict[str, Any]:
    """The difference of two panes as a picture; {} where there is none."""
    difference, wish = measured.difference, measured.extras.difference
    if difference is None or wish is None:
        return {}
    return {
        "title": f"{measured.titles[wish.first]} minus {measured.titles[wish.second].lower()}",
        "first": measured.titles[wish.first], "second": measured.titles[wish.second].lower(),
        "picture": mel_picture(difference.mel, wish.colours, (-wish.range_db, wish.range_db)),
        "width": 100.0 * difference.mel.shape[1] / longest, "range": wish.range_db, "aligned": difference.aligned,
        "l1": difference.l1, "bias": difference.bias_db, "gradient": gradient(wish.colours),
    }  # fmt: skip


def write_report(page: str, path: Path | str) -> Path:
    """Write a page, whole or not at all.

    Raises:
        ReportError: the name does not end in .html.  WriteError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ReportError(f"{path} does not end in .html.")
    return write_atomically(path, page.encode("utf-8"))


def render(context: dict[str, Any]) -> str:
    """Fill the template; everything that is not markup of the template itself is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("report")), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["number"] = number
    return environment.get_template("report.html").render(context)


def number(value: float | None, digits: int = 2) -> str:
    """A measure as text; a dash where it cannot be told."""
    if value is None or not np.isfinite(value):
        return "–"
    rounded = round(value, digits) + 0.0  # no minus before nothing
    return f"{rounded:.{digits}f}".replace("-", "\u2212")


def findings(
    reports: dict[str, PaneReport], drift: Drift | None, second: SecondRun | None = None
) -> list[tuple[str, str]]:
    """What the numbers say, as (where, sentence): decoder, predictor, free run, second checkpoint."""
    said = []
    rebuilt, forced = reports.get(REBUILT), reports.get(FORCED)
    if rebuilt is not None:
        blur = "cannot be told" if rebuilt.formants.mean is None else f"is {rebuilt.formants.mean:.2f}"
        said.append(
            ("Decoder", f"Mel L1 {rebuilt.l1:.2f} nats; the error is {rebuilt.kind}; formant blur {blur}.")
        )
    if rebuilt is not None and forced is not None:
        change = forced.l1 - rebuilt.l1
        how = "adds" if change >= 0 else "takes away"
        blur = "" if forced.formants.mean is None else f" Formant blur is {forced.formants.mean:.2f}."
        said.append(("Predictor", f"Teacher forcing {how} {abs(change):.2f} nats of mel L1.{blur}"))
    if drift is not None:
        verdict = drift_verdict(drift)
        said.append(("Free run", f"{verdict[:1].upper()}{verdict[1:]}."))
    both = [
        f"{TITLES[name].lower()} {reports[SECOND + name].l1:.2f} against {reports[name].l1:.2f}"
        for name in (REBUILT, FORCED, FREE)
        if name in reports and SECOND + name in reports
    ]
    if second is not None and both:
        said.append((f"B: {second.name}", f"Mel L1 of the {', '.join(both)} nats."))
    return said


def _strips(
    mel: np.ndarray, truth: np.ndarray, aligned: bool, config: MelConfig
) -> tuple[np.ndarray, np.ndarray]:
    """L1 (u,) and blur (u,) by frame on the mel's own time axis."""
    if aligned:
        truth = warped_to_reference(truth, align(mel, truth, config.frame_rate))
    return frame_l1(mel, truth), formant_blur(mel, truth, config).per_frame


def _curves(
    strips: tuple[np.ndarray, np.ndarray] | None, peak: float, report: PaneReport | None, aligned: bool,
    config: MelConfig,
) -> dict[str, Any]:  # fmt: skip
    if strips is None or report is None:
        return {}
    l1, blur = strips
    # The places of an aligned pane are moments of the recording, not of the pane.
    places = [] if aligned else report.worst[:1]
    worst = [(100.0 * (place.frame + 0.5) / len(l1), f"{place.time_s:.2f} s") for place in places]
    return {"l1_curve": curve(l1, 0.0, peak), "blur_curve": curve(blur, 0.0, 1.2), "worst": worst}


def _free_run(drift: Drift | None, config: MelConfig) -> dict[str, Any]:
    """Curves and numbers of the free run."""
    if drift is None:
        return {}
    ratio = drift.energy_ratio_db
    tail = ratio[-max(1, len(ratio) // 5) :]

    def median(values: np.ndarray) -> float | None:
        finite = values[np.isfinite(values)]
        return float(np.median(finite)) if len(finite) else None

    divergence = drift.free_divergence
    return {
        "divergence": curve(divergence, 0.0, 1.5), "energy": curve(ratio, -40.0, 20.0, base=0.0),
        "numbers": [
            ("departure", "Departure", "–" if drift.departure_s is None else f"{drift.departure_s:.2f} s"),
            ("divergence", "Median divergence", number(float(np.median(divergence)))),
            ("energy", "Energy ratio", f"{number(median(ratio), 1)} dB"),
            ("energy", "… of the last fifth", f"{number(median(tail), 1)} dB"),
            ("missing", "Speech missing", f"{drift.ending.missing_s:.2f} s"),
        ],
        "ticks": time_ticks(len(divergence) / config.frame_rate),
    }  # fmt: skip
