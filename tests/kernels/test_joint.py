from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.confident import confident_class_of_rows
from labelaudit.kernels import joint
from labelaudit.kernels.rows import leading_classes
from tests.naive import joint as naive
from tests.strategies import label_tables


def leading_of(probs):
    return leading_classes(np.zeros(len(probs), np.int32), probs)[:2]


@given(label_tables())
def test_class_sums_as_the_twin_says(table):
    labels, probs = table
    values = probs[:, 0]
    found = joint.class_sums(labels, values, probs.shape[1])
    np.testing.assert_array_equal(found, naive.class_sums(labels, values, probs.shape[1]))


@given(label_tables(most_classes=7), st.booleans(), st.data())
def test_confident_classes_as_the_twin_says(table, most_probable, data):
    _, probs = table
    n_classes = probs.shape[1]
    share = st.sampled_from([0.01, 0.1, 0.2, 0.3, 0.5, 0.9, np.inf])
    reach = np.array(data.draw(st.lists(share, min_size=n_classes, max_size=n_classes)))
    classes, leading = leading_of(probs)
    found = joint.confident_classes(classes, leading, reach, most_probable)
    twin = naive.confident_classes(classes, leading, reach, most_probable)
    np.testing.assert_array_equal(found, twin)
    # What is decided must be what all probabilities say.
    decided = found != joint.UNDECIDED
    full = confident_class_of_rows(probs, reach, most_probable)
    np.testing.assert_array_equal(found[decided], full[decided])


def test_a_fourth_class_leaves_the_row_undecided():
    probs = np.array([[0.3, 0.28, 0.22, 0.2]])
    classes, leading = leading_of(probs)
    high = np.array([0.9, 0.9, 0.9, 0.1])
    assert joint.confident_classes(classes, leading, high, False).tolist() == [joint.UNDECIDED]
    assert confident_class_of_rows(probs, high, False).tolist() == [3]
    none = np.full(4, 0.9)
    assert joint.confident_classes(classes, leading, none, False).tolist() == [joint.EMPTY]


def test_the_two_collision_rules_differ():
    # Class 0 is the most probable but misses its threshold; 1 and 2 both reach theirs.
    probs = np.array([[0.45, 0.3, 0.25]])
    reach = np.array([0.5, 0.2, 0.2])
    classes, leading = leading_of(probs)
    assert joint.confident_classes(classes, leading, reach, False).tolist() == [1]
    assert joint.confident_classes(classes, leading, reach, True).tolist() == [0]


@given(st.lists(st.tuples(st.integers(-2, 3), st.integers(-2, 3)), max_size=20))
def test_pair_counts_as_the_twin_says(pairs):
    given_class, true_class = np.array(pairs, np.int32).reshape(-1, 2).T.copy()
    found = joint.pair_counts(given_class, true_class, 4)
    np.testing.assert_array_equal(found, naive.pair_counts(given_class, true_class, 4))
