"""Speakers and blends as the session keeps them, and as a person reads them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lewm_core.speaker_blend import BlendError, SpeakerBlend


def is_offered(speaker: str, names: Collection[str]) -> bool:
    """True when a voice with speakers of these names can speak as `speaker`, a name or a blend."""
    try:
        parts = SpeakerBlend.parse(speaker, tuple(names)).parts
    except BlendError:
        return False
    return all(name in names for name, _ in parts)


def speaker_label(speaker: str) -> str:
    """A blend as people read it: "heart:0.6+emma:0.4" is "heart 60 % + emma 40 %"; a name is itself."""
    try:
        blend = SpeakerBlend.parse(speaker)
    except BlendError:
        return speaker
    if blend.is_single:
        return speaker
    return " + ".join(f"{name} {100 * share:.0f} %" for name, share in blend.shares().items())


def weights_by_index(speaker: str, names: Sequence[str]) -> dict[int, float]:
    """The shares of a speaker or blend by place in `names`; {} where one of its parts is not among them."""
    if not is_offered(speaker, names):
        return {}
    return {
        list(names).index(name): share for name, share in SpeakerBlend.parse(speaker, names).shares().items()
    }


def notation(weights: dict[int, float], names: Sequence[str]) -> str:
    """The blend of these shares by place in `names`, as the session keeps it."""
    return str(SpeakerBlend.of({names[index]: weight for index, weight in weights.items()}))
