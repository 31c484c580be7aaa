from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels import face
from tests.naive import face as naive
from tests.strategies import label_tables


def scores(find, *arguments):
    found = np.ones(len(arguments[1]))
    find(*arguments, found)
    return found


@given(label_tables(), st.booleans(), st.sampled_from([1e-6, 0.01]), st.integers(0, 9))
def test_scores_as_the_twin_says(table, square, floor, seed):
    labels, probs = table
    k = probs.shape[1]
    rng = np.random.default_rng(seed)
    other = rng.uniform(1e-6, 1, (k if square else 1, k))
    if square:
        np.fill_diagonal(other, 0)
    own = rng.uniform(1e-6, 1, k)
    found = scores(face.face_scores, probs, labels, floor, other, own)
    twin = scores(naive.face_scores, probs, labels, floor, other, own)
    np.testing.assert_allclose(found, twin, rtol=1e-9, atol=1e-12)
    assert (found <= 0).all()


def test_a_sure_label_keeps_its_digits():
    """The doubt of a label that is nearly sure is far below the spacing of floats at 1."""
    probs = np.array([[1.0, 1e-20]])
    other = np.array([[0.0, 1e-3], [1e-3, 0.0]])
    score = scores(face.face_scores, probs, np.zeros(1, np.int32), 1e-30, other, np.full(2, 0.999))
    np.testing.assert_allclose(score, -1e-23 / 0.999, rtol=1e-9)
