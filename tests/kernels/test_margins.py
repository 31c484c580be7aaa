from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.facts import find_leading
from labelaudit.kernels import margins
from tests.naive import margins as naive
from tests.strategies import label_tables


def leading_of(labels, probs):
    classes, leading = np.empty((len(probs), 3), np.int16), np.empty((len(probs), 3), probs.dtype)
    given_prob = np.empty(len(probs), probs.dtype)
    find_leading(labels, probs, classes, leading, given_prob)
    return given_prob, classes, leading


def cells(draw, n_classes):
    """Some pairs of different classes, as ``Cells`` has them, and a cut for each."""
    every = [(y, k) for y in range(n_classes) for k in range(n_classes) if y != k]
    asked = [pair for pair in every if draw(st.booleans())]
    start = np.searchsorted([y for y, _ in asked], np.arange(n_classes + 1)).astype(np.int64)
    cut = st.sampled_from([-0.5, -0.1, 0.0, 0.2, np.inf])
    cuts = draw(st.lists(cut, min_size=len(asked), max_size=len(asked)))
    return start, np.array([k for _, k in asked], np.int32), np.array(cuts, np.float64)


@given(label_tables(), st.booleans(), st.integers(1, 3), st.data())
def test_low_margins_as_the_twin_says(table, negative, step, data):
    labels, probs = table
    known = labels, *leading_of(labels, probs), *cells(data.draw, probs.shape[1]), negative
    rows, found = np.arange(0, len(labels), step, dtype=np.int32), []
    for find in (margins.low_margins, naive.low_margins):
        most = 3 * len(labels)
        out = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most)
        n = find(rows, *known, *out)
        order = np.lexsort((out[0][:n], out[1][:n]))
        assert (np.diff(out[1][:n]) >= 0).all()
        found.append([array[:n][order].tolist() for array in out])
    assert found[0] == found[1]


@given(label_tables(), st.booleans(), st.integers(0, 99))
def test_face_scores_as_the_twin_says(table, square, seed):
    labels, probs = table
    n_classes = probs.shape[1]
    rng = np.random.default_rng(seed)
    other, own = rng.random((n_classes if square else 1, n_classes)), rng.random(n_classes) + 0.1
    others = other.sum(axis=1) if square else other[0].sum() - other[0]
    floor, least = 1e-2, np.array([1e-2], probs.dtype)
    found, twin = np.empty((2, len(labels)))
    known = labels, *leading_of(labels, probs), floor, least, other, others, own
    margins.face_scores(*known, found)
    naive.face_scores(*known, twin)
    assert found == pytest.approx(twin, rel=1e-6, abs=1e-6)
    assert not found[labels < 0].any()
