"""The sums over votes equal their twins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.crowd.pairs import VotePairs
from labelaudit.kernels import votes as fast
from tests.crowd_votes import rows_of, vote_blocks
from tests.naive import votes as naive

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock

SEEDS = st.integers(0, 2**32 - 1)


@given(vote_blocks())
def test_tasks_by_pair(votes: VoteBlock) -> None:
    pairs = VotePairs.of(votes)
    arguments = (votes.task_start, pairs.of_vote, pairs.start[:-1])
    np.testing.assert_array_equal(fast.tasks_by_pair(*arguments), naive.tasks_by_pair(*arguments))


@given(vote_blocks(), SEEDS)
def test_sum_rows(votes: VoteBlock, seed: int) -> None:
    pairs = VotePairs.of(votes)
    table = np.random.default_rng(seed).normal(size=(len(pairs.label), 3))
    arguments = (votes.task_start, pairs.of_vote, table)
    np.testing.assert_allclose(fast.sum_rows(*arguments), naive.sum_rows(*arguments), atol=1e-12)


@given(st.integers(1, 5), st.integers(1, 6), SEEDS)
def test_normalise_rows(rows: int, columns: int, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(scale=30.0, size=(rows, columns))
    q, level = fast.normalise_rows(scores, 2.0**40)
    expected, expected_level = naive.normalise_rows(scores, 2.0**40)
    np.testing.assert_allclose(q, expected, atol=1e-11)
    np.testing.assert_allclose(level, expected_level, rtol=1e-11, atol=1e-11)


@given(st.integers(2, 9), SEEDS)
def test_normalise_rows_forgets_the_order_of_columns(columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, order = rng.normal(size=(1, columns)), rng.permutation(columns)
    q, level = fast.normalise_rows(scores, 2.0**40)
    moved, moved_level = fast.normalise_rows(np.ascontiguousarray(scores[:, order]), 2.0**40)
    np.testing.assert_array_equal(moved, q[:, order])
    np.testing.assert_array_equal(moved_level, level)


def test_normalise_rows_without_underflow_and_with_excluded_classes() -> None:
    q, level = fast.normalise_rows(np.array([[-9e4, -9e4, -np.inf]]), 2.0**40)
    np.testing.assert_array_equal(q, [[0.5, 0.5, 0.0]])
    assert level[0] == pytest.approx(-9e4 + np.log(2), abs=1e-9)


@given(vote_blocks(), SEEDS)
def test_weigh_votes(votes: VoteBlock, seed: int) -> None:
    pairs = VotePairs.of(votes)
    weight = np.random.default_rng(seed).normal(size=len(pairs.label))
    arguments = (votes.task_start, pairs.of_vote, votes.label, weight, votes.n_classes)
    np.testing.assert_allclose(
        fast.weigh_votes(*arguments), naive.weigh_votes(*arguments), atol=1e-12
    )


@given(vote_blocks(), SEEDS)
def test_pair_credit(votes: VoteBlock, seed: int) -> None:
    pairs = VotePairs.of(votes)
    q = np.random.default_rng(seed).random((votes.n_tasks, votes.n_classes))
    arguments = (votes.task_start, pairs.of_vote, votes.label, q, len(pairs.label))
    np.testing.assert_allclose(
        fast.pair_credit(*arguments), naive.pair_credit(*arguments), atol=1e-12
    )


@given(vote_blocks())
def test_pairs_hold_every_vote_once(votes: VoteBlock) -> None:
    pairs = VotePairs.of(votes)
    unfolded = np.stack(
        [
            pairs.task,
            np.repeat(pairs.worker, np.diff(pairs.start)),
            np.repeat(pairs.label, np.diff(pairs.start)),
        ],
        axis=1,
    )
    assert sorted(map(tuple, unfolded.tolist())) == sorted(map(tuple, rows_of(votes).tolist()))
    assert (
        pairs.votes_of_worker.tolist()
        == np.bincount(votes.worker, minlength=votes.n_workers).tolist()
    )
