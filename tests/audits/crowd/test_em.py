"""The expectation-maximisation family equals its dense twins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from scipy.special import gammaln

from labelaudit.audits.crowd import ebcc
from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.fitting import vote_share
from labelaudit.audits.crowd.methods import method
from labelaudit.audits.crowd.one_coin import one_step
from tests.crowd_votes import block, rows_of, simulated, vote_blocks
from tests.naive import crowd as naive

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock


def unfolded(votes: VoteBlock) -> naive.Votes:
    task, worker, label = rows_of(votes).T
    return naive.Votes(task, worker, label, votes.n_tasks, votes.n_workers, votes.n_classes)


@given(vote_blocks(gold=False))
def test_majority(votes: VoteBlock) -> None:
    np.testing.assert_allclose(
        method("majority")(votes).posterior, naive.majority(unfolded(votes)), atol=1e-9
    )


def test_dawid_skene() -> None:
    votes, _ = simulated((40, 8, 3), 4, seed=7)
    gold = np.full(40, -1)
    gold[:5] = [0, 1, 2, 0, 1]
    for known in (None, gold):
        given_gold = block(rows_of(votes), (40, 8, 3), known)
        np.testing.assert_allclose(
            method("dawid-skene")(given_gold).posterior,
            naive.dawid_skene(unfolded(votes), 100, known),
            atol=1e-6,
        )


@given(vote_blocks())
def test_one_step_of_one_coin(votes: VoteBlock) -> None:
    crowd = Crowd.of(votes)
    beliefs = one_step(crowd).of(crowd.recipes[0].shard())
    expected = naive.clamp(naive.one_coin(unfolded(votes), 1, votes.gold), votes.gold)
    np.testing.assert_allclose(beliefs.q, expected, atol=1e-6)


@given(vote_blocks())
def test_hierarchical_dawid_skene(votes: VoteBlock) -> None:
    found = method("hierarchical-dawid-skene")(votes).posterior
    expected = naive.hierarchical_dawid_skene(unfolded(votes), 3, votes.gold)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_ebcc() -> None:
    votes, _ = simulated((30, 6, 3), 4, seed=8)
    crowd = Crowd.of(votes)
    start = ebcc.first_split(crowd, seed=5)
    found = crowd.gathered(ebcc.fitted(crowd, start).q)
    split = crowd.gathered(start).reshape(30, 3, ebcc.SUBTYPES)
    np.testing.assert_allclose(found, naive.ebcc(unfolded(votes), split), atol=1e-6)


def test_ebcc_starts_from_the_vote_share_and_the_seed() -> None:
    votes, _ = simulated((30, 6, 3), 4, seed=8)
    crowd = Crowd.of(votes)
    one, other = (crowd.gathered(ebcc.first_split(crowd, seed)) for seed in (0, 1))
    share = crowd.gathered(crowd.computed(vote_share))
    for start in (one, other):
        np.testing.assert_allclose(start.reshape(30, 3, -1).sum(axis=2), share, atol=1e-9)
    assert not np.array_equal(one, other)


def test_confusion_rows_are_distributions_and_agree_with_the_counts() -> None:
    votes, _ = simulated((80, 5, 3), 4, seed=9)
    for name in ("dawid-skene", "hierarchical-dawid-skene", "ebcc", "auto"):
        confusion = method(name)(votes).confusion
        assert confusion is not None
        dense = confusion.dense(0, 5)
        np.testing.assert_allclose(dense.sum(axis=2), 1.0, atol=1e-12)
        log_of_pairs = confusion.log_of_pairs()
        pairs = confusion.pairs
        expected = np.log(dense[pairs.worker, :, pairs.label])
        np.testing.assert_allclose(log_of_pairs, expected, atol=1e-12)
        np.testing.assert_allclose(confusion.of(2), dense[2], atol=0.0)


def test_the_bound_of_dawid_skene_is_its_formula() -> None:
    """The first bound, from dense arrays: evidence of the tasks and densities of the priors."""
    votes = block([(0, 0, 1), (0, 1, 1), (1, 0, 2), (1, 1, 0), (2, 1, 2)], (4, 3, 3))
    plain = unfolded(votes)
    q = naive.majority(plain)
    a = np.full((3, 3), 0.5) + 1.5 * np.eye(3)
    pi = naive.confusion_counts(plain, q)[:2] + a
    pi /= pi.sum(axis=2, keepdims=True)
    nu = (q.sum(axis=0) + 1) / 7
    evidence = np.tile(nu, (4, 1))
    for task, worker, label in rows_of(votes):
        evidence[task] *= pi[worker, :, label]
    expected = np.log(evidence.sum(axis=1)).sum() + (a * np.log(pi)).sum() + np.log(nu).sum()
    np.testing.assert_allclose(method("dawid-skene")(votes).bound[0], expected, rtol=1e-9)


def test_the_bound_of_ebcc_is_below_the_evidence() -> None:
    """One class, one subtype to choose from: the evidence is a ratio of gamma functions."""
    votes = block([(0, 0, 0), (1, 0, 1), (2, 0, 0)], (3, 1, 2), [0, 0, 0])
    crowd = Crowd.of(votes)
    found = ebcc.fitted(crowd, crowd.spread(np.tile([1.0, 0.0], (3, 1))), subtypes=1)
    prior = gammaln(2) - gammaln(5) + gammaln(4) - gammaln(1)
    channel = gammaln(5) - gammaln(8) + gammaln(6) - gammaln(4) + gammaln(2) - gammaln(1)
    np.testing.assert_allclose(found.bound[-1], prior + channel, rtol=1e-9)
