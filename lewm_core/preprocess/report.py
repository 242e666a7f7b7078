"""What a run took and what it left out, with the reasons: for people, and as ``report.json`` for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from lewm_core.manifest import Utterance
from lewm_core.preprocess.recordings import Rejection


@dataclass
class Amount:
    """How much of something there is."""

    segments: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one more segment."""
        self.segments += 1
        self.seconds += seconds

    def to_json(self) -> dict[str, Any]:
        """Segments and hours."""
        return {"segments": self.segments, "hours": round(self.seconds / 3600, 5)}


@dataclass
class Report:
    """One run of ``lewm preprocess``.

    Attributes:
        recordings: sound files with a transcript.
        detected: format of the transcripts to number of recordings.
        splits, speakers, languages: how much went into each.
        language_of: language by speaker.
        estimated: cuts found by fit.
        rejected: what was left out.
        reused: tasks that an earlier, perhaps interrupted, run had done.
        notes: what the person should know before training.
    """

    recordings: int = 0
    detected: dict[str, int] = field(default_factory=dict)
    total: Amount = field(default_factory=Amount)
    splits: dict[str, Amount] = field(default_factory=dict)
    speakers: dict[str, Amount] = field(default_factory=dict)
    languages: dict[str, Amount] = field(default_factory=dict)
    language_of: dict[str, str] = field(default_factory=dict)
    estimated: Amount = field(default_factory=Amount)
    rejected: list[Rejection] = field(default_factory=list)
    reused: int = 0
    notes: list[str] = field(default_factory=list)

    def take(self, split: str, row: Utterance) -> None:
        """Count an utterance."""
        amounts = [
            self.total,
            self.splits.setdefault(split, Amount()),
            self.speakers.setdefault(row.speaker, Amount()),
            self.languages.setdefault(row.language, Amount()),
        ]
        for amount in amounts + [self.estimated] * row.estimated:
            amount.add(row.seconds)
        self.language_of[row.speaker] = row.language

    def by_kind(self) -> dict[str, int]:
        """Number of rejections of each kind, the most frequent first."""
        counts: dict[str, int] = {}
        for rejection in self.rejected:
            counts[rejection.kind] = counts.get(rejection.kind, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def to_json(self) -> dict[str, Any]:
        """Everything but ``reused``, which tells of this run and not of the data."""
        return {
            "recordings": self.recordings,
            "detected": self.detected,
            "utterances": self.total.segments,
            "hours": round(self.total.seconds / 3600, 5),
            "splits": _amounts(self.splits),
            "speakers": {
                name: {"language": self.language_of[name], **amount}
                for name, amount in _amounts(self.speakers).items()
            },
            "languages": _amounts(self.languages),
            "estimated": self.estimated.to_json(),
            "rejected_by_kind": self.by_kind(),
            "rejected": [asdict(rejection) for rejection in self.rejected],
            "notes": self.notes,
        }

    def to_bytes(self) -> bytes:
        """Content of ``report.json``."""
        return (json.dumps(self.to_json(), ensure_ascii=False, indent=1) + "\n").encode()

    def lines(self) -> list[str]:
        """What a person reads at the end of a run."""
        found = [f"{_counted(self.detected)} read" if self.detected else "no transcripts read"]
        found.append(
            f"{self.total.segments} utterances, {_hours(self.total.seconds)}, "
            f"{len(self.speakers)} speaker{'s' * (len(self.speakers) != 1)}"
        )
        for title, amounts in (("", self.splits), ("", self.languages)):
            found += [
                f"  {title}{name}: {amount.segments}, {_hours(amount.seconds)}"
                for name, amount in sorted(amounts.items())
            ]
        if self.estimated.segments:
            found.append(
                f"  {self.estimated.segments} cut by fit, not by time stamps ({_hours(self.estimated.seconds)})"
            )
        if self.rejected:
            found.append(f"{len(self.rejected)} left out: {_counted(self.by_kind())}")
        return found


def _amounts(amounts: dict[str, Amount]) -> dict[str, dict[str, Any]]:
    return {name: amounts[name].to_json() for name in sorted(amounts)}


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def shortened(rejected: Iterable[Rejection], most: int) -> list[str]:
    """The first ``most`` rejections, a line each."""
    lines = []
    for number, rejection in enumerate(rejected):
        if number == most:
            break
        where = f" {rejection.start:.1f}-{rejection.end:.1f} s" if rejection.end else ""
        lines.append(f"left out {rejection.audio}{where}: {rejection.reason}")
    return lines
