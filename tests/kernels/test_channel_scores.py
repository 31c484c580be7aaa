from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels import channel_scores as fast
from tests.naive import channel_scores as naive


def numbers(seed, *shape):
    return np.random.default_rng(seed).random(shape)


@given(st.integers(0, 21), st.integers(0, 99))
def test_three_sums(n, seed):
    arrays = [numbers(seed, n).astype(np.float32), numbers(seed + 1, n), numbers(seed + 2, n)]
    assert fast.three_sums(*arrays) == pytest.approx(naive.three_sums(*arrays), rel=1e-14)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_leading_three(row):
    array = np.array(row, np.float32)
    assert fast.leading_three(array) == naive.leading_three(array)


def to_be_scored(n, n_classes, square, seed):
    """Powers, some of which are equal, labels, and channels."""
    rng = np.random.default_rng(seed)
    sharp = np.exp(np.round(rng.normal(0, 3, (n, n_classes)))).astype(np.float32)
    labels = rng.integers(-1, n_classes, n).astype(np.int32)
    others = np.round(rng.random((2, n_classes if square else 1, n_classes)), 1) + 0.1
    return sharp, labels, others, np.round(rng.random((2, n_classes)), 1) + 0.1


@given(st.integers(0, 8), st.integers(2, 6), st.booleans(), st.integers(0, 99))
def test_score_rows(n, n_classes, square, seed):
    sharp, *rest = to_be_scored(n, n_classes, square, seed)
    found, slow = ((np.ones((n, 6)), np.ones((n, 4), np.int32)) for _ in range(2))
    naive.score_rows(sharp, *rest, *slow)
    fast.score_rows(sharp.copy(), *rest, *found)
    np.testing.assert_allclose(found[0], slow[0], rtol=1e-10, atol=1e-13)
    assert found[1].tolist() == slow[1].tolist()


@given(st.integers(0, 8), st.integers(2, 6), st.integers(0, 99))
def test_score_columns(n, n_classes, seed):
    rows, labels, others, owns = to_be_scored(n, n_classes, True, seed)
    others[:, np.arange(n_classes), np.arange(n_classes)] = 0.0
    sharp, given = np.ascontiguousarray(rows.T), np.maximum(labels, 0).astype(np.uint32)
    channel = sharp, sharp.view(np.int32), given, others, owns[0]
    found, slow = ((np.ones((n, 6)), np.ones((n, 4), np.int32)) for _ in range(2))
    fast.score_columns(*channel, np.zeros((3, n)), np.full((3, n), -1), *found)
    naive.score_columns(*channel, np.zeros((3, n)), np.full((3, n), -1), *slow)
    np.testing.assert_allclose(found[0], slow[0], rtol=1e-10, atol=1e-13)
    assert found[1].tolist() == slow[1].tolist()
