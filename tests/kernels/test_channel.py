from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels import channel as fast
from tests.naive import channel as naive


def numbers(seed, *shape):
    return np.random.default_rng(seed).random(shape)


@given(st.integers(0, 2**40), st.integers(0, 20), st.integers(-3, 2**64 - 1))
def test_sample_hash(first_row, n, seed):
    found = fast.sample_hash(first_row, n, seed)
    assert found.dtype == np.uint64
    assert found.tolist() == naive.sample_hash(first_row, n, seed % 2**64).tolist()


def test_mixed_is_splitmix64():
    # The first numbers of the published generator, started at 0.
    states = np.array([0, 0x9E3779B97F4A7C15], np.uint64)
    assert fast.mixed(states).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


@given(
    st.integers(0, 9),
    st.integers(0, 140),
    st.integers(1, 9),
    st.integers(0, 99),
    st.sampled_from([np.float32, np.float64]),
)
def test_add_product(n, m, width, seed, kind):
    left = (numbers(seed, n, m) - 0.5).astype(kind)
    right = (numbers(seed + 1, m, width) - 0.5).astype(kind)
    fast_sum = numbers(seed + 2, n, width).astype(kind)
    slow_sum = fast_sum.copy()
    fast.add_product(left, right, fast_sum)
    naive.add_product(left, right, slow_sum)
    # Compilers may not fuse or reorder: every bit, not a tolerance.
    assert fast_sum.tobytes() == slow_sum.tobytes()


@given(st.integers(1, 9), st.integers(2, 20), st.integers(0, 99))
def test_channel_counts(n, n_classes, seed):
    probs = numbers(seed, n, n_classes).astype(np.float32)
    first = seed % n_classes
    labels = np.random.default_rng(seed).integers(first, n_classes, n).astype(np.int32)
    other, own = numbers(seed + 1, n_classes, n_classes), numbers(seed + 2, n_classes)
    np.fill_diagonal(other, 0.0)
    counts, slow_counts = (np.zeros((n_classes - first, n_classes)) for _ in range(2))
    wrong = fast.channel_counts(probs, labels, first, other, own, counts)
    slow = naive.channel_counts(probs, labels, first, other, own, slow_counts)
    assert wrong == pytest.approx(slow, abs=1e-12)
    np.testing.assert_allclose(counts, slow_counts, rtol=1e-12)
    np.fill_diagonal(other, own)
    assert (counts * other[first:]).sum() == pytest.approx(n)


@given(st.integers(0, 9), st.integers(2, 6), st.integers(0, 99))
def test_other_sums_to_the_last_bit(n, n_classes, seed):
    probs, before = (numbers(seed, n, n_classes).astype(np.float32) for _ in range(2))
    labels = np.random.default_rng(seed).integers(0, n_classes, n).astype(np.int32)
    weights, sums, slow = numbers(seed + 1, n_classes), np.empty(n), np.empty(n)
    fast.other_sums(probs, labels, weights, sums)
    naive.other_sums(before, labels, weights, slow)
    assert sums.tobytes() == slow.tobytes()
    assert probs.tobytes() == before.tobytes()


@given(st.integers(0, 5), st.integers(1, 9), st.integers(0, 99))
def test_renew_channel(n, n_classes, seed):
    first = seed % n_classes
    n = min(n, n_classes - first)
    counts, before = numbers(seed, n, n_classes), numbers(seed + 1, n, n_classes)
    before[np.arange(n), first + np.arange(n)] = 0.0
    true, flat, share, moved = numbers(seed + 2, 4, n_classes)
    rest = before, first, numbers(seed + 3, n), true, flat, share
    slow_counts, slow_moved = counts.copy(), moved.copy()
    fast.renew_channel(counts, *rest, moved)
    naive.renew_channel(slow_counts, *rest, slow_moved)
    assert counts.tobytes() == slow_counts.tobytes()
    assert moved.tobytes() == slow_moved.tobytes()


@given(st.integers(0, 9), st.integers(1, 9), st.integers(0, 99))
def test_power_sums(n, n_classes, seed):
    of_z, of_g = (numbers(seed + at, at, n_classes, n).astype(np.float32) for at in (2, 3))
    pairs = np.array([[0, 0], [0, 2], [1, 1]])
    weights, room = numbers(seed, n_classes, n), np.ones((4, 3, n))
    fast.power_sums(of_z, of_g, pairs, weights, room[0], room[1])
    naive.power_sums(of_z, of_g, pairs, weights, room[2], room[3])
    np.testing.assert_allclose(room[:2], room[2:], rtol=1e-12)
