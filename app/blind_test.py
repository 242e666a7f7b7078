"""A blind listening test: what is played under which name, what was voted, and what it proves. No Qt here.

ABX: X is A or B, the listener says which. AB: the listener says which of two is better, or that there is no
difference. Order and names come from `plan_trials`, so the same seed gives the same test; nothing of it is told
before the end.
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from lewm_core.analysis.listening_votes import (
    Trial,
    VoteResult,
    abx_result,
    plan_trials,
    preference_result,
)

Kind = Literal["abx", "ab"]
KINDS: tuple[Kind, ...] = ("abx", "ab")
ANSWERS = ("a", "b", "tie")
LARGEST_FILE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Side:
    """One of the two things compared: what it is called, and what is known of it (text, checkpoint, seed)."""

    label: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Vote:
    """One answer.

    Attributes:
        first, second: labels of the two sides.
        a, x: which side was called A, and which was X (0 the first, 1 the second; x None in AB).
        answer: "a", "b" or "tie".
    """

    test: str
    kind: Kind
    time: str
    seed: int
    trial: int
    trials: int
    first: Side
    second: Side
    a: int
    x: int | None
    answer: str
    level_matched: bool

    @property
    def chosen(self) -> int | None:
        """The side that was voted for (ABX: taken for X); None for a tie."""
        return None if self.answer == "tie" else self.a if self.answer == "a" else 1 - self.a

    @property
    def is_right(self) -> bool | None:
        """ABX: the answer is right; None in AB."""
        return None if self.x is None else self.chosen == self.x

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` reads back."""
        return {
            "test": self.test, "kind": self.kind, "time": self.time, "seed": self.seed, "trial": self.trial,
            "trials": self.trials, "first": self.first.label, "second": self.second.label,
            "first_facts": self.first.facts, "second_facts": self.second.facts, "a": self.a, "x": self.x,
            "answer": self.answer, "level_matched": self.level_matched,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Any) -> Vote:
        """Read a vote; raises ValueError (never anything else) when `data` is not one."""
        if not isinstance(data, dict) or data.get("kind") not in KINDS or data.get("answer") not in ANSWERS:
            raise ValueError("not a vote")
        try:
            sides = [Side(str(data[key]), dict(data.get(f"{key}_facts") or {})) for key in ("first", "second")]
            vote = cls(
                str(data["test"]), data["kind"], str(data["time"]), int(data["seed"]), int(data["trial"]),
                int(data["trials"]), sides[0], sides[1], int(data["a"]),
                None if data["kind"] == "ab" else int(data["x"]), data["answer"],
                data.get("level_matched") is True,
            )  # fmt: skip
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"a vote is incomplete: {error}") from error
        if vote.a not in (0, 1) or vote.x not in (None, 0, 1):
            raise ValueError("a vote names a side that is not there")
        return vote


class BlindTest:
    """A test under way: `trials` are played in order, `vote` goes on to the next one."""

    def __init__(self, kind: Kind, first: Side, second: Side, trials: int, seed: int, level_matched: bool) -> None:
        self.kind = kind
        self.sides = (first, second)
        self.seed = seed
        self.level_matched = level_matched
        self.id = uuid.uuid4().hex[:12]
        self.votes: list[Vote] = []
        self._plan: list[Trial] = plan_trials(1, trials, seed)

    @property
    def trials(self) -> int:
        """Number of trials planned."""
        return len(self._plan)

    @property
    def number(self) -> int:
        """Number of the present trial, from 1; that of the last one when it is done."""
        return min(len(self.votes) + 1, self.trials)

    @property
    def is_done(self) -> bool:
        """True when all trials have their vote."""
        return len(self.votes) >= self.trials

    def side_of(self, button: str) -> int:
        """Which side (0 or 1) is heard under "a", "b" or "x" in the present trial; raises KeyError for others."""
        trial = self._plan[self.number - 1]
        a = 1 if trial.swapped else 0
        sides = {"a": a, "b": 1 - a}
        if self.kind == "abx":
            sides["x"] = a if trial.x_is_a else 1 - a
        return sides[button]

    def vote(self, answer: str) -> Vote:
        """Answer the present trial: "a", "b", or in AB "tie"; raises ValueError for anything else."""
        if answer not in ANSWERS or (answer == "tie" and self.kind == "abx") or self.is_done:
            raise ValueError(f"{answer!r} is no answer here")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        x = self.side_of("x") if self.kind == "abx" else None
        vote = Vote(
            self.id, self.kind, now, self.seed, self.number, self.trials, *self.sides, self.side_of("a"), x, answer,
            self.level_matched,
        )  # fmt: skip
        self.votes.append(vote)
        return vote

    def result(self) -> VoteResult:
        """What the votes so far prove."""
        return judge(self.votes)


def judge(votes: Sequence[Vote]) -> VoteResult:
    """What votes of one kind on one pair prove; the first side is what `preference_result` calls A."""
    if votes and votes[0].kind == "abx":
        return abx_result(sum(bool(vote.is_right) for vote in votes), len(votes))
    chosen = [vote.chosen for vote in votes]
    return preference_result(chosen.count(0), chosen.count(1), chosen.count(None))


def by_pair(votes: Iterable[Vote]) -> dict[tuple[Kind, str, str], list[Vote]]:
    """Votes of all tests by kind and pair, the last voted pair first; (first, second) and (second, first) are one."""
    groups: dict[tuple[Kind, str, str], list[Vote]] = {}
    for vote in votes:
        key = (vote.kind, vote.first.label, vote.second.label)
        other = (vote.kind, vote.second.label, vote.first.label)
        if key not in groups and other in groups:
            key, vote = other, _turned(vote)
        groups[key] = [*groups.pop(key, []), vote]
    return dict(reversed(groups.items()))


def _turned(vote: Vote) -> Vote:
    """The same vote with the sides named in the other order."""
    x = None if vote.x is None else 1 - vote.x
    return Vote(
        vote.test, vote.kind, vote.time, vote.seed, vote.trial, vote.trials, vote.second, vote.first, 1 - vote.a, x,
        vote.answer, vote.level_matched,
    )  # fmt: skip


class VoteStore:
    """Votes as JSON lines in one file: each is written when it is given, and none is ever changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, vote: Vote) -> None:
        """Add a vote at the end; raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            if file.tell() and not self._ends_with_newline():
                file.write(b"\n")  # a line that was cut short stays one line
            file.write(json.dumps(vote.to_json(), ensure_ascii=False).encode() + b"\n")

    def _ends_with_newline(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"

    def read(self) -> list[Vote]:
        """All votes, the oldest first; lines that are none are passed over. Raises OSError."""
        if not self.path.is_file():
            return []
        if self.path.stat().st_size > LARGEST_FILE:
            raise OSError(f"{self.path} is far too large for votes. Move it away.")
        votes = []
        for line in self.path.read_bytes().splitlines():
            try:
                votes.append(Vote.from_json(json.loads(line)))
            except (ValueError, RecursionError):
                continue
        return votes


CSV_COLUMNS = (
    "test", "kind", "time", "trial", "trials", "seed", "first", "second", "a", "x", "answer", "chosen", "right",
    "level_matched",
)  # fmt: skip


def votes_csv(votes: Iterable[Vote]) -> str:
    """Votes as CSV with a heading: sides by their labels, `chosen` empty for a tie, `right` for ABX alone."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for vote in votes:
        names = (vote.first.label, vote.second.label)
        x = "" if vote.x is None else names[vote.x]
        chosen = "" if vote.chosen is None else names[vote.chosen]
        right = "" if vote.is_right is None else int(vote.is_right)
        writer.writerow([
            vote.test, vote.kind, vote.time, vote.trial, vote.trials, vote.seed, *names, names[vote.a], x, vote.answer,
            chosen, right, int(vote.level_matched),
        ])  # fmt: skip
    return out.getvalue()
