"""Votes in shards give the bytes of votes in one block, however they are cut and wherever."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from itertools import pairwise
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.audits.crowd import ebcc, would_majority_do
from labelaudit.audits.crowd.aggregating import CrowdSettings, aggregate_votes
from labelaudit.audits.crowd.building import in_shards
from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.methods import FITS, METHODS, fitted
from labelaudit.audits.crowd.shards import OfPairs
from labelaudit.audits.crowd.signatures import Signatures
from tests.audits.crowd.whole import everything, leaves
from tests.crowd_votes import block, rows_of, simulated, vote_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor


@dataclass(frozen=True)
class Given:
    """Votes that are there."""

    votes: VoteBlock

    def block(self) -> VoteBlock:
        return self.votes


def cut(votes: VoteBlock, edges: Sequence[int]) -> list[Given]:
    """Cut votes into those of runs of tasks; some runs may be empty."""
    places = [0, *sorted(edges), votes.n_tasks]
    parts = []
    for first, last in pairwise(places):
        own = slice(votes.task_start[first], votes.task_start[last])
        parts.append(
            replace(
                votes,
                task_start=votes.task_start[first : last + 1] - votes.task_start[first],
                worker=votes.worker[own],
                label=votes.label[own],
                gold=votes.gold[first:last],
            )
        )
    return [Given(part) for part in parts]


def sharded(
    votes: VoteBlock, edges: Sequence[int], on: Executor | None = None, folder: Path | None = None
) -> Crowd:
    return in_shards(cut(votes, edges), (votes.n_workers, votes.n_classes), on=on, folder=folder)


def crowded(name: str, gold: bool) -> tuple[VoteBlock, CrowdSettings]:
    votes, truth = simulated((60, 8, 3), 4, seed=3)
    known = np.where(np.arange(60) % 9 == 0, truth, -1) if gold else None
    rows = rows_of(votes)[:-9]  # the last tasks have no votes
    return block(rows, (60, 8, 3), known), CrowdSettings(
        method=name, soft="share", extras=("soft", "top-two")
    )


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(would_majority_do, "DRAWS", 12)


@pytest.mark.parametrize("name", METHODS)
def test_shards_in_memory_and_in_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    votes, asked = crowded(name, gold=True)
    monkeypatch.setattr(ebcc, "STEPS", 8)
    whole = everything(aggregate_votes(Crowd.of(votes), asked))
    for edges, folder in (([7, 30, 30], None), ([1, 59], tmp_path)):
        crowd = sharded(votes, edges, folder=folder)
        assert everything(aggregate_votes(crowd, asked)) == whole
        assert crowd.passes > 5


def test_nothing_is_kept_longer_than_needed(tmp_path: Path) -> None:
    votes, _ = crowded("dawid-skene", gold=False)
    crowd = sharded(votes, [20, 40], folder=tmp_path)
    found = fitted("dawid-skene", crowd, 0)
    assert found.iterations > 3
    assert len(list(tmp_path.glob("values-*"))) == 3
    del found
    assert not list(tmp_path.glob("values-*"))


@given(vote_blocks(), st.lists(st.integers(0, 1), max_size=4), st.sampled_from(sorted(FITS)))
@settings(max_examples=40)
def test_any_votes_in_any_shards(votes: VoteBlock, places: list[int], name: str) -> None:
    edges = [place * votes.n_tasks // 2 for place in places]
    asked = CrowdSettings(method=name)
    plain = everything(aggregate_votes(Crowd.of(votes), asked))
    assert everything(aggregate_votes(sharded(votes, edges), asked)) == plain


@given(vote_blocks(), st.data())
def test_signatures_know_no_shards(votes: VoteBlock, data: st.DataObject) -> None:
    edges = data.draw(st.lists(st.integers(0, votes.n_tasks), max_size=5))
    whole, crowd = Crowd.of(votes), sharded(votes, edges)
    plain, again = Signatures.of(whole, 3), Signatures.of(crowd, 3)
    np.testing.assert_array_equal(again.worker, plain.worker)
    np.testing.assert_array_equal(again.label, plain.label)
    np.testing.assert_array_equal(crowd.gathered(again.task), whole.gathered(plain.task))


def test_threads_and_processes(tmp_path: Path) -> None:
    votes, asked = crowded("auto", gold=True)
    asked = replace(asked, extras=("soft",))
    whole = everything(aggregate_votes(Crowd.of(votes), asked))
    with ThreadPoolExecutor(3) as pool:
        crowd = sharded(votes, [5, 25, 50], pool, tmp_path)
        assert everything(aggregate_votes(crowd, asked)) == whole
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        (tmp_path / "processes").mkdir()
        crowd = sharded(votes, [25], pool, tmp_path / "processes")
        asked = replace(asked, method="dawid-skene")
        plain = everything(aggregate_votes(Crowd.of(votes), asked))
        assert everything(aggregate_votes(crowd, asked)) == plain


def test_votes_come_back_in_one_block() -> None:
    votes, _ = crowded("auto", gold=True)
    again = sharded(votes, [0, 13, 60]).block()
    assert list(leaves(astuple(again))) == list(leaves(astuple(votes)))


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=5))
def test_numbers_of_pairs_add_up(places: list[set[int]]) -> None:
    parts = [
        OfPairs(
            np.array(sorted(place), np.int64),
            np.array([[p, 1.0] for p in sorted(place)]).reshape(-1, 2),
        )
        for place in places
    ]
    one_by_one = None
    for part in parts:
        one_by_one = part.added_to(one_by_one, 10)
    together = sum(parts[1:], parts[0]).added_to(None, 10)
    np.testing.assert_array_equal(together, one_by_one)


def test_numbers_of_all_pairs_add_up() -> None:
    part = OfPairs(None, np.array([1.0, 2.0]))
    assert (part + part).place is None
    np.testing.assert_array_equal((part + part).values, [2.0, 4.0])
