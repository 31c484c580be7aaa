from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels import rows
from tests.naive import rows as naive
from tests.strategies import label_tables


@given(label_tables())
def test_valid_rows_are_valid(table):
    labels, probs = table
    assert not rows.row_statuses(labels, probs, 1e-3).any()


@given(
    label_tables(),
    st.data(),
    st.sampled_from([np.nan, np.inf, -np.inf, -0.25, 0.5, 2.0, 100.0, -3.0, 1e-9]),
)
def test_statuses_as_the_twin_says(table, data, value):
    labels, probs = table
    probs = probs.copy()
    i = data.draw(st.integers(0, len(labels) - 1))
    probs[i, data.draw(st.integers(0, probs.shape[1] - 1))] = value
    found = rows.row_statuses(labels, probs, 1e-3)
    np.testing.assert_array_equal(found, naive.row_statuses(labels, probs, 1e-3))


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ([0.2, 0.8], "valid"),
        ([np.nan, 0.8], "nan"),
        ([np.inf, -np.inf], "infinite"),
        ([-np.inf, 1.0], "infinite"),
        ([-np.inf, 0.0], "log_probabilities"),
        ([20.0, 80.0], "percent"),
        (np.log([0.2, 0.8]), "log_probabilities"),
        ([-2.0, 3.0], "negative"),
        ([2.0, 3.0], "above_one"),
        ([0.9, 0.8], "wrong_sum"),
        ([0.0, 0.0], "wrong_sum"),
    ],
)
def test_each_complaint_has_its_name(row, name):
    probs = np.array([row], float)
    labels = np.zeros(1, np.int32)
    assert rows.STATUSES[rows.row_statuses(labels, probs, 1e-3)[0]] == name
    if name != "valid":
        assert rows.STATUSES[rows.complaint(probs[0], 1e-3)] == name
        assert naive.complaint(probs[0], 1e-3) == rows.complaint(probs[0], 1e-3)


def test_rows_left_out_are_not_looked_at():
    probs = np.array([[np.nan, 1.0], [0.5, 0.5]])
    assert rows.row_statuses(np.array([-1, 0], np.int32), probs, 1e-3).tolist() == [0, 0]


@given(label_tables())
def test_leading_classes_as_the_twin_says(table):
    _, probs = table
    found = rows.leading_classes(*table)
    for ours, twin in zip(found, naive.leading_classes(*table), strict=True):
        np.testing.assert_array_equal(ours, twin)
    assert found[1].dtype == found[2].dtype == probs.dtype


@given(label_tables())
def test_leading_classes_in_single_precision_as_the_twin_says(table):
    labels, probs = table
    probs = probs.astype(np.float32)
    found = rows.leading_classes_single(labels, probs)
    for ours, twin in zip(found, naive.leading_classes_single(labels, probs), strict=True):
        np.testing.assert_array_equal(ours, twin)
        assert ours.dtype == twin.dtype


def test_zeros_of_either_sign_tie():
    probs = np.array([[-0.0, 0.0, 1.0, -0.0]], np.float32)
    labels = np.zeros(1, np.int32)
    for find in (rows.leading_classes, rows.leading_classes_single):
        assert find(labels, probs)[0].tolist() == [[2, 0, 1]]


@given(label_tables())
def test_entropies_as_the_twin_says(table):
    labels, probs = table
    wanted = labels >= 0
    found = rows.entropies(probs, wanted)
    np.testing.assert_allclose(found, naive.entropies(probs, wanted), rtol=1e-12, atol=1e-15)
    assert not found[~wanted].any()


def test_entropy_is_a_share():
    probs = np.array([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(rows.entropies(probs, np.ones(2, bool)), [1.0, 0.0])
    assert rows.entropies(np.ones((1, 1)), np.ones(1, bool)).tolist() == [0.0]
