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


@given(st.lists(st.floats(-1.0, 1.0), max_size=9))
def test_square_sums_as_the_twin_says(values):
    found, twin = np.ones((2, 2, 2), np.int64)
    joint.square_sums(np.array(values, np.float64), found)
    naive.square_sums(np.array(values, np.float64), twin)
    np.testing.assert_array_equal(found, twin)


@given(st.lists(st.tuples(st.integers(-2, 3), st.integers(-2, 3)), max_size=20))
def test_pair_counts_as_the_twin_says(pairs):
    first, second = np.array(pairs, np.int32).reshape(-1, 2).T.copy()
    found, twin = np.ones((2, 4, 4), np.int64)
    joint.pair_counts(first, second, found)
    naive.pair_counts(first, second, twin)
    np.testing.assert_array_equal(found, twin)


@given(label_tables(), st.integers(0, 99))
def test_quality_counts_as_the_twin_says(table, seed):
    labels, probs = table
    # Fourth powers of a few places, none of them near the end of a bin.
    places = np.array([0.0, 0.1, 0.3, 0.55, 0.8, 1.0]) ** 4
    rng = np.random.default_rng(seed)
    quality = rng.choice(places, len(labels)).astype(probs.dtype)
    flagged = rng.random(len(labels)) < 0.5
    results = []
    for count in (joint.quality_counts, naive.quality_counts):
        out = np.zeros((2, 16), int), np.zeros((6, 4), int), np.empty(len(labels), np.int32)
        count(labels, quality, flagged & (labels >= 0), *out)
        results.append([array.tolist() for array in out])
    assert results[0] == results[1]


@given(label_tables())
def test_contested_rows_as_the_twin_says(table):
    labels, probs = table
    classes, leading = leading_of(probs)
    results = []
    for find in (joint.contested_rows, naive.contested_rows):
        rows = np.empty(len(labels), np.int32)
        results.append(rows[: find(labels, classes, leading, rows)].tolist())
    assert results[0] == results[1]
    given = np.where(labels >= 0, probs[np.arange(len(labels)), labels], -1.0)
    others = np.where(np.arange(probs.shape[1]) == labels[:, None], -1.0, probs).max(axis=1)
    assert results[0] == np.flatnonzero((labels >= 0) & (others >= given)).tolist()


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
