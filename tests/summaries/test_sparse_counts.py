from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.summaries.sparse_counts import SparseCounts

keys = st.lists(st.integers(0, 20), max_size=15)


def counted(found: list[int]) -> SparseCounts:
    return SparseCounts.of_keys(np.array(found, np.int64), np.ones(len(found), np.int64))


@given(keys, keys)
def test_sums_are_those_of_a_counter(one, other):
    both = counted(one) + counted(other)
    expected = Counter(one + other)
    assert both.keys.tolist() == sorted(expected)
    assert dict(zip(both.keys.tolist(), both.counts.tolist(), strict=True)) == dict(expected)
    wanted = np.arange(22)
    assert both.at(wanted).tolist() == [expected[key] for key in range(22)]


def test_dense_parts_are_joined():
    parts = [
        SparseCounts.of_dense(np.array([0, 2, 1]), 10),
        SparseCounts.of_dense(np.array([0, 0]), 13),
        SparseCounts.of_dense(np.array([4]), 15),
    ]
    joined = SparseCounts.joined(parts)
    assert joined.keys.tolist() == [11, 12, 15]
    assert joined.counts.tolist() == [2, 1, 4]
    assert SparseCounts.joined([]).keys.tolist() == []
