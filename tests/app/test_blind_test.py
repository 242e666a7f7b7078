"""Blind tests without a window: hidden order, votes that survive, and what they prove."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.blind_test import BlindTest, Side, Vote, VoteStore, by_pair, judge, votes_csv

LEFT, RIGHT = Side("left", {"seed": 1}), Side("right")


def run(test: BlindTest, answers: str | list[str] = "honest") -> BlindTest:
    """Vote through a test: "honest" is always right in ABX and always for the first side in AB."""
    while not test.is_done:
        if answers == "honest":
            wanted = test.side_of("x") if test.kind == "abx" else 0
            test.vote("a" if test.side_of("a") == wanted else "b")
        else:
            test.vote(answers[len(test.votes)])
    return test


@given(st.integers(0, 2**31 - 1), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_the_same_seed_gives_the_same_order(seed: int, trials: int) -> None:
    first, again = (run(BlindTest("abx", LEFT, RIGHT, trials, seed, True), ["a"] * trials) for _ in range(2))
    assert [(vote.a, vote.x) for vote in first.votes] == [(vote.a, vote.x) for vote in again.votes]


def test_the_order_is_uniform() -> None:
    # Over 400 tests of 3 trials each of the four orders of a trial comes a quarter of the time: 100 expected at each
    # place, standard deviation below 9.
    orders: Counter[tuple[int, int, int | None]] = Counter()
    for seed in range(400):
        votes = run(BlindTest("abx", LEFT, RIGHT, 3, seed, True), ["a"] * 3).votes
        orders.update((vote.trial, vote.a, vote.x) for vote in votes)
    assert len(orders) == 12
    assert all(60 < count < 140 for count in orders.values())


def test_x_is_one_of_both_and_a_and_b_are_different() -> None:
    test = BlindTest("abx", LEFT, RIGHT, 8, 3, False)
    while not test.is_done:
        assert {test.side_of("a"), test.side_of("b")} == {0, 1}
        assert test.side_of("x") in (0, 1)
        test.vote("a")
    with pytest.raises(ValueError):
        test.vote("a")


def test_what_votes_prove() -> None:
    heard = run(BlindTest("abx", LEFT, RIGHT, 10, 1, True)).result()
    assert (heard.wins, heard.votes, heard.significant) == (10, 10, True)
    assert heard.interval == pytest.approx((0.025**0.1, 1.0))
    preferred = run(BlindTest("ab", LEFT, RIGHT, 10, 1, True)).result()
    assert (preferred.wins, preferred.votes, preferred.significant) == (10, 10, True)
    undecided = run(BlindTest("ab", LEFT, RIGHT, 3, 1, True), ["tie"] * 3).result()
    assert undecided.votes == 0


def test_a_tie_is_no_answer_in_abx() -> None:
    test = BlindTest("abx", LEFT, RIGHT, 2, 1, True)
    for answer in ("tie", "x", ""):
        with pytest.raises(ValueError):
            test.vote(answer)
    assert test.votes == []


answer_lists = st.lists(st.sampled_from(["a", "b", "tie"]), min_size=1, max_size=6)


@given(st.sampled_from(["abx", "ab"]), st.integers(0, 99), answer_lists)
@settings(max_examples=40, deadline=None)
def test_votes_come_back_from_json(kind: str, seed: int, answers: list[str]) -> None:
    answers = ["a" if kind == "abx" and answer == "tie" else answer for answer in answers]
    votes = run(BlindTest(kind, LEFT, RIGHT, len(answers), seed, True), answers).votes  # type: ignore[arg-type]
    assert [Vote.from_json(vote.to_json()) for vote in votes] == votes


def test_votes_survive_a_restart_and_a_line_cut_short(tmp_path: Path) -> None:
    store = VoteStore(tmp_path / "home" / "votes.jsonl")
    assert store.read() == []
    first = run(BlindTest("abx", LEFT, RIGHT, 2, 1, True)).votes
    for vote in first:
        store.append(vote)
    with store.path.open("ab") as file:
        file.write(b'{"test": "cut sh')
    more = run(BlindTest("ab", LEFT, RIGHT, 2, 1, False)).votes
    for vote in more:
        store.append(vote)
    assert VoteStore(store.path).read() == first + more


@pytest.mark.parametrize("damage", [{}, {"answer": "c"}, {"a": 7}, {"seed": None}, {"first_facts": 3}, {"x": "y"}])
def test_damaged_votes_are_refused(damage: dict[str, object]) -> None:
    good = run(BlindTest("abx", LEFT, RIGHT, 1, 1, True)).votes[0].to_json()
    with pytest.raises(ValueError):
        Vote.from_json({**good, **damage} if damage else [])


def test_votes_on_one_pair_are_counted_together_whatever_their_order() -> None:
    there = run(BlindTest("ab", LEFT, RIGHT, 4, 1, True)).votes
    back = run(BlindTest("ab", RIGHT, LEFT, 3, 2, True)).votes
    heard = run(BlindTest("abx", LEFT, RIGHT, 2, 1, True)).votes
    groups = by_pair([*there, *heard, *back])
    assert list(groups) == [("ab", "left", "right"), ("abx", "left", "right")]
    result = judge(groups["ab", "left", "right"])
    assert (result.wins, result.votes) == (4, 7)  # four for the left one, three for the right one
    assert judge(by_pair([*back, *heard])["abx", "left", "right"]).wins == 2


def test_csv_says_what_was_chosen_and_what_x_was() -> None:
    abx = run(BlindTest("abx", LEFT, RIGHT, 2, 5, True)).votes
    ties = run(BlindTest("ab", LEFT, RIGHT, 1, 5, False), ["tie"]).votes
    rows = list(csv.DictReader(votes_csv([*abx, *ties]).splitlines()))
    assert [row["right"] for row in rows] == ["1", "1", ""]
    assert all(row["chosen"] == row["x"] for row in rows[:2])
    assert (rows[2]["chosen"], rows[2]["x"], rows[2]["level_matched"]) == ("", "", "0")
