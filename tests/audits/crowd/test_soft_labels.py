"""Soft labels, eight ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from labelaudit.audits.crowd.methods import method
from labelaudit.audits.crowd.posterior import CrowdPosterior
from labelaudit.audits.crowd.soft_labels import AVERAGED, KINDS, soft_labels
from labelaudit.errors import UsageError
from tests.crowd_votes import block, simulated, vote_blocks

VOTES = block([(0, 0, 0), (0, 1, 0), (0, 2, 1), (1, 0, 2)], (3, 3, 3))


def test_shares_of_votes():
    third = 1 / 3
    expected = [[2 / 3, third, 0], [0, 0, 1], [third, third, third]]
    np.testing.assert_allclose(soft_labels(VOTES, kind="share"), expected, atol=1e-12)


def test_softmax_of_counts():
    e = np.e
    expected = [
        np.array([e**2, e, 1]) / (e**2 + e + 1),
        np.array([1, 1, e]) / (2 + e),
        [1 / 3] * 3,
    ]
    np.testing.assert_allclose(soft_labels(VOTES, kind="softmax"), expected, atol=1e-9)


@pytest.mark.parametrize("kind", ["dawid-skene", "glad", "mace", "wawa", "zbs"])
def test_methods_by_name(kind):
    np.testing.assert_array_equal(
        soft_labels(VOTES, kind=kind, seed=2), method(kind)(VOTES, seed=2).posterior
    )


def test_the_average_is_plain():
    votes, _ = simulated((40, 8, 3), 4, seed=1)
    members = [soft_labels(votes, kind=kind, seed=5) for kind in AVERAGED]
    np.testing.assert_allclose(soft_labels(votes, seed=5), np.mean(members, axis=0), atol=1e-12)


def test_known_results_are_not_computed_again():
    known = CrowdPosterior("mace", np.eye(3), None, np.ones(3))
    found = soft_labels(VOTES, kind="mace", known={"mace": known})
    np.testing.assert_array_equal(found, np.eye(3))


@given(vote_blocks())
def test_rows_are_distributions(votes):
    for kind in KINDS:
        found = soft_labels(votes, kind=kind)
        assert found.shape == (votes.n_tasks, votes.n_classes)
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-7)
        known = votes.gold >= 0
        np.testing.assert_allclose(found[known, votes.gold[known]], 1.0, atol=1e-9)


def test_no_such_kind():
    with pytest.raises(UsageError, match="no soft labels 'median'"):
        soft_labels(VOTES, kind="median")
