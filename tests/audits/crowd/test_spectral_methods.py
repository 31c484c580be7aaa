"""KOS and M-MSR."""

from __future__ import annotations

import numpy as np
import pytest

from labelaudit.audits.crowd import kos as kos_module
from labelaudit.audits.crowd import mmsr as mmsr_module
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.kos import kos
from labelaudit.audits.crowd.mmsr import mmsr
from labelaudit.audits.crowd.posterior import consensus
from tests.crowd_votes import block, real_votes, rows_of, simulated
from tests.naive import spectral as naive
from tests.naive.top_two import Votes


def one_coin_votes(right, tasks, k, seed):
    """Every annotator votes on every task, right with his own probability."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, tasks)
    shape = (tasks, len(right))
    wrong = (truth[:, None] + rng.integers(1, k, shape)) % k
    label = np.where(rng.random(shape) < np.array(right), truth[:, None], wrong)
    task, worker = np.indices(shape)
    rows = np.stack([task.ravel(), worker.ravel(), label.ravel()], axis=1)
    return block(rows, (*shape, k)), truth


@pytest.mark.parametrize("seed", range(4))
def test_two_classes_are_the_algorithm_as_written(seed):
    votes, _ = simulated((25, 6, 2), 3, seed)
    edges = kos_module._Edges.of(VoteGraph.of(votes))
    scores, _, _ = kos_module._pass_messages(edges)
    twin = naive.kos_binary(Votes(*rows_of(votes).T, 25, 6, 2), kos_module.ROUNDS)
    np.testing.assert_allclose(scores[:, 1] - scores[:, 0], twin, atol=1e-7)


@pytest.mark.parametrize("method", [kos, mmsr])
@pytest.mark.parametrize("k", [2, 4])
def test_votes_against_the_truth_count_for_it(method, k):
    """Two who always err are worth more than their silence."""
    right = [0.9, 0.85, 0.8, 0.8, 0.75, 0.02, 0.02]
    votes, truth = one_coin_votes(right, 300, k, seed=1)
    result = method(votes)
    majority = consensus(VoteGraph.of(votes).vote_share())
    assert result.converged
    assert result.notes == ()
    assert (consensus(result.posterior) == truth).mean() > (majority == truth).mean()
    assert (consensus(result.posterior) == truth).mean() > 0.95
    np.testing.assert_allclose(result.worker_quality, right, atol=0.08)


def test_kos_on_web_pages_beats_majority():
    votes, truth = real_votes("tt_web")
    known = truth >= 0
    assert (consensus(kos(votes).posterior) == truth)[known].mean() > 0.87


def test_kos_falls_back_where_it_has_left_the_majority():
    votes, truth = real_votes("tt_rte")
    result = kos(votes)
    assert not result.converged
    assert "hardly more than chance" in result.notes[0]
    assert (consensus(result.posterior) == truth).mean() > 0.9


def test_kos_says_when_messages_do_not_settle(monkeypatch):
    monkeypatch.setattr(kos_module, "ROUNDS", 1)
    result = kos(simulated((30, 6, 3), 4, seed=2)[0])
    assert not result.converged
    assert result.notes == (
        "KOS has not converged after 1 rounds: the vote shares are given instead.",
    )


def test_kos_without_messages_falls_back():
    result = kos(block([(0, 0, 1), (1, 1, 0)], (2, 2, 2)))
    assert not result.converged
    np.testing.assert_array_equal(result.posterior, [[0, 1], [1, 0]])


def test_mmsr_finds_skills_from_agreement_alone():
    right = [0.95, 0.9, 0.8, 0.7, 0.6, 0.5]
    votes, _ = one_coin_votes(right, 4000, 3, seed=2)
    np.testing.assert_allclose(mmsr(votes).worker_quality, right, atol=0.03)


def test_mmsr_trims_two_who_copy_each_other():
    """Copies agree far beyond their skill; that entry is the most extreme of their rows."""
    right = [0.8, 0.75, 0.75, 0.7, 0.7, 0.7, 0.65, 0.65, 0.6, 0.6, 0.6, 0.55]
    votes, _ = one_coin_votes(right, 3000, 2, seed=3)
    rows = rows_of(votes)
    copies = rows[rows[:, 1] == 11].copy()
    copies[:, 1] = 12
    both = block(np.concatenate([rows, copies]), (3000, 13, 2))
    np.testing.assert_allclose(mmsr(both).worker_quality[11:], 0.55, atol=0.03)


def test_mmsr_needs_shared_tasks_or_gold():
    rows = [(0, 0, 1), (1, 1, 0)]
    result = mmsr(block(rows, (2, 2, 2)))
    assert not result.converged
    assert result.notes == (
        "M-MSR needs two classes, and gold or shared tasks: the vote shares are given.",
    )
    assert mmsr(block(rows, (2, 2, 2), [1, -1])).converged


def test_mmsr_says_when_it_still_moves(monkeypatch):
    monkeypatch.setattr(mmsr_module, "ROUNDS", 1)
    result = mmsr(simulated((30, 6, 3), 4, seed=2)[0])
    assert not result.converged
    assert result.notes[-1] == "M-MSR still moves after 1 rounds; the last one is given."
