"""Blends of speakers: "heart:0.6+emma:0.4" is six tenths of heart and four of emma.

A blend is a weighted mean of speaker embeddings. Its notation is what a request, a recipe and the command line
hold; a name alone is a blend of one. This module imports neither torch nor numpy: the studio's window reads it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lewm_core.config import Speaker

UNITS = 10_000
"""Weights are whole ten-thousandths, so that what is written is exactly what is spoken."""


class BlendError(ValueError):
    """A blend of speakers cannot be understood; the message says what to change."""


class UnknownSpeakerError(ValueError):
    """The checkpoint has no speaker of this name; the message lists those that it has."""


@dataclass(frozen=True)
class SpeakerBlend:
    """Speakers with their shares: the heaviest first, equal ones by name, ten-thousandths that sum to ``UNITS``.

    Make one with ``of`` or ``parse``, which bring it into this form: two blends are equal exactly when they
    sound alike.
    """

    parts: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> SpeakerBlend:
        """Normalise weights of any sum; what is below half a ten-thousandth of the whole is left out.

        Raises:
            BlendError: a weight is negative or not a number, or none is above zero.
        """
        for name, weight in weights.items():
            if not math.isfinite(weight) or weight < 0:
                raise BlendError(f"The weight of {name!r} is {weight}; weights are numbers from 0 up.")
        largest = max(weights.values(), default=0.0)
        if largest <= 0:
            raise BlendError("A blend needs at least one speaker with a weight above 0.")
        scaled = {name: weight / largest for name, weight in weights.items()}
        total = math.fsum(scaled.values())
        shares = _largest_remainders({name: UNITS * weight / total for name, weight in scaled.items()})
        return cls(tuple(sorted(shares.items(), key=lambda part: (-part[1], part[0]))))

    @classmethod
    def parse(cls, text: str, known: Sequence[str] = ()) -> SpeakerBlend:
        """Read "name", "name+name" (equal weights) or "name:weight+name:weight".

        A speaker named twice gets both weights. A name of ``known`` is that speaker, whatever characters it has.

        Raises:
            BlendError: a part has no name or its weight is no number; see ``of``.
        """
        if text in known:
            return cls(((text, UNITS),))
        weights: dict[str, float] = {}
        for part in text.split("+"):
            name, weight = _read_part(part.strip(), text, known)
            weights[name] = weights.get(name, 0.0) + weight
        return cls.of(weights)

    @property
    def heaviest(self) -> str:
        """The name of the heaviest part (the first by name among equals), whose language the blend speaks."""
        return self.parts[0][0]

    @property
    def is_single(self) -> bool:
        """Whether it is one speaker alone."""
        return len(self.parts) == 1

    def shares(self) -> dict[str, float]:
        """Name to share; they sum to 1."""
        return {name: units / UNITS for name, units in self.parts}

    def row(self, speakers: Sequence[Speaker]) -> list[float]:
        """Return the share of each of ``speakers``, in their order.

        Raises:
            UnknownSpeakerError: a part is none of them.
        """
        names = [speaker.name for speaker in speakers]
        for name, _ in self.parts:
            if name not in names:
                raise UnknownSpeakerError(f"There is no speaker {name!r}; choose among: {', '.join(names)}.")
        shares = self.shares()
        return [shares.get(name, 0.0) for name in names]

    def __str__(self) -> str:
        if self.is_single:
            return self.heaviest
        return "+".join(f"{name}:{units / UNITS:g}" for name, units in self.parts)


def language_of(speaker: str, languages: Mapping[str, str]) -> str:
    """Return the language of a speaker or blend, that of its heaviest part; "" where it is unknown.

    Args:
        speaker: in the notation of this module.  languages: name to language.
    """
    try:
        return languages.get(SpeakerBlend.parse(speaker, tuple(languages)).heaviest, "")
    except BlendError:
        return ""


def _read_part(part: str, text: str, known: Sequence[str]) -> tuple[str, float]:
    if part in known:
        return part, 1.0
    name, colon, number = part.rpartition(":")
    name, weight = (name.strip(), 1.0) if colon else (part, 1.0)
    if not name:
        raise BlendError(
            f"{text!r} is no blend of speakers: write names with weights, as in heart:0.6+emma:0.4."
        )
    if colon:
        try:
            weight = float(number)
        except ValueError:
            raise BlendError(
                f"The weight {number.strip()!r} of {name!r} is not a number; write heart:0.6+emma:0.4."
            ) from None
    return name, weight


def _largest_remainders(exact: dict[str, float]) -> dict[str, int]:
    """Round shares to whole units that still sum to ``UNITS``; parts of nothing are left out."""
    units = {name: math.floor(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (units[name] - exact[name], name))
    for name in by_remainder[: UNITS - sum(units.values())]:
        units[name] += 1
    return {name: value for name, value in units.items() if value}
