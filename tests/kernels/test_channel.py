from __future__ import annotations

import math

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


@given(st.integers(0, 9), st.integers(0, 140), st.integers(1, 9), st.integers(0, 99))
def test_add_product(n, m, width, seed):
    left, right = numbers(seed, n, m) - 0.5, numbers(seed + 1, m, width) - 0.5
    fast_sum, slow_sum = numbers(seed + 2, n, width), numbers(seed + 2, n, width)
    fast.add_product(left, right, fast_sum)
    naive.add_product(left, right, slow_sum)
    # Compilers may not fuse or reorder: every bit, not a tolerance.
    assert fast_sum.tobytes() == slow_sum.tobytes()


@given(st.integers(0, 21), st.integers(0, 99))
def test_three_sums(n, seed):
    arrays = [numbers(seed + at, n) for at in range(3)]
    assert fast.three_sums(*arrays) == pytest.approx(naive.three_sums(*arrays), rel=1e-14)


@given(st.integers(1, 9), st.integers(2, 20), st.integers(0, 99))
def test_channel_counts(n, n_classes, seed):
    probs = numbers(seed, n, n_classes)
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
def test_rate_errors_to_the_last_bit(n, n_classes, seed):
    probs, before = numbers(seed, n, n_classes), numbers(seed, n, n_classes)
    labels = np.random.default_rng(seed).integers(0, n_classes, n).astype(np.int32)
    other, own = numbers(seed + 1, n_classes), numbers(seed + 2, n_classes)
    wrong = fast.rate_errors(probs, labels, other, own)
    assert wrong == naive.rate_errors(before, labels, other, own)
    assert probs.tobytes() == before.tobytes()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_leading_three(row):
    array = np.array(row, np.float64)
    assert fast.leading_three(array) == naive.leading_three(array)


@given(st.floats(1e-200, 1e3), st.floats(-800, 0))
def test_log_share(rest, log_own):
    own = math.exp(log_own)
    found = fast.log_share(rest, own, log_own)
    assert found == pytest.approx(naive.log_share(rest, own, log_own), rel=1e-12, abs=1e-300)


def test_log_share_does_not_saturate():
    assert fast.log_share(1e-20, 1.0, 0.0) == pytest.approx(-1e-20, rel=1e-12)
    assert fast.log_share(1.0, 0.0, -5000.0) == -5000.0
    assert fast.log_share(0.0, 0.0, -5000.0) == 0.0


@given(st.integers(0, 8), st.integers(2, 6), st.booleans(), st.integers(0, 99))
def test_score_rows(n, n_classes, square, seed):
    rng = np.random.default_rng(seed)
    sharp = np.exp(np.round(rng.normal(0, 3, (n, n_classes))))
    sharp /= sharp.max(axis=1, keepdims=True, initial=1e-9)
    labels = rng.integers(-1, n_classes, n).astype(np.int32)
    log_given = np.log(sharp[np.arange(n), labels])
    others = np.round(rng.random((2, n_classes if square else 1, n_classes)), 1) + 0.1
    owns = np.round(rng.random((2, n_classes)), 1) + 0.1
    found, slow = ((np.ones((n, 6)), np.ones((n, 4), np.int32)) for _ in range(2))
    channels = (others, owns, np.log(owns))
    naive.score_rows(sharp, log_given, labels, *channels, *slow)
    fast.score_rows(sharp.copy(), log_given, labels, *channels, *found)
    np.testing.assert_allclose(found[0], slow[0], rtol=1e-10, atol=1e-13)
    assert found[1].tolist() == slow[1].tolist()
