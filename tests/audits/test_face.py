from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.channel.model import Channel
from labelaudit.audits.face import FaceValue
from tests.audits.labelled import kept


def slow(labels, probs, floor, channel):
    """Every row for itself, class by class."""
    n_classes = probs.shape[1]
    scores = []
    for y, p in zip(labels, probs, strict=True):
        if y < 0:
            scores.append(0.0)
            continue
        row = channel.other[y % len(channel.other)]
        leading = [k for k in np.argsort(-p, kind="stable")[:3] if k != y]
        others = [k for k in range(n_classes) if k != y and k not in leading]
        rest = sum(max(p[k], floor) * row[k] for k in leading)
        if others:
            left = max(1.0 - p[y] - sum(p[k] for k in leading), len(others) * floor)
            rest += left * sum(row[k] for k in others) / len(others)
        own = max(p[y], floor) * channel.own[y]
        scores.append(-rest / (rest + own))
    return scores


@given(st.integers(0, 9), st.integers(2, 6), st.booleans(), st.integers(0, 99))
def test_scores_equal_their_slow_twin(n, n_classes, square, seed):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(n_classes, 0.3), n)
    labels = rng.integers(-1, n_classes, n).astype(np.int32)
    other = rng.random((n_classes if square else 1, n_classes)) + 1e-3
    if square:
        np.fill_diagonal(other, 0.0)
    channel = Channel(other, rng.random(n_classes) + 0.1)
    found = FaceValue(1e-6, channel).scores(kept(labels, probs))
    np.testing.assert_allclose(found, slow(labels, probs, 1e-6, channel), rtol=1e-9, atol=1e-12)


def test_three_classes_lose_nothing():
    """With every class among the leading ones this is Bayes' rule."""
    probs = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    labels = np.array([1, 2], np.int32)
    matrix = np.array([[0.9, 0.2, 0.1], [0.05, 0.7, 0.1], [0.05, 0.1, 0.8]])
    scores = FaceValue(1e-6, Channel.of_matrix(matrix)).scores(kept(labels, probs))
    joint = probs * matrix[labels]
    right = joint[[0, 1], labels] / joint.sum(axis=1)
    assert 1.0 + scores == pytest.approx(right)
