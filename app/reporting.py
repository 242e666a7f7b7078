"""What the window shows besides the comparison, for its report: checkpoint B, formants, difference, noise, votes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.blind_test import by_pair
from app.engine_messages import Compared
from app.panes import NOISE, SECOND
from app.vote_words import in_words
from lewm_core.report_extras import NOISE as REPORT_NOISE
from lewm_core.report_extras import SECOND as REPORT_SECOND
from lewm_core.report_extras import DifferenceWish, FormantWish, ReportExtras, SecondRun
from widgets.colour_maps import DIVERGING_COLOUR_MAPS, lookup_table

if TYPE_CHECKING:
    from app.studio import Studio


def report_extras(studio: Studio, result: Compared) -> ReportExtras:
    """What is on the screen beside a comparison, and the votes on sounds of its text."""
    settings = studio.settings
    return ReportExtras(
        second=_second(studio, result),
        noise_of=settings.noise_of,
        formants=FormantWish(
            studio.formants.own_ceiling, settings.formant_number, settings.formant_window, settings.show_formants
        ),
        difference=_difference(studio),
        votes=_votes(studio, result.text),
    )


def _second(studio: Studio, result: Compared) -> SecondRun | None:
    """All that checkpoint B makes of the clip; None without one, or while it says another sentence."""
    cell = studio.second.cell(studio.second.chosen)
    if cell is None or cell.item.clip is None or cell.item.text != result.text or not cell.renderings:
        return None
    facts = [("File", cell.checkpoint), ("Step", f"{cell.step:,}")]
    if "checkpoint_sha256" in cell.recipe:
        facts.append(("SHA-256", str(cell.recipe["checkpoint_sha256"])))
    panes = {key: (made.mel, made.wave) for key, made in cell.renderings.items()}
    return SecondRun(cell.checkpoint, panes, tuple(facts))


def _difference(studio: Studio) -> DifferenceWish | None:
    """The two panes that are compared on the screen."""
    settings = studio.settings
    if settings.pair_view == "off":
        return None
    names = {NOISE: REPORT_NOISE, SECOND: REPORT_SECOND + studio.second.rendering}
    first, second = (names.get(key, key) for key in (settings.pair_first, settings.pair_second))
    return DifferenceWish(first, second, settings.pair_range, lookup_table(DIVERGING_COLOUR_MAPS[0]))


def _votes(studio: Studio, text: str) -> tuple[tuple[str, str], ...]:
    """Each pair that was voted on with sounds of this text, and what the votes prove."""
    if studio.blind.is_running:  # nothing is told before the end
        return ()
    votes = studio.blind.votes
    of_text = [vote for vote in votes if text in (vote.first.facts.get("text"), vote.second.facts.get("text"))]
    words = [in_words(found) for found in by_pair(of_text).values()]
    return tuple((title, f"{headline}. {figures}") for title, headline, figures in words)
