"""Top-two recovery: against dense twins, against planted pairs, against published figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.spectral import reliability_direction
from labelaudit.audits.crowd.top_two import _among_two, recover_pairs, top_two
from tests import realdata
from tests.crowd_votes import block, permuted, real_votes, rows_of, vote_blocks
from tests.naive import top_two as naive

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock


class Planted(NamedTuple):
    votes: VoteBlock
    pair: npt.NDArray[np.int64]
    p: npt.NDArray[np.float64]
    q: npt.NDArray[np.float64]


def planted(shape: tuple[int, int, int], per_task: int, seed: int) -> Planted:
    """Draw votes from the top-two model; every annotator votes at most once on a task."""
    n, w, k = shape
    rng = np.random.default_rng(seed)
    p, q = rng.beta(3, 2, w), rng.uniform(0.55, 1.0, n)
    first = rng.integers(0, k, n)
    pair = np.stack([first, (first + rng.integers(1, k, n)) % k], axis=1)
    task = np.repeat(np.arange(n), per_task)
    worker = np.concatenate([rng.permutation(w)[:per_task] for _ in range(n)])
    side = (rng.random(len(task)) >= q[task]).astype(int)
    knows = rng.random(len(task)) < p[worker]
    label = np.where(knows, pair[task, side], rng.integers(0, k, len(task)))
    return Planted(block(np.stack([task, worker, label], axis=1), shape), pair, p, q)


def dense(votes: VoteBlock) -> naive.Votes:
    rows = rows_of(votes)
    return naive.Votes(*rows.T, votes.n_tasks, votes.n_workers, votes.n_classes)


@pytest.mark.parametrize("seed", range(3))
def test_power_iteration_finds_the_singular_vector(seed: int) -> None:
    votes = planted((60, 15, 4), 6, seed).votes
    found = reliability_direction(VoteGraph.of(votes))
    assert found.converged
    np.testing.assert_allclose(found.worker, naive.direction(dense(votes)), atol=2e-6)


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_those_of_the_dense_twin(seed: int) -> None:
    votes = planted((200, 20, 5), 8, seed).votes
    start = naive.one_versus_rest(dense(votes))
    expected = naive.second_stage(dense(votes), start.p, start.q)
    found = recover_pairs(votes)
    np.testing.assert_array_equal(found.first, expected[:, 0])
    clear = ~found.tied_second
    np.testing.assert_array_equal(found.second[clear], expected[clear, 1])
    assert clear.mean() > 0.9


def test_equal_scores_share_the_two_places() -> None:
    scores = np.array([[5.0, 4.0, 1.0], [3.0, 1.0, 1.0], [2.0, 2.0, 2.0], [0.0, 7.0, 7.0]])
    expected = [[1, 1, 0], [1, 0.5, 0.5], [2 / 3, 2 / 3, 2 / 3], [0, 1, 1]]
    np.testing.assert_allclose(_among_two(scores), expected)


def test_planted_pairs_come_back() -> None:
    true = planted((600, 60, 4), 40, seed=1)
    found = recover_pairs(true.votes)
    right = (found.first == true.pair[:, 0]) & (found.second == true.pair[:, 1])
    assert right.mean() > 0.75
    assert np.abs(found.reliability - true.p).mean() < 0.06
    assert np.abs(found.confusion_probability - true.q)[right].mean() < 0.08
    sure = found.pair_confidence > np.median(found.pair_confidence)
    assert right[sure].mean() > right[~sure].mean()


def test_refitting_brings_confusion_probabilities_closer() -> None:
    true = planted((800, 50, 5), 10, seed=2)
    start = naive.one_versus_rest(dense(true.votes))
    found = recover_pairs(true.votes)
    before = np.abs(start.q - true.q).mean()
    assert np.abs(found.confusion_probability - true.q).mean() < 0.9 * before


@given(vote_blocks(classes=5), st.integers(0, 2**32 - 1))
def test_names_leave_no_trace_but_in_exact_ties(votes: VoteBlock, seed: int) -> None:
    moved, to = permuted(votes, seed)
    plain, again = recover_pairs(votes), recover_pairs(moved)
    np.testing.assert_array_equal(again.tied_second[to.task], plain.tied_second)
    ranked = np.sort(plain.log_posterior, axis=1)
    clear = ~plain.tied_second & (votes.n_classes > 1)
    if votes.n_classes > 1:
        clear &= (ranked[:, -1] - ranked[:, -2] > 1e-6) | (votes.gold >= 0)
        clear &= np.isfinite(ranked[:, -2]) | (votes.gold >= 0)
    np.testing.assert_array_equal(again.first[to.task][clear], to.label[plain.first[clear]])
    np.testing.assert_array_equal(again.second[to.task][clear], to.label[plain.second[clear]])
    if clear.all():
        np.testing.assert_allclose(again.reliability[to.worker], plain.reliability, atol=1e-7)
        np.testing.assert_allclose(
            again.confusion_probability[to.task], plain.confusion_probability, atol=1e-7
        )


@given(vote_blocks(classes=5))
def test_the_consensus_is_the_first_answer(votes: VoteBlock) -> None:
    found = recover_pairs(votes)
    rows = np.arange(votes.n_tasks)
    np.testing.assert_allclose(
        found.posterior[rows, found.first], found.posterior.max(axis=1), atol=1e-8
    )
    known = votes.gold >= 0
    np.testing.assert_array_equal(found.first[known], votes.gold[known])
    assert (found.first != found.second).all()
    assert ((found.pair_confidence > 0) & (found.pair_confidence <= 1 + 1e-12)).all()
    soft = found.soft_labels()
    np.testing.assert_allclose(soft.sum(axis=1), 1.0, atol=1e-9)
    assert np.diff(found.bound).min(initial=0.0) >= -1e-7


def test_a_unanimous_task_has_a_tied_second_answer() -> None:
    rows = [(0, w, 1) for w in range(5)] + [(1, w, [1, 1, 1, 2, 0][w]) for w in range(5)]
    rows += [(2, w, [0, 0, 0, 2, 2][w]) for w in range(5)]
    found = recover_pairs(block(rows, (3, 5, 3)))
    assert found.first.tolist() == [1, 1, 0]
    assert found.tied_second.tolist()[0]
    assert not found.tied_second[2]
    assert found.second[2] == 2


def test_two_classes_are_left_to_one_coin() -> None:
    rows = [(0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0), (1, 2, 1)]
    found = recover_pairs(block(rows, (2, 4, 2)))
    assert found.first.tolist() == [1, 0]
    assert found.second.tolist() == [0, 1]
    assert np.isnan(found.confusion_probability).all()
    assert np.isnan(found.reliability).tolist() == [False, False, False, True]
    assert "one-coin" in found.notes[0]


def test_one_class_has_no_second_answer() -> None:
    assert recover_pairs(block([(0, 0, 0)], (2, 1, 1))).second.tolist() == [-1, -1]


def pair_error(pair: npt.NDArray[np.int64]) -> float:
    """Share of the colour tasks whose ordered pair is not the known one."""
    truth = pq.read_table(realdata.path("crowd/tt_color.truth.parquet"))
    votes = pq.read_table(realdata.path("crowd/tt_color.parquet"))
    names = np.unique(votes["label"].to_pylist()).tolist()
    known = {
        task: (names.index(answer), names.index(confusing))
        for task, answer, confusing in zip(
            *(truth[name].to_pylist() for name in ("task", "truth", "confusing")), strict=True
        )
    }
    tasks = np.unique(votes["task"].to_pylist()).tolist()
    return float(1 - np.mean([tuple(pair[i].tolist()) == known[t] for i, t in enumerate(tasks)]))


def test_colours_as_published() -> None:
    votes, _ = real_votes("tt_color")
    start = naive.ordered(dense(votes))
    assert pair_error(naive.second_stage(dense(votes), start.p, start.q)) < 0.53
    found = recover_pairs(votes)
    assert pair_error(np.stack([found.first, found.second], axis=1)) <= 0.53


def test_web_pages_do_not_depend_on_class_names() -> None:
    votes, truth = real_votes("tt_web")
    plain = recover_pairs(votes)
    assert (plain.first == truth)[truth >= 0].mean() > 0.85
    for seed in range(3):
        moved, to = permuted(votes, seed)
        again = recover_pairs(moved)
        np.testing.assert_array_equal(again.first[to.task], to.label[plain.first])
        clear = ~plain.tied_second
        np.testing.assert_array_equal(again.second[to.task][clear], to.label[plain.second[clear]])


def test_as_a_method() -> None:
    votes = planted((80, 12, 4), 6, seed=5).votes
    result, found = top_two(votes), recover_pairs(votes)
    assert result.method == "top-two"
    np.testing.assert_array_equal(result.posterior, found.posterior)
    np.testing.assert_array_equal(result.worker_quality, found.accuracy)
    assert len(result.bound) == 20
