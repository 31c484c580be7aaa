"""What holds for every aggregation method."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.crowd import graph as graph_module
from labelaudit.audits.crowd.methods import METHODS, method
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.errors import UsageError
from tests.crowd_votes import block, permuted, rows_of, simulated, vote_blocks

if TYPE_CHECKING:
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.blocks import VoteBlock

FAMILY = (
    "auto",
    "dawid-skene",
    "ebcc",
    "glad",
    "hierarchical-dawid-skene",
    "kos",
    "mace",
    "majority",
    "mmsr",
    "one-coin",
    "super-majority",
    "top-two",
    "unanimous",
    "wawa",
    "zbs",
)
EXACT = ("dawid-skene", "one-coin", "majority", "super-majority", "unanimous")
BOUNDED = ("dawid-skene", "one-coin", "ebcc", "glad", "mace", "top-two")

each_method = pytest.mark.parametrize("name", FAMILY)


def check_shape(votes: VoteBlock, result: CrowdPosterior) -> None:
    q = result.posterior
    assert q.shape == (votes.n_tasks, votes.n_classes)
    assert np.isfinite(q).all()
    assert (q >= 0).all()
    np.testing.assert_allclose(q.sum(axis=1), 1.0, atol=1e-7)
    assert result.worker_quality.shape == (votes.n_workers,)
    assert np.isfinite(result.worker_quality).all()
    if result.log_posterior is not None:
        open_tasks = votes.gold < 0
        np.testing.assert_allclose(
            np.exp(result.log_posterior)[open_tasks], q[open_tasks], atol=1e-7
        )


def test_every_name_is_a_method() -> None:
    assert set(FAMILY) <= set(METHODS)
    for name in METHODS:
        assert callable(method(name))


def test_unknown_method() -> None:
    with pytest.raises(UsageError, match="no aggregation method 'median'"):
        method("median")


@each_method
@given(votes=vote_blocks())
def test_any_votes_give_a_distribution_and_gold_is_kept(name: str, votes: VoteBlock) -> None:
    result = method(name)(votes, seed=3)
    check_shape(votes, result)
    known = votes.gold >= 0
    np.testing.assert_array_equal(consensus(result.posterior)[known], votes.gold[known])
    np.testing.assert_allclose(result.posterior[known, votes.gold[known]], 1.0, atol=1e-9)


@each_method
@given(votes=vote_blocks(), seed=st.integers(0, 2**32 - 1))
def test_names_and_order_leave_no_trace(name: str, votes: VoteBlock, seed: int) -> None:
    moved, to = permuted(votes, seed)
    plain, again = method(name)(votes, seed=3), method(name)(moved, seed=3)
    atol = 0.0 if name in EXACT else 1e-6
    np.testing.assert_allclose(
        again.posterior[to.task][:, to.label], plain.posterior, rtol=0.0, atol=atol
    )
    np.testing.assert_allclose(
        again.worker_quality[to.worker], plain.worker_quality, rtol=0.0, atol=max(atol, 1e-12)
    )


@each_method
def test_threads_and_chunks_leave_no_trace(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    votes, _ = simulated((60, 9, 3), 4, seed=1)
    plain = method(name)(votes, seed=3)
    monkeypatch.setattr(graph_module, "CHUNK", 64)
    with ThreadPoolExecutor(3) as pool:
        again = method(name)(votes, seed=3, on=pool)
    assert again.posterior.tobytes() == plain.posterior.tobytes()
    assert again.worker_quality.tobytes() == plain.worker_quality.tobytes()
    assert again.notes == plain.notes


@pytest.mark.parametrize("name", BOUNDED)
@given(votes=vote_blocks())
def test_the_bound_never_falls(name: str, votes: VoteBlock) -> None:
    bound = method(name)(votes, seed=3).bound
    assert len(bound) >= 1
    assert np.isfinite(bound).all()
    assert np.diff(bound).min(initial=0.0) >= -1e-7


@pytest.mark.parametrize("name", BOUNDED)
def test_the_bound_rises_on_real_sizes(name: str) -> None:
    votes, _ = simulated((400, 30, 4), 5, seed=2)
    bound = method(name)(votes, seed=3).bound
    assert bound[-1] > bound[0]
    assert np.diff(bound).min() >= -1e-7


@each_method
def test_better_than_a_vote_of_chance(name: str) -> None:
    votes, truth = simulated((300, 20, 3), 5, seed=4)
    result = method(name)(votes, seed=3)
    assert (consensus(result.posterior) == truth).mean() > 0.8


@each_method
def test_one_class(name: str) -> None:
    result = method(name)(block([(0, 0, 0), (1, 1, 0)], (3, 2, 1)))
    np.testing.assert_allclose(result.posterior, np.ones((3, 1)), atol=1e-9)
    assert np.isfinite(result.worker_quality).all()


@each_method
def test_no_votes_at_all(name: str) -> None:
    result = method(name)(block([], (2, 1, 4)))
    np.testing.assert_allclose(result.posterior, 0.25, atol=1e-9)
    assert np.isfinite(result.worker_quality).all()


@each_method
def test_no_tasks_at_all(name: str) -> None:
    assert method(name)(block([], (0, 0, 2))).posterior.shape == (0, 2)


@each_method
def test_a_single_annotator_is_believed(name: str) -> None:
    rows = [(0, 0, 1), (1, 0, 0), (2, 0, 2)]
    result = method(name)(block(rows, (3, 1, 3)))
    np.testing.assert_array_equal(consensus(result.posterior), [1, 0, 2])


@each_method
def test_all_ties_go_to_the_lowest_class(name: str) -> None:
    rows = [(task, worker, worker) for task in range(4) for worker in range(2)]
    result = method(name)(block(rows, (4, 2, 2)))
    np.testing.assert_array_equal(consensus(result.posterior), [0, 0, 0, 0])


@each_method
def test_thousands_of_votes_on_a_task_do_not_underflow(name: str) -> None:
    rows = [(0, worker, int(worker % 3 == 0)) for worker in range(6000)]
    result = method(name)(block(rows, (1, 6000, 2)))
    assert np.isfinite(result.posterior).all()
    assert consensus(result.posterior).tolist() == [0]


@each_method
def test_gold_teaches_who_is_right(name: str) -> None:
    """Two always wrong annotators outvote a right one, until gold speaks."""
    rows = [
        (task, worker, int((worker > 0) ^ (task % 2))) for task in range(60) for worker in (0, 1, 2)
    ]
    gold = [task % 2 if task < 40 else -1 for task in range(60)]
    result = method(name)(block(rows, (60, 3, 2), gold), seed=3)
    quality = result.worker_quality
    assert quality[0] > quality[1]
    if name in ("dawid-skene", "one-coin", "ebcc", "glad", "hierarchical-dawid-skene"):
        truth = np.arange(60) % 2
        np.testing.assert_array_equal(consensus(result.posterior), truth)


def test_rows_in_another_order_are_the_same_block() -> None:
    votes, _ = simulated((20, 5, 3), 3, seed=5)
    rows = rows_of(votes)
    again = block(rows[::-1], (20, 5, 3))
    np.testing.assert_array_equal(again.worker, votes.worker)
    np.testing.assert_array_equal(again.label, votes.label)


def test_super_majority_and_unanimous_decline() -> None:
    rows = [(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 0, 1), (1, 1, 1), (1, 2, 0), (2, 0, 0), (2, 1, 1)]
    votes = block(rows, (4, 3, 2), [-1, -1, -1, -1])
    undecided = method("super-majority")(votes).undecided
    assert undecided is not None
    assert undecided.tolist() == [False, False, True, True]
    undecided = method("unanimous")(votes).undecided
    assert undecided is not None
    assert undecided.tolist() == [False, True, True, True]


def test_auto_names_the_members_that_differ() -> None:
    votes, _ = simulated((60, 9, 3), 4, seed=1)
    notes = method("auto")(votes).notes
    assert len(notes) == 1
    assert "members label differently from the average: majority on" in notes[0]


def test_auto_leaves_ebcc_out_where_it_costs_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    from labelaudit.audits.crowd import auto

    votes, _ = simulated((60, 9, 3), 4, seed=1)
    monkeypatch.setattr(auto, "AFFORDABLE", 1.0)
    assert "EBCC was left out" in method("auto")(votes).notes[0]


@pytest.mark.parametrize("name", ["dawid-skene", "one-coin", "ebcc", "glad", "mace"])
def test_running_out_of_steps_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(f"labelaudit.audits.crowd.{METHODS[name][0]}")
    monkeypatch.setattr(module, "STEPS", 2)
    monkeypatch.setattr(module, "ENOUGH", 1e-12)
    votes, _ = simulated((60, 9, 3), 4, seed=1)
    result = method(name)(votes)
    assert not result.converged
    assert result.iterations == 2
    assert result.notes[0].startswith("Stopped after 2 steps with posteriors still moving by")


@each_method
def test_the_seed_is_the_only_chance(name: str) -> None:
    votes, _ = simulated((60, 9, 3), 4, seed=1)
    one, two = (method(name)(votes, seed=9).posterior for _ in range(2))
    assert one.tobytes() == two.tobytes()
