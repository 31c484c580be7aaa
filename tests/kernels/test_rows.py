from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels import channel, rows
from tests.naive import rows as naive
from tests.strategies import label_tables


def unsound(find, labels, probs):
    found = np.ones(len(labels), bool)
    find(labels, probs, 1e-3, found)
    return found


def leading(find, labels, probs):
    """Return classes, probabilities and P(given), whatever stood there before."""
    n = len(probs)
    classes, values = np.full((n, 3), 7, np.int16), np.full((n, 3), 7, probs.dtype)
    given_prob = np.full(n, 7, probs.dtype)
    find(labels, probs, classes, values, given_prob)
    return classes, values, given_prob


def leading_of_bits(find):
    def of_floats(labels, probs, classes, *floats):
        bits = [array.view(np.int32) for array in floats]
        find(labels, probs.view(np.int32), classes, *bits)

    return of_floats


def entropy(find, probs, wanted):
    found = np.ones(len(probs))
    find(probs, wanted, found)
    return found


@given(label_tables())
def test_valid_rows_are_valid(table):
    assert not unsound(rows.unsound_rows, *table).any()


@given(
    label_tables(),
    st.data(),
    st.sampled_from([np.nan, np.inf, -np.inf, -0.25, 0.5, 2.0, 100.0, -3.0, 1e-9]),
)
def test_unsound_rows_as_the_twin_says(table, data, value):
    labels, probs = table
    probs = probs.copy()
    i = data.draw(st.integers(0, len(labels) - 1))
    probs[i, data.draw(st.integers(0, probs.shape[1] - 1))] = value
    found = unsound(rows.unsound_rows, labels, probs)
    np.testing.assert_array_equal(found, unsound(naive.unsound_rows, labels, probs))
    named = [naive.complaint(row, 1e-3) for row in probs[found]]
    assert rows.complaints(probs[found], 1e-3).tolist() == named


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 7, 16, 50])
@given(st.floats(-2e-3, 2e-3), st.integers(0, 2**32))
def test_sums_near_the_tolerance_as_the_twin_says(kind, n_classes, off, seed):
    parts = np.random.default_rng(seed).dirichlet(np.ones(n_classes), 3)
    for each in (off, 1e-3, -1e-3, 1e-3 + 1e-7, 1e-3 - 1e-7):
        probs, labels = (parts * (1 + each)).astype(kind), np.zeros(3, np.int32)
        found = unsound(rows.unsound_rows, labels, probs)
        exact = np.abs(probs.sum(axis=1, dtype=np.float64) - 1) <= 1e-3
        edge = np.abs(np.abs(probs.sum(axis=1, dtype=np.float64) - 1) - 1e-3) < 1e-12
        np.testing.assert_array_equal(found[~edge], ~exact[~edge])
        np.testing.assert_array_equal(
            found[~edge], unsound(naive.unsound_rows, labels, probs)[~edge]
        )


@pytest.mark.parametrize(
    ("row", "name"),
    [
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
    assert unsound(rows.unsound_rows, np.zeros(1, np.int32), probs).all()
    assert [rows.STATUSES[status] for status in rows.complaints(probs, 1e-3)] == [name]
    assert rows.STATUSES[naive.complaint(probs[0], 1e-3)] == name


def test_rows_left_out_are_not_looked_at():
    probs = np.array([[np.nan, 1.0], [0.5, 0.5]])
    assert not unsound(rows.unsound_rows, np.array([-1, 0], np.int32), probs).any()


@given(label_tables())
def test_leading_classes_as_the_twin_says(table):
    found, twins = leading(rows.leading_classes, *table), leading(naive.leading_classes, *table)
    for ours, twin in zip(found, twins, strict=True):
        np.testing.assert_array_equal(ours, twin)


@given(label_tables())
def test_leading_classes_in_single_precision_as_the_twin_says(table):
    labels, probs = table
    probs = probs.astype(np.float32)
    found = leading(leading_of_bits(rows.leading_classes_single), labels, probs)
    twins = leading(leading_of_bits(naive.leading_classes_single), labels, probs)
    for ours, twin in zip(found, twins, strict=True):
        np.testing.assert_array_equal(ours, twin)


@given(st.integers(2, 200), st.integers(1, 4), st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_leading_classes_of_very_many_as_the_twin_says(n_classes, n, levels, seed):
    # Few levels, so that ties are common; most of the probability is in few classes.
    rng = np.random.default_rng(seed)
    probs = (rng.integers(0, levels, (n, n_classes)) ** 3).astype(np.float32) / 1000
    probs[rng.random(probs.shape) < 0.5] = -0.0
    labels = rng.integers(-1, n_classes, n).astype(np.int32)
    found = leading(leading_of_bits(rows.leading_classes_wide), labels, probs)
    twins = leading(leading_of_bits(naive.leading_classes_wide), labels, probs)
    for ours, twin in zip(found, twins, strict=True):
        np.testing.assert_array_equal(ours, twin)


def test_zeros_of_either_sign_tie():
    probs = np.array([[-0.0, 0.0, 1.0, -0.0]], np.float32)
    labels = np.zeros(1, np.int32)
    bits = map(leading_of_bits, (rows.leading_classes_single, rows.leading_classes_wide))
    for find in (rows.leading_classes, *bits):
        assert leading(find, labels, probs)[0].tolist() == [[2, 0, 1]]


@given(label_tables())
def test_entropies_as_the_twin_says(table):
    labels, probs = table
    wanted = labels >= 0
    found, twin = entropy(rows.entropies, probs, wanted), entropy(naive.entropies, probs, wanted)
    np.testing.assert_allclose(found, twin, rtol=1e-12, atol=1e-15)
    assert not found[~wanted].any()


def test_entropy_is_a_share():
    probs = np.array([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(entropy(rows.entropies, probs, np.ones(2, bool)), [1.0, 0.0])
    assert entropy(rows.entropies, np.ones((1, 1)), np.ones(1, bool)).tolist() == [0.0]
    even, room = np.full((9, 300), 1 / 300, np.float32), np.empty(9, np.float32)
    rows.entropies(even, np.ones(9, bool), room)
    assert (room <= 1.0).all()


@given(label_tables(), st.integers(0, 2**64 - 1), st.sampled_from([0, 2**62, 2**63, 2**64 - 1]))
def test_sampled_rows_as_the_twin_says(table, key, bound):
    labels, _ = table
    found = []
    for choose in (rows.sampled_rows, naive.sampled_rows):
        out = np.empty(len(labels), np.int64)
        n = choose(labels, np.uint64(key), np.uint64(bound), out)
        found.append(out[:n].tolist())
    assert found[0] == found[1]


@given(st.integers(0, 2**40), st.integers(0, 20), st.integers(0, 99))
def test_sampled_rows_are_those_of_small_hashes(first_row, n, seed):
    key = np.uint64((first_row + channel.hash_offset(seed)) % 2**64)
    out, bound = np.empty(n, np.int64), np.uint64(2**63)
    found = out[: rows.sampled_rows(np.zeros(n, np.int32), key, bound, out)]
    small = channel.sample_hash(first_row, n, seed) <= bound
    assert found.tolist() == np.flatnonzero(small).tolist()
