from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.confident import by_leading, confident_class_of_rows
from labelaudit.audits.facts import find_leading
from labelaudit.kernels import joint
from tests.naive import joint as naive
from tests.strategies import label_tables


def leading_of(probs):
    labels, given_prob = np.zeros(len(probs), np.int32), np.empty(len(probs), probs.dtype)
    classes, leading = np.empty((len(probs), 3), np.int32), np.empty((len(probs), 3), probs.dtype)
    find_leading(labels, probs, classes, leading, given_prob)
    return classes, leading


def confident(find, classes, leading, reach, most_probable):
    found = np.empty(len(classes), np.int32)
    lowest = reach.min() if len(reach) > 3 else np.inf
    find(classes, leading, reach, lowest, most_probable, found)
    return found


@given(label_tables())
def test_class_sums_as_the_twin_says(table):
    labels, probs = table
    values = probs[:, 0].astype(np.float64)
    found, twin = np.ones((2, 3, probs.shape[1]), np.int64)
    joint.class_sums(labels, values, found)
    naive.class_sums(labels, values, twin)
    np.testing.assert_array_equal(found, twin)


@given(label_tables(most_classes=7), st.booleans(), st.data())
def test_confident_classes_as_the_twin_says(table, most_probable, data):
    _, probs = table
    n_classes = probs.shape[1]
    share = st.sampled_from([0.01, 0.1, 0.2, 0.3, 0.5, 0.9, np.inf])
    reach = np.array(data.draw(st.lists(share, min_size=n_classes, max_size=n_classes)))
    classes, leading = leading_of(probs)
    found = confident(joint.confident_classes, classes, leading, reach, most_probable)
    twin = confident(naive.confident_classes, classes, leading, reach, most_probable)
    np.testing.assert_array_equal(found, twin)
    # What is decided must be what all probabilities say.
    decided = found != joint.UNDECIDED
    full = confident_class_of_rows(probs, reach, most_probable)
    np.testing.assert_array_equal(found[decided], full[decided])


def test_a_fourth_class_leaves_the_row_undecided():
    probs = np.array([[0.3, 0.28, 0.22, 0.2]])
    classes, leading = leading_of(probs)
    high = np.array([0.9, 0.9, 0.9, 0.1])
    assert by_leading(classes, leading, high, False).tolist() == [joint.UNDECIDED]
    assert confident_class_of_rows(probs, high, False).tolist() == [3]
    none = np.full(4, 0.9)
    assert by_leading(classes, leading, none, False).tolist() == [joint.EMPTY]


def test_the_two_collision_rules_differ():
    # Class 0 is the most probable but misses its threshold; 1 and 2 both reach theirs.
    probs = np.array([[0.45, 0.3, 0.25]])
    reach = np.array([0.5, 0.2, 0.2])
    classes, leading = leading_of(probs)
    assert by_leading(classes, leading, reach, False).tolist() == [1]
    assert by_leading(classes, leading, reach, True).tolist() == [0]
