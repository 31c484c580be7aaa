"""Tables of tasks and annotators, on votes small enough to count by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.crowd.methods import method
from labelaudit.audits.crowd.pairs import VotePairs
from labelaudit.audits.crowd.posterior import Confusion, CrowdPosterior
from labelaudit.audits.crowd.tables import NONE, _spammer_score, task_table, wilson, worker_table
from tests.crowd_votes import block, permuted, rows_of, simulated, vote_blocks

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock

A, B, C = 0, 1, 2
ROWS = [(0, 0, A), (0, 1, A), (0, 2, B), (1, 0, B), (1, 1, C), (2, 2, C)]
VOTES = block(ROWS, (4, 4, 3))


def test_task_table_of_a_majority() -> None:
    table = task_table(VOTES, method("majority")(VOTES))
    assert table.label.tolist() == [A, B, C, A]
    assert table.majority_label.tolist() == [A, B, C, NONE]
    assert table.runner_up.tolist() == [B, C, A, B]
    np.testing.assert_allclose(table.confidence, [2 / 3, 1 / 2, 1, 1 / 3], atol=1e-12)
    np.testing.assert_allclose(table.runner_up_confidence, [1 / 3, 1 / 2, 0, 1 / 3], atol=1e-12)
    assert table.n_votes.tolist() == [3, 2, 1, 0]
    np.testing.assert_allclose(table.agreement, [2 / 3, 1 / 2, 1, np.nan])
    assert table.tie.tolist() == [False, True, False, False]
    two_thirds = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    expected = [two_thirds, np.log(2), 0.0, np.log(3)]
    np.testing.assert_allclose(table.entropy, expected, atol=1e-9)


def test_declined_labels_are_none() -> None:
    table = task_table(VOTES, method("unanimous")(VOTES))
    assert table.label.tolist() == [NONE, NONE, C, NONE]
    assert table.majority_label.tolist() == [A, B, C, NONE]


def test_runner_up_is_ranked_by_log_posterior() -> None:
    """Both losing classes are 0 in the posterior; their logarithms still differ."""
    votes = block([(0, 0, A)], (1, 1, 3))
    log_q = np.array([[0.0, -900.0, -800.0]])
    result = CrowdPosterior("any", np.array([[1.0, 0.0, 0.0]]), log_q, np.ones(1))
    assert task_table(votes, result).runner_up.tolist() == [C]


def test_one_class_has_no_runner_up() -> None:
    votes = block([(0, 0, 0)], (1, 1, 1))
    table = task_table(votes, method("majority")(votes))
    assert table.runner_up.tolist() == [NONE]
    assert table.runner_up_confidence.tolist() == [0.0]


def test_worker_table_of_a_majority() -> None:
    table = worker_table(VOTES, method("majority")(VOTES))
    assert table.n_votes.tolist() == [2, 2, 2, 0]
    expected = [(2 / 3 + 1 / 2) / 2, (2 / 3 + 1 / 2) / 2, (1 / 3 + 1) / 2, np.nan]
    np.testing.assert_allclose(table.accuracy, expected, atol=1e-9)
    np.testing.assert_allclose(table.agreement, [1 / 3, 1 / 3, 0.0, np.nan])
    assert table.accuracy_low[3] == 0.0
    assert table.accuracy_high[3] == 1.0
    inside = slice(0, 3)
    assert (table.accuracy_low[inside] < table.accuracy[inside]).all()
    assert (table.accuracy_high[inside] > table.accuracy[inside]).all()


def test_worst_pair_and_bias() -> None:
    """Annotator 0 calls four of five B an A; annotator 1 is right throughout."""
    rows = [(i, 0, A if i else B) for i in range(5)] + [(i, 1, B) for i in range(5)]
    votes = block(rows, (5, 3, 2), [B] * 5)
    table = worker_table(votes, method("dawid-skene")(votes))
    assert table.worst_true.tolist() == [B, NONE, NONE]
    assert table.worst_given.tolist() == [A, NONE, NONE]
    assert table.bias_label.tolist()[0] == A
    assert table.bias[0] == pytest.approx(0.8)
    assert table.bias[1] == pytest.approx(0.0, abs=1e-9)
    assert table.bias_label[2] == NONE
    np.testing.assert_allclose(table.accuracy[:2], [0.2, 1.0], atol=1e-9)


def test_wilson_interval() -> None:
    low, high = wilson(np.array([8.0, 0.0, 3.0]), np.array([10, 0, 3]))
    np.testing.assert_allclose(low, [0.490162, 0.0, 0.438503], atol=1e-6)
    np.testing.assert_allclose(high, [0.943318, 1.0, 1.0], atol=1e-6)


def confusion_with(diagonal: float, spread: float, k: int) -> Confusion:
    votes = block([(0, 0, 0)], (1, 2, k))
    return Confusion(
        VotePairs.of(votes),
        np.zeros((1, k)),
        np.full((2, k), diagonal),
        np.full((2, k), spread),
        np.ones((k, k)),
    )


@pytest.mark.parametrize(
    ("diagonal", "spread", "score"), [(1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (3.0, 1.0, 1 / 9)]
)
def test_spammer_score(diagonal: float, spread: float, score: float) -> None:
    """For K = 4 and a diagonal of one half, two rows differ by 1/3 in two places."""
    found = _spammer_score(confusion_with(diagonal, spread, 4))
    np.testing.assert_allclose(found, [score, score], atol=1e-12)


def test_spammer_score_is_the_sum_over_pairs_of_rows() -> None:
    votes, _ = simulated((60, 7, 4), 4, seed=3)
    result = method("dawid-skene")(votes)
    assert result.confusion is not None
    for worker in range(7):
        pi = result.confusion.of(worker)
        gaps = [((pi[a] - pi[b]) ** 2).sum() for a in range(4) for b in range(a)]
        found = worker_table(votes, result).spammer_score[worker]
        assert found == pytest.approx(sum(gaps) / 12)


@given(vote_blocks())
def test_any_votes(votes: VoteBlock) -> None:
    result = method("hierarchical-dawid-skene")(votes)
    tasks, workers = task_table(votes, result), worker_table(votes, result)
    assert (tasks.label >= 0).all()
    assert (tasks.runner_up != tasks.label).all()
    assert (tasks.entropy <= np.log(votes.n_classes) + 1e-9).all()
    busy = workers.n_votes > 0
    assert (workers.accuracy_low <= workers.accuracy_high).all()
    assert np.isfinite(workers.accuracy[busy]).all()
    assert np.isnan(workers.accuracy[~busy]).all()
    assert ((workers.spammer_score >= 0) & (workers.spammer_score <= 1 + 1e-9)).all()


@given(vote_blocks(), st.integers(0, 2**32 - 1))
def test_agreement_counts_equal_votes_of_others(votes: VoteBlock, seed: int) -> None:
    rows = rows_of(votes)
    moved, to = permuted(votes, seed)
    agreement = worker_table(votes, method("majority")(votes)).agreement
    again = worker_table(moved, method("majority")(moved)).agreement
    np.testing.assert_array_equal(again[to.worker], agreement)
    for worker in range(votes.n_workers):
        met = [
            rows[a, 2] == rows[b, 2]
            for a in range(len(rows))
            for b in range(len(rows))
            if a != b and rows[a, 1] == worker and rows[a, 0] == rows[b, 0]
        ]
        if met:
            assert agreement[worker] == pytest.approx(np.mean(met))
        else:
            assert np.isnan(agreement[worker])
