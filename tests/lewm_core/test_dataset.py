"""Batches: within the budget, every utterance once an epoch, the same after a resume, mels left on disk."""

from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.dataset import (
    SILENCE,
    DataError,
    EpochBatches,
    FrameBudgetSampler,
    TTSBatch,
    TTSDataset,
    build_dataloader,
    collate_fn,
)
from lewm_core.manifest import MelStore, Utterance


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty utterances of three speakers; every value of a mel is the utterance's number."""
    path = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    lines, offset = [], 0
    with (path / "train.f16").open("wb") as mels:
        for number in range(40):
            frames = int(rng.integers(20, 200))
            mels.write(np.full((frames, 100), number, np.float16).tobytes())
            name = ("carl", "ada", "bina")[number % 3]
            lines.append(Utterance(f"text {number}", f"ipa {number}", name, "hi", offset, frames).to_line())
            offset += frames
    (path / "train.jsonl").write_text("\n".join(lines), encoding="utf8")
    return path


def test_a_batch_holds_its_utterances_padded_with_silence(folder: Path) -> None:
    dataset = TTSDataset(folder, "train")
    batch = collate_fn([dataset[3], dataset[7], dataset[8]], multiple=8)
    assert batch.mel.shape[1] == 100
    assert batch.mel.shape[2] % 8 == 0
    assert batch.lengths.tolist() == [dataset.sizes[i] for i in (3, 7, 8)]
    for row, number in enumerate((3, 7, 8)):
        length = int(batch.lengths[row])
        assert (batch.mel[row, :, :length] == number).all()
        assert (batch.mel[row, :, length:] == torch.tensor(SILENCE)).all()
    assert dataset.speakers == ("ada", "bina", "carl")
    assert batch.speakers.tolist() == [2, 0, 1]
    assert (batch.texts[1], batch.phonemes[1], len(batch)) == ("text 7", "ipa 7", 3)


def test_speaker_numbers_are_those_of_the_checkpoint(folder: Path) -> None:
    assert TTSDataset(folder, "train", ["carl", "dora", "bina", "ada"])[0].speaker == 0
    with pytest.raises(DataError, match="bina, carl"):
        TTSDataset(folder, "train", ["ada"])


def test_strangers_may_be_there_where_nobody_asks_for_them(folder: Path) -> None:
    dataset = TTSDataset(folder, "train", ["bina", "ada"], strangers=True)
    assert [dataset.knows(index) for index in range(3)] == [False, True, True]
    assert dataset.numbers([1, 2, 5]).tolist() == [1, 0, 0]


def test_a_batch_is_as_long_as_that_of_all_processes(folder: Path) -> None:
    """Each process reads its rows alone; they are padded to the joined batch."""
    dataset = TTSDataset(folder, "train")
    whole, part = (
        dataset.batch([3, 7, 8], multiple=8),
        dataset.batch([3], 8, max(dataset.sizes[i] for i in (7, 8))),
    )
    assert torch.equal(part.mel[0], whole.mel[0])
    assert part.lengths.tolist() == whole.lengths[:1].tolist()


def test_only_usable_utterances_are_drawn() -> None:
    sizes = [20, 300, 45, 80, 120, 60]
    drawn = EpochBatches(sizes, 300, utterances=[0, 2, 5])
    first = [drawn.at(step) for step in range(4)]
    assert {index for batch in first for index in batch} == {0, 2, 5}
    assert first[0] == [[0, 2, 5][i] for i in EpochBatches([20, 45, 60], 300).at(0)]


def epoch(folder: Path, budget: int) -> list[TTSBatch]:
    found: list[TTSBatch] = []
    for batch in build_dataloader(folder, frames_per_batch=budget):
        if sum(len(b) for b in found) == 40:
            return found
        found.append(batch)
    return found


@pytest.mark.parametrize("budget", [100, 700, 100_000])
def test_an_epoch_has_everything_once_within_the_budget(folder: Path, budget: int) -> None:
    batches = epoch(folder, budget)
    assert sorted(int(i) for batch in batches for i in batch.indices) == list(range(40))
    assert all(len(batch) == 1 or batch.lengths.max() * len(batch) <= budget for batch in batches)


def contents(batches: list[TTSBatch]) -> list[list[int]]:
    return [batch.indices.tolist() for batch in batches]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_that_starts_late_gives_what_an_early_one_gives_there(folder: Path, workers: int) -> None:
    def loader(**options: int) -> list[TTSBatch]:
        return list(islice(build_dataloader(folder, frames_per_batch=600, **options), 9))

    whole = contents(loader(steps=60)) + contents(loader(start_step=9))
    assert contents(loader(start_step=5, workers=workers)) == whole[5:14]
    assert len(list(build_dataloader(folder, start_step=3, steps=4))) == 4


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=40), st.integers(0, 120), st.integers(1, 4))
def test_processes_share_the_batches_of_one(sizes: list[int], step: int, world_size: int) -> None:
    def share(rank: int) -> list[list[int]]:
        return list(FrameBudgetSampler(EpochBatches(sizes, 500), step, 3, rank, world_size))

    alone = EpochBatches(sizes, 500)
    together = [batch for round_of in zip(*map(share, range(world_size)), strict=True) for batch in round_of]
    assert together == [alone.at(step * world_size + n) for n in range(3 * world_size)]


@settings(deadline=None)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=20))
def test_batches_do_not_depend_on_what_was_asked_before(steps: list[int]) -> None:
    sizes = [20, 300, 45, 80, 120, 60]
    walked = EpochBatches(sizes, 300)
    assert [walked.at(step) for step in steps] == [EpochBatches(sizes, 300).at(step) for step in steps]
    assert len(walked._epochs) <= 2  # long trainings do not collect their past


def test_what_goes_to_a_worker_is_the_place_of_the_mels_and_not_the_mels(folder: Path) -> None:
    store = MelStore(folder, "train")
    sent = pickle.dumps(store)
    assert len(sent) < 1000 < (folder / "train.f16").stat().st_size
    assert np.array_equal(pickle.loads(sent).mel(5), store.mel(5))  # noqa: S301
