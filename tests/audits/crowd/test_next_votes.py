"""What one more vote would bring, against trying every vote."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.crowd.next_votes import average_accuracy, next_votes


def by_trying(q, accuracy):
    """Expected fall in error, and mutual information, over all votes that may come."""
    k = len(q)
    joint = np.full((k, k), (1 - accuracy) / (k - 1))
    np.fill_diagonal(joint, accuracy)
    joint *= q[:, None]
    vote = joint.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = joint * np.log(joint / np.outer(q, vote))
    return joint.max(axis=0).sum() - q.max(), np.nansum(terms)


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=5).filter(any),
    st.floats(0.01, 0.98),
)
def test_equals_trying(weights, above):
    q = np.array(weights, float) / sum(weights)
    accuracy = 1 / len(q) + above * (1 - 1 / len(q))
    found = next_votes(q[None], accuracy)
    error, information = by_trying(q, accuracy)
    np.testing.assert_allclose(found.error_reduction[0], max(error, 0), atol=1e-10)
    np.testing.assert_allclose(found.information[0], information, atol=1e-10)


def test_order():
    q = np.array([[1.0, 0.0], [0.5, 0.5], [0.99, 0.01], [0.5, 0.5], [0.65, 0.35]])
    found = next_votes(q, 0.8)
    assert found.order.tolist() == [1, 3, 4, 2, 0]
    assert found.error_reduction[1] == pytest.approx(0.3)
    assert found.error_reduction[[0, 2]].tolist() == [0.0, 0.0]
    assert found.information[2] > found.information[0]


def test_guessers_bring_nothing():
    assert next_votes(np.array([[0.6, 0.4]]), 0.5).error_reduction[0] == 0.0


@pytest.mark.parametrize("shape", [(3, 1), (0, 4)])
def test_nothing_to_decide(shape):
    found = next_votes(np.ones(shape), 0.9)
    assert found.order.tolist() == list(range(shape[0]))
    assert found.error_reduction.tolist() == [0.0] * shape[0]


def test_average_accuracy():
    quality = np.array([0.9, 0.5, np.nan, 0.1])
    votes = np.array([3, 1, 5, 0])
    assert average_accuracy(quality, votes, 2) == pytest.approx(0.8)
    assert average_accuracy(quality[2:], votes[2:], 4) == pytest.approx(0.625)
    assert average_accuracy(np.array([0.2]), np.array([9]), 2) == 0.5
    assert average_accuracy(np.array([1.0]), np.array([9]), 2) == 0.999
